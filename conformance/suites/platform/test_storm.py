"""BIZ-KPI-09 and BIZ-KPI-10: a fleet after a restart of the platform, and its members that fall silent."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.fleet import Fleet
from conformance.peers.platform.fleet_samples import Outcome, Sample, What, busiest_second, of_kind, percentile
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.fleet_steps import FleetOwner, a_fleet, attach_all, declared_capacity, kpi_figures


def spread(fleet: Fleet, count: int) -> list[str]:
    """DevIDs of so many members, evenly spread over the fleet."""
    members = fleet.order.members
    return [
        f"{fleet.order.prefix}{place * members // count:0{fleet.order.digits}d}" for place in range(min(count, members))
    ]


@verifies("BIZ-KPI-09")
async def test_return_after_a_restart(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """Everybody loses the connection at once and comes back as the device side of the specification says."""
    limit = limits("BIZ-KPI-09")
    check.step("s1")
    owner = FleetOwner(platform)
    await owner.log_in()
    async with a_fleet(platform, int(limit.members.number)) as fleet:
        members = fleet.order.members
        report = await attach_all(platform, fleet, limit.attach_wait)
        looked_at = spread(fleet, int(limit.looked_at.number))
        shown = await owner.until(looked_at, True, limit.settle.seconds)
        there = report.state.online == members and set(shown.values()) == {True}
        if not check.control(there, say(f"{report.state.online} 台在线: {shown}", f"{report.state.online}: {shown}")):
            return
        check.step("s2")
        await platform.control.do("restart", part="access")
        samples: list[Sample] = []
        lost = 0
        until = platform.wire.now() + limit.settle.seconds
        while lost < members and platform.wire.now() < until:
            begun = await fleet.hold(fleet.order.lost_pause[0])
            samples += begun.samples
            lost = begun.state.lost - report.state.lost
        if not check.control(lost == members, say(f"{lost} 台掉线", f"{lost} devices lost their connection")):
            return
        check.step("s3")
        back = await fleet.until_online(limit.back_within.seconds)
        samples += back.samples
        returns = list(of_kind(samples, What.BACK))
        starts = [sample.start for sample in of_kind(samples, What.LOGIN)]
        shortest, longest = fleet.order.lost_pause
        busiest = busiest_second(starts) * (longest - shortest) / members
        calm = say(f"任一秒的登录最多为均值的 {busiest:.2f} 倍", f"the busiest second has {busiest:.2f} times the mean")
        check.control(busiest <= limit.busiest.number, calm)
        check.figures["return"] = kpi_figures(platform, fleet, back)
        check.figures["back_seconds"] = [round(sample.seconds, 2) for sample in returns]
        away = say(f"未回: {back.state.away}", f"still away: {back.state.away}")
        everybody = say("全部设备重新在线", "every device is online again")
        check.true("BIZ-KPI-09", back.state.online == members, everybody, away)
        slowest = percentile([sample.seconds for sample in returns], 100)
        about = say(f"{len(returns)} 台设备中最慢的一台", f"the slowest of {len(returns)} devices")
        check.within("BIZ-KPI-09", slowest, limit.back_within, about)
        check.step("s4")
        await _all_answered(check, platform, fleet)
        shown = await owner.until(looked_at, True, limit.settle.seconds)
        online = say("客户端接口显示在线", "the client interface shows them online")
        check.equal("BIZ-KPI-09", [i for i, state in shown.items() if state is not True], [], online)


async def _all_answered(check: Checks, platform: PlatformBench, fleet: Fleet) -> None:
    """Each member sends a heartbeat, and each one is answered."""
    await fleet.hold(0.0)
    report = await fleet.hold(2 * fleet.order.interval)
    good = {s.member for s in of_kind(report.samples, What.HEARTBEAT) if s.outcome is Outcome.OK}
    unanswered = sorted(set(range(fleet.order.members)) - good)
    check.figures["heartbeats"] = kpi_figures(platform, fleet, report)
    about = say("心跳未得到应答的设备", "members whose heartbeat was not answered")
    check.equal("BIZ-KPI-09", unanswered[:20], [], about)


@verifies("BIZ-KPI-10")
async def test_silent_members(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """The last ones of a large fleet fall silent behind connections that stay open."""
    limit, (capacity, declared) = limits("BIZ-KPI-10"), declared_capacity(platform)
    check.step("s1")
    owner = FleetOwner(platform)
    await owner.log_in()
    async with a_fleet(platform, int(limit.members.number)) as fleet:
        members, count = fleet.order.members, int(limit.silent.number)
        report = await attach_all(platform, fleet, limit.attach_wait)
        silent = [declared.device_id(number) for number in range(members - count, members)]
        shown = await owner.until(silent, True, limit.settle.seconds)
        there = report.state.online == members and set(shown.values()) == {True}
        if not check.control(there, say(f"{report.state.online} 台在线: {shown}", f"{report.state.online}: {shown}")):
            return
        check.step("s2")
        before = await fleet.silence(members - count, count)
        scale = platform.loaded.declaration.timers.scale
        allowed = platform.declared.offline_within * scale + limit.tolerance.seconds
        begun = platform.wire.now()
        check.step("s3")
        shown = await owner.until(silent, False, allowed)
        check.figures["offline_after_s"] = round(platform.wire.now() - begun, 2)
        offline = say("静默设备显示离线", "the silent devices are shown offline")
        check.equal("BIZ-KPI-10", [i for i, state in shown.items() if state is not False], [], offline)
        after = await fleet.hold(capacity.interval)
        lost = say("其余设备中掉线的数目", "devices lost among the others")
        check.equal("BIZ-KPI-10", after.state.lost - before.state.lost, 0, lost)
        check.step("s4")
        await fleet.speak(members - count, count)
        back = await fleet.until_online(fleet.order.lost_pause[1] + limit.settle.seconds)
        shown = await owner.until(silent, True, limit.settle.seconds)
        again = say("恢复后重新在线", "online again when they are heard")
        check.equal("BIZ-KPI-10", [i for i, state in shown.items() if state is not True], [], again)
        check.figures["silent"] = kpi_figures(platform, fleet, back)

"""BIZ-KPI-05, BIZ-KPI-06 and BIZ-KPI-08: the declared numbers, proved by a fleet."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.fleet_samples import Sample, What, of_kind, summary
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.capacity_steps import entries, hold, knee
from conformance.suites.platform.fleet_steps import a_fleet, attach_all, declared_capacity, kpi_figures


@verifies("BIZ-KPI-05")
async def test_registration_rate(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """In steps, at the declared rate of logins; what happened is computed from every single attempt."""
    limit, (capacity, _) = limits("BIZ-KPI-05"), declared_capacity(platform)
    samples: list[Sample] = []
    check.step("s1")
    async with a_fleet(platform, capacity.devices) as fleet:
        members, steps = fleet.order.members, int(limit.steps.number)
        for step in range(steps):
            first, beyond = members * step // steps, members * (step + 1) // steps
            seconds = (beyond - first) / capacity.logins_per_second + limit.attach_wait.seconds
            report = await fleet.attach(first, beyond - first, per_second=capacity.logins_per_second, within=seconds)
            samples += report.samples
            if not report.state.online:
                break
        check.figures["registration"] = kpi_figures(platform, fleet, report)
    check.step("s2")
    found = summary(entries(samples), limit.answer.seconds)
    check.figures["attempts"] = found.as_figures()
    check.figures["online_percent"] = round(100 * report.state.online / members, 3)
    check.figures["drop_percent"] = round(100 * report.state.lost / members, 3)
    about = say(f"{found.count} 次注册与登录的成功率", f"share of good ones of {found.count} registrations and logins")
    check.within("BIZ-KPI-05", 100.0 - found.error_rate, limit.success, about)
    online = say(f"{members} 台设备的在线率", f"share of {members} devices that are online")
    check.within("BIZ-KPI-05", 100.0 * report.state.online / members, limit.success, online)


@verifies("BIZ-KPI-06")
async def test_declared_capacity(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """Up to the declared numbers in levels, then beyond them for the knee."""
    limit, (capacity, _) = limits("BIZ-KPI-06"), declared_capacity(platform)
    longest, seconds, levels = limit.answer.seconds, limit.hold.seconds, []
    check.step("s1")
    async with a_fleet(platform, capacity.devices) as fleet:
        members, steps = fleet.order.members, int(limit.steps.number)
        wait = members / steps / capacity.logins_per_second + limit.attach_wait.seconds
        for step in range(steps):
            first, beyond = members * step // steps, members * (step + 1) // steps
            report = await fleet.attach(first, beyond - first, per_second=capacity.logins_per_second, within=wait)
            if not report.state.complete:
                await fleet.until_online(limit.attach_wait.seconds)
            level, report = await hold(fleet, capacity.interval, seconds, longest)
            levels.append(level)
            if level.members < beyond:
                break
        check.figures["capacity"] = kpi_figures(platform, fleet, report)
        there = say(f"{level.members} 台设备在线，应为 {members}", f"{level.members} devices online of {members}")
        check.true("BIZ-KPI-06", level.members == members, say("全部设备在线", "every device is online"), there)
        able = level.cores <= limit.bench_load.number and level.due >= level.wanted * limit.rate_kept.number / 100
        sent = say(
            f"设备群占用 {level.cores:.2f} 个处理器核，每秒 {level.due:.0f} 次心跳到时",
            f"the fleet takes {level.cores:.2f} processor cores and gets round to {level.due:.0f} heartbeats a second",
        )
        check.control(able and level.beats.count > 0, sent)
        check.step("s2")
        about = say(f"{level.beats.count} 次心跳的错误率", f"error rate of {level.beats.count} heartbeats")
        check.within("BIZ-KPI-06", level.beats.error_rate, limit.error_rate, about)
        kept = 100.0 * level.kept / (members / capacity.interval)
        answered = say("得到应答的心跳占声明速率的比例", "answered heartbeats as a share of the declared rate")
        check.within("BIZ-KPI-06", kept, limit.rate_kept, answered)
        check.step("s3")
        interval = capacity.interval
        for _ in range(int(limit.beyond.number)):
            interval /= limit.beyond_factor.number
            beyond_level, _ = await hold(fleet, interval, seconds, longest)
            levels.append(beyond_level)
    found = knee(levels, limit.error_rate.number, limit.knee_factor.number)
    check.figures["levels"] = [one.as_figures() for one in levels]
    check.figures["knee"] = found.as_figures() if found else f"not reached at {levels[-1].wanted:.0f} heartbeats/s"


@verifies("BIZ-KPI-08")
async def test_impaired_network(platform: PlatformBench, check: Checks, limits: Limits) -> None:
    """A small fleet over a slow, unsteady and lossy network."""
    limit = limits("BIZ-KPI-08")
    check.step("s1")
    async with a_fleet(platform, int(limit.members.number)) as fleet:
        report = await attach_all(platform, fleet, limit.attach_wait)
        seen = say(f"{report.state.online} 台在线", f"{report.state.online} online")
        everybody = say("全部设备在线", "every device is online")
        check.true("BIZ-KPI-08", report.state.online == fleet.order.members, everybody, seen)
        check.step("s2")
        held = await fleet.hold(max(limit.hold.seconds, fleet.order.interval))
        beats = summary(of_kind(held.samples, What.HEARTBEAT), limit.answer.seconds)
        check.figures["impaired"] = kpi_figures(platform, fleet, held)
        about = say(f"{beats.count} 次心跳的错误率", f"error rate of {beats.count} heartbeats")
        check.within("BIZ-KPI-08", beats.error_rate, limit.error_rate, about)
        lost = held.state.lost - report.state.lost
        check.equal("BIZ-KPI-08", lost, 0, say("掉线的设备数", "devices that were lost"))

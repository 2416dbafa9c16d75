"""IF-REG-05 and what belongs to it: how long a device waits after failures, refusals and lost connections."""

from __future__ import annotations

import itertools

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, refuse
from conformance.peers.group import GroupPlatform
from conformance.peers.province import Province
from conformance.peers.registrar import UNKNOWN_DEVICE, WRONG_KEY, Registrar
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.bad_http_answers import NAMES, Trap, bad_answer
from conformance.suites.camera.registration_steps import arrival, longest, online, restart
from conformance.wire import Wire
from specs.model import Text


@verifies("IF-REG-05")
async def test_back_off_after_failed_connections(
    province: Province, registrar: Registrar, check: Checks, limits: Limits
) -> None:
    """Pauses between failed connections to the registration server are random and within their limits."""
    limit, refusal = limits("IF-REG-05"), limits("IF-REG-05a")
    check.step("s1")
    registrar.accepting = False
    seen = len(registrar.attempts)
    await restart(province)
    check.step("s2")
    times = [await registrar.attempts.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))]
    for _ in range(int(limit.pauses.number)):
        at = await arrival(registrar.attempts, seen + len(times) + 1, longest(refusal.pause_max))
        if at is None or (len(times) == 1 and refusal.pause_min.holds(at - times[0])):
            break
        times.append(at)
    check.step("s3")
    pauses = [b - a for a, b in itertools.pairwise(times)]
    if not pauses and len(registrar.attempts) > seen + 1:
        reason = say("设备把被复位的连接当作拒绝处理", "the device takes a connection that was reset for a refusal")
        check.inconclusive("IF-REG-05", reason)
        return
    if len(pauses) < limit.pauses.number:
        check.fail("IF-REG-05", say("设备不断重试", "the device tries again and again"), f"{len(times)} attempts")
    for pause in pauses:
        check.within("IF-REG-05", pause, limit.pause_min, say("重试间隔", "pause"))
        check.within("IF-REG-05", pause, limit.pause_max, say("重试间隔", "pause"))
    if pauses:
        about = say("最长与最短间隔之差", "longest less shortest pause")
        check.within("IF-REG-05", max(pauses) - min(pauses), limit.spread, about)
    check.step("s4")
    registrar.accepting = True
    check.control(
        await online(province, longest(refusal.pause_max)) is not None, say("恢复后上线", "online afterwards")
    )


@verifies("IF-REG-05a", "IF-REG-02d")
async def test_refused_registration(
    province: Province, registrar: Registrar, wire: Wire, check: Checks, limits: Limits
) -> None:
    """A refused registration and one with an unusable answer are tried again after the long pause only."""
    limit, unusable = limits("IF-REG-05a"), limits("IF-REG-02d")
    trap = await Trap(wire, province.primary.host).set()
    case = wire.random.choice(NAMES)
    bad = bad_answer(
        case,
        province.table,
        "REGISTER",
        trap.register_address,
        int(unusable.overlong.number),
        int(limits("IF-LOG-01a").unlisted_code.number),
    )
    check.step("s1")
    registrar.answer = refuse(WRONG_KEY)
    seen = len(registrar.received)
    await restart(province)
    first = await registrar.received.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))
    check.step("s2")
    registrar.answer = bad
    second = await arrival(registrar.received, seen + 2, longest(limit.pause_max))
    registrar.answer = changed()
    if second is None:
        for requirement in ("IF-REG-05a", "IF-REG-02d"):
            check.fail(requirement, say("退避后再次注册", "a new registration after the pause"), "silence")
        return
    third = await arrival(registrar.received, seen + 3, longest(limit.pause_max))
    about = say(f"不可用应答 {case} 之后的等待", f"pause after the unusable answer {case}")
    _judge_pause(check, limits, "IF-REG-05a", second.at - first.at, say("Result 2 之后的等待", "pause after Result 2"))
    for requirement in ("IF-REG-05a", "IF-REG-02d"):
        _judge_pause(check, limits, requirement, third.at - second.at if third else None, about)
    check.equal("IF-REG-02d", trap.visits, [], say(f"对应答 {case} 中地址的访问", f"visits to the address of {case}"))
    check.step("s3")
    if third is not None:
        back = await online(province, province.limits["registration_wait"].seconds)
        check.control(back is not None, say("正常应答后上线", "online after a good answer"))
    trap.close()


def _judge_pause(check: Checks, limits: Limits, requirement: str, pause: float | None, about: Text) -> None:
    limit = limits("IF-REG-05a")
    if pause is None:
        check.fail(requirement, say("退避后重试", "another try after the pause"), say("未重试", "none"), about)
        return
    check.within(requirement, pause, limit.pause_min, about)
    check.within(requirement, pause, limit.pause_max, about)


@pytest.mark.long
@verifies("IF-REG-02c", "IF-REG-02d")
async def test_group_is_asked_again(
    province: Province, registrar: Registrar, group: GroupPlatform, wire: Wire, check: Checks, limits: Limits
) -> None:
    """Refused as unknown again and again the device asks the group, and takes no unusable answer from it."""
    limit, unusable = limits("IF-REG-02c"), limits("IF-REG-02d")
    pause = longest(limit.refusal_pause_max)
    trap = await Trap(wire, province.primary.host).set()
    case = wire.random.choice(NAMES)
    unlisted = int(limits("IF-LOG-01a").unlisted_code.number)
    check.step("s1")
    registrar.answer = refuse(UNKNOWN_DEVICE)
    group.answer = bad_answer(
        case, province.table, "REDIRECT", trap.redirect_address, int(unusable.overlong.number), unlisted
    )
    seen, asked = len(registrar.received), len(group.received)
    await restart(province)
    await registrar.received.reach(seen + 1, longest(limits("IF-REG-02b").back_online_within))
    check.step("s2")
    refusals = int(limit.refusals.number)
    first = await arrival(group.received, asked + 1, pause * refusals)
    about = say("重新询问集团之前被拒绝的注册数", "registrations refused before the group was asked")
    if not check.equal("IF-REG-02c", (len(registrar.received) - seen, first is not None), (refusals, True), about):
        check.inconclusive("IF-REG-02d", say("设备未请求重定向", "the device asked for no redirect"))
        if first is None:
            return
    assert first is not None
    registrar.answer = group.answer = changed()
    await registrar.stop()
    await registrar.start(registrar.host, 0)
    second = await arrival(group.received, asked + 2, pause)
    about = say(f"不可用应答 {case} 之后的等待", f"pause after the unusable answer {case}")
    _judge_pause(check, limits, "IF-REG-02d", second.at - first.at if second else None, about)
    check.equal("IF-REG-02d", trap.visits, [], say(f"对应答 {case} 中地址的访问", f"visits to the address of {case}"))
    check.step("s3")
    back = await online(province, province.limits["registration_wait"].seconds)
    check.true("IF-REG-02c", back is not None, say("在新的省平台上线", "online at the new province platform"))
    trap.close()


@verifies("IF-REG-05b")
async def test_pauses_before_reconnecting(province: Province, check: Checks, limits: Limits) -> None:
    """Pauses before a new signalling connection grow with each failure and begin anew once the device is online."""
    limit, primary, wire = limits("IF-REG-05b"), province.primary, province.wire
    link = await province.online()
    check.step("s1")
    primary.on_link = province.backup.on_link = lambda fresh: fresh.close()
    seen, times = len(primary.attempts), [wire.now()]
    link.close()
    check.step("s2")
    losses = int(limit.losses.number)
    for number in range(losses):
        if number == losses - 1:
            primary.on_link = province.backup.on_link = None
        at = await arrival(primary.attempts, seen + number + 1, longest(limit.pause_max))
        if at is None:
            check.fail("IF-REG-05b", say("设备不断重连", "the device connects again and again"), f"{number} attempts")
            break
        times.append(at)
    check.step("s3")
    pauses = [b - a for a, b in itertools.pairwise(times)]
    shown = " ".join(f"{pause:.3f}" for pause in pauses)
    if pauses:
        about = say("首次重连前的等待", "pause before the first reconnect")
        check.within("IF-REG-05b", pauses[0], limit.first_pause_min, about)
        check.within("IF-REG-05b", pauses[0], limit.first_pause_max, about)
        least = min(pauses[0] * limit.growth.number ** (len(pauses) - 1), limit.pause_max.number)
        check.true("IF-REG-05b", pauses[-1] >= least, say("间隔逐次增大", "the pauses grow"), f"{shown} s")
        check.within("IF-REG-05b", max(pauses), limit.pause_max, say("最长间隔", "longest pause"))
    check.step("s4")
    back = await online(province, longest(limit.pause_max))
    check.control(back is not None, say("恢复后上线", "online afterwards"))
    if back is None:
        return
    seen, lost = len(primary.attempts), wire.now()
    back.abort()
    at = await arrival(primary.attempts, seen + 1, longest(limit.pause_max))
    about = say("上线后再次断开的首次等待", "first pause after having been online")
    check.within("IF-REG-05b", (at or lost + limit.pause_max.seconds) - lost, limit.first_pause_max, about)

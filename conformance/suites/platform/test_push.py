"""IF-CLI-07, BIZ-ALM-09, BIZ-ALM-10, BIZ-KPI-04a: whom the platform pushes to, what holds it up, how long it takes."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.network_profile import network_profile
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.fleet_samples import percentile
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.push_sink import Manners, PushBox, PushSink
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import (
    ALARM,
    DIGITAL_INPUT,
    INFRARED,
    KINDS,
    MANUAL,
    MOTION,
    Bell,
    arrival,
    arrived,
    bell_of,
    heartbeat_answered,
    listening,
    silent,
)
from conformance.suites.platform.client_steps import accepted, good, other_owner

AWAY = 503
MANY = 1000


@verifies("IF-CLI-07")
async def test_registration(
    platform: PlatformBench, owner: Phone, phones: Phones, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Two phones of one owner; one changes its address, goes, comes back, logs out; its token is taken by another."""
    limit = limits("IF-CLI-07")
    bell = await bell_of(platform, check, owner, "IF-CLI-07", limit.apart)
    if bell is None or owner.user is None:
        return
    second = await phones.logged_in(owner.user)
    async with listening(check, push, owner) as (steady,):
        check.step("s1")
        old = push.box()
        good(check, await second.call("registerPush", old.registration), "registerPush")
        rung = await bell.rung(check, MOTION)
        both = [await arrival(box, rung, limit.arrive.seconds) is not None for box in (steady, old)]
        if not check.control(all(both), say("两部手机均收到", "both phones get the alarm")):
            return
        check.step("s2")
        new = push.box(old.token)
        accepted(check, "IF-CLI-07", await second.call("registerPush", new.registration), "another address")
        await _only(check, bell, limit, INFRARED, [steady, new], [old], "another address")
        check.step("s3")
        accepted(check, "IF-CLI-07", await second.call("forgetPush"), "forgetPush")
        await _only(check, bell, limit, MANUAL, [steady], [old, new], "removed")
        check.step("s4")
        last = push.box()
        good(check, await second.call("registerPush", last.registration), "registerPush")
        accepted(check, "IF-CLI-07", await second.call("logout"), "logout")
        await _only(check, bell, limit, DIGITAL_INPUT, [steady], [old, new, last], "logged out")
        check.step("s5")
        await _taken_over(check, phones, push, bell, limit, steady)


async def _taken_over(
    check: Checks, phones: Phones, push: PushSink, bell: Bell, limit: Limits, steady: PushBox
) -> None:
    """Another owner registers the token of the phone: it is in other hands now."""
    stranger = other_owner(phones, check, "IF-CLI-07")
    if stranger is None:
        return
    other = await phones.logged_in(stranger)
    taken = push.box(steady.token)
    accepted(check, "IF-CLI-07", await other.call("registerPush", taken.registration), "the token of the first phone")
    await _only(check, bell, limit, MOTION, [], [steady, taken], "a token in other hands")
    good(check, await other.call("forgetPush"), "forgetPush")


async def _only(
    check: Checks, bell: Bell, limit: Limits, kind: int, there: list[PushBox], gone: list[PushBox], about: str
) -> None:
    """An alarm reaches some places and not the others."""
    rung = await bell.rung(check, kind)
    for box in there:
        await arrived(check, "IF-CLI-07", box, rung, limit.arrive, about)
    await bell.device.wire.sleep(limit.settle.seconds)
    for box in gone:
        silent(check, "IF-CLI-07", box, rung, about)


@verifies("BIZ-ALM-09")
async def test_broken_gateways(
    platform: PlatformBench, owner: Phone, phones: Phones, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Several phones of the user are at a gateway that does not answer, refuses, drops; one is well."""
    limit = limits("BIZ-ALM-09")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-09", limit.apart)
    if bell is None or owner.user is None:
        return
    broken = [await phones.logged_in(owner.user) for _ in range(int(limit.broken.number))]
    async with listening(check, push, *broken, owner) as boxes:
        check.step("s2")
        well = boxes[-1]
        rung = await bell.rung(check, KINDS[0])
        seen = await arrival(well, rung, limit.arrive.seconds)
        if not check.control(
            seen is not None, say("网关正常时推送到达", "the push arrives while all gateways are well")
        ):
            return
        for step, about, manners in (
            ("s2", "no answer", Manners(hanging=True)),
            ("s4", "refused", Manners(refusals=MANY)),
            ("s4", "dropped", Manners(dropping=True)),
        ):
            check.step(step)
            for box in boxes[:-1]:
                box.manners = manners
            for kind in KINDS[1:3]:
                rung = await bell.rung(check, kind)
                await arrived(check, "BIZ-ALM-09", well, rung, limit.arrive, about)
            check.step("s3" if step == "s2" else step)
            await _served(check, owner, bell, limit, about)


async def _served(check: Checks, owner: Phone, bell: Bell, limit: Limits, about: str) -> None:
    """The client and the device interface answer as before."""
    begun = owner.wire.now()
    reply = await owner.call("terminalShow", terminal=bell.device.identity.dev_id)
    accepted(check, "BIZ-ALM-09", reply, about)
    check.within("BIZ-ALM-09", owner.wire.now() - begun, limit.answer, say("客户端查询", "a query of the client"))
    await heartbeat_answered(check, "BIZ-ALM-09", bell.device, limit.answer)


@verifies("BIZ-ALM-10")
async def test_tried_again(
    platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits
) -> None:
    """The gateway refuses the first push for the moment and takes the second."""
    limit = limits("BIZ-ALM-10")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-10")
    if bell is None:
        return
    async with listening(check, push, owner) as (box,):
        check.step("s1")
        box.manners.refusals, box.manners.kind = 1, ALARM
        await bell.rung(check)
        came = await box.reach_kind(ALARM, 1, limit.arrive.seconds)
        if not check.control(bool(came), say("首次推送到达", "the first push arrives")):
            return
        came = await box.reach_kind(ALARM, 2, limit.again.seconds)
        again = len(came) > 1
        expected = say(f"{limit.again} 内重试", f"it is tried again within {limit.again}")
        if not check.true("BIZ-ALM-10", again, expected, say("没有重试", "it is not") if not again else ""):
            return
        first, second = came[:2]
        check.equal("BIZ-ALM-10", second.content, first.content, say("重试的内容", "what is sent again"))
        check.step("s2")
        await platform.wire.sleep(limit.settle.seconds)
        answers = [pushed.status for pushed in box.received if pushed.told("kind") == ALARM]
        check.equal("BIZ-ALM-10", answers, [AWAY, 200], say("网关的应答", "answers of the gateway"))


@verifies("BIZ-KPI-04a")
async def test_time_to_the_push(
    platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Alarms of every type in rounds; device and gateway share the clock of the bench."""
    limit = limits("BIZ-KPI-04a")
    bell = await bell_of(platform, check, owner, "BIZ-KPI-04a", limit.apart)
    if bell is None:
        return
    async with listening(check, push, owner) as (box,):
        check.step("s1")
        rungs = [await bell.rung(check, KINDS[n % len(KINDS)]) for n in range(int(limit.samples.number))]
        check.step("s2")
        samples, lost = [], 0
        for place, rung in enumerate(rungs):
            later = next((other.at for other in rungs[place + 1 :] if other.kind == rung.kind), None)
            left = max(0.0, rung.at + limit.lost_after.seconds - platform.wire.now())
            pushed = await arrival(box, rung, left)
            if pushed is None or (later is not None and pushed.at > later):
                lost += 1
                samples.append(limit.lost_after.seconds)
            else:
                samples.append(pushed.at - rung.at)
        check.step("s3")
        ranks = {f"p{rank}": round(percentile(samples, rank), 4) for rank in (50, 95, 99, 100)}
        raw = {"samples": [round(sample, 4) for sample in samples]}
        check.figures["push"] = {
            "network": network_profile(platform.wire),
            "count": len(samples),
            "lost": lost,
            **ranks,
            **raw,
        }
        measured = percentile(samples, limit.percentile.number)
        rank = f"{limit.percentile.number:g}"
        about = say(
            f"{len(samples)} 次告警的第 {rank} 百分位，{lost} 次未到达",
            f"percentile {rank} of {len(samples)} alarms, {lost} of them lost",
        )
        check.within("BIZ-KPI-04a", measured, limit.push, about)

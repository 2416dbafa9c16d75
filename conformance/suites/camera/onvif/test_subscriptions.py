"""ONV-EVT: the life of pull points."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_events import Subscription, read_times, topic_filter
from conformance.protocols.ws_security import moment
from conformance.suites.camera.onvif.event_steps import (
    GLANCE,
    LIFE,
    MOTION,
    Motion,
    PullPoint,
    ask_pull,
    ask_pull_point,
    messages_of,
    motion_is,
    producers,
    pull_point,
    renewed,
    unsubscribe,
)
from conformance.suites.camera.onvif.service_steps import control_answer, judge_ok, offered
from specs.model import Limit

GONE = say("差错", "a fault")


def judge_lifetime(check: Checks, requirement: str, told: float | None, asked: float, tolerance: Limit) -> None:
    """The two times of an answer lie the asked lifetime apart."""
    held = told is not None and abs(told - asked) <= tolerance.number
    expected = say(
        f"终止时间在当前时间之后 {asked:g} s，偏差 {tolerance}", f"termination {asked:g} s after now, {tolerance} off"
    )
    check.true(requirement, held, expected, f"{told:g} s" if told is not None else "-")


@verifies("ONV-EVT-03")
async def test_pull_points(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Each request makes a pull point of its own with the life that was asked for."""
    if not offered(onvif, check, "events", "ONV-EVT-03"):
        return
    limit = limits("ONV-EVT-03")
    made: list[Subscription] = []
    for _ in range(2):
        check.step("s1")
        answer, subscription = await ask_pull_point(onvif, limit.lifetime.seconds)
        if not judge_ok(check, "ONV-EVT-03", answer):
            return
        check.step("s2")
        expected = say("应答含拉取点地址", "the answer holds the address of the pull point")
        if not check.true("ONV-EVT-03", subscription is not None, expected) or subscription is None:
            return
        judge_lifetime(check, "ONV-EVT-03", subscription.lifetime, limit.lifetime.seconds, limit.clock_tolerance)
        made.append(subscription)
    references = {(one.address, one.header) for one in made}
    expected = say("不同的引用", "different references")
    check.true("ONV-EVT-03", len(references) == len(made), expected, [one.address for one in made])


@verifies("ONV-EVT-07")
async def test_timeout(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Without messages a pull ends when its time is over, empty."""
    if not offered(onvif, check, "events", "ONV-EVT-07"):
        return
    check.step("s1")
    point = await pull_point(onvif, check)
    if point is None:
        return
    await point.drain()
    check.step("s2")
    limit, begun = limits("ONV-EVT-07"), onvif.wire.now()
    answer = await point.pull(limit.pull_time.seconds)
    took = answer.at - begun
    check.step("s3")
    if not judge_ok(check, "ONV-EVT-07", answer):
        return
    if messages_of(answer):
        check.inconclusive("ONV-EVT-07", say("其间有消息到达", "a message came in the meantime"))
        return
    lowest = limit.pull_time.seconds - limit.early_by.seconds
    check.true("ONV-EVT-07", took >= lowest, f">= {lowest:g} s", f"{took:.3g} s")
    late = max(0.0, took - limit.pull_time.seconds)
    check.within("ONV-EVT-07", late, limit.late_by, say("超过 Timeout", "beyond Timeout"))


@verifies("ONV-EVT-08")
async def test_renew(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Renew gives a new time, and the pull point goes on."""
    if not offered(onvif, check, "events", "ONV-EVT-08"):
        return
    check.step("s1")
    limit, point = limits("ONV-EVT-08"), await pull_point(onvif, check)
    if point is None:
        return
    check.step("s2")
    asked = limit.lifetime.seconds + LIFE
    answer = await renewed(onvif, point.subscription, asked)
    if answer.refused and await producers(onvif) in (None, "", "0"):
        why = say("设备未声明基本通知，不必支持续订", "no base notification is told, and Renew belongs to it")
        check.not_applicable("ONV-EVT-08", why)
        return
    if not judge_ok(check, "ONV-EVT-08", answer) or answer.body is None:
        return
    current, termination = read_times(answer.body)
    told = termination - current if current is not None and termination is not None else None
    judge_lifetime(check, "ONV-EVT-08", told, asked, limit.clock_tolerance)
    check.step("s3")
    judge_ok(check, "ONV-EVT-08", await point.pull(GLANCE), "PullMessages")


@verifies("ONV-EVT-16")
async def test_absolute_end(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The end as a moment of the device's own clock."""
    if not offered(onvif, check, "events", "ONV-EVT-16"):
        return
    check.step("s1")
    limit = limits("ONV-EVT-16")
    answer, relative = await ask_pull_point(onvif, limit.lifetime.seconds)
    if not control_answer(check, answer) or relative is None or relative.current is None:
        return
    check.step("s2")
    end = moment(relative.current + limit.lifetime.seconds)
    answer, made = await ask_pull_point(onvif, end)
    if not judge_ok(check, "ONV-EVT-16", answer, end):
        return
    check.step("s3")
    told = made.termination if made is not None else None
    held = told is not None and abs(told - relative.current - limit.lifetime.seconds) <= limit.clock_tolerance.number
    expected = say(f"终止时间 {end}，偏差 {limit.clock_tolerance}", f"terminates at {end}, {limit.clock_tolerance} off")
    check.true("ONV-EVT-16", held, expected, moment(told) if told is not None else "-")


@verifies("ONV-EVT-09")
async def test_expiry(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """After its time a pull point answers with a fault."""
    if not offered(onvif, check, "events", "ONV-EVT-09"):
        return
    check.step("s1")
    limit = limits("ONV-EVT-09")
    answer, made = await ask_pull_point(onvif, limit.short_life.seconds)
    if not control_answer(check, answer) or made is None:
        return
    # a device may give it a longer life than was asked for, and each pull may prolong it
    told = made.lifetime if made.lifetime is not None else limit.short_life.seconds
    if told > limit.short_life.seconds + limit.grace.seconds:
        check.inconclusive("ONV-EVT-09", say(f"存续时间被延长为 {told:g} s", f"its life was made {told:g} s long"))
        return
    control_answer(check, await ask_pull(onvif, made, 0.0, 1))
    check.step("s2")
    wire = onvif.wire
    ends = wire.now() + told + limit.grace.seconds
    await wire.sleep(told)
    while (late := await ask_pull(onvif, made, 0.0, 1)).fault is None and wire.now() < ends:
        await wire.sleep(onvif.limits["listening_step"].seconds)
    check.true("ONV-EVT-09", late.fault is not None, GONE, late.summary, "PullMessages")


@verifies("ONV-EVT-10")
async def test_unsubscribe(onvif: Onvif, check: Checks) -> None:
    """After Unsubscribe nothing answers there but faults."""
    if not offered(onvif, check, "events", "ONV-EVT-10"):
        return
    check.step("s1")
    point = await pull_point(onvif, check)
    if point is None:
        return
    control_answer(check, await point.pull(GLANCE))
    check.step("s2")
    if not judge_ok(check, "ONV-EVT-10", await unsubscribe(onvif, point.subscription)):
        return
    check.step("s3")
    await judge_gone(onvif, check, "ONV-EVT-10", point)


async def judge_gone(onvif: Onvif, check: Checks, requirement: str, point: PullPoint) -> None:
    """Pull, Renew and Unsubscribe are answered with a fault."""
    answers = {
        "PullMessages": await point.pull(GLANCE),
        "Renew": await renewed(onvif, point.subscription, LIFE),
        "Unsubscribe": await unsubscribe(onvif, point.subscription),
    }
    for operation, answer in answers.items():
        check.true(requirement, answer.fault is not None, GONE, answer.summary, operation)


@verifies("ONV-EVT-15")
async def test_waiting_pull(onvif: Onvif, check: Checks, limits: Limits, control: DeviceControl) -> None:
    """A pull that waits for a minute is answered when a motion begins."""
    if not offered(onvif, check, "events", "ONV-EVT-15"):
        return
    check.step("s1")
    point = await pull_point(onvif, check, topic_filter(MOTION))
    if point is None:
        return
    motion, limit = Motion(onvif, control), limits("ONV-EVT-15")
    await motion.set(on=False)
    await point.drain()
    check.step("s2")
    longest = limit.deliver_within.seconds + limit.deliver_within.uncertainty
    waiting = onvif.wire.spawn(
        point.pull(limit.pull_time.seconds, within=limit.pause.seconds + longest), "waiting pull"
    )
    await onvif.wire.sleep(limit.pause.seconds)
    held = not waiting.done()
    begun = onvif.wire.now()
    await motion.begin()
    answer = await waiting
    check.step("s3")
    expected = say("拉取被接受并等待", "the pull is accepted and waits")
    if not check.true("ONV-EVT-15", held, expected, answer.summary) or not judge_ok(check, "ONV-EVT-15", answer):
        return
    found = [str(message) for message in messages_of(answer)]
    moved = any(map(motion_is(True), messages_of(answer)))
    check.true("ONV-EVT-15", moved, say("移动侦测消息", "a motion message"), found or say("没有消息", "no message"))
    check.within("ONV-EVT-15", answer.at - begun, limit.deliver_within, "PullMessages")

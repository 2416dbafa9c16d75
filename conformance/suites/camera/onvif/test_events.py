"""ONV-EVT: topics, messages and filters of the event service."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.onvif.event_receiver import EventReceiver
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_events import CONCRETE, CONCRETE_SET, Notification, topic_filter
from conformance.suites.camera.onvif.event_steps import (
    GLANCE,
    MOTION,
    Motion,
    PullPoint,
    ask,
    ask_pull_point,
    ask_subscription,
    messages_of,
    motion_is,
    producers,
    properties,
    pull_point,
    unsubscribe,
)
from conformance.suites.camera.onvif.imaging_steps import source_tokens
from conformance.suites.camera.onvif.media_steps import Face
from conformance.suites.camera.onvif.profile_steps import SOURCE
from conformance.suites.camera.onvif.service_steps import judge_ok, offered

ARRIVES = say("移动侦测消息", "a motion message")
NOTHING = say("没有消息", "no message")
UNKNOWN_DIALECT = "urn:kandian:no-such-dialect"
NO_TOPIC = "tns1:KandianNone/NoSuchTopic"


@verifies("ONV-EVT-01")
async def test_event_properties(onvif: Onvif, check: Checks) -> None:
    """Topics, and the dialects that every device has."""
    if not offered(onvif, check, "events", "ONV-EVT-01"):
        return
    check.step("s1")
    if not judge_ok(check, "ONV-EVT-01", await ask(onvif, "GetEventProperties")):
        return
    check.step("s2")
    told = await properties(onvif)
    assert told is not None
    topics = [topic.path for topic in told.topics]
    check.true("ONV-EVT-01", bool(topics), say("非空的主题集", "a topic set that is not empty"), topics)
    for dialect in (CONCRETE, CONCRETE_SET):
        check.true("ONV-EVT-01", dialect in told.dialects, dialect, " ".join(told.dialects))


@verifies("ONV-EVT-02")
async def test_motion_topic(onvif: Onvif, check: Checks) -> None:
    """The motion alarm is described as a property with its items."""
    if not offered(onvif, check, "events", "ONV-EVT-02"):
        return
    check.step("s1")
    told = await properties(onvif)
    if not check.control(told is not None, say("得到主题集", "there is a topic set")) or told is None:
        return
    check.step("s2")
    topic = told.topic(MOTION)
    if not check.true("ONV-EVT-02", topic is not None, MOTION, [t.path for t in told.topics]) or topic is None:
        return
    check.true("ONV-EVT-02", topic.is_property, "IsProperty true", topic.is_property, MOTION)
    check.true("ONV-EVT-02", "Source" in topic.source, "SimpleItem Source", list(topic.source), MOTION)
    kind = topic.data.get("State", "-").rpartition(":")[2]
    check.equal("ONV-EVT-02", kind, "boolean", f"{MOTION}: State")


@verifies("ONV-EVT-04")
async def test_initial_state(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A new pull point tells the state of properties first."""
    if not offered(onvif, check, "events", "ONV-EVT-04"):
        return
    check.step("s1")
    point = await pull_point(onvif, check, topic_filter(MOTION))
    if point is None:
        return
    check.step("s2")
    within = limits("ONV-EVT-04").deliver_within
    found = await point.wait_for(lambda message: message.topic == MOTION, within.seconds + within.uncertainty)
    judge_message(check, "ONV-EVT-04", found, "Initialized")


def judge_message(check: Checks, requirement: str, found: Notification | None, operation: str) -> bool:
    """A motion message came and has this operation."""
    observed = str(found) if found is not None else NOTHING
    if not check.true(requirement, found is not None, ARRIVES, observed) or found is None:
        return False
    return check.equal(requirement, found.operation, operation, "PropertyOperation")


@verifies("ONV-EVT-05")
async def test_motion_alarm(onvif: Onvif, check: Checks, limits: Limits, control: DeviceControl) -> None:
    """A motion arrives at the pull point, whole."""
    if not offered(onvif, check, "events", "ONV-EVT-05"):
        return
    check.step("s1")
    point = await pull_point(onvif, check, topic_filter(MOTION))
    if point is None:
        return
    motion, within = Motion(onvif, control), limits("ONV-EVT-05").deliver_within
    await motion.set(on=False)
    await point.drain()
    check.step("s2")
    await motion.begin()
    check.step("s3")
    found = await point.wait_for(motion_is(True), within.seconds + within.uncertainty)
    if not judge_message(check, "ONV-EVT-05", found, "Changed") or found is None:
        return
    check.true("ONV-EVT-05", found.at is not None, say("UtcTime 为时间", "UtcTime is a time"), found.at or "-")
    expected = say("存在的视频源或视频源配置", "a video source or video source configuration that exists")
    known = await video_tokens(onvif, check)
    check.true("ONV-EVT-05", found.source.get("Source", "") in known, expected, dict(found.source))


async def video_tokens(onvif: Onvif, check: Checks) -> set[str]:
    """Tokens of the video sources and of their configurations."""
    face = Face(onvif, check, "media" if onvif.has("media") else "media2")
    parts = {profile.part(SOURCE) for profile in await face.profiles()}
    return {*await source_tokens(onvif, check), *parts} - {""}


@verifies("ONV-EVT-06")
async def test_message_limit(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """No more messages than asked for, and none is lost."""
    if not offered(onvif, check, "events", "ONV-EVT-06"):
        return
    check.step("s1")
    whole, point = await pull_point(onvif, check), await pull_point(onvif, check)
    if whole is None or point is None:
        return
    everything = [message.topic for message in await whole.drain()]
    if len(everything) < 2:
        check.inconclusive("ONV-EVT-06", say("初始消息少于两条", "there are less than two messages to begin with"))
        return
    check.step("s2")
    got: list[str] = []
    within = limits("ONV-EVT-06").deliver_within.seconds
    for number in range(len(everything)):
        answer = await point.pull(within if number == 0 else GLANCE, 1)
        found = messages_of(answer)
        check.true("ONV-EVT-06", answer.ok and len(found) <= 1, "<= 1", len(found) if answer.ok else answer.summary)
        got += [message.topic for message in found]
    expected = say("逐次取得全部消息", "every message by one pull after the other")
    check.equal("ONV-EVT-06", sorted(got), sorted(everything), expected)


@verifies("ONV-EVT-11")
async def test_topic_filter(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Messages of the wanted topic only."""
    if not offered(onvif, check, "events", "ONV-EVT-11"):
        return
    check.step("s1")
    whole = await pull_point(onvif, check)
    if whole is None:
        return
    topics = sorted({message.topic for message in await whole.drain()})
    if len(topics) < 2:
        check.inconclusive("ONV-EVT-11", say("初始消息的主题少于两个", "the first messages have less than two topics"))
        return
    for wanted in topics:
        await _judge_filter(onvif, check, wanted, limits("ONV-EVT-11").deliver_within.seconds)


async def _judge_filter(onvif: Onvif, check: Checks, wanted: str, within: float) -> None:
    answer, made = await ask_pull_point(onvif, filtered=topic_filter(wanted))
    if not judge_ok(check, "ONV-EVT-11", answer, wanted) or made is None:
        return
    check.step("s2")
    point = PullPoint(onvif, made)
    await point.wait_for(lambda message: message.topic == wanted, within)
    await point.drain()
    check.step("s3")
    got = sorted({message.topic for message in point.taken})
    check.equal("ONV-EVT-11", got, [wanted], wanted)


def bad_filters() -> dict[str, str]:
    """Filters that no device can take, by what is wrong with them."""
    return {
        "dialect": topic_filter(MOTION, UNKNOWN_DIALECT),
        "topic": topic_filter(NO_TOPIC),
        "grammar": topic_filter("tns1:VideoSource//("),
        "prefix": topic_filter("nowhere:VideoSource/MotionAlarm"),
    }


@verifies("ONV-EVT-12")
async def test_bad_filters(onvif: Onvif, check: Checks) -> None:
    """A filter that means nothing makes no subscription."""
    if not offered(onvif, check, "events", "ONV-EVT-12"):
        return
    check.step("s1")
    told = await properties(onvif)
    topics = [topic.path for topic in told.topics] if told is not None else []
    if not check.control(bool(topics), say("得到主题集", "there is a topic set")):
        return
    good, _ = await ask_pull_point(onvif, filtered=topic_filter(topics[0]))
    check.control(good.ok, say(f"有效的过滤器 {good.summary}", f"a good filter {good.summary}"))
    check.step("s2")
    expected = say("差错，且没有订阅", "a fault, and no subscription")
    for about, filtered in bad_filters().items():
        answer, made = await ask_pull_point(onvif, filtered=filtered)
        check.true("ONV-EVT-12", answer.fault is not None and made is None, expected, answer.summary, about)


@verifies("ONV-EVT-13")
async def test_synchronization_point(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The state of properties is told again when it is asked for."""
    if not offered(onvif, check, "events", "ONV-EVT-13"):
        return
    check.step("s1")
    point = await pull_point(onvif, check, topic_filter(MOTION))
    if point is None:
        return
    first = await point.drain()
    check.control(bool(first), say("有初始状态", "there is an initial state"))
    check.step("s2")
    asked = await ask(onvif, "SetSynchronizationPoint", to=point.subscription)
    if not judge_ok(check, "ONV-EVT-13", asked):
        return
    check.step("s3")
    within = limits("ONV-EVT-13").deliver_within
    found = await point.wait_for(lambda message: message.topic == MOTION, within.seconds + within.uncertainty)
    check.true("ONV-EVT-13", found is not None, ARRIVES, str(found) if found else NOTHING)


@verifies("ONV-EVT-14")
async def test_base_notification(onvif: Onvif, check: Checks, limits: Limits, control: DeviceControl) -> None:
    """The device itself brings messages to our address, until the subscription ends."""
    if not offered(onvif, check, "events", "ONV-EVT-14"):
        return
    if await producers(onvif) == "0":
        check.not_applicable("ONV-EVT-14", say("设备不支持基本通知", "the device has no base notification"))
        return
    receiver = EventReceiver(onvif.wire, onvif.limits["answer_wait"].seconds)
    try:
        await receiver.open(onvif.url, onvif.limits["connect_wait"].seconds)
        await _judge_notify(onvif, check, limits, Motion(onvif, control), receiver)
    finally:
        receiver.close()


async def _judge_notify(onvif: Onvif, check: Checks, limits: Limits, motion: Motion, receiver: EventReceiver) -> None:
    limit = limits("ONV-EVT-14")
    check.step("s1")
    await motion.set(on=False)
    answer, made = await ask_subscription(onvif, receiver.url, filtered=topic_filter(MOTION))
    expected = say("订阅引用与两个时间", "a reference and both times")
    held = made is not None and made.lifetime is not None
    if not check.true("ONV-EVT-14", held, expected, answer.summary, "Subscribe") or made is None:
        return
    check.step("s2")
    await motion.begin()
    wire, within = onvif.wire, limit.deliver_within
    ends = wire.now() + within.seconds + within.uncertainty
    while not any(map(motion_is(True), receiver.messages)) and wire.now() < ends:
        await wire.sleep(onvif.limits["listening_step"].seconds)
    flaws = [notified.flaw for notified in receiver.received if notified.flaw]
    came = any(map(motion_is(True), receiver.messages))
    check.true("ONV-EVT-14", came, ARRIVES, flaws or [str(message) for message in receiver.messages][-3:] or NOTHING)
    check.step("s3")
    if not judge_ok(check, "ONV-EVT-14", await unsubscribe(onvif, made)):
        return
    await wire.sleep(limit.quiet_window.seconds)
    before = len(receiver.messages)
    await motion.set(on=False)
    await wire.sleep(limit.quiet_window.seconds)
    check.equal("ONV-EVT-14", len(receiver.messages), before, say("退订后的消息", "messages after Unsubscribe"))

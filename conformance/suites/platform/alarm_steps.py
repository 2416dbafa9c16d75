"""Steps that the suites of alarms, messages and push share: a device that rings, phones that listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.faults import NoAnswer
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.push_sink import PushBox, Pushed, PushSink
from conformance.suites.platform.client_steps import good
from conformance.suites.platform.device_steps import result, told
from conformance.suites.platform.test_anti_hotlink import camera_of
from specs.model import Limit

ALARM = "alarm"
MOTION, INFRARED, MANUAL, DIGITAL_INPUT = 1, 2, 3, 4
KINDS = (MOTION, INFRARED, MANUAL, DIGITAL_INPUT)
ALL = 100


@dataclass(frozen=True, slots=True)
class Rung:
    """An alarm that a device has reported. ``at``: seconds on the wire clock when it was sent; ``taken``: the platform
    has answered Result 0."""

    at: float
    terminal: str
    channel: int
    kind: int
    text: str
    taken: bool = True

    @property
    def elements(self) -> dict[str, Any]:
        """The elements of ALARM_NOTIFY_REQ (tykd 3)."""
        more = {"DIDONo": 0} if self.kind == DIGITAL_INPUT else {}
        place = {"DevID": self.terminal, "ChannelNo": self.channel, "AlarmType": self.kind}
        return {**place, "AlarmDesc": self.text, **more}

    def is_shown_by(self, item: Any) -> bool:
        """Whether an entry of the alarm list is this alarm."""
        return isinstance(item, dict) and item.get("text") == self.text

    def is_told_by(self, pushed: Pushed) -> bool:
        """Whether a push can only be that of this alarm: it came later and names its place and type."""
        named = tuple(pushed.told(name) for name in ("kind", "terminal", "channel", "alarmType"))
        return pushed.at >= self.at and named == (ALARM, self.terminal, self.channel, self.kind)


class Bell:
    """Reports alarms of one device, those of one kind and channel at least ``apart`` seconds from each other: what
    comes sooner a platform may take for a repeat."""

    def __init__(self, device: DevicePeer, apart: float = 0.0) -> None:
        self.device, self.apart = device, apart
        self._begun = device.wire.now()
        self._last: dict[tuple[int, int], float] = {}

    def alarm(self, kind: int = MOTION, channel: int = 0) -> Rung:
        """An alarm that was not reported yet."""
        wire = self.device.wire
        text = f"kandian {wire.random.getrandbits(32):08x}"
        return Rung(wire.now(), self.device.identity.dev_id, channel, kind, text)

    async def ring(self, kind: int = MOTION, channel: int = 0) -> Rung:
        """Report an alarm and wait for the answer."""
        wire = self.device.wire
        due = self._last.get((kind, channel), self._begun) + self.apart - wire.now()
        if due > 0:
            await wire.sleep(due)
        rung = self.alarm(kind, channel)
        self._last[kind, channel] = rung.at
        answer = await self.device.ask("ALARM_NOTIFY", rung.elements)
        return Rung(rung.at, rung.terminal, channel, kind, rung.text, result(answer) == 0)

    async def rung(self, check: Checks, kind: int = MOTION, channel: int = 0) -> Rung:
        """The same, as a control leg: the platform takes it."""
        rung = await self.ring(kind, channel)
        about = f"ALARM_NOTIFY {rung.kind}"
        check.control(rung.taken, say(f"平台应答告警上报 {about}", f"the platform answers the alarm: {about}"))
        return rung


@asynccontextmanager
async def listening(check: Checks, sink: PushSink, *phones: Phone) -> AsyncIterator[list[PushBox]]:
    """Phones that are registered for push, each with a place of its own at the gateway."""
    boxes = [sink.box() for _ in phones]
    for phone, box in zip(phones, boxes, strict=True):
        good(check, await phone.call("registerPush", box.registration), "registerPush")
    try:
        yield boxes
    finally:
        for phone in phones:
            if phone.session:
                await phone.call("forgetPush")


async def bell_of(
    platform: PlatformBench, check: Checks, owner: Phone, requirement: str, apart: Limit | None = None
) -> Bell | None:
    """The bell of a device of the phone's user, online; without one the requirement cannot be judged."""
    device = await camera_of(platform, check, owner, requirement)
    return None if device is None else Bell(device, apart.seconds if apart else 0.0)


async def first_of(box: PushBox, fits: Callable[[Pushed], bool], within: float) -> Pushed | None:
    """The first push that fits and was taken, waited for; None when none comes."""
    wire = box.wire
    until = wire.now() + within
    while True:
        found = next((pushed for pushed in box.taken if fits(pushed)), None)
        left = until - wire.now()
        if found is not None or left <= 0:
            return found
        try:
            await box.received.next(left)
        except NoAnswer:
            return None


async def arrival(box: PushBox, rung: Rung, within: float) -> Pushed | None:
    """The push of an alarm; None when it does not come."""
    return await first_of(box, rung.is_told_by, within)


async def arrived(check: Checks, requirement: str, box: PushBox, rung: Rung, limit: Limit, about: str) -> bool:
    """The push of an alarm comes in time."""
    found = await arrival(box, rung, limit.seconds)
    expected = say(f"{limit} 内收到推送", f"the push arrives within {limit}")
    seen = say("未到达", "it does not arrive") if found is None else f"{found.at - rung.at:.3g} s"
    return check.true(requirement, found is not None, expected, seen, about)


def silent(check: Checks, requirement: str, box: PushBox, rung: Rung, about: str) -> bool:
    """There is no push of an alarm so far."""
    came = [pushed.content for pushed in box.received if rung.is_told_by(pushed)]
    return check.equal(requirement, came, [], say(f"不应收到推送: {about}", f"no push may come: {about}"))


async def listed(phone: Phone, terminal: str, **query: Any) -> list[dict[str, Any]]:
    """The newest alarms of a terminal that a phone is shown."""
    reply = await phone.call("alarms", query={"terminal": terminal, "size": ALL, **query})
    return [item for item in reply.items if isinstance(item, dict)]


async def shown(phone: Phone, rung: Rung, within: float, look: float) -> list[dict[str, Any]]:
    """The entries of the alarm list for an alarm, waited for until there is one."""
    wire = phone.wire
    until = wire.now() + within
    while True:
        found = [item for item in await listed(phone, rung.terminal) if rung.is_shown_by(item)]
        if found or wire.now() >= until:
            return found
        await wire.sleep(look)


def moment(text: object) -> float | None:
    """Unix time of an RFC 3339 text; None for anything else."""
    try:
        return datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def rfc3339(at: float) -> str:
    """Unix time as RFC 3339 in UTC, in milliseconds."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


async def heartbeat_answered(check: Checks, requirement: str, device: DevicePeer, limit: Limit) -> None:
    """The device interface answers in time."""
    begun = device.wire.now()
    answer = await device.heartbeat()
    if answer is None:
        check.fail(requirement, say("心跳得到应答", "the heartbeat is answered"), told(answer))
        return
    check.within(requirement, device.wire.now() - begun, limit, say("心跳应答", "answer to a heartbeat"))

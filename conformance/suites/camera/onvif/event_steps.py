"""Pull points and subscriptions of the ONVIF event service, and the motion alarm that is to arrive there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.model.checks import Checks
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.protocols.onvif_events import (
    EventProperties,
    Notification,
    Subscription,
    create_pull_point,
    pull_messages,
    read_event_properties,
    read_notifications,
    read_subscription,
    renew,
    subscribe,
)
from conformance.protocols.safe_xml import text_content
from conformance.suites.camera.alarm_steps import MOTION as MOTION_KIND
from conformance.suites.camera.onvif.service_steps import control_answer

MOTION = "tns1:VideoSource/MotionAlarm"
EVENTS = "http://www.onvif.org/ver10/events/wsdl"
NOTIFICATION = "http://docs.oasis-open.org/wsn/bw-2"
#: The action of each operation (WS-Addressing).
ACTIONS = {
    "GetEventProperties": f"{EVENTS}/EventPortType/GetEventPropertiesRequest",
    "CreatePullPointSubscription": f"{EVENTS}/EventPortType/CreatePullPointSubscriptionRequest",
    "PullMessages": f"{EVENTS}/PullPointSubscription/PullMessagesRequest",
    "SetSynchronizationPoint": f"{EVENTS}/PullPointSubscription/SetSynchronizationPointRequest",
    "wsnt:Subscribe": f"{NOTIFICATION}/NotificationProducer/SubscribeRequest",
    "wsnt:Renew": f"{NOTIFICATION}/SubscriptionManager/RenewRequest",
    "wsnt:Unsubscribe": f"{NOTIFICATION}/SubscriptionManager/UnsubscribeRequest",
}
#: Seconds that a subscription lives where its life is not the matter, and messages that one pull may bring.
LIFE, MANY = 60.0, 100
#: Seconds of a pull that only takes what is there.
GLANCE = 0.3
TRUE = ("true", "1")


async def ask(onvif: Onvif, operation: str, body: str = "", *, to: Subscription | None = None) -> Answer:
    """An operation of the event service, or of a subscription."""
    url = onvif.client.address("events") if to is None else to.address
    header = f"<wsa:Action>{ACTIONS[operation]}</wsa:Action><wsa:To>{text_content(url)}</wsa:To>"
    if to is None:
        return await onvif.call("events", operation, body, header=header)
    return await onvif.call("events", operation, body, header=header + to.header, url=to.address)


async def ask_pull(
    onvif: Onvif, to: Subscription, timeout: float, limit: int = MANY, within: float | None = None
) -> Answer:
    """PullMessages; the answer may take as long as the timeout besides, or ``within`` seconds."""
    header = f"<wsa:Action>{ACTIONS['PullMessages']}</wsa:Action><wsa:To>{text_content(to.address)}</wsa:To>"
    within = timeout + onvif.limits["answer_wait"].seconds if within is None else within
    body = pull_messages(timeout, limit)
    return await onvif.call("events", "PullMessages", body, header=header + to.header, url=to.address, within=within)


async def properties(onvif: Onvif) -> EventProperties | None:
    """What GetEventProperties tells; None where it does not."""
    answer = await ask(onvif, "GetEventProperties")
    return read_event_properties(answer.body) if answer.ok and answer.body is not None else None


async def ask_pull_point(
    onvif: Onvif, end: float | str = LIFE, filtered: str = ""
) -> tuple[Answer, Subscription | None]:
    """CreatePullPointSubscription until in so many seconds, or until that moment; what it makes is ended after the
    test."""
    answer = await ask(onvif, "CreatePullPointSubscription", create_pull_point(end, filtered))
    return answer, _kept(onvif, answer)


async def producers(onvif: Onvif) -> str | None:
    """MaxNotificationProducers, above 0 where there is base notification; None where it is not told."""
    answer = await onvif.call("events", "GetServiceCapabilities")
    node = answer.body.at("Capabilities") if answer.ok and answer.body is not None else None
    return node.attribute("MaxNotificationProducers") if node is not None else None


async def ask_subscription(
    onvif: Onvif, address: str, seconds: float = LIFE, filtered: str = ""
) -> tuple[Answer, Subscription | None]:
    """Subscribe (base notification); what it makes is ended after the test."""
    answer = await ask(onvif, "wsnt:Subscribe", subscribe(address, seconds, filtered))
    return answer, _kept(onvif, answer)


def _kept(onvif: Onvif, answer: Answer) -> Subscription | None:
    made = read_subscription(answer.body) if answer.ok and answer.body is not None else None
    if made is not None:
        onvif.undo(lambda: unsubscribe(onvif, made))
    return made


async def unsubscribe(onvif: Onvif, made: Subscription) -> Answer:
    """End a subscription."""
    return await ask(onvif, "wsnt:Unsubscribe", to=made)


async def renewed(onvif: Onvif, made: Subscription, seconds: float) -> Answer:
    """Prolong a subscription."""
    return await ask(onvif, "wsnt:Renew", renew(seconds), to=made)


def messages_of(answer: Answer) -> list[Notification]:
    """The messages that a pull brought."""
    return read_notifications(answer.body) if answer.ok and answer.body is not None else []


@dataclass(slots=True)
class PullPoint:
    """A pull point that works. ``taken``: every message it gave so far."""

    onvif: Onvif
    subscription: Subscription
    taken: list[Notification] = field(default_factory=list)

    async def pull(self, timeout: float, limit: int = MANY, within: float | None = None) -> Answer:
        """One pull; arguments as for ``ask_pull``."""
        answer = await ask_pull(self.onvif, self.subscription, timeout, limit, within)
        self.taken += messages_of(answer)
        return answer

    async def drain(self) -> list[Notification]:
        """Take what is there, until a pull brings nothing."""
        begun = len(self.taken)
        while messages_of(await self.pull(GLANCE)):
            continue
        return self.taken[begun:]

    async def wait_for(self, good: Callable[[Notification], bool], within: float) -> Notification | None:
        """The first message from now on that is good; None when there is none within ``within`` seconds."""
        wire = self.onvif.wire
        ends = wire.now() + within
        while (left := ends - wire.now()) > 0:
            answer = await self.pull(left)
            if found := next(filter(good, messages_of(answer)), None):
                return found
            if not answer.ok:
                return None
        return None


async def pull_point(onvif: Onvif, check: Checks, filtered: str = "") -> PullPoint | None:
    """A pull point; None, and a failed control leg, where none is made."""
    answer, made = await ask_pull_point(onvif, filtered=filtered)
    if not control_answer(check, answer) or made is None:
        return None
    return PullPoint(onvif, made)


@dataclass(frozen=True, slots=True)
class Motion:
    """The bench's hand on the motion detector of channel 0."""

    onvif: Onvif
    control: DeviceControl

    async def set(self, *, on: bool) -> None:
        """Begin or end the motion. Raises BenchFault."""
        state = "raise" if on else "clear"
        await self.control.do("alarm", type=MOTION_KIND, channel=0, state=state, input=0)

    async def begin(self) -> None:
        """Begin it, and have it ended after the test. Raises BenchFault."""
        self.onvif.undo(self._end)
        await self.set(on=True)

    async def _end(self) -> None:
        try:
            await self.set(on=False)
        except BenchFault:
            self.onvif.wire.note("the motion alarm was not ended")


def motion_is(on: bool) -> Callable[[Notification], bool]:
    """Whether a message tells that there is (no) motion."""
    return lambda message: message.topic == MOTION and (message.data.get("State", "") in TRUE) is on

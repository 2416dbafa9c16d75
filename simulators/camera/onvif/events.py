"""The event service: event properties, pull points, base notification."""

from __future__ import annotations

import asyncio
import contextlib

import aiohttp

from conformance.protocols.onvif_events import CONCRETE, CONCRETE_SET, ITEM_FILTER
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import CONTENT_TYPE, element, envelope
from simulators.camera.onvif.event_queue import Subscription, lifetime_of, seconds_of, utc
from simulators.camera.onvif.service import INVALID, RECEIVER, Call, OnvifFault, Service, flags
from simulators.camera.onvif.topics import (
    INPUT,
    MOTION,
    SCENE,
    Message,
    Property,
    Topic,
    message,
    read_filter,
    topic_set,
)

PATH = "/onvif/subscription/"
SUBSCRIPTIONS = 40
LONGEST_PULL, LARGEST_PULL = 60.0, 100
DEFAULT_LIFE, LONGEST_LIFE = 60.0, 86400.0
NOTIFY_WAIT = 5.0
MOTION_KIND, INPUT_KIND = 1, 4
NOTIFY = "http://docs.oasis-open.org/wsn/bw-2/NotificationConsumer/Notify"


class EventService(Service):
    """Properties by topic and source; every subscription has a queue of its own."""

    key, prefix, version = "events", "tev", ("2", "60")

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.subscriptions: dict[int, Subscription] = {}
        self.last = 0
        self.properties = self.first_properties()
        self._timers: dict[int, asyncio.TimerHandle] = {}

    # what there is

    def first_properties(self) -> list[Property]:
        """Every property of the camera, at rest."""
        sources = [f"vs{channel}" for channel in range(self.camera.channels)]
        found = [Property(topic, source) for topic in (MOTION, SCENE) for source in sources if self.offers(topic)]
        return found + [Property(INPUT, f"in{number}") for number in range(self.camera.digital_inputs)]

    def offers(self, topic: Topic) -> bool:
        """Whether the camera has it."""
        return topic is not MOTION or self.camera.has("motion")

    def topics(self) -> list[Topic]:
        """The topics, each once."""
        return list({one.topic.path: one.topic for one in self.properties}.values())

    def capabilities(self) -> str:
        """What a client may count on."""
        told = flags(
            WSSubscriptionPolicySupport=False,
            WSPausableSubscriptionManagerInterfaceSupport=False,
            MaxNotificationProducers=SUBSCRIPTIONS,
            MaxPullPoints=SUBSCRIPTIONS,
            PersistentNotificationStorage=False,
        )
        return element("tev:Capabilities", "", told)

    async def stop(self) -> None:
        """Every subscription ends with the power."""
        for number in list(self.subscriptions):
            self.end(number)

    # what happens

    def sensed(self, kind: int, channel: int, number: int, on: bool) -> None:
        """A sensor fired or calmed down."""
        wanted = {MOTION_KIND: (MOTION, f"vs{channel}"), INPUT_KIND: (INPUT, f"in{number}")}.get(kind)
        for one in self.properties:
            if wanted == (one.topic, one.source) and one.value is not on:
                one.value = on
                self.tell(message(one, "Changed", self.utc_now()))

    def tell(self, told: Message) -> None:
        """A message for every subscription that chooses it."""
        for subscription in list(self.subscriptions.values()):
            subscription.put(told)

    def states(self, subscription: Subscription) -> None:
        """The state of every property for one subscription."""
        for one in self.properties:
            subscription.put(message(one, "Initialized", self.utc_now()))

    def utc_now(self) -> str:
        """The camera's time."""
        return utc(self.camera.now())

    # subscriptions

    def make(self, life: float, call: Call, filter_path: str, consumer: str = "") -> Subscription:
        """A subscription with the state of every property in its queue. Raises OnvifFault."""
        chosen = read_filter(call.node.at(filter_path), self.topics())
        if len(self.subscriptions) >= SUBSCRIPTIONS:
            raise OnvifFault(RECEIVER, "ter:Action", "wsnt:SubscribeCreationFailedFault", reason="There are too many")
        self.last += 1
        made = Subscription(self.last, 0.0, chosen, consumer)
        self.subscriptions[made.number] = made
        self.live(made, life)
        self.states(made)
        return made

    def live(self, subscription: Subscription, seconds: float) -> None:
        """Let it end after so many seconds from now."""
        loop = asyncio.get_running_loop()
        subscription.ends = loop.time() + seconds
        if timer := self._timers.pop(subscription.number, None):
            timer.cancel()
        self._timers[subscription.number] = loop.call_later(seconds, self.expire, subscription.number)

    def expire(self, number: int) -> None:
        """Its time is over."""
        self.end(number)

    def end(self, number: int) -> None:
        """Let go of a subscription."""
        if timer := self._timers.pop(number, None):
            timer.cancel()
        ended = self.subscriptions.pop(number, None)
        if ended is not None:
            ended.arrived.set()
            if ended.sender is not None:
                ended.sender.cancel()

    def addressed(self, call: Call) -> Subscription:
        """The subscription that a request goes to. Raises OnvifFault."""
        name = call.path.partition("?")[0].removeprefix(PATH)
        found = self.subscriptions.get(int(name)) if name.isdecimal() else None
        if found is None:
            raise OnvifFault(*INVALID, "wsnt:ResourceUnknownFault", reason="There is no such subscription")
        return found

    def life(self, text: str, fault: str) -> float:
        """Seconds that a subscription is to live. Raises OnvifFault."""
        seconds = lifetime_of(text, self.camera.now(), fault) if text else DEFAULT_LIFE
        if not 0 < seconds <= LONGEST_LIFE:
            raise OnvifFault(*INVALID, f"wsnt:{fault}", reason=f"A subscription lives up to {LONGEST_LIFE:g} s")
        return seconds

    def reference(self, call: Call, subscription: Subscription, prefix: str) -> str:
        """SubscriptionReference and both times."""
        address = text_content(f"http://{call.authority}{PATH}{subscription.number}")
        told = element(f"{prefix}:SubscriptionReference", element("wsa:Address", address))
        return told + self.times(subscription, "wsnt")

    def times(self, subscription: Subscription, prefix: str, *, renewed: bool = False) -> str:
        """CurrentTime and TerminationTime; the other way round in the answer of Renew."""
        now = self.camera.now()
        ends = now + max(0.0, subscription.ends - asyncio.get_running_loop().time())
        told = [element(f"{prefix}:CurrentTime", utc(now)), element(f"{prefix}:TerminationTime", utc(ends))]
        return "".join(reversed(told) if renewed else told)

    # operations

    async def on_GetEventProperties(self, call: Call) -> str:
        """Topics and dialects."""
        dialects = "".join(element("wsnt:TopicExpressionDialect", told) for told in (CONCRETE, CONCRETE_SET))
        return (
            element("tev:TopicNamespaceLocation", "http://www.onvif.org/onvif/ver10/topics/topicns.xml")
            + element("wsnt:FixedTopicSet", "true")
            + topic_set(self.topics())
            + dialects
            + element("tev:MessageContentFilterDialect", ITEM_FILTER)
            + element("tev:MessageContentSchemaLocation", "http://www.onvif.org/onvif/ver10/schema/onvif.xsd")
        )

    async def on_CreatePullPointSubscription(self, call: Call) -> str:
        """A pull point."""
        life = self.life(call.text("InitialTerminationTime"), "UnacceptableInitialTerminationTimeFault")
        return self.reference(call, self.make(life, call, "Filter"), "tev")

    async def on_PullMessages(self, call: Call) -> str:
        """What waits, or what comes within the timeout."""
        subscription = self.addressed(call)
        limit = max(1, min(int(call.text("MessageLimit")), LARGEST_PULL))
        await subscription.wait(self.pull_time(call))
        if subscription.number not in self.subscriptions:
            raise OnvifFault(*INVALID, "wsnt:ResourceUnknownFault", reason="The subscription has ended")
        found = subscription.take(limit)
        return self.times(subscription, "tev") + "".join(told.xml for told in found)

    def pull_time(self, call: Call) -> float:
        """Seconds that a pull waits."""
        return min(seconds_of(call.text("Timeout")), LONGEST_PULL)

    async def on_SetSynchronizationPoint(self, call: Call) -> str:
        """The state of every property again."""
        self.states(self.addressed(call))
        return ""

    async def on_Renew(self, call: Call) -> str:
        """A new end, from now on."""
        subscription = self.addressed(call)
        self.live(subscription, self.life(call.text("TerminationTime"), "UnacceptableTerminationTimeFault"))
        return self.times(subscription, "wsnt", renewed=True)

    async def on_Unsubscribe(self, call: Call) -> str:
        """The end of a subscription."""
        self.end(self.addressed(call).number)
        return ""

    # base notification

    async def on_Subscribe(self, call: Call) -> str:
        """A subscription whose messages are sent to the client."""
        consumer = call.text("ConsumerReference/Address")
        if not consumer.startswith(("http://", "https://")):
            raise OnvifFault(*INVALID, "wsnt:SubscribeCreationFailedFault", reason="The consumer has no HTTP address")
        life = self.life(call.text("InitialTerminationTime"), "UnacceptableInitialTerminationTimeFault")
        made = self.make(life, call, "Filter", consumer)
        made.sender = self.camera.spawn(self.send(made))
        return self.reference(call, made, "wsnt")

    async def send(self, subscription: Subscription) -> None:
        """Bring every message to the client while the subscription lives."""
        timeout = aiohttp.ClientTimeout(total=NOTIFY_WAIT)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while subscription.number in self.subscriptions:
                await subscription.arrived.wait()
                told = subscription.take(LARGEST_PULL)
                if told:
                    with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                        await self.notify(session, subscription.consumer, told)

    async def notify(self, session: aiohttp.ClientSession, consumer: str, told: list[Message]) -> None:
        """One Notify. Raises aiohttp.ClientError, TimeoutError."""
        header = element("wsa:Action", NOTIFY) + element("wsa:To", text_content(consumer))
        body = envelope(element("wsnt:Notify", "".join(one.xml for one in told)), header)
        async with session.post(consumer, data=body, headers={"Content-Type": CONTENT_TYPE}) as response:
            await response.read()

"""ONVIF events (WS-BaseNotification, WS-Topics, real-time pull point): topics, subscriptions, notification messages.

Topics are written as ``tns1:VideoSource/MotionAlarm`` with the prefixes of the ONVIF books; times as Unix time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from conformance.protocols.onvif_xml import written
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import PREFIXES, short_name
from conformance.protocols.xml_names import Name, Node

CONCRETE = "http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete"
CONCRETE_SET = "http://www.onvif.org/ver10/tev/topicExpression/ConcreteSet"
ITEM_FILTER = "http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter"
WS_TOPICS = "http://docs.oasis-open.org/wsn/t-1"
ADDRESSING = PREFIXES["wsa"]
_OPENING, _MARKED = re.compile(r"^<[^\s/>]+"), r'\g<0> wsa:IsReferenceParameter="true"'
_FRACTION = re.compile(r"(\.\d{6})\d+")


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that the device offers. ``source``, ``data``: the described type by name of the item."""

    path: str
    source: Mapping[str, str]
    data: Mapping[str, str]
    is_property: bool


@dataclass(frozen=True, slots=True)
class EventProperties:
    """GetEventProperties. ``dialects``: of topic expressions; ``filters``: of message content filters."""

    topics: tuple[Topic, ...]
    dialects: tuple[str, ...]
    filters: tuple[str, ...]
    fixed: bool | None

    def topic(self, path: str) -> Topic | None:
        """The topic with that path."""
        return next((topic for topic in self.topics if topic.path == path), None)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as the device told it. ``parameters``: reference parameters, to go back as header blocks;
    ``lifetime``: seconds between the two times of the answer, None where one is missing."""

    address: str
    parameters: tuple[Node, ...]
    current: float | None
    termination: float | None

    @property
    def lifetime(self) -> float | None:
        """Seconds until it ends, counted on the device's clock."""
        if self.current is None or self.termination is None:
            return None
        return self.termination - self.current

    @property
    def header(self) -> str:
        """The header blocks that address it (WS-Addressing 1.0 SOAP binding 2.1)."""
        return "".join(_OPENING.sub(_MARKED, written(node), count=1) for node in self.parameters)


@dataclass(frozen=True, slots=True)
class Notification:
    """One notification message. ``operation``: Initialized, Changed, Deleted, or empty; items as name to value."""

    topic: str
    at: float | None
    operation: str
    source: Mapping[str, str]
    data: Mapping[str, str]


def instant(text: str | None) -> float | None:
    """An xs:dateTime as seconds since 1970; without a zone it is taken as UTC. None for anything else."""
    try:
        moment = datetime.fromisoformat(_FRACTION.sub(r"\1", (text or "").strip()))
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def duration(seconds: float) -> str:
    """An xs:duration."""
    return f"PT{seconds:.6g}S"


def read_event_properties(answer: Node) -> EventProperties:
    """The answer of GetEventProperties."""
    found = answer.find("TopicSet", WS_TOPICS)
    topics = tuple(_topics(found, "")) if found is not None else ()
    fixed = answer.value("FixedTopicSet")
    return EventProperties(
        topics,
        tuple(node.text.strip() for node in answer.all("TopicExpressionDialect")),
        tuple(node.text.strip() for node in answer.all("MessageContentFilterDialect")),
        fixed in ("true", "1") if fixed is not None else None,
    )


def _topics(parent: Node, path: str) -> Iterator[Topic]:
    for node in parent.children:
        if node.name.local == "MessageDescription":
            continue
        here = f"{path}/{node.name.local}" if path else short_name(node.name)
        if (node.attribute("topic", WS_TOPICS) or "") in ("true", "1"):
            yield _topic(node, here)
        yield from _topics(node, here)


def _topic(node: Node, path: str) -> Topic:
    told = node.find("MessageDescription")
    if told is None:
        return Topic(path, {}, {}, False)
    source, data = ({i.attribute("Name") or "": i.attribute("Type") or "" for i in _items(told, p)} for p in _PARTS)
    return Topic(path, source, data, told.attribute("IsProperty") in ("true", "1"))


_PARTS = ("Source", "Data")


def _items(node: Node, part: str) -> list[Node]:
    found = node.find(part)
    return [child for child in found.children if child.name.local.startswith("SimpleItem")] if found is not None else []


def read_subscription(answer: Node) -> Subscription | None:
    """The answer of CreatePullPointSubscription or Subscribe; None where it names no address."""
    reference = answer.find("SubscriptionReference")
    address = reference.value("Address") if reference is not None else None
    if reference is None or not address:
        return None
    parameters = reference.find("ReferenceParameters")
    inside = tuple(parameters.children) if parameters is not None else ()
    return Subscription(address, inside, *read_times(answer))


def read_times(answer: Node) -> tuple[float | None, float | None]:
    """CurrentTime and TerminationTime of an answer."""
    return instant(answer.value("CurrentTime")), instant(answer.value("TerminationTime"))


def read_notifications(answer: Node) -> list[Notification]:
    """The notification messages of PullMessages or Notify."""
    return [_notification(node) for node in answer.all("NotificationMessage")]


def _notification(node: Node) -> Notification:
    topic = node.find("Topic")
    message = node.at("Message/Message")
    path = _topic_path(topic) if topic is not None else ""
    if message is None:
        return Notification(path, None, "", {}, {})
    source, data = ({i.attribute("Name") or "": i.attribute("Value") or "" for i in _items(message, p)} for p in _PARTS)
    at, operation = instant(message.attribute("UtcTime")), message.attribute("PropertyOperation") or ""
    return Notification(path, at, operation, source, data)


def _topic_path(node: Node) -> str:
    first, slash, rest = node.text.strip().partition("/")
    name = node.qname(first)
    steps = [step.rpartition(":")[2] for step in rest.split("/")]
    return (short_name(name) if name is not None else first) + (slash + "/".join(steps) if slash else "")


def topic_filter(expression: str, dialect: str = CONCRETE_SET, content: str = "") -> str:
    """The children of a Filter that takes topics by an expression in the ``tns1`` prefix, and messages by content."""
    told = ""
    if expression:
        topics = PREFIXES["tns1"]
        told = f'<wsnt:TopicExpression xmlns:tns1="{topics}" Dialect="{dialect}">{text_content(expression)}'
        told += "</wsnt:TopicExpression>"
    if content:
        told += f'<wsnt:MessageContent Dialect="{ITEM_FILTER}">{text_content(content)}</wsnt:MessageContent>'
    return told


def create_pull_point(end: float | str | None = None, filtered: str = "") -> str:
    """The body of CreatePullPointSubscription. ``end``: in so many seconds, or at that xs:dateTime."""
    inside = f"<tev:Filter>{filtered}</tev:Filter>" if filtered else ""
    if end is not None:
        told = end if isinstance(end, str) else duration(end)
        inside += f"<tev:InitialTerminationTime>{told}</tev:InitialTerminationTime>"
    return inside


def pull_messages(timeout: float, limit: int) -> str:
    """The body of PullMessages."""
    return f"<tev:Timeout>{duration(timeout)}</tev:Timeout><tev:MessageLimit>{limit}</tev:MessageLimit>"


def subscribe(address: str, seconds: float, filtered: str = "") -> str:
    """The body of Subscribe (base notification) to a consumer at ``address``."""
    inside = f"<wsnt:ConsumerReference><wsa:Address>{text_content(address)}</wsa:Address></wsnt:ConsumerReference>"
    inside += f"<wsnt:Filter>{filtered}</wsnt:Filter>" if filtered else ""
    return inside + f"<wsnt:InitialTerminationTime>{duration(seconds)}</wsnt:InitialTerminationTime>"


def renew(seconds: float) -> str:
    """The body of Renew."""
    return f"<wsnt:TerminationTime>{duration(seconds)}</wsnt:TerminationTime>"


def message_id(answer_header: tuple[Node, ...]) -> str:
    """The MessageID that an answer relates to; empty without one."""
    found = next((node for node in answer_header if node.name == Name(ADDRESSING, "RelatesTo")), None)
    return found.text.strip() if found is not None else ""

"""Topics of the golden camera, their properties, and the filters that choose among them (WS-Topics, ONVIF Core 9)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lxml import etree

from conformance.protocols.onvif_events import CONCRETE, CONCRETE_SET, ITEM_FILTER, WS_TOPICS
from conformance.protocols.soap import PREFIXES, element, short_name
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import INVALID, OnvifFault

_NAME = r"[A-Za-z_][\w.-]*"
_PATH = re.compile(rf"(?:{_NAME}:)?{_NAME}(?:/(?:{_NAME}:)?{_NAME})*")
REST = "//."


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic that is a property. ``source`` and ``data``: name and type of the one item of each."""

    path: str
    source: tuple[str, str]
    data: tuple[str, str]


MOTION = Topic("tns1:VideoSource/MotionAlarm", ("Source", "tt:ReferenceToken"), ("State", "xs:boolean"))
SCENE = Topic(
    "tns1:VideoSource/GlobalSceneChange/ImagingService", ("Source", "tt:ReferenceToken"), ("State", "xs:boolean")
)
INPUT = Topic("tns1:Device/Trigger/DigitalInput", ("InputToken", "tt:ReferenceToken"), ("LogicalState", "xs:boolean"))


@dataclass(slots=True)
class Property:
    """A property of one source and its value now."""

    topic: Topic
    source: str
    value: bool = False


@dataclass(frozen=True, slots=True)
class Message:
    """A notification about a property. ``utc``: xs:dateTime; ``operation``: Initialized or Changed."""

    topic: str
    inside: str

    @property
    def xml(self) -> str:
        """The NotificationMessage element."""
        topic = element("wsnt:Topic", self.topic, {"Dialect": CONCRETE})
        return element("wsnt:NotificationMessage", topic + element("wsnt:Message", self.inside))


def message(one: Property, operation: str, utc: str) -> Message:
    """What is told about a property."""
    source = element("tt:SimpleItem", "", {"Name": one.topic.source[0], "Value": one.source})
    data = element("tt:SimpleItem", "", {"Name": one.topic.data[0], "Value": "true" if one.value else "false"})
    told = element("tt:Source", source) + element("tt:Data", data)
    return Message(one.topic.path, element("tt:Message", told, {"UtcTime": utc, "PropertyOperation": operation}))


def topic_set(topics: list[Topic]) -> str:
    """The TopicSet element."""
    tree: dict[str, dict[str, object]] = {}
    for topic in topics:
        level: dict[str, object] = tree  # type: ignore[assignment]
        *above, last = topic.path.split("/")
        for step in above:
            level = level.setdefault(step, {})  # type: ignore[assignment]
        level[last] = topic
    return f'<wstop:TopicSet xmlns:wstop="{WS_TOPICS}" xmlns:xs="http://www.w3.org/2001/XMLSchema">{_tree(tree)}</wstop:TopicSet>'


def _tree(level: object) -> str:
    if not isinstance(level, dict):
        return ""
    text = ""
    for name, below in level.items():
        if isinstance(below, Topic):
            text += element(name, _description(below), {"wstop:topic": "true"})
        else:
            text += element(name, _tree(below))
    return text


def _description(topic: Topic) -> str:
    parts = (("tt:Source", topic.source), ("tt:Data", topic.data))
    inside = "".join(
        element(part, element("tt:SimpleItemDescription", "", {"Name": name, "Type": kind}))
        for part, (name, kind) in parts
    )
    return element("tt:MessageDescription", inside, {"IsProperty": "true"})


# filters


def refused(fault: str, reason: str) -> OnvifFault:
    """The fault of a filter that cannot be taken (WS-BaseNotification 4.2)."""
    return OnvifFault(*INVALID, f"wsnt:{fault}", reason=reason)


@dataclass(frozen=True, slots=True)
class Filter:
    """``paths``: topics, with ``//.`` behind those that stand for everything below as well; None for all. ``content``:
    what the message has to hold."""

    paths: tuple[str, ...] | None = None
    content: tuple[etree.XPath, ...] = ()

    def takes(self, told: Message) -> bool:
        """Whether it chooses the message."""
        return self.takes_topic(told.topic) and all(self._holds(one, told) for one in self.content)

    def takes_topic(self, path: str) -> bool:
        """Whether it chooses the topic."""
        return self.paths is None or any(_fits(path, wanted) for wanted in self.paths)

    @staticmethod
    def _holds(expression: etree.XPath, told: Message) -> bool:
        declared = f'xmlns:tt="{PREFIXES["tt"]}"'
        try:
            return bool(expression(etree.fromstring(f"<r {declared}>{told.inside}</r>")))
        except etree.XPathError:
            return False


def _fits(path: str, wanted: str) -> bool:
    if wanted.endswith(REST):
        above = wanted.removesuffix(REST)
        return path == above or path.startswith(f"{above}/")
    return path == wanted


def read_filter(node: Node | None, topics: list[Topic]) -> Filter:
    """The Filter element of a request. Raises OnvifFault."""
    if node is None:
        return Filter()
    paths: list[str] = []
    content: list[etree.XPath] = []
    expressions = node.all("TopicExpression")
    for child in node.children:
        dialect = child.attribute("Dialect") or ""
        if child.name.local == "TopicExpression":
            paths += _topics(child, dialect, topics)
        elif child.name.local == "MessageContent":
            content.append(_content(child.text.strip(), dialect))
        else:
            raise refused("InvalidFilterFault", f"{child.name.local} is no filter")
    return Filter(tuple(paths) if expressions else None, tuple(content))


def _topics(node: Node, dialect: str, topics: list[Topic]) -> Iterator[str]:
    if dialect not in (CONCRETE, CONCRETE_SET):
        raise refused("TopicExpressionDialectUnknownFault", f"The dialect {dialect[:90]!r} is not known")
    for part in node.text.strip().split("|"):
        written = part.strip()
        rest = REST if written.endswith(REST) and dialect == CONCRETE_SET else ""
        path = written.removesuffix(REST) if rest else written
        first = path.partition("/")[0]
        name = node.qname(first)
        if not _PATH.fullmatch(path) or name is None:
            raise refused("InvalidTopicExpressionFault", f"{written[:90]!r} is no topic expression")
        steps = [step.rpartition(":")[2] for step in path.split("/")[1:]]
        wanted = "/".join([short_name(name), *steps]) + rest
        if not any(_fits(topic.path, wanted) for topic in topics):
            raise refused("TopicNotSupportedFault", f"There is no topic {wanted[:90]}")
        yield wanted


def _content(text: str, dialect: str) -> etree.XPath:
    if dialect != ITEM_FILTER:
        raise refused("InvalidFilterFault", f"The dialect {dialect[:90]!r} is not known")
    try:
        return etree.XPath(text, namespaces={"tt": PREFIXES["tt"]})
    except etree.XPathSyntaxError as error:
        raise refused("InvalidMessageContentExpressionFault", str(error)) from None

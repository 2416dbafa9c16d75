"""Topics, filters and lifetimes of the golden camera's event service."""

from __future__ import annotations

import pytest

from conformance.protocols.onvif_events import (
    CONCRETE,
    CONCRETE_SET,
    read_event_properties,
    read_notifications,
    topic_filter,
)
from conformance.protocols.soap import envelope, read_envelope
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.event_queue import Subscription, lifetime_of, seconds_of, utc
from simulators.camera.onvif.service import OnvifFault
from simulators.camera.onvif.topics import INPUT, MOTION, SCENE, Filter, Property, message, read_filter, topic_set

TOPICS = [MOTION, SCENE, INPUT]
MOVED = message(Property(MOTION, "vs0", True), "Changed", "2026-01-02T03:04:05Z")
SWITCHED = message(Property(INPUT, "in1"), "Initialized", "2026-01-02T03:04:05Z")


def body(text: str) -> Node:
    node = read_envelope(envelope(f"<tev:X>{text}</tev:X>")).first
    assert node is not None
    return node


def filtered(expression: str, dialect: str = CONCRETE_SET, content: str = "") -> Filter:
    return read_filter(
        body(f"<tev:Filter>{topic_filter(expression, dialect, content)}</tev:Filter>").children[0], TOPICS
    )


def test_the_topic_set_is_read_as_it_was_meant() -> None:
    topics = read_event_properties(body(topic_set(TOPICS))).topics
    assert [topic.path for topic in topics] == [
        "tns1:VideoSource/MotionAlarm",
        "tns1:VideoSource/GlobalSceneChange/ImagingService",
        "tns1:Device/Trigger/DigitalInput",
    ]
    assert all(topic.is_property for topic in topics)
    assert (topics[0].source, topics[0].data) == ({"Source": "tt:ReferenceToken"}, {"State": "xs:boolean"})


def test_a_message_is_read_as_it_was_meant() -> None:
    (told,) = read_notifications(body(MOVED.xml))
    assert (told.topic, told.operation, told.source, told.data) == (
        "tns1:VideoSource/MotionAlarm", "Changed", {"Source": "vs0"}, {"State": "true"},
    )  # fmt: skip
    assert told.at == 1767323045.0


@pytest.mark.parametrize(
    ("expression", "dialect", "moved", "switched"),
    [("tns1:VideoSource/MotionAlarm", CONCRETE, True, False), ("tns1:Device//.", CONCRETE_SET, False, True),
     ("tns1:VideoSource/tns1:MotionAlarm|tns1:Device/Trigger/DigitalInput", CONCRETE_SET, True, True),
     ("tns1:VideoSource/GlobalSceneChange//.", CONCRETE_SET, False, False)],
)  # fmt: skip
def test_filters_choose_topics(expression: str, dialect: str, moved: bool, switched: bool) -> None:
    chosen = filtered(expression, dialect)
    assert (chosen.takes(MOVED), chosen.takes(SWITCHED)) == (moved, switched)


def test_filters_choose_content() -> None:
    wanted = 'boolean(//tt:SimpleItem[@Name="State" and @Value="true"])'
    chosen = filtered("", content=wanted)
    assert (chosen.takes(MOVED), chosen.takes(SWITCHED)) == (True, False)
    assert read_filter(None, TOPICS).takes(SWITCHED)


@pytest.mark.parametrize(
    ("expression", "dialect", "content", "code"),
    [("tns1:VideoSource/MotionAlarm", "urn:x", "", "wsnt:TopicExpressionDialectUnknownFault"),
     ("tns1:VideoSource/Nothing", CONCRETE, "", "wsnt:TopicNotSupportedFault"),
     ("tns1:VideoSource//.", CONCRETE, "", "wsnt:InvalidTopicExpressionFault"),
     ("tns1:VideoSource//(", CONCRETE_SET, "", "wsnt:InvalidTopicExpressionFault"),
     ("nowhere:VideoSource", CONCRETE, "", "wsnt:InvalidTopicExpressionFault"),
     ("", "", "//tt:[", "wsnt:InvalidMessageContentExpressionFault")],
)  # fmt: skip
def test_bad_filters_are_refused(expression: str, dialect: str, content: str, code: str) -> None:
    with pytest.raises(OnvifFault) as refused:
        filtered(expression, dialect, content)
    assert refused.value.codes == ("env:Sender", "ter:InvalidArgVal", code)


def test_a_queue_gives_the_oldest_first_and_no_more_than_asked_for() -> None:
    queue = Subscription(1, 0.0, filtered("tns1:VideoSource//."))
    for told in (MOVED, SWITCHED, MOVED):
        queue.put(told)
    assert (queue.take(1), queue.arrived.is_set()) == ([MOVED], True)
    assert (queue.take(5), queue.arrived.is_set()) == ([MOVED], False)


def test_lifetimes() -> None:
    assert (seconds_of("PT1M0.5S"), seconds_of("P1D")) == (60.5, 86400.0)
    assert lifetime_of("PT5S", 0.0, "x") == 5.0
    assert lifetime_of("1970-01-01T00:01:00Z", 50.0, "x") == 10.0
    assert utc(10.25) == "1970-01-01T00:00:10.250Z"
    for wrong in ("1970-01-01T00:00:01Z", "soon", "PT", "P1Y"):
        with pytest.raises(OnvifFault):
            lifetime_of(wrong, 50.0, "UnacceptableTerminationTimeFault")

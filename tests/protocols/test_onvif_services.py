"""Answers of the imaging, PTZ and event services, written by hand."""

from __future__ import annotations

import pytest

from conformance.protocols.onvif_events import (
    create_pull_point,
    duration,
    instant,
    pull_messages,
    read_event_properties,
    read_notifications,
    read_subscription,
    renew,
    subscribe,
    topic_filter,
)
from conformance.protocols.onvif_imaging import imaging_again, imaging_settings, read_imaging, read_imaging_options
from conformance.protocols.onvif_ptz import (
    Vector,
    profile_token,
    read_nodes,
    read_presets,
    read_status,
    read_timeouts,
    seconds_of,
    vector,
)
from conformance.protocols.onvif_xml import Span
from conformance.protocols.soap import envelope, read_envelope
from conformance.protocols.xml_names import Node, parse_named

SCHEMA = "http://www.onvif.org/ver10/schema"
EVENTS = 'xmlns:w="http://docs.oasis-open.org/wsn/b-2" xmlns:a="http://www.w3.org/2005/08/addressing"'
PROPERTIES = f"""<r xmlns="http://www.onvif.org/ver10/events/wsdl" {EVENTS} xmlns:t="http://docs.oasis-open.org/wsn/t-1"
 xmlns:o="http://www.onvif.org/ver10/topics">
<w:FixedTopicSet>true</w:FixedTopicSet>
<t:TopicSet><o:VideoSource>
<MotionAlarm xmlns="" t:topic="true"><d:MessageDescription xmlns:d="{SCHEMA}" IsProperty="true">
<d:Source><d:SimpleItemDescription Name="Source" Type="tt:ReferenceToken"/></d:Source>
<d:Data><d:SimpleItemDescription Name="State" Type="xs:boolean"/></d:Data></d:MessageDescription></MotionAlarm>
<Other xmlns=""/></o:VideoSource></t:TopicSet>
<w:TopicExpressionDialect>http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete</w:TopicExpressionDialect>
<MessageContentFilterDialect>http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter</MessageContentFilterDialect>
</r>""".encode()
MESSAGES = f"""<r {EVENTS}><w:NotificationMessage><w:Topic xmlns:z="http://www.onvif.org/ver10/topics" Dialect="x">
 z:VideoSource/z:MotionAlarm</w:Topic><w:Message><m:Message xmlns:m="{SCHEMA}" UtcTime="2026-01-02T03:04:05.5Z"
 PropertyOperation="Changed"><m:Source><m:SimpleItem Name="Source" Value="vs0"/></m:Source>
 <m:Data><m:SimpleItem Name="State" Value="true"/></m:Data></m:Message></w:Message>
</w:NotificationMessage></r>""".encode()
PULL_POINT = f"""<r {EVENTS}><SubscriptionReference><a:Address>http://h/s</a:Address><a:ReferenceParameters>
<v:Id xmlns:v="urn:v">7</v:Id></a:ReferenceParameters></SubscriptionReference>
<w:CurrentTime>2026-01-02T03:04:05Z</w:CurrentTime><w:TerminationTime>2026-01-02T03:05:05Z</w:TerminationTime></r>"""


def test_event_properties() -> None:
    properties = read_event_properties(parse_named(PROPERTIES))
    (topic,) = properties.topics
    assert topic.path == "tns1:VideoSource/MotionAlarm"
    assert (topic.source, topic.data, topic.is_property) == (
        {"Source": "tt:ReferenceToken"},
        {"State": "xs:boolean"},
        True,
    )
    assert properties.fixed is True
    assert properties.dialects == ("http://docs.oasis-open.org/wsn/t-1/TopicExpression/Concrete",)
    assert properties.filters == ("http://www.onvif.org/ver10/tev/messageContentFilter/ItemFilter",)
    assert properties.topic("tns1:VideoSource/MotionAlarm") is topic
    assert properties.topic("tns1:VideoSource") is None


def test_notifications_with_any_prefix() -> None:
    (message,) = read_notifications(parse_named(MESSAGES))
    assert message.topic == "tns1:VideoSource/MotionAlarm"
    assert message.at == 1767323045.5
    assert (message.operation, message.source, message.data) == ("Changed", {"Source": "vs0"}, {"State": "true"})


def test_a_subscription_and_the_header_that_addresses_it() -> None:
    subscription = read_subscription(parse_named(PULL_POINT.encode()))
    assert subscription is not None
    assert (subscription.address, subscription.lifetime) == ("http://h/s", 60.0)
    sent = read_envelope(envelope("", subscription.header))
    (block,) = sent.header
    assert (str(block.name), block.text) == ("{urn:v}Id", "7")
    assert block.attribute("IsReferenceParameter", "http://www.w3.org/2005/08/addressing") == "true"
    assert read_subscription(parse_named(b"<r/>")) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1970-01-01T00:00:10Z", 10.0), ("1970-01-01T08:00:10+08:00", 10.0), ("1970-01-01T00:00:10", 10.0),
     ("1970-01-01T00:00:10.123456789Z", 10.123456), ("soon", None), ("", None), (None, None)],
)  # fmt: skip
def test_instants(text: str | None, seconds: float | None) -> None:
    assert instant(text) == seconds


def test_requests_of_the_event_service() -> None:
    def body(text: str) -> Node:
        node = read_envelope(envelope(f"<tev:X>{text}</tev:X>")).first
        assert node is not None
        return node

    assert (duration(5), duration(0.25)) == ("PT5S", "PT0.25S")
    pull = body(pull_messages(2, 10))
    assert (pull.value("Timeout"), pull.value("MessageLimit")) == ("PT2S", "10")
    made = body(create_pull_point(60, topic_filter("tns1:Device//.", content="boolean(//tt:SimpleItem)")))
    assert made.value("InitialTerminationTime") == "PT60S"
    expression = made.at("Filter/TopicExpression")
    assert expression is not None
    assert expression.qname("tns1:Device") == ("http://www.onvif.org/ver10/topics", "Device")
    assert made.value("Filter/MessageContent") == "boolean(//tt:SimpleItem)"
    assert body(subscribe("http://c/?a&b", 30)).value("ConsumerReference/Address") == "http://c/?a&b"
    assert body(renew(30)).value("TerminationTime") == "PT30S"


def test_imaging() -> None:
    answer = f"""<r xmlns="http://www.onvif.org/ver20/imaging/wsdl"><ImagingSettings xmlns:x="{SCHEMA}">
    <x:Brightness>50</x:Brightness><x:IrCutFilter>AUTO</x:IrCutFilter><x:Sharpness>odd</x:Sharpness></ImagingSettings></r>"""
    settings = read_imaging(parse_named(answer.encode()))
    assert settings is not None
    assert settings.values == {"Brightness": 50.0, "IrCutFilter": "AUTO"}
    assert read_envelope(envelope(imaging_again(settings))).first is not None
    options = read_imaging_options(
        parse_named(
            f"""<r><ImagingOptions xmlns:x="{SCHEMA}"><x:Brightness><x:Min>0</x:Min><x:Max>100</x:Max></x:Brightness>
    <x:IrCutFilterModes>ON</x:IrCutFilterModes><x:IrCutFilterModes>AUTO</x:IrCutFilterModes></ImagingOptions></r>""".encode()
        )
    )
    assert options is not None
    assert options.ranges == {"Brightness": Span(0, 100)}
    assert options.modes == {"IrCutFilter": ("ON", "AUTO")}
    told = imaging_settings({"Sharpness": 1.0, "IrCutFilter": "ON", "Brightness": 2.5})
    assert told == (
        "<timg:ImagingSettings><tt:Brightness>2.5</tt:Brightness><tt:IrCutFilter>ON</tt:IrCutFilter>"
        "<tt:Sharpness>1</tt:Sharpness></timg:ImagingSettings>"
    )
    assert (read_imaging(parse_named(b"<r/>")), read_imaging_options(parse_named(b"<r/>"))) == (None, None)


def test_ptz() -> None:
    nodes = read_nodes(
        parse_named(
            b"""<r><PTZNode token="n"><SupportedPTZSpaces><ContinuousPanTiltVelocitySpace><URI>u</URI>
    <XRange><Min>-1</Min><Max>1</Max></XRange><YRange><Min>-2</Min><Max>2</Max></YRange></ContinuousPanTiltVelocitySpace>
    </SupportedPTZSpaces><MaximumNumberOfPresets>16</MaximumNumberOfPresets><HomeSupported>true</HomeSupported></PTZNode></r>"""
        )
    )
    (node,) = nodes
    assert (node.token, node.presets, node.home) == ("n", 16, True)
    assert node.spaces == {"ContinuousPanTiltVelocitySpace": (Span(-1, 1), Span(-2, 2))}
    status = read_status(
        parse_named(
            b"""<r><PTZStatus><Position><PanTilt x="0.5" y="-0.25"/><Zoom x="0"/></Position>
    <MoveStatus><PanTilt>IDLE</PanTilt><Zoom>MOVING</Zoom></MoveStatus><UtcTime>2026-01-01T00:00:00Z</UtcTime></PTZStatus></r>"""
        )
    )
    assert status is not None
    assert (status.position, status.states) == (Vector(0.5, -0.25, 0.0), {"IDLE", "MOVING"})
    assert read_status(parse_named(b"<r/>")) is None
    (preset,) = read_presets(parse_named(b'<r><Preset token="1"><Name>Gate</Name></Preset></r>'))
    assert (preset.token, preset.name, preset.position) == ("1", "Gate", Vector())
    assert vector("tptz:Velocity", Vector(0.5, 0.0)) == '<tptz:Velocity><tt:PanTilt x="0.5" y="0"/></tptz:Velocity>'
    assert vector("tptz:Velocity", Vector(zoom=-1.0)) == '<tptz:Velocity><tt:Zoom x="-1"/></tptz:Velocity>'
    assert profile_token("a&b") == "<tptz:ProfileToken>a&amp;b</tptz:ProfileToken>"
    assert Vector(0.1, 0.2).near(Vector(0.1, 0.21, 0.5), 0.02)
    assert not Vector(0.1, 0.2).near(Vector(0.1, 0.3), 0.02)
    assert not Vector().near(Vector(0.1, 0.2), 1)
    assert str(Vector(0.1, None, 1)) == "pan 0.1, zoom 1"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("PT0.5S", 0.5), ("PT1M30S", 90.0), ("P1DT1H", 90000.0), ("PT", None), ("P", None), ("5", None), (None, None)],
)
def test_durations(text: str | None, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def test_timeouts_of_moves() -> None:
    told = "<PTZTimeout><Min>PT1S</Min><Max>PT1M</Max></PTZTimeout>"
    answer = f"<r><PTZConfigurationOptions>{told}</PTZConfigurationOptions></r>"
    assert read_timeouts(parse_named(answer.encode())) == Span(1, 60)
    assert read_timeouts(parse_named(b"<r/>")) is None

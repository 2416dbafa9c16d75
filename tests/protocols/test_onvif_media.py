"""Profiles, encoders and options of both media services against answers written by hand."""

from __future__ import annotations

import pytest

from conformance.protocols.onvif_media import (
    Setting,
    changed_encoder,
    current,
    dangling,
    read_encoder,
    read_options,
    read_profiles,
)
from conformance.protocols.onvif_xml import Span, number, plain, span, written
from conformance.protocols.xml_names import Node, parse_named

SCHEMA = 'xmlns:x="http://www.onvif.org/ver10/schema"'
PROFILES = f"""<a:GetProfilesResponse xmlns:a="http://www.onvif.org/ver10/media/wsdl" {SCHEMA}>
<a:Profiles token="main" fixed="true"><x:Name>Main</x:Name>
 <x:VideoSourceConfiguration token="vsc"><x:Name>v</x:Name><x:UseCount>2</x:UseCount><x:SourceToken>vs0</x:SourceToken>
  <x:Bounds x="0" y="0" width="1920" height="1080"/></x:VideoSourceConfiguration>
 <x:VideoEncoderConfiguration token="enc0"><x:Name>e</x:Name><x:UseCount>1</x:UseCount><x:Encoding>H264</x:Encoding>
  <x:Resolution><x:Width>1280</x:Width><x:Height>720</x:Height></x:Resolution><x:Quality>4.5</x:Quality>
  <x:RateControl><x:FrameRateLimit>25</x:FrameRateLimit><x:EncodingInterval>1</x:EncodingInterval>
   <x:BitrateLimit>2048</x:BitrateLimit></x:RateControl>
  <x:H264><x:GovLength>50</x:GovLength><x:H264Profile>Main</x:H264Profile></x:H264>
  <x:SessionTimeout>PT60S</x:SessionTimeout>
  <v:Secret xmlns:v="urn:vendor" v:kind="1">a &amp; b</v:Secret></x:VideoEncoderConfiguration>
</a:Profiles></a:GetProfilesResponse>""".encode()
PROFILES_2 = f"""<GetProfilesResponse xmlns="http://www.onvif.org/ver20/media/wsdl" {SCHEMA}>
<Profiles token="p"><Name>P</Name><Configurations>
 <VideoSource token="vsc"><x:SourceToken>vs0</x:SourceToken></VideoSource>
 <VideoEncoder token="enc" GovLength="30" Profile="High"><x:Name>e</x:Name><x:UseCount>1</x:UseCount>
  <x:Encoding>H265</x:Encoding><x:Resolution><x:Width>640</x:Width><x:Height>360</x:Height></x:Resolution>
  <x:RateControl ConstantBitRate="true"><x:FrameRateLimit>12.5</x:FrameRateLimit><x:BitrateLimit>512</x:BitrateLimit>
  </x:RateControl><x:Quality>3</x:Quality></VideoEncoder>
</Configurations></Profiles></GetProfilesResponse>""".encode()
OPTIONS = f"""<r xmlns="http://www.onvif.org/ver10/media/wsdl" {SCHEMA}><Options>
<x:QualityRange><x:Min>1</x:Min><x:Max>6</x:Max></x:QualityRange>
<x:H264><x:ResolutionsAvailable><x:Width>640</x:Width><x:Height>360</x:Height></x:ResolutionsAvailable>
 <x:ResolutionsAvailable><x:Width>320</x:Width><x:Height>180</x:Height></x:ResolutionsAvailable>
 <x:GovLengthRange><x:Min>1</x:Min><x:Max>100</x:Max></x:GovLengthRange>
 <x:FrameRateRange><x:Min>1</x:Min><x:Max>4</x:Max></x:FrameRateRange>
 <x:H264ProfilesSupported>Baseline</x:H264ProfilesSupported><x:H264ProfilesSupported>Main</x:H264ProfilesSupported>
</x:H264></Options></r>""".encode()
OPTIONS_2 = f"""<r xmlns="http://www.onvif.org/ver20/media/wsdl" {SCHEMA}>
<Options GovLengthRange="1 200" FrameRatesSupported="25 12.5 5" ProfilesSupported="Main High">
 <x:Encoding>H264</x:Encoding>
 <x:QualityRange><x:Min>0</x:Min><x:Max>10</x:Max></x:QualityRange>
 <x:ResolutionsAvailable><x:Width>640</x:Width><x:Height>360</x:Height></x:ResolutionsAvailable>
 <x:BitrateRange><x:Min>64</x:Min><x:Max>8192</x:Max></x:BitrateRange></Options>
<Options><x:Encoding>JPEG</x:Encoding></Options></r>""".encode()


def encoder_node(answer: bytes, path: str) -> Node:
    node = parse_named(answer).at(path)
    assert node is not None
    return node


def test_profiles_of_the_first_media_service() -> None:
    (profile,) = read_profiles(parse_named(PROFILES))
    assert (profile.token, profile.name, profile.fixed) == ("main", "Main", True)
    assert profile.part("VideoEncoderConfiguration") == "enc0"
    assert profile.part("PTZConfiguration") == ""
    assert profile.source_token == "vs0"
    encoder = profile.encoder
    assert encoder is not None
    assert current(encoder) == Setting("H264", (1280, 720), 25.0, 4.5, 2048.0, 50, "Main")
    assert encoder.codec == "h264"


def test_profiles_of_the_second_media_service() -> None:
    (profile,) = read_profiles(parse_named(PROFILES_2))
    assert set(profile.configurations) == {"VideoSourceConfiguration", "VideoEncoderConfiguration"}
    encoder = profile.encoder
    assert encoder is not None
    assert current(encoder) == Setting("H265", (640, 360), 12.5, 3.0, 512.0, 30, "High")
    assert encoder.codec == "h265"


def test_options_of_both_services() -> None:
    (one,) = read_options(parse_named(OPTIONS))
    assert (one.encoding, one.sizes, one.rates) == ("H264", ((640, 360), (320, 180)), (1.0, 2.0, 3.0, 4.0))
    assert (one.quality, one.bit_rate, one.gov_length) == (Span(1, 6), None, Span(1, 100))
    assert one.profiles == ("Baseline", "Main")
    two, jpeg = read_options(parse_named(OPTIONS_2))
    assert (two.encoding, two.sizes, two.rates) == ("H264", ((640, 360),), (5.0, 12.5, 25.0))
    assert (two.quality, two.bit_rate, two.gov_length) == (Span(0, 10), Span(64, 8192), Span(1, 200))
    assert (jpeg.encoding, jpeg.sizes, jpeg.rates, jpeg.gov_length) == ("JPEG", (), (), None)


@pytest.mark.parametrize(
    ("answer", "path", "version"),
    [(PROFILES, "Profiles/VideoEncoderConfiguration", "media"),
     (PROFILES_2, "Profiles/Configurations/VideoEncoder", "media2")],
)  # fmt: skip
def test_a_changed_encoder_holds_what_was_set_and_all_the_rest(answer: bytes, path: str, version: str) -> None:
    encoder = read_encoder(encoder_node(answer, path))
    setting = Setting(encoder.encoding, (320, 180), 5.0, 2.0, 64.0, 10, "Baseline")
    text = changed_encoder(version, encoder, setting)  # type: ignore[arg-type]
    prefix, namespace = {
        "media": ("trt", "http://www.onvif.org/ver10/media/wsdl"),
        "media2": ("tr2", "http://www.onvif.org/ver20/media/wsdl"),
    }[version]
    root = parse_named(
        f'<e xmlns:{prefix}="{namespace}" xmlns:tt="http://www.onvif.org/ver10/schema">{text}</e>'.encode()
    )
    sent = root.children[0]
    assert (sent.name.namespace, sent.name.local) == (namespace, "Configuration")
    assert current(read_encoder(sent)) == setting
    assert [child.name for child in sent.children] == [child.name for child in encoder.node.children]
    assert sent.value("Name") == "e"
    assert sent.value("SessionTimeout") == encoder.node.value("SessionTimeout")
    assert sent.value("Secret") == encoder.node.value("Secret")
    control = sent.find("RateControl")
    assert control is not None
    assert control.attribute("ConstantBitRate") == (None if version == "media" else "true")


def test_dangling_references_are_named() -> None:
    profiles = read_profiles(parse_named(PROFILES))
    whole = {"VideoSourceConfiguration": {"vsc"}, "VideoEncoderConfiguration": {"enc0"}, "VideoSource": {"vs0"}}
    assert dangling(profiles, whole) == []
    assert dangling(profiles, {**whole, "VideoSource": {"vs1"}}) == ["main: SourceToken vs0"]
    broken = dangling(profiles, {**whole, "VideoEncoderConfiguration": set()})
    assert broken == ["main: VideoEncoderConfiguration enc0"]


def test_numbers_and_ranges() -> None:
    assert (number("1.5"), number(" 2 "), number("nan"), number("x"), number(None)) == (1.5, 2.0, None, None, None)
    assert (plain(25.0), plain(12.5)) == ("25", "12.5")
    assert span(parse_named(b"<r><Min>1</Min><Max>3</Max></r>")) == Span(1, 3)
    assert span(parse_named(b"<r><Min>4</Min><Max>3</Max></r>")) is None
    assert (2 in Span(1, 3), 4 in Span(1, 3), Span(1, 3).nearest(9), str(Span(1, 3))) == (True, False, 3, "1..3")


def test_only_what_is_there_can_be_changed_and_elements_can_be_left_out() -> None:
    node = parse_named(b'<a k="1"><b>1</b><b>2</b></a>')
    assert written(node, {"b": None, "@k": "2"}) == '<a xmlns="" k="2"><b xmlns="">2</b></a>'
    with pytest.raises(KeyError):
        written(node, {"c": "1"})

"""Session descriptions: the example of RFC 4566, a camera's SDP, every violation with its line, round trips."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.sdp import (
    Attribute,
    Bandwidth,
    Connection,
    Media,
    Origin,
    RtpMap,
    SdpError,
    SessionDescription,
    Timing,
    parse_sdp,
    serialize_sdp,
)
from conformance.protocols.sdp_formats import (
    AacFormat,
    H264Format,
    H265Format,
    read_aac_format,
    read_h264_format,
    read_h265_format,
    write_aac_format,
    write_h264_format,
    write_h265_format,
)
from conformance.protocols.sdp_values import fmtp_pairs

RFC_4566 = (
    b"v=0\r\n"
    b"o=jdoe 2890844526 2890842807 IN IP4 10.47.16.5\r\n"
    b"s=SDP Seminar\r\n"
    b"i=A Seminar on the session description protocol\r\n"
    b"u=http://www.example.com/seminars/sdp.pdf\r\n"
    b"e=j.doe@example.com (Jane Doe)\r\n"
    b"c=IN IP4 224.2.17.12/127\r\n"
    b"t=2873397496 2873404696\r\n"
    b"a=recvonly\r\n"
    b"m=audio 49170 RTP/AVP 0\r\n"
    b"m=video 51372 RTP/AVP 99\r\n"
    b"a=rtpmap:99 h263-1998/90000\r\n"
)
"""The example of RFC 4566 5."""

CAMERA = [
    b"v=0",
    b"o=- 1370073600 1 IN IP4 192.0.2.7",
    b"s=-",
    b"c=IN IP4 192.0.2.7",
    b"t=0 0",
    b"a=control:*",
    b"a=range:npt=0-30.5",
    b"m=video 0 RTP/AVP 96",
    b"b=AS:2048",
    b"a=rtpmap:96 H264/90000",
    b"a=fmtp:96 profile-level-id=42E01E; packetization-mode=1;sprop-parameter-sets=Z0IACpZTBYmI,aMljiA==",
    b"a=control:trackID=0",
    b"m=audio 0 RTP/AVP 8 97",
    b"a=rtpmap:97 MPEG4-GENERIC/16000/1",
    b"a=fmtp:97 streamtype=5;profile-level-id=15;mode=AAC-hbr;sizelength=13;indexlength=3;"
    b"indexdeltalength=3;config=1408",
    b"a=control:trackID=1",
]


def camera(*changes: tuple[int, bytes | None]) -> bytes:
    """The camera's SDP with lines (numbered from 1) replaced, or removed by None."""
    lines: list[bytes | None] = list(CAMERA)
    for number, line in changes:
        lines[number - 1] = line
    return b"".join(line + b"\r\n" for line in lines if line is not None)


def found(data: bytes) -> list[tuple[str, int]]:
    return [(violation.rule, violation.line) for violation in parse_sdp(data).violations]


def test_the_example_of_the_standard() -> None:
    description = parse_sdp(RFC_4566)
    assert description == SessionDescription(
        0,
        Origin("jdoe", "2890844526", "2890842807", "IN", "IP4", "10.47.16.5"),
        "SDP Seminar",
        "A Seminar on the session description protocol",
        "http://www.example.com/seminars/sdp.pdf",
        ("j.doe@example.com (Jane Doe)",),
        (),
        Connection("IN", "IP4", "224.2.17.12", 127),
        (),
        (Timing(2873397496, 2873404696),),
        attributes=(Attribute("recvonly"),),
        media=(
            Media("audio", 49170, "RTP/AVP", ("0",)),
            Media("video", 51372, "RTP/AVP", ("99",), attributes=(Attribute("rtpmap", "99 h263-1998/90000"),)),
        ),
    )
    assert description.violations == ()
    assert serialize_sdp(description) == RFC_4566


def test_the_camera() -> None:
    description = parse_sdp(camera())
    assert description.violations == ()
    (video,), (audio,) = description.of_kind("video"), description.of_kind("audio")
    assert (description.control, description.range, video.control, audio.control) == (
        "*",
        "npt=0-30.5",
        "trackID=0",
        "trackID=1",
    )
    assert (video.line, video.attributes[0].line, video.bandwidths) == (8, 10, (Bandwidth("AS", 2048),))
    assert (video.payload_types, audio.payload_types) == ((96,), (8, 97))
    assert video.rtpmap(96) == RtpMap(96, "H264", 90000)
    assert audio.rtpmap(8) == RtpMap(8, "PCMA", 8000, 1)
    assert audio.rtpmap(97) == RtpMap(97, "MPEG4-GENERIC", 16000, 1)
    assert video.rtpmap(97) is None
    assert video.fmtp(96) == {
        "profile-level-id": "42E01E",
        "packetization-mode": "1",
        "sprop-parameter-sets": "Z0IACpZTBYmI,aMljiA==",
    }
    assert video.fmtp(97) == {}
    assert description.connection_of(video) == Connection("IN", "IP4", "192.0.2.7")
    assert serialize_sdp(description) == camera()


def test_directions() -> None:
    video = parse_sdp(camera((12, b"a=recvonly"))).media[0]
    assert (video.direction, video.control, parse_sdp(camera()).media[0].direction) == ("recvonly", None, None)


def test_h264_parameters_of_the_camera() -> None:
    parameters = read_h264_format(parse_sdp(camera()).media[0].fmtp(96))
    assert (parameters.profile_idc, parameters.constraints, parameters.level_idc) == (0x42, 0xE0, 0x1E)
    assert parameters.packetization_mode == 1
    assert parameters.sps == (bytes.fromhex("6742000a9653058988"),)
    assert parameters.pps == (bytes.fromhex("68c96388"),)


def test_aac_parameters_of_the_camera() -> None:
    assert read_aac_format(parse_sdp(camera()).media[1].fmtp(97)) == AacFormat(
        "AAC-hbr", b"\x14\x08", 13, 3, 3, profile_level_id=15, stream_type=5
    )


def test_h265_parameters() -> None:
    text = "profile-id=1;level-id=93;tier-flag=0;sprop-vps=QAE=;sprop-sps=QgE=,QgI=;sprop-pps=RAE=;sprop-max-don-diff=2"
    parameters = read_h265_format(dict(fmtp_pairs(text)))
    assert parameters == H265Format((b"@\x01",), (b"B\x01", b"B\x02"), (b"D\x01",), 1, 93, 0, 2)
    assert write_h265_format(parameters) == text


@pytest.mark.parametrize(
    "change, rule",
    [
        ((1, b"v=1"), "sdp.version"),
        ((2, b"o=- 1 1 IN IP4"), "sdp.origin"),
        ((2, b"o=- x 1 IN IP4 192.0.2.7"), "sdp.origin.number"),
        ((2, b"o=- 1 1 IN IP4 999.0.2.7"), "sdp.origin.address"),
        ((2, b"o=- 1 1 IN IP6 192.0.2.7"), "sdp.origin.address"),
        ((3, b"s="), "sdp.empty"),
        ((4, b"c=IN IP4"), "sdp.connection"),
        ((4, b"c=IN IP4 224.2.1.1"), "sdp.connection.ttl"),
        ((4, b"c=IN IP4 not_a_host"), "sdp.connection.address"),
        ((5, b"t=0"), "sdp.time"),
        ((5, b"t=20 10"), "sdp.time"),
        ((6, b"a=:x"), "sdp.attribute"),
        ((6, b"a=control"), "sdp.control"),
        ((6, b"x=1"), "sdp.letter"),
        ((6, b"A=1"), "sdp.line.form"),
        ((6, b""), "sdp.line.blank"),
        ((6, b"a =control:*"), "sdp.line.space"),
        ((6, b"a= control:*"), "sdp.line.space"),
        ((6, b"a=control:\x01"), "sdp.line.control"),
        ((6, b"a=control:\xff"), "sdp.charset"),
        ((6, b"b=AS:1"), "sdp.order"),
        ((7, b"a=range:npt=x-"), "sdp.range"),
        ((9, b"b=AS"), "sdp.bandwidth"),
        ((9, b"t=0 0"), "sdp.order"),
        ((12, b"b=AS:1"), "sdp.order"),
        ((10, b"a=rtpmap:96 H264/8000"), "sdp.rtpmap.clock"),
        ((12, b"a=rtpmap:98 X/1"), "sdp.rtpmap.unlisted"),
        ((12, b"a=rtpmap:96 H264/90000"), "sdp.rtpmap.duplicate"),
        ((12, b"a=rtpmap:H264/90000"), "sdp.rtpmap"),
        ((11, b"a=fmtp:96"), "sdp.fmtp"),
        ((11, b"a=fmtp:98 a=b"), "sdp.fmtp.unlisted"),
        ((11, b"a=fmtp:96 packetization-mode=1;packetization-mode=1"), "sdp.fmtp.duplicate"),
        ((11, b"a=fmtp:96 packetization-mode=3"), "sdp.fmtp.packetization-mode"),
        ((11, b"a=fmtp:96 profile-level-id=42E0"), "sdp.fmtp.profile_level_id"),
        ((11, b"a=fmtp:96 sprop-parameter-sets=Z0IACpZTBYm,aMljiA=="), "sdp.fmtp.sprop-parameter-sets"),
        ((11, b"a=fmtp:96 sprop-parameter-sets=,"), "sdp.fmtp.sprop-parameter-sets"),
        ((15, b"a=fmtp:97 mode=AAC-hbr;config=140"), "sdp.fmtp.config"),
        ((15, b"a=fmtp:97 config=1408"), "sdp.fmtp.mode"),
        ((16, b"a=rtpmap:8 PCMU/8000"), "sdp.rtpmap.static"),
        ((13, b"m=sound 0 RTP/AVP 8 97"), "sdp.media.kind"),
        ((13, b"m=audio 65536 RTP/AVP 8 97"), "sdp.media.port"),
        ((13, b"m=audio 0 RTP/AVP 8 97 8"), "sdp.media.format_twice"),
        ((13, b"m=audio 0 RTP/AVP 8 97 128"), "sdp.media.format"),
        ((13, b"m=audio 0 RTP/AVP 8 97 26"), "sdp.payload_type.kind"),
        ((13, b"m=audio 0 RTP/AVP 8 97 98"), "sdp.rtpmap.missing"),
    ],
)
def test_one_wrong_line_is_one_violation_with_its_number(change: tuple[int, bytes], rule: str) -> None:
    assert found(camera(change)) == [(rule, change[0])]


def test_a_violation_shows_position_and_bytes() -> None:
    (violation,) = parse_sdp(camera((6, b"a=control:\xff"))).violations
    assert (violation.offset, violation.seen, violation.clause) == (82, b"a=control:\xff", "RFC 4566 5")


@pytest.mark.parametrize(
    "number, violations",
    [
        (1, [("sdp.missing.v", 16)]),
        (2, [("sdp.missing.o", 16)]),
        (3, [("sdp.missing.s", 16)]),
        (5, [("sdp.missing.t", 16)]),
        (4, [("sdp.connection.missing", 7), ("sdp.connection.missing", 12)]),
        (10, [("sdp.rtpmap.missing", 8)]),
    ],
)
def test_missing_lines(number: int, violations: list[tuple[str, int]]) -> None:
    assert found(camera((number, None))) == violations


def test_lines_that_stand_twice() -> None:
    assert found(camera((4, b"s=again"), (8, b"m=video 0 RTP/AVP 96\r\nc=IN IP4 192.0.2.7"), (13, None)))[:1] == [
        ("sdp.duplicate", 4)
    ]
    assert parse_sdp(camera((4, b"s=again"))).name == "-"


def test_lines_out_of_order_are_all_read() -> None:
    data = b"v=0\r\nt=0 0\r\ns=-\r\no=- 1 1 IN IP4 192.0.2.7\r\n"
    assert found(data) == [("sdp.order", 3), ("sdp.order", 4)]
    assert parse_sdp(data).origin == Origin("-", "1", "1", "IN", "IP4", "192.0.2.7")


def test_one_payload_type_with_two_meanings() -> None:
    data = camera((13, b"m=audio 0 RTP/AVP 96"), (14, b"a=rtpmap:96 MPEG4-GENERIC/16000/1"), (15, None))
    assert found(data) == [("sdp.payload_type.clash", 13)]


def test_payload_type_zero_for_video() -> None:
    data = camera((8, b"m=video 0 RTP/AVP 0"), (10, None), (11, None))
    assert found(data) == [("sdp.payload_type.kind", 8)]


def test_an_unreadable_media_line_still_begins_a_section() -> None:
    data = camera((13, b"m=audio 0"), (14, None), (15, None))
    assert found(data) == [("sdp.media", 13)]
    assert [media.kind for media in parse_sdp(data).media] == ["video", "audio"]
    assert parse_sdp(data).media[1].control == "trackID=1"


def test_line_ends_are_noted_once_of_a_kind() -> None:
    assert found(camera().replace(b"\r\n", b"\n")) == [("sdp.line_end.lf", 1)]
    assert found(camera().replace(b"\r\n", b"\r")) == [("sdp.line_end.cr", 1)]
    assert found(camera()[:-2]) == [("sdp.line_end.missing", 16)]
    assert parse_sdp(camera().replace(b"\r\n", b"\n")) == parse_sdp(camera())


def test_a_space_is_the_name_of_a_nameless_session() -> None:
    description = parse_sdp(camera((3, b"s= ")))
    assert (description.name, description.violations) == (" ", ())


def test_what_cannot_be_read_at_all() -> None:
    for data in (b"", b"\r\n", b"RTSP/1.0 200 OK\r\n", b"\x00\x01"):
        with pytest.raises(SdpError, match=r"sdp\.empty"):
            parse_sdp(data)
    with pytest.raises(SdpError, match=r"sdp\.oversize"):
        parse_sdp(b"v=0\r\n" + bytes(65536))
    with pytest.raises(SdpError, match=r"sdp\.lines"):
        parse_sdp(b"v=0\r\n" + b"a=x\r\n" * 1024)


def test_text_that_would_break_a_line_is_not_written() -> None:
    with pytest.raises(SdpError, match=r"sdp\.unwritable"):
        serialize_sdp(SessionDescription(name="a\r\nb"))


def test_multicast_connections() -> None:
    assert parse_sdp(camera((4, b"c=IN IP4 224.2.1.1/127/3"))).connection == Connection(
        "IN", "IP4", "224.2.1.1", 127, 3
    )
    assert parse_sdp(camera((4, b"c=IN IP6 ff15::101/3"))).connection == Connection("IN", "IP6", "ff15::101", None, 3)


letters = st.sampled_from([b"v", b"o", b"s", b"c", b"t", b"r", b"a", b"m", b"b", b"k", b"i", b"z"])
values = st.sampled_from(
    [b"0", b"IN IP4 1.2.3.4", b"rtpmap:96 H264/90000", b"fmtp:96 a=b", b"fmtp:96 sprop-parameter-sets=?", b"0 0"]
)
more_values = st.sampled_from(
    [b"video 0 RTP/AVP 96", b"audio 1/2 RTP/AVP 0 1 x", b"range:npt=0-", b"control:", b"AS:1", b"- 1 1 IN IP4 a"]
)
lines = st.builds(
    lambda letter, value, end: letter + b"=" + value + end,
    letters,
    values | more_values | st.binary(max_size=12),
    st.sampled_from([b"\r\n", b"\n", b"\r", b""]),
)


@given(st.lists(lines, max_size=14).map(b"".join) | st.binary(max_size=40))
def test_noise_raises_nothing_else_and_lines_are_in_order(data: bytes) -> None:
    with suppress(SdpError):
        description = parse_sdp(data)
        numbers = [violation.line for violation in description.violations]
        assert numbers == sorted(numbers)
        assert all(0 <= violation.offset <= len(data) for violation in description.violations)
        for media in description.media:
            for payload in media.payload_types:
                with suppress(SdpError):
                    read_h264_format(media.fmtp(payload))
                with suppress(SdpError):
                    read_h265_format(media.fmtp(payload))
                with suppress(SdpError):
                    read_aac_format(media.fmtp(payload))


words = st.text("abcXYZ019-", min_size=1, max_size=8)
texts = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12).filter(
    lambda text: text[0] != " "
)
numbers = st.integers(0, 10**9)
connections = st.builds(Connection, st.just("IN"), st.just("IP4"), st.just("192.0.2.1"))
attributes = st.lists(st.builds(Attribute, words.map(lambda word: f"x-{word}"), st.none() | texts), max_size=4).map(
    tuple
)
bandwidths = st.lists(st.builds(Bandwidth, words, numbers), max_size=2).map(tuple)
media = st.builds(
    Media,
    kind=st.sampled_from(["audio", "video", "application"]),
    port=st.integers(0, 65535),
    protocol=st.just("RTP/AVP"),
    formats=st.just(("33",)),
    port_count=st.integers(1, 9),
    title=st.just("") | texts,
    connection=st.none() | connections,
    bandwidths=bandwidths,
    key=st.just("") | texts,
    attributes=attributes,
)
origins = st.builds(
    Origin, words, numbers.map(str), numbers.map(str), st.just("IN"), st.just("IP4"), st.just("h.example")
)
repeats = st.lists(texts, max_size=2).map(tuple)
times = st.lists(st.builds(Timing, numbers, st.just(0), repeats), min_size=1, max_size=3).map(tuple)
descriptions = st.builds(
    SessionDescription,
    version=st.just(0),
    origin=st.builds(
        Origin, words, numbers.map(str), numbers.map(str), st.just("IN"), st.just("IP4"), st.just("h.example")
    ),
    name=texts,
    information=st.just("") | texts,
    uri=st.just("") | texts,
    emails=st.lists(texts, max_size=2).map(tuple),
    phones=st.lists(texts, max_size=2).map(tuple),
    connection=connections,
    bandwidths=bandwidths,
    times=st.lists(st.builds(Timing, numbers, st.just(0), st.lists(texts, max_size=2).map(tuple)), min_size=1).map(
        tuple
    ),
    zones=st.just("") | texts,
    key=st.just("") | texts,
    attributes=attributes,
    media=st.lists(media, max_size=3).map(tuple),
)


@given(descriptions)
def test_descriptions_round_trip(description: SessionDescription) -> None:
    read = parse_sdp(serialize_sdp(description))
    assert (read, read.violations) == (description, ())


units = st.lists(st.binary(min_size=1, max_size=12), max_size=4).map(tuple)


@given(units, st.integers(0, 255), st.integers(0, 2))
def test_h264_formats_round_trip(sets: tuple[bytes, ...], level: int, mode: int) -> None:
    parameters = H264Format(0x42, 0xE0, level, mode, sets)
    assert read_h264_format(dict(fmtp_pairs(write_h264_format(parameters)))) == parameters


@given(st.binary(max_size=8), st.none() | st.integers(0, 255), st.integers(0, 32))
def test_aac_formats_round_trip(config: bytes, level: int | None, size: int) -> None:
    parameters = AacFormat("AAC-hbr", config, size, 3, 3, level, stream_type=5)
    assert read_aac_format(dict(fmtp_pairs(write_aac_format(parameters)))) == parameters
    assert read_aac_format(dict(fmtp_pairs(write_aac_format(replace(parameters, size_length=0))))).size_length == 0

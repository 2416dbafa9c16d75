"""Typed RTSP headers, ranges and URLs: examples of the standards, faults, round trips."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.rtsp import RtspError
from conformance.protocols.rtsp_headers import (
    RtpInfo,
    Session,
    Transport,
    format_public,
    format_rtp_info,
    format_scale,
    format_session,
    format_transport,
    parse_cseq,
    parse_public,
    parse_rtp_info,
    parse_scale,
    parse_session,
    parse_transport,
)
from conformance.protocols.rtsp_range import ClockRange, NptRange, SmpteRange, format_range, parse_range
from conformance.protocols.rtsp_url import (
    Query,
    RtspUrl,
    append_control,
    control_base,
    parse_query,
    resolve_control,
    resolve_reference,
    split_url,
)

PLAY_URL = "rtsp://192.0.2.7:1554/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=0a%2B+b=&x&hashtoken=2"


def test_the_transport_of_the_standard() -> None:
    value = 'RTP/AVP;multicast;ttl=127;mode="PLAY",RTP/AVP;unicast;client_port=3456-3457;mode="PLAY,RECORD"'
    assert parse_transport(value) == [
        Transport("RTP/AVP", unicast=False, ttl=127, mode=("PLAY",)),
        Transport("RTP/AVP", unicast=True, client_port=(3456, 3457), mode=("PLAY", "RECORD")),
    ]


def test_every_parameter_of_a_transport() -> None:
    value = (
        "RTP/AVP/TCP;unicast;destination=192.0.2.1;source=192.0.2.2;interleaved=0-1;port=5000;"
        "client_port=6970-6971;server_port=19840;ssrc=0000ABCD;append;layers=2"
    )
    (transport,) = parse_transport(value)
    assert transport == Transport(
        "RTP/AVP/TCP",
        unicast=True,
        client_port=(6970, 6971),
        server_port=(19840,),
        port=(5000,),
        interleaved=(0, 1),
        ssrc=0xABCD,
        destination="192.0.2.1",
        source="192.0.2.2",
        others=(("append", None), ("layers", "2")),
    )
    assert (transport.is_tcp, transport.violations) == (True, ())


def test_a_transport_is_written_like_this() -> None:
    transport = Transport("RTP/AVP", unicast=True, client_port=(4588, 4589), ssrc=0xD, mode=("PLAY",))
    assert format_transport(transport) == 'RTP/AVP;unicast;client_port=4588-4589;ssrc=0000000D;mode="PLAY"'


@pytest.mark.parametrize(
    "value, rule",
    [
        ("RTP/AVP;unicast;unicast", "rtsp.transport.duplicate"),
        ("RTP/AVP;unicast;", "rtsp.transport.empty"),
        ("RTP/AVP;unicast;multicast", "rtsp.transport.delivery"),
        ("RTP/AVP;unicast;ssrc=1F", "rtsp.transport.ssrc"),
    ],
)
def test_odd_transports_are_read_and_noted(value: str, rule: str) -> None:
    (transport,) = parse_transport(value)
    assert [violation.rule for violation in transport.violations] == [rule]
    assert transport.unicast is True


@pytest.mark.parametrize(
    "value, rule",
    [
        ("", "rtsp.transport.protocol"),
        ("unicast", "rtsp.transport.protocol"),
        ("RTP/AVP;client_port=70000-70001", "rtsp.transport.client_port"),
        ("RTP/AVP;client_port=9-8", "rtsp.transport.client_port"),
        ("RTP/AVP;client_port", "rtsp.transport.client_port"),
        ("RTP/AVP/TCP;interleaved=0-256", "rtsp.transport.interleaved"),
        ("RTP/AVP;ssrc=xyz", "rtsp.transport.ssrc"),
        (",".join(["RTP/AVP"] * 33), "rtsp.transport.count"),
    ],
)
def test_unreadable_transports(value: str, rule: str) -> None:
    with pytest.raises(RtspError) as caught:
        parse_transport(value)
    assert caught.value.rule == rule


def test_sessions() -> None:
    session = parse_session("12345678 ; timeout=120")
    assert (session, session.lifetime, session.violations) == (Session("12345678", 120), 120, ())
    assert parse_session("12345678").lifetime == 60
    assert format_session(session) == "12345678;timeout=120"
    assert [v.rule for v in parse_session("1 2;x=1").violations] == [
        "rtsp.session.id",
        "rtsp.session.short",
        "rtsp.session.parameter",
    ]


@pytest.mark.parametrize("value", ["", ";timeout=1", "12345678;timeout=", "12345678;timeout=1.5"])
def test_unreadable_sessions(value: str) -> None:
    with pytest.raises(RtspError):
        parse_session(value)


def test_public() -> None:
    assert parse_public("DESCRIBE, SETUP,TEARDOWN , PLAY") == ("DESCRIBE", "SETUP", "TEARDOWN", "PLAY")
    assert format_public(("OPTIONS", "PLAY")) == "OPTIONS, PLAY"
    with pytest.raises(RtspError):
        parse_public("DESCRIBE SETUP")


def test_the_rtp_info_of_the_standard() -> None:
    value = "url=rtsp://foo.com/bar.avi/streamid=0;seq=45102,\r\n url=rtsp://foo.com/bar.avi/streamid=1;seq=30211"
    assert parse_rtp_info(value.replace("\r\n", "")) == [
        RtpInfo("rtsp://foo.com/bar.avi/streamid=0", 45102),
        RtpInfo("rtsp://foo.com/bar.avi/streamid=1", 30211),
    ]


def test_rtp_info_keeps_commas_and_semicolons_of_the_url() -> None:
    value = "url=rtsp://h/a,b;c=d?e=1,2;seq=1;rtptime=4294967295;ssrc=0000000A"
    assert parse_rtp_info(value) == [RtpInfo("rtsp://h/a,b;c=d?e=1,2", 1, 4294967295, 10)]
    assert format_rtp_info(parse_rtp_info(value)) == value


@pytest.mark.parametrize("value", ["", "seq=1", "url=", "url=a;seq=65536", "url=a;rtptime=-1", "url=a;seq=1;seq=2"])
def test_unreadable_rtp_info(value: str) -> None:
    with pytest.raises(RtspError):
        parse_rtp_info(value)


def test_scale_and_cseq() -> None:
    assert [parse_scale(text) for text in ("2", "-0.5", "1.", "3.5")] == [2.0, -0.5, 1.0, 3.5]
    assert [format_scale(scale) for scale in (2.0, -0.5, 10.0)] == ["2", "-0.5", "10"]
    assert parse_cseq(" 7 ") == 7
    for text in ("", "fast", "1e3", "nan", "+1"):
        with pytest.raises(RtspError):
            parse_scale(text)


@pytest.mark.parametrize(
    "value, expected",
    [
        ("npt=0-", NptRange(0.0)),
        ("npt=3.125-12", NptRange(3.125, 12.0)),
        ("npt=-20", NptRange(None, 20.0)),
        ("npt=now-", NptRange(None, None, now=True)),
        ("npt=12:05:35.3-", NptRange(43535.3)),
        (
            "clock=19961108T142300Z-19961108T143520.25Z",
            ClockRange(
                datetime(1996, 11, 8, 14, 23, tzinfo=UTC), datetime(1996, 11, 8, 14, 35, 20, 250000, tzinfo=UTC)
            ),
        ),
        ("clock=19960213T143205Z-", ClockRange(datetime(1996, 2, 13, 14, 32, 5, tzinfo=UTC))),
        (
            "npt=10-;time=19970123T143720Z",
            NptRange(10.0, at=datetime(1997, 1, 23, 14, 37, 20, tzinfo=UTC)),
        ),
        ("smpte=10:12:33:20-", SmpteRange("smpte", "10:12:33:20")),
        ("smpte-25=10:07:00-10:07:33:05.01", SmpteRange("smpte-25", "10:07:00", "10:07:33:05.01")),
    ],
)
def test_ranges_of_the_standard(value: str, expected: NptRange | ClockRange | SmpteRange) -> None:
    assert parse_range(value) == expected
    assert parse_range(format_range(expected)) == expected


def test_ranges_are_written_like_this() -> None:
    assert format_range(NptRange(0.0)) == "npt=0-"
    assert format_range(NptRange(1.5, 30.0)) == "npt=1.5-30"
    assert format_range(ClockRange(datetime(2013, 6, 1, 8, 0, 0, 500000, tzinfo=UTC))) == "clock=20130601T080000.5Z-"


@pytest.mark.parametrize(
    "value, rule",
    [
        ("", "rtsp.range.form"),
        ("npt=", "rtsp.range.form"),
        ("npt=-", "rtsp.range.npt"),
        ("npt=1e3-", "rtsp.range.npt"),
        ("npt=1:60:00-", "rtsp.range.npt"),
        ("clock=20130231T000000Z-", "rtsp.range.clock"),
        ("clock=20130601080000-", "rtsp.range.clock"),
        ("bytes=0-1", "rtsp.range.unit"),
        ("npt=0-;x=1", "rtsp.range.parameter"),
        ("smpte=1-2", "rtsp.range.smpte"),
    ],
)
def test_unreadable_ranges(value: str, rule: str) -> None:
    with pytest.raises(RtspError) as caught:
        parse_range(value)
    assert caught.value.rule == rule


def test_the_play_url_is_split_without_decoding() -> None:
    url = split_url(PLAY_URL)
    assert (url.scheme, url.host, url.port, url.path) == ("rtsp", "192.0.2.7", 1554, "/realplay")
    query = parse_query(url.query or "")
    assert query.pairs == (
        ("devid", "KDN00000001"),
        ("channelno", "0"),
        ("streamtype", "1"),
        ("hashtoken", "0a%2B+b="),
        ("x", None),
        ("hashtoken", "2"),
    )
    assert (query.one("devid"), query.repeated, query.all("DEVID")) == ("KDN00000001", ("hashtoken",), ())
    assert url.text == PLAY_URL
    for name in ("hashtoken", "x", "missing"):
        with pytest.raises(RtspError):
            query.one(name)


@pytest.mark.parametrize(
    "text, expected",
    [
        ("rtsp://h", RtspUrl("rtsp", "h")),
        ("RTSP://h/?", RtspUrl("rtsp", "h", 554, "/", "")),
        ("rtsp://u:p:q@h:1/a", RtspUrl("rtsp", "h", 1, "/a", None, "u", "p:q")),
        ("rtsp://[2001:db8::1]:8554/a", RtspUrl("rtsp", "2001:db8::1", 8554, "/a")),
        ("rtsps://h", RtspUrl("rtsps", "h", 322)),
    ],
)
def test_urls(text: str, expected: RtspUrl) -> None:
    assert split_url(text) == expected


@pytest.mark.parametrize(
    "text, rule",
    [
        ("http://h/", "rtsp.url.form"),
        ("rtsp:/h/", "rtsp.url.form"),
        ("rtsp:///a", "rtsp.url.host"),
        ("rtsp://h:65536/", "rtsp.url.host"),
        ("rtsp://h:/", "rtsp.url.host"),
        ("rtsp://h/a b", "rtsp.url.character"),
        ("rtsp://h/\u00e4", "rtsp.url.character"),
        ("rtsp://h/a#b", "rtsp.url.fragment"),
        ("rtsp://h/" + "a" * 4096, "rtsp.url.size"),
    ],
)
def test_no_urls(text: str, rule: str) -> None:
    with pytest.raises(RtspError) as caught:
        split_url(text)
    assert caught.value.rule == rule


def test_empty_pieces_of_a_query_are_refused_with_their_place() -> None:
    with pytest.raises(RtspError) as caught:
        parse_query("a=1&&b=2")
    assert (caught.value.rule, caught.value.offset) == ("rtsp.query.name", 4)


@pytest.mark.parametrize(
    "reference, expected",
    [
        ("g:h", "g:h"),
        ("g", "http://a/b/c/g"),
        ("./g", "http://a/b/c/g"),
        ("g/", "http://a/b/c/g/"),
        ("/g", "http://a/g"),
        ("//g", "http://g"),
        ("?y", "http://a/b/c/d;p?y"),
        ("g?y", "http://a/b/c/g?y"),
        (";x", "http://a/b/c/;x"),
        ("", "http://a/b/c/d;p?q"),
        (".", "http://a/b/c/"),
        ("..", "http://a/b/"),
        ("../g", "http://a/b/g"),
        ("../../../g", "http://a/g"),
        ("g..", "http://a/b/c/g.."),
        ("./g/.", "http://a/b/c/g/"),
        ("g;x=1/../y", "http://a/b/c/y"),
        ("g?y/../x", "http://a/b/c/g?y/../x"),
    ],
)
def test_the_references_of_rfc_3986(reference: str, expected: str) -> None:
    assert resolve_reference("http://a/b/c/d;p?q", reference) == expected


def test_control_urls() -> None:
    request = "rtsp://h:1554/realplay?devid=K&hashtoken=1"
    assert control_base(request, "rtsp://h/1/", "rtsp://h/2/") == "rtsp://h/1/"
    assert control_base(request, "", "rtsp://h/2/") == "rtsp://h/2/"
    assert control_base(request) == request
    assert resolve_control("*", "rtsp://h/1") == "rtsp://h/1"
    assert resolve_control("trackID=0", "rtsp://h/1/") == "rtsp://h/1/trackID=0"
    assert resolve_control("trackID=0", "rtsp://h/1") == "rtsp://h/trackID=0"
    assert append_control("trackID=0", "rtsp://h/1") == "rtsp://h/1/trackID=0"
    assert append_control("rtsp://h/x", "rtsp://h/1") == "rtsp://h/x"
    assert resolve_control("streamid=0:1", "rtsp://h/1/") == "rtsp://h/1/streamid=0:1"
    with pytest.raises(RtspError):
        resolve_control("trackID=0", "realplay")


HELPERS: list[Callable[[str], object]] = [
    parse_transport,
    parse_session,
    parse_public,
    parse_rtp_info,
    parse_scale,
    parse_cseq,
    parse_range,
    split_url,
    parse_query,
    lambda text: resolve_reference("rtsp://h/a", text),
    lambda text: resolve_reference(text, "b"),
]
words = st.sampled_from(
    ["RTP/AVP", "unicast", "client_port", "interleaved", "url", "seq", "npt", "clock", "now", "rtsp://"]
)
signs = st.sampled_from([";", ",", "=", "-", '"', "\\", "[", "::", "]", "@", "/", "..", "?", "&", "12", "\u0660"])


@given(st.lists(words | signs | st.text(max_size=4), max_size=12).map("".join), st.sampled_from(HELPERS))
def test_helpers_raise_nothing_else(text: str, helper: Callable[[str], object]) -> None:
    with suppress(RtspError):
        helper(text)


ports = st.tuples(st.integers(0, 30000), st.integers(30000, 65535)) | st.tuples(st.integers(0, 65535)) | st.just(())
hosts = st.text("abc0123456789.:", max_size=10)


@given(
    st.builds(
        Transport,
        protocol=st.sampled_from(["RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP", "RTP/SAVP"]),
        unicast=st.sampled_from([None, True, False]),
        client_port=ports,
        server_port=ports,
        interleaved=st.tuples(st.integers(0, 127), st.integers(127, 255)) | st.just(()),
        ssrc=st.none() | st.integers(0, 0xFFFFFFFF),
        destination=hosts,
        source=hosts,
        ttl=st.none() | st.integers(0, 255),
        mode=st.sampled_from([(), ("PLAY",), ("PLAY", "RECORD")]),
        others=st.sampled_from([(), (("append", None),), (("layers", "2"), ("x", ""))]),
    )
)
def test_transports_round_trip(transport: Transport) -> None:
    (read,) = parse_transport(format_transport(transport))
    assert (read, read.violations) == (transport, ())


pairs = st.tuples(st.text("abcDEF%+;", min_size=1, max_size=6), st.none() | st.text("abc=%+ 1", max_size=6))


@given(st.lists(pairs, min_size=1, max_size=8).map(tuple))
def test_queries_round_trip(given_pairs: tuple[tuple[str, str | None], ...]) -> None:
    query = Query(given_pairs)
    assert parse_query(query.text) == query

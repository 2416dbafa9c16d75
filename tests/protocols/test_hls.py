"""HLS playlists: examples of RFC 8216 section 8, violations with line and clause, arbitrary bytes."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.hls import HlsError, Segment, parse_playlist

SIMPLE = b"""#EXTM3U
#EXT-X-TARGETDURATION:10
#EXT-X-VERSION:3
#EXTINF:9.009,
http://media.example.com/first.ts
#EXTINF:9.009,
http://media.example.com/second.ts
#EXTINF:3.003,
http://media.example.com/third.ts
#EXT-X-ENDLIST
"""
LIVE = b"""#EXTM3U
#EXT-X-VERSION:3
#EXT-X-TARGETDURATION:8
#EXT-X-MEDIA-SEQUENCE:2680

#EXTINF:7.975,
https://priv.example.com/fileSequence2680.ts
#EXTINF:7.941,
https://priv.example.com/fileSequence2681.ts
"""
MASTER = b"""#EXTM3U
#EXT-X-STREAM-INF:BANDWIDTH=1280000,AVERAGE-BANDWIDTH=1000000
http://example.com/low.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=65000,CODECS="mp4a.40.5,avc1"
http://example.com/audio-only.m3u8
"""


def test_a_simple_media_playlist() -> None:
    found = parse_playlist(SIMPLE)
    assert (found.version, found.target_duration, found.ended, found.is_master) == (3, 10, True, False)
    assert found.segments[2] == Segment("http://media.example.com/third.ts", 3.003, 9, 2)
    assert found.violations == []


def test_a_live_playlist() -> None:
    found = parse_playlist(LIVE)
    assert [segment.sequence for segment in found.segments] == [2680, 2681]
    assert not found.ended
    assert found.violations == []


def test_a_master_playlist() -> None:
    found = parse_playlist(MASTER)
    assert found.is_master
    assert [variant.attributes["BANDWIDTH"] for variant in found.variants] == ["1280000", "65000"]
    assert found.variants[1].attributes["CODECS"] == "mp4a.40.5,avc1"
    assert found.violations == []


@pytest.mark.parametrize(
    ("old", "new", "rule", "line", "clause"),
    [
        (b"#EXT-X-TARGETDURATION:10\n", b"", "hls.target.missing", 0, "RFC 8216 4.3.3.1"),
        (b"#EXT-X-TARGETDURATION:10", b"#EXT-X-TARGETDURATION:8", "hls.target", 5, "RFC 8216 4.3.3.1"),
        (b"#EXT-X-TARGETDURATION:10", b"#EXT-X-TARGETDURATION:9.5", "hls.number", 2, "RFC 8216 4.3.3.1"),
        (b"#EXT-X-VERSION:3\n", b"", "hls.version", 0, "RFC 8216 7"),
        (
            b"#EXTINF:9.009,\nhttp://media.example.com/sec",
            b"http://media.example.com/sec",
            "hls.extinf.missing",
            6,
            "RFC 8216 4.3.2.1",
        ),
        (b"#EXTINF:3.003,", b"#EXTINF:three,", "hls.extinf", 8, "RFC 8216 4.3.2.1"),
        (b"#EXT-X-VERSION:3", b"#EXT-X-VERSION:3\n#EXT-X-VERSION:3", "hls.repeated", 4, "RFC 8216 4.3.1; 4.3.3"),
        (b"#EXT-X-ENDLIST", b"#EXT-X-MEDIA-SEQUENCE:1", "hls.sequence.late", 10, "RFC 8216 4.3.3.2"),
        (b"#EXT-X-ENDLIST", b"#EXT-X-MEDIA:TYPE=AUDIO", "hls.mixed", 0, "RFC 8216 4.1"),
    ],
)
def test_violations(old: bytes, new: bytes, rule: str, line: int, clause: str) -> None:
    found = parse_playlist(SIMPLE.replace(old, new, 1)).violations
    assert [(v.rule, v.line, v.clause) for v in found][:1] == [(rule, line, clause)]


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"#EXTM3U8\n", b"\xef\xbb\xbf#EXTM3U\n", b"#EXTM3U\n\xff", b"#EXTM3U" + b"\n" * 60_000]
)
def test_what_is_no_playlist(data: bytes) -> None:
    with pytest.raises(HlsError):
        parse_playlist(data)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda data: b"#EXTM3U\n" + data))
def test_nothing_else_is_raised(data: bytes) -> None:
    with contextlib.suppress(HlsError):
        parse_playlist(data)


def test_the_discontinuity_sequence() -> None:
    head = b"#EXTM3U\n#EXT-X-TARGETDURATION:8\n"
    assert parse_playlist(head).discontinuity_sequence is None
    found = parse_playlist(head + b"#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXT-X-DISCONTINUITY\n#EXTINF:8,\na.ts\n")
    assert (found.discontinuity_sequence, found.violations) == (3, [])
    late = parse_playlist(head + b"#EXT-X-DISCONTINUITY\n#EXT-X-DISCONTINUITY-SEQUENCE:3\n#EXTINF:8,\na.ts\n")
    assert [(v.rule, v.line) for v in late.violations] == [("hls.discontinuity_sequence.late", 4)]

"""FLV: examples byte by byte, one violation for each rule, arbitrary bytes and cuts."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.flv import (
    AvcRecord,
    FlvError,
    FlvHeader,
    FlvReader,
    FlvTag,
    read_avc_record,
    split_units,
    write_header,
    write_tag,
)

HEADER = bytes.fromhex("464c560105000000090000 0000".replace(" ", ""))
SCRIPT = bytes.fromhex("12000003000000000000000201610000000e")
SPS, PPS = bytes.fromhex("6742c01edd"), bytes.fromhex("68ce38")
RECORD = bytes.fromhex("0142c01effe1000567 42c01edd01000368ce38".replace(" ", ""))
SETUP = b"\x17\x00\x00\x00\x00" + RECORD
KEY = b"\x17\x01\x00\x00\x00" + b"\x00\x00\x00\x02\x65\x88"
INTER = b"\x27\x01\x00\x00\x28" + b"\x00\x00\x00\x01\x41"


def tag(body: bytes, time: int = 0, kind: int = 9, **more: int) -> bytes:
    return write_tag(FlvTag(kind, time, body, **more))


def rules(data: bytes) -> list[str]:
    reader = FlvReader()
    reader.feed(data)
    return [violation.rule for violation in reader.violations]


def test_the_header_is_written_as_the_specification_has_it() -> None:
    assert write_header(has_audio=True, has_video=True) == HEADER
    assert write_header(has_audio=False, has_video=True)[4] == 1


def test_a_tag_is_written_byte_by_byte() -> None:
    written = tag(b"\xaa\xbb", time=0x01020304, kind=8)
    assert written.hex(" ") == "08 00 00 02 02 03 04 01 00 00 00 aa bb 00 00 00 0d"


def test_a_good_stream_has_no_violation() -> None:
    reader = FlvReader()
    tags = reader.feed(HEADER + SCRIPT + tag(SETUP) + tag(KEY, 40) + tag(INTER, 80) + tag(b"\xaf\x01x", 60, kind=8))
    assert reader.header == FlvHeader(version=1, has_audio=True, has_video=True, data_offset=9)
    assert reader.violations == []
    assert reader.pending == 0
    assert [(t.kind, t.timestamp, t.is_key, t.is_setup) for t in tags] == [
        (18, 0, False, False),
        (9, 0, False, True),
        (9, 40, True, False),
        (9, 80, False, False),
        (8, 60, False, False),
    ]
    assert tags[2].units == b"\x00\x00\x00\x02\x65\x88"
    assert tags[1].offset == 13 + len(SCRIPT)


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (HEADER[:3] + b"\x02" + HEADER[4:], "flv.version"),
        (HEADER[:4] + b"\x07" + HEADER[5:], "flv.reserved"),
        (HEADER[:8] + b"\x0a\x00" + HEADER[9:], "flv.offset"),
        (HEADER[:12] + b"\x01", "flv.previous_size"),
        (HEADER + SCRIPT[:-1] + b"\x0f", "flv.previous_size"),
        (HEADER + b"\x52" + SCRIPT[1:], "flv.tag.reserved"),
        (HEADER + tag(b"x", kind=10), "flv.tag.type"),
        (HEADER + tag(SETUP, stream_id=1), "flv.stream_id"),
        (HEADER + tag(SETUP, 40) + tag(KEY, 39), "flv.time.back"),
        (HEADER + tag(b""), "flv.tag.empty"),
        (HEADER[:4] + b"\x04" + HEADER[5:] + tag(SETUP), "flv.header.flags"),
        (HEADER + tag(b"\x17\x00"), "flv.avc.short"),
        (HEADER + tag(SETUP) + tag(b"\x17\x03\x00\x00\x00"), "flv.avc.type"),
        (HEADER + tag(b"\x17\x00\x00\x00\x01" + RECORD), "flv.avc.composition"),
        (HEADER + tag(KEY), "flv.avc.no_header"),
    ],
)
def test_each_rule(data: bytes, rule: str) -> None:
    assert rules(data) == [rule]


def test_violations_name_place_and_clause() -> None:
    reader = FlvReader()
    reader.feed(HEADER + SCRIPT + tag(SETUP, stream_id=7))
    (violation,) = reader.violations
    assert (violation.offset, violation.clause) == (13 + len(SCRIPT) + 8, "FLV 10.1 E.4.1")
    assert violation.explain == "StreamID is 7, not 0"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"FLX", "flv.signature"),
        (b"#EXTM3U\n", "flv.signature"),
        (HEADER[:5] + b"\x00\x00\x00\x08", "flv.offset"),
        (HEADER + b"\x09\xff\xff\xff" + bytes(7), "flv.size"),
    ],
)
def test_what_cannot_be_read(data: bytes, rule: str) -> None:
    with pytest.raises(FlvError) as caught:
        FlvReader().feed(data)
    assert caught.value.rule == rule


def test_an_avc_record() -> None:
    assert read_avc_record(RECORD) == AvcRecord(profile=0x42, level=0x1E, length_size=4, parameter_sets=(SPS, PPS))


@pytest.mark.parametrize("cut", [1, 6, 8, 12, 17])
def test_a_cut_avc_record_is_refused(cut: int) -> None:
    with pytest.raises(FlvError):
        read_avc_record(RECORD[:cut])


def test_units() -> None:
    assert split_units(b"\x00\x00\x00\x02\x65\x88\x00\x00\x00\x01\x06", 4) == (b"\x65\x88", b"\x06")
    assert split_units(b"\x02\x65\x88", 1) == (b"\x65\x88",)


@pytest.mark.parametrize("wrong", [b"\x00\x00\x00\x02\x65", b"\x00\x00\x00\x00\x65\x88", b"\x00\x00"])
def test_units_that_do_not_fill_their_data(wrong: bytes) -> None:
    with pytest.raises(FlvError):
        split_units(wrong, 4)


@given(st.lists(st.tuples(st.sampled_from([8, 18]), st.integers(0, 2**32 - 1), st.binary(min_size=1)), max_size=6))
def test_what_is_written_is_read_whatever_the_pieces(contents: list[tuple[int, int, bytes]]) -> None:
    tags = [FlvTag(kind, time, body) for kind, time, body in contents]
    data = write_header(has_audio=True, has_video=False) + b"".join(map(write_tag, tags))
    reader = FlvReader()
    found = [tag for at in range(0, len(data), 7) for tag in reader.feed(data[at : at + 7])]
    assert [(tag.kind, tag.timestamp, tag.body) for tag in found] == contents
    assert {violation.rule for violation in reader.violations} <= {"flv.time.back"}


@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_raise_nothing_else(data: bytes, with_header: bool) -> None:
    with contextlib.suppress(FlvError):
        FlvReader().feed(HEADER + data if with_header else data)
    with contextlib.suppress(FlvError):
        read_avc_record(b"\x01" + data)

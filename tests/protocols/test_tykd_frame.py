"""The frame: golden bytes, any split of the stream, faults."""

from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.tykd_frame import (
    DIGEST_SIZE,
    HEADER_SIZE,
    START,
    Frame,
    FrameError,
    FrameParser,
    ReceivedFrame,
    decode_frame,
    encode_frame,
)
from specs.messages import load_message_table

REBOOT_XML = b'<?xml version="1.0" encoding="utf-8"?><REBOOT_REQ><DevID>KDN00000001</DevID></REBOOT_REQ>'
REBOOT_FRAME = bytes.fromhex(
    "faf5" "6c" "0102" "00" "0059"
    "3c3f786d6c2076657273696f6e3d22312e302220656e636f64696e673d227574662d38223f3e"
    "3c5245424f4f545f5245513e3c44657649443e4b444e30303030303030313c2f44657649443e3c2f5245424f4f545f5245513e"
    "6c2566d817459d08f35a9eeb39bb5939"
)  # fmt: skip

frames = st.builds(
    Frame,
    command=st.integers(0, 255),
    sequence=st.integers(0, 65535),
    xml=st.binary(max_size=300),
    reserved=st.integers(0, 255),
)


def test_the_constants_are_those_of_the_table() -> None:
    table = load_message_table()
    assert bytes(table.frame.start) == START
    assert (table.frame.header_size.number, table.frame.digest_size.number) == (HEADER_SIZE, DIGEST_SIZE)


def test_golden_bytes() -> None:
    assert encode_frame(Frame(0x6C, 0x0102, REBOOT_XML)) == REBOOT_FRAME


def test_the_digest_covers_header_and_xml() -> None:
    head = b"\xfa\xf5\x33\xff\xff\x00\x00\x04"
    assert encode_frame(Frame(0x33, 65535, b"<A/>")) == head + b"<A/>" + hashlib.md5(head + b"<A/>").digest()


def test_golden_bytes_are_read() -> None:
    received = decode_frame(REBOOT_FRAME)
    assert received.frame == Frame(0x6C, 0x0102, REBOOT_XML, 0, REBOOT_FRAME[-16:])
    assert received.digest_ok
    assert received.raw == REBOOT_FRAME
    assert received.violations == ()


def test_one_byte_per_segment() -> None:
    parser = FrameParser()
    counts = [len(parser.feed(bytes([byte]))) for byte in REBOOT_FRAME]
    assert counts == [0] * (len(REBOOT_FRAME) - 1) + [1]
    assert parser.pending == 0


def test_three_frames_in_one_segment_and_the_start_of_a_fourth() -> None:
    stream = b"".join(encode_frame(Frame(0x33, number, b"<A/>")) for number in (7, 8, 9))
    parser = FrameParser()
    received = parser.feed(stream + REBOOT_FRAME[:10])
    assert [item.frame.sequence for item in received] == [7, 8, 9]
    assert [item.offset for item in received] == [0, 28, 56]
    assert (parser.pending, parser.offset) == (10, 84)
    [last] = parser.feed(REBOOT_FRAME[10:])
    assert last.raw == REBOOT_FRAME


def test_a_wrong_digest_is_reported_with_its_place() -> None:
    broken = REBOOT_FRAME[:50] + bytes([REBOOT_FRAME[50] ^ 1]) + REBOOT_FRAME[51:]
    received = decode_frame(broken)
    assert not received.digest_ok
    [violation] = received.violations
    assert (violation.rule, violation.offset, violation.seen) == ("tykd.frame.digest", 97, REBOOT_FRAME[-16:])


def test_a_given_digest_is_sent_as_it_is() -> None:
    received = decode_frame(encode_frame(Frame(0x33, 1, b"<A/>", digest=bytes(16))))
    assert received.frame.digest == bytes(16)
    assert not received.digest_ok


def test_reserved_and_empty_are_violations() -> None:
    received = decode_frame(encode_frame(Frame(0x33, 1, b"", reserved=9)))
    assert [(v.rule, v.offset) for v in received.violations] == [("tykd.frame.reserved", 5), ("tykd.frame.empty", 6)]
    assert received.frame.reserved == 9


def test_a_wrong_first_byte_is_refused_at_once() -> None:
    with pytest.raises(FrameError) as caught:
        FrameParser().feed(b"\x00")
    assert (caught.value.rule, caught.value.offset) == ("tykd.frame.start", 0)


def test_frames_before_a_fault_are_not_lost() -> None:
    parser = FrameParser()
    with pytest.raises(FrameError) as caught:
        parser.feed(REBOOT_FRAME + b"\xfa\xf6")
    assert [item.raw for item in caught.value.frames] == [REBOOT_FRAME]
    assert caught.value.offset == len(REBOOT_FRAME)
    with pytest.raises(FrameError) as again:
        parser.feed(REBOOT_FRAME)
    assert (again.value.rule, again.value.frames) == ("tykd.frame.start", ())


def test_an_oversized_length_is_refused_before_its_body() -> None:
    with pytest.raises(FrameError) as caught:
        FrameParser(max_xml=4072).feed(b"\xfa\xf5\x33\x00\x01\x00\x0f\xe9")
    assert (caught.value.rule, caught.value.offset) == ("tykd.frame.oversize", 6)


@pytest.mark.parametrize("size", [4072, 65535])
def test_the_largest_frame_is_taken(size: int) -> None:
    [received] = FrameParser(max_xml=size).feed(encode_frame(Frame(0x68, 1, b"x" * size)))
    assert received.frame.xml == b"x" * size


def test_a_stream_that_ends_inside_a_frame() -> None:
    parser = FrameParser()
    parser.feed(REBOOT_FRAME + REBOOT_FRAME[:20])
    with pytest.raises(FrameError) as caught:
        parser.finish()
    assert (caught.value.rule, caught.value.offset) == ("tykd.frame.truncated", len(REBOOT_FRAME))


@pytest.mark.parametrize(
    ("frame", "rule"),
    [
        (Frame(256, 0, b""), "tykd.frame.command"),
        (Frame(1, 65536, b""), "tykd.frame.sequence"),
        (Frame(1, -1, b""), "tykd.frame.sequence"),
        (Frame(1, 1, b"", reserved=256), "tykd.frame.reserved"),
        (Frame(1, 1, b"x" * 65536), "tykd.frame.length"),
        (Frame(1, 1, b"", digest=b"short"), "tykd.frame.digest_size"),
    ],
)
def test_what_does_not_fit_is_not_encoded(frame: Frame, rule: str) -> None:
    with pytest.raises(FrameError) as caught:
        encode_frame(frame)
    assert caught.value.rule == rule


@given(st.lists(frames, max_size=5), st.lists(st.integers(0, 2000), max_size=12))
def test_any_split_gives_the_same_frames(sent: list[Frame], cuts: list[int]) -> None:
    stream = b"".join(encode_frame(frame) for frame in sent)
    edges = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    parser = FrameParser()
    received: list[ReceivedFrame] = []
    for start, end in itertools.pairwise(edges):
        received += parser.feed(stream[start:end])
    parser.finish()
    assert [(r.frame.command, r.frame.sequence, r.frame.xml, r.frame.reserved) for r in received] == [
        (f.command, f.sequence, f.xml, f.reserved) for f in sent
    ]
    assert b"".join(r.raw for r in received) == stream
    assert all(r.digest_ok for r in received)


@given(st.lists(st.one_of(st.binary(max_size=80), st.just(b"\xfa\xf5")), max_size=8))
def test_any_bytes_raise_nothing_but_a_frame_error(pieces: list[bytes]) -> None:
    parser = FrameParser(max_xml=100)
    taken, offset = b"", None
    try:
        for piece in pieces:
            taken += b"".join(received.raw for received in parser.feed(piece))
    except FrameError as error:
        taken += b"".join(received.raw for received in error.frames)
        offset = error.offset
    stream = b"".join(pieces)
    assert stream.startswith(taken)
    assert parser.pending == (len(stream) - len(taken) if offset is None else 0)
    assert offset is None or len(taken) <= offset < len(stream)

"""The short ways of the capture reader give what the long ones give."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from capture_files import SLL2, write_pcap
from hypothesis import given
from hypothesis import strategies as st

from conformance.media.capture_reader import CaptureError, read_capture
from conformance.media.interleaved_capture import FrameSplitter
from conformance.media.rtp_statistics import capture_statistics

DAY = 1_380_000_000 * 10**9


def lengths_read(path: Path) -> list[int]:
    return [length for batch in read_capture(path) for length in batch.captured.tolist()]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(
    "lengths",
    [
        [100] * 70 + [101, 100, 100, 100] + [7] * 3,
        [100, 100, 100, 100 + 65_536, 100, 100],
        [100, 100, 100, 100 + 256, 100, 100],
        [0] * 40 + [1],
    ],
    ids=["runs", "same-low-16-bits", "same-low-8-bits", "empty"],
)
def test_records_of_like_lengths(tmp_path: Path, order: str, lengths: list[int]) -> None:
    """Payloads of 0xFF would be read as headers of impossible length if a record were missed."""
    packets = [(DAY + index, b"\xff" * length) for index, length in enumerate(lengths)]
    assert lengths_read(write_pcap(tmp_path / "a.pcap", packets, order=order)) == lengths


@given(
    lengths=st.lists(st.sampled_from([0, 40, 100, 100, 100, 700]), max_size=60),
    block=st.integers(200, 3000),
    order=st.sampled_from("<>"),
)
def test_runs_across_the_borders_of_blocks(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], block: int, order: str
) -> None:
    packets = [(DAY + index, bytes((index % 256,)) * length) for index, length in enumerate(lengths)]
    path = write_pcap(tmp_path_factory.mktemp("blocks") / "a.pcap", packets, order=order)
    batches = list(read_capture(path, block=block))
    assert [length for batch in batches for length in batch.captured.tolist()] == lengths
    seen = [row[0] for batch in batches for row, size in zip(batch.prefixes, batch.captured, strict=True) if size]
    assert seen == [index % 256 for index, length in enumerate(lengths) if length]


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_broken_record_after_a_run_ends_the_reading_there(tmp_path: Path, order: str) -> None:
    path = write_pcap(tmp_path / "a.pcap", [(DAY + index, bytes(100)) for index in range(50)], order=order)
    data = bytearray(path.read_bytes())
    at = 24 + 40 * 116
    data[at + 8 : at + 12] = struct.pack(order + "I", 300_000)
    path.write_bytes(data)
    lengths: list[int] = []
    with pytest.raises(CaptureError) as caught:
        lengths.extend(length for batch in read_capture(path) for length in batch.captured.tolist())
    assert (caught.value.offset, caught.value.rule) == (at, "capture.length")
    assert lengths == [100] * 40


def packet(ethernet: bool, index: int, sources: int, payload: int) -> bytes:
    rtp = struct.pack(">BBHII", 0x80, 96 | (index % 2) << 7, (65_530 + index) % 65_536, 40 * index, index % sources)
    body = rtp + bytes(payload)
    udp = struct.pack(">HHHH", 5000, 6000, 8 + len(body), 0)
    head = struct.pack(">BBHHHBBH4B4B", 0x45, 0, 28 + len(body), 0, 0, 64, 17, 0, 10, 0, 0, 1, 10, 0, 0, 2)
    link = bytes(12) + b"\x08\x00" if ethernet else b"\x08\x00" + bytes(18)
    return link + head + udp + body


@given(
    sources=st.integers(1, 3), payloads=st.lists(st.integers(0, 200), min_size=9, max_size=40),
    gaps=st.lists(st.integers(0, 10**8), min_size=40, max_size=40),
)  # fmt: skip
def test_fixed_and_general_positions_agree(
    tmp_path_factory: pytest.TempPathFactory, sources: int, payloads: list[int], gaps: list[int]
) -> None:
    """Plain Ethernet takes the short way, the same IP packets in a cooked capture the general one."""
    folder = tmp_path_factory.mktemp("ways")
    times = (DAY + np.cumsum(gaps)).tolist()
    found = []
    for name, ethernet in (("short", True), ("general", False)):
        packets = [(times[i], packet(ethernet, i, sources, size)) for i, size in enumerate(payloads)]
        link = 1 if ethernet else SLL2
        found.append(capture_statistics(write_pcap(folder / name, packets, link=link), min_packets=1))
    assert found[0] == found[1]
    assert sum(stream.statistics.packets for stream in found[0]) == len(payloads)


def test_a_flow_on_both_ways_is_one_stream(tmp_path: Path) -> None:
    """A VLAN tag on some packets of a flow does not divide it."""
    packets = []
    for index in range(8):
        plain = packet(True, index, 1, 20)
        tagged = plain[:12] + b"\x81\x00\x00\x07" + plain[12:]
        packets.append((DAY + index, tagged if index % 3 == 0 else plain))
    (stream,) = capture_statistics(write_pcap(tmp_path / "a.pcap", packets))
    assert (stream.statistics.packets, stream.statistics.lost, stream.statistics.reordered) == (8, 0, 0)


# frames inside RTSP connections


def frame(index: int, size: int = 40) -> bytes:
    content = struct.pack(">BBHII", 0x80, 96, index, 0, 1) + b"$" * size
    return b"$\x00" + struct.pack(">H", len(content)) + content


ANSWER = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 5\r\n\r\n$$$$$"


@given(st.lists(st.integers(1, 60), max_size=20), st.integers(0, 40))
def test_frames_between_messages_in_any_pieces(cuts: list[int], size: int) -> None:
    frames = [frame(index, size) for index in range(4)]
    stream = ANSWER + frames[0] + frames[1] + ANSWER + frames[2] + b"OPTIONS * RTSP/1.0\r\n\r\n" + frames[3]
    splitter, found, at = FrameSplitter(), [], 0
    for cut in [*cuts, len(stream)]:
        found += splitter.feed(stream[at : at + cut])
        at += cut
    assert found == [one[4:] for one in frames]


def test_a_capture_that_begins_inside_a_frame() -> None:
    """The rest of the first frame holds bytes like the magic one; the frames after it are found."""
    splitter = FrameSplitter()
    stream = frame(0)[20:] + frame(1) + frame(2) + frame(3)
    assert [struct.unpack(">H", found[2:4])[0] for found in splitter.feed(stream)] == [1, 2, 3]


def test_after_a_loss_the_next_frames_are_found() -> None:
    splitter = FrameSplitter()
    assert list(splitter.feed(frame(0) + frame(1)[:30])) == [frame(0)[4:]]
    splitter.lose()
    assert list(splitter.feed(b"\x00" * 9 + frame(2) + frame(3) + ANSWER)) == [frame(2)[4:], frame(3)[4:]]


def test_a_connection_that_is_something_else_is_given_up() -> None:
    splitter = FrameSplitter()
    found = [one for _ in range(40) for one in splitter.feed(bytes(60_000))]
    assert (found, splitter.hopeless) == ([], True)

"""Captures of every kind give the same streams: formats, byte orders, link layers, tags, options, RTSP connections."""

from __future__ import annotations

import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from capture_files import (
    ETHERNET,
    NULL,
    RAW,
    SLL,
    SLL2,
    enhanced,
    interface,
    section,
    write_pcap,
)
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_Router_Alert
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop
from scapy.layers.l2 import Dot1AD, Dot1Q, Ether
from scapy.layers.rtp import RTP
from scapy.packet import Raw

from conformance.media.capture_reader import CaptureError, read_capture
from conformance.media.rtp_statistics import CaptureStream, capture_statistics
from conformance.wire.pcapng_writer import interface_block, packet_block, section_block

START = 1_380_000_000 * 10**9
COUNT = 8


def link(kind: int | None = None) -> Ether:
    """With addresses, so that scapy looks for none on the network."""
    kinds = {} if kind is None else {"type": kind}
    return Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02", **kinds)


def rtp(index: int, size: int = 100) -> RTP:
    return RTP(
        payload_type=96, sequence=(65533 + index) % 65536, timestamp=3600 * index, sourcesync=0xCAFE, marker=index % 2
    ) / Raw(bytes(size))


def timed(frame: Callable[[int], object], count: int = COUNT) -> list[tuple[int, bytes]]:
    return [(START + index * 40_000_000, bytes(frame(index))) for index in range(count)]  # type: ignore[call-overload]


def ethernet(index: int) -> object:
    return link() / IP(src="10.0.0.1", dst="10.0.0.2") / UDP(sport=5000, dport=6000) / rtp(index)


def only_stream(path: Path) -> CaptureStream:
    (stream,) = capture_statistics(path)
    return stream


def check(path: Path, flow: str = "10.0.0.1:5000 -> 10.0.0.2:6000/udp") -> None:
    stream = only_stream(path)
    figures = stream.statistics
    assert str(stream.flow) == flow
    assert stream.ssrc == 0xCAFE
    assert (figures.packets, figures.expected, figures.lost, figures.duplicates, figures.reordered) == (8, 8, 0, 0, 0)
    assert (figures.bytes, figures.markers, dict(figures.payload_types)) == (8 * 112, 4, {96: 8})
    assert (figures.frames, figures.frame_rate) == (8, 25.0)
    assert figures.first_time == 1_380_000_000
    assert figures.duration == pytest.approx(0.28)
    assert figures.jitter == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("unit", ["micro", "nano"])
def test_classic_pcap(tmp_path: Path, order: str, unit: str) -> None:
    check(write_pcap(tmp_path / "a.pcap", timed(ethernet), order=order, unit=unit))


def test_nanoseconds_are_kept(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", [(START + 7, bytes(60))], unit="nano")
    (batch,) = read_capture(path)
    assert batch.times.tolist() == [START + 7]


def _sll(index: int) -> bytes:
    return struct.pack(">HHH8sH", 0, 1, 6, bytes(8), 0x0800) + bytes(ethernet(index))[14:]  # type: ignore[call-overload]


def _sll2(index: int) -> bytes:
    return struct.pack(">HHIHBB8s", 0x0800, 0, 1, 1, 0, 6, bytes(8)) + bytes(ethernet(index))[14:]  # type: ignore[call-overload]


def _null(index: int) -> bytes:
    return struct.pack("<I", 2) + bytes(ethernet(index))[14:]  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("link", "frame"),
    [(SLL, _sll), (SLL2, _sll2), (NULL, _null), (RAW, lambda index: bytes(ethernet(index))[14:])],
    ids=["sll", "sll2", "null", "raw"],
)
def test_link_layers(tmp_path: Path, link: int, frame: Callable[[int], bytes]) -> None:
    check(write_pcap(tmp_path / "a.pcap", timed(frame), link=link))


@pytest.mark.parametrize(
    "below",
    [
        lambda: link() / Dot1Q(vlan=7) / IP(src="10.0.0.1", dst="10.0.0.2"),
        lambda: link() / Dot1AD(vlan=3) / Dot1Q(vlan=7) / IP(src="10.0.0.1", dst="10.0.0.2"),
        lambda: link() / IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_Router_Alert()]),
        lambda: link() / Dot1Q(vlan=7) / IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_Router_Alert()] * 4),
    ],
    ids=["vlan", "qinq", "options", "vlan-options"],
)
def test_tags_and_options(tmp_path: Path, below: Callable[[], Ether]) -> None:
    frames = timed(lambda index: below() / UDP(sport=5000, dport=6000) / rtp(index))
    check(write_pcap(tmp_path / "a.pcap", frames))


@pytest.mark.parametrize(
    "extensions",
    [
        lambda: IPv6(src="2001:db8::1", dst="2001:db8::2"),
        lambda: IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt(),
        lambda: IPv6(src="2001:db8::1", dst="2001:db8::2") / IPv6ExtHdrFragment(offset=0, m=0),
    ],
    ids=["plain", "extensions", "atomic-fragment"],
)
def test_ipv6(tmp_path: Path, extensions: Callable[[], IPv6]) -> None:
    frames = timed(lambda index: link() / extensions() / UDP(sport=5000, dport=6000) / rtp(index))
    check(write_pcap(tmp_path / "a.pcap", frames), "[2001:db8::1]:5000 -> [2001:db8::2]:6000/udp")


def test_trailing_bytes_of_short_frames_do_not_count(tmp_path: Path) -> None:
    frames = [(at, frame + bytes(18)) for at, frame in timed(ethernet)]
    check(write_pcap(tmp_path / "a.pcap", frames))


def test_other_traffic_is_no_stream(tmp_path: Path) -> None:
    def other(index: int) -> object:
        kinds = [
            link() / IP() / UDP(sport=53, dport=6000) / Raw(b"\x12\x34" + bytes(30)),
            link() / IP() / UDP(sport=5001, dport=6001) / Raw(b"\x80\xc8\x00\x06" + bytes(24)),
            link() / IP() / UDP(sport=5000, dport=6000) / Raw(b"\x80\x60"),
            link() / IP() / TCP(sport=80, dport=6000) / Raw(b"HTTP/1.1 200 OK\r\n\r\n"),
            link(0x0806) / Raw(bytes(46)),
        ]
        return kinds[index % len(kinds)]

    frames = timed(ethernet) + timed(other, 40)
    check(write_pcap(tmp_path / "a.pcap", frames))
    assert capture_statistics(write_pcap(tmp_path / "b.pcap", timed(other, 40))) == ()


def test_streams_are_told_apart_by_flow_and_source(tmp_path: Path) -> None:
    def mixed(index: int) -> object:
        packet = ethernet(index // 3)
        if index % 3 == 1:
            packet[UDP].dport = 6002  # type: ignore[index]
        if index % 3 == 2:
            packet[RTP].sourcesync = 0xBEEF  # type: ignore[index]
        return packet

    streams = capture_statistics(write_pcap(tmp_path / "a.pcap", timed(mixed, 24)))
    found = {(stream.flow.destination_port, stream.ssrc, stream.statistics.packets) for stream in streams}
    assert found == {(6000, 0xCAFE, 8), (6002, 0xCAFE, 8), (6000, 0xBEEF, 8)}


# pcapng


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_one_stream_over_two_interfaces(tmp_path: Path, order: str) -> None:
    parts = [section(order), interface(order, ETHERNET, (2, b"eth0"), (9, b"\x09")), interface(order, ETHERNET)]
    for index, (at, frame) in enumerate(timed(ethernet)):
        parts.append(enhanced(order, index % 2, at // 1000 if index % 2 else at, frame, b"comment"))
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"".join(parts))
    check(path)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_interfaces_of_several_kinds(tmp_path: Path, order: str) -> None:
    binary_fraction, offset = (9, b"\x94"), (14, struct.pack(order + "q", 1_380_000_000))
    parts = [section(order), interface(order, RAW), interface(order, ETHERNET, binary_fraction, offset)]
    for index, (at, frame) in enumerate(timed(ethernet)):
        other = frame[:50] + b"\x00\x00\xbe\xef" + frame[54:]
        parts.append(enhanced(order, 0, at // 1000, frame[14:]))
        parts.append(enhanced(order, 1, (index * 40 << 20) // 1000, other))
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"".join(parts))
    for stream in capture_statistics(path):
        figures = stream.statistics
        assert (figures.packets, figures.lost, figures.reordered, figures.frame_rate) == (8, 0, 0, 25.0)
        assert figures.first_time == 1_380_000_000
        assert figures.duration == pytest.approx(0.28, abs=1e-6)
    assert {stream.ssrc for stream in capture_statistics(path)} == {0xCAFE, 0xBEEF}


def test_pcapng_of_two_sections_in_both_byte_orders(tmp_path: Path) -> None:
    frames = timed(ethernet)
    parts = []
    for order, some in (("<", frames[:4]), (">", frames[4:])):
        parts += [section(order), interface(order, ETHERNET), *(enhanced(order, 0, at // 1000, f) for at, f in some)]
    path = tmp_path / "a.pcapng"
    path.write_bytes(b"".join(parts))
    check(path)


def test_the_evidence_of_a_test_run(tmp_path: Path) -> None:
    """What the wire layer writes: comments on packets, nanoseconds."""
    packets = [packet_block(0, at, frame, outbound=False) for at, frame in timed(ethernet)]
    path = tmp_path / "wire.pcapng"
    path.write_bytes(section_block("kandian", "test") + interface_block("lo", "bench") + b"".join(packets))
    check(path)


@pytest.mark.parametrize("block", [400, 1000, 4096, 1 << 20])
def test_blocks_of_any_size_give_the_same_packets(tmp_path: Path, block: int) -> None:
    path = write_pcap(tmp_path / "a.pcap", timed(ethernet, 50))
    times = [time for batch in read_capture(path, block=block) for time in batch.times.tolist()]
    assert times == [START + index * 40_000_000 for index in range(50)]


# RTSP connections


def _stream_of(frames: int, channel: int = 0) -> bytes:
    content = b"RTSP/1.0 200 OK\r\nCSeq: 4\r\nContent-Length: 4\r\n\r\n$\0\0\1"
    for index in range(frames):
        data = bytes(rtp(index))
        content += b"$" + bytes((channel,)) + len(data).to_bytes(2, "big") + data
        if index == 3:
            content += b"$\x01\x00\x08\x80\xc9\x00\x01\x00\x00\xca\xfe"
    return content


def _segments(content: bytes, size: int, start: int) -> list[tuple[int, bytes]]:
    found = []
    for index, at in enumerate(range(0, len(content), size)):
        tcp = TCP(sport=554, dport=6000, seq=(start + at) % 2**32, flags="PA")
        packet = link() / IP(src="10.0.0.1", dst="10.0.0.2") / tcp / Raw(content[at : at + size])
        found.append((START + index * 1_000_000, bytes(packet)))
    return found


@pytest.mark.parametrize("size", [37, 112, 500])
def test_interleaved_rtp(tmp_path: Path, size: int) -> None:
    path = write_pcap(tmp_path / "a.pcap", _segments(_stream_of(8), size, 2**32 - 300))
    stream = only_stream(path)
    assert str(stream.flow) == "10.0.0.1:554 -> 10.0.0.2:6000/tcp"
    figures = stream.statistics
    assert (figures.packets, figures.lost, figures.bytes, figures.frames, figures.frame_rate) == (8, 0, 896, 8, 25.0)


def test_interleaved_rtp_with_segments_out_of_order_and_sent_again(tmp_path: Path) -> None:
    segments = _segments(_stream_of(8), 100, 1000)
    shuffled = [segments[0], segments[2], segments[1], segments[1], *segments[3:5], segments[4], *segments[5:]]
    frames = [(START + index * 1_000_000, frame) for index, (_, frame) in enumerate(shuffled)]
    figures = only_stream(write_pcap(tmp_path / "a.pcap", frames)).statistics
    assert (figures.packets, figures.lost, figures.duplicates) == (8, 0, 0)


def test_a_segment_missing_from_the_capture_costs_the_packets_in_it(tmp_path: Path) -> None:
    segments = _segments(_stream_of(40), 116, 1000)
    del segments[20]
    figures = only_stream(write_pcap(tmp_path / "a.pcap", segments)).statistics
    assert 1 <= figures.lost <= 3
    assert figures.packets + figures.lost == 40


# broken files


@pytest.mark.parametrize("content", [b"", b"abc", b"not a capture at all", b"\xd4\xc3\xb2\xa1\x02\x00"])
def test_what_is_no_capture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pcap"
    path.write_bytes(content)
    with pytest.raises(CaptureError):
        list(read_capture(path))


def test_a_file_cut_off_in_a_record_gives_what_is_whole(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", timed(ethernet, 10))
    path.write_bytes(path.read_bytes()[:-50])
    assert sum(len(batch) for batch in read_capture(path)) == 9


def test_a_record_of_impossible_length(tmp_path: Path) -> None:
    path = write_pcap(tmp_path / "a.pcap", timed(ethernet, 3))
    data = bytearray(path.read_bytes())
    at = 24 + 16 + 154
    assert data[at + 8 : at + 12] == (154).to_bytes(4, "little")
    data[at + 8 : at + 12] = b"\xff\xff\xff\x7f"
    path.write_bytes(data)
    with pytest.raises(CaptureError) as caught:
        list(read_capture(path))
    assert caught.value.offset == at


MICRO = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
NANO = struct.pack(">IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 9, 113)
headers = st.sampled_from(
    [
        b"",
        MICRO,
        NANO,
        section("<") + interface("<", 1),
        section(">") + interface(">", 276, (9, b"\xff")),
        section("<") + interface("<", 1) + struct.pack("<II", 6, 64),
    ]
)


@given(headers, st.binary(max_size=300))
def test_any_bytes_give_streams_or_the_own_error(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "wild.pcap"
    path.write_bytes(head + rest)
    with suppress(CaptureError):
        capture_statistics(path)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A small capture of both kinds of stream."""
    path = tmp_path_factory.mktemp("captures") / "sound.pcap"
    return write_pcap(path, timed(ethernet, 6) + _segments(_stream_of(3), 200, 5)).read_bytes()


@given(damage=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), max_size=8))
def test_damage_gives_streams_or_the_own_error(
    tmp_path_factory: pytest.TempPathFactory, sound: bytes, damage: list[tuple[int, int]]
) -> None:
    data = bytearray(sound)
    for at, value in damage:
        data[at % len(data)] = value
    path = tmp_path_factory.getbasetemp() / "damaged.pcap"
    path.write_bytes(data)
    with suppress(CaptureError):
        capture_statistics(path)

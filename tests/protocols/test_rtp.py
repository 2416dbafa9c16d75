"""RTP packets: fields bit by bit, a second dissector, broken lengths, round trips."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.rtp import RtpError, RtpPacket, parse_rtp, sequence_step, serialize_rtp, timestamp_step

PLAIN = bytes.fromhex("80e0fffe00015f90deadbeef") + b"\x65\x88\x84"
FULL = bytes.fromhex("b2600001ffffffff00000007") + bytes.fromhex("0000000a0000000b") + bytes.fromhex(
    "bede000101020304"
) + b"data" + b"\x00\x00\x03"  # fmt: skip

packets = st.builds(
    RtpPacket,
    payload_type=st.integers(0, 127),
    sequence=st.integers(0, 65535),
    timestamp=st.integers(0, 2**32 - 1),
    ssrc=st.integers(0, 2**32 - 1),
    payload=st.binary(max_size=64),
    marker=st.booleans(),
    csrc=st.lists(st.integers(0, 2**32 - 1), max_size=15).map(tuple),
    extension=st.none()
    | st.tuples(st.integers(0, 65535), st.binary(max_size=32).map(lambda data: data[: len(data) // 4 * 4])),
    padding=st.integers(0, 255),
)


def test_a_plain_packet() -> None:
    assert parse_rtp(PLAIN) == RtpPacket(96, 0xFFFE, 90000, 0xDEADBEEF, b"\x65\x88\x84", marker=True)


def test_csrc_extension_and_padding() -> None:
    packet = parse_rtp(FULL)
    assert packet.csrc == (10, 11)
    assert packet.extension == (0xBEDE, b"\x01\x02\x03\x04")
    assert packet.padding == 3
    assert packet.payload == b"data"
    assert not packet.marker
    assert serialize_rtp(packet) == FULL


@pytest.mark.parametrize(
    ("data", "rule", "offset"),
    [
        (PLAIN[:11], "rtp.short", 0),
        (b"\x40" + PLAIN[1:], "rtp.version", 0),
        (b"\x84" + PLAIN[1:], "rtp.csrc", 12),
        (b"\x90" + PLAIN[1:], "rtp.extension", 12),
        (b"\x90" + PLAIN[1:12] + b"\xbe\xde\x00\x02\x00\x00\x00\x00", "rtp.extension", 12),
        (b"\xa0" + PLAIN[1:12] + b"\x01\x02\x00", "rtp.padding", 14),
        (b"\xa0" + PLAIN[1:12] + b"\x01\x02\x04", "rtp.padding", 14),
    ],
)
def test_what_cannot_be_read(data: bytes, rule: str, offset: int) -> None:
    with pytest.raises(RtpError) as caught:
        parse_rtp(data)
    assert (caught.value.rule, caught.value.offset) == (rule, offset)
    assert caught.value.clause.startswith("RFC 3550 5")


@pytest.mark.parametrize(
    "packet",
    [
        RtpPacket(128, 0, 0, 0, b"", marker=True),
        RtpPacket(96, 65536, 0, 0, b""),
        RtpPacket(96, 0, 2**32, 0, b""),
        RtpPacket(96, 0, 0, -1, b""),
        RtpPacket(96, 0, 0, 0, b"", csrc=tuple(range(16))),
        RtpPacket(96, 0, 0, 0, b"", padding=256),
        RtpPacket(96, 0, 0, 0, b"", extension=(0, b"abc")),
    ],
)
def test_what_cannot_be_written(packet: RtpPacket) -> None:
    with pytest.raises(RtpError):
        serialize_rtp(packet)


@pytest.mark.parametrize(
    ("earlier", "later", "step"), [(65535, 0, 1), (0, 65535, -1), (2, 65534, -4), (0, 32767, 32767), (7, 7, 0)]
)
def test_steps_of_sequence_numbers(earlier: int, later: int, step: int) -> None:
    assert sequence_step(earlier, later) == step


@pytest.mark.parametrize(
    ("earlier", "later", "step"), [(0xFFFFFFFF, 2999, 3000), (2999, 0xFFFFFFFF, -3000), (0, 0x7FFFFFFF, 0x7FFFFFFF)]
)
def test_steps_of_timestamps(earlier: int, later: int, step: int) -> None:
    assert timestamp_step(earlier, later) == step


@given(packets)
def test_round_trip(packet: RtpPacket) -> None:
    assert parse_rtp(serialize_rtp(packet)) == packet


@given(packets)
def test_scapy_reads_the_same(packet: RtpPacket) -> None:
    from scapy.layers.rtp import RTP

    seen = RTP(serialize_rtp(packet))
    fields = (seen.payload_type, seen.sequence, seen.timestamp, seen.sourcesync, bool(seen.marker), tuple(seen.sync))
    assert fields == (
        packet.payload_type, packet.sequence, packet.timestamp, packet.ssrc, packet.marker, packet.csrc,
    )  # fmt: skip
    if packet.extension is None and not packet.padding:
        assert bytes(seen.payload) == packet.payload


@given(st.binary(max_size=80) | st.binary(max_size=80).map(lambda data: b"\xbf" + data))
def test_any_bytes_give_a_packet_or_the_own_error(data: bytes) -> None:
    with suppress(RtpError):
        assert serialize_rtp(parse_rtp(data))[:12] == data[:12]

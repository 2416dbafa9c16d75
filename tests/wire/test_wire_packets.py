"""Synthesised packets against values worked out elsewhere."""

from __future__ import annotations

import struct
import subprocess
import sys

from hypothesis import given
from hypothesis import strategies as st

from conformance.wire.packet_synthesis import TcpConversation, ones_complement, payload_of, udp_frame


def test_checksum_of_the_example_in_rfc_1071() -> None:
    assert ones_complement(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2


@given(st.binary(max_size=100))
def test_checksum_equals_the_carrying_sum(data: bytes) -> None:
    padded = data + bytes(len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    assert ones_complement(data) == total


def test_udp_frame_byte_for_byte() -> None:
    """The same packet as scapy 2.8 builds it."""
    frame = udp_frame(True, ("192.0.2.1", 5000), ("192.0.2.2", 5002), b"kandian!")
    assert frame.outbound
    assert frame.data.hex() == (
        "024bc0000202024bc0000201080045000024000040004011b6c5c0000201c00002021388138a0010a36f6b616e6469616e21"
    )


def test_ipv6_when_either_side_is() -> None:
    frame = udp_frame(False, ("::1", 5000), ("::1", 5002), b"x")
    assert frame.data[12:15].hex() == "86dd60"
    assert payload_of(frame.data) == b"x"


def test_sequence_numbers_acknowledge_what_the_other_side_sent() -> None:
    conversation = TcpConversation(("192.0.2.1", 40000), ("192.0.2.2", 554), 1)
    frames = [
        *conversation.opening(outbound=True),
        *conversation.segments(True, b"12345"),
        *conversation.segments(False, b"123"),
        *conversation.ending(outbound=False),
        *conversation.ending(outbound=True),
    ]
    numbers = [struct.unpack("!II", frame.data[38:46]) for frame in frames]
    ours, theirs = numbers[0][0], numbers[1][0]
    relative = [
        (
            (sent - (ours if frame.outbound else theirs)) & 0xFFFFFFFF,
            (seen - (theirs if frame.outbound else ours)) & 0xFFFFFFFF,
        )
        for frame, (sent, seen) in zip(frames, numbers, strict=True)
    ]
    assert relative[1:] == [(0, 1), (1, 1), (1, 1), (1, 6), (4, 6), (6, 5), (6, 5), (5, 7)]
    flags = [frame.data[47] for frame in frames]
    assert flags == [0x02, 0x12, 0x10, 0x18, 0x18, 0x11, 0x10, 0x11, 0x10]


def test_importing_the_wire_imports_nothing_heavy() -> None:
    heavy = ("requests", "scapy", "numpy", "av", "lxml")
    source = f"import sys, conformance.wire; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", source], capture_output=True, text=True).stdout == "[]\n"

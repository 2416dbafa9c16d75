"""RTP packets (RFC 3550 5): bytes to values and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

VERSION = 2
FIXED_HEADER = 12
LARGEST_PACKET = 65535
SEQUENCE_MODULUS = 1 << 16
TIMESTAMP_MODULUS = 1 << 32


class RtpError(CodecError):
    """Bytes that are no RTP packet."""


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One packet. ``payload`` is without padding, ``padding`` counts its bytes; ``extension`` is (profile, data)."""

    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    marker: bool = False
    csrc: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None
    padding: int = 0
    violations: tuple[Violation, ...] = field(default=(), compare=False)


def parse_rtp(data: bytes) -> RtpPacket:
    """Read one packet. Raises RtpError when version, lengths or padding make it unreadable (RFC 3550 5.1)."""
    if len(data) < FIXED_HEADER:
        raise RtpError(0, "rtp.short", data, f"An RTP packet has at least {FIXED_HEADER} bytes", "RFC 3550 5.1")
    if data[0] >> 6 != VERSION:
        raise RtpError(0, "rtp.version", data, f"The version is {data[0] >> 6}, not 2", "RFC 3550 5.1")
    position = FIXED_HEADER + 4 * (data[0] & 0x0F)
    csrc = tuple(int.from_bytes(data[i : i + 4], "big") for i in range(FIXED_HEADER, position, 4))
    if position > len(data):
        raise RtpError(FIXED_HEADER, "rtp.csrc", data[:SEEN_BYTES], "The CSRC list is cut off", "RFC 3550 5.1")
    extension = None
    if data[0] & 0x10:
        extension, position = _extension(data, position)
    padding = _padding(data, position) if data[0] & 0x20 else 0
    return RtpPacket(
        payload_type=data[1] & 0x7F,
        sequence=int.from_bytes(data[2:4], "big"),
        timestamp=int.from_bytes(data[4:8], "big"),
        ssrc=int.from_bytes(data[8:12], "big"),
        payload=data[position : len(data) - padding],
        marker=bool(data[1] & 0x80),
        csrc=csrc,
        extension=extension,
        padding=padding,
    )


def _extension(data: bytes, position: int) -> tuple[tuple[int, bytes], int]:
    head = data[position : position + 4]
    if len(head) < 4:
        raise RtpError(position, "rtp.extension", head, "The header extension is cut off", "RFC 3550 5.3.1")
    end = position + 4 + 4 * int.from_bytes(head[2:], "big")
    if end > len(data):
        raise RtpError(
            position, "rtp.extension", head, "The header extension is longer than the packet", "RFC 3550 5.3.1"
        )
    return (int.from_bytes(head[:2], "big"), data[position + 4 : end]), end


def _padding(data: bytes, position: int) -> int:
    count = data[-1]
    if count == 0 or position + count > len(data):
        explain = f"The last byte gives {count} bytes of padding, which does not fit the packet"
        raise RtpError(len(data) - 1, "rtp.padding", data[-1:], explain, "RFC 3550 5.1")
    return count


def serialize_rtp(packet: RtpPacket) -> bytes:
    """The bytes of a packet. Raises RtpError when a field does not fit."""
    extension = b""
    if packet.extension is not None:
        profile, data = packet.extension
        if len(data) % 4:
            raise RtpError(0, "rtp.extension", data, "A header extension is a multiple of 4 bytes", "RFC 3550 5.3.1")
        extension = profile.to_bytes(2, "big") + (len(data) // 4).to_bytes(2, "big") + data
    if len(packet.csrc) > 15 or not 0 <= packet.padding <= 255 or not 0 <= packet.payload_type <= 127:
        explain = "At most 15 CSRC, 255 bytes of padding and payload type 127 fit"
        raise RtpError(0, "rtp.unwritable", b"", explain, "RFC 3550 5.1")
    first = VERSION << 6 | bool(packet.padding) << 5 | bool(extension) << 4 | len(packet.csrc)
    try:
        head = bytes((first, packet.marker << 7 | packet.payload_type)) + packet.sequence.to_bytes(2, "big")
        head += packet.timestamp.to_bytes(4, "big") + packet.ssrc.to_bytes(4, "big")
        head += b"".join(source.to_bytes(4, "big") for source in packet.csrc)
    except (OverflowError, ValueError):
        raise RtpError(0, "rtp.unwritable", b"", "A field does not fit its width", "RFC 3550 5.1") from None
    tail = bytes(packet.padding - 1) + bytes((packet.padding,)) if packet.padding else b""
    return head + extension + packet.payload + tail


def sequence_step(earlier: int, later: int) -> int:
    """Signed distance of two sequence numbers, -32768..32767."""
    return (later - earlier + 0x8000) % SEQUENCE_MODULUS - 0x8000


def timestamp_step(earlier: int, later: int) -> int:
    """Signed distance of two timestamps, -2**31..2**31-1."""
    return (later - earlier + 0x8000_0000) % TIMESTAMP_MODULUS - 0x8000_0000

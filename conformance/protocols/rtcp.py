"""RTCP packets (RFC 3550 6): compounds to values and back."""

from __future__ import annotations

from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

SR, RR, SDES, BYE, APP = 200, 201, 202, 203, 204
CNAME = 1
MAX_PACKETS = 64
MAX_COUNT = 31
NTP_OFFSET = 2_208_988_800


class RtcpError(CodecError):
    """Bytes that are no RTCP packet."""


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """One reception report. ``lost`` is signed 24 bit; ``jitter`` in timestamp units; ``delay`` in 1/65536 s."""

    ssrc: int
    fraction_lost: int
    lost: int
    highest_sequence: int
    jitter: int
    last_sr: int
    delay: int


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR. ``ntp``: 64 bit NTP time; ``ntp_seconds`` gives Unix time."""

    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    reports: tuple[ReportBlock, ...] = ()

    @property
    def unix_time(self) -> float:
        """The NTP time as Unix time in seconds."""
        return (self.ntp >> 32) - NTP_OFFSET + (self.ntp & 0xFFFF_FFFF) / (1 << 32)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR."""

    ssrc: int
    reports: tuple[ReportBlock, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES: (ssrc, ((item type, text), ...)) by chunk."""

    chunks: tuple[tuple[int, tuple[tuple[int, bytes], ...]], ...]

    def cname(self, ssrc: int) -> bytes | None:
        """The CNAME of that source."""
        for source, items in self.chunks:
            for kind, text in items:
                if source == ssrc and kind == CNAME:
                    return text
        return None


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE."""

    sources: tuple[int, ...]
    reason: bytes = b""


@dataclass(frozen=True, slots=True)
class OtherPacket:
    """A packet of another type (APP, feedback ...)."""

    packet_type: int
    count: int
    body: bytes


RtcpPacket = SenderReport | ReceiverReport | SourceDescription | Goodbye | OtherPacket


@dataclass(frozen=True, slots=True)
class Compound:
    """All packets of one datagram."""

    packets: tuple[RtcpPacket, ...]
    violations: tuple[Violation, ...] = field(default=(), compare=False)


def looks_like_rtcp(data: bytes) -> bool:
    """Whether the second byte is a packet type of RTCP (RFC 5761 4)."""
    return len(data) >= 8 and data[0] >> 6 == 2 and 192 <= data[1] <= 223


def parse_rtcp(data: bytes) -> Compound:
    """Read a compound. Raises RtcpError when a header or length is unreadable."""
    packets: list[RtcpPacket] = []
    found: list[Violation] = []
    position = 0
    while position < len(data):
        head = data[position : position + 4]
        if len(head) < 4 or head[0] >> 6 != 2:
            raise RtcpError(position, "rtcp.header", head, "No RTCP header of version 2 stands here", "RFC 3550 6.4.1")
        end = position + 4 + 4 * int.from_bytes(head[2:], "big")
        if end > len(data) or len(packets) >= MAX_PACKETS:
            raise RtcpError(position, "rtcp.length", head, "The length does not fit the datagram", "RFC 3550 6.4.1")
        body = data[position + 4 : end]
        if head[0] & 0x20:
            if end != len(data):
                explain = "Only the last packet of a compound may carry padding"
                found.append(Violation(position, "rtcp.padding", "RFC 3550 6.4.1", head, explain))
            body = body[: -body[-1]] if body and 0 < body[-1] <= len(body) else body
        packets.append(_packet(head[1], head[0] & 0x1F, body, position))
        position = end
    if not packets:
        raise RtcpError(0, "rtcp.empty", b"", "An RTCP datagram holds at least one packet", "RFC 3550 6.1")
    if not isinstance(packets[0], (SenderReport, ReceiverReport)):
        explain = "The first packet of a compound must be a report (SR or RR)"
        found.append(Violation(0, "rtcp.first", "RFC 3550 6.1", data[:SEEN_BYTES], explain))
    if not any(
        isinstance(p, SourceDescription) and any(k == CNAME for _, i in p.chunks for k, _ in i) for p in packets
    ):
        explain = "A compound must hold an SDES packet with the CNAME"
        found.append(Violation(0, "rtcp.cname", "RFC 3550 6.1", data[:SEEN_BYTES], explain))
    return Compound(tuple(packets), tuple(found))


def _number(body: bytes, at: int, size: int = 4) -> int:
    part = body[at : at + size]
    if len(part) < size:
        raise RtcpError(at, "rtcp.short", body[:SEEN_BYTES], "A field of the packet is cut off", "RFC 3550 6.4")
    return int.from_bytes(part, "big")


def _packet(kind: int, count: int, body: bytes, position: int) -> RtcpPacket:
    if kind == SR:
        ssrc, rtp_timestamp, packets, octets = (_number(body, at) for at in (0, 12, 16, 20))
        return SenderReport(ssrc, _number(body, 4, 8), rtp_timestamp, packets, octets, _reports(body, 24, count))
    if kind == RR:
        return ReceiverReport(_number(body, 0), _reports(body, 4, count))
    if kind == SDES:
        return SourceDescription(_chunks(body, count))
    if kind == BYE:
        sources = tuple(_number(body, 4 * i) for i in range(count))
        rest = body[4 * count :]
        return Goodbye(sources, rest[1 : 1 + rest[0]] if rest else b"")
    return OtherPacket(kind, count, body)


def _reports(body: bytes, at: int, count: int) -> tuple[ReportBlock, ...]:
    blocks = []
    for start in range(at, at + 24 * count, 24):
        lost = _number(body, start + 5, 3)
        lost -= (lost & 0x80_0000) << 1
        words = [_number(body, start + offset) for offset in (8, 12, 16, 20)]
        blocks.append(ReportBlock(_number(body, start), _number(body, start + 4, 1), lost, *words))
    return tuple(blocks)


def _chunks(body: bytes, count: int) -> tuple[tuple[int, tuple[tuple[int, bytes], ...]], ...]:
    chunks, at = [], 0
    for _ in range(count):
        source = _number(body, at)
        at += 4
        items: list[tuple[int, bytes]] = []
        while _number(body, at, 1):
            size = _number(body, at + 1, 1)
            _number(body, at + 2, size) if size else 0
            items.append((body[at], body[at + 2 : at + 2 + size]))
            at += 2 + size
        at += 4 - at % 4
        chunks.append((source, tuple(items)))
    return tuple(chunks)


def serialize_rtcp(*packets: RtcpPacket) -> bytes:
    """The bytes of a compound of these packets. Raises RtcpError when a field does not fit."""
    try:
        return b"".join(_written(packet) for packet in packets)
    except (OverflowError, ValueError):
        raise RtcpError(0, "rtcp.unwritable", b"", "A field does not fit its width", "RFC 3550 6.4") from None


def _written(packet: RtcpPacket) -> bytes:
    match packet:
        case SenderReport():
            body = packet.ssrc.to_bytes(4, "big") + packet.ntp.to_bytes(8, "big")
            body += b"".join(n.to_bytes(4, "big") for n in (packet.rtp_timestamp, packet.packets, packet.octets))
            return _framed(SR, len(packet.reports), body + _blocks(packet.reports))
        case ReceiverReport():
            return _framed(RR, len(packet.reports), packet.ssrc.to_bytes(4, "big") + _blocks(packet.reports))
        case SourceDescription():
            return _framed(SDES, len(packet.chunks), b"".join(_chunk(*chunk) for chunk in packet.chunks))
        case Goodbye():
            body = b"".join(source.to_bytes(4, "big") for source in packet.sources)
            if packet.reason:
                text = bytes((len(packet.reason),)) + packet.reason
                body += text + bytes(-len(text) % 4)
            return _framed(BYE, len(packet.sources), body)
        case OtherPacket():
            return _framed(packet.packet_type, packet.count, packet.body)


def _framed(kind: int, count: int, body: bytes) -> bytes:
    if not 0 <= count <= MAX_COUNT or len(body) % 4:
        explain = f"A packet counts at most {MAX_COUNT} items, and its body is a multiple of 4 bytes"
        raise RtcpError(0, "rtcp.unwritable", body, explain, "RFC 3550 6.4.1")
    return bytes((0x80 | count, kind)) + (len(body) // 4).to_bytes(2, "big") + body


def _blocks(reports: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(
        r.ssrc.to_bytes(4, "big")
        + bytes((r.fraction_lost,))
        + (r.lost & 0xFF_FFFF).to_bytes(3, "big")
        + b"".join(n.to_bytes(4, "big") for n in (r.highest_sequence, r.jitter, r.last_sr, r.delay))
        for r in reports
    )


def _chunk(source: int, items: tuple[tuple[int, bytes], ...]) -> bytes:
    body = source.to_bytes(4, "big") + b"".join(bytes((kind, len(text))) + text for kind, text in items)
    return body + bytes(4 - len(body) % 4)

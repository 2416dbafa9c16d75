"""What a capture (pcapng) holds, as messages that a person can read. Any capture over Ethernet will do.

Bounded whatever the file says: only its beginning is looked at, long messages are shortened, binary traffic that goes
one way is one row. A file that is cut short or makes no sense gives the messages before that place.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace

#: Bytes of a file that are read, messages that are shown, bytes of a message that are shown.
READ, MESSAGES, SHOWN = 4 << 20, 200, 600
SHOWN_BINARY = 24
READABLE = 0.7
_SECTION, _PACKET, _BYTE_ORDER = 0x0A0D0D0A, 6, 0x1A2B3C4D
_COMMENT, _FLAGS, _OUTBOUND = 1, 2, 2
_IPV4, _IPV6 = 0x0800, 0x86DD
_TCP, _UDP = 6, 17


@dataclass(frozen=True, slots=True)
class Message:
    """Payload that went one way without a break. ``at``: seconds since the first packet; ``source`` and ``target``:
    host:port; ``outbound``: sent by the one who captured; ``head``: the first bytes of ``size``."""

    at: float
    transport: str
    source: str
    target: str
    outbound: bool
    size: int
    packets: int
    head: bytes
    comment: str

    @property
    def readable(self) -> bool:
        """Whether most of it is text."""
        shown = self.head.decode("utf-8", "replace")
        return bool(shown) and sum(_plain(c) for c in shown) >= READABLE * len(shown)

    @property
    def text(self) -> str:
        """The beginning, for a person: text with dots for what is none, or hexadecimal digits."""
        more = " …" if self.size > len(self.head) else ""
        if self.readable:
            return "".join(c if _plain(c) else "·" for c in self.head.decode("utf-8", "replace")) + more
        return self.head[:SHOWN_BINARY].hex(" ") + (" …" if self.size > SHOWN_BINARY else "")


@dataclass(frozen=True, slots=True)
class _Packet:
    stamp: int
    outbound: bool
    comment: str
    frame: bytes


def captured_messages(content: bytes) -> tuple[tuple[Message, ...], bool]:
    """The messages in order, and whether that is all of the capture."""
    found: list[Message] = []
    zero: int | None = None
    for packet in _packets(content[:READ]):
        zero = packet.stamp if zero is None else zero
        message = _message(packet, zero)
        if message is None:
            continue
        if found and _continues(found[-1], message):
            found[-1] = _joined(found[-1], message)
        elif len(found) == MESSAGES:
            return tuple(found), False
        else:
            found.append(message)
    return tuple(found), len(content) <= READ


def _plain(character: str) -> bool:
    return (character.isprintable() and character != "\ufffd") or character in "\r\n\t"


def _continues(before: Message, after: Message) -> bool:
    """Segments of a stream are one message; so is binary traffic of many packets, media for example."""
    way = (before.source, before.target) == (after.source, after.target)
    return way and (before.transport == "TCP" or not (before.readable or after.readable))


def _joined(before: Message, after: Message) -> Message:
    head = (before.head + after.head)[:SHOWN] if before.size == len(before.head) else before.head
    return replace(before, size=before.size + after.size, packets=before.packets + after.packets, head=head)


def _packets(content: bytes) -> Iterator[_Packet]:
    """Enhanced packet blocks of a little-endian section (draft-ietf-opsawg-pcapng 4.3), as far as they are whole."""
    at = 0
    while at + 12 <= len(content):
        kind, length = struct.unpack_from("<II", content, at)
        if length < 12 or length % 4 or at + length > len(content):
            return
        body = content[at + 8 : at + length - 4]
        if kind == _SECTION and body[:4] != struct.pack("<I", _BYTE_ORDER):
            return
        if kind == _PACKET and len(body) >= 20:
            high, low, size = struct.unpack_from("<III", body, 4)
            options = dict(_options(body[20 + size + -size % 4 :]))
            flags = int.from_bytes(options.get(_FLAGS, b"")[:4], "little")
            comment = options.get(_COMMENT, b"").decode("utf-8", "replace")
            yield _Packet(high << 32 | low, flags & 3 == _OUTBOUND, comment, body[20 : 20 + size])
        at += length


def _options(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 4 <= len(data):
        code, length = struct.unpack_from("<HH", data, at)
        if code == 0:
            return
        yield code, data[at + 4 : at + 4 + length]
        at += 4 + length + -length % 4


def _message(packet: _Packet, zero: int) -> Message | None:
    """The payload of a packet; None for one without payload, or of another kind."""
    internet = _internet(packet.frame)
    if internet is None:
        return None
    source, target, protocol, segment = internet
    if protocol == _TCP and len(segment) >= 20:
        payload, name = segment[(segment[12] >> 4) * 4 :], "TCP"
    elif protocol == _UDP and len(segment) >= 8:
        payload, name = segment[8:], "UDP"
    else:
        return None
    if not payload:
        return None
    ports = struct.unpack_from(">HH", segment)
    return Message(
        at=(packet.stamp - zero) / 1e9,
        transport=name,
        source=f"{source}:{ports[0]}",
        target=f"{target}:{ports[1]}",
        outbound=packet.outbound,
        size=len(payload),
        packets=1,
        head=payload[:SHOWN],
        comment=packet.comment,
    )


def _internet(frame: bytes) -> tuple[str, str, int, bytes] | None:
    """Source, target, protocol and segment of an Ethernet frame that holds IPv4 (RFC 791) or IPv6 (RFC 8200)."""
    kind, packet = int.from_bytes(frame[12:14], "big"), frame[14:]
    if kind == _IPV4 and len(packet) >= 20:
        whole = packet[: int.from_bytes(packet[2:4], "big")]
        source, target = (str(ipaddress.IPv4Address(packet[a : a + 4])) for a in (12, 16))
        return source, target, packet[9], whole[(packet[0] & 15) * 4 :]
    if kind == _IPV6 and len(packet) >= 40:
        source, target = (f"[{ipaddress.IPv6Address(packet[a : a + 16])}]" for a in (8, 24))
        return source, target, packet[6], packet[40 : 40 + int.from_bytes(packet[4:6], "big")]
    return None

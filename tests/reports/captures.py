"""Captures made by hand: Ethernet, IPv4 or IPv6, TCP or UDP, without checksums."""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Packet:
    """``at`` in nanoseconds; addresses are (host, port)."""

    at: int
    source: tuple[str, int]
    target: tuple[str, int]
    payload: bytes
    protocol: str = "TCP"
    outbound: bool = True
    comment: str = ""


def capture(packets: Iterable[Packet]) -> bytes:
    """A pcapng file: section, interface, packets."""
    section = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    interface = block(1, struct.pack("<HHI", 1, 0, 0) + option(9, b"\x09") + option(0, b""))
    return section + interface + b"".join(map(packet_block, packets))


def block(kind: int, body: bytes) -> bytes:
    length = struct.pack("<I", 12 + len(body))
    return struct.pack("<I", kind) + length + body + length


def option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def packet_block(packet: Packet) -> bytes:
    data = frame(packet)
    head = struct.pack("<IIIII", 0, packet.at >> 32, packet.at & 0xFFFFFFFF, len(data), len(data))
    options = option(2, struct.pack("<I", 2 if packet.outbound else 1)) + option(1, packet.comment.encode())
    return block(6, head + data + bytes(-len(data) % 4) + options + option(0, b""))


def frame(packet: Packet) -> bytes:
    ports = struct.pack(">HH", packet.source[1], packet.target[1])
    if packet.protocol == "TCP":
        segment = ports + bytes(8) + b"\x50\x18" + bytes(6) + packet.payload
    else:
        segment = ports + struct.pack(">HH", 8 + len(packet.payload), 0) + packet.payload
    number = {"TCP": 6, "UDP": 17}[packet.protocol]
    hosts = [ipaddress.ip_address(host).packed for host, _ in (packet.source, packet.target)]
    if len(hosts[0]) == 4:
        head = struct.pack(">BBHIBBH", 0x45, 0, 20 + len(segment), 0, 64, number, 0)
        return bytes(12) + b"\x08\x00" + head + b"".join(hosts) + segment
    head = struct.pack(">IHBB", 6 << 28, len(segment), number, 64)
    return bytes(12) + b"\x86\xdd" + head + b"".join(hosts) + segment

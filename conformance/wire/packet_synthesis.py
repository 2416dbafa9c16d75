"""Ethernet, IP, TCP and UDP packets around bytes that only a socket has seen, so that any dissector can read them.

The wire layer knows payload and addresses, not what the kernel sent. Headers are therefore made up, but consistent:
handshake, sequence numbers, acknowledgements and checksums are right (RFC 791, 8200, 9293, 768).
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from conformance.wire.tape import Address

SEGMENT = 16_384
UNACKNOWLEDGED = 32_768
TCP, UDP = 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET = 14
UDP_PAYLOAD = 65_507


class Frame(NamedTuple):
    """One Ethernet frame. outbound: sent by the toolkit (True) or received by it (False)."""

    outbound: bool
    data: bytes


def ones_complement(data: bytes) -> int:
    """RFC 1071 sum of 16-bit words: 2**16 is 1 modulo 65535, so the sum is the remainder of one big number."""
    number = int.from_bytes(data, "big")
    if len(data) % 2:
        number <<= 8
    remainder = number % 0xFFFF
    return remainder if remainder or not number else 0xFFFF


@lru_cache(maxsize=1024)
def packed(host: str) -> bytes:
    """4 or 16 address bytes; names and scoped addresses that are no address become 0.0.0.0."""
    try:
        return ipaddress.ip_address(host.partition("%")[0]).packed
    except ValueError:
        return bytes(4)


@lru_cache(maxsize=1024)
def hosts(source: str, target: str) -> tuple[bytes, bytes, bytes]:
    """Ethernet header and both addresses, widened to IPv6 when either is."""
    pair = [packed(source), packed(target)]
    if any(len(one) == 16 for one in pair):
        pair = [one if len(one) == 16 else bytes(10) + b"\xff\xff" + one for one in pair]
    ether_type = 0x0800 if len(pair[0]) == 4 else 0x86DD
    macs = [b"\x02\x4b" + one[-4:] for one in pair]
    return macs[1] + macs[0] + struct.pack("!H", ether_type), pair[0], pair[1]


def internet_packet(source: str, target: str, protocol: int, segment: bytes, checksum_at: int) -> bytes:
    """Ethernet and IP headers before a TCP or UDP segment, whose checksum at ``checksum_at`` is filled in."""
    ethernet, near, far = hosts(source, target)
    pseudo = near + far + struct.pack("!II", len(segment), protocol)
    checksum = 0xFFFF - ones_complement(pseudo + segment)
    if protocol == UDP and not checksum:
        checksum = 0xFFFF
    segment = segment[:checksum_at] + struct.pack("!H", checksum) + segment[checksum_at + 2 :]
    if len(near) == 16:
        header = struct.pack("!IHBB", 0x60000000, len(segment), protocol, 64) + near + far
    else:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0x4000, 64, protocol, 0) + near + far
        header = header[:10] + struct.pack("!H", 0xFFFF - ones_complement(header)) + header[12:]
    return ethernet + header + segment


def udp_frame(outbound: bool, local: Address, peer: Address, payload: bytes) -> Frame:
    """One datagram between ``local`` and ``peer``."""
    source, target = (local, peer) if outbound else (peer, local)
    segment = struct.pack("!HHHH", source[1], target[1], 8 + len(payload), 0) + payload
    return Frame(outbound, internet_packet(source[0], target[0], UDP, segment, 6))


class TcpConversation:
    """Makes the packets of one connection. ``near`` is the toolkit's side; sides are indexed by ``outbound``."""

    def __init__(self, near: Address, far: Address, channel: int) -> None:
        self.near, self.far = near, far
        first = (channel * 0x9E3779B1) & 0xFFFFFFFF
        self._next = {True: first, False: first ^ 0x5A5A5A5A}
        self._unacknowledged = {True: 0, False: 0}
        self._ended = {True: False, False: False}

    def opening(self, outbound: bool) -> Iterator[Frame]:
        """SYN, SYN-ACK, ACK; ``outbound``: the toolkit connects."""
        yield self._packet(outbound, SYN)
        self._advance(outbound, 1)
        yield self._packet(not outbound, SYN | ACK)
        self._advance(not outbound, 1)
        yield self._packet(outbound, ACK)

    def segments(self, outbound: bool, data: bytes) -> Iterator[Frame]:
        """Data in segments; now and then the other side acknowledges, so that no window ever looks full."""
        for start in range(0, len(data), SEGMENT):
            part = data[start : start + SEGMENT]
            yield self._packet(outbound, PSH | ACK, part)
            self._advance(outbound, len(part))
            self._unacknowledged[outbound] += len(part)
            self._unacknowledged[not outbound] = 0
            if self._unacknowledged[outbound] >= UNACKNOWLEDGED:
                yield self._packet(not outbound, ACK)
                self._unacknowledged[outbound] = 0

    def ending(self, outbound: bool) -> Iterator[Frame]:
        """FIN of one side and its acknowledgement."""
        if not self._ended[outbound]:
            self._ended[outbound] = True
            yield self._packet(outbound, FIN | ACK)
            self._advance(outbound, 1)
            yield self._packet(not outbound, ACK)

    def reset(self, outbound: bool) -> Iterator[Frame]:
        yield self._packet(outbound, RST | ACK)

    def _advance(self, outbound: bool, count: int) -> None:
        self._next[outbound] = (self._next[outbound] + count) & 0xFFFFFFFF

    def _packet(self, outbound: bool, flags: int, data: bytes = b"") -> Frame:
        source, target = (self.near, self.far) if outbound else (self.far, self.near)
        acknowledged = self._next[not outbound] if flags & ACK else 0
        ports = struct.pack("!HHII", source[1], target[1], self._next[outbound], acknowledged)
        options = b"\x02\x04" + struct.pack("!H", SEGMENT) if flags & SYN else b""
        header = ports + struct.pack("!BBHHH", (20 + len(options)) << 2, flags, 0xFFFF, 0, 0) + options
        return Frame(outbound, internet_packet(source[0], target[0], TCP, header + data, 16))


def payload_of(frame: bytes) -> bytes:
    """The TCP or UDP payload of a frame made here."""
    version = frame[ETHERNET] >> 4
    start = ETHERNET + (20 if version == 4 else 40)
    protocol = frame[ETHERNET + (9 if version == 4 else 6)]
    return frame[start + 8 :] if protocol == UDP else frame[start + ((frame[start + 12] >> 4) * 4) :]

"""From link layer to transport for many packets at once: where UDP and TCP payloads lie and whose they are.

Ethernet with VLAN tags (IEEE 802.1Q, 802.1ad), Linux cooked captures v1 and v2, BSD loopback, raw IP; IPv4 with options
(RFC 791), IPv6 with extension headers (RFC 8200). Fragments of a larger IP packet are left out.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from conformance.media.capture_window import PREFIX

if TYPE_CHECKING:
    import numpy.typing as npt

    from conformance.media.capture_reader import PacketBatch

    Column = npt.NDArray[np.int64]

NULL, ETHERNET, RAW, LOOP, SLL, IPV4_ONLY, IPV6_ONLY, SLL2 = 0, 1, 101, 108, 113, 228, 229, 276
RAW_ALIASES = (RAW, 12, 14)
UDP, TCP = 17, 6
_ETHERTYPE_IPV4, _ETHERTYPE_IPV6 = 0x0800, 0x86DD
_VLAN_TAGS = (0x8100, 0x88A8, 0x9100, 0x9200)
_MOST_TAGS, _MOST_EXTENSIONS = 3, 6
_UDP_HEADER = 8
_TAGGED_AT = {ETHERNET: 12, SLL: 14}
_NETWORK_AT = {
    ETHERNET: 14,
    SLL: 16,
    SLL2: 20,
    NULL: 4,
    LOOP: 4,
    IPV4_ONLY: 0,
    IPV6_ONLY: 0,
    **dict.fromkeys(RAW_ALIASES, 0),
}


@dataclass(frozen=True, slots=True)
class Flow:
    """Who sends to whom. Addresses are text; protocol: ``udp`` or ``tcp``."""

    source: str
    source_port: int
    destination: str
    destination_port: int
    protocol: str = "udp"

    def __str__(self) -> str:
        parts = ((self.source, self.source_port), (self.destination, self.destination_port))
        texts = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in parts]
        return f"{texts[0]} -> {texts[1]}/{self.protocol}"


@dataclass(frozen=True, slots=True)
class Transport:
    """The packets of a batch that are UDP or TCP; one element each in every array.

    rows: index in the batch. protocol: 17 or 6. header: position of the transport header in the prefix. payload:
    position of the payload in the packet. size: bytes of payload on the wire. addresses: position of the IP addresses
    (source, then destination) in the prefix. six: whether they are IPv6.
    """

    rows: Column
    protocol: Column
    header: Column
    payload: Column
    size: Column
    addresses: Column
    six: npt.NDArray[np.bool_]


class Fields:
    """Big-endian numbers at a different position in every row; positions outside the prefix read as 0."""

    def __init__(self, prefixes: npt.NDArray[np.uint8]) -> None:
        self._padded = np.zeros((len(prefixes), PREFIX + 4), np.uint8)
        self._padded[:, :PREFIX] = prefixes
        self._rows = np.arange(len(prefixes))

    def byte(self, position: Column) -> Column:
        """8 bits."""
        return self._padded[self._rows, np.minimum(position, PREFIX)].astype(np.int64)

    def word(self, position: Column) -> Column:
        """16 bits."""
        return self.byte(position) << 8 | self.byte(position + 1)

    def long(self, position: Column) -> npt.NDArray[np.uint32]:
        """32 bits."""
        high, low = self.word(position), self.word(position + 2)
        return (high << 16 | low).astype(np.uint32)


def find_transport(batch: PacketBatch) -> Transport:
    """The UDP and TCP packets of a batch, whatever lies below IP."""
    at, ethertype, fields = _network(batch)
    version = fields.byte(at) >> 4
    four = (version == 4) & ((ethertype == _ETHERTYPE_IPV4) | (ethertype < 0))
    six = (version == 6) & ((ethertype == _ETHERTYPE_IPV6) | (ethertype < 0))
    length = (fields.byte(at) & 15) * 4
    total = fields.word(at + 2)
    whole = (fields.word(at + 6) & 0x3FFF) == 0
    protocol = np.where(four & whole & (length >= 20), fields.byte(at + 9), -1)
    header = at + length
    end = at + np.where(total > 0, total, batch.original - at)
    if six.any():
        following, start, unbroken = _extensions(fields, at)
        protocol = np.where(six, np.where(unbroken, following, -1), protocol)
        header = np.where(six, start, header)
        end = np.where(six, at + 40 + fields.word(at + 4), end)
    udp = protocol == UDP
    inner = np.where(udp, _UDP_HEADER, (fields.byte(header + 12) >> 4) * 4)
    stated = fields.word(header + 4)
    end = np.where(udp & (stated >= _UDP_HEADER), np.minimum(end, header + stated), end)
    payload = header + inner
    size = np.minimum(end, batch.original) - payload
    good = (udp | (protocol == TCP)) & (size >= 0) & (inner >= _UDP_HEADER) & (header + 20 <= PREFIX)
    good &= payload <= batch.captured
    rows = np.flatnonzero(good)
    addresses = at + np.where(six, 8, 12)
    return Transport(
        rows, protocol[rows], header[rows], payload[rows], size[rows], addresses[rows], six[rows]
    )  # fmt: skip


def _network(batch: PacketBatch) -> tuple[Column, Column, Fields]:
    """Where the IP header begins and the EtherType before it; -1 where the link layer tells nothing."""
    fields = Fields(batch.prefixes)
    start = _NETWORK_AT.get(batch.link)
    at = np.full(len(batch), PREFIX if start is None else start, np.int64)
    if batch.link == SLL2:
        return at, fields.word(np.zeros_like(at)), fields
    if batch.link not in _TAGGED_AT:
        return at, np.full_like(at, -1), fields
    ethertype = fields.word(np.full_like(at, _TAGGED_AT[batch.link]))
    for _ in range(_MOST_TAGS):
        tagged = np.isin(ethertype, _VLAN_TAGS)
        if not tagged.any():
            break
        ethertype = np.where(tagged, fields.word(at + 2), ethertype)
        at = np.where(tagged, at + 4, at)
    return at, ethertype, fields


def _extensions(fields: Fields, at: Column) -> tuple[Column, Column, npt.NDArray[np.bool_]]:
    """IPv6: the last next-header number, where that header begins, and whether the packet is no fragment."""
    following, start = fields.byte(at + 6), at + 40
    unbroken = np.ones(len(at), np.bool_)
    for _ in range(_MOST_EXTENSIONS):
        plain = np.isin(following, (0, 43, 60, 135))
        authentication, fragment = following == 51, following == 44
        found = plain | authentication | fragment
        if not found.any():
            break
        unbroken &= ~fragment | ((fields.word(start + 2) & 0xFFF9) == 0)
        size = np.where(plain, (fields.byte(start + 1) + 1) * 8, (fields.byte(start + 1) + 2) * 4)
        size = np.where(fragment, 8, size)
        following = np.where(found, fields.byte(start), following)
        start = np.where(found, start + size, start)
    return following, start, unbroken


def read_flow(prefix: npt.NDArray[np.uint8], addresses: int, header: int, *, six: bool, protocol: int) -> Flow:
    """The flow of one packet, from its prefix."""
    size = 16 if six else 4
    data = prefix.tobytes()
    source, destination = (
        str(ipaddress.ip_address(data[start : start + size])) for start in (addresses, addresses + size)
    )
    ports = (int.from_bytes(data[header + at : header + at + 2], "big") for at in (0, 2))
    return Flow(source, next(ports), destination, next(ports), "udp" if protocol == UDP else "tcp")

"""RTP packets of a capture as columns: sorted out from all UDP packets, numbered by stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conformance.media.capture_reader import PacketBatch, read_capture
from conformance.media.capture_window import PREFIX
from conformance.media.packet_layers import ETHERNET, TCP, UDP, Fields, Flow, Transport, find_transport, read_flow

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = Sequence[npt.NDArray[np.uint64]]

RTP_HEADER = 12
RTCP_TYPES = range(192, 224)
MOST_STREAMS = 100_000
FIRST_ROWS = 1 << 22
_KEY_WORDS = 10
_UDP_AT, _RTP_AT, _PLAIN_SIZE = 34, 42, 54
_IPV4_ALONE = (0x00FF_FFFF_0000_0000, 0x0045_0008_0000_0000)
_UDP_WHOLE = (0xFF00_FF3F_0000_0000, 0x1100_0000_0000_0000)
_RTP_VERSION = (0x00C0_0000, 0x0080_0000)


RTP_ROW = np.dtype(
    [
        ("times", np.int64), ("timestamps", np.uint32), ("stream", np.int32), ("sequences", np.uint16),
        ("sizes", np.uint16), ("marks", np.uint8), ("unused", np.uint8, 3),
    ]
)  # fmt: skip
"""One RTP packet. times: nanoseconds since 1970. stream: number of (flow, SSRC), -1 for none. sizes: bytes of the RTP
packet, without UDP header. marks: second byte of the RTP header."""


@dataclass(frozen=True, slots=True)
class TcpSegments:
    """TCP segments with content. flow: number of the flow. positions: of the content in the file; sizes: of what is
    in the file of it, bytes; missing: bytes of it that are not in the file."""

    flow: npt.NDArray[np.int32]
    sequences: npt.NDArray[np.uint32]
    times: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    missing: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class CaptureColumns:
    """What a capture holds. rtp: rows of ``RTP_ROW`` in the order of the capture.

    streams[n]: flow and SSRC of stream n. flows[n]: TCP flow n."""

    rtp: npt.NDArray[np.void]
    streams: tuple[tuple[Flow, int], ...]
    tcp: TcpSegments
    flows: tuple[Flow, ...]


class _Numbering:
    """Numbers (flow, SSRC) by a 64 bit sum with random factors, so that no capture can be made to collide."""

    def __init__(self) -> None:
        self.named: list[tuple[Flow, int]] = []
        self._factors = np.frombuffer(secrets.token_bytes(8 * _KEY_WORDS), np.uint64) | np.uint64(1)
        self._known = np.empty(0, np.uint64)
        self._numbers = np.empty(0, np.int32)

    def numbers(self, words: Words, name: Callable[[int], tuple[Flow, int]]) -> npt.NDArray[np.int32]:
        """The number of each row; ``name`` tells who a new one is, by its first row. -1 beyond 100 000."""
        digests = words[0] * self._factors[0]
        for word, factor in zip(words[1:], self._factors[1:], strict=False):
            digests += word * factor
        if len(self._known):
            places = np.minimum(np.searchsorted(self._known, digests), len(self._known) - 1)
            known = self._known[places] == digests
            if known.all():
                found: npt.NDArray[np.int32] = self._numbers[places]
                return found
        self._learn(digests, name)
        places = np.minimum(np.searchsorted(self._known, digests), len(self._known) - 1)
        return np.where(self._known[places] == digests, self._numbers[places], np.int32(-1))

    def _learn(self, digests: npt.NDArray[np.uint64], name: Callable[[int], tuple[Flow, int]]) -> None:
        fresh = np.flatnonzero(~np.isin(digests, self._known))
        found, first = np.unique(digests[fresh], return_index=True)
        order = np.argsort(first)[: MOST_STREAMS - len(self.named)]
        start = len(self.named)
        self.named.extend(name(int(fresh[first[index]])) for index in order)
        known = np.concatenate([self._known, found[order]])
        numbers = np.concatenate([self._numbers, np.arange(start, len(self.named), dtype=np.int32)])
        sorting = np.argsort(known)
        self._known, self._numbers = known[sorting], numbers[sorting]


class _Table:
    """Rows of ``RTP_ROW`` in one growing array: many small ones would cost more in fresh memory than all the rest.

    The first 4 million rows are asked for at once: the system gives memory only for those that are written to.
    """

    def __init__(self) -> None:
        self._rows = np.empty(FIRST_ROWS, RTP_ROW)
        self._count = 0

    def add(self, count: int) -> npt.NDArray[np.void]:
        """``count`` more rows, to be filled."""
        start, self._count = self._count, self._count + count
        if self._count > len(self._rows):
            grown = np.empty(2 * self._count, RTP_ROW)
            grown[:start] = self._rows[:start]
            self._rows = grown
        return self._rows[start : self._count]

    def rows(self) -> npt.NDArray[np.void]:
        """All rows added so far."""
        return self._rows[: self._count]


class _Collector:
    """Gathers the columns of one capture."""

    def __init__(self) -> None:
        self.rtp = _Table()
        self.tcp: list[TcpSegments] = []
        self.streams = _Numbering()
        self.flows = _Numbering()

    def take(self, batch: PacketBatch) -> None:
        """Ethernet with plain IPv4 and UDP goes a short way with fixed positions, all else the general one."""
        start = len(self.rtp.rows())
        plain = np.zeros(len(batch), np.bool_)
        if batch.link == ETHERNET:
            words: npt.NDArray[np.uint64] = np.ascontiguousarray(batch.prefixes[:, 8:56].view("<u8").T)
            plain = _are_plain(words, batch)
            if plain.all():
                self._take_plain(batch, words, slice(None))
                return
        short, rest = np.flatnonzero(plain), np.flatnonzero(~plain)
        if len(short):
            self._take_plain(batch, words[:, short], short)
        general = self._take_general(batch, rest)
        if len(short) and len(general):
            added = self.rtp.rows()[start:]
            added[:] = added[np.argsort(np.concatenate([short, general]))]

    def _take_plain(
        self, batch: PacketBatch, words: npt.NDArray[np.uint64], places: npt.NDArray[np.int64] | slice
    ) -> None:
        """RTP packets that ``_are_plain``: ``words`` are theirs, ``places`` where they are in the batch."""
        prefixes, times = batch.prefixes[places], batch.times[places]
        _, _, sources, ports, begins, ends = words
        key = [
            sources >> np.uint64(16),
            ports & np.uint64(0xFFFF_FFFF_FFFF),
            ends >> np.uint64(16) & np.uint64(0xFFFF_FFFF),
        ]
        rows = self.rtp.add(len(times))
        rows["stream"] = self.streams.numbers(key, lambda row: _plain_name(prefixes[row]))
        rows["sequences"] = (begins >> np.uint64(32)).astype(np.uint16).byteswap()
        rows["timestamps"] = (begins >> np.uint64(48) | ends << np.uint64(16)).astype(np.uint32).byteswap()
        rows["times"] = times
        rows["sizes"] = (ports >> np.uint64(48)).astype(np.uint16).byteswap() - np.uint16(8)
        rows["marks"] = (begins >> np.uint64(24)).astype(np.uint8)

    def _take_general(self, batch: PacketBatch, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Any packets, ``rows`` of the batch; returns which of them are RTP."""
        part = PacketBatch(
            batch.link, batch.prefixes[rows], batch.captured[rows], batch.original[rows], batch.times[rows],
            batch.positions[rows],
        )  # fmt: skip
        found = find_transport(part)
        self._take_tcp(part, _pick(found, (found.protocol == TCP) & (found.size > 0)))
        return rows[self._take_udp(part, _pick(found, found.protocol == UDP))]

    def _take_udp(self, batch: PacketBatch, found: Transport) -> npt.NDArray[np.int64]:
        fields = Fields(batch.prefixes[found.rows])
        marks = fields.byte(found.payload + 1).astype(np.uint8)
        wanted = (fields.byte(found.payload) >> 6 == 2) & (found.size >= RTP_HEADER) & ~_are_rtcp(marks)
        wanted &= batch.captured[found.rows] >= found.payload + RTP_HEADER
        wanted &= found.payload + RTP_HEADER <= PREFIX
        found = _pick(found, wanted)
        if not len(found.rows):
            return found.rows
        prefixes = batch.prefixes[found.rows]
        fields = Fields(prefixes)
        ssrc = fields.long(found.payload + 8)
        rows = self.rtp.add(len(ssrc))
        rows["stream"] = self.streams.numbers(
            _key(fields, found, ssrc), lambda row: (_flow(prefixes, found, row), int(ssrc[row]))
        )
        rows["sequences"] = fields.word(found.payload + 2)
        rows["timestamps"] = fields.long(found.payload + 4)
        rows["times"] = batch.times[found.rows]
        rows["sizes"] = np.minimum(found.size, 0xFFFF)
        rows["marks"] = marks[wanted]
        return found.rows

    def _take_tcp(self, batch: PacketBatch, found: Transport) -> None:
        if not len(found.rows):
            return
        prefixes = batch.prefixes[found.rows]
        fields = Fields(prefixes)
        flow = self.flows.numbers(_key(fields, found), lambda row: (_flow(prefixes, found, row), 0))
        present = np.clip(batch.captured[found.rows] - found.payload, 0, found.size)
        segments = TcpSegments(
            flow, fields.long(found.header + 4), batch.times[found.rows], batch.positions[found.rows] + found.payload,
            present, found.size - present,
        )  # fmt: skip
        self.tcp.append(segments)


def collect(path: str | Path) -> CaptureColumns:
    """Read a capture. Raises CaptureError, OSError."""
    collector = _Collector()
    for batch in read_capture(path):
        collector.take(batch)
    none = np.empty(0, np.int64)
    tcp = collector.tcp or [TcpSegments(none.astype(np.int32), none.astype(np.uint32), none, none, none, none)]
    return CaptureColumns(
        collector.rtp.rows(),
        tuple(collector.streams.named),
        TcpSegments(*(np.concatenate([getattr(part, name) for part in tcp]) for name in TcpSegments.__slots__)),
        tuple(flow for flow, _ in collector.flows.named),
    )


def _are_plain(words: npt.NDArray[np.uint64], batch: PacketBatch) -> npt.NDArray[np.bool_]:
    """Which packets are Ethernet without tags, IPv4 without options, whole UDP, RTP and no RTCP.

    words: bytes 8 to 55 of each packet as six little-endian numbers, shape (6, n): several fields fit into one look.
    """
    kind, whole, _, ports, begins, _ = words
    plain: npt.NDArray[np.bool_] = kind & np.uint64(_IPV4_ALONE[0]) == np.uint64(_IPV4_ALONE[1])
    plain &= whole & np.uint64(_UDP_WHOLE[0]) == np.uint64(_UDP_WHOLE[1])
    plain &= begins & np.uint64(_RTP_VERSION[0]) == np.uint64(_RTP_VERSION[1])
    plain &= ~_are_rtcp((begins >> np.uint64(24)).astype(np.uint8))
    stated = (ports >> np.uint64(48)).astype(np.uint16).byteswap()
    plain &= whole.astype(np.uint16).byteswap() - stated == 20
    plain &= (stated >= 8 + RTP_HEADER) & (batch.captured >= _PLAIN_SIZE)
    plain &= batch.original >= stated.astype(np.int64) + _UDP_AT
    return plain


def _plain_name(prefix: npt.NDArray[np.uint8]) -> tuple[Flow, int]:
    ssrc = int.from_bytes(prefix[_RTP_AT + 8 : _PLAIN_SIZE].tobytes(), "big")
    return read_flow(prefix, 26, _UDP_AT, six=False, protocol=UDP), ssrc


def is_rtcp(mark: int) -> bool:
    """Whether the second byte is a packet type of RTCP: as RTP, payload types 64 to 95 with marker (RFC 5761 4)."""
    return mark in RTCP_TYPES


def _are_rtcp(marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (marks >= RTCP_TYPES.start) & (marks < RTCP_TYPES.stop)


def _pick(found: Transport, wanted: npt.NDArray[np.bool_]) -> Transport:
    return Transport(*(getattr(found, name)[wanted] for name in Transport.__slots__))


def _key(fields: Fields, found: Transport, ssrc: npt.NDArray[np.uint32] | None = None) -> Words:
    """What tells streams apart, as numbers; the first three are those that ``_take_plain`` makes for IPv4."""
    length = np.where(found.six, 16, 4)
    ports = _swapped(fields.long(found.header))
    sources, destinations = [], []
    for index in range(4):
        at = found.addresses + 4 * index
        present = found.six | (index == 0)
        sources.append(np.where(present, _swapped(fields.long(at)), np.uint64(0)))
        destinations.append(np.where(present, _swapped(fields.long(at + length)), np.uint64(0)))
    low = destinations[0] & np.uint64(0xFFFF)
    return [
        sources[0] | low << np.uint64(32),
        destinations[0] >> np.uint64(16) | ports << np.uint64(16),
        np.zeros_like(ports) if ssrc is None else _swapped(ssrc),
        *sources[1:],
        *destinations[1:],
        found.six.astype(np.uint64),
    ]


def _swapped(numbers: npt.NDArray[np.uint32]) -> npt.NDArray[np.uint64]:
    return numbers.byteswap().astype(np.uint64)


def _flow(prefixes: npt.NDArray[np.uint8], found: Transport, row: int) -> Flow:
    return read_flow(
        prefixes[row], int(found.addresses[row]), int(found.header[row]),
        six=bool(found.six[row]), protocol=int(found.protocol[row]),
    )  # fmt: skip

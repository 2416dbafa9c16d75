"""RTP packets of a capture as columns: sorted out from all UDP packets, numbered by stream."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conformance.media.capture_reader import PacketBatch, read_capture
from conformance.media.capture_window import PREFIX
from conformance.media.packet_layers import ETHERNET, TCP, UDP, Fields, Flow, Transport, find_transport, read_flow

if TYPE_CHECKING:
    import numpy.typing as npt

    Words = Mapping[int, npt.NDArray[np.unsignedinteger]]

RTP_HEADER = 12
RTCP_TYPES = range(192, 224)
MOST_STREAMS = 100_000
_ETHERNET_IPV4 = b"\x08\x00\x45"
_SOURCE, _DESTINATION, _PORTS, _SSRC, _SIX, _WORDS = 0, 4, 8, 9, 10, 11
_UDP_AT, _RTP_AT = 34, 42


@dataclass(frozen=True, slots=True)
class RtpColumns:
    """Packets in the order of the capture; one element each in every array.

    stream: number of (flow, SSRC), int32. sequences: uint16. timestamps: uint32. times: int64 nanoseconds since 1970.
    sizes: int64 bytes of the RTP packet, without UDP header. marks: second byte of the RTP header, uint8.
    """

    stream: npt.NDArray[np.int32]
    sequences: npt.NDArray[np.uint16]
    timestamps: npt.NDArray[np.uint32]
    times: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    marks: npt.NDArray[np.uint8]


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
    """What a capture holds. streams[n]: flow and SSRC of stream n. flows[n]: TCP flow n."""

    rtp: RtpColumns
    streams: tuple[tuple[Flow, int], ...]
    tcp: TcpSegments
    flows: tuple[Flow, ...]


class _Numbering:
    """Numbers (flow, SSRC) by a 64 bit sum with random factors, so that no capture can be made to collide."""

    def __init__(self) -> None:
        self.named: list[tuple[Flow, int]] = []
        self._factors = np.frombuffer(secrets.token_bytes(8 * _WORDS), np.uint64) | np.uint64(1)
        self._known = np.empty(0, np.uint64)
        self._numbers = np.empty(0, np.int32)

    def numbers(self, words: Words, name: Callable[[int], tuple[Flow, int]]) -> npt.NDArray[np.int32]:
        """The number of each row; ``name`` tells who a new one is, by its first row. -1 beyond 100 000."""
        digests = sum(
            (word * self._factors[place] for place, word in words.items()),
            np.zeros(len(words[_PORTS]), np.uint64),
        )  # fmt: skip
        if len(self._known):
            places = np.minimum(np.searchsorted(self._known, digests), len(self._known) - 1)
            known = self._known[places] == digests
            if known.all():
                return self._numbers[places]
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


class _Collector:
    """Gathers the columns of one capture."""

    def __init__(self) -> None:
        self.rtp: list[RtpColumns] = []
        self.tcp: list[TcpSegments] = []
        self.streams = _Numbering()
        self.flows = _Numbering()

    def take(self, batch: PacketBatch) -> None:
        """Ethernet with plain IPv4 and UDP goes a short way with fixed positions, all else the general one."""
        if batch.link != ETHERNET:
            self._take_general(batch, np.arange(len(batch)))
            return
        p = batch.prefixes
        plain = (_big(p, 12, 2) == 0x0800) & (p[:, 14] == 0x45) & (p[:, 23] == UDP) & (_big(p, 20, 2) & 0x3FFF == 0)
        self._take_plain(batch, plain)
        if not plain.all():
            self._take_general(batch, np.flatnonzero(~plain))

    def _take_plain(self, batch: PacketBatch, plain: npt.NDArray[np.bool_]) -> None:
        p = batch.prefixes
        stated, total = _big(p, _UDP_AT + 4, 2).astype(np.int64), _big(p, 16, 2).astype(np.int64)
        end = np.minimum(np.where(total > 0, total + 14, batch.original), batch.original)
        end = np.where(stated >= 8, np.minimum(end, stated + _UDP_AT), end)
        sizes = end - _RTP_AT
        marks = p[:, _RTP_AT + 1]
        wanted = plain & (p[:, _RTP_AT] >> 6 == 2) & (sizes >= RTP_HEADER) & ~_are_rtcp(marks)
        wanted &= batch.captured >= _RTP_AT + RTP_HEADER
        if not wanted.all():
            rows = np.flatnonzero(wanted)
            p, sizes, marks, times = p[rows], sizes[rows], marks[rows], batch.times[rows]
        else:
            times = batch.times
        if not len(p):
            return
        ssrc = _big(p, _RTP_AT + 8, 4)
        words = {
            _SOURCE: _big(p, 26, 4), _DESTINATION: _big(p, 30, 4), _PORTS: _big(p, _UDP_AT, 4), _SSRC: ssrc,
        }  # fmt: skip
        stream = self.streams.numbers(
            words, lambda row: (read_flow(p[row], 26, _UDP_AT, six=False, protocol=UDP), int(ssrc[row]))
        )
        self.rtp.append(
            RtpColumns(
                stream,
                _big(p, _RTP_AT + 2, 2).astype(np.uint16),
                _big(p, _RTP_AT + 4, 4).astype(np.uint32),
                times,
                sizes,
                marks.copy(),
            )
        )

    def _take_general(self, batch: PacketBatch, rows: npt.NDArray[np.int64]) -> None:
        part = PacketBatch(
            batch.link, batch.prefixes[rows], batch.captured[rows], batch.original[rows], batch.times[rows],
            batch.positions[rows],
        )  # fmt: skip
        found = find_transport(part)
        if len(found.rows):
            self._take_udp(part, _pick(found, found.protocol == UDP))
            self._take_tcp(part, _pick(found, (found.protocol == TCP) & (found.size > 0)))

    def _take_udp(self, batch: PacketBatch, found: Transport) -> None:
        fields = Fields(batch.prefixes[found.rows])
        marks = fields.byte(found.payload + 1).astype(np.uint8)
        wanted = (fields.byte(found.payload) >> 6 == 2) & (found.size >= RTP_HEADER) & ~_are_rtcp(marks)
        wanted &= batch.captured[found.rows] >= found.payload + RTP_HEADER
        wanted &= found.payload + RTP_HEADER <= PREFIX
        found = _pick(found, wanted)
        if not len(found.rows):
            return
        prefixes = batch.prefixes[found.rows]
        fields = Fields(prefixes)
        ssrc = fields.long(found.payload + 8)
        stream = self.streams.numbers(
            {**_words(fields, found), _SSRC: ssrc}, lambda row: (_flow(prefixes, found, row), int(ssrc[row]))
        )
        sequences = fields.word(found.payload + 2).astype(np.uint16)
        columns = RtpColumns(
            stream, sequences, fields.long(found.payload + 4), batch.times[found.rows], found.size, marks[wanted]
        )
        self.rtp.append(columns)

    def _take_tcp(self, batch: PacketBatch, found: Transport) -> None:
        if not len(found.rows):
            return
        prefixes = batch.prefixes[found.rows]
        fields = Fields(prefixes)
        flow = self.flows.numbers(_words(fields, found), lambda row: (_flow(prefixes, found, row), 0))
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
    rtp = collector.rtp or [
        RtpColumns(
            none.astype(np.int32), none.astype(np.uint16), none.astype(np.uint32), none, none, none.astype(np.uint8)
        )
    ]
    tcp = collector.tcp or [TcpSegments(none.astype(np.int32), none.astype(np.uint32), none, none, none, none)]
    return CaptureColumns(
        RtpColumns(*(np.concatenate([getattr(part, name) for part in rtp]) for name in RtpColumns.__slots__)),
        tuple(collector.streams.named),
        TcpSegments(*(np.concatenate([getattr(part, name) for part in tcp]) for name in TcpSegments.__slots__)),
        tuple(flow for flow, _ in collector.flows.named),
    )


def _big(prefixes: npt.NDArray[np.uint8], position: int, size: int) -> npt.NDArray[np.uint16 | np.uint32]:
    """The big-endian number at one position of every row."""
    found: npt.NDArray[np.uint16 | np.uint32] = prefixes[:, position : position + size].view(f">u{size}")[:, 0]
    return found


def is_rtcp(mark: int) -> bool:
    """Whether the second byte is a packet type of RTCP: as RTP, payload types 64 to 95 with marker (RFC 5761 4)."""
    return mark in RTCP_TYPES


def _are_rtcp(marks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    return (marks >= RTCP_TYPES.start) & (marks < RTCP_TYPES.stop)


def _pick(found: Transport, wanted: npt.NDArray[np.bool_]) -> Transport:
    return Transport(*(getattr(found, name)[wanted] for name in Transport.__slots__))


def _words(fields: Fields, found: Transport) -> Words:
    words: dict[int, npt.NDArray[np.uint32]] = {_SIX: found.six.astype(np.uint32), _PORTS: fields.long(found.header)}
    length = np.where(found.six, 16, 4)
    for index in range(4):
        present = found.six | (index == 0)
        at = found.addresses + 4 * index
        words[_SOURCE + index] = np.where(present, fields.long(at), np.uint32(0))
        words[_DESTINATION + index] = np.where(present, fields.long(at + length), np.uint32(0))
    return words


def _flow(prefixes: npt.NDArray[np.uint8], found: Transport, row: int) -> Flow:
    return read_flow(
        prefixes[row], int(found.addresses[row]), int(found.header[row]),
        six=bool(found.six[row]), protocol=int(found.protocol[row]),
    )  # fmt: skip

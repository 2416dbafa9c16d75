"""Reads capture files block by block: classic pcap (either byte order, micro- and nanoseconds) and pcapng.

Nothing is made for a single packet but its position: the beginnings of the packets come as columns of numpy arrays.
Formats: the pcap and pcapng drafts of the IETF opsawg (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from conformance.media.capture_window import BLOCK, PREFIX, CaptureWindow
from conformance.media.pcapng_blocks import Interface, read_interface
from conformance.protocols.violation import SEEN_BYTES, CodecError

if TYPE_CHECKING:
    import numpy.typing as npt

BATCH = 4096
LARGEST_PACKET = 262_144
LARGEST_NG_BLOCK = 64 << 20
MOST_INTERFACES = 4096
_PCAP_MAGIC = {
    b"\xd4\xc3\xb2\xa1": ("<", 1000), b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1), b"\xa1\xb2\x3c\x4d": (">", 1),
}  # fmt: skip
_PCAP_HEADER = 24
_PCAP_RECORD = 16
_SECTION = b"\x0a\x0d\x0d\x0a"
_SECTION_TYPE, _INTERFACE_TYPE = 0x0A0D0D0A, 1
_OLD_PACKET, _SIMPLE_PACKET, _PACKET = 2, 3, 6
_NG_HEADER = {_OLD_PACKET: 28, _SIMPLE_PACKET: 12, _PACKET: 28}
_LONGEST_HEADER = 28


class CaptureError(CodecError):
    """A file that is no capture, or is broken from ``offset`` on."""


@dataclass(frozen=True, slots=True)
class PacketBatch:
    """Packets of one link type in the order of the file.

    link: LINKTYPE number. prefixes: the first 104 bytes of each, shape (n, 104); what lies behind ``captured`` is not
    part of the packet. captured, original: lengths in bytes, in the file and on the wire. times: nanoseconds since
    1970 (0 where the file says nothing). positions: where the packet begins in the file, in bytes.
    """

    link: int
    prefixes: npt.NDArray[np.uint8]
    captured: npt.NDArray[np.int64]
    original: npt.NDArray[np.int64]
    times: npt.NDArray[np.int64]
    positions: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.times)


def read_capture(path: str | Path, *, block: int = BLOCK) -> Iterator[PacketBatch]:
    """The packets of a capture file. A record cut off by the end of the file is left out.

    Raises CaptureError for a file that is no capture or is broken, after what came before; OSError.
    """
    with Path(path).open("rb", buffering=0) as file:
        start = file.read(4)
        if start in _PCAP_MAGIC:
            yield from _read_pcap(file, start, block)
        elif start == _SECTION:
            yield from _SectionReader(file, block).batches()
        else:
            explain = "The file is neither pcap nor pcapng"
            raise CaptureError(0, "capture.magic", start, explain)


def read_packet(file: BinaryIO, position: int, captured: int) -> bytes:
    """The bytes of one packet, from a file opened for reading."""
    file.seek(position)
    return file.read(min(captured, LARGEST_PACKET))


# classic pcap


def _read_pcap(file: BinaryIO, magic: bytes, block: int) -> Iterator[PacketBatch]:
    order, unit = _PCAP_MAGIC[magic]
    head = file.read(_PCAP_HEADER - 4)
    if len(head) < _PCAP_HEADER - 4:
        raise CaptureError(4, "capture.short", head, "The file ends inside its header")
    link = struct.unpack(order + "I", head[16:])[0] & 0x0FFF_FFFF
    window = CaptureWindow(file, _PCAP_RECORD, block)
    window.offset = _PCAP_HEADER
    following, count, last = 0, 0, False
    rows: list[npt.NDArray[np.uint8]] = []
    positions: list[npt.NDArray[np.int64]] = []
    while not last and window.advance(following):
        starts, following = _walk(window.buffer, window.limit, order)
        broken = _broken_record(window, following, order)
        rows.append(window.rows(starts))
        positions.append(starts + window.offset)
        count += len(starts)
        last = broken is not None or (window.ended and following + _PCAP_RECORD > window.filled)
        if last or count >= BATCH:
            yield _pcap_batch(np.concatenate(rows), np.concatenate(positions), order, unit, link, window.size)
            rows, positions, count = [], [], 0
        if broken:
            raise broken
    if rows:
        yield _pcap_batch(np.concatenate(rows), np.concatenate(positions), order, unit, link, window.size)


def _walk(buffer: bytearray, limit: int, order: str) -> tuple[npt.NDArray[np.int64], int]:
    """Where records begin below ``limit``, and where the first one after them does (or the first one that is broken).

    Full packets follow each other in runs of one length. After two alike, the rest of a run is found by one match of
    a pattern, which costs a fraction of stepping.
    """
    unpack = struct.Struct(order + "I").unpack_from
    starts: list[int] = []
    steps: list[int] = []
    counts: list[int] = []
    position, last, usual = 0, -1, -1
    run = _run_of(order, 0)
    limit -= _PCAP_RECORD
    while position <= limit:
        (length,) = unpack(buffer, position + 8)
        step, alike = _PCAP_RECORD + length, 1
        if length == usual:
            alike = (_end(run.match(buffer, position, limit + step)) - position) // step or 1
        elif length > LARGEST_PACKET:
            break
        elif length == last:
            usual, run = length, _run_of(order, length)
        last = length
        starts.append(position)
        steps.append(step)
        counts.append(alike)
        position += alike * step
    return _spread(starts, steps, counts), position


@lru_cache(maxsize=256)
def _run_of(order: str, length: int) -> re.Pattern[bytes]:
    """As many whole records of that length as follow each other; their length fields alone are looked at."""
    field = re.escape(struct.pack(order + "I", length))
    return re.compile(b"(?:.{8}%b.{%d})*+" % (field, length + 4), re.DOTALL)


def _end(found: re.Match[bytes] | None) -> int:
    return found.end() if found else 0


def _broken_record(window: CaptureWindow, position: int, order: str) -> CaptureError | None:
    """What is wrong with the record at ``position``, where the walk ended, if it is there and it is broken."""
    if position > window.limit - _PCAP_RECORD:
        return None
    seen = bytes(window.buffer[position : position + _PCAP_RECORD])
    (captured,) = struct.unpack_from(order + "I", seen, 8)
    explain = f"A record of {captured} bytes is announced, at most {LARGEST_PACKET} make sense"
    return CaptureError(window.offset + position, "capture.length", seen, explain)


def _spread(starts: list[int], steps: list[int], counts: list[int]) -> npt.NDArray[np.int64]:
    """Every position of runs that begin at ``starts`` and go on in ``steps``."""
    sizes, widths = np.array(counts, np.int64), np.array(steps, np.int64)
    firsts = np.array(starts, np.int64) - widths * (np.cumsum(sizes) - sizes)
    return np.repeat(firsts, sizes) + np.arange(int(sizes.sum())) * np.repeat(widths, sizes)


def _pcap_batch(
    rows: npt.NDArray[np.uint8], positions: npt.NDArray[np.int64], order: str, unit: int, link: int, size: int
) -> PacketBatch:
    head = rows[:, :_PCAP_RECORD].view(order + "u4").T.astype(np.int64)
    times = head[0] * 1_000_000_000 + head[1] * unit
    batch = PacketBatch(link, rows[:, _PCAP_RECORD:], head[2], head[3], times, positions + _PCAP_RECORD)
    return _select(batch, _whole(batch, size))


def _whole(batch: PacketBatch, size: int) -> npt.NDArray[np.bool_]:
    """Sane records that end before the end of the file."""
    return (batch.captured <= LARGEST_PACKET) & (batch.positions + batch.captured <= size)


def _select(batch: PacketBatch, wanted: npt.NDArray[np.bool_]) -> PacketBatch:
    if wanted.all():
        return batch
    return PacketBatch(
        batch.link, batch.prefixes[wanted], batch.captured[wanted], batch.original[wanted], batch.times[wanted],
        batch.positions[wanted],
    )  # fmt: skip


# pcapng


class _SectionReader:
    """Walks over the blocks of a pcapng file and keeps the interfaces of the section."""

    def __init__(self, file: BinaryIO, block: int) -> None:
        file.seek(0)
        self._window = CaptureWindow(file, _LONGEST_HEADER, block)
        self._order = "<"
        self._interfaces: list[Interface] = []
        self._kind = _PACKET
        self._starts: list[int] = []
        self._rows: list[npt.NDArray[np.uint8]] = []
        self._positions: list[npt.NDArray[np.int64]] = []
        self._count = 0

    def batches(self) -> Iterator[PacketBatch]:
        """The packets of every section."""
        following = 0
        while self._window.advance(following):
            following = 0
            while following <= self._window.limit - 12:
                try:
                    kind, length = self._block_head(following)
                except CaptureError:
                    yield from self._flush()
                    raise
                if kind == _INTERFACE_TYPE and self._is_cut(following, length):
                    break
                if kind in _NG_HEADER:
                    if kind != self._kind or self._count >= BATCH:
                        yield from self._flush()
                        self._kind = kind
                    self._starts.append(following)
                    self._count += 1
                elif kind == _SECTION_TYPE:
                    yield from self._flush()
                    self._begin_section(following)
                elif kind == _INTERFACE_TYPE:
                    self._add_interface(following, length)
                following += length
            self._keep_rows()
            if self._window.ended and following + 12 > self._window.filled:
                break
        yield from self._flush()

    def _block_head(self, position: int) -> tuple[int, int]:
        """Type and total length of a block. Raises CaptureError."""
        buffer = self._window.buffer
        order = self._order
        if buffer[position : position + 4] == _SECTION:
            order = "<" if buffer[position + 8 : position + 12] == b"\x4d\x3c\x2b\x1a" else ">"
        kind, length = struct.unpack_from(order + "II", buffer, position)
        if length < 12 or length % 4 or length > LARGEST_NG_BLOCK:
            seen = bytes(buffer[position : position + 12])
            explain = f"A block of {length} bytes is announced: at least 12, a multiple of 4, at most 64 MB make sense"
            raise CaptureError(self._window.offset + position, "capture.block_length", seen, explain)
        return kind, length

    def _is_cut(self, position: int, length: int) -> bool:
        """Whether more of the block is there once the window has moved on."""
        return position > 0 and position + length > self._window.filled and not self._window.ended

    def _begin_section(self, position: int) -> None:
        """A section has its own byte order and its own interfaces."""
        little = self._window.buffer[position + 8 : position + 12] == b"\x4d\x3c\x2b\x1a"
        self._order = "<" if little else ">"
        self._interfaces = []

    def _add_interface(self, position: int, length: int) -> None:
        if len(self._interfaces) >= MOST_INTERFACES:
            at = self._window.offset + position
            raise CaptureError(at, "capture.interfaces", b"", f"More than {MOST_INTERFACES} interfaces are described")
        body = bytes(self._window.buffer[position + 8 : min(position + length - 4, self._window.filled)])
        self._interfaces.append(read_interface(body, self._order))

    def _keep_rows(self) -> None:
        """Copy what is needed of the packets found so far, before the window moves on."""
        if self._starts:
            starts = np.array(self._starts, np.int64)
            self._rows.append(self._window.rows(starts))
            self._positions.append(starts + self._window.offset)
            self._starts = []

    def _flush(self) -> Iterator[PacketBatch]:
        self._keep_rows()
        self._count = 0
        if not self._rows:
            return
        rows, positions = np.concatenate(self._rows), np.concatenate(self._positions)
        self._rows, self._positions = [], []
        header = _NG_HEADER[self._kind]
        head = rows[:, :_LONGEST_HEADER].view(self._order + "u4").astype(np.int64)
        prefixes = rows[:, header : header + PREFIX]
        owners = self._owners(head)
        interfaces = self._used_interfaces(owners, rows, positions)
        links = np.array([interface.link for interface in self._interfaces], np.int64)[owners]
        captured, original, times = self._numbers(head, owners, interfaces)
        for link in dict.fromkeys(interface.link for interface in interfaces.values()):
            wanted = links == link
            batch = PacketBatch(
                link, prefixes[wanted], captured[wanted], original[wanted], times[wanted], positions[wanted] + header
            )  # fmt: skip
            yield _select(batch, _whole(batch, self._window.size))

    def _used_interfaces(
        self, owners: npt.NDArray[np.int64], rows: npt.NDArray[np.uint8], positions: npt.NDArray[np.int64]
    ) -> dict[int, Interface]:
        """The interfaces that packets name, by number. Raises CaptureError for one that is not described."""
        wrong = np.flatnonzero(owners >= len(self._interfaces))
        if len(wrong):
            first = int(wrong[0])
            explain = f"A packet names interface {int(owners[first])}, {len(self._interfaces)} are described"
            raise CaptureError(int(positions[first]), "capture.interface", bytes(rows[first, :SEEN_BYTES]), explain)
        return {number: self._interfaces[number] for number in np.unique(owners).tolist()}

    def _owners(self, head: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The number of the interface of each packet."""
        if self._kind == _SIMPLE_PACKET:
            return np.zeros(len(head), np.int64)
        if self._kind == _OLD_PACKET:
            return head[:, 2] & 0xFFFF if self._order == "<" else head[:, 2] >> 16
        return head[:, 2]

    def _numbers(
        self, head: npt.NDArray[np.int64], owners: npt.NDArray[np.int64], interfaces: dict[int, Interface]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Captured length, original length, time of each packet."""
        times = np.zeros(len(head), np.int64)
        if self._kind == _SIMPLE_PACKET:
            captured = np.minimum(head[:, 2], np.maximum(head[:, 1] - 16, 0))
            limit = interfaces[0].snap_length
            return (np.minimum(captured, limit) if limit else captured), head[:, 2], times
        captured = np.minimum(head[:, 5], np.maximum(head[:, 1] - 32, 0))
        ticks = head[:, 3].astype(np.uint64) << np.uint64(32) | head[:, 4].astype(np.uint64)
        for number, interface in interfaces.items():
            own = owners == number
            times[own] = interface.nanoseconds(ticks[own])
        return captured, head[:, 6], times

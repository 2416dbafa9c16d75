"""RTP inside RTSP connections of a capture: TCP segments put in order, ``$`` frames cut out (RFC 2326 10.12)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from conformance.media.capture_reader import read_packet
from conformance.media.rtp_columns import RTP_HEADER, RTP_ROW, CaptureColumns, is_rtcp

if TYPE_CHECKING:
    import numpy.typing as npt

    from conformance.media.packet_layers import Flow

MAGIC = 0x24
FRAME_HEADER = 4
SMALLEST_FRAME = 8
LARGEST_HEAD = 65_536
LARGEST_BODY = 1 << 20
SEARCH_LIMIT = 1 << 20
_LONGEST_START = 1200
_TEXT = rb"RTSP/1\.[0-9] [0-9]{3} |[A-Z_]{3,20} [^ \r\n]{1,1024} RTSP/1\."
_START = re.compile(rb"\$[\0-\x1f]|" + _TEXT)
_MESSAGE = re.compile(_TEXT)
_CONTENT_LENGTH = re.compile(rb"\r?\ncontent-length[ \t]*:[ \t]*([0-9]{1,7})", re.IGNORECASE)


class FrameSplitter:
    """Cuts ``$`` frames out of one direction of an RTSP connection, which may begin in the middle of a frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._synced = False
        self._fresh = True
        self._searched = 0

    @property
    def hopeless(self) -> bool:
        """Whether a megabyte went by without a frame or message: the connection is something else."""
        return self._searched > SEARCH_LIMIT

    def lose(self) -> None:
        """Bytes are missing here: begin to search again."""
        self._buffer.clear()
        self._synced = self._fresh = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The content of every frame that ends in ``data``."""
        self._buffer += data
        at = 0
        while at < len(self._buffer):
            if not self._synced:
                found = self._search(at)
                self._searched += found - at
                at = found
                if not self._synced:
                    break
            end = self._end(at)
            if end is None:
                break
            if not self._synced:
                at += 1
                continue
            if self._buffer[at] == MAGIC:
                yield bytes(self._buffer[at + FRAME_HEADER : end])
            self._searched = 0
            at = end
        del self._buffer[:at]

    def _search(self, at: int) -> int:
        """Where a frame or message begins, or up to where none does; ``_synced`` tells which."""
        trusted, self._fresh = self._fresh, False
        for match in _START.finditer(self._buffer, at):
            start = match.start()
            if self._buffer[start] != MAGIC:
                self._synced = True
                return start
            confirmed = self._confirmed(start)
            if confirmed or (trusted and start == 0 and confirmed is None):
                self._synced = True
                return start
            if confirmed is None:
                return start
        return max(at, len(self._buffer) - _LONGEST_START)

    def _confirmed(self, start: int) -> bool | None:
        """Whether a frame begins here: it looks like RTP or RTCP and something follows it; None when unknown yet."""
        head = self._buffer[start : start + FRAME_HEADER + 1]
        if len(head) <= FRAME_HEADER:
            return None
        size = int.from_bytes(head[2:4], "big")
        if size < SMALLEST_FRAME or head[4] >> 6 != 2:
            return False
        following = self._buffer[start + FRAME_HEADER + size : start + FRAME_HEADER + size + 1]
        return bytes(following) in (b"$", b"R") if following else None

    def _end(self, at: int) -> int | None:
        """Where the frame or message at ``at`` ends, None when more bytes are needed; may lose ``_synced``."""
        if self._buffer[at] == MAGIC:
            if len(self._buffer) < at + FRAME_HEADER:
                return None
            end = at + FRAME_HEADER + int.from_bytes(self._buffer[at + 2 : at + 4], "big")
            return end if end <= len(self._buffer) else None
        head = self._buffer.find(b"\r\n\r\n", at, at + LARGEST_HEAD)
        if len(self._buffer) - at >= _LONGEST_START and not _MESSAGE.match(self._buffer, at):
            self._synced = False
            return at
        if head < 0:
            self._synced = len(self._buffer) - at < LARGEST_HEAD
            return None if self._synced else at
        length = _CONTENT_LENGTH.search(self._buffer, at, head + 4)
        end = head + 4 + min(int(length[1]) if length else 0, LARGEST_BODY)
        return end if end <= len(self._buffer) else None


def interleaved_columns(
    path: str | Path, capture: CaptureColumns
) -> tuple[npt.NDArray[np.void], tuple[tuple[Flow, int], ...]]:
    """RTP packets (``RTP_ROW``) in the RTSP connections of a capture, and flow and SSRC of their streams.

    A packet arrives when the last byte that it and everything before it need has arrived. Raises OSError.
    """
    numbers: dict[tuple[int, int], int] = {}
    rows: list[tuple[object, ...]] = []
    with Path(path).open("rb") as file:
        for flow in range(len(capture.flows)):
            for time, frame in _frames(file, capture, flow):
                if len(frame) >= RTP_HEADER and frame[0] >> 6 == 2 and not is_rtcp(frame[1]):
                    sequence, stamp, ssrc = (int.from_bytes(frame[a:b], "big") for a, b in ((2, 4), (4, 8), (8, 12)))
                    number = numbers.setdefault((flow, ssrc), len(numbers))
                    rows.append((time, stamp, number, sequence, len(frame), frame[1], (0, 0, 0)))
    return np.array(rows, RTP_ROW), tuple((capture.flows[flow], ssrc) for flow, ssrc in numbers)


def _frames(file: BinaryIO, capture: CaptureColumns, flow: int) -> Iterator[tuple[int, bytes]]:
    """(time in nanoseconds, content) of every ``$`` frame of one flow."""
    splitter = FrameSplitter()
    for time, content in _ordered(file, capture, flow):
        if content is None:
            splitter.lose()
            continue
        for frame in splitter.feed(content):
            yield time, frame
        if splitter.hopeless:
            return


def _ordered(file: BinaryIO, capture: CaptureColumns, flow: int) -> Iterator[tuple[int, bytes | None]]:
    """The bytes of one flow in order, each once, with the time they were there by; None where some are missing."""
    tcp = capture.tcp
    rows = np.flatnonzero(tcp.flow == flow)
    extended = _extend(tcp.sequences[rows])
    order = np.argsort(extended, kind="stable")
    times = np.maximum.accumulate(tcp.times[rows][order])
    cursor: int | None = None
    for place, time in zip(order.tolist(), times.tolist(), strict=True):
        row, start = int(rows[place]), int(extended[place])
        size, missing = int(tcp.sizes[row]), int(tcp.missing[row])
        if cursor is not None and start > cursor:
            yield time, None
        known = 0 if cursor is None else max(0, cursor - start)
        if known < size:
            yield time, read_packet(file, int(tcp.positions[row]) + known, size - known)
        if missing and known < size + missing:
            yield time, None
        cursor = max(cursor or 0, start + size + missing)


def _extend(sequences: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """TCP sequence numbers over their wrap, counted from the first, shape as given."""
    return np.concatenate([[0], np.cumsum(np.diff(sequences).view(np.int32), dtype=np.int64)])

"""Pieces of a stream cut into MPEG transport stream segments, each of which begins with a key picture.

Counters go on from one segment to the next (RFC 8216 section 3), which the muxer, new for each segment, does not know.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.platform.live_ingest import TICKS, Piece, add_streams, packet_of
from simulators.platform.sound import AacSound

PACKET = 188
JITTER = TICKS // 20


@dataclass(frozen=True, slots=True)
class Segment:
    """One segment. ``start``: seconds since the first piece; ``duration``: seconds; ``data``: the transport stream."""

    number: int
    start: float
    duration: float
    data: bytes


class Cutter:
    """A sink that cuts. ``target``: seconds after which the next key picture begins a new segment; ``first``: the same
    for the first one, which somebody is waiting for."""

    def __init__(self, target: float, publish: Callable[[Segment], None], first: float | None = None) -> None:
        self.target = target
        self.first = target if first is None else first
        self._publish = publish
        self._streams: Sequence[Any] = ()
        self._sound: AacSound | None = None
        self._number = 0
        self._output: Any = None
        self._buffer = io.BytesIO()
        self._outputs: dict[str, Any] = {}
        self._start = 0
        self._last = 0
        self._step = TICKS // 25
        self._counters: dict[int, int] = {}

    def begin(self, streams: Sequence[Any]) -> None:
        """The picture as it is, the sound as AAC."""
        self._streams = [stream for stream in streams if stream.type == "video"]
        self._sound = next((AacSound(stream) for stream in streams if stream.type == "audio"), None)

    def take(self, piece: Piece) -> None:
        """One piece."""
        if piece.kind == "audio":
            self._take_sound(piece)
            return
        target = self.target if self._number else self.first
        if piece.key and (self._output is None or piece.dts - self._start >= target * TICKS - JITTER):
            self._close(piece.dts)
            self._open(piece.dts)
        if self._output is not None:
            if piece.dts > self._last:
                self._step = piece.dts - self._last
            self._last = piece.dts
            self._output.mux(packet_of(piece, self._outputs["video"]))

    def _take_sound(self, piece: Piece) -> None:
        for sound in self._sound.pieces(piece) if self._sound is not None else ():
            if self._output is not None:
                self._output.mux(packet_of(sound, self._outputs["audio"]))

    def finish(self) -> None:
        """Publish what is there."""
        self._close(self._last + self._step)

    def _open(self, at: int) -> None:
        import av

        self._buffer = io.BytesIO()
        self._output = av.open(self._buffer, "w", format="mpegts")
        self._outputs = add_streams(self._output, self._streams)
        if self._sound is not None:
            self._outputs["audio"] = self._output.add_mux_stream("aac", self._sound.rate, layout="mono")
        self._start = self._last = at

    def _close(self, at: int) -> None:
        if self._output is None:
            return
        self._output.close()
        self._output = None
        data = self.counted(self._buffer.getvalue())
        self._publish(Segment(self._number, self._start / TICKS, (at - self._start) / TICKS, data))
        self._number += 1

    def counted(self, data: bytes) -> bytes:
        """The same packets with continuity counters that go on."""
        stream = bytearray(data)
        for at in range(0, len(stream), PACKET):
            identity = (stream[at + 1] & 0x1F) << 8 | stream[at + 2]
            counter = self._counters.get(identity, -1)
            if stream[at + 3] & 0x10:
                counter = (counter + 1) & 0x0F
                self._counters[identity] = counter
            stream[at + 3] = stream[at + 3] & 0xF0 | counter & 0x0F
        return bytes(stream)

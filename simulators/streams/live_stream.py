"""The live stream: pictures in real time as HLS segments and FLV tags."""

from __future__ import annotations

import asyncio
import time

from simulators.platform.flv import FlvHub, FlvMuxer
from simulators.platform.hls import WINDOW, HlsWindow
from simulators.platform.transport_stream import Cutter, Segment
from simulators.streams.pictures import RATE, Loop

SEGMENT = 1.0
PAST = WINDOW + 1
BETWEEN_BREAKS = 4


class LiveStream:
    """One stream; it has been running for some segments when the simulator starts. Every fourth segment is announced as
    a discontinuity, as after an encoder has begun anew."""

    window_class: type[HlsWindow] = HlsWindow
    cutter_class: type[Cutter] = Cutter
    hub_class: type[FlvHub] = FlvHub

    def __init__(self, loop: Loop) -> None:
        self.loop = loop
        self.hls = self.window_class()
        self.hls.longest = SEGMENT
        self.flv = self.hub_class()
        self._take = self.hls.resume()
        cutter = self.cutter_class(SEGMENT, self._publish)
        self._sinks = (cutter, FlvMuxer(self.flv.publish, self.flv.end))
        self._next = 0

    def _publish(self, segment: Segment) -> None:
        if self.hls.next_number % BETWEEN_BREAKS == 0:
            self._take = self.hls.resume()
        self._take(segment)

    def begin(self) -> None:
        """Everything up to now."""
        for sink in self._sinks:
            sink.begin(self.loop.streams)
        for _ in range(round(PAST * SEGMENT * RATE) + 1):
            self.advance()

    def advance(self) -> None:
        """One picture."""
        piece = self.loop.piece(self._next)
        self._next += 1
        for sink in self._sinks:
            sink.take(piece)

    async def run(self) -> None:
        """Go on in real time until cancelled."""
        origin, first = time.monotonic(), self._next
        while True:
            due = origin + (self._next - first + 1) / RATE
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            self.advance()

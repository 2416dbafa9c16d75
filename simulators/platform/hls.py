"""Live HLS playlists (RFC 8216): a window of the last segments, each address signed anew."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from simulators.platform.transport_stream import Segment

TARGET = 2.0
PROMISED = 3.0
WINDOW = 5
KEPT = 2 * WINDOW + 2
VERSION = 3
FRESH = 10.0


class HlsWindow:
    """The segments of one stream; lives on the loop. When the camera's stream is fetched anew the numbers go on, behind
    a discontinuity; what is old by then is not shown again."""

    def __init__(self) -> None:
        self.segments: deque[Segment] = deque(maxlen=KEPT)
        self.longest = PROMISED
        self.next_number = 0
        self.over = False
        self._fetch = 0
        self._breaks: set[int] = set()
        self._published_at = 0.0
        self._news = asyncio.Event()

    def resume(self) -> Callable[[Segment], None]:
        """The stream is fetched anew. Returns what takes its segments; an earlier fetch is not listened to any more."""
        self.over = False
        self._fetch += 1
        fetch = self._fetch
        if self.next_number:
            self._breaks.add(self.next_number)
        if time.monotonic() - self._published_at > FRESH:
            self.segments.clear()
        return lambda segment: self._publish(segment) if fetch == self._fetch else None

    def _publish(self, segment: Segment) -> None:
        self.segments.append(replace(segment, number=self.next_number))
        self.longest = max(self.longest, segment.duration)
        self.next_number += 1
        self._published_at = time.monotonic()
        self._wake()

    def end(self) -> None:
        """The camera's stream has ended."""
        self.over = True
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()

    async def filled(self) -> bool:
        """Wait for the first segment, no longer: somebody wants a picture. False when the stream ended before it."""
        while not self.segments and not self.over:
            await self._news.wait()
        return bool(self.segments)

    def find(self, number: int) -> Segment | None:
        """A segment that is still kept."""
        return next((segment for segment in self.segments if segment.number == number), None)

    def playlist(self, address: Callable[[str], str]) -> str:
        """The media playlist. ``address``: the target for a file name."""
        shown = list(self.segments)[-WINDOW:]
        first = shown[0].number if shown else self.next_number
        lines = [
            "#EXTM3U",
            f"#EXT-X-VERSION:{VERSION}",
            f"#EXT-X-TARGETDURATION:{math.floor(self.longest + 0.5)}",
            f"#EXT-X-MEDIA-SEQUENCE:{first}",
        ]
        if self._breaks:
            lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{sum(number < first for number in self._breaks)}")
        for segment in shown:
            lines += ["#EXT-X-DISCONTINUITY"] * (segment.number in self._breaks)
            lines += [f"#EXTINF:{segment.duration:.3f},", address(f"{segment.number}.ts")]
        return "\n".join(lines) + "\n"

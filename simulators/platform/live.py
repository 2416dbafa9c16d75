"""Live streams: each is fetched from its camera once, while anybody watches it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulators.platform.flv import FlvHub, FlvMuxer
from simulators.platform.hls import TARGET, HlsWindow
from simulators.platform.live_ingest import LiveIngest
from simulators.platform.transport_stream import Cutter

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

IDLE = 15.0
Key = tuple[str, int, int]


class LiveStream:
    """One stream with its two HTTP forms. ``window``: the segments of an earlier fetch of the same stream."""

    window_class: type[HlsWindow] = HlsWindow
    hub_class: type[FlvHub] = FlvHub
    cutter_class: type[Cutter] = Cutter

    def __init__(self, platform: Platform, key: Key, window: HlsWindow | None = None) -> None:
        self.hls = window or self.window_class()
        self.flv = self.hub_class()
        loop = asyncio.get_running_loop()

        def later(call: Callable[..., None]) -> Callable[..., None]:
            return lambda *values: _in_loop(loop, call, *values)

        cutter = self.cutter_class(TARGET, later(self.hls.resume()), first=0.0)
        muxer = FlvMuxer(later(self.flv.publish), later(self.flv.end))
        self.ingest = LiveIngest(platform, *key, [cutter, muxer])

    @property
    def over(self) -> bool:
        """Whether the camera's stream has ended."""
        return self.ingest.ended.is_set()

    def touch(self) -> None:
        """Somebody uses it."""
        self.ingest.used_at = time.monotonic()

    def idle(self, now: float) -> bool:
        """Whether nobody has used it for some time."""
        return not self.flv.viewers and now - self.ingest.used_at > IDLE


def _in_loop(loop: asyncio.AbstractEventLoop, call: Callable[..., None], *values: Any) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, *values)


class Live:
    """Every live stream."""

    stream_class: type[LiveStream] = LiveStream

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.streams: dict[Key, LiveStream] = {}
        self._windows: dict[Key, HlsWindow] = {}

    def stream(self, device: str, channel: int, stream: int) -> LiveStream:
        """The stream, fetched if it is not already. Raises Refused: device_offline."""
        key = (device, channel, stream)
        found = self.streams.get(key)
        if found is None or found.over:
            found = self.stream_class(self.platform, key, self._windows.get(key))
            found.ingest.start()
            self.streams[key], self._windows[key] = found, found.hls
            self.platform.spawn(self._follow(key, found))
        found.touch()
        return found

    async def _follow(self, key: Key, stream: LiveStream) -> None:
        await stream.ingest.ended.wait()
        stream.flv.end()
        if self.streams.get(key) is stream:
            stream.hls.end()
            del self.streams[key]

    def refetch(self, device: str, channel: int, stream: int) -> None:
        """The camera codes differently from now on: whoever watches gets the stream anew."""
        if found := self.streams.pop((device, channel, stream), None):
            found.ingest.stop()

    async def keep_sweeping(self) -> None:
        """Let go of what nobody watches."""
        while True:
            await asyncio.sleep(1.0)
            for stream in list(self.streams.values()):
                if stream.idle(time.monotonic()):
                    stream.ingest.stop()

    async def stop(self) -> None:
        """End every stream."""
        await asyncio.gather(*(stream.ingest.stopped() for stream in list(self.streams.values())))

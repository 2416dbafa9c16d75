"""Plays recordings back: from any position, at half, normal or double speed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
from av.bitstream import BitStreamFilterContext

from simulators.camera.encoder import EncoderBank, Sink, split_annex_b
from simulators.camera.media_feed import Description, Feed, LiveOnlySource, NoVideo
from simulators.camera.media_format import AccessUnit, StreamSettings
from simulators.camera.record_store import RecordStore

_LEAD = 0.02


class Recording:
    """An open segment: what it holds, and its units from a position on."""

    def __init__(self, path: Path) -> None:
        """Raises NoVideo when the file has gone or holds no video."""
        try:
            self._container: Any = av.open(str(path))
            self._video = self._container.streams.video[0]
        except (OSError, av.FFmpegError, IndexError) as error:
            raise NoVideo(f"{path.name}: {error}") from None
        context = self._video.codec_context
        self.codec = "h264" if context.name == "h264" else "h265"
        self._prefix = "h264_mp4toannexb" if self.codec == "h264" else "hevc_mp4toannexb"
        self.duration = float(self._video.duration * self._video.time_base)
        size = path.stat().st_size
        self.settings = StreamSettings(
            codec="h264" if self.codec == "h264" else "h265",
            width=context.width,
            height=context.height,
            fps=round(self._video.average_rate),
            rate_type="variable",
            kbit_s=max(1, int(size / 125 / max(self.duration, 0.1))),
            audio=bool(self._container.streams.audio),
        )

    def close(self) -> None:
        """Close the file."""
        self._container.close()

    def units(self, start: float) -> Iterator[AccessUnit]:
        """Units from the last IDR picture not after ``start``; ``at`` is the position in seconds."""
        self._container.seek(int(start / self._video.time_base), stream=self._video, backward=True)
        annex_b = BitStreamFilterContext(self._prefix, self._video)
        for packet in self._container.demux():
            if packet.pts is None or not packet.size:
                continue
            at = float(packet.pts * packet.time_base)
            if packet.stream.type == "audio":
                yield AccessUnit("audio", (bytes(packet),), at, 0.0, False, self.settings)
                continue
            key = packet.is_keyframe
            for part in annex_b.filter(packet):
                yield AccessUnit("video", split_annex_b(bytes(part)), at, 0.0, key, self.settings)

    def parameter_sets(self) -> tuple[bytes, ...]:
        """The parameter sets in front of the first picture."""
        first = next(unit for unit in self.units(0.0) if unit.kind == "video")
        if self.codec == "h264":
            return tuple(nal for nal in first.nals if nal[0] & 0x1F in (7, 8))
        return tuple(nal for nal in first.nals if nal[0] >> 1 & 0x3F in (32, 33, 34))


class RecordFeed:
    """One viewer's playback of one segment. Capture times are those at which the units are due to be shown."""

    def __init__(self, path: Path) -> None:
        """Raises NoVideo."""
        recording = Recording(path)
        self.duration: float | None = recording.duration
        recording.close()
        self._path = path
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self._start = 0.0
        self._scale = 1.0

    @property
    def position(self) -> float:
        """The position reached, in seconds."""
        if self._task is None:
            return self._start
        elapsed = max(0.0, time.monotonic() - self._began)
        return min(self._start + elapsed * self._scale, self.duration or 0.0)

    def begin(self, sink: Sink, finished: Callable[[], None], start: float, end: float | None, scale: float) -> None:
        """Play from the last IDR picture not after ``start``; ``position`` tells where that is."""
        self.halt()
        recording = Recording(self._path)
        units = recording.units(min(start, recording.duration))
        first = next((unit for unit in units if unit.kind == "video"), None)
        self._start = start if first is None else first.at
        self._scale = scale
        self._began = time.monotonic() + _LEAD
        stop = recording.duration if end is None else min(end, recording.duration)
        self._task = asyncio.get_running_loop().create_task(self._play(recording, first, units, sink, finished, stop))

    def halt(self) -> float:
        """Stop. Returns the position reached."""
        reached = self.position
        if self._task is not None:
            self._task.cancel()
            self._task = None
        self._start = reached
        return reached

    async def _play(
        self,
        recording: Recording,
        first: AccessUnit | None,
        units: Iterator[AccessUnit],
        sink: Sink,
        finished: Callable[[], None],
        stop: float,
    ) -> None:
        try:
            if first is not None:
                await self._send(first, sink)
            for unit in units:
                if unit.kind == "video" and unit.at >= stop:
                    break
                if unit.at >= self._start and (unit.kind == "video" or self._scale == 1.0):
                    await self._send(unit, sink)
            await self._until(stop)
        finally:
            recording.close()
        self._start, self._task = stop, None
        finished()

    async def _send(self, unit: AccessUnit, sink: Sink) -> None:
        due = self._began + (unit.at - self._start) / self._scale
        await self._until(unit.at)
        sink(AccessUnit(unit.kind, unit.nals, due, unit.epoch, unit.key, unit.settings))

    async def _until(self, position: float) -> None:
        wait = self._began + (position - self._start) / self._scale - time.monotonic()
        await asyncio.sleep(max(0.0, wait))


class CameraSource(LiveOnlySource):
    """The media of a camera with recordings."""

    def __init__(self, bank: EncoderBank, store: RecordStore) -> None:
        super().__init__(bank)
        self.store = store

    async def describe_file(self, channel: int, name: str) -> Description | None:
        """Describe a complete recording. Raises NoVideo when the file cannot be read."""
        if self.store.find(channel, name) is None:
            return None
        recording = Recording(self.store.path(name))
        sets = recording.parameter_sets()
        recording.close()
        return Description(recording.settings, sets, recording.duration)

    def open_file(self, channel: int, name: str) -> Feed:
        """A feed of a recording. Raises NoVideo when it has gone."""
        if self.store.find(channel, name) is None:
            raise NoVideo(f"no recording {name}")
        return RecordFeed(self.store.path(name))

"""Records a stream of the camera in segments, and seeds a history of past segments."""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from simulators.camera.encoder import LiveEncoder, ToneGenerator, VideoEncoder, codec_name, configure, is_filler
from simulators.camera.media_format import AUDIO_CLOCK, VIDEO_CLOCK, AccessUnit, StreamSettings
from simulators.camera.record_store import RecordStore, StorageFull, StorageMissing

SEGMENT_SECONDS = 900.0
SHORTEST_SEGMENT = 1.0  # names and times of files are whole seconds

_LOG = logging.getLogger(__name__)
_CLOCK_JUMP = 2.0
_MUXER = {
    "movflags": "frag_keyframe+empty_moov+default_base_moof",
    "brand": "isom",
    "flush_packets": "1",
    "max_interleave_delta": "1000000",
    "video_track_timescale": str(VIDEO_CLOCK),
}


class SegmentWriter:
    """One segment: a fragmented MP4 file, one fragment for each group of pictures.

    Written so, that whatever was flushed before a power cut can still be read.
    """

    def __init__(self, path: Path, first: AccessUnit) -> None:
        self.path = path
        self.settings = first.settings
        self.start, self.start_epoch = first.at, first.epoch
        self.end = first.at
        self._file = _CuttableFile(path)
        self._container: Any = av.open(self._file, "w", format="mov", options=_MUXER)
        self._video = self._container.add_stream(codec_name(self.settings), rate=self.settings.fps)
        configure(self._video.codec_context, self.settings)
        self._audio = None
        if self.settings.audio:
            self._audio = self._container.add_stream("pcm_alaw", rate=AUDIO_CLOCK, layout="mono")
        self._container.start_encoding()

    def add(self, unit: AccessUnit) -> None:
        """Append one unit; sound from before the first picture is left out."""
        if unit.at < self.start:
            return
        if unit.kind == "audio":
            if self._audio is not None:
                self._mux(unit.nals[0], self._audio, unit.at, AUDIO_CLOCK, len(unit.nals[0]), key=True)
            return
        nals = [nal for nal in unit.nals if not is_filler(self.settings.codec, nal)]
        data = b"".join(b"\0\0\0\1" + nal for nal in nals)
        self._mux(data, self._video, unit.at, VIDEO_CLOCK, VIDEO_CLOCK // self.settings.fps, key=unit.key)
        self.end = unit.at + 1 / self.settings.fps

    def close(self) -> float:
        """Finish the file and bring it to the disk. Returns its seconds of video."""
        self._container.close()
        self._file.close()
        return self.end - self.start

    def cut(self) -> None:
        """The power fails: nothing more reaches the file."""
        self._file.cut()
        self._container.close()

    def _mux(self, data: bytes, stream: Any, at: float, clock: int, duration: int, *, key: bool) -> None:
        packet = av.Packet(data)
        packet.stream = stream
        packet.time_base = Fraction(1, clock)
        packet.pts = packet.dts = round((at - self.start) * clock)
        packet.duration = duration
        packet.is_keyframe = key
        self._container.mux(packet)


class _CuttableFile:
    """A file for the muxer that can stop taking anything, as when the power fails."""

    def __init__(self, path: Path) -> None:
        self._stream = path.open("wb")
        self._dead = False

    def write(self, data: bytes) -> int:
        if not self._dead:
            self._stream.write(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return 0 if self._dead else self._stream.seek(offset, whence)

    def tell(self) -> int:
        return 0 if self._dead else self._stream.tell()

    def cut(self) -> None:
        self._dead = True
        self._stream.close()

    def close(self) -> None:
        if not self._dead:
            self._stream.flush()
            os.fsync(self._stream.fileno())
            self._stream.close()


class Recorder:
    """Records one live stream while switched on.

    segment_seconds: longest segment. blocked: switched on, but the disk is full or missing; it goes on
    by itself when there is room.
    """

    def __init__(self, store: RecordStore, encoder: LiveEncoder, *, segment_seconds: float = SEGMENT_SECONDS) -> None:
        self.segment_seconds = segment_seconds
        self.blocked = False
        self._store, self._encoder = store, encoder
        self._writer: SegmentWriter | None = None
        self._on = False

    @property
    def recording(self) -> bool:
        """Whether pictures are reaching the disk or are about to."""
        return self._on and not self.blocked

    def start(self) -> None:
        """Switch on."""
        if not self._on:
            self._on = True
            self._encoder.subscribe(self._take)

    def stop(self) -> None:
        """Switch off and finish the segment."""
        if self._on:
            self._on = self.blocked = False
            self._encoder.unsubscribe(self._take)
            self._finish()

    def cut(self) -> None:
        """The power fails: the segment stays as it is on the disk."""
        if self._on:
            self._on = self.blocked = False
            self._encoder.unsubscribe(self._take)
        if self._writer is not None:
            self._writer.cut()
            self._writer = None

    def _take(self, unit: AccessUnit) -> None:
        if unit.kind == "video" and unit.key and (self._writer is None or self._due(self._writer, unit)):
            self._finish()
            self._begin(unit)
        if self._writer is not None and unit.settings == self._writer.settings:
            self._writer.add(unit)

    def _due(self, writer: SegmentWriter, unit: AccessUnit) -> bool:
        """Whether a new segment begins with this IDR picture: before the limit, on other settings, on another time."""
        elapsed = unit.at - writer.start
        moved = abs(unit.epoch - writer.start_epoch - elapsed) > _CLOCK_JUMP
        full = elapsed + unit.settings.key_interval_s > self.segment_seconds
        return full or moved or unit.settings != writer.settings or self._store.free == 0

    def _begin(self, unit: AccessUnit) -> None:
        try:
            self._store.make_room(max(1, self._segment_bytes(unit.settings)))
            path = self._store.begin(self._encoder.channel, self._encoder.stream, unit.epoch)
            self._writer = SegmentWriter(path, unit)
            self.blocked = False
        except (StorageFull, StorageMissing, OSError) as error:
            if not self.blocked:
                _LOG.info("recording of channel %d is blocked: %r", self._encoder.channel, error)
            self.blocked = True

    def _segment_bytes(self, settings: StreamSettings) -> int:
        """Room for one segment at the set rate, but no more than an eighth of the disk."""
        rate = (settings.kbit_s + 64 * settings.audio) * 125
        return min(int(rate * self.segment_seconds), self._store.budget // 8)

    def _finish(self) -> None:
        if self._writer is None:
            return
        writer, self._writer = self._writer, None
        seconds = writer.close()
        if self._store.state == "missing" or seconds < SHORTEST_SEGMENT:
            self._store.abandon(writer.path.name)
        else:
            self._store.complete(writer.path.name, writer.start_epoch + seconds)


@dataclass(frozen=True, slots=True)
class History:
    """Past segments to invent: ``count`` of ``seconds`` each, joined, with one hole of ``gap`` seconds in the middle.

    newest_seconds: length of the newest segment, 0 for ``seconds``. newest_age: seconds between its end and now.
    """

    count: int = 12
    seconds: float = 4.0
    gap: float = 60.0
    newest_age: float = 120.0
    newest_seconds: float = 0.0

    def segments(self, now: float) -> list[tuple[float, float]]:
        """Begin (epoch seconds, whole) and length of the segments, oldest first."""
        last = self.newest_seconds or self.seconds
        newest = int(now - self.newest_age - last)
        step = max(1, round(self.seconds))
        hole = self.count // 2
        starts = [
            newest - step * (self.count - 1 - index) - (self.gap if index < hole else 0.0)
            for index in range(self.count)
        ]
        return [(start, self.seconds) for start in starts[:-1]] + [(starts[-1], last)]


async def seed_history(
    store: RecordStore, history: History, settings: StreamSettings, channel: int, stream: int, now: float
) -> None:
    """Fill the store with really coded past segments, unless the channel has some already."""
    if any(file.channel == channel for file in store.files):
        return
    for start, seconds in history.segments(now):
        path = store.begin(channel, stream, start)
        await asyncio.to_thread(_write_past, path, store.dev_id, settings, channel, stream, start, seconds)
        store.complete(path.name, start + seconds)


def _write_past(
    path: Path, dev_id: str, settings: StreamSettings, channel: int, stream: int, start: float, seconds: float
) -> None:
    encoder, tone = VideoEncoder(settings, dev_id, channel, stream), ToneGenerator()
    writer: SegmentWriter | None = None
    sound = 0
    for index in range(round(seconds * settings.fps)):
        at = index / settings.fps
        nals, key = encoder.encode(at, start + at)
        unit = AccessUnit("video", nals, at, start + at, key, settings)
        writer = writer or SegmentWriter(path, unit)
        writer.add(unit)
        while settings.audio and (moment := sound * tone.samples / AUDIO_CLOCK) <= at:
            writer.add(AccessUnit("audio", (tone.packet(sound),), moment, start + moment, False, settings))
            sound += 1
    if writer is not None:
        writer.close()

"""Live encoders of the simulated camera: one per (channel, stream), running only while somebody uses it.

Pictures are drawn and coded in a thread of their own on an absolute schedule; coded units arrive in
the event loop. The capture time of a unit lies on the grid of the frame rate, so RTP timestamps made
from it advance evenly however late the thread woke up.
"""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

import av
import numpy as np
from av.video.frame import PictureType

from conformance.media.labelled_video import Scene
from simulators.camera.media_format import AUDIO_CLOCK, VIDEO_CLOCK, AccessUnit, StreamSettings
from simulators.camera.sound import CodedTone

Sink = Callable[[AccessUnit], None]

_LOG = logging.getLogger(__name__)
_LATE_FRAMES = 3
_NATURAL_SHARE = 0.8
_BUFFER_SECONDS = 0.5
_SMALLEST_FILLER = 8
_TONE_HZ = 400
_CHEAP_X265 = "ctu=32:min-cu-size=16:aq-mode=0:psy-rd=0:signhide=0:pools=none:frame-threads=1:info=0:log-level=none"
# ITU-T H.264 table A-1 (macroblocks per second, macroblocks, kbit/s) and H.265 tables A.8 and A.9 (luma samples per
# second, luma samples, kbit/s in the main tier).
_H264_LEVELS = (
    ("1", 1485, 99, 64), ("1.1", 3000, 396, 192), ("1.2", 6000, 396, 384), ("1.3", 11880, 396, 768),
    ("2", 11880, 396, 2000), ("2.1", 19800, 792, 4000), ("2.2", 20250, 1620, 4000), ("3", 40500, 1620, 10000),
    ("3.1", 108000, 3600, 14000), ("3.2", 216000, 5120, 20000), ("4", 245760, 8192, 20000),
    ("4.2", 522240, 8704, 50000),
)  # fmt: skip
_H265_LEVELS = (
    ("1", 552960, 36864, 128), ("2", 3686400, 122880, 1500), ("2.1", 7372800, 245760, 3000),
    ("3", 16588800, 552960, 6000), ("3.1", 33177600, 983040, 10000), ("4", 66846720, 2228224, 12000),
    ("4.1", 133693440, 2228224, 20000),
)  # fmt: skip
_COARSEST = 45


class VideoEncoder:
    """Codes the pictures of one stream, one after the other, and fills up to the rate when it is constant."""

    def __init__(self, settings: StreamSettings, device: str, channel: int, stream: int) -> None:
        self.settings = settings
        self._context: Any = av.CodecContext.create(codec_name(settings), "w")
        configure(self._context, settings)
        self._context.open()
        self._frame = av.VideoFrame(settings.width, settings.height, "yuv420p")
        planes = [np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size) for plane in self._frame.planes]
        luma = planes[0][:, : settings.width]
        blue, red = (plane[:, : settings.width // 2] for plane in planes[1:])
        name = {1: "MAIN", 2: "SUB"}.get(stream, str(stream))
        self._scene = Scene((luma, blue, red), device, channel, stream, f"{device} CH{channel} {name}")
        self._count = 0
        self._since_key = 0
        self._credit = 0.0

    def encode(self, elapsed: float, epoch: float, *, key: bool = False) -> tuple[tuple[bytes, ...], bool]:
        """Draw and code one picture: its NAL units without start codes, and whether it is an IDR picture."""
        key = key or self._count == 0 or self._since_key >= self.settings.key_interval
        self._scene.draw(elapsed, epoch)
        self._frame.pts = self._count
        self._frame.pict_type = PictureType.I if key else PictureType.NONE
        nals = split_annex_b(b"".join(bytes(packet) for packet in self._context.encode(self._frame)))
        self._count += 1
        self._since_key = 1 if key else self._since_key + 1
        return (self._filled(nals) if self.settings.rate_type == "constant" else nals), key

    def _filled(self, nals: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Add a filler NAL unit when the stream has fallen behind its constant rate."""
        self._credit += self.settings.kbit_s * 125 / self.settings.fps
        self._credit -= sum(len(nal) + 4 for nal in nals)
        missing = int(self._credit) - 4
        if missing < _SMALLEST_FILLER:
            return nals
        filler = filler_nal(self.settings.codec, missing)
        self._credit -= len(filler) + 4
        return (*nals, filler)


def split_annex_b(data: bytes) -> tuple[bytes, ...]:
    """NAL units of a byte stream, without start codes and trailing zero bytes (ITU-T H.264 annex B)."""
    return tuple(part.rstrip(b"\0") for part in data.split(b"\0\0\1")[1:])


def filler_nal(codec: str, size: int) -> bytes:
    """A filler data NAL unit of ``size`` bytes (H.264 type 12, H.265 type 38)."""
    header = b"\x0c" if codec == "h264" else b"\x4c\x01"
    return header + b"\xff" * (size - len(header) - 1) + b"\x80"


def is_filler(codec: str, nal: bytes) -> bool:
    """Whether the NAL unit holds nothing but filler."""
    return nal[0] & 0x1F == 12 if codec == "h264" else nal[0] >> 1 & 0x3F == 38


@lru_cache(maxsize=64)
def parameter_sets(settings: StreamSettings) -> tuple[bytes, ...]:
    """The parameter sets a stream with these settings sends: SPS, PPS (H.264) or VPS, SPS, PPS (H.265).

    Codes one picture, so it takes some 20 to 100 ms the first time: call it in an executor.
    """
    nals, _ = VideoEncoder(settings, "", 0, 1).encode(0.0, 0.0)
    if settings.codec == "h264":
        return tuple(nal for nal in nals if nal[0] & 0x1F in (7, 8))
    return tuple(nal for nal in nals if nal[0] >> 1 & 0x3F in (32, 33, 34))


def codec_name(settings: StreamSettings) -> str:
    """The name of the encoder in FFmpeg."""
    return "libx264" if settings.codec == "h264" else "libx265"


def configure(context: Any, settings: StreamSettings) -> None:
    """Set up an encoder context that has not been opened yet; equal settings give equal parameter sets."""
    context.width, context.height, context.pix_fmt = settings.width, settings.height, "yuv420p"
    context.time_base, context.framerate = Fraction(1, settings.fps), Fraction(settings.fps, 1)
    context.thread_count, context.max_b_frames = 1, 0
    natural = int(settings.kbit_s * _NATURAL_SHARE)
    rate = f"vbv-maxrate={natural}:vbv-bufsize={int(natural * _BUFFER_SECONDS)}:scenecut=0"
    options = {"preset": "ultrafast", "tune": "zerolatency", "forced-idr": "1"}
    if settings.codec == "h264":
        own = f"{rate}:level={_level(settings, _H264_LEVELS)}:qpmax={_COARSEST}:cabac=1:keyint=infinite:log=-1"
        context.options = {**options, "crf": "34", "x264-params": own}
    else:
        own = f"{rate}:level-idc={_level(settings, _H265_LEVELS)}:keyint=-1:{_CHEAP_X265}"
        context.options = {**options, "crf": "34", "x265-params": own}


def _level(settings: StreamSettings, table: tuple[tuple[str, int, int, int], ...]) -> str:
    """The lowest level that allows the picture size, the sample rate and the whole set bit rate."""
    side = 16 if table is _H264_LEVELS else 1
    size = -(-settings.width // side) * -(-settings.height // side)
    for name, speed, largest, kbit_s in table:
        if size <= largest and size * settings.fps <= speed and settings.kbit_s <= kbit_s:
            return name
    return table[-1][0]


class ToneGenerator:
    """A steady tone as G.711 A-law at 8000 Hz, in packets of 20 or 40 ms."""

    rate = AUDIO_CLOCK

    def __init__(self, packet_ms: int = 40) -> None:
        self.samples = AUDIO_CLOCK * packet_ms // 1000
        period = AUDIO_CLOCK // _TONE_HZ
        wave = 8000 * np.sin(2 * np.pi * np.arange(period) / period)
        self._cycle = a_law(wave.astype(np.int16)) * (self.samples // period + 2)
        self._period = period

    def packet(self, index: int) -> bytes:
        """The samples of packet ``index``; consecutive packets join without a click."""
        start = index * self.samples % self._period
        return self._cycle[start : start + self.samples]


def a_law(samples: Any) -> bytes:
    """16-bit linear samples as A-law bytes (ITU-T G.711)."""
    linear = samples.astype(np.int32) >> 3
    magnitude = np.where(linear >= 0, linear, -linear - 1)
    segment = np.maximum(0, np.floor(np.log2(np.maximum(magnitude, 1))).astype(np.int32) - 4)
    shift = np.maximum(segment, 1)
    code = segment << 4 | (magnitude >> shift) & 0x0F
    sign = np.where(linear >= 0, 0xD5, 0x55)
    return bytes((code ^ sign).astype(np.uint8).tobytes())


class LiveEncoder:
    """One stream of one channel. Units reach every sink in the loop that subscribed first.

    clock: wall clock of the device in epoch seconds, shown in the picture.
    """

    def __init__(
        self,
        dev_id: str,
        channel: int,
        stream: int,
        settings: StreamSettings,
        *,
        clock: Callable[[], float] = time.time,
        audio_packet_ms: int = 40,
    ) -> None:
        self.dev_id, self.channel, self.stream = dev_id, channel, stream
        self.audio_packet_ms = audio_packet_ms
        self.video_present = True
        self._settings = settings
        self._clock = clock
        self._sinks: list[Sink] = []
        self._run: _Run | None = None
        self._ending: set[_Run] = set()

    @property
    def settings(self) -> StreamSettings:
        """What is in force now."""
        return self._settings

    @property
    def running(self) -> bool:
        """Whether pictures are being coded."""
        return self._run is not None

    def subscribe(self, sink: Sink) -> None:
        """Deliver every unit from now on to ``sink``; the first is a video unit that starts with an IDR picture."""
        self._sinks.append(sink)
        if self._run is None:
            self._run = _Run(self, self._clock, asyncio.get_running_loop())
            self._run.start()
        else:
            self._run.request_key()

    def unsubscribe(self, sink: Sink) -> None:
        """Stop delivering to ``sink``; without sinks the encoder stops."""
        if sink in self._sinks:
            self._sinks.remove(sink)
        if not self._sinks:
            self._stop()

    def request_keyframe(self) -> None:
        """Make the next picture an IDR picture."""
        if self._run is not None:
            self._run.request_key()

    def change(self, settings: StreamSettings) -> None:
        """Put other settings in force at once; the next picture is an IDR picture with them."""
        self._settings = settings
        if self._run is not None:
            self._run.wake.set()

    async def close(self) -> None:
        """Drop all sinks and wait until the thread has ended."""
        self._sinks.clear()
        self._stop()
        for run in tuple(self._ending):
            await asyncio.to_thread(run.join)
        self._ending.clear()

    def deliver(self, run: _Run, units: list[AccessUnit]) -> None:
        """Called in the loop with what the thread has coded."""
        if run is not self._run:
            return
        for unit in units:
            for sink in tuple(self._sinks):
                sink(unit)

    def _stop(self) -> None:
        if self._run is not None:
            self._run.stop()
            self._ending = {run for run in self._ending if run.is_alive()} | {self._run}
            self._run = None


class _Run(threading.Thread):
    """One uninterrupted run of a live encoder, from the first viewer to the last."""

    def __init__(self, owner: LiveEncoder, clock: Callable[[], float], loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(name=f"encoder-{owner.channel}-{owner.stream}", daemon=True)
        self.wake = threading.Event()
        self._owner, self._clock, self._loop = owner, clock, loop
        self._stopped = False
        self._key = False
        self._tone: ToneGenerator | CodedTone = ToneGenerator(owner.audio_packet_ms)
        self._last_at = 0.0

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopped = True
        self.wake.set()

    def request_key(self) -> None:
        """Make the next picture an IDR picture."""
        self._key = True

    def run(self) -> None:
        """Code with one set of settings after the other until stopped."""
        while not self._stopped:
            settings = self._owner.settings
            encoder = VideoEncoder(settings, self._owner.dev_id, self._owner.channel, self._owner.stream)
            self._code(encoder)

    def _code(self, encoder: VideoEncoder) -> None:
        settings = encoder.settings
        begin = max(time.monotonic(), self._last_at + 1 / settings.fps)
        begin = math.ceil(begin * VIDEO_CLOCK) / VIDEO_CLOCK
        if settings.audio_codec != "pcma":
            self._tone = CodedTone(settings.audio_codec, self._owner.audio_packet_ms)
        audio_step = self._tone.samples / self._tone.rate
        frame, sound = 0, math.ceil(begin / audio_step)
        while not self._stopped and self._owner.settings == settings:
            video_due = begin + frame / settings.fps
            audio_due = (sound + 1) * audio_step if settings.audio else math.inf
            wait = min(video_due, audio_due) - time.monotonic()
            if wait > 0:
                if self.wake.wait(wait):
                    self.wake.clear()
                continue
            if audio_due < video_due:
                self._send(self._audio_unit(settings, sound))
                sound += 1
                continue
            behind = int(-wait * settings.fps)
            if behind >= _LATE_FRAMES:
                _LOG.debug("encoder %s skips %d pictures", self.name, behind)
                frame += behind
                video_due = begin + frame / settings.fps
            self._send(self._video_unit(encoder, video_due, video_due - begin))
            frame += 1

    def _video_unit(self, encoder: VideoEncoder, at: float, elapsed: float) -> AccessUnit:
        wanted, self._key = self._key, False
        self._last_at = at
        epoch = self._epoch(at)
        nals, key = encoder.encode(elapsed, epoch, key=wanted)
        return AccessUnit("video", nals, at, epoch, key, encoder.settings)

    def _audio_unit(self, settings: StreamSettings, index: int) -> AccessUnit:
        at = index * self._tone.samples / self._tone.rate
        return AccessUnit("audio", (self._tone.packet(index),), at, self._epoch(at), False, settings)

    def _epoch(self, at: float) -> float:
        return self._clock() + at - time.monotonic()

    def _send(self, unit: AccessUnit) -> None:
        if self._stopped or not self._owner.video_present:
            return
        try:
            self._loop.call_soon_threadsafe(self._owner.deliver, self, [unit])
        except RuntimeError:
            self._stopped = True


class EncoderBank:
    """All streams of the camera: (channel, stream) to encoder. Channels count from 0; streams are 1 main, 2 sub."""

    def __init__(
        self,
        dev_id: str,
        streams: Mapping[tuple[int, int], StreamSettings],
        *,
        clock: Callable[[], float] = time.time,
        audio_packet_ms: int = 40,
    ) -> None:
        self.encoders = {
            (channel, stream): LiveEncoder(
                dev_id, channel, stream, settings, clock=clock, audio_packet_ms=audio_packet_ms
            )
            for (channel, stream), settings in streams.items()
        }

    def get(self, channel: int, stream: int) -> LiveEncoder | None:
        """The encoder of a stream, or None when the camera has no such stream."""
        return self.encoders.get((channel, stream))

    async def close(self) -> None:
        """Stop every encoder."""
        for encoder in self.encoders.values():
            await encoder.close()

"""The steady tone of the camera in the audio codecs other than G.711: coded once, sent in a loop."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import av
import numpy as np

from simulators.camera.media_format import AUDIO_CLOCK, AudioCodec, audio_clock

G726_BITS = 4
_TONE_HZ = 400
_LOUDNESS = 0.25
_AAC_FRAME = 1024
_AAC_CYCLE = 5  # 1024 samples at 16000 Hz are 25.6 periods of 400 Hz: five frames join without a click
_AAC_BIT_RATE = 32_000
_G726_BLOCK = 2_000


class CodedTone:
    """Packets of the tone in one codec. samples: per packet, at the clock of the codec."""

    def __init__(self, codec: AudioCodec, packet_ms: int) -> None:
        self.rate = audio_clock(codec)
        if codec == "aac":
            self.samples, self._packets = _AAC_FRAME, _aac_frames(self.rate)
        else:
            self.samples = self.rate * packet_ms // 1000
            size = self.samples * G726_BITS // 8
            data = _g726_data()
            self._packets = tuple(data[at : at + size] for at in range(0, len(data) - size + 1, size))

    def packet(self, index: int) -> bytes:
        """The coded sound of packet ``index``."""
        return self._packets[index % len(self._packets)]


def _encoder(name: str, rate: int, sample_format: str) -> Any:
    context: Any = av.CodecContext.create(name, "w")
    context.sample_rate, context.layout, context.format = rate, "mono", sample_format
    context.bit_rate = _AAC_BIT_RATE if name == "aac" else rate * G726_BITS
    context.open()
    return context


def _wave(start: int, count: int, rate: int) -> Any:
    return _LOUDNESS * np.sin(2 * np.pi * _TONE_HZ * np.arange(start, start + count) / rate)


@lru_cache(maxsize=1)
def _aac_frames(rate: int) -> tuple[bytes, ...]:
    """One cycle of AAC-LC access units (ISO/IEC 14496-3), taken when the encoder has settled."""
    context = _encoder("aac", rate, "fltp")
    frames: list[bytes] = []
    for number in range(4 * _AAC_CYCLE):
        samples = _wave(number * _AAC_FRAME, _AAC_FRAME, rate).astype(np.float32)[None]
        frame = av.AudioFrame.from_ndarray(samples, "fltp", "mono")
        frame.sample_rate, frame.pts = rate, number * _AAC_FRAME
        frames += [bytes(packet) for packet in context.encode(frame)]
    return tuple(frames[2 * _AAC_CYCLE : 3 * _AAC_CYCLE])


@lru_cache(maxsize=1)
def _g726_data() -> bytes:
    """One second of G.726 at 32 kbit/s, samples packed from the low bit on (RFC 3551 4.5.4)."""
    context = _encoder("g726le", AUDIO_CLOCK, "s16")
    data = b""
    for start in range(0, AUDIO_CLOCK, _G726_BLOCK):
        samples = (_wave(start, _G726_BLOCK, AUDIO_CLOCK) * 32767).astype(np.int16)[None]
        frame = av.AudioFrame.from_ndarray(samples, "s16", "mono")
        frame.sample_rate, frame.pts = AUDIO_CLOCK, start
        data += b"".join(bytes(packet) for packet in context.encode(frame))
    return data

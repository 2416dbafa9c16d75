"""Short clips from real encoders, for tests of the codecs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import av
import numpy as np

from conformance.protocols.access_unit import split_annex_b


@dataclass(frozen=True, slots=True)
class Clip:
    """Access units as tuples of NAL units, and what the encoder was asked for."""

    units: tuple[tuple[bytes, ...], ...]
    width: int
    height: int
    fps: Fraction

    @property
    def nals(self) -> tuple[bytes, ...]:
        """All NAL units."""
        return tuple(nal for unit in self.units for nal in unit)


@cache
def encode(
    encoder: str, width: int, height: int, fps: Fraction, options: tuple[tuple[str, str], ...] = (), frames: int = 3
) -> Clip:
    """Noise pictures through ``libx264`` or ``libx265``; noise makes NAL units that need fragments."""
    context = av.CodecContext.create(encoder, "w")
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.framerate, context.time_base = fps, 1 / fps
    context.options = {"preset": "ultrafast", **dict(options)}
    noise = np.random.default_rng(1).integers(0, 256, (frames, height * 3 // 2, width), np.uint8)
    units = []
    for index in range(frames + 1):
        frame = None
        if index < frames:
            frame = av.VideoFrame.from_ndarray(noise[index], "yuv420p")
            frame.pts = index
        units.extend(split_annex_b(bytes(packet)) for packet in context.encode(frame))
    return Clip(tuple(units), width, height, fps)


def decoded_size(decoder: str, stream: bytes) -> tuple[int, int, Fraction | None]:
    """Width, height and frame rate as FFmpeg understands them."""
    context = av.CodecContext.create(decoder, "r")
    context.decode(av.Packet(stream))
    context.decode(None)
    return context.width, context.height, context.framerate

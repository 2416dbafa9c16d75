"""Short recordings of a real H.264 encoder, as cameras upload them: MP4 files and MPEG-TS segments for HLS."""

from __future__ import annotations

import fractions
import io
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 160, 128
RATE = 10
GROUP = RATE
THREADS = {"preset": "ultrafast", "tune": "zerolatency", "threads": "1", "sc_threshold": "0"}


def recording(seconds: float, container: str = "mp4", first_frame: int = 0) -> bytes:
    """A clip with a closed group of pictures every second; ``container``: ``mp4`` (moov at the end) or ``mpegts``."""
    target = io.BytesIO()
    with av.open(target, "w", format=container, options={"fflags": "+bitexact"}) as output:
        stream = output.add_stream("libx264", rate=RATE, options=THREADS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.gop_size, stream.max_b_frames = GROUP, 0
        for number in range(first_frame, first_frame + round(seconds * RATE)):
            frame = av.VideoFrame.from_ndarray(_picture(number), format="gray").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, fractions.Fraction(1, RATE)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return target.getvalue()


def segments(count: int) -> list[bytes]:
    """So many MPEG-TS segments of one second that follow each other."""
    return [recording(GROUP / RATE, "mpegts", number * GROUP) for number in range(count)]


def _picture(number: int) -> NDArray[np.uint8]:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.asarray((rows * 2 + columns + number * 8) % 256, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class Sample:
    """Where a picture lies in a file. ``at``: seconds."""

    start: int
    size: int
    at: float
    key: bool


def samples(file: bytes) -> list[Sample]:
    """The pictures that the index of an MP4 lists; their bytes need not be there. Empty for what cannot be read."""
    try:
        with av.open(io.BytesIO(file)) as source:
            stream = source.streams.video[0]
            base = float(stream.time_base or 0)
            return [Sample(e.pos, e.size, e.timestamp * base, e.is_keyframe) for e in stream.index_entries]
    except (av.FFmpegError, IndexError):
        return []


def pictures(file: bytes, start: float = 0.0, count: int = 0) -> int:
    """How many pictures decode from a moment on, at most ``count``; with 0 all of them."""
    found = 0
    try:
        with av.open(io.BytesIO(file)) as source:
            stream = source.streams.video[0]
            if start and stream.time_base is not None:
                source.seek(int(start / stream.time_base), stream=stream)
            for frame in source.decode(stream):
                found += not frame.is_corrupt
                if found == count:
                    break
    except (av.FFmpegError, IndexError):
        pass
    return found

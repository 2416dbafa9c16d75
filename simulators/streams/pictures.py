"""A few seconds of pictures, coded once when the simulator starts; the live stream goes round in them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.platform.live_ingest import TICKS, Piece

WIDTH, HEIGHT, RATE = 160, 120, 10
GROUP = RATE
ROUND = 2 * RATE
STEP = TICKS // RATE


@dataclass(frozen=True, slots=True)
class Loop:
    """Coded pictures. ``streams``: of the open container that they come from, a template for outputs."""

    container: Any
    pictures: tuple[tuple[bytes, bool], ...]

    @property
    def streams(self) -> list[Any]:
        """The picture stream."""
        return [self.container.streams.video[0]]

    def piece(self, number: int) -> Piece:
        """The picture of that number of an endless stream."""
        data, key = self.pictures[number % len(self.pictures)]
        return Piece("video", data, number * STEP, number * STEP, key)


def coded_loop(shade: int = 0) -> Loop:
    """Two seconds in two groups of pictures. ``shade`` (0 to 255) tells streams apart."""
    import av

    buffer = io.BytesIO()
    output = av.open(buffer, "w", format="mpegts")
    stream = output.add_stream("libx264", rate=RATE)
    stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    stream.codec_context.gop_size = GROUP
    stream.options = {"preset": "ultrafast", "tune": "zerolatency", "profile": "baseline", "sc_threshold": "0"}
    for number in range(ROUND):
        frame = av.VideoFrame.from_ndarray(_picture(number, shade), format="gray").reformat(format="yuv420p")
        frame.pts = number
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
    output.close()
    container = av.open(io.BytesIO(buffer.getvalue()))
    packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    return Loop(container, tuple((bytes(packet), bool(packet.is_keyframe)) for packet in packets))


def _picture(number: int, shade: int) -> Any:
    across = np.arange(WIDTH, dtype=np.uint16) + 4 * number
    down = np.arange(HEIGHT, dtype=np.uint16)[:, None]
    return ((across + down + shade) % 256).astype(np.uint8)

"""Complete and broken JPEG pictures."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import av
import pytest

from conformance.media.jpeg import jpeg_size


def picture(width: int, height: int) -> bytes:
    """A grey JPEG of that size."""
    frame: Any = av.VideoFrame(width, height, "yuvj420p")
    for plane in frame.planes:
        plane.update(b"\x80" * plane.buffer_size)
    coder: Any = av.CodecContext.create("mjpeg", "w")
    coder.width, coder.height, coder.pix_fmt, coder.time_base = width, height, "yuvj420p", Fraction(1, 25)
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*coder.encode(frame), *coder.encode(None)])


def test_size_of_a_whole_picture() -> None:
    assert jpeg_size(picture(352, 288)) == (352, 288)
    assert jpeg_size(picture(64, 48) + b"\0\0") == (64, 48)


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xd9", b"GIF89a", picture(64, 48)[:-2], picture(64, 48)[2:]])
def test_what_is_no_whole_picture(data: bytes) -> None:
    assert jpeg_size(data) is None

"""Whether a file is a complete JPEG picture (ITU-T T.81) that decodes. Decoding by FFmpeg (PyAV)."""

from __future__ import annotations

START_OF_IMAGE = b"\xff\xd8"
END_OF_IMAGE = b"\xff\xd9"
PADDING = b"\0"


def jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height of a picture that is there from SOI to EOI (T.81 B.2.1) and decodes; None for anything else.

    Zero bytes behind EOI are let pass.
    """
    import av

    if not data.startswith(START_OF_IMAGE) or not data.rstrip(PADDING).endswith(END_OF_IMAGE):
        return None
    context = av.CodecContext.create("mjpeg", "r")
    context.thread_count = 1
    context.options = {"err_detect": "explode"}
    try:
        frames = [*context.decode(av.Packet(data)), *context.decode(None)]
    except (av.FFmpegError, EOFError, ValueError):
        return None
    return (frames[0].width, frames[0].height) if frames else None

"""What a recording file really holds, by FFmpeg (PyAV)."""

from __future__ import annotations

import io


def seconds_of_video(data: bytes) -> float:
    """Seconds from the first to the end of the last picture that decodes in a file of any container; 0 where nothing
    does."""
    import av

    first, last, step = None, 0.0, 0.0
    try:
        with av.open(io.BytesIO(data)) as container:
            for frame in container.decode(video=0):
                at = float(frame.time or 0.0)
                step = at - last if first is not None else 0.0
                first, last = at if first is None else first, at
    except (av.FFmpegError, EOFError, IndexError):
        pass
    return last - first + step if first is not None else 0.0

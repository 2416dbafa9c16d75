"""Decoding by FFmpeg (PyAV): pixels for labels, proof that pictures decode. Never used for timing or reachability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from conformance.media.burned_in_label import BurnedInLabel, UnreadableLabel, read_label

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

CODECS = {"h264": "h264", "h265": "hevc"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One decoded picture: index of its access unit, luma plane of shape (height, width), label if it has one."""

    index: int
    luma: npt.NDArray[np.uint8]
    label: BurnedInLabel | None


@dataclass(frozen=True, slots=True)
class Decoded:
    """Pictures in the order of output, and what the decoder complained about."""

    pictures: tuple[Picture, ...]
    errors: tuple[str, ...]


def decode_units(codec: str, units: Sequence[bytes], *, parameter_sets: bytes = b"", strict: bool = False) -> Decoded:
    """Decode access units (Annex B). Pictures that cannot be decoded become errors, nothing is raised.

    ``strict``: a picture of which any part is damaged is an error too; otherwise the decoder conceals it.
    """
    import av

    context = av.CodecContext.create(CODECS[codec], "r")
    context.thread_count = 1
    context.options = {"err_detect": "explode"} if strict else {}
    pictures: list[Picture] = []
    errors: list[str] = []
    for index, unit in enumerate([*units, b""]):
        data = (parameter_sets + unit if index == 0 else unit) if index < len(units) else None
        try:
            frames = context.decode(av.Packet(data) if data is not None else None)
        except (av.FFmpegError, EOFError) as error:
            errors.append(f"access unit {index}: {error}")
            continue
        pictures.extend(_picture(index, frame) for frame in frames)
    return Decoded(tuple(pictures), tuple(errors))


def _picture(index: int, frame: object) -> Picture:
    import numpy as np

    plane = frame.planes[0]  # type: ignore[attr-defined]
    rows = np.frombuffer(plane, dtype=np.uint8).reshape(-1, plane.line_size)
    luma = rows[: plane.height, : plane.width].copy()
    try:
        label = read_label(luma)
    except UnreadableLabel:
        label = None
    return Picture(index, luma, label)

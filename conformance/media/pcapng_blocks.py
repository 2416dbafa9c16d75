"""The interface description block of pcapng: link type, and what its timestamps mean."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

MOST_OPTIONS = 256
NANO = 1_000_000_000
_RESOLUTION, _OFFSET = 9, 14
_LARGEST_OFFSET = 1 << 33


@dataclass(frozen=True, slots=True)
class Interface:
    """link: LINKTYPE number. snap_length: 0 for no limit. resolution: the byte of if_tsresol. offset: seconds."""

    link: int
    snap_length: int = 0
    resolution: int = 6
    offset: int = 0

    def nanoseconds(self, ticks: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        """Times of packets in nanoseconds since 1970; digits finer than that are cut off."""
        exponent = self.resolution & 0x7F
        if self.resolution & 0x80:
            shift = min(exponent, 63)
            whole = (ticks >> np.uint64(shift)).astype(np.int64)
            part = (ticks & np.uint64((1 << shift) - 1)).astype(np.float64)
            times = whole * NANO + (part * NANO / float(1 << shift)).astype(np.int64)
        elif exponent <= 9:
            times = ticks.astype(np.int64) * 10 ** (9 - exponent)
        else:
            times = (ticks // np.uint64(10 ** min(exponent - 9, 19))).astype(np.int64)
        return times + self.offset * NANO


def read_interface(body: bytes, order: str) -> Interface:
    """Read the body of an interface description block; what its options lack has the standard value."""
    if len(body) < 8:
        return Interface(link=-1)
    link, _, snap_length = struct.unpack_from(order + "HHI", body)
    resolution, offset, position = 6, 0, 8
    for _ in range(MOST_OPTIONS):
        if position + 4 > len(body):
            break
        code, size = struct.unpack_from(order + "HH", body, position)
        value = body[position + 4 : position + 4 + size]
        if code == 0:
            break
        if code == _RESOLUTION and len(value) == 1:
            resolution = value[0]
        elif code == _OFFSET and len(value) == 8:
            (seconds,) = struct.unpack(order + "q", value)
            offset = seconds if abs(seconds) < _LARGEST_OFFSET else 0
        position += 4 + size + -size % 4
    return Interface(link, snap_length, resolution, offset)

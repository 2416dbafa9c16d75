"""A window that slides over a capture file: one reusable buffer, the unread tail carried to its front."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

PREFIX = 104
BLOCK = 2 << 20


class CaptureWindow:
    """``buffer`` holds ``filled`` bytes of the file from ``offset`` on, ``row`` spare bytes follow.

    row: bytes that are taken of each packet: the header of its record and the first 104 of its own.
    """

    def __init__(self, file: BinaryIO, header: int, block: int = BLOCK) -> None:
        self.row = header + PREFIX
        self.buffer = bytearray(block + self.row)
        self.filled = 0
        self.offset = 0
        self.ended = False
        self.size = os.fstat(file.fileno()).st_size
        self._file = file
        self._block = block
        self._view = memoryview(self.buffer)
        self._rows = np.ndarray((block + 1,), f"V{self.row}", self.buffer, strides=(1,))

    def advance(self, position: int) -> bool:
        """Let the byte at ``position`` (which may lie behind what is there) become the first one; False at the end."""
        tail = self.filled - position
        if tail >= 0:
            self._view[:tail] = bytes(self._view[position : self.filled])
        else:
            self._file.seek(-tail, os.SEEK_CUR)
            tail = 0
        self.offset += position
        self.filled = tail
        while self.filled < self._block:
            count = self._file.readinto(self._view[self.filled : self._block])  # type: ignore[attr-defined]
            if not count:
                self.ended = True
                self._view[self.filled : self.filled + self.row] = bytes(self.row)
                break
            self.filled += count
        return self.filled > 0

    @property
    def limit(self) -> int:
        """Positions below it have a whole row in the buffer; at the end of the file rows are filled up with zeros."""
        return self.filled if self.ended else max(0, self.filled - self.row)

    def rows(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """A copy of the ``row`` bytes at each position, shape (n, row); as opaque items they are copied fastest."""
        return self._rows[positions].view(np.uint8).reshape(-1, self.row)

"""Files of bytes: drafts on their way to disk, and readers that nothing is deleted under.

What an object consists of is written ``name`` or ``name:size,name:size,...``: the parts of an upload stay files of
their own, so that completing it moves no bytes.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from simulators.cloud_storage.checksums import Sum

BLOCK = 256 << 10


class Draft:
    """Bytes on their way to disk, hashed as they come. ``sums``: further digests that want them; ``checksum``: name and
    value of the one that is kept, empty for none."""

    def __init__(self, folder: Path) -> None:
        self.name = uuid.uuid4().hex
        self.size = 0
        self.md5, self.sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        self.sums: list[Sum] = []
        self.checksum = ("", "")
        self._folder = folder
        self._path, self._draft = folder / self.name, folder / f"{self.name}.draft"
        self._file = self._draft.open("wb")

    def write(self, data: bytes) -> None:
        """Append."""
        self.size += len(data)
        self.md5.update(data)
        self.sha256.update(data)
        for one in self.sums:
            one.update(data)
        self._file.write(data)

    def finish(self) -> None:
        """Bring the bytes to disk under their name."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._draft.replace(self._path)
        sync_folder(self._folder)

    def drop(self) -> None:
        """Leave nothing."""
        self._file.close()
        self._draft.unlink(missing_ok=True)
        self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Bring new names in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def names(blob: str) -> list[str]:
    """The files of a blob."""
    return [piece.partition(":")[0] for piece in blob.split(",")] if blob else []


def joined(pieces: Iterable[tuple[str, int]]) -> str:
    """One blob of others with their sizes."""
    return ",".join(f"{blob}:{size}" for blob, size in pieces)


class Reader:
    """Bytes ``start`` to ``start + count`` of a blob in blocks. Its files stay until it is closed."""

    def __init__(self, blobs: Blobs, blob: str, start: int, count: int) -> None:
        self._blobs, self._names = blobs, names(blob)
        self._blocks = blobs.reading(blob, start, count)
        blobs.pinned.update(self._names)

    def __iter__(self) -> Iterator[bytes]:
        return self._blocks

    def close(self) -> None:
        """Let go of the files."""
        self._blobs.release(self._names)
        self._names = []


class Blobs:
    """The folder of the files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pinned: Counter[str] = Counter()
        self._doomed: set[str] = set()
        folder.mkdir(parents=True, exist_ok=True)

    def reading(self, blob: str, start: int, count: int) -> Iterator[bytes]:
        """The same for files that nobody else removes."""
        for piece in blob.split(","):
            name, _, size = piece.partition(":")
            if size and start >= int(size):
                start -= int(size)
                continue
            if count <= 0:
                return
            with (self.folder / name).open("rb", buffering=0) as stream:
                stream.seek(start)
                start = 0
                while count > 0 and (data := stream.read(min(BLOCK, count))):
                    count -= len(data)
                    yield data

    def unlink(self, blob: str) -> None:
        """Remove the files of a blob; those that are being read go afterwards."""
        for name in names(blob):
            if self.pinned[name] > 0:
                self._doomed.add(name)
            else:
                (self.folder / name).unlink(missing_ok=True)

    def release(self, released: list[str]) -> None:
        """A reader has ended."""
        for name in released:
            self.pinned[name] -= 1
            if self.pinned[name] <= 0:
                del self.pinned[name]
                if name in self._doomed:
                    self._doomed.discard(name)
                    (self.folder / name).unlink(missing_ok=True)

    def linked(self, blob: str) -> str:
        """A second blob of the same bytes, which lives on when the first one goes."""
        pieces = []
        for piece in blob.split(","):
            name, colon, size = piece.partition(":")
            twin = uuid.uuid4().hex
            os.link(self.folder / name, self.folder / twin)
            pieces.append(f"{twin}{colon}{size}")
        sync_folder(self.folder)
        return ",".join(pieces)

    def sweep(self, kept: set[str]) -> None:
        """Remove the files that nobody names."""
        for path in self.folder.iterdir():
            if path.name not in kept:
                path.unlink()

"""The recordings on the camera's disk: index, search, loop overwrite, recovery after a power cut.

The index is a file of JSON lines: one when a segment begins, one when it is complete, one when it
is deleted. A segment without its second line was cut off; it is shortened to its last whole fragment
before it is listed, or deleted when nothing whole is left.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import av

from conformance.media.labelled_video import DEVICE_ZONE

StorageState = Literal["free", "full", "missing"]

PAGE = 10

_INDEX = "index.jsonl"
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RecordFile:
    """One complete segment. start, end: epoch seconds by the device clock. size: bytes."""

    name: str
    channel: int
    stream: int
    start: float
    end: float
    size: int

    @property
    def start_text(self) -> str:
        """Start as YYYYMMDDhhmmss in UTC+8."""
        return time_text(self.start)

    @property
    def end_text(self) -> str:
        """End as YYYYMMDDhhmmss in UTC+8."""
        return time_text(self.end)


class StorageFull(Exception):
    """No room for another segment, and nothing may be overwritten."""


class StorageMissing(Exception):
    """There is no disk."""


def time_text(epoch: float) -> str:
    """YYYYMMDDhhmmss in the time zone of the service, UTC+8."""
    return dt.datetime.fromtimestamp(int(epoch), DEVICE_ZONE).strftime("%Y%m%d%H%M%S")


def text_time(text: str) -> float:
    """Epoch seconds of YYYYMMDDhhmm or YYYYMMDDhhmmss in UTC+8. Raises ValueError."""
    if len(text) not in (12, 14) or not text.isdecimal() or not text.isascii():
        raise ValueError(f"not a time: {text!r}")
    return dt.datetime.strptime(text.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=DEVICE_ZONE).timestamp()


class RecordStore:
    """All segments of one device in one folder.

    budget: bytes of the disk. loop: overwrite the oldest when the disk is full.
    state: see ``set_state``.
    """

    def __init__(self, folder: Path, dev_id: str, *, budget: int = 256 << 20, loop: bool = True) -> None:
        self.folder, self.dev_id, self.budget, self.loop = folder, dev_id, budget, loop
        self.state: StorageState = "free"
        self._foreign = 0
        self._files: dict[str, RecordFile] = {}
        self._begun: dict[str, dict[str, Any]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        self._load()

    def set_state(self, state: StorageState) -> None:
        """``free``: only segments lie on the disk. ``full``: other data take all the rest. ``missing``: no disk."""
        self.state = state
        self._foreign = max(0, self.budget - self.used) if state == "full" else 0

    @property
    def files(self) -> tuple[RecordFile, ...]:
        """Every complete segment, oldest first."""
        if self.state == "missing":
            return ()
        return tuple(sorted(self._files.values(), key=lambda file: (file.start, file.channel)))

    @property
    def used(self) -> int:
        """Bytes of complete segments and of those being written."""
        return sum(file.size for file in self._files.values()) + sum(map(self._size, self._begun))

    @property
    def total(self) -> int:
        """Bytes of the disk, 0 when it is missing."""
        return 0 if self.state == "missing" else self.budget

    @property
    def free(self) -> int:
        """Bytes that are left."""
        return 0 if self.state == "missing" else max(0, self.budget - self._foreign - self.used)

    def path(self, name: str) -> Path:
        """Where the segment lies."""
        return self.folder / name

    def find(self, channel: int, name: str) -> RecordFile | None:
        """The complete segment of this exact name on this channel."""
        file = self._files.get(name)
        return file if file is not None and file.channel == channel and self.state != "missing" else None

    def search(self, channel: int, start: float, end: float, page: int = 1) -> tuple[tuple[RecordFile, ...], int]:
        """Segments of a channel that overlap [start, end] in epoch seconds, newest first.

        Returns one page of 10 (pages count from 1) and how many there are in all.
        """
        found = [file for file in self.files if file.channel == channel and file.start <= end and file.end >= start]
        found.reverse()
        return tuple(found[(page - 1) * PAGE : page * PAGE]), len(found)

    def make_room(self, size: int) -> None:
        """Free ``size`` bytes by deleting the oldest segments. Raises StorageFull or StorageMissing."""
        if self.state == "missing":
            raise StorageMissing
        while self.free < size:
            if not (self.loop and self._files):
                raise StorageFull
            self.delete(self.files[0].name)

    def begin(self, channel: int, stream: int, start: float) -> Path:
        """Name and register a new segment. Raises StorageMissing."""
        if self.state == "missing":
            raise StorageMissing
        moment = int(start)
        while (name := f"{self.dev_id}_{channel}_{time_text(moment)}.mp4") in self._files or name in self._begun:
            moment += 1
        entry = {"do": "begin", "name": name, "channel": channel, "stream": stream, "start": round(start, 3)}
        self._begun[name] = entry
        self._write(entry)
        return self.path(name)

    def complete(self, name: str, end: float) -> RecordFile:
        """The segment is whole and on the disk: list it."""
        entry = self._begun.pop(name)
        file = RecordFile(name, entry["channel"], entry["stream"], entry["start"], end, self._size(name))
        self._files[name] = file
        self._write({"do": "complete", "name": name, "end": round(end, 3), "size": file.size})
        return file

    def abandon(self, name: str) -> None:
        """Forget a segment that was begun and hold nothing of it."""
        self._begun.pop(name, None)
        self.path(name).unlink(missing_ok=True)
        self._write({"do": "delete", "name": name})

    def delete(self, name: str) -> None:
        """Delete a complete segment."""
        del self._files[name]
        self.path(name).unlink(missing_ok=True)
        self._write({"do": "delete", "name": name})

    def format(self) -> None:
        """Delete every complete segment."""
        for name in tuple(self._files):
            self.delete(name)

    def _size(self, name: str) -> int:
        try:
            return self.path(name).stat().st_size
        except OSError:
            return 0

    def _write(self, entry: dict[str, Any]) -> None:
        with (self.folder / _INDEX).open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")
            stream.flush()
            os.fsync(stream.fileno())

    def _load(self) -> None:
        """Read the index, mend what a power cut has left, and write the index anew."""
        path = self.folder / _INDEX
        lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
        for line in lines:
            try:
                self._apply(json.loads(line))
            except (ValueError, KeyError, TypeError, AttributeError):
                _LOG.warning("an index line cannot be read: %.80s", line)
        for name, file in tuple(self._files.items()):
            if self._size(name) != file.size:
                self._begun[name] = _entry(self._files.pop(name))
        for name, entry in tuple(self._begun.items()):
            self._mend(name, entry)
        self._begun.clear()
        fresh = path.with_suffix(".new")
        with fresh.open("w", encoding="utf-8") as stream:
            for file in self.files:
                stream.write(json.dumps(_entry(file)) + "\n")
                stream.write(
                    json.dumps({"do": "complete", "name": file.name, "end": file.end, "size": file.size}) + "\n"
                )
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(path)

    def _apply(self, entry: dict[str, Any]) -> None:
        name = str(entry["name"])
        if entry["do"] == "begin":
            self._begun[name] = entry
        elif entry["do"] == "complete":
            begun = self._begun.pop(name)
            self._files[name] = RecordFile(
                name, begun["channel"], begun["stream"], begun["start"], entry["end"], entry["size"]
            )
        else:
            self._begun.pop(name, None)
            self._files.pop(name, None)

    def _mend(self, name: str, entry: dict[str, Any]) -> None:
        path = self.path(name)
        duration = mend_segment(path)
        if duration <= 0:
            _LOG.info("%s was cut off before anything was whole", name)
            path.unlink(missing_ok=True)
            return
        start = float(entry["start"])
        self._files[name] = RecordFile(
            name, entry["channel"], entry["stream"], start, round(start + duration, 3), self._size(name)
        )


def _entry(file: RecordFile) -> dict[str, Any]:
    return {"do": "begin", "name": file.name, "channel": file.channel, "stream": file.stream, "start": file.start}


def mend_segment(path: Path) -> float:
    """Cut a fragmented MP4 file after its last whole fragment. Returns the seconds of video left, 0 for none."""
    if not path.exists():
        return 0.0
    whole, fragments = _whole_fragments(path)
    if fragments == 0:
        return 0.0
    os.truncate(path, whole)
    last = 0.0
    try:
        with av.open(str(path)) as container:
            for packet in container.demux(video=0):
                if packet.pts is not None and packet.time_base is not None:
                    last = max(last, float((packet.pts + (packet.duration or 0)) * packet.time_base))
    except (av.FFmpegError, IndexError):
        return 0.0
    return last


def _whole_fragments(path: Path) -> tuple[int, int]:
    """Offset behind the last whole fragment (a moof box and its mdat box), and how many there are."""
    size = path.stat().st_size
    offset = whole = fragments = 0
    with path.open("rb") as stream:
        while offset + 8 <= size:
            stream.seek(offset)
            length, kind = struct.unpack(">I4s", stream.read(8))
            if length < 8 or offset + length > size:
                break
            offset += length
            if kind == b"mdat":
                whole, fragments = offset, fragments + 1
    return whole, fragments

"""Pieces of a stream as FLV tags for any number of viewers; a new one begins with the last key picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from simulators.platform.live_ingest import Piece, add_streams, packet_of

FILE_HEADER = 13
TAG_HEADER = 11
SCRIPT, VIDEO = 18, 9
MOST_WAITING = 512
MOST_CACHED = 2048


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag with its trailing size."""

    data: bytes

    @property
    def kind(self) -> int:
        """8 sound, 9 picture, 18 script."""
        return self.data[0] & 0x1F

    @property
    def is_setup(self) -> bool:
        """Whether a viewer needs it before anything else: script data or a codec configuration."""
        if self.kind != VIDEO:
            return self.kind == SCRIPT
        first = self.data[TAG_HEADER]
        return first & 0x0F == 0 if first & 0x80 else self.data[TAG_HEADER + 1] == 0

    @property
    def is_key(self) -> bool:
        """Whether it is a key picture."""
        return self.kind == VIDEO and (self.data[TAG_HEADER] >> 4) & 7 == 1 and not self.is_setup


class TagReader:
    """Takes the bytes of a muxer apart."""

    def __init__(self) -> None:
        self.header = b""
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Tag]:
        """The tags that ``data`` completes."""
        self._buffer += data
        if not self.header:
            if len(self._buffer) < FILE_HEADER:
                return []
            self.header = bytes(self._buffer[:FILE_HEADER])
            del self._buffer[:FILE_HEADER]
        tags = []
        while len(self._buffer) >= TAG_HEADER:
            size = TAG_HEADER + int.from_bytes(self._buffer[1:4], "big") + 4
            if len(self._buffer) < size:
                break
            tags.append(Tag(bytes(self._buffer[:size])))
            del self._buffer[:size]
        return tags


class FlvHub:
    """The viewers of one stream; lives on the loop. A viewer who does not keep up is ended."""

    def __init__(self) -> None:
        self.header = b""
        self.setup: list[Tag] = []
        self.recent: list[Tag] = []
        self.viewers: set[asyncio.Queue[bytes | None]] = set()
        self.ready = asyncio.Event()

    def publish(self, header: bytes, tags: Sequence[Tag]) -> None:
        """New tags."""
        self.header = header
        for tag in tags:
            if tag.is_setup:
                self.setup.append(tag)
            elif tag.is_key:
                self.recent = [tag]
                self.ready.set()
            elif self.recent and len(self.recent) < MOST_CACHED:
                self.recent.append(tag)
            for viewer in list(self.viewers):
                self._hand(viewer, tag.data)

    def _hand(self, viewer: asyncio.Queue[bytes | None], data: bytes) -> None:
        try:
            viewer.put_nowait(data)
        except asyncio.QueueFull:
            self.viewers.discard(viewer)
            while not viewer.empty():
                viewer.get_nowait()
            viewer.put_nowait(None)

    def end(self) -> None:
        """The stream is over."""
        for viewer in self.viewers:
            while viewer.full():
                viewer.get_nowait()
            viewer.put_nowait(None)
        self.viewers.clear()
        self.ready.set()

    def join(self) -> asyncio.Queue[bytes | None]:
        """A new viewer: everything from the last key picture on, then what comes; None is the end."""
        viewer: asyncio.Queue[bytes | None] = asyncio.Queue(MOST_WAITING)
        viewer.put_nowait(self.header + b"".join(tag.data for tag in (*self.setup, *self.recent)))
        self.viewers.add(viewer)
        return viewer


class FlvMuxer:
    """A sink that makes tags."""

    def __init__(self, publish: Callable[[bytes, list[Tag]], None], end: Callable[[], None]) -> None:
        self._publish = publish
        self._end = end
        self._reader = TagReader()
        self._output: Any = None
        self._outputs: dict[str, Any] = {}

    def write(self, data: bytes) -> int:
        """The muxer's file."""
        if tags := self._reader.feed(bytes(data)):
            self._publish(self._reader.header, tags)
        return len(data)

    def begin(self, streams: Sequence[Any]) -> None:
        """Picture and sound."""
        import av

        options = {"flvflags": "no_duration_filesize", "flush_packets": "1"}
        self._output = av.open(self, "w", format="flv", options=options)
        self._outputs = add_streams(self._output, streams)

    def take(self, piece: Piece) -> None:
        """One piece."""
        self._output.mux(packet_of(piece, self._outputs[piece.kind]))

    def finish(self) -> None:
        """The end."""
        try:
            if self._output is not None:
                self._output.close()
        finally:
            self._end()

"""One stream of one camera, fetched once by RTSP for all who watch or record it; demultiplexed, never decoded.

Reading blocks, so it happens in a thread; what comes out goes back to the loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal, Protocol

from simulators.platform.refused import Refused
from simulators.platform.tokens import Grant

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

_LOG = logging.getLogger(__name__)
TICKS = 90_000
TIME_BASE = Fraction(1, TICKS)
READ_WAIT = 5.0
ANALYSED = "500000"
USER = "platform"
Kind = Literal["video", "audio"]


@dataclass(frozen=True, slots=True)
class Piece:
    """One access unit or sound packet. ``pts``, ``dts``: ticks of 1/90000 s since the first piece."""

    kind: Kind
    data: bytes
    pts: int
    dts: int
    key: bool


class Sink(Protocol):
    """What takes the pieces; called in the thread of the ingest."""

    def begin(self, streams: Sequence[Any]) -> None:
        """The input streams, video first."""

    def take(self, piece: Piece) -> None:
        """One piece."""

    def finish(self) -> None:
        """The stream has ended."""


class LiveIngest:
    """A camera's stream. ``sinks`` are attached before ``start``; ``used_at``: monotonic seconds of the last use."""

    def __init__(self, platform: Platform, device: str, channel: int, stream: int, sinks: Sequence[Sink]) -> None:
        self.platform = platform
        self.device, self.channel, self.stream = device, channel, stream
        self.used_at = time.monotonic()
        self.ended = asyncio.Event()
        self._sinks = list(sinks)
        self._stop = threading.Event()
        self._loop = asyncio.get_running_loop()
        self._thread: threading.Thread | None = None

    def url(self) -> str:
        """Where the camera serves the stream, with a fresh token of the platform. Raises Refused: device_offline."""
        link = self.platform.presence.link(self.device)
        if link is None:
            raise Refused("device_offline")
        told = link.beat or link.login
        assert told is not None
        grant = Grant(USER, self.device, str(self.channel), str(self.stream), "live")
        token, _ = self.platform.tokens.issue(grant)
        query = f"devid={self.device}&channelno={self.channel}&streamtype={self.stream}&hashtoken={token}"
        return f"rtsp://{told.get('LocalIP')}:{told.get('RtspLocalPort')}/realplay?{query}"

    def start(self) -> None:
        """Begin to fetch. Raises Refused."""
        self._thread = threading.Thread(target=self._run, args=(self.url(),), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End soon."""
        self._stop.set()

    async def stopped(self) -> None:
        """Wait for the end."""
        self.stop()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, 2 * READ_WAIT)

    def _run(self, url: str) -> None:
        try:
            self._fetch(url)
        except Exception as error:  # noqa: BLE001 - whatever a camera sends ends its stream only
            _LOG.info("the stream of %s ended: %r", self.device, error)
        finally:
            for sink in self._sinks:
                with contextlib.suppress(Exception):
                    sink.finish()
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.ended.set)

    def _fetch(self, url: str) -> None:
        import av

        options = {"rtsp_transport": "tcp", "analyzeduration": ANALYSED}
        with av.open(url, options=options, timeout=(READ_WAIT, READ_WAIT)) as container:
            streams = [*container.streams.video[:1], *container.streams.audio[:1]]
            if not container.streams.video:
                raise ValueError("no video")
            for sink in self._sinks:
                sink.begin(streams)
            order = Order()
            for packet in container.demux(streams):
                if self._stop.is_set():
                    return
                for piece in order.pieces(packet):
                    for sink in self._sinks:
                        sink.take(piece)


class Order:
    """Packets as pieces: times counted from the first picture, growing with every piece of a kind.

    The first picture may come without a time, before the demultiplexer knows any; it gets that of one frame before
    the second.
    """

    def __init__(self) -> None:
        self._origin: int | None = None
        self._untimed: bytes | None = None
        self._last: dict[str, int] = {}

    def pieces(self, packet: Any) -> Iterator[Piece]:
        """The pieces that a packet completes: none for what has no time or comes before the first key picture."""
        stamp = packet.pts if packet.pts is not None else packet.dts
        video = packet.stream.type == "video"
        if not packet.size or packet.time_base is None:
            return
        if stamp is None:
            if video and packet.is_keyframe and self._origin is None:
                self._untimed = bytes(packet)
            return
        pts = round(stamp * packet.time_base * TICKS)
        if self._origin is None:
            if not video or not (packet.is_keyframe or self._untimed):
                return
            self._origin = pts
            if self._untimed is not None:
                self._origin = pts - round(TICKS / float(packet.stream.average_rate or 25))
                yield self._made("video", self._untimed, 0, 0, key=True)
        dts = pts if packet.dts is None else round(packet.dts * packet.time_base * TICKS)
        if pts >= self._origin:
            kind: Kind = "video" if video else "audio"
            key = not video or bool(packet.is_keyframe)
            yield self._made(kind, bytes(packet), pts - self._origin, dts - self._origin, key=key)

    def _made(self, kind: Kind, data: bytes, pts: int, dts: int, *, key: bool) -> Piece:
        dts = self._last[kind] = max(min(dts, pts), self._last.get(kind, -1) + 1)
        return Piece(kind, data, max(pts, dts), dts, key)


def add_streams(output: Any, streams: Sequence[Any]) -> dict[str, Any]:
    """The streams of an output like those of the input, by kind."""
    return {stream.type: output.add_stream_from_template(stream) for stream in streams}


def packet_of(piece: Piece, stream: Any) -> Any:
    """A piece as a packet for an output stream."""
    import av

    packet = av.Packet(piece.data)
    packet.pts, packet.dts, packet.time_base = piece.pts, piece.dts, TIME_BASE
    packet.is_keyframe = piece.key
    packet.stream = stream
    return packet

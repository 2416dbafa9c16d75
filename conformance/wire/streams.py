"""What suites and peers hold in their hands: a TCP or TLS stream, a listener, a datagram socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from conformance.wire.errors import LAST_BYTES, Closed, Misuse, Reset
from conformance.wire.tape import NS, Address, Chunk, Event, Packet, TlsInfo

if TYPE_CHECKING:
    from conformance.wire.wire import Wire

READ_LIMIT = 65_536
QUEUE_PACKETS = 4_096
QUEUE_BYTES = 8 * 1024 * 1024

Serve = Callable[["Stream"], Awaitable[None]]


class Stream:
    """One TCP or TLS connection. ``local`` and ``peer`` are (host, port); ``tls`` is None on plain TCP."""

    def __init__(self, wire: Wire, label: str, channel: int, host: Address = ("", 0)) -> None:
        self.label = label
        self.channel = channel
        self.local: Address = ("", 0)
        self.peer: Address = host
        self.tls: TlsInfo | None = None
        self.closed = False
        self.drop_reason = ""
        self.buffered = 0
        self._wire = wire
        self._chunks: deque[Chunk] = deque()
        self._eof: float | None = None
        self._tail = b""
        self._reader: asyncio.Future[None] | None = None

    def __repr__(self) -> str:
        return f"<Stream {self.label} {self.local} - {self.peer}{' closed' if self.closed else ''}>"

    def write(self, data: bytes) -> float:
        """Send bytes without waiting. Returns the moment they were handed over, seconds on the wire clock.

        Raises Closed after our own close, Reset once the peer's drop has been seen.
        """
        if self.closed:
            raise Closed(self.label)
        if self.drop_reason:
            raise Reset(self._tail, self.label, self.drop_reason)
        if not data:
            return self._wire.now()
        return self._wire.transmit(self, bytes(data)) / NS

    async def read(self, limit: int = READ_LIMIT, within: float | None = None) -> Chunk:
        """The next bytes, at most ``limit`` and never merged over two arrivals; data b"" at the end of the stream.

        Raises Expired when nothing arrives within ``within`` seconds, Reset(last_bytes) when the peer drops
        the connection; what arrived before is given out first.
        """
        while not self._chunks:
            if self.closed or self._eof is not None:
                return Chunk(b"", self._wire.now() if self._eof is None else self._eof)
            if self.drop_reason:
                raise Reset(self._tail, self.label, self.drop_reason)
            await self._wait_readable(within)
        chunk = self._chunks.popleft()
        if len(chunk.data) > limit:
            self._chunks.appendleft(Chunk(chunk.data[limit:], chunk.at))
            chunk = Chunk(chunk.data[:limit], chunk.at)
        self.buffered -= len(chunk.data)
        self._wire.consumed(self)
        return chunk

    async def _wait_readable(self, within: float | None) -> None:
        if self._reader is not None:
            raise Misuse(f"two readers on stream {self.label}")
        self._reader = self._wire.future()
        try:
            await self._wire.wait(self._reader, within, f"bytes on {self.label}")
        finally:
            self._reader = None

    async def drain(self) -> None:
        """Wait until what was written has mostly left our buffers."""
        if not self.closed and not self.drop_reason:
            await self._wire.drained(self)

    def close(self) -> None:
        """End the stream properly (FIN after what was written). Harmless when already closed."""
        self._finish(abort=False)

    def abort(self) -> None:
        """Drop the connection (RST)."""
        self._finish(abort=True)

    def _finish(self, abort: bool) -> None:
        if self.closed:
            return
        self.closed = True
        self._wire.hang_up(self, abort)
        self._wire.free_drains(self)
        self._wake()

    @property
    def at_eof(self) -> bool:
        """True when the peer has ended its direction and everything received has been read."""
        return self._eof is not None and not self._chunks

    def feed(self, event: Event) -> None:
        """For the wire: bytes released to this stream."""
        self._tail = event.data[-LAST_BYTES:] if len(event.data) >= LAST_BYTES else self._tail + event.data
        self._tail = self._tail[-LAST_BYTES:]
        self._chunks.append(Chunk(event.data, event.at / NS))
        self.buffered += len(event.data)
        self._wake()

    def feed_eof(self, event: Event) -> None:
        """For the wire: the peer ended its direction."""
        self._eof = event.at / NS
        self._wake()

    def feed_reset(self, reason: str) -> None:
        """For the wire: the peer dropped the connection."""
        self.drop_reason = reason or "reset"
        self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


class Listener:
    """A listening TCP or TLS socket; ``host`` and ``port`` are those really bound."""

    def __init__(self, wire: Wire, label: str, serve: Serve) -> None:
        self.label = label
        self.serve = serve
        self.channel = 0
        self.host = ""
        self.port = 0
        self.closed = False
        self._wire = wire

    def close(self) -> None:
        """Stop listening. Connections already accepted go on."""
        if not self.closed:
            self.closed = True
            self._wire.stop_listening(self)


class Datagram:
    """A bound UDP socket.

    on_packet: when set, called with every packet released, instead of queueing (for high rates; must not block).
    received: packets released so far.
    dropped: packets lost on our side: the queue was full (bounded at 4096 packets, 8 MiB) or the kernel's buffer was.
    """

    def __init__(self, wire: Wire, label: str) -> None:
        self.label = label
        self.channel = 0
        self.local: Address = ("", 0)
        self.on_packet: Callable[[Packet], None] | None = None
        self.closed = False
        self.dropped = 0
        self.received = 0
        self._wire = wire
        self._queue: deque[Packet] = deque()
        self._queued = 0
        self._receiver: asyncio.Future[None] | None = None

    def send(self, data: bytes, to: Address) -> float:
        """Send one datagram. Returns the moment of sending, seconds on the wire clock. Raises Closed."""
        if self.closed:
            raise Closed(self.label)
        return self._wire.send_datagram(self, bytes(data), to) / NS

    async def receive(self, within: float | None = None) -> Packet:
        """The next packet in the order of arrival. Raises Expired, or Closed when the socket is closed."""
        while not self._queue:
            if self.closed:
                raise Closed(self.label)
            if self._receiver is not None:
                raise Misuse(f"two receivers on datagram socket {self.label}")
            self._receiver = self._wire.future()
            try:
                await self._wire.wait(self._receiver, within, f"a datagram on {self.label}")
            finally:
                self._receiver = None
        packet = self._queue.popleft()
        self._queued -= len(packet.data)
        return packet

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self._wire.close_datagram(self)
            self._wake()

    def feed(self, event: Event) -> None:
        """For the wire: a packet released to this socket."""
        source = event.meta["peer"]
        packet = Packet(event.data, event.at / NS, (source[0], source[1]))
        self.dropped += int(event.meta.get("lost", 0))
        self.received += 1
        if self.on_packet is not None:
            self._wire.call_back(f"on_packet of {self.label}", self.on_packet, packet)
        elif len(self._queue) >= QUEUE_PACKETS or self._queued + len(event.data) > QUEUE_BYTES:
            self.dropped += 1
        else:
            self._queue.append(packet)
            self._queued += len(event.data)
            self._wake()

    def _wake(self) -> None:
        if self._receiver is not None and not self._receiver.done():
            self._receiver.set_result(None)

"""One TCP connection of the device to an access server: frames in, frames out, everything noted."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from conformance.protocols.tykd_frame import Frame, FrameError, FrameParser, ReceivedFrame, encode_frame
from conformance.protocols.tykd_message import Message, decode_message
from conformance.protocols.violation import CodecError, Violation
from conformance.wire import Closed, Expired, Reset, Stream, Wire
from specs.messages import MessageTable


@dataclass(frozen=True, slots=True)
class Received:
    """One message of the device. ``at``: seconds on the wire clock; ``faults``: rules of frame and table it breaks."""

    at: float
    link: DeviceLink
    received: ReceivedFrame
    message: Message

    @property
    def sequence(self) -> int:
        """Sequence number of the frame."""
        return self.received.frame.sequence

    @property
    def faults(self) -> tuple[Violation, ...]:
        """Every rule broken by the frame or its message."""
        return (*self.received.violations, *self.message.violations)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Bytes of the device that are no frame, no XML or no message of the table."""

    at: float
    error: CodecError
    raw: bytes


TAIL_BYTES = 256

OnMessage = Callable[[Received], Awaitable[None]]


class DeviceLink:
    """The platform's end of one connection."""

    def __init__(self, wire: Wire, stream: Stream, table: MessageTable, server: str) -> None:
        self.stream = stream
        self.server = server
        self.opened_at = wire.now()
        self.closed_at: float | None = None
        self.reset = False
        self.device_id = ""
        self.abilities: Message | None = None
        self.unreadable: list[Unreadable] = []
        self._wire = wire
        self._table = table
        self._parser = FrameParser()
        self._ended: asyncio.Future[None] = wire.future()
        self._tail = b""
        self._held: list[bytes] | None = None

    @property
    def open(self) -> bool:
        """Whether the device is still connected."""
        return self.closed_at is None and not self.stream.closed

    async def serve(self, on_message: OnMessage) -> None:
        """Read until the device closes, breaks the framing or drops the connection."""
        try:
            while True:
                chunk = await self.stream.read()
                if not chunk.data:
                    break
                self._tail = (self._tail + chunk.data)[-TAIL_BYTES:]
                for frame in self._frames(chunk.data, chunk.at):
                    await self._handle(frame, chunk.at, on_message)
        except (Reset, Closed):
            self.reset = True
        finally:
            self.closed_at = self._wire.now()
            self.stream.close()
            if not self._ended.done():
                self._ended.set_result(None)

    def _frames(self, data: bytes, at: float) -> tuple[ReceivedFrame, ...] | list[ReceivedFrame]:
        try:
            return self._parser.feed(data)
        except FrameError as error:
            self.unreadable.append(Unreadable(at, error, data))
            self.stream.close()
            return error.frames

    async def _handle(self, frame: ReceivedFrame, at: float, on_message: OnMessage) -> None:
        try:
            message = decode_message(self._table, frame.frame.command, "device-to-platform", frame.frame.xml)
        except CodecError as error:
            self.unreadable.append(Unreadable(at, error, frame.raw))
            return
        except LookupError:
            unknown = CodecError(2, "tykd.unknown_command", frame.raw, "no command of this code stands in the table")
            self.unreadable.append(Unreadable(at, unknown, frame.raw))
            return
        await on_message(Received(at, self, frame, message))

    def send(self, frame: Frame) -> float:
        """Send one frame; returns the moment of sending. Raises Closed or Reset."""
        data = encode_frame(frame)
        if self._held is not None:
            self._held.append(data)
            return self._wire.now()
        return self.send_raw(data)

    def hold(self) -> None:
        """Keep whole frames back while a test sends one in pieces by ``send_raw``: nothing may come between them."""
        self._held = []

    def release(self) -> None:
        """Send what was kept back."""
        held, self._held = self._held or [], None
        if held and self.open:
            self.send_raw(b"".join(held))

    def send_raw(self, data: bytes) -> float:
        """Send these bytes as they are."""
        return self.stream.write(data)

    async def wait_end(self) -> None:
        """Wait for the device to leave, however long it takes."""
        await asyncio.shield(self._ended)

    @property
    def stream_tail(self) -> bytes:
        """What the device sent last, at most 256 bytes."""
        return self._tail

    async def ended(self, within: float) -> bool:
        """Wait for the device to leave; False when it is still there after ``within`` seconds."""
        if self._ended.done():
            return True
        try:
            async with self._wire.timeout(within, "the device to close the connection"):
                await self.wait_end()
        except Expired:
            return False
        return True

    def close(self) -> None:
        """Close the connection from the platform's side."""
        self.stream.close()

    def abort(self) -> None:
        """Drop the connection without ending it."""
        self.stream.abort()

"""One TCP connection of a device: frames in, frames out, answers matched to requests by command and sequence."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.protocols.tykd_frame import Frame, FrameError, FrameParser, ReceivedFrame, encode_frame
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from simulators.platform.answer_forms import AnswerForms
from specs.messages import MessageTable, UnknownMessage

SEQUENCES = 0x10000
HEARTBEAT = 0x33
READ_SIZE = 65536
LARGEST_BACKLOG = 1 << 20
OnRequest = Callable[["DeviceLink", int, Message], Awaitable[None]]
Unreadable = Callable[["DeviceLink", Frame], None]


class DeviceLink:
    """The platform's end of one connection. ``device_id`` is empty until LOGIN has succeeded; ``heard_at``: monotonic
    seconds of the last good frame; ``online``: the ability report was answered; ``forms``: shared by the links of
    a server."""

    def __init__(
        self,
        table: MessageTable,
        server: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_request: OnRequest,
        on_unreadable: Unreadable,
    ) -> None:
        self.table = table
        self.server = server
        self.device_id = ""
        self.login: Message | None = None
        self.beat: Message | None = None
        self.abilities: Message | None = None
        self.online = False
        self.closed = False
        self.opened_at = self.heard_at = time.monotonic()
        self.writer = writer
        self._reader = reader
        self._on_request = on_request
        self._on_unreadable = on_unreadable
        self._sequence = 0
        self._parser = FrameParser()
        self.forms = AnswerForms(table)
        self._last_beat: tuple[bytes, Message] | None = None
        self._waiting: dict[tuple[int, int], asyncio.Future[Message]] = {}

    @property
    def peer(self) -> str:
        """The address that the connection comes from."""
        found = self.writer.get_extra_info("peername")
        return str(found[0]) if found else ""

    async def run(self) -> None:
        """Read until the device leaves or breaks the framing."""
        with contextlib.suppress(OSError):
            while not self.closed and (data := await self._reader.read(READ_SIZE)):
                frames, broken = self._frames(data)
                for frame in frames:
                    if not self.closed:
                        await self.take(frame)
                if broken:
                    break
        self.close()

    def _frames(self, data: bytes) -> tuple[tuple[ReceivedFrame, ...], bool]:
        try:
            return tuple(self._parser.feed(data)), False
        except FrameError as error:
            return error.frames, True

    async def take(self, received: ReceivedFrame) -> None:
        """One frame; a wrong digest ends the connection without an answer."""
        if not self.digest_accepted(received):
            self.close()
            return
        frame = received.frame
        try:
            message = self.read(frame)
        except (CodecError, UnknownMessage):
            self._on_unreadable(self, frame)
            return
        self.heard_at = time.monotonic()
        if message.kind == "response":
            self._settle(frame, message)
        elif any(violation.rule == "tykd.root" for violation in message.violations):
            self._on_unreadable(self, frame)
        else:
            await self._on_request(self, frame.sequence, message)

    def read(self, frame: Frame) -> Message:
        """The message of a frame. A heartbeat that repeats the last one is not read again. Raises CodecError."""
        if self._last_beat is not None and self._last_beat[0] == frame.xml and frame.command == HEARTBEAT:
            return self._last_beat[1]
        message = decode_message(self.table, frame.command, "device-to-platform", frame.xml)
        if frame.command == HEARTBEAT and not message.violations:
            self._last_beat = frame.xml, message
        return message

    def digest_accepted(self, received: ReceivedFrame) -> bool:
        """Whether the frame may be used."""
        return received.digest_ok

    def answer_key(self, command: int, sequence: int) -> tuple[int, int]:
        """What an answer is matched by."""
        return command, sequence

    def _settle(self, frame: Frame, message: Message) -> None:
        waiting = self._waiting.get(self.answer_key(frame.command, frame.sequence))
        if waiting is not None and not waiting.done():
            waiting.set_result(message)

    async def ask(self, name: str, values: dict[str, Any], within: float) -> Message:
        """Send a command and wait for its answer. Raises TimeoutError, ConnectionError, CodecError."""
        code = self.table.command(name).code
        assert code is not None
        self._sequence = (self._sequence + 1) % SEQUENCES
        key = self.answer_key(code, self._sequence)
        waiting: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._waiting[key] = waiting
        try:
            xml = encode_message(self.table, name, "request", {"DevID": self.device_id, **values})
            self.send(Frame(code, self._sequence, xml))
            async with asyncio.timeout(within):
                return await waiting
        finally:
            self._waiting.pop(key, None)

    def answer(self, name: str, sequence: int, values: dict[str, Any]) -> None:
        """Answer a request of the device under its own sequence."""
        code = self.table.command(name).code
        assert code is not None
        xml = self.forms.fill(name, values)
        with contextlib.suppress(ConnectionError):
            self.send(Frame(code, sequence, xml))

    def send(self, frame: Frame) -> None:
        """Send one frame. Raises ConnectionError. A device that does not read loses its connection."""
        if self.closed or self.writer.is_closing():
            raise ConnectionResetError("the link is closed")
        if self.writer.transport.get_write_buffer_size() > LARGEST_BACKLOG:
            self.writer.transport.abort()
            raise ConnectionResetError("the device does not read")
        self.writer.write(encode_frame(frame))

    def close(self) -> None:
        """End the connection; whoever waits for an answer gets ConnectionResetError."""
        self.closed = True
        self.online = False
        self.writer.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(ConnectionResetError("the link is closed"))

    def drop(self) -> None:
        """End the connection without a farewell."""
        self.writer.transport.abort()
        self.close()

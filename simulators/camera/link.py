"""The camera's TCP connection to an access server: frames, its own sequence numbers, answers matched to requests."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from conformance.protocols.tykd_frame import Frame, FrameError, FrameParser, ReceivedFrame, encode_frame
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from specs.messages import MessageTable

SEQUENCES = 0x10000

OnRequest = Callable[["Link", ReceivedFrame], Awaitable[None]]


class Counter:
    """The camera's own sequence numbers; never touched by what the platform sends."""

    def __init__(self) -> None:
        self.value = 0

    def next(self) -> int:
        """The next number; 65535 wraps to 0."""
        self.value = (self.value + 1) % SEQUENCES
        return self.value

    def seen(self, sequence: int) -> None:
        """A frame of the platform carried this number: no concern of ours."""


class Link:
    """One connection."""

    def __init__(
        self,
        table: MessageTable,
        counter: Counter,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_request: OnRequest,
    ) -> None:
        self.table = table
        self.counter = counter
        self.writer = writer
        self.online = False
        self._reader = reader
        self._on_request = on_request
        self._waiting: dict[tuple[int, int], asyncio.Future[Message]] = {}
        self._parser = FrameParser(int(table.limits["device_xml"].number))

    async def run(self) -> None:
        """Read until the connection ends or the framing breaks."""
        with contextlib.suppress(ConnectionError, OSError):
            while data := await self._reader.read(65536):
                try:
                    frames = self._parser.feed(data)
                except FrameError as error:
                    for frame in error.frames:
                        await self._take(frame)
                    break
                for frame in frames:
                    if not await self._take(frame):
                        return
        self.close()

    async def _take(self, frame: ReceivedFrame) -> bool:
        self.counter.seen(frame.frame.sequence)
        if not self.digest_accepted(frame):
            self.close()
            return False
        started_by = self.table.by_code.get(frame.frame.command)
        if started_by is not None and started_by.direction == "device-to-platform":
            self._settle(frame)
        else:
            await self._on_request(self, frame)
        return True

    def digest_accepted(self, frame: ReceivedFrame) -> bool:
        """Whether the frame may be used; one with a wrong digest ends the connection."""
        return frame.digest_ok

    def answer_key(self, frame: Frame) -> tuple[int, int]:
        """What an answer is matched by: command and sequence."""
        return frame.command, frame.sequence

    def _settle(self, received: ReceivedFrame) -> None:
        waiting = self._waiting.get(self.answer_key(received.frame))
        if waiting is None or waiting.done():
            return
        try:
            message = decode_message(self.table, received.frame.command, "platform-to-device", received.frame.xml)
        except (CodecError, LookupError) as error:
            waiting.set_exception(error)
        else:
            if message.name == "ABILITYUP":
                self.online = True
            waiting.set_result(message)

    async def ask(self, name: str, values: dict[str, Any], within: float) -> Message:
        """Send a request and wait for its answer. Raises TimeoutError, CodecError, ConnectionError."""
        code = self.table.command(name).code
        assert code is not None
        sequence = self.counter.next()
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        key = self.answer_key(Frame(code, sequence, b""))
        self._waiting[key] = future
        try:
            self.send(Frame(code, sequence, encode_message(self.table, name, "request", values)))
            async with asyncio.timeout(within):
                return await future
        finally:
            self._waiting.pop(key, None)

    def send(self, frame: Frame) -> None:
        """Send one frame. Raises ConnectionError when the connection is gone."""
        if self.writer.is_closing():
            raise ConnectionResetError("the link is closed")
        self.writer.write(encode_frame(frame))

    def close(self) -> None:
        """End the connection; whoever waits for an answer gets ConnectionResetError."""
        self.online = False
        self.writer.close()
        for future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionResetError("the link is closed"))

    def drop(self) -> None:
        """Drop the connection as a power cut does."""
        self.writer.transport.abort()
        self.close()

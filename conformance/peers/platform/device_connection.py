"""The device's end of one TCP connection to an access server (tykd 2): requests out, commands in, all noted."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from conformance.protocols.tykd_frame import Frame, FrameError, FrameParser, ReceivedFrame, encode_frame
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError, Violation
from conformance.wire import Closed, Expired, Reset, Stream, Wire
from specs.messages import MessageTable, UnknownMessage

SEQUENCES = 0x10000


@dataclass(frozen=True, slots=True)
class Heard:
    """One message of the platform. ``at``: seconds on the wire clock; ``faults``: rules of frame and table it breaks;
    ``xml``: its body as it came."""

    at: float
    sequence: int
    message: Message
    faults: tuple[Violation, ...]
    xml: bytes

    @property
    def name(self) -> str:
        """The name of its command."""
        return self.message.name


OnCommand = Callable[["DeviceConnection", Heard], None]
#: How a device writes the XML of its messages: other bytes that say the same.
Dress = Callable[[bytes], bytes]


def plain(xml: bytes) -> bytes:
    """The XML as it is."""
    return xml


class DeviceConnection:
    """One connection. ``commands``: what the platform asked; ``unreadable``: what is no message of the table;
    ``ended_at``: when the platform left, None while it is there; ``dress``: how XML is written."""

    def __init__(
        self, wire: Wire, table: MessageTable, stream: Stream, on_command: OnCommand, dress: Dress = plain
    ) -> None:
        self.wire, self.table, self.stream = wire, table, stream
        self.commands: list[Heard] = []
        self.answers: list[Heard] = []
        self.unreadable: list[CodecError] = []
        self.ended_at: float | None = None
        self.sequence = 0
        self._on_command = on_command
        self.dress = dress
        self._parser = FrameParser()
        self._waiting: dict[tuple[int, int], asyncio.Future[Heard]] = {}
        self._changed = asyncio.Event()
        self._ended: asyncio.Future[None] = wire.future()
        self._reader = wire.spawn(self._read(), f"{stream.label} reader")

    @property
    def open(self) -> bool:
        """Whether both ends hold it."""
        return self.ended_at is None and not self.stream.closed

    # out

    def next_sequence(self) -> int:
        """The number of the next request."""
        self.sequence = (self.sequence + 1) % SEQUENCES
        return self.sequence

    def frame(self, name: str, values: dict[str, Any], *, kind: Any = "request", sequence: int | None = None) -> bytes:
        """The bytes of a message, whether the table allows it or not."""
        number = self.next_sequence() if sequence is None else sequence
        xml = encode_message(self.table, name, kind, values, check=False)
        return encode_frame(Frame(self._code(name), number, self.dress(xml)))

    def _code(self, name: str) -> int:
        code = self.table.command(name).code
        assert code is not None
        return code

    def send(self, data: bytes) -> bool:
        """Send these bytes as they are; False when the connection has ended."""
        try:
            self.stream.write(data)
        except (Closed, Reset):
            return False
        return True

    async def ask(self, name: str, values: dict[str, Any], within: float) -> Heard | None:
        """Send a request and wait for its answer; None when none came."""
        waiting = self.begin(name, values)
        return None if waiting is None else await self.answer_to(waiting, within)

    def begin(self, name: str, values: dict[str, Any]) -> asyncio.Future[Heard] | None:
        """Send a request; its answer comes later. None when the connection has ended."""
        waiting = self.expect(name)
        return waiting if self.send(self.frame(name, values, sequence=self.sequence)) else None

    def expect(self, name: str) -> asyncio.Future[Heard]:
        """The answer to a request that is sent under the next sequence, which becomes the present one."""
        waiting: asyncio.Future[Heard] = self.wire.future()
        self._waiting[self._code(name), self.next_sequence()] = waiting
        return waiting

    async def answer_to(self, waiting: asyncio.Future[Heard], within: float) -> Heard | None:
        """The answer to a request that was sent; None when none came."""
        try:
            return await self.wire.wait(waiting, within, "the answer of the platform")
        except (Expired, Closed):
            return None

    # in

    async def _read(self) -> None:
        try:
            while (chunk := await self.stream.read()).data:
                for frame in self._frames(chunk.data):
                    self._take(frame, chunk.at)
        except (Reset, Closed):
            pass
        finally:
            self._end()

    def _frames(self, data: bytes) -> tuple[ReceivedFrame, ...]:
        try:
            return tuple(self._parser.feed(data))
        except FrameError as error:
            self.unreadable.append(error)
            self.stream.close()
            return error.frames

    def _take(self, received: ReceivedFrame, at: float) -> None:
        frame = received.frame
        try:
            message = decode_message(self.table, frame.command, "platform-to-device", frame.xml)
        except (CodecError, UnknownMessage) as error:
            unknown = CodecError(2, "tykd.unknown_command", received.raw[:64], str(error), "tykd 3")
            self.unreadable.append(error if isinstance(error, CodecError) else unknown)
            return
        heard = Heard(at, frame.sequence, message, (*received.violations, *message.violations), frame.xml)
        if message.kind == "response":
            self.answers.append(heard)
            waiting = self._waiting.pop((frame.command, frame.sequence), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(heard)
        else:
            self.commands.append(heard)
            self._on_command(self, heard)
        self._changed.set()

    def _end(self) -> None:
        self.ended_at = self.wire.now()
        self.stream.close()
        for waiting in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(Closed(self.stream.label))
                waiting.exception()
        if not self._ended.done():
            self._ended.set_result(None)
        self._changed.set()

    async def ended(self, within: float) -> bool:
        """Wait until the platform leaves; False when it is still there after ``within`` seconds."""
        try:
            async with self.wire.timeout(within, "the platform to close the connection"):
                while self.ended_at is None:
                    self._changed.clear()
                    await self._changed.wait()
        except Expired:
            return False
        return True

    async def command(self, name: str, within: float, *, after: int = 0) -> Heard | None:
        """The first command of that name behind the first ``after`` commands; None when none comes."""
        try:
            async with self.wire.timeout(within, f"{name} of the platform"):
                while True:
                    found = next((heard for heard in self.commands[after:] if heard.name == name), None)
                    if found is not None or self.ended_at is not None:
                        return found
                    self._changed.clear()
                    await self._changed.wait()
        except Expired:
            return None

    def close(self) -> None:
        """Leave."""
        self.stream.close()

    def abort(self) -> None:
        """Drop the connection without a farewell."""
        self.stream.abort()

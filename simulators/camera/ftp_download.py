"""A small FTP client that fetches one file (RFC 959: passive, binary); it ends at once when its task is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable
from types import TracebackType

PASSIVE = re.compile(r"(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)")
LONGEST_REPLY = 8192
STEPS = 50
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class FtpError(ConnectionError):
    """The server refused a step, or answered what is no reply."""


class FtpSession:
    """A logged-in session, used as ``async with``. Left by cancellation or a power cut, its connections are reset."""

    def __init__(self, host: str, port: int, user: str, password: str, silence: float) -> None:
        self._host, self._port, self._user, self._password = host, port, user, password
        self._silence = silence
        self._control: Streams | None = None
        self._opened: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> FtpSession:
        try:
            self._control = await self._connect(self._port)
            await self._reply("2")
            if await self.ask(f"USER {self._user}", "23") == "331":
                await self.ask(f"PASS {self._password}", "2")
            await self.ask("TYPE I", "2")
        except BaseException:
            self.reset()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            with contextlib.suppress(OSError, TimeoutError):
                await self.ask("QUIT", "2")
        if error is None or isinstance(error, Exception):
            for writer in self._opened:
                writer.close()
        else:
            self.reset()

    def reset(self) -> None:
        """Drop every connection without a word, as a power cut does."""
        for writer in self._opened:
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()

    async def size(self, name: str) -> int:
        """Bytes of a file as the server tells them (RFC 3659 4). Raises FtpError, OSError, TimeoutError."""
        reply = await self.ask(f"SIZE {name}", "2", whole=True)
        if not reply[4:].strip().isdigit():
            raise FtpError(f"the size is no number: {reply}")
        return int(reply[4:])

    async def retrieve(self, name: str, total: int, progress: Callable[[float], None]) -> bytes:
        """The bytes of a file until the server ends it, never more than ``total`` + 1.

        ``progress`` hears percentages. Raises FtpError, OSError, TimeoutError and whatever ``progress`` raises.
        """
        passive = PASSIVE.search(await self.ask("PASV", "2", whole=True))
        if passive is None:
            raise FtpError("the reply to PASV names no port")
        reader, writer = await self._connect(int(passive[5]) * 256 + int(passive[6]))
        await self.ask(f"RETR {name}", "1")
        data = bytearray()
        while len(data) <= total:
            limit = min(max(1, total // STEPS), total + 1 - len(data))
            async with asyncio.timeout(self._silence):
                block = await self._block(reader, limit)
            if not block:
                break
            data += block
            progress(min(100.0, len(data) / total * 100))
        writer.close()
        if len(data) == total:
            await self._reply("2")
        return bytes(data)

    @staticmethod
    async def _block(reader: asyncio.StreamReader, limit: int) -> bytes:
        """The next bytes; none when the server ended or dropped the connection."""
        try:
            return await reader.read(limit)
        except ConnectionError:
            return b""

    async def ask(self, line: str, wanted: str, *, whole: bool = False) -> str:
        """Send one command. Returns the code, or the ``whole`` last line, of a reply whose first digit is wanted."""
        if "\r" in line or "\n" in line:
            raise FtpError("a line break inside a command")
        if self._control is None:
            raise FtpError("not connected")
        self._control[1].write(line.encode() + b"\r\n")
        reply = await self._reply(wanted)
        return reply if whole else reply[:3]

    async def _reply(self, wanted: str) -> str:
        assert self._control is not None
        line = await self._line(self._control[0])
        code = line[:3]
        while line[:3] != code or line[3:4] == "-":
            line = await self._line(self._control[0])
        if not code.isdigit() or code[0] not in wanted:
            raise FtpError(line)
        return line

    async def _line(self, reader: asyncio.StreamReader) -> str:
        async with asyncio.timeout(self._silence):
            try:
                line = await reader.readuntil(b"\n")
            except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                raise FtpError("the server closed the control connection") from None
        return line.decode("utf-8", "replace").rstrip()

    async def _connect(self, port: int) -> Streams:
        async with asyncio.timeout(self._silence):
            streams = await asyncio.open_connection(self._host, port, limit=LONGEST_REPLY)
        self._opened.append(streams[1])
        return streams

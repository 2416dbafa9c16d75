"""An FTP server on the test's own loop that can stall, lie and break off; for tests of the camera's FTP client."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field


@dataclass
class ScriptedFtp:
    """One file under any name. ``told``: size told by SIZE; ``sent``: bytes that RETR sends; ``stall``: the data
    connection stays open afterwards; ``mute``: commands that get no reply; ``break_off``: resets after ``sent``."""

    data: bytes = b"image " * 2000
    told: int | None = None
    sent: int | None = None
    stall: bool = False
    break_off: bool = False
    mute: tuple[str, ...] = ()
    greeting: str = "220-Hello\r\n220 ready"
    lines: list[str] = field(default_factory=list)
    ends: list[str] = field(default_factory=list)

    async def start(self) -> None:
        self._servers = [await asyncio.start_server(serve, "127.0.0.1", 0) for serve in (self._control, self._data)]
        self.port, self._data_port = (server.sockets[0].getsockname()[1] for server in self._servers)
        self._waiting: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.news = asyncio.Condition()

    async def stop(self) -> None:
        for server in self._servers:
            server.close()

    @property
    def account(self) -> dict[str, str]:
        return {"FtpIP": "127.0.0.1", "FtpPort": str(self.port), "FtpAccount": "up", "FtpPassword": "up-secret"}

    async def seen(self, what: list[str], count: int = 1) -> None:
        async with asyncio.timeout(10), self.news:
            await self.news.wait_for(lambda: len(what) >= count)

    async def _note(self, into: list[str], what: str) -> None:
        async with self.news:
            into.append(what)
            self.news.notify_all()

    async def _control(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting.encode() + b"\r\n")
        try:
            while line := (await reader.readline()).decode().strip():
                await self._note(self.lines, line)
                await self._command(line, writer)
            await self._note(self.ends, "control closed")
        except ConnectionResetError:
            await self._note(self.ends, "control reset")
        writer.close()

    async def _command(self, line: str, writer: asyncio.StreamWriter) -> None:
        verb = line.split()[0]
        if verb in self.mute:
            return
        high, low = divmod(self._data_port, 256)
        told = len(self.data) if self.told is None else self.told
        replies = {
            "USER": "331 password",
            "PASS": "230 in",
            "TYPE": "200 binary",
            "SIZE": f"213 {told}",
            "PASV": f"227 Passive (127,0,0,1,{high},{low})",
            "QUIT": "221 bye",
        }
        if verb == "RETR":
            writer.write(b"150 coming\r\n")
            await self._send(writer)
        else:
            writer.write(replies.get(verb, "502 no").encode() + b"\r\n")

    async def _send(self, control: asyncio.StreamWriter) -> None:
        reader, writer = await self._waiting.get()
        writer.write(self.data[: self.sent])
        await writer.drain()
        if self.stall:
            try:
                await reader.read()
                await self._note(self.ends, "data closed")
            except ConnectionResetError:
                await self._note(self.ends, "data reset")
        if self.break_off:
            control.transport.abort()
        writer.close()
        control.write(b"226 done\r\n")

    async def _data(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._waiting.put((reader, writer))

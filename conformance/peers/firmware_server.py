"""An FTP server that offers firmware images and can be slow, lie about a size and break off (RFC 959, 2428, 3659)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType

from conformance.peers.faults import NoAnswer
from conformance.peers.history import History
from conformance.wire import Closed, Expired, Listener, Refused, Reset, Stream, Wire
from specs.model import Limit

LONGEST_LINE = 4096
BLOCK = 16_384
TICK = 0.05
ACCOUNT = "upgrade"
NUMBERS = re.compile(r"(\d+),(\d+),(\d+),(\d+),(\d+),(\d+)")


@dataclass(frozen=True, slots=True)
class Request:
    """One command of a device. ``user``: the account that has logged in, empty before."""

    at: float
    user: str
    verb: str
    argument: str


@dataclass(slots=True)
class Transfer:
    """One RETR. ``start``: offset asked for by REST; ``sent``: bytes from there; ``complete``: up to the end."""

    at: float
    user: str
    name: str
    binary: bool
    start: int = 0
    sent: int = 0
    complete: bool = False


@dataclass(slots=True)
class Bends:
    """How the server misbehaves. ``told``: size by name, RETR then goes on with filler up to it; ``pace``: bytes a
    second; ``break_after``: bytes of a transfer after which both connections are dropped, once a name."""

    told: dict[str, int] = field(default_factory=dict)
    pace: float = 0.0
    break_after: dict[str, int] = field(default_factory=dict)


class FirmwareServer:
    """Use as ``async with``. ``files``: content by name; ``requests``, ``transfers``: what devices did so far."""

    def __init__(self, wire: Wire, host: str, limits: Mapping[str, Limit], port: int = 0) -> None:
        self.host, self.port = host, port
        self.account, self.password = ACCOUNT, f"{wire.random.getrandbits(48):012x}"
        self.files: dict[str, bytes] = {}
        self.bends = Bends()
        self.requests: History[Request] = History(wire, "FTP command")
        self.transfers: list[Transfer] = []
        self.wire, self.limits = wire, limits
        self._listener: Listener | None = None
        self._sessions: list[_Session] = []

    async def __aenter__(self) -> FirmwareServer:
        self._listener = await self.wire.listen(self.host, self.port, self._serve, label="ftp")
        self.host, self.port = self._listener.host, self._listener.port
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._listener is not None:
            self._listener.close()
        self.drop()

    @property
    def elements(self) -> dict[str, str]:
        """Ftp elements of REGISTER_RES and UPGRADE_REQ."""
        names = {"FtpIP": self.host, "FtpPort": str(self.port)}
        return {**names, "FtpAccount": self.account, "FtpPassword": self.password}

    def asked_for(self, name: str, since: float = 0.0) -> bool:
        """Whether a logged-in device asked for the size or the content of that file at or after ``since``."""
        return any(
            r.verb in ("SIZE", "RETR") and r.argument == name and r.user and r.at >= since for r in self.requests
        )

    async def fetching(self, name: str, within: float) -> bool:
        """Wait until a device has begun to fetch that file."""
        try:
            async with self.wire.timeout(within, f"RETR {name}"):
                while not any(transfer.name == name for transfer in self.transfers):
                    await self.requests.next(within)
        except (Expired, NoAnswer):
            return False
        return True

    def drop(self) -> None:
        """Drop every connection (RST)."""
        for session in self._sessions:
            session.drop()

    async def _serve(self, stream: Stream) -> None:
        session = _Session(self, stream)
        self._sessions.append(session)
        try:
            await session.run()
        except (Reset, Closed, Expired, Refused):
            session.drop()
        finally:
            session.end()


class _Session:
    """One control connection."""

    def __init__(self, server: FirmwareServer, control: Stream) -> None:
        self.server, self.control, self.wire = server, control, server.wire
        self.user = ""
        self.binary = False
        self.start = 0
        self.named = ""
        self.passive: Listener | None = None
        self.active: tuple[str, int] | None = None
        self.accepted: History[Stream] = History(self.wire, "FTP data connection")
        self.data: list[Stream] = []

    async def run(self) -> None:
        """Answer commands until the device leaves."""
        self.reply("220 ready")
        buffer = b""
        while not self.control.closed:
            chunk = await self.control.read()
            if not chunk.data:
                return
            buffer += chunk.data
            while b"\n" in buffer:
                line, _, buffer = buffer.partition(b"\n")
                await self.command(line.decode("utf-8", "replace").strip("\r"))
            if len(buffer) > LONGEST_LINE:
                return

    def reply(self, text: str) -> None:
        """One reply line."""
        self.control.write(f"{text}\r\n".encode())

    async def command(self, line: str) -> None:
        """Carry out one command."""
        verb, _, argument = line.partition(" ")
        verb = verb.upper()
        name = argument.removeprefix("./").lstrip("/") if verb in ("SIZE", "RETR", "MDTM") else argument
        shown = "" if verb == "PASS" else name
        self.server.requests.note(Request(self.wire.now(), self.user, verb, shown))
        if verb in ("USER", "PASS", "QUIT", "AUTH", "FEAT", "SYST", "NOOP", "OPTS"):
            self._greet(verb, argument)
        elif not self.user:
            self.reply("530 not logged in")
        elif verb in ("PASV", "EPSV", "PORT", "EPRT"):
            await self._data_address(verb, argument)
        elif verb == "RETR":
            await self._retrieve(name)
        else:
            self._state(verb, name)

    def _greet(self, verb: str, argument: str) -> None:
        if verb == "USER":
            self.user, self.named = "", argument
            self.reply("331 password")
        elif verb == "PASS":
            right = (self.named, argument) == (self.server.account, self.server.password)
            self.user = self.named if right else ""
            self.reply("230 logged in" if right else "530 login refused")
        elif verb == "QUIT":
            self.reply("221 goodbye")
            self.control.close()
        elif verb == "FEAT":
            self.reply("211-Features\r\n EPRT\r\n EPSV\r\n REST STREAM\r\n SIZE\r\n UTF8\r\n211 End")
        else:
            self.reply({"SYST": "215 UNIX Type: L8", "AUTH": "502 no TLS here"}.get(verb, "200 ok"))

    def _state(self, verb: str, argument: str) -> None:
        if verb == "TYPE":
            self.binary = argument[:1].upper() in ("I", "L")
            self.reply("200 type set")
        elif verb == "REST" and argument.isdigit():
            self.start = int(argument)
            self.reply("350 restarting there")
        elif verb == "SIZE":
            size = self.size(argument)
            self.reply("550 no such file" if size is None else f"213 {size}")
        elif verb in ("PWD", "XPWD"):
            self.reply('257 "/" is the directory')
        else:
            known = {
                "CWD": "250 there",
                "CDUP": "250 there",
                "MODE": "200 stream",
                "STRU": "200 file",
                "ABOR": "226 done",
            }
            self.reply(known.get(verb, "502 not implemented"))

    def size(self, name: str) -> int | None:
        """What SIZE tells; None for a file that is not there."""
        content = self.server.files.get(name)
        return None if content is None else self.server.bends.told.get(name, len(content))

    # data

    async def _data_address(self, verb: str, argument: str) -> None:
        self.end()
        self.active = None
        if verb in ("PASV", "EPSV"):
            self.passive = await self.wire.listen(self.control.local[0], 0, self._accept, label="ftp-data")
            high, low = divmod(self.passive.port, 256)
            host = self.control.local[0].replace(".", ",")
            self.reply(
                f"227 entering passive mode ({host},{high},{low})"
                if verb == "PASV"
                else f"229 entering passive mode (|||{self.passive.port}|)"
            )
            return
        numbers = NUMBERS.fullmatch(argument)
        parts = argument.split("|")
        if verb == "PORT" and numbers:
            self.active = (self.control.peer[0], int(numbers[5]) * 256 + int(numbers[6]))
        elif verb == "EPRT" and len(parts) == 5 and parts[3].isdigit():
            self.active = (self.control.peer[0], int(parts[3]))
        self.reply("200 ok" if self.active else "501 no address")

    async def _accept(self, stream: Stream) -> None:
        self.data.append(stream)
        self.accepted.note(stream)

    async def _open_data(self) -> Stream:
        within = self.server.limits["connect_wait"].seconds
        if self.active is not None:
            stream = await self.wire.connect(*self.active, label="ftp-data", within=within)
            self.data.append(stream)
            return stream
        return await self.accepted.reach(1, within)

    async def _retrieve(self, name: str) -> None:
        size, start, self.start = self.size(name), self.start, 0
        if size is None or (self.passive is None and self.active is None):
            self.reply("550 no such file" if size is None else "425 no data connection")
            return
        transfer = Transfer(self.wire.now(), self.user, name, self.binary, start)
        self.server.transfers.append(transfer)
        self.reply("150 here it comes")
        try:
            stream = await self._open_data()
        except (NoAnswer, Refused, Expired):
            self.reply("425 no data connection")
            return
        try:
            await self._send(stream, transfer, size)
        except (Reset, Closed):
            self.reply("426 the data connection was closed")
        else:
            transfer.complete = True
            stream.close()
            self.reply("226 transfer complete")
        self.end()

    async def _send(self, stream: Stream, transfer: Transfer, size: int) -> None:
        """The rest of a file from the offset; filler beyond what there is. Raises Reset, Closed."""
        bends, content = self.server.bends, self.server.files[transfer.name]
        while (place := transfer.start + transfer.sent) < size:
            limit = max(1, round(bends.pace * TICK)) if bends.pace else BLOCK
            broken = bends.break_after.get(transfer.name)
            rest = size - place if broken is None else min(size - place, broken - transfer.sent)
            block = content[place : place + min(limit, rest)] or bytes(min(limit, rest))
            stream.write(block)
            transfer.sent += len(block)
            await stream.drain()
            if broken is not None and transfer.sent >= broken:
                del bends.break_after[transfer.name]
                self.drop()
                raise Closed("ftp")
            if bends.pace:
                await self.wire.sleep(TICK)
            if stream.at_eof or stream.drop_reason:
                raise Closed("ftp-data")

    # the end

    def drop(self) -> None:
        """Drop control and data connections."""
        for stream in (*self.data, self.control):
            stream.abort()

    def end(self) -> None:
        """Stop waiting for data connections, close those that were open."""
        if self.passive is not None:
            self.passive.close()
            self.passive = None
        for stream in self.data:
            stream.close()
        self.data.clear()
        self.accepted.clear()

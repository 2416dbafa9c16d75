"""The platform's FTP server as tests see it: pictures come in, files go out, every command is known (RFC 959).

The server itself is pyftpdlib in a thread. What happens there reaches the tests, and the tape, as exchanges of the
wire: control lines and stored bytes as they were, a password as ``****``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from conformance.peers.ftp_thread import Bends, Fact, FtpThread
from conformance.wire import Address, CallFailed, Exchange, Hop, Refused, Wire

LABEL = "ftp"
ACCOUNT = "kandian"
LOOK_AGAIN = 0.05
IN_PART = "-in-part"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a device. ``session``: 1, 2, ... by control connection; the argument of PASS is ``****``."""

    at: float
    session: int
    verb: str
    argument: str


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was stored. ``path`` without a slash before it; ``at``: when the data connection was closed."""

    path: str
    data: bytes
    at: float
    session: int = 0

    @property
    def digest(self) -> str:
        """sha256 of the content."""
        return hashlib.sha256(self.data).hexdigest()


@dataclass(frozen=True, slots=True)
class Download:
    """A file that was fetched, or a part of it."""

    path: str
    sent_bytes: int
    complete: bool
    at: float
    session: int = 0


class FtpServer:
    """``uploads``, ``partial``, ``downloads``, ``commands`` are as of the last `collect` or `wait_for`.

    ``running``: whether the server listens.

    Bends: ``refuse_login``, ``silent`` (not even a greeting), ``missing`` (paths answered 550), `throttle`,
    `cut_after`. `reset` takes them back; what was noted and what is stored stays, except by `forget`.
    """

    def __init__(self, wire: Wire, user: str = ACCOUNT, password: str = "") -> None:
        self.host, self.port = "127.0.0.1", 0
        self.user, self.password = user, password or f"{wire.random.getrandbits(48):012x}"
        self.bends = Bends()
        self.commands: list[Command] = []
        self.uploads: list[Upload] = []
        self.partial: list[Upload] = []
        self.downloads: list[Download] = []
        self._wire = wire
        self._thread: FtpThread | None = None
        self.running = False

    async def start(self, host: str = "", port: int = 0) -> None:
        """Listen there; without arguments where it listened before. Raises Refused when the address is taken."""
        self.host, self.port = host or self.host, port or self.port
        try:
            exchange = await self._wire.blocking(f"{LABEL} start", self._start)
        except CallFailed as error:
            raise Refused(LABEL, self.host, self.port, str(error)) from None
        self.host, self.port = exchange.hops[0].local
        self.running = True

    async def restart(self) -> None:
        """Listen again on the same port."""
        if not self.running:
            await self.start()

    async def stop(self) -> None:
        """Drop every connection, listen no more."""
        self.running = False
        await self._wire.blocking(f"{LABEL} stop", self._stop)

    @property
    def elements(self) -> dict[str, str]:
        """Ftp elements of REGISTER_RES and UPGRADE_REQ."""
        address = {"FtpIP": self.host, "FtpPort": str(self.port)}
        return {**address, "FtpAccount": self.user, "FtpPassword": self.password}

    def url(self, path: str = "") -> str:
        """Where a file is, without the account."""
        return f"ftp://{self.host}:{self.port}/{path.lstrip('/')}"

    def publish(self, path: str, data: bytes) -> None:
        """Offer a file. Call it while the server runs."""
        if self._thread is not None:
            place = self._thread.folder / path.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)

    # bends

    @property
    def refuse_login(self) -> bool:
        """Whether every login is answered 530."""
        return self.bends.refuse_login

    @refuse_login.setter
    def refuse_login(self, value: bool) -> None:
        self.bends.refuse_login = value

    @property
    def silent(self) -> bool:
        """Whether nothing is answered, not even the connection is greeted."""
        return self.bends.silent

    @silent.setter
    def silent(self, value: bool) -> None:
        self.bends.silent = value

    @property
    def missing(self) -> set[str]:
        """Paths that are answered 550 although the file is there."""
        return self.bends.missing

    def cut_after(self, path: str, n_bytes: int) -> None:
        """Drop data and control connection of the next RETR of that file after so many bytes, once."""
        self.bends.cuts[path.lstrip("/")] = n_bytes

    def throttle(self, bytes_per_second: float) -> None:
        """Bound the speed of transfers that begin from now on, both ways; 0 = unbounded."""
        self.bends.rate = int(bytes_per_second)

    def reset(self) -> None:
        """Honest again."""
        self.bends.refuse_login = self.bends.silent = False
        self.bends.rate = 0
        self.bends.missing.clear()
        self.bends.cuts.clear()

    def forget(self) -> None:
        """Begin new lists."""
        for found in (self.commands, self.uploads, self.partial, self.downloads):
            found.clear()

    # what happened

    async def wait_for(self, predicate: Callable[[FtpServer], object], within: float) -> bool:
        """Look again and again until ``predicate(server)`` is true; False when it is not within so many seconds."""
        until = self._wire.now() + within
        while True:
            await self.collect()
            if predicate(self):
                return True
            rest = until - self._wire.now()
            if rest <= 0:
                return False
            await self._wire.sleep(min(rest, LOOK_AGAIN))

    async def collect(self) -> None:
        """Take over what has happened since the last call."""
        exchange = await self._wire.blocking(LABEL, self._collect)
        for hop in exchange.hops:
            self._take(hop)

    def _take(self, hop: Hop) -> None:
        facts = json.loads(hop.url)
        kind, session, path, at = facts["kind"], facts["session"], facts["path"], hop.finished
        if kind == "command":
            verb, _, argument = hop.response.decode("utf-8", "replace").rstrip("\r\n").partition(" ")
            self.commands.append(Command(at, session, verb.upper(), argument))
        elif kind.startswith("stored"):
            target = self.partial if kind.endswith(IN_PART) else self.uploads
            target.append(Upload(path, hop.response, at, session))
            self._wire.note(f"FTP {kind} {path}: {len(hop.response)} bytes, sha256 {target[-1].digest}")
        elif kind.startswith("sent"):
            self.downloads.append(Download(path, facts["size"], not kind.endswith(IN_PART), at, session))
            self._wire.note(f"FTP {kind} {path}: {facts['size']} bytes")

    # in an executor

    def _start(self) -> Exchange:
        self._thread = FtpThread((self.host, self.port), self.user, self.password, self.bends)
        self._thread.start()
        return Exchange((Hop("", self._thread.address, ("", 0), b"", b"", 0.0, 0.0),))

    def _stop(self) -> Exchange:
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.stop()
        return Exchange(())

    def _collect(self) -> Exchange:
        return Exchange(
            tuple(_hop(fact, self._thread.address) for fact in self._thread.drain()) if self._thread else ()
        )


def _hop(fact: Fact, local: Address) -> Hop:
    """One fact as a hop: what the server said as request, what the device sent as response."""
    name = {"kind": fact.kind, "session": fact.session, "path": fact.path, "size": fact.size}
    said, heard = (fact.data, b"") if fact.kind == "reply" else (b"", fact.data)
    return Hop(json.dumps(name), local, fact.peer, said, heard, fact.at, fact.at)

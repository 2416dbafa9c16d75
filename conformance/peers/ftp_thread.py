"""pyftpdlib in a thread of its own: serves files, bends where it is told to, writes down what happened (RFC 959)."""

from __future__ import annotations

import logging
import shutil
import socket
import struct
import tempfile
import threading
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Literal

from pyftpdlib.authorizers import AuthenticationFailed, DummyAuthorizer
from pyftpdlib.handlers import FTPHandler, ThrottledDTPHandler
from pyftpdlib.ioloop import IOLoop
from pyftpdlib.servers import FTPServer

from conformance.wire import Address

POLL = 0.1
JOIN_WAIT = 5.0
REFUSAL_PAUSE = 0.05
RIGHTS = "elradfmwMT"
LINGER_NOT = struct.pack("ii", 1, 0)

FactKind = Literal["command", "reply", "stored", "stored-in-part", "sent", "sent-in-part"]


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that happened. ``at``: monotonic seconds; ``data``: the control line or the stored bytes."""

    kind: FactKind
    at: float
    session: int
    peer: Address
    data: bytes = b""
    path: str = ""
    size: int = 0


@dataclass(slots=True)
class Bends:
    """How the server misbehaves; see `FtpServer`."""

    refuse_login: bool = False
    silent: bool = False
    rate: int = 0
    missing: set[str] = field(default_factory=set)
    cuts: dict[str, int] = field(default_factory=dict)


class FtpThread:
    """One server with its folder. ``address`` is known from the beginning, the thread runs from `start` to `stop`.

    Raises OSError when the address is taken.
    """

    def __init__(self, address: Address, user: str, password: str, bends: Bends) -> None:
        self.bends = bends
        self.facts: SimpleQueue[Fact] = SimpleQueue()
        self.sessions = count(1)
        self.folder = Path(tempfile.mkdtemp(prefix="kandian-ftp-"))
        _quieten()
        authorizer = _Authorizer()
        authorizer.bends = bends
        authorizer.add_user(user, password, str(self.folder), perm=RIGHTS)
        handler = type("Handler", (_Control,), {"authorizer": authorizer, "owner": self})
        self._loop = IOLoop()
        try:
            self._server = FTPServer(address, handler, ioloop=self._loop)
        except OSError:
            self._loop.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        self.address: Address = tuple(self._server.address)
        self._ending = threading.Event()
        self._failure = ""
        self._thread = threading.Thread(target=self._serve, name="ftp", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Drop everyone, end the thread, remove the folder."""
        self._ending.set()
        self._thread.join(JOIN_WAIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def drain(self) -> list[Fact]:
        """Everything that happened since the last call. Raises RuntimeError when the thread has failed."""
        if self._failure:
            raise RuntimeError(self._failure)
        found = []
        while True:
            try:
                found.append(self.facts.get_nowait())
            except Empty:
                return found

    def _serve(self) -> None:
        try:
            while not self._ending.is_set():
                self._loop.loop(timeout=POLL, blocking=False)
        except Exception as error:  # noqa: BLE001 - whatever it is, `drain` tells it
            self._failure = repr(error)
        finally:
            self._server.close_all()


def _quieten() -> None:
    """pyftpdlib installs a handler of its own where there is none."""
    log = logging.getLogger("pyftpdlib")
    log.setLevel(logging.CRITICAL)
    if not log.handlers:
        log.addHandler(logging.NullHandler())


class _Authorizer(DummyAuthorizer):  # type: ignore[misc]
    bends: Bends

    def validate_authentication(self, username: str, password: str, handler: Any) -> None:
        if self.bends.refuse_login:
            raise AuthenticationFailed("Authentication failed.")
        super().validate_authentication(username, password, handler)


class _Data(ThrottledDTPHandler):  # type: ignore[misc]
    # pyftpdlib sets this after a step of its constructor that may need it already.
    _throttler: Any = None
    was_reset = False

    def __init__(self, sock: socket.socket, cmd_channel: _Control) -> None:
        self.read_limit = self.write_limit = cmd_channel.owner.bends.rate
        super().__init__(sock, cmd_channel)

    def recv(self, buffer_size: int) -> bytes:
        """Bytes of a STOR. pyftpdlib takes a reset for the end of the file; here it is seen before that."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except ConnectionResetError:
            self.was_reset = True
        except OSError:
            pass
        return bytes(super().recv(buffer_size))

    def _throttle_bandwidth(self, len_chunk: int, max_speed: int) -> None:
        """A pause after every piece; pyftpdlib lets a second's worth pass first and then stops for long."""
        if not self._closed and len_chunk:
            self.del_channel()
            self._cancel_throttler()
            pause = len_chunk / max_speed
            self._throttler = self.ioloop.call_later(pause, self._go_on, _errback=self.handle_error)

    def _go_on(self) -> None:
        self.add_channel(events=self.ioloop.READ if self.receive else self.ioloop.WRITE)

    def handle_close(self) -> None:
        if self.was_reset and not self._closed:
            self._resp = ("426 Connection reset; transfer aborted.", logging.getLogger("pyftpdlib").info)
            self.close()
        else:
            super().handle_close()

    def send(self, data: bytes) -> int:
        """Bytes of a RETR; a cut ends both connections after the bytes that it allows."""
        cuts = self.cmd_channel.owner.bends.cuts
        path = self.cmd_channel.path_of(self.file_obj.name) if self.file_obj is not None else ""
        if path not in cuts:
            return int(super().send(data))
        sent = int(super().send(data[: cuts[path] - self.tot_bytes_sent]))
        if self.tot_bytes_sent >= cuts[path]:
            del cuts[path]
            for channel in (self, self.cmd_channel):
                channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
            self.cmd_channel.ioloop.call_later(0, self.cmd_channel.close)
            self.close()
        return sent


class _Control(FTPHandler):  # type: ignore[misc]
    owner: FtpThread
    dtp_handler = _Data
    use_sendfile = False
    auth_failed_timeout = REFUSAL_PAUSE
    banner = "ready"
    session = 0

    def path_of(self, file: str) -> str:
        """The path on the server of a file in the folder, without a slash before it."""
        return str(Path(file).resolve().relative_to(self.owner.folder.resolve()))

    def note(self, kind: FactKind, data: bytes = b"", file: str = "", size: int = 0) -> None:
        """Write down a fact of this session."""
        path = self.path_of(file) if file else ""
        peer = (str(self.remote_ip), int(self.remote_port))
        self.owner.facts.put(Fact(kind, time.monotonic(), self.session, peer, data, path, size))

    def on_connect(self) -> None:
        self.session = next(self.owner.sessions)

    def push(self, data: str) -> None:
        if not self.owner.bends.silent:
            self.note("reply", data.encode("utf-8", "replace"))
            super().push(data)

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        shown = f"{cmd} ****" if cmd == "PASS" else line
        self.note("command", shown.encode("utf-8", "replace") + b"\r\n")
        super().pre_process_command(line, cmd, arg)

    def process_command(self, cmd: str, *args: Any, **kwargs: Any) -> None:
        if cmd in ("RETR", "SIZE", "MDTM") and args and self.path_of(args[0]) in self.owner.bends.missing:
            self.respond("550 No such file or directory.")
        else:
            super().process_command(cmd, *args, **kwargs)

    def on_file_received(self, file: str) -> None:
        self.note("stored", Path(file).read_bytes(), file)

    def on_incomplete_file_received(self, file: str) -> None:
        self.note("stored-in-part", Path(file).read_bytes(), file)

    def on_file_sent(self, file: str) -> None:
        self.note("sent", b"", file, self.data_channel.tot_bytes_sent if self.data_channel else 0)

    def on_incomplete_file_sent(self, file: str) -> None:
        self.note("sent-in-part", b"", file, self.data_channel.tot_bytes_sent if self.data_channel else 0)

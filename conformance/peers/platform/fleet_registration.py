"""Registrations of a fleet: REGISTER by HTTP over a few connections, kept where the platform keeps them (tykd 1)."""

from __future__ import annotations

import select
import socket
from collections import deque
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.peers.platform.fleet_frames import text_of
from conformance.peers.platform.fleet_samples import Outcome

if TYPE_CHECKING:
    from conformance.peers.platform.fleet_engine import Engine
    from conformance.peers.platform.fleet_member import Member

READ_SIZE = 16384
LARGEST_ANSWER = 65536
HTTP = 80
READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class Registry:
    """Hands members that want to register to free connections; the others wait in a queue."""

    def __init__(self, engine: Engine, url: str, most: int) -> None:
        self.engine = engine
        self.url = url
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or HTTP)
        self._most = most
        self._queue: deque[Member] = deque()
        self._idle: list[Connection] = []
        self.busy: set[Connection] = set()

    def take(self, member: Member) -> None:
        """Register this member as soon as there is a connection."""
        self._queue.append(member)
        self.go_on()

    def go_on(self) -> None:
        """Give work to free connections."""
        while self._queue and len(self.busy) < self._most:
            connection = self._idle.pop() if self._idle else Connection(self)
            self.busy.add(connection)
            connection.register(self._queue.popleft())

    def freed(self, connection: Connection, *, kept: bool) -> None:
        """A connection has done its work."""
        self.busy.discard(connection)
        if kept:
            self._idle.append(connection)
        else:
            connection.close()

    def gone(self, connection: Connection) -> None:
        """An idle connection was closed by the platform."""
        if connection in self._idle:
            self._idle.remove(connection)
        connection.close()

    def close(self) -> None:
        """Drop every connection."""
        for connection in (*self.busy, *self._idle):
            connection.close()


class Connection:
    """One HTTP connection. ``used``: it has carried an answer, so that a close may be met by a second try."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.member: Member | None = None
        self.sock: socket.socket | None = None
        self.used = False
        self._unsent = b""
        self._received = b""

    def register(self, member: Member) -> None:
        """Send the request of a member."""
        self.member = member
        self._unsent = self.registry.engine.frames.registration(member.dev_id, self.registry.url)
        self._received = b""
        if self.sock is None:
            self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.sock.setblocking(False)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock.connect_ex(self.registry.address)
        self.registry.engine.watch(self.sock.fileno(), self, READ | WRITE)

    def ready(self, events: int, now: float) -> None:
        """The socket can be read or written, or has failed."""
        try:
            if events & WRITE and self._unsent:
                self._write()
            if events & ~WRITE:
                self._read(now)
        except BlockingIOError:
            return
        except OSError:
            self._ended(now)

    def _write(self) -> None:
        if self.sock is None:
            return
        sent = self.sock.send(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self.registry.engine.watch(self.sock.fileno(), self, READ)

    def _read(self, now: float) -> None:
        if self.sock is None:
            return
        data = self.sock.recv(READ_SIZE)
        self._received += data
        if not data:
            self._ended(now)
        elif self.member is not None and (answer := whole_answer(self._received)) is not None:
            self._answered(answer, now)
        elif len(self._received) > LARGEST_ANSWER:
            self._done(Outcome.BROKEN, now, kept=False)

    def _answered(self, answer: tuple[bytes, bytes], now: float) -> None:
        head, body = answer
        self.used = True
        kept = b"\r\nconnection: close" not in head.lower()
        addresses = access_servers(body)
        if not head.startswith(b"HTTP/1.") or head[9:13] != b"200 ":
            self._done(Outcome.BROKEN, now, kept=kept)
        elif text_of(body, b"Result") != "0":
            self._done(Outcome.REFUSED, now, kept=kept)
        elif not addresses:
            self._done(Outcome.BROKEN, now, kept=kept)
        else:
            member, self.member = self.member, None
            self.registry.freed(self, kept=kept)
            if member is not None:
                member.registered(addresses, now)
            self.registry.go_on()

    def _done(self, outcome: Outcome, now: float, *, kept: bool) -> None:
        member, self.member = self.member, None
        self.registry.freed(self, kept=kept)
        if member is not None:
            member.not_registered(outcome, now)
        self.registry.go_on()

    def _ended(self, now: float) -> None:
        if self.member is None:
            self.registry.gone(self)
        elif self.used and not self._received:
            member = self.member
            self.close()
            self.used = False
            self.register(member)
        else:
            self._done(Outcome.LOST, now, kept=False)

    def overdue(self, now: float) -> None:
        """No answer within its time."""
        self._done(Outcome.TIMEOUT, now, kept=False)

    def close(self) -> None:
        """Close the socket."""
        if self.sock is not None:
            self.registry.engine.unwatch(self.sock.fileno())
            self.sock.close()
            self.sock = None


def whole_answer(data: bytes) -> tuple[bytes, bytes] | None:
    """Head and body of an answer with a Content-Length, None while it is not complete."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip().isdigit():
            return (head, body) if len(body) >= int(value) else None
    return head, body


def access_servers(body: bytes) -> tuple[tuple[str, int], ...]:
    """Primary and backup access server of a REGISTER_RES; empty where there is no primary."""
    found = []
    for names in ((b"NatIP", b"NatPort"), (b"BackupNatIP", b"BackupNatPort")):
        host, port = (text_of(body, name) or "" for name in names)
        if host and port.isdigit():
            found.append((host, int(port)))
        elif not found:
            break
    return tuple(found)

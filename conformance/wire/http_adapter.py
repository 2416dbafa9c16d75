"""HTTP through requests with every raw byte recorded: redirects, failures and half answers included.

requests is lenient (bare LF heads, wrong versions, Content-Length beside chunked), so verdicts about form are made on
the raw bytes of the hops, never on what requests made of them.
"""

from __future__ import annotations

import http.client
import io
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from conformance.wire.tape import Address, Exchange, Hop, address

if TYPE_CHECKING:
    from conformance.wire.wire import Wire

ANSWER_LIMIT = 64 * 1024 * 1024
SECONDS_PER_WAIT = 10.0
SECONDS_IN_ALL = 60.0
NOWHERE: Address = ("", 0)
FAILURES = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a lenient reader makes of a raw response. ``complete``: the body has the length it was announced with."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    complete: bool

    def header(self, name: str) -> str | None:
        """The first header of this name, without regard to case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


@dataclass(slots=True)
class _HopLog:
    """One hop under way; times are monotonic seconds."""

    url: str
    started: float
    request: bytearray = field(default_factory=bytearray)
    response: bytearray = field(default_factory=bytearray)
    local: Address = NOWHERE
    peer: Address = NOWHERE
    finished: float = 0.0
    tls: bool = False

    def as_hop(self) -> Hop:
        end = self.finished or self.started
        raw = (bytes(self.request), bytes(self.response))
        return Hop(self.url, self.local, self.peer, raw[0], raw[1], self.started, end, self.tls)


class _Log:
    """All hops of one exchange, and the bounds it must keep."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.hops: list[_HopLog] = []
        self.limit = limit
        self.deadline = time.monotonic() + seconds
        self._received = 0

    def open(self, url: str) -> None:
        self.hops.append(_HopLog(url, time.monotonic()))

    def sent(self, data: bytes, local: Address, peer: Address, tls: bool) -> None:
        hop = self.hops[-1]
        hop.local, hop.peer, hop.tls = local, peer, tls
        hop.request += data
        hop.finished = time.monotonic()

    def received(self, data: bytes) -> None:
        now = time.monotonic()
        self.hops[-1].response += data
        self.hops[-1].finished = now
        self._received += len(data)
        if self._received > self.limit:
            raise OSError(f"answer larger than {self.limit} bytes")
        if now > self.deadline:
            raise TimeoutError("the whole exchange takes too long")


class _TappedReader(io.RawIOBase):
    def __init__(self, raw: Any, log: _Log) -> None:
        self._raw = raw
        self._log = log

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer)
        if count:
            self._log.received(bytes(memoryview(buffer)[:count]))
        return int(count or 0)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TappedSocket:
    """A connected socket (plain or TLS) that copies what passes to the log."""

    def __init__(self, sock: socket.socket, log: _Log, tls: bool) -> None:
        self._sock = sock
        self._log = log
        self._names = (address(sock.getsockname()), address(sock.getpeername()), tls)

    def sendall(self, data: Any, *flags: int) -> None:
        self._sock.sendall(data, *flags)
        self._log.sent(bytes(data), *self._names)

    def makefile(self, mode: str = "rb", buffering: int = -1) -> io.BufferedReader:
        return io.BufferedReader(_TappedReader(self._sock.makefile("rb", buffering=0), self._log))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


class RecordingAdapter(HTTPAdapter):
    """A requests transport that copies raw bytes; one per exchange, no retries."""

    def __init__(self, log: _Log) -> None:
        self._log = log
        super().__init__(max_retries=0)

    def init_poolmanager(self, *positions: Any, **names: Any) -> None:
        super().init_poolmanager(*positions, **names)
        log = self._log

        class Plain(HTTPConnection):
            def connect(self) -> None:
                super().connect()
                self.sock: Any = _TappedSocket(self.sock, log, tls=False)

        class Secure(HTTPSConnection):
            def connect(self) -> None:
                super().connect()
                self.sock: Any = _TappedSocket(self.sock, log, tls=True)

        class PlainPool(HTTPConnectionPool):
            ConnectionCls = Plain

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        self.poolmanager.pool_classes_by_scheme = {"http": PlainPool, "https": SecurePool}

    def send(self, request: requests.PreparedRequest, *positions: Any, **names: Any) -> requests.Response:
        self._log.open(request.url or "")
        return super().send(request, *positions, **names)


def exchange(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    auth: Any = None,
    verify: bool | str = True,
    redirects: bool = True,
    seconds: float = SECONDS_PER_WAIT,
    seconds_in_all: float = SECONDS_IN_ALL,
    limit: int = ANSWER_LIMIT,
) -> Exchange:
    """Do one HTTP request, blocking; for ``wire.blocking``. Never raises for the network or the peer: see ``error``.

    seconds: longest single wait (connect, read); seconds_in_all: longest whole exchange; limit: bytes received in all.
    auth: as requests takes it. verify: False or a CA file for TLS. Times in the hops are monotonic seconds.
    """
    log = _Log(limit, seconds_in_all)
    error = ""
    with requests.Session() as session:
        session.trust_env = False
        adapter = RecordingAdapter(log)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        try:
            session.request(
                method,
                url,
                headers=headers,
                data=body,
                auth=auth,
                verify=verify,
                allow_redirects=redirects,
                timeout=seconds,
            )
        except FAILURES as failure:
            error = f"{type(failure).__name__}: {failure}"
    return Exchange(tuple(hop.as_hop() for hop in log.hops), error)


async def http_exchange(wire: Wire, label: str, method: str, url: str, **options: Any) -> Exchange:
    """``exchange`` on the wire: recorded when live, taken from the tape in a replay. Options as for ``exchange``."""
    return await wire.blocking(label, lambda: exchange(method, url, **options))


class _Canned:
    """Bytes that look like a socket to http.client."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def answer(hop: Hop) -> HttpAnswer | None:
    """The response of a hop as http.client reads it; None when there is no readable head."""
    method = hop.request.partition(b" ")[0].decode("latin-1")
    response = http.client.HTTPResponse(_Canned(hop.response), method=method)  # type: ignore[arg-type]
    try:
        response.begin()
    except (http.client.HTTPException, ValueError, OSError):
        return None
    complete = True
    try:
        body = response.read()
    except http.client.IncompleteRead as short:
        body, complete = short.partial, False
    except (http.client.HTTPException, ValueError):
        body, complete = b"", False
    headers = tuple((name, value.strip()) for name, value in response.getheaders())
    return HttpAnswer(response.status, response.reason, headers, body, complete)

"""A raw HTTP client on the wire: exactly the request that a test wants, and how many bytes of media came back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from conformance.peers.http_connection import Connections, Endpoint
from conformance.protocols.http_answer import HttpAnswer, HttpAnswerError, HttpAnswerReader
from conformance.wire import Closed, Expired, Refused, Reset, Stream, Wire
from specs.model import Limit

LARGEST_BODY = 1 << 26
STARTS = (b"#EXTM3U", b"FLV\x01")
SYNC = 0x47
PACKET = 188
Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request. ``headers``: besides Host and Connection; ``host``: instead of the server's own, None for no Host."""

    target: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    version: str = "HTTP/1.1"
    host: str | None = ""
    body: bytes = b""

    def at(self, target: str) -> Asked:
        """The same for another target."""
        return replace(self, target=target)

    def to_bytes(self, authority: str) -> bytes:
        """As it goes over the wire."""
        lines = [f"{self.method} {self.target} {self.version}"]
        if self.host is not None:
            lines.append(f"Host: {self.host or authority}")
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        lines += ["Connection: close", "", ""]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of a request. ``status`` 0: no readable response, ``failure`` says why; ``media``: bytes of a body that
    are a playlist, FLV or a transport stream; ``took``: seconds until the response was whole."""

    asked: Asked
    status: int
    reason: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    failure: str = ""
    took: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether it is a 200 or a 206."""
        return self.status in (200, 206)

    def header(self, name: str) -> str:
        """The first header of that name, empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")

    @property
    def media_type(self) -> str:
        """Content-Type without parameters, lower case."""
        return self.header("content-type").partition(";")[0].strip().lower()

    @property
    def media(self) -> int:
        """Bytes of media in the body."""
        return len(self.body) if is_media(self.body) else 0

    @property
    def summary(self) -> str:
        """For people."""
        if self.failure:
            return self.failure
        kind = f" {self.media_type}" if self.media_type else ""
        return f"{self.status} {self.reason}".strip() + f",{kind} {len(self.body)} bytes"


def is_media(body: bytes) -> bool:
    """Whether bytes begin like a playlist, FLV, MP4 or a transport stream."""
    if body.startswith(STARTS) or body[4:8] in (b"ftyp", b"moof"):
        return True
    return len(body) >= PACKET and body[0] == SYNC and (len(body) == PACKET or body[PACKET] == SYNC)


class Fetcher:
    """Requests to one server, each on a connection of its own."""

    def __init__(
        self, wire: Wire, endpoint: Endpoint, limits: Mapping[str, Limit], label: str = "http", *, source: str = ""
    ) -> None:
        self.wire, self.limits = wire, limits
        self._way = Connections(wire, endpoint, limits, label)
        self._way.source = source
        self._open: list[Stream] = []

    @property
    def endpoint(self) -> Endpoint:
        """Where the server listens."""
        return self._way.endpoint

    async def open(self) -> Stream:
        """A new connection. Raises Refused or Expired."""
        return await self._way.open()

    async def get(self, target: str, headers: Headers = ()) -> Fetched:
        """An ordinary GET."""
        return await self.fetch(Asked(target, headers=tuple(headers)))

    async def fetch(self, asked: Asked, *, most: int = LARGEST_BODY) -> Fetched:
        """Send a request, read what comes, at most about ``most`` bytes of a body."""
        began = self.wire.now()
        try:
            stream = await self.open()
        except (Refused, Expired) as error:
            return Fetched(asked, 0, failure=str(error))
        self._open.append(stream)
        try:
            stream.write(asked.to_bytes(self.endpoint.authority))
            answer = await self._read(stream, HttpAnswerReader(asked.method, largest_body=LARGEST_BODY), most)
        except (Closed, Reset, Expired, HttpAnswerError) as error:
            return Fetched(asked, 0, failure=str(error), took=self.wire.now() - began)
        finally:
            stream.close()
            self._open.remove(stream)
        if answer is None:
            return Fetched(asked, 0, failure="closed without a response", took=self.wire.now() - began)
        took = self.wire.now() - began
        return Fetched(asked, answer.status, answer.reason, answer.headers, answer.body, took=took)

    async def _read(self, stream: Stream, reader: HttpAnswerReader, most: int) -> HttpAnswer | None:
        seconds = self.limits["answer_wait"].seconds
        until = self.wire.now() + self.limits["exchange_wait"].seconds
        while self.wire.now() < until:
            chunk = await stream.read(within=seconds)
            found = reader.feed(chunk.data) if chunk.data else reader.end()
            if found is not None or not chunk.data:
                return found
            if reader.head is not None and reader.kept >= most:
                return replace(reader.head, body=reader.drain())
        raise Expired(self.limits["exchange_wait"].seconds, "the end of the response")

    def close(self) -> None:
        """Close what is open."""
        for stream in self._open:
            stream.close()
        self._open.clear()

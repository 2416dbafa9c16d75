"""Keep-alive connections to one HTTP endpoint, on the wire: exactly the bytes that a test wants to send."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from conformance.protocols.http_answer import HttpAnswer, HttpAnswerReader
from conformance.protocols.raw_request import RawRequest
from conformance.wire import Closed, Expired, Reset, Stream, Wire
from specs.model import Limit

EXPECTED_PORT = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server listens. ``ca_file``: certificate that vouches for it, empty for the system's."""

    scheme: str
    host: str
    port: int
    ca_file: str = ""

    @classmethod
    def of(cls, url: str, ca_file: str = "") -> Endpoint:
        """From http[s]://host[:port]."""
        parts = urlsplit(url)
        return cls(parts.scheme, parts.hostname or "", parts.port or EXPECTED_PORT.get(parts.scheme, 0), ca_file)

    @property
    def authority(self) -> str:
        """The Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == EXPECTED_PORT.get(self.scheme) else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """http[s]://host[:port]."""
        return f"{self.scheme}://{self.authority}"


class NoResponse(Exception):
    """No readable response came. ``dropped``: the connection broke."""

    def __init__(self, why: str, *, dropped: bool) -> None:
        super().__init__(why)
        self.dropped = dropped


def request_bytes(request: RawRequest) -> bytes:
    """The bytes of a request as they stand; nothing is added."""
    lines = [f"{request.method} {request.target} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape") + request.body


class Connections:
    """A pool of connections; each is used by one exchange at a time. ``label``: of the connections on the wire;
    ``resend``: a POST, too, is sent again when a kept connection turns out to be closed; ``source``: local address from
    which new ones come, empty for any."""

    def __init__(
        self, wire: Wire, endpoint: Endpoint, limits: Mapping[str, Limit], label: str = "s3", *, resend: bool = False
    ) -> None:
        self.wire, self.endpoint, self.limits, self.label = wire, endpoint, limits, label
        self.source = ""
        self._resend = resend
        self._idle: list[Stream] = []
        self._context: ssl.SSLContext | None = None

    async def open(self) -> Stream:
        """A new connection. Raises Refused or Expired."""
        return await self.open_with(self.context())

    async def open_with(self, tls: ssl.SSLContext | None) -> Stream:
        """A new connection with TLS of another kind. Raises Refused or Expired."""
        within = self.limits["connect_wait"].seconds
        to = self.endpoint
        return await self.wire.connect(to.host, to.port, label=self.label, tls=tls, within=within, source=self.source)

    def context(self) -> ssl.SSLContext | None:
        """How the endpoint has to prove who it is; None for plain HTTP."""
        if self.endpoint.scheme == "https" and self._context is None:
            there = Path(self.endpoint.ca_file).is_file()  # a replay needs none
            self._context = ssl.create_default_context(cafile=self.endpoint.ca_file if there else None)
        return self._context

    async def exchange(self, request: RawRequest, within: float | None = None) -> HttpAnswer:
        """Send a request and read its response; a kept connection that the server has closed is replaced once.

        Raises NoResponse, Refused, Expired (connect), HttpAnswerError.
        """
        while self._idle and (self._idle[-1].at_eof or self._idle[-1].drop_reason):
            self._idle.pop().close()
        fresh = not self._idle
        stream = await self.open() if fresh else self._idle.pop()
        try:
            return await self.exchange_on(stream, request, within)
        except NoResponse as failure:
            if fresh or not failure.dropped or (request.method == "POST" and not self._resend):
                raise
        return await self.exchange_on(await self.open(), request, within)

    async def exchange_on(self, stream: Stream, request: RawRequest, within: float | None = None) -> HttpAnswer:
        """The same on a given connection, which is kept afterwards when it can be."""
        reader = HttpAnswerReader(request.method)
        kept = False
        try:
            try:
                stream.write(request_bytes(request))
            except (Closed, Reset):
                raise NoResponse("the connection was closed", dropped=True) from None
            answer = await self.read(stream, reader, within)
            kept = not answer.closes and not reader.surplus
            return answer
        finally:
            if kept and not stream.closed and not stream.at_eof:
                self._idle.append(stream)
            else:
                stream.close()

    async def read(self, stream: Stream, reader: HttpAnswerReader, within: float | None = None) -> HttpAnswer:
        """Read one response. Raises NoResponse or HttpAnswerError."""
        seconds = within or self.limits["answer_wait"].seconds
        until = self.wire.now() + self.limits["exchange_wait"].seconds
        try:
            while self.wire.now() < until:
                chunk = await stream.read(within=seconds)
                found = reader.feed(chunk.data) if chunk.data else reader.end()
                if found is not None:
                    return found
                if not chunk.data:
                    raise NoResponse("the server closed the connection without an answer", dropped=True)
        except Reset:
            raise NoResponse("the server reset the connection", dropped=True) from None
        except Expired:
            raise NoResponse(f"no answer within {seconds:g} s", dropped=False) from None
        raise NoResponse("the answer does not end", dropped=False)

    def close(self) -> None:
        """Close what is idle."""
        for stream in self._idle:
            stream.close()
        self._idle.clear()

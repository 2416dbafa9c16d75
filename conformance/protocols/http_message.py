"""HTTP/1.1 messages on a stream, as far as the redirect and register steps need them (RFC 7230; tykd 1).

Bodies are framed by Content-Length; a response without it lasts until the connection ends. Chunked bodies are
recognised and refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from conformance.protocols.message_buffer import MessageBuffer, MessageLimits
from conformance.protocols.text_head import (
    NO_HEADERS,
    Dialect,
    Field,
    Headers,
    Line,
    Notes,
    read_content_length,
    read_fields,
    read_request_line,
    read_status_line,
    split_head,
    write_head,
)
from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

VERSION = "HTTP/1.1"
_BODY_METHODS = frozenset({"POST", "PUT", "PATCH"})
_BODILESS = frozenset({204, 304})
_UNTIL_CLOSE = -1

HttpLimits = MessageLimits


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request. ``raw``: its exact bytes when received; violations carry positions in ``raw``."""

    method: str
    target: str
    version: str = VERSION
    headers: Headers = NO_HEADERS
    body: bytes = b""
    raw: bytes = field(default=b"", compare=False, repr=False)
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @classmethod
    def build(
        cls, method: str, target: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> HttpRequest:
        """A request to send; ``serialize_request`` adds Content-Length when there is a body and no such header."""
        return cls(method, target, VERSION, Headers.of(headers), body)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response. ``status`` is 0 when the code was unreadable; ``raw`` and violations as in HttpRequest."""

    status: int
    reason: str
    version: str = VERSION
    headers: Headers = NO_HEADERS
    body: bytes = b""
    raw: bytes = field(default=b"", compare=False, repr=False)
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @classmethod
    def build(
        cls, status: int, reason: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> HttpResponse:
        """A response to send; ``serialize_response`` adds Content-Length when there is a body and no such header."""
        return cls(status, reason, VERSION, Headers.of(headers), body)


HttpMessage = TypeVar("HttpMessage", HttpRequest, HttpResponse)


class HttpError(CodecError):
    """Bytes that cannot be read as HTTP. Raised by a parser, the offset counts from the start of the stream.

    ``messages``: complete messages that stood before the fault in the same piece of input.
    """

    messages: tuple[HttpRequest | HttpResponse, ...] = ()


DIALECT = Dialect(
    name="http",
    protocol="HTTP",
    versions=("HTTP/1.1", "HTTP/1.0"),
    error=HttpError,
    line="RFC 7230 3",
    header="RFC 7230 3.2",
    fold="RFC 7230 3.2.4",
    charset="RFC 7230 3.2.4",
    request="RFC 7230 3.1.1",
    status="RFC 7230 3.1.2",
    length="RFC 7230 3.3.2",
    version="RFC 7230 2.6",
)


class _HttpParser(Generic[HttpMessage]):
    """What both directions share: takes any split of the stream, bounded; an error repeats on every further call."""

    def __init__(self, limits: MessageLimits | None = None) -> None:
        self._buffer = MessageBuffer(DIALECT, limits or MessageLimits())
        self._head: tuple[HttpMessage, int, int] | None = None
        self._fault: CodecError | None = None

    @property
    def pending(self) -> bytes:
        """The bytes of an unfinished message."""
        return self._buffer.peek(len(self._buffer))

    @property
    def offset(self) -> int:
        """Stream position of the first pending byte."""
        return self._buffer.position

    def feed(self, data: bytes | bytearray | memoryview) -> list[HttpMessage]:
        """The messages that ``data`` completes. Raises HttpError beyond the limits and for a chunked body."""
        if self._fault is not None:
            raise self._copy(self._fault, [])
        self._buffer.append(data)
        messages: list[HttpMessage] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except HttpError as fault:
            self._fault = fault
            raise self._copy(fault, messages) from None
        return messages

    def finish(self) -> list[HttpMessage]:
        """Tell the parser that the stream has ended: the message that lasts until then, if there is one.

        Raises HttpError when the stream ends inside a message.
        """
        if self._fault is not None or not len(self._buffer):
            return []
        if self._head is not None and self._head[2] == _UNTIL_CLOSE:
            message, head, _ = self._head
            self._head = None
            return [self._complete(message, head, self._buffer.take(len(self._buffer)))]
        explain = f"The connection ended inside a message, after {len(self._buffer)} of its bytes"
        raise self._buffer.fail(0, "truncated", self._buffer.peek(SEEN_BYTES), explain, "RFC 7230 3.4")

    def _next(self) -> HttpMessage | None:
        buffer = self._buffer
        if self._head is None:
            self._skip_empty_lines()
            size = buffer.head_size()
            if not size:
                return None
            self._head = self._read_head(buffer.peek(size))
        message, head, body = self._head
        if body == _UNTIL_CLOSE:
            if len(buffer) - head > buffer.limits.body:
                raise self._oversize(head, len(buffer) - head)
            return None
        if len(buffer) < head + body:
            return None
        self._head = None
        return self._complete(message, head, buffer.take(head + body))

    def _skip_empty_lines(self) -> None:
        while (start := self._buffer.peek(1)) and start in b"\r\n":
            size = self._buffer.line_size()
            if not size:
                return
            self._buffer.take(size)

    def _read_head(self, raw: bytes) -> tuple[HttpMessage, int, int]:
        notes = Notes(DIALECT)
        lines = split_head(raw, notes)
        limit = self._buffer.limits.headers
        if len(lines) - 1 > limit:
            explain = f"The message has more than {limit} header lines"
            line = lines[limit + 1]
            raise self._buffer.fail(line.offset, "headers.count", line.text, explain, DIALECT.header)
        fields = read_fields(lines[1:], notes)
        coding = next((item for item in fields if item.name.lower() == "transfer-encoding"), None)
        if coding is not None:
            explain = "The body comes in chunks; a Content-Length is needed here"
            raise self._buffer.fail(coding.offset, "chunked", coding.seen, explain, "tykd 1")
        length = read_content_length(fields, notes)
        headers = Headers(tuple((item.name, item.value) for item in fields))
        message, body = self._message(lines[0], headers, fields, length, notes, raw)
        if body > self._buffer.limits.body:
            raise self._oversize(len(raw), body)
        return message, len(raw), body

    def _oversize(self, at: int, size: int) -> CodecError:
        explain = f"The body of {size} bytes is larger than the {self._buffer.limits.body} that are read"
        return self._buffer.fail(at, "body.oversize", self._buffer.peek(SEEN_BYTES), explain, DIALECT.length)

    @staticmethod
    def _copy(fault: CodecError, messages: Sequence[HttpRequest | HttpResponse]) -> HttpError:
        error = HttpError(fault.offset, fault.rule, fault.seen, fault.explain, fault.clause)
        error.messages = tuple(messages)
        return error

    def _message(
        self, first: Line, headers: Headers, fields: Sequence[Field], length: int | None, notes: Notes, raw: bytes
    ) -> tuple[HttpMessage, int]:
        raise NotImplementedError

    def _complete(self, message: HttpMessage, head: int, raw: bytes) -> HttpMessage:
        raise NotImplementedError


class HttpRequestParser(_HttpParser[HttpRequest]):
    """Incremental reader of requests, for a server."""

    def _message(
        self, first: Line, headers: Headers, fields: Sequence[Field], length: int | None, notes: Notes, raw: bytes
    ) -> tuple[HttpRequest, int]:
        method, target, version = read_request_line(first, notes)
        if version != "HTTP/1.0" and len(headers.all("Host")) != 1:
            explain = "A request of HTTP/1.1 has one Host header"
            notes.add(len(raw), "host", "RFC 7230 5.4", first.text, explain)
        if length is None and method in _BODY_METHODS and "Content-Length" not in headers:
            explain = "A request with a body carries Content-Length; without it the body counts as empty"
            notes.add(len(raw), "content_length.missing", DIALECT.length, first.text, explain)
        request = HttpRequest(method, target, version, headers, b"", raw, _in_order(notes))
        return request, length or 0

    def _complete(self, message: HttpRequest, head: int, raw: bytes) -> HttpRequest:
        return HttpRequest(
            message.method, message.target, message.version, message.headers, raw[head:], raw, message.violations
        )


class HttpResponseParser(_HttpParser[HttpResponse]):
    """Incremental reader of responses, for a client; call ``finish`` when the connection ends."""

    def _message(
        self, first: Line, headers: Headers, fields: Sequence[Field], length: int | None, notes: Notes, raw: bytes
    ) -> tuple[HttpResponse, int]:
        version, status, reason = read_status_line(first, notes)
        bodiless = 100 <= status < 200 or status in _BODILESS
        if length is None and not bodiless and "Content-Length" not in headers:
            explain = "Without Content-Length the body lasts until the connection ends"
            notes.add(len(raw), "content_length.missing", DIALECT.length, first.text, explain)
        response = HttpResponse(status, reason, version, headers, b"", raw, _in_order(notes))
        if bodiless:
            return response, 0
        return response, _UNTIL_CLOSE if length is None else length

    def _complete(self, message: HttpResponse, head: int, raw: bytes) -> HttpResponse:
        return HttpResponse(
            message.status, message.reason, message.version, message.headers, raw[head:], raw, message.violations
        )


def serialize_request(request: HttpRequest) -> bytes:
    """The bytes to send, made from the fields. Raises HttpError for text that would break the lines."""
    return _serialize(f"{request.method} {request.target} {request.version}", request.headers, request.body)


def serialize_response(response: HttpResponse) -> bytes:
    """The bytes to send, made from the fields. Raises HttpError for text that would break the lines."""
    return _serialize(f"{response.version} {response.status:03d} {response.reason}", response.headers, response.body)


def _serialize(start: str, headers: Headers, body: bytes) -> bytes:
    if body and "Content-Length" not in headers:
        headers = headers.with_field("Content-Length", str(len(body)))
    return write_head(start, headers, HttpError, "http.unwritable") + body


def _in_order(notes: Notes) -> tuple[Violation, ...]:
    return tuple(sorted(notes.found, key=lambda violation: violation.offset))

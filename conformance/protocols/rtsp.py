"""RTSP 1.0 messages on a stream (RFC 2326): requests, responses and interleaved binary frames, byte exact.

Headers with a structure of their own are read by rtsp_headers.py, authentication by rtsp_auth.py, URLs by rtsp_url.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from conformance.protocols.message_buffer import MessageBuffer, MessageLimits
from conformance.protocols.text_head import (
    NO_HEADERS,
    Dialect,
    Field,
    Headers,
    Line,
    Notes,
    is_status_line,
    read_content_length,
    read_fields,
    read_request_line,
    read_status_line,
    split_head,
    write_head,
)
from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

VERSION = "RTSP/1.0"
MAGIC = 0x24
INTERLEAVED_HEADER_SIZE = 4
LARGEST_INTERLEAVED = 0xFFFF
LARGEST_STRAY = 1024
_BODILESS = frozenset({204, 304})
_CSEQ = re.compile(r"[0-9]{1,10}\Z")
_SDP_LINE = re.compile(rb"[a-z]=")

RtspLimits = MessageLimits


@dataclass(frozen=True, slots=True)
class Request:
    """A request. ``raw``: its exact bytes when received; violations carry positions in ``raw``."""

    method: str
    uri: str
    version: str = VERSION
    headers: Headers = NO_HEADERS
    body: bytes = b""
    raw: bytes = field(default=b"", compare=False, repr=False)
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @classmethod
    def build(
        cls, method: str, uri: str, headers: Mapping[str, str] | Iterable[tuple[str, str]] = (), body: bytes = b""
    ) -> Request:
        """A request to send; ``serialize`` adds Content-Length when there is a body and no such header."""
        return cls(method, uri, VERSION, Headers.of(headers), body)

    @property
    def cseq(self) -> int | None:
        """The number in CSeq, None when it is missing or no number."""
        return _cseq(self.headers)


@dataclass(frozen=True, slots=True)
class Response:
    """A response. ``status`` is 0 when the code was unreadable; ``raw`` and violations as in Request."""

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
    ) -> Response:
        """A response to send; ``serialize`` adds Content-Length when there is a body and no such header."""
        return cls(status, reason, VERSION, Headers.of(headers), body)

    @property
    def cseq(self) -> int | None:
        """The number in CSeq, None when it is missing or no number."""
        return _cseq(self.headers)


@dataclass(frozen=True, slots=True)
class Interleaved:
    """Binary data in the RTSP connection (RFC 2326 10.12): ``$``, channel, two bytes of length, data."""

    channel: int
    data: bytes

    @property
    def raw(self) -> bytes:
        """The exact bytes of the frame."""
        return bytes((MAGIC, self.channel)) + len(self.data).to_bytes(2, "big") + self.data

    @property
    def violations(self) -> tuple[Violation, ...]:
        """None: every such frame is well formed."""
        return ()


@dataclass(frozen=True, slots=True)
class Stray:
    """A line that stands where a message should begin: blank, or SDP that no Content-Length announced."""

    raw: bytes
    violations: tuple[Violation, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes to be sent as they are, well formed or not."""

    raw: bytes


Message: TypeAlias = Request | Response | Interleaved | Stray


class RtspError(CodecError):
    """Bytes or texts that are not RTSP. Raised by a parser, the offset counts from the start of the stream.

    ``messages``: complete messages that stood before the fault in the same piece of input.
    """

    messages: tuple[Message, ...] = ()


DIALECT = Dialect(
    name="rtsp",
    protocol="RTSP",
    versions=(VERSION,),
    error=RtspError,
    line="RFC 2326 4",
    header="RFC 2326 15.1",
    fold="RFC 2068 4.2",
    charset="RFC 2326 4",
    request="RFC 2326 6.1",
    status="RFC 2326 7.1",
    length="RFC 2326 12.14",
    version="RFC 2326 3.1",
)


@dataclass(frozen=True, slots=True)
class _Head:
    size: int
    start: tuple[str, str, str] | tuple[str, int, str]
    headers: Headers
    body_size: int
    violations: tuple[Violation, ...]


class RtspParser:
    """Incremental reader of one direction of a connection; takes any split of the stream.

    The ``raw`` of all messages, joined, is the stream without its pending bytes. After an RtspError every further call
    raises the same error.
    """

    def __init__(self, limits: MessageLimits | None = None) -> None:
        self._buffer = MessageBuffer(DIALECT, limits or MessageLimits())
        self._head: _Head | None = None
        self._fault: CodecError | None = None
        self._strays = 0

    @property
    def pending(self) -> bytes:
        """The bytes of an unfinished message."""
        return self._buffer.peek(len(self._buffer))

    @property
    def offset(self) -> int:
        """Stream position of the first pending byte."""
        return self._buffer.position

    def feed(self, data: bytes | bytearray | memoryview) -> list[Message]:
        """The messages that ``data`` completes. Raises RtspError when a message exceeds the limits."""
        if self._fault is not None:
            raise self._copy(self._fault, [])
        self._buffer.append(data)
        messages: list[Message] = []
        try:
            while (message := self._next()) is not None:
                messages.append(message)
        except RtspError as fault:
            self._fault = fault
            raise self._copy(fault, messages) from None
        return messages

    def finish(self) -> None:
        """Tell the parser that the stream has ended. Raises RtspError when it ends inside a message."""
        if self._fault is None and len(self._buffer):
            explain = f"The connection ended inside a message, after {len(self._buffer)} of its bytes"
            raise self._buffer.fail(0, "truncated", self._buffer.peek(SEEN_BYTES), explain, "RFC 2326 4")

    @staticmethod
    def _copy(fault: CodecError, messages: list[Message]) -> RtspError:
        error = RtspError(fault.offset, fault.rule, fault.seen, fault.explain, fault.clause)
        error.messages = tuple(messages)
        return error

    def _next(self) -> Message | None:
        buffer = self._buffer
        if self._head is None:
            start = buffer.peek(INTERLEAVED_HEADER_SIZE)
            if not start:
                return None
            if start[0] == MAGIC:
                return self._interleaved(start)
            if start[0] in b"\r\n" or _SDP_LINE.match(start):
                return self._stray(start)
            size = buffer.head_size()
            if not size:
                return None
            self._head = self._read_head(buffer.peek(size))
            self._strays = 0
        head = self._head
        if len(buffer) < head.size + head.body_size:
            return None
        self._head = None
        return _message(head, buffer.take(head.size + head.body_size))

    def _interleaved(self, start: bytes) -> Interleaved | None:
        if len(start) < INTERLEAVED_HEADER_SIZE:
            return None
        size = INTERLEAVED_HEADER_SIZE + int.from_bytes(start[2:], "big")
        if len(self._buffer) < size:
            return None
        return Interleaved(start[1], self._buffer.take(size)[INTERLEAVED_HEADER_SIZE:])

    def _stray(self, start: bytes) -> Stray | None:
        size = self._buffer.line_size()
        if not size:
            return None
        self._strays += 1
        if self._strays > LARGEST_STRAY:
            explain = f"More than {LARGEST_STRAY} lines stand one after another where a message should begin"
            raise self._buffer.fail(0, "stray.count", start, explain, DIALECT.line)
        notes = Notes(DIALECT)
        raw = self._buffer.take(size)
        if start[0] in b"\r\n":
            explain = "An empty line stands between messages; receivers skip it, senders leave it out"
            notes.add(0, "stray.blank", "RFC 2068 4.1", raw, explain)
        else:
            explain = "A line of SDP stands outside of a body: its message announced too few bytes or none"
            notes.add(0, "stray.sdp", "RFC 2326 12.14", raw, explain)
        return Stray(raw, tuple(notes.found))

    def _read_head(self, raw: bytes) -> _Head:
        notes = Notes(DIALECT)
        lines = split_head(raw, notes)
        limits = self._buffer.limits
        if len(lines) - 1 > limits.headers:
            explain = f"The message has more than {limits.headers} header lines"
            line = lines[limits.headers + 1]
            raise self._buffer.fail(line.offset, "headers.count", line.text, explain, DIALECT.header)
        start = _read_start(lines[0], notes)
        fields = read_fields(lines[1:], notes)
        _check_cseq(fields, len(raw), notes)
        size = _body_size(start, fields, len(raw), notes)
        if size > limits.body:
            explain = f"The body of {size} bytes is larger than the {limits.body} that are read"
            raise self._buffer.fail(len(raw), "body.oversize", lines[0].text, explain, DIALECT.length)
        found = tuple(sorted(notes.found, key=lambda violation: violation.offset))
        headers = Headers(tuple((item.name, item.value) for item in fields))
        return _Head(len(raw), start, headers, size, found)


def parse_message(data: bytes, limits: MessageLimits | None = None) -> Message:
    """The one message that ``data`` holds. Raises RtspError when it is not exactly one."""
    parser = RtspParser(limits)
    messages = parser.feed(data)
    parser.finish()
    if len(messages) != 1:
        raise RtspError(0, "rtsp.count", data, f"One message is expected here, not {len(messages)}", "RFC 2326 4")
    return messages[0]


def serialize(message: Message | Raw) -> bytes:
    """The bytes to send, made from the fields (``raw`` of a Request or Response is not used).

    Content-Length is added when there is a body and no such header; a header that stands is never corrected.
    Raises RtspError for text that would break the lines and for an interleaved frame that does not fit its header.
    """
    match message:
        case Raw() | Stray():
            return message.raw
        case Interleaved():
            if not 0 <= message.channel <= 0xFF or len(message.data) > LARGEST_INTERLEAVED:
                explain = "An interleaved frame has one byte of channel and at most 65535 bytes of data"
                raise RtspError(0, "rtsp.interleaved", message.data, explain, "RFC 2326 10.12")
            return message.raw
        case Request():
            start = f"{message.method} {message.uri} {message.version}"
        case Response():
            start = f"{message.version} {message.status:03d} {message.reason}"
    headers = message.headers
    if message.body and "Content-Length" not in headers:
        headers = headers.with_field("Content-Length", str(len(message.body)))
    return write_head(start, headers, RtspError, "rtsp.unwritable") + message.body


def malformed(start: bytes, lines: Sequence[bytes] = (), body: bytes = b"", *, line_end: bytes = b"\r\n") -> Raw:
    """A message of exactly these lines, for requests that break a rule on purpose; nothing is checked or added."""
    return Raw(b"".join(line + line_end for line in (start, *lines, b"")) + body)


def _message(head: _Head, raw: bytes) -> Request | Response:
    body = raw[head.size :]
    first, second, third = head.start
    if isinstance(second, int):
        return Response(second, third, first, head.headers, body, raw, head.violations)
    return Request(first, second, third, head.headers, body, raw, head.violations)


def _read_start(line: Line, notes: Notes) -> tuple[str, str, str] | tuple[str, int, str]:
    if is_status_line(line.text, DIALECT.protocol):
        return read_status_line(line, notes)
    return read_request_line(line, notes)


def _check_cseq(fields: Sequence[Field], end: int, notes: Notes) -> None:
    found = [item for item in fields if item.name.lower() == "cseq"]
    clause = "RFC 2326 12.17"
    if not found:
        notes.add(end, "cseq.missing", clause, b"", "Every request and response carries CSeq")
        return
    if len(found) > 1:
        explain = f"CSeq stands {len(found)} times"
        notes.add(found[1].offset, "cseq.duplicate", clause, found[1].seen, explain, found[1].line)
    for item in found:
        if not _CSEQ.match(item.value):
            notes.add(item.offset, "cseq.invalid", clause, item.seen, "CSeq is one decimal number", item.line)


def _body_size(start: tuple[str, str | int, str], fields: Sequence[Field], end: int, notes: Notes) -> int:
    status = start[1]
    length = read_content_length(fields, notes)
    if isinstance(status, int) and (100 <= status < 200 or status in _BODILESS):
        return 0
    typed = next((item for item in fields if item.name.lower() == "content-type"), None)
    if length is None and typed is not None and not any(item.name.lower() == "content-length" for item in fields):
        explain = "A message with a body carries Content-Length; without it the body counts as empty"
        notes.add(end, "content_length.missing", DIALECT.length, typed.seen, explain)
    return length or 0


def _cseq(headers: Headers) -> int | None:
    text = headers.get("CSeq")
    return int(text) if _CSEQ.match(text) else None

"""One HTTP/1.1 response from a stream (RFC 9112): any framing, bounded, with every violation of the form."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

LARGEST_HEAD = 64 << 10
LARGEST_BODY = 64 << 20
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: ([^\r\n]*))?\Z")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\Z")
_CHUNK = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n]*)?\Z")
_BODILESS = frozenset({204, 304})


class HttpAnswerError(CodecError):
    """Bytes that cannot be read as a response."""


@dataclass(slots=True)
class HttpAnswer:
    """``headers``: in order, values as latin-1 text; ``complete``: the body ended as framed; ``length``: bytes
    of the body that came, also those beyond ``body`` when it is not kept; ``interim``: statuses 1xx before it."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""
    complete: bool = False
    length: int = 0
    interim: tuple[int, ...] = ()
    violations: list[Violation] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """The first header of that name, without regard to case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    @property
    def closes(self) -> bool:
        """Whether the connection cannot be used again."""
        return not self.complete or (self.header("connection") or "").lower() == "close"


class HttpAnswerReader:
    """Reads one response. ``method``: that of the request, because HEAD has no body."""

    def __init__(self, method: str, *, largest_body: int = LARGEST_BODY) -> None:
        self._method = method
        self._largest = largest_body
        self._buffer = bytearray()
        self._body = bytearray()
        self._answer: HttpAnswer | None = None
        self._interim: list[int] = []
        self._left: int | None = None
        self._chunked = False
        self._in_trailer = False
        self.surplus = b""

    @property
    def started(self) -> bool:
        """Whether anything of a response has come."""
        return bool(self._buffer or self._answer or self._interim)

    @property
    def interim(self) -> tuple[int, ...]:
        """Statuses 1xx so far."""
        return tuple(self._interim)

    @property
    def head(self) -> HttpAnswer | None:
        """Status and headers once they have come; the body may follow."""
        return self._answer

    @property
    def kept(self) -> int:
        """Bytes of the body that have come and were not drained."""
        return len(self._body)

    def drain(self) -> bytes:
        """Take what has come of the body, so that an endless one can be read."""
        body = bytes(self._body)
        self._body.clear()
        return body

    def feed(self, data: bytes) -> HttpAnswer | None:
        """The response once it is whole; bytes after it are in ``surplus``. Raises HttpAnswerError."""
        self._buffer += data
        while self._answer is None:
            if not self._read_head():
                return None
        return self._finish() if self._read_body() else None

    def end(self) -> HttpAnswer | None:
        """The connection has ended: what there is of a response, None for nothing. Raises HttpAnswerError."""
        if self._answer is None:
            if self._buffer:
                raise self._error("truncated", bytes(self._buffer), "The connection ended inside the head", "8")
            return None
        until_close = self._left is None and not self._chunked
        self._answer.complete = until_close
        return self._finish(complete=until_close)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > LARGEST_HEAD:
                explain = f"The head is larger than the {LARGEST_HEAD} bytes that are read"
                raise self._error("head.oversize", bytes(self._buffer), explain, "2")
            bare = self._buffer.find(b"\n\n")
            if bare >= 0:
                raise self._error("line", bytes(self._buffer), "The lines of the head do not end with CR LF", "2.2")
            return False
        lines = bytes(self._buffer[:end]).split(b"\r\n")
        del self._buffer[: end + 4]
        found = _STATUS.match(lines[0])
        if found is None:
            raise self._error("status", lines[0], "The first line is no status line", "4")
        violations: list[Violation] = []
        headers = []
        for line in lines[1:]:
            pair = _FIELD.match(line)
            if pair is None:
                explain = "A header line is not a name, a colon and a value"
                violations.append(Violation(0, "http.field", "RFC 9112 5", line[:SEEN_BYTES], explain))
                continue
            headers.append((pair[1].decode("latin-1"), pair[2].decode("latin-1")))
        status = int(found[1])
        if 100 <= status < 200:
            self._interim.append(status)
            return True
        reason = (found[2] or b"").decode("latin-1")
        self._answer = HttpAnswer(status, reason, tuple(headers), interim=tuple(self._interim), violations=violations)
        self._frame(self._answer)
        return True

    def _frame(self, answer: HttpAnswer) -> None:
        coding, lengths = (
            answer.header("transfer-encoding"),
            {v for k, v in answer.headers if k.lower() == "content-length"},
        )
        if self._method == "HEAD" or answer.status in _BODILESS:
            self._left = 0
        elif coding is not None and coding.lower().endswith("chunked"):
            self._chunked = True
            if lengths:
                explain = "Content-Length stands beside Transfer-Encoding"
                answer.violations.append(Violation(0, "http.length.twice", "RFC 9112 6.2", b"", explain))
        elif lengths:
            text = lengths.pop()
            if lengths or not text.isdecimal() or not text.isascii():
                raise self._error("length", text.encode("latin-1"), "Content-Length is no single decimal number", "6.3")
            self._left = int(text)

    def _read_body(self) -> bool:
        if self._chunked:
            return self._read_chunks()
        take = len(self._buffer) if self._left is None else min(self._left, len(self._buffer))
        self._keep(take)
        if self._left is None:
            return False
        self._left -= take
        return self._left == 0

    def _read_chunks(self) -> bool:
        while True:
            if self._left:
                take = min(self._left, len(self._buffer))
                self._keep(take)
                self._left -= take
                if self._left:
                    return False
            end = self._buffer.find(b"\r\n")
            if end < 0:
                if len(self._buffer) > SEEN_BYTES:
                    raise self._error("chunk", bytes(self._buffer), "A chunk has no size line", "7.1")
                return False
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 2]
            if self._in_trailer:
                if not line:
                    return True
                continue
            if self._left == 0 and not line:
                self._left = None
                continue
            size = _CHUNK.match(line)
            if size is None:
                raise self._error("chunk", line, "A chunk has no size line", "7.1")
            self._left = int(size[1], 16)
            self._in_trailer = self._left == 0

    def _keep(self, count: int) -> None:
        assert self._answer is not None
        self._answer.length += count
        if self._answer.length > self._largest:
            explain = f"The body is larger than the {self._largest} bytes that are read"
            raise self._error("body.oversize", b"", explain, "6")
        self._body += self._buffer[:count]
        del self._buffer[:count]

    def _finish(self, *, complete: bool = True) -> HttpAnswer:
        answer = self._answer
        assert answer is not None
        answer.complete, answer.body = complete, bytes(self._body)
        self.surplus = bytes(self._buffer)
        return answer

    @staticmethod
    def _error(rule: str, seen: bytes, explain: str, clause: str) -> HttpAnswerError:
        return HttpAnswerError(0, f"http.{rule}", seen, explain, f"RFC 9112 {clause}")

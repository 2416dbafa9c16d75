"""Bytes of a stream that carries text messages: finds the end of a head in any split of the stream, within limits."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.protocols.text_head import Dialect
from conformance.protocols.violation import SEEN_BYTES, CodecError

_LINE_END = re.compile(rb"[\r\n]")
_LF = 0x0A


@dataclass(frozen=True, slots=True)
class MessageLimits:
    """The largest message that is read: bytes of the head, bytes of the body, header lines."""

    head: int = 16_384
    body: int = 1_048_576
    headers: int = 128


@dataclass(slots=True)
class MessageBuffer:
    """Received bytes not yet taken. Every search goes on where the last one stopped, so bytewise feeding is linear."""

    dialect: Dialect
    limits: MessageLimits
    data: bytearray = field(default_factory=bytearray)
    start: int = 0
    position: int = 0
    _looked: int = 0
    _line: int = 0
    _after_cr: bool = False

    def __len__(self) -> int:
        return len(self.data) - self.start

    def append(self, more: bytes | bytearray | memoryview) -> None:
        """Add received bytes, dropping those that were taken."""
        if self.start:
            del self.data[: self.start]
            self.start = 0
        self.data += more

    def peek(self, size: int, at: int = 0) -> bytes:
        """Up to ``size`` bytes from ``at`` on, left in place."""
        return bytes(self.data[self.start + at : self.start + at + size])

    def take(self, size: int) -> bytes:
        """Remove and return ``size`` bytes."""
        taken = bytes(self.data[self.start : self.start + size])
        self.start += size
        self.position += size
        self._looked = self._line = 0
        self._after_cr = False
        return taken

    def line_size(self) -> int:
        """Size of the first line with its end (CR LF, LF or CR), 0 while it is incomplete."""
        found = _LINE_END.search(self.data, self.start + self._looked)
        if found is None:
            self._looked = len(self)
            self._check(len(self))
            return 0
        size = found.start() + 1 - self.start
        if self.data[found.start()] == _LF:
            return self._check(size)
        if size == len(self):
            self._looked = size - 1
            self._check(size)
            return 0
        return self._check(size + (self.data[found.start() + 1] == _LF))

    def head_size(self) -> int:
        """Size of the head with its empty line, 0 while it is incomplete. Raises the dialect's error when too large.

        A line ends with CR LF; LF and CR alone end it too (RFC 2326 4). After a line that ended with CR alone, a
        further CR is the empty line at once.
        """
        while found := _LINE_END.search(self.data, self.start + self._looked):
            place = found.start() - self.start
            empty = place == self._line
            end = place + 1
            alone = False
            if self.data[found.start()] != _LF and not (empty and self._after_cr):
                if end == len(self):
                    self._looked = place
                    self._check(len(self))
                    return 0
                alone = self.data[found.start() + 1] != _LF
                end += not alone
            self._looked = self._line = end
            self._after_cr = alone
            if empty:
                return self._check(end)
        self._looked = len(self)
        self._check(len(self))
        return 0

    def fail(self, at: int, rule: str, seen: bytes, explain: str, clause: str) -> CodecError:
        """The dialect's error at ``at`` bytes after the first one not taken."""
        slug = f"{self.dialect.name}.{rule}"
        return self.dialect.error(self.position + at, slug, seen, explain, clause)

    def _check(self, size: int) -> int:
        if size > self.limits.head:
            explain = f"The head is larger than the {self.limits.head} bytes that are read"
            raise self.fail(0, "head.oversize", self.peek(SEEN_BYTES), explain, self.dialect.line)
        return size

"""What a codec says about bytes that break a rule: where, which rule, what was seen."""

from __future__ import annotations

from dataclasses import dataclass

SEEN_BYTES = 64


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule in otherwise readable input.

    offset: byte position in the message (RTSP, XML, RTP ...) where the rule is broken, 0-based.
    rule: stable slug such as ``rtsp.header.colon``; suites map slugs to requirement ids.
    clause: the source, such as ``RFC 2326 12.37``.
    seen: the offending bytes, at most 64 of them.
    explain: one English sentence with the rule in our own words.
    line: 1-based line number for line-oriented formats, 0 where lines mean nothing.
    """

    offset: int
    rule: str
    clause: str
    seen: bytes
    explain: str
    line: int = 0


class CodecError(Exception):
    """Input that cannot be read any further. Every codec raises a subclass of this and nothing else."""

    def __init__(self, offset: int, rule: str, seen: bytes, explain: str = "", clause: str = "") -> None:
        self.offset = offset
        self.rule = rule
        self.seen = bytes(seen[:SEEN_BYTES])
        self.explain = explain or rule
        self.clause = clause
        super().__init__(f"{self.explain} (rule {rule}, offset {offset}, seen {self.seen!r})")

    def violation(self) -> Violation:
        """The same finding as a value, for checks and reports."""
        return Violation(self.offset, self.rule, self.clause, self.seen, self.explain)

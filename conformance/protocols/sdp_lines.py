"""The lines of a session description: ``letter=value`` and CR LF, each with its number (RFC 4566 5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

LARGEST_SDP = 65_536
LARGEST_LINES = 1024
CLAUSE = "RFC 4566 5"

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r|\Z)")
_FORM = re.compile(rb"([a-z])([ \t]*)=([ \t]*)", re.DOTALL)
_CONTROL = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")


class SdpError(CodecError):
    """Bytes that are no session description, or a parameter in one that cannot be read."""


@dataclass(frozen=True, slots=True)
class SdpLine:
    """One line. ``offset``: of its letter in the description; ``number`` counts from 1, blank lines included."""

    letter: str
    value: str
    raw: bytes
    offset: int
    number: int


@dataclass(slots=True)
class SdpNotes:
    """Collects the violations of one description."""

    found: list[Violation] = field(default_factory=list)

    def add(self, line: SdpLine, rule: str, explain: str, clause: str = CLAUSE, at: int = 0) -> None:
        """Note a rule broken ``at`` bytes after the start of a line; ``rule`` without ``sdp.``."""
        seen = line.raw[:SEEN_BYTES]
        self.found.append(Violation(line.offset + at, f"sdp.{rule}", clause, seen, explain, line.number))

    def in_order(self) -> tuple[Violation, ...]:
        """All of them by line and position."""
        return tuple(sorted(self.found, key=lambda violation: (violation.line, violation.offset)))


def split_lines(data: bytes, notes: SdpNotes) -> list[SdpLine]:
    """The readable lines. Wrong line ends are noted once of a kind. Raises SdpError when too large or empty."""
    if len(data) > LARGEST_SDP:
        explain = f"The description is larger than the {LARGEST_SDP} bytes that are read"
        raise SdpError(LARGEST_SDP, "sdp.oversize", data, explain, CLAUSE)
    lines = []
    ends: dict[bytes, int] = {}
    for number, found in enumerate(_LINE.finditer(data), start=1):
        if number > LARGEST_LINES:
            explain = f"The description has more than the {LARGEST_LINES} lines that are read"
            raise SdpError(found.start(), "sdp.lines", found[1], explain, CLAUSE)
        text, end = found[1], found[2]
        if not text and not end:
            continue
        line = _read_line(text, found.start(), number, notes)
        if end != b"\r\n" and end not in ends:
            ends[end] = number
            _note_end(end, text, found.start(), number, notes)
        if line is not None:
            lines.append(line)
    if not lines:
        raise SdpError(0, "sdp.empty", data, "No line of the form letter=value is found", CLAUSE)
    return lines


def _note_end(end: bytes, text: bytes, offset: int, number: int, notes: SdpNotes) -> None:
    name = {b"\n": "lf", b"\r": "cr", b"": "missing"}[end]
    explain = {
        "lf": "Lines end with CR LF; this is the first that ends with LF alone",
        "cr": "Lines end with CR LF; this is the first that ends with CR alone",
        "missing": "The last line ends with CR LF, too",
    }[name]
    notes.add(SdpLine("", "", text, offset, number), f"line_end.{name}", explain, at=len(text))


def _read_line(text: bytes, offset: int, number: int, notes: SdpNotes) -> SdpLine | None:
    bare = SdpLine("", "", text, offset, number)
    form = _FORM.match(text)
    if form is None:
        rule, explain = "line.form", "A line is one lower-case letter, an equals sign and a value"
        if not text:
            rule, explain = "line.blank", "No line is empty"
        notes.add(bare, rule, explain)
        return None
    letter = form[1].decode()
    if form[2] or (form[3] and letter != "s"):
        notes.add(bare, "line.space", "No blank stands on either side of the equals sign", at=1)
    if control := _CONTROL.search(text):
        notes.add(bare, "line.control", "A line holds no control byte", at=control.start())
    value = text[form.end() :] if letter != "s" else text[form.end() - len(form[3]) :]
    try:
        decoded = value.decode()
    except UnicodeDecodeError as problem:
        notes.add(bare, "charset", "Text is UTF-8", at=len(text) - len(value) + problem.start)
        decoded = value.decode("latin-1")
    return SdpLine(letter, decoded, text, offset, number)

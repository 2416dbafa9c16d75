"""The text head that RTSP and HTTP share: start line and header fields, with the position of every broken rule.

Text is decoded as UTF-8 where it is UTF-8 and as ISO 8859-1 otherwise, so that no byte stops the reader; the exact
bytes stay in ``raw`` of the message.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from conformance.protocols.violation import SEEN_BYTES, CodecError, Violation

_LINE = re.compile(rb"([^\r\n]*)(\r\n|\n|\r)")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_VERSION_WORD = re.compile(rb"[A-Za-z]+/[0-9.]*\Z")
_LENGTH = re.compile(r"[0-9]{1,10}\Z")
_UNSAFE = re.compile(r"[\r\n\x00]")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between RTSP and HTTP: names, versions and the clauses that own the rules."""

    name: str
    protocol: str
    versions: tuple[str, ...]
    error: type[CodecError]
    line: str
    header: str
    fold: str
    charset: str
    request: str
    status: str
    length: str
    version: str


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a head without its end. ``offset``: of its first byte in the message; ``number`` counts from 1."""

    text: bytes
    end: bytes
    offset: int
    number: int


@dataclass(frozen=True, slots=True)
class Field:
    """One header field as received, with the place of its name."""

    name: str
    value: str
    offset: int
    line: int
    seen: bytes


@dataclass(frozen=True, slots=True)
class Headers:
    """Header fields in order; names compare without case; a repeated field is kept as often as it stands."""

    items: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, fields: Mapping[str, str] | Iterable[tuple[str, str]] = ()) -> Headers:
        """Headers from pairs or a mapping, in its order."""
        return cls(tuple(fields.items() if isinstance(fields, Mapping) else fields))

    def all(self, name: str) -> tuple[str, ...]:
        """Every value of the field, in order."""
        wanted = name.lower()
        return tuple(value for key, value in self.items if key.lower() == wanted)

    def get(self, name: str, default: str = "") -> str:
        """The first value of the field, else ``default``; ask ``in`` when an empty field matters."""
        wanted = name.lower()
        return next((value for key, value in self.items if key.lower() == wanted), default)

    def with_field(self, name: str, value: str) -> Headers:
        """The same fields with ``name`` set: the first one in its place, repetitions gone, at the end when new."""
        if name not in self:
            return Headers((*self.items, (name, value)))
        place = next(i for i, (key, _) in enumerate(self.items) if key.lower() == name.lower())
        before, after = Headers(self.items[:place]), Headers(self.items[place + 1 :]).without(name)
        return Headers((*before.items, (name, value), *after.items))

    def without(self, name: str) -> Headers:
        """The same fields except those of that name."""
        return Headers(tuple(item for item in self.items if item[0].lower() != name.lower()))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and any(key.lower() == name.lower() for key, _ in self.items)

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


NO_HEADERS = Headers()


@dataclass(slots=True)
class Notes:
    """Collects the violations of one message."""

    dialect: Dialect
    found: list[Violation] = field(default_factory=list)

    def add(self, offset: int, rule: str, clause: str, seen: bytes, explain: str, line: int = 0) -> None:
        """Note one broken rule; ``rule`` without the name of the dialect."""
        slug = f"{self.dialect.name}.{rule}"
        self.found.append(Violation(offset, slug, clause, seen[:SEEN_BYTES], explain, line))


def decode_text(data: bytes) -> str:
    """UTF-8 where it is, else ISO 8859-1: never fails."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def split_head(head: bytes, notes: Notes) -> list[Line]:
    """The lines of a head, without the empty one that ends it. Notes line ends that are not CR LF, one of a kind."""
    lines = [
        Line(found[1], found[2], found.start(), number) for number, found in enumerate(_LINE.finditer(head), start=1)
    ]
    for end, name in ((b"\n", "LF"), (b"\r", "CR")):
        wrong = [line for line in lines if line.end == end]
        if wrong:
            explain = f"Lines end with CR LF; {len(wrong)} of {len(lines)} end with {name} alone"
            place = wrong[0].offset + len(wrong[0].text)
            seen = wrong[0].text[-SEEN_BYTES + 1 :] + end
            notes.add(place, f"line.{name.lower()}", notes.dialect.line, seen, explain, wrong[0].number)
    return lines[:-1]


def is_status_line(text: bytes, protocol: str) -> bool:
    """Whether a first line is meant as a status line: its first word is a version, right or wrong."""
    first = text.split(b" ", 1)[0]
    return text[: len(protocol)].upper() == protocol.encode() or bool(_VERSION_WORD.match(first))


def read_request_line(line: Line, notes: Notes) -> tuple[str, str, str]:
    """Method, URI and version of ``METHOD SP URI SP VERSION``; a missing part is an empty text."""
    words = line.text.split(b" ")
    if len(words) != 3 or not all(words):
        explain = "A request line is a method, a URI and a version with one blank between them"
        notes.add(line.offset, "request.line", notes.dialect.request, line.text, explain, line.number)
    words = line.text.split()
    version = words.pop() if len(words) > 1 and (len(words) > 2 or b"/" in words[-1][:5]) else b""
    method = words[0] if words else b""
    uri = b" ".join(words[1:])
    place = line.text.find(uri) if uri else 0
    if not _TOKEN.match(method):
        explain = "A method is a token: letters, digits and a few signs"
        notes.add(line.offset, "request.method", notes.dialect.request, method, explain, line.number)
    if any(byte <= 0x20 or byte >= 0x7F for byte in uri):
        explain = "A URI holds no blank, control or non-ASCII byte"
        notes.add(line.offset + place, "request.uri", notes.dialect.request, uri, explain, line.number)
    _check_version(version, line, notes)
    return decode_text(method), decode_text(uri), decode_text(version)


def read_status_line(line: Line, notes: Notes) -> tuple[str, int, str]:
    """Version, status and reason of ``VERSION SP CODE SP REASON``; an unreadable status is 0."""
    version, _, rest = line.text.partition(b" ")
    code, blank, reason = rest.partition(b" ")
    if not blank:
        explain = "A status line is a version, three digits and a reason with one blank between them"
        notes.add(line.offset, "status.line", notes.dialect.status, line.text, explain, line.number)
    _check_version(version, line, notes)
    readable = bool(re.fullmatch(rb"[0-9]{3}", code))
    if not readable or not 100 <= int(code) <= 599:
        explain = "A status code has three digits, the first of them 1 to 5"
        notes.add(line.offset + len(version) + 1, "status.code", notes.dialect.status, code, explain, line.number)
    if found := _CONTROL.search(reason):
        place = line.offset + len(line.text) - len(reason) + found.start()
        notes.add(place, "status.reason", notes.dialect.status, reason, "A reason holds no control byte", line.number)
    return decode_text(version), int(code) if readable else 0, decode_text(reason)


def read_fields(lines: Sequence[Line], notes: Notes) -> list[Field]:
    """The header fields of the lines after the first; a line that is no field is noted and left out."""
    fields: list[Field] = []
    for line in lines:
        if line.text[:1] in (b" ", b"\t"):
            _unfold(line, fields, notes)
            continue
        name, colon, value = line.text.partition(b":")
        if not colon:
            explain = "A header field is a name, a colon and a value"
            notes.add(line.offset, "header.colon", notes.dialect.header, line.text, explain, line.number)
            continue
        bare = name.rstrip(b" \t")
        if bare != name:
            explain = "No blank stands between the name of a header and its colon"
            notes.add(line.offset + len(bare), "header.space", notes.dialect.header, line.text, explain, line.number)
        if not _TOKEN.match(bare):
            explain = "The name of a header is a token: letters, digits and a few signs"
            notes.add(line.offset, "header.name", notes.dialect.header, line.text, explain, line.number)
        _check_value(value, line.offset + len(name) + 1, line.number, notes)
        text = decode_text(value.strip(b" \t"))
        fields.append(Field(decode_text(bare), text, line.offset, line.number, line.text))
    return fields


def read_content_length(fields: Sequence[Field], notes: Notes) -> int | None:
    """Bytes of the body, None when the header is missing or unreadable. Differing repetitions count as unreadable."""
    found = [item for item in fields if item.name.lower() == "content-length"]
    if not found:
        return None
    first = found[0]
    if len(found) > 1:
        explain = f"Content-Length stands {len(found)} times"
        notes.add(
            found[1].offset, "content_length.duplicate", notes.dialect.length, found[1].seen, explain, found[1].line
        )
    for item in found:
        if not _LENGTH.match(item.value) or item.value != first.value:
            explain = "Content-Length is one decimal number of bytes"
            notes.add(item.offset, "content_length.invalid", notes.dialect.length, item.seen, explain, item.line)
            return None
    return int(first.value)


def write_head(start: str, headers: Headers, error: type[CodecError], rule: str) -> bytes:
    """The bytes of a head with its empty line. Raises ``error`` when a text would break the lines."""
    lines = [start, *(f"{name}: {value}" for name, value in headers)]
    for line in lines:
        if _UNSAFE.search(line):
            raise error(0, rule, line.encode("utf-8", "replace"), "CR, LF and NUL cannot be written inside a line")
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("utf-8", "replace")


def _unfold(line: Line, fields: list[Field], notes: Notes) -> None:
    if not fields:
        explain = "The first header line begins with a blank, so it continues nothing"
        notes.add(line.offset, "header.fold_orphan", notes.dialect.header, line.text, explain, line.number)
        return
    explain = "The line continues the header above it; the form is obsolete and many receivers do not read it"
    notes.add(line.offset, "header.folded", notes.dialect.fold, line.text, explain, line.number)
    _check_value(line.text, line.offset, line.number, notes)
    last = fields[-1]
    value = f"{last.value} {decode_text(line.text.strip())}".strip()
    fields[-1] = Field(last.name, value, last.offset, last.line, last.seen)


def _check_version(version: bytes, line: Line, notes: Notes) -> None:
    if version.decode("latin-1") not in notes.dialect.versions:
        explain = f"The version is {' or '.join(notes.dialect.versions)}"
        place = line.offset + (line.text.rfind(version) if version else len(line.text))
        notes.add(place, "version", notes.dialect.version, version, explain, line.number)


def _check_value(value: bytes, offset: int, number: int, notes: Notes) -> None:
    if found := _CONTROL.search(value):
        explain = "A header value holds no control byte"
        notes.add(offset + found.start(), "header.control", notes.dialect.header, value, explain, number)
    try:
        value.decode()
    except UnicodeDecodeError as problem:
        seen = value[problem.start :]
        explain = "A header value is UTF-8"
        notes.add(offset + problem.start, "header.charset", notes.dialect.charset, seen, explain, number)

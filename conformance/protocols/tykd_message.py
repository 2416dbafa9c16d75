"""tykd messages: XML bytes to typed values and back, by the message table.

Senders keep the order of the table, send every element it requires and nothing else. Receivers take any order and
skip what they do not know (``Message.faults`` leaves such findings out, ``Message.violations`` holds them all).
An answer whose Result is not 0 carries Result and DevID only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from conformance.protocols.safe_xml import XmlElement, XmlError, XmlLimits, parse_xml, text_content
from conformance.protocols.tykd_values import CLAUSE, TOLERATED_RULES, Entry, canonical, check_body
from conformance.protocols.violation import CodecError, Violation
from specs.messages import Body, Direction, Element, Kind, MessageTable, UnknownMessage

DECLARATION = b'<?xml version="1.0" encoding="utf-8"?>'
LARGEST_XML = 65535
UNREADABLE_RESULT = 255
_LIMITS = XmlLimits(size=LARGEST_XML, depth=8, elements=2048, attributes=16)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*\Z")
_HIDDEN = "***"

Values = Mapping[str, Any]


class MessageError(CodecError):
    """A message that cannot be read or must not be sent. ``violations`` names every reason known."""

    violations: tuple[Violation, ...] = ()
    line: int = 0


class Record:
    """Named texts and groups of one level of a message, with typed access."""

    __slots__ = ()
    values: Mapping[str, Any]

    def __getitem__(self, name: str) -> str:
        """The text of an element. Raises KeyError when it is not there."""
        found = self.values[name]
        if not isinstance(found, str):
            raise KeyError(name)
        return found

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def get(self, name: str, default: str = "") -> str:
        """The text of an element, or ``default`` when it is not there."""
        found = self.values.get(name)
        return found if isinstance(found, str) else default

    def integer(self, name: str, default: int | None = None) -> int:
        """The number of an element, or ``default``. Raises MessageError when there is neither."""
        text = self.get(name)
        if re.fullmatch(r"-?[0-9]{1,18}", text):
            return int(text)
        if default is None:
            state = "holds no number" if name in self.values else "is missing"
            raise MessageError(0, "tykd.type.n", b"", f"{name} {state}", CLAUSE)
        return default

    def flag(self, name: str, default: bool | None = None) -> bool:
        """The 0/1 of an element, or ``default``. Raises MessageError when there is neither."""
        text = self.get(name)
        if text in ("0", "1"):
            return text == "1"
        if default is None:
            raise MessageError(0, "tykd.type.b", b"", f"{name} is neither 0 nor 1", CLAUSE)
        return default

    def items(self, name: str) -> tuple[Group, ...]:
        """The groups of that name in the order of the message; empty when there are none."""
        found = self.values.get(name)
        if isinstance(found, Mapping):
            return (Group(found),)
        return tuple(Group(item) for item in found) if isinstance(found, (list, tuple)) else ()

    def group(self, name: str) -> Group:
        """The first group of that name. Raises KeyError when there is none."""
        found = self.items(name)
        if not found:
            raise KeyError(name)
        return found[0]


@dataclass(frozen=True, slots=True)
class Group(Record):
    """One group of elements inside a message."""

    values: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Message(Record):
    """One message. ``values``: text by element name; a group is a mapping, a repeated group a list of mappings.

    ``command`` is the frame code, None over HTTP. ``root`` is the root as received. Values are kept out of ``repr``,
    because they may hold secrets; see ``redacted``.
    """

    name: str
    root: str
    command: int | None
    kind: Kind
    values: Mapping[str, Any] = field(repr=False)
    violations: tuple[Violation, ...] = ()

    @property
    def result(self) -> int:
        """The Result of an answer; missing, empty or unreadable counts as 255."""
        return self.integer("Result", UNREADABLE_RESULT)

    @property
    def faults(self) -> tuple[Violation, ...]:
        """The violations for which a receiver refuses the message."""
        return tuple(violation for violation in self.violations if violation.rule not in TOLERATED_RULES)


def encode_message(table: MessageTable, name: str, kind: Kind, values: Values, *, check: bool = True) -> bytes:
    """The XML of a message: declaration and root, compact, elements in the order of the table.

    ``values``: text, number or flag by element name (None leaves it out), a mapping for a group, a list of mappings
    for a repeated one. With Result other than 0 it is a refusal. Raises MessageError when a rule of the table is
    broken; with ``check=False`` it sends what it is given, names unknown to the table last. Raises UnknownMessage.
    """
    command = table.command(name)
    body = command.body(kind)
    if check:
        violations = check_values(table, name, kind, values)
        if violations:
            raise _refuse(body.root, violations)
    try:
        xml = DECLARATION + f"<{body.root}>{_content(body.elements, values)}</{body.root}>".encode()
    except XmlError as error:
        raise MessageError(0, error.rule, b"", f"{body.root}: {error.explain}", CLAUSE) from None
    largest = table.max_xml(command, kind)
    if check and len(xml) > largest:
        explain = f"{body.root} would have {len(xml)} bytes of XML, more than {largest}"
        raise MessageError(largest, "tykd.xml_size", b"", explain, CLAUSE)
    return xml


def encode_refusal(table: MessageTable, name: str, result: int, device_id: str) -> bytes:
    """The XML of a refusal: Result and DevID only. Raises MessageError for result 0 or an answer without Result."""
    body = table.command(name).response
    if not body.refusal or result == 0:
        raise MessageError(0, "tykd.refusal", b"", f"{body.root} cannot be a refusal with Result {result}", CLAUSE)
    return encode_message(table, name, "response", {"Result": result, "DevID": device_id})


def check_values(table: MessageTable, name: str, kind: Kind, values: Values) -> tuple[Violation, ...]:
    """Every rule of the table that a message with these values would break (order aside: the encoder keeps it)."""
    command = table.command(name)
    body = command.body(kind)
    entries = _entries(body.elements, values)
    return tuple(check_body(command, kind, entries, Entry(body.root, children=entries)))


def decode_message(table: MessageTable, command: int | str, travel: Direction, xml: bytes) -> Message:
    """Read the XML of a frame (or of an HTTP step, by name) that travels in the direction ``travel``.

    Raises MessageError when the XML is unreadable or the command unknown; every other fault is a violation.
    """
    try:
        row, kind, body = table.lookup(command, travel)
    except UnknownMessage as error:
        raise MessageError(0, "tykd.command", b"", str(error), CLAUSE) from None
    try:
        document = parse_xml(xml, _LIMITS)
    except XmlError as error:
        failure = MessageError(error.offset, error.rule, error.seen, error.explain, error.clause)
        failure.line = error.line
        raise failure from None
    root = document.root
    violations = _envelope(body, root, declared=document.declared)
    if len(xml) > (largest := table.max_xml(row, kind)):
        explain = f"{body.root} has {len(xml)} bytes of XML, more than {largest}"
        violations.append(Violation(largest, "tykd.xml_size", CLAUSE, b"", explain))
    entries = tuple(_entry(body.elements, child) for child in root.children)
    violations += check_body(row, kind, entries, Entry(body.root, children=entries, offset=root.offset, line=root.line))
    values = _values(body.elements, entries)
    ordered = tuple(sorted(violations, key=lambda violation: violation.offset))
    return Message(row.name, root.name, row.code, kind, values, ordered)


def redacted(table: MessageTable, message: Message) -> dict[str, Any]:
    """The values of a message for logs and reports: every secret that is not empty becomes ``***``."""
    body = table.command(message.name).body(message.kind)
    return _redacted(body.elements, message.values)


def _refuse(root: str, violations: tuple[Violation, ...]) -> MessageError:
    explain = f"{root}: " + "; ".join(violation.explain for violation in violations[:5])
    error = MessageError(0, violations[0].rule, violations[0].seen, explain, violations[0].clause)
    error.violations = violations
    return error


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _named(elements: Sequence[Element], values: Values) -> list[tuple[str, Element | None, list[Any]]]:
    """Each name that is sent, in sending order, with its element of the table and its occurrences."""
    known = {element.name: element for element in elements}
    names = [name for name in known if name in values] + [name for name in values if name not in known]
    result: list[tuple[str, Element | None, list[Any]]] = []
    for name in names:
        value = values[name]
        if value is not None:
            result.append((name, known.get(name), list(value) if isinstance(value, (list, tuple)) else [value]))
    return result


def _content(elements: Sequence[Element], values: Values) -> str:
    parts = []
    for name, element, occurrences in _named(elements, values):
        if not _NAME.match(name):
            raise MessageError(0, "tykd.name", name.encode("utf-8", "replace"), "This is no element name", CLAUSE)
        children = element.elements if element is not None else ()
        for value in occurrences:
            inner = _content(children, value) if isinstance(value, Mapping) else text_content(_text(value))
            parts.append(f"<{name}>{inner}</{name}>")
    return "".join(parts)


def _entries(elements: Sequence[Element], values: Values) -> tuple[Entry, ...]:
    entries = []
    for name, element, occurrences in _named(elements, values):
        children = element.elements if element is not None else ()
        for value in occurrences:
            if isinstance(value, Mapping):
                entries.append(Entry(name, children=_entries(children, value)))
            else:
                entries.append(Entry(name, text=_text(value)))
    return tuple(entries)


def _envelope(body: Body, root: XmlElement, *, declared: bool) -> list[Violation]:
    violations = []
    if not declared:
        explain = "The message does not begin with the XML declaration"
        violations.append(Violation(0, "tykd.declaration", "tykd 1", b"", explain, 1))
    if root.name != body.root:
        explain = f"The root is {root.name[:64]}, this command and direction need {body.root}"
        seen = root.name.encode()[:64]
        violations.append(Violation(root.offset, "tykd.root", CLAUSE, seen, explain, root.line))
    if root.text.strip():
        explain = f"Text stands between the elements of {root.name[:64]}"
        violations.append(Violation(root.offset, "tykd.stray_text", CLAUSE, b"", explain, root.line))
    return violations


def _entry(elements: Sequence[Element], xml: XmlElement) -> Entry:
    name = canonical(elements, xml.name)
    inner = next((element.elements for element in elements if element.name == name), ())
    children = tuple(_entry(inner, child) for child in xml.children)
    return Entry(name, "" if inner else xml.text, children, xml.offset, xml.line)


def _values(elements: Sequence[Element], entries: Sequence[Entry]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    known = {element.name: element for element in elements}
    for entry in entries:
        element = known.get(entry.name)
        if element is None:
            continue
        value: Any = _values(element.elements, entry.children) if element.is_group else entry.text
        if element.repeat is not None:
            cast(list[Any], values.setdefault(entry.name, [])).append(value)
        else:
            values.setdefault(entry.name, value)
    return values


def _redacted(elements: Sequence[Element], values: Mapping[str, Any]) -> dict[str, Any]:
    known = {element.name: element for element in elements}
    result: dict[str, Any] = {}
    for name, value in values.items():
        element = known.get(name)
        if isinstance(value, (list, tuple)) and element is not None:
            result[name] = [_redacted(element.elements, item) for item in value]
        elif isinstance(value, Mapping) and element is not None:
            result[name] = _redacted(element.elements, value)
        else:
            result[name] = _HIDDEN if value and (element is None or element.secret) else value
    return result

"""Rules of the message table applied to one message: presence, order, repetition, type, range, enumeration, length.

Works on entries (element name, text or children, position), so that received XML and values about to be sent are
judged by the same code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from conformance.protocols.violation import SEEN_BYTES, Violation
from specs.messages import Body, Command, Element, Kind, Rule

CLAUSE = "tykd 3"
TOLERATED_RULES = frozenset({"tykd.order", "tykd.unknown", "tykd.hm.padding", "tykd.declaration", "tykd.xml_size"})
"""Rules that bind the sender only: a receiver takes the message all the same."""

_INTEGER = re.compile(r"-?[0-9]{1,18}\Z")
_IPV4 = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\.([0-9]{1,3})\Z")
_CLOCK = re.compile(r"([0-9]{1,2}):([0-9]{1,2})\Z")
_DIGITS = {"t14": re.compile(r"[0-9]{14}\Z"), "t12": re.compile(r"[0-9]{12}\Z")}
_TYPE_NAMES = {
    "n": "a decimal integer",
    "b": "0 or 1",
    "ip": "a dotted IPv4 address",
    "t14": "a time YYYYMMDDhhmmss",
    "t12": "a time YYYYMMDDhhmm",
    "hm": "a time of day HH:MM",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One element of a message: its text, or the entries inside it; ``offset`` and ``line`` in the XML, else 0."""

    name: str
    text: str = ""
    children: tuple[Entry, ...] = ()
    offset: int = 0
    line: int = 0


def check_body(command: Command, kind: Kind, entries: Sequence[Entry], parent: Entry) -> Iterator[Violation]:
    """Every broken rule of one message. ``entries`` stand directly below the root ``parent``."""
    body = command.body(kind)
    if refused(body, entries):
        yield from _check_refusal(body, entries, parent)
        return
    yield from _check_group(body.elements, body.rules, entries, parent, lenient=command.undefined_body)


def refused(body: Body, entries: Sequence[Entry]) -> bool:
    """Whether the entries are an answer whose Result is not 0."""
    if not body.refusal:
        return False
    result = next((entry.text for entry in entries if entry.name == "Result"), "0")
    return not _INTEGER.match(result) or int(result) != 0


def canonical(elements: Sequence[Element], name: str) -> str:
    """The name of the table for a received name; an alias becomes the element's own name."""
    return next((element.name for element in elements if name in element.aliases), name)


def _check_refusal(body: Body, entries: Sequence[Entry], parent: Entry) -> Iterator[Violation]:
    kept = tuple(element for element in body.elements if element.name in body.refusal)
    known = {element.name for element in body.elements}
    for entry in entries:
        if entry.name in known and entry.name not in body.refusal:
            explain = f"{entry.name} is not on a refusal; it carries {' and '.join(body.refusal)} only"
            yield _violation(entry, "tykd.refusal.extra", explain, secret=True)
    allowed = [entry for entry in entries if entry.name not in known or entry.name in body.refusal]
    yield from _check_group(kept, (), allowed, parent, lenient=False)


def _check_group(
    elements: Sequence[Element],
    rules: Sequence[Rule],
    entries: Sequence[Entry],
    parent: Entry,
    *,
    lenient: bool,
) -> Iterator[Violation]:
    places = {element.name: place for place, element in enumerate(elements)}
    found: dict[str, list[Entry]] = {}
    last = 0
    for entry in entries:
        if entry.name not in places:
            if not lenient:
                explain = f"{entry.name[:64]} is no element of {parent.name}"
                yield _violation(entry, "tykd.unknown", explain, secret=True)
            continue
        if places[entry.name] < last:
            yield _violation(entry, "tykd.order", f"{entry.name} stands too late in {parent.name}", secret=True)
        last = max(last, places[entry.name])
        found.setdefault(entry.name, []).append(entry)
    for element in elements:
        yield from _check_element(element, found.get(element.name, []), parent)
    for rule in rules:
        yield from check_rule(rule, elements, found, parent)


def _check_element(element: Element, entries: Sequence[Entry], parent: Entry) -> Iterator[Violation]:
    if not entries and not element.optional:
        yield _violation(parent, "tykd.missing", f"{element.name} is missing in {parent.name}", secret=True)
    largest = 1 if element.repeat is None else element.repeat.max
    if largest is not None and len(entries) > largest:
        explain = f"{element.name} stands {len(entries)} times in {parent.name}, at most {largest} are allowed"
        rule = "tykd.duplicate" if element.repeat is None else "tykd.repeat"
        yield _violation(entries[largest], rule, explain, secret=element.secret)
    if entries and element.repeat is not None and len(entries) < element.repeat.min:
        explain = f"{element.name} stands {len(entries)} times, at least {element.repeat.min} are needed"
        yield _violation(parent, "tykd.repeat", explain, secret=True)
    for entry in entries:
        if element.is_group:
            yield from _check_group(element.elements, element.rules, entry.children, entry, lenient=False)
        else:
            yield from check_text(element, entry)


def check_text(element: Element, entry: Entry) -> Iterator[Violation]:
    """Every broken rule of one text element."""
    text, secret = entry.text, element.secret
    if entry.children:
        explain = f"{element.name} holds elements, a text is expected"
        yield _violation(entry, "tykd.nested", explain, secret=secret)
        return
    if not text:
        if not element.empty_allowed:
            yield _violation(entry, "tykd.empty", f"{element.name} is empty", secret=secret)
        return
    size = len(text.encode("utf-8", "surrogatepass"))
    if element.max_length is not None and size > element.max_length:
        explain = f"{element.name} has {size} bytes, at most {element.max_length} are allowed"
        yield _violation(entry, "tykd.length", explain, secret=secret)
    if not has_type(element.type, text):
        explain = f"{element.name} has to be {_TYPE_NAMES.get(element.type, 'a text')}"
        yield _violation(entry, f"tykd.type.{element.type}", explain, secret=secret)
        return
    if element.type == "hm" and len(text) != 5:
        yield _violation(entry, "tykd.hm.padding", f"{element.name} is sent as HH:MM", secret=secret)
    yield from _check_value(element, entry)


def _check_value(element: Element, entry: Entry) -> Iterator[Violation]:
    if element.pattern and not re.fullmatch(element.pattern, entry.text):
        explain = f"{element.name} does not have the form {element.pattern}"
        yield _violation(entry, "tykd.pattern", explain, secret=element.secret)
    if element.type not in ("n", "b"):
        return
    number = int(entry.text)
    if element.range is not None and not element.range.holds(number):
        low = "" if element.range.min is None else element.range.min
        high = "" if element.range.max is None else element.range.max
        explain = f"{element.name} lies outside {low}..{high}"
        yield _violation(entry, "tykd.range", explain, secret=element.secret)
    if element.enum and not element.open and all(value.value != number for value in element.enum):
        codes = ", ".join(str(value.value) for value in element.enum)
        yield _violation(entry, "tykd.enum", f"{element.name} is none of {codes}", secret=element.secret)


def has_type(kind: str, text: str) -> bool:
    """Whether a non-empty text has the type ``kind`` of the table (s, n, b, ip, t14, t12, hm)."""
    match kind:
        case "n":
            return _INTEGER.match(text) is not None
        case "b":
            return text in ("0", "1")
        case "ip":
            parts = _IPV4.match(text)
            return parts is not None and all(int(part) <= 255 for part in parts.groups())
        case "t14" | "t12":
            return _DIGITS[kind].match(text) is not None and _is_time(text)
        case "hm":
            return minutes(text) is not None
    return True


def _is_time(digits: str) -> bool:
    fields = [int(digits[:4]), *(int(digits[at : at + 2]) for at in range(4, len(digits), 2))]
    try:
        datetime(*fields)  # type: ignore[arg-type]  # noqa: DTZ001 - only asks whether the day exists
    except ValueError:
        return False
    return True


def minutes(text: str) -> int | None:
    """Minutes since midnight of H:M or HH:MM, 24:00 included; None when it is no time of day."""
    parts = _CLOCK.match(text)
    if parts is None:
        return None
    hour, minute = int(parts[1]), int(parts[2])
    if minute > 59 or hour > 24 or (hour == 24 and minute):
        return None
    return hour * 60 + minute


def check_rule(
    rule: Rule, elements: Sequence[Element], found: dict[str, list[Entry]], parent: Entry
) -> Iterator[Violation]:
    """Whether the rule between two elements of one group holds; silent where one of them is absent or unreadable."""
    first_name, second_name = rule.elements
    first, second = (next(iter(found.get(name, ())), None) for name in rule.elements)
    kinds = {element.name: element for element in elements}
    if first is None or not first.text:
        return
    second_text = second.text if second is not None else ""
    if rule.kind == "only-with":
        holds = second_text == str(rule.value)
        explain = f"{first_name} is there only when {second_name} is {rule.value}"
    elif not second_text or not all(has_type(kinds[e.name].type, e.text) for e in (first, second) if e is not None):
        return
    else:
        holds, explain = _compare(rule, kinds, first.text, second_text)
    if not holds:
        yield _violation(first, f"tykd.rule.{rule.kind}", f"{explain} (in {parent.name})")


def _compare(rule: Rule, kinds: dict[str, Element], first: str, second: str) -> tuple[bool, str]:
    first_name, second_name = rule.elements
    match rule.kind:
        case "prefix":
            return second.startswith(first), f"{second_name} begins with {first_name}"
        case "agree":
            explain = f"{first_name} is 1 exactly when {second_name} is above 0"
            return (int(first) == 1) == (int(second) > 0), explain
        case "ordered":
            sign = "before" if rule.strict else "not after"
            low, high = _moment(kinds[first_name], first), _moment(kinds[second_name], second)
            return (low < high if rule.strict else low <= high), f"{first_name} has to lie {sign} {second_name}"
        case _:
            value = next((v for v in kinds[second_name].enum if v.value == int(second)), None)
            listed = any(v.value == int(first) for v in kinds[first_name].enum)
            fits = not listed or value is None or value.goes_with is None or value.goes_with == int(first)
            return fits, f"{second_name} {second} does not belong to {first_name} {first}"


def _moment(element: Element, text: str) -> int:
    return (minutes(text) or 0) if element.type == "hm" else int(text)


def _violation(entry: Entry, rule: str, explain: str, *, secret: bool = False) -> Violation:
    seen = b"" if secret else entry.text.encode("utf-8", "replace")[:SEEN_BYTES]
    return Violation(entry.offset, rule, CLAUSE, seen, explain, entry.line)

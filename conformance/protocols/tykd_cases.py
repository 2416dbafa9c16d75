"""Test cases generated from the message table and a declaration: pure data, no traffic.

One row more in the table is one valid case more, one per allowed value, one per optional element left out and one per
constraint broken. Ids are stable and readable (``SET_CHANNEL-FrameRate-above-range``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from conformance.protocols.tykd_message import encode_message
from conformance.protocols.tykd_samples import SAMPLE_DEVICE, Path, Samples, at, named, put
from specs.messages import Body, Command, Direction, Element, MessageTable, Rule

_ABSENT_POLICY = "65000"
_ABSENT_CAMERA = "KDN88888888"
_BROKEN_TEXTS: dict[str, tuple[str, ...]] = {
    "n": ("x1", "1.5"),
    "b": ("yes",),
    "ip": ("192.0.2.256", "192.0.2"),
    "t14": ("20130230000000", "2013060112"),
    "t12": ("201302300000", "20130601"),
    "hm": ("25:00", "08:60", "0800"),
}

CaseKind = Literal["valid", "optional-absent", "violation", "unsupported", "tolerance"]


@dataclass(frozen=True, slots=True)
class Case:
    """One request to send and the Result codes that a conforming receiver may answer.

    ``element``: path of the element concerned, such as ``WeekPolicy/Week``; ``rule``: the broken rule as the message
    check names it, empty for valid cases. ``xml``: the exact bytes where values cannot express them. ``prerequisite``:
    what has to be set up before (see the table). ``expected`` is empty for a command that answers without Result.
    """

    id: str
    command: str
    kind: CaseKind
    requirement: str
    expected: frozenset[int]
    values: Mapping[str, Any] = field(default_factory=dict)
    xml: bytes | None = None
    element: str = ""
    rule: str = ""
    destructive: bool = False
    changes_state: bool = False
    prerequisite: str = ""

    def encode(self, table: MessageTable) -> bytes:
        """The XML to send, broken on purpose where the case is a violation."""
        if self.xml is not None:
            return self.xml
        return encode_message(table, self.command, "request", self.values, check=False)


def valid_cases(
    table: MessageTable,
    features: Mapping[str, Any],
    *,
    device_id: str = SAMPLE_DEVICE,
    direction: Direction = "platform-to-device",
) -> list[Case]:
    """Per command that the device declares: a full request, then one for every further allowed value of an element."""
    maker = _Maker(table, features, device_id)
    return [case for command in maker.commands(direction) for case in maker.valid(command)]


def optional_absent_cases(
    table: MessageTable,
    features: Mapping[str, Any],
    *,
    device_id: str = SAMPLE_DEVICE,
    direction: Direction = "platform-to-device",
) -> list[Case]:
    """Per declared command: the full request without one optional element, each in turn, then without all of them."""
    maker = _Maker(table, features, device_id)
    return [case for command in maker.commands(direction) for case in maker.optional_absent(command)]


def violation_cases(
    table: MessageTable,
    features: Mapping[str, Any],
    *,
    device_id: str = SAMPLE_DEVICE,
    direction: Direction = "platform-to-device",
) -> list[Case]:
    """Per declared command: a valid request with one constraint broken; per command not declared: a valid request."""
    maker = _Maker(table, features, device_id)
    broken = [case for command in maker.commands(direction) for case in maker.violations(command)]
    return broken + [maker.unsupported(command) for command in maker.commands(direction, declared=False)]


def tolerance_cases(
    table: MessageTable,
    features: Mapping[str, Any],
    *,
    device_id: str = SAMPLE_DEVICE,
    direction: Direction = "platform-to-device",
) -> list[Case]:
    """Per declared command: requests that bend a sender's rule and must still be carried out."""
    maker = _Maker(table, features, device_id)
    return [case for command in maker.commands(direction) for case in maker.tolerance(command)]


def unknown_command_codes(table: MessageTable) -> list[int]:
    """Every one-byte command code that the table does not hold, ascending."""
    return [code for code in range(0x100) if code not in table.by_code]


class _Maker:
    def __init__(self, table: MessageTable, features: Mapping[str, Any], device_id: str) -> None:
        self.table = table
        self.outcomes = table.outcomes
        self.refused = table.outcomes.refused
        self.samples = Samples(table, features, device_id)

    def commands(self, direction: Direction, *, declared: bool = True) -> list[Command]:
        started = self.table.started_by(direction)
        return [c for c in started if not c.undefined_body and self.samples.has(c.when) is declared]

    def case(self, command: Command, kind: CaseKind, what: str, values: Mapping[str, Any], **more: Any) -> Case:
        given = {
            "requirement": command.requirement,
            "expected": self.outcomes.ok if command.has_result else frozenset(),
            **more,
        }
        return Case(
            id=f"{command.name}-{what}",
            command=command.name,
            kind=kind,
            values=values,
            destructive=command.destructive,
            changes_state=command.changes_state,
            prerequisite="" if kind in ("violation", "unsupported") else command.prerequisite,
            **given,
        )

    def valid(self, command: Command) -> Iterator[Case]:
        base = self.samples.request(command)
        yield self.case(command, "valid", "valid", base)
        for path, element in _leaves(command.request):
            texts = self.samples.choices(element)
            if element.empty_allowed:
                texts = [*texts, ""]
            for text in texts:
                values = self.samples.request(command, path, text)
                if values != base and at(values, path) == text:
                    what = f"{'-'.join(path)}-{_slug(text)}"
                    yield self.case(command, "valid", what, values, element="/".join(path))

    def optional_absent(self, command: Command) -> Iterator[Case]:
        names = [element.name for element in command.request.elements if element.optional]
        for name in names:
            values = self.samples.request(command)
            if name in values:
                del values[name]
                for rule in command.request.rules:
                    if rule.kind == "only-with" and name == rule.elements[1]:
                        values.pop(rule.elements[0], None)
                yield self.case(command, "optional-absent", f"without-{name}", values, element=name)
        if len(names) > 1:
            values = {name: value for name, value in self.samples.request(command).items() if name not in names}
            yield self.case(command, "optional-absent", "without-optional", values)

    def unsupported(self, command: Command) -> Case:
        requirement = command.unsupported_requirement
        values = self.samples.request(command)
        return self.case(command, "unsupported", "unsupported", values, requirement=requirement, expected=self.refused)

    def tolerance(self, command: Command) -> Iterator[Case]:
        base = self.samples.request(command)
        requirement = self.table.requirements.tolerance
        values = {**base, "KandianUnknown": "1"}
        yield self.case(command, "tolerance", "unknown-element", values, requirement=requirement, rule="tykd.unknown")
        plain = encode_message(self.table, command.name, "request", base)
        head, _, body = plain.partition(b"?>")
        spaced = head + b"?>\r\n" + body.replace(b"><", b">\n  <") + b"\n"
        yield self.case(command, "tolerance", "indented", base, requirement=requirement, xml=spaced)
        if len(base) > 1:
            xml = _reordered(self.table, command, base)
            yield self.case(
                command, "tolerance", "other-order", base, requirement=requirement, xml=xml, rule="tykd.order"
            )

    def violations(self, command: Command) -> Iterator[Case]:
        for path, element in _leaves(command.request):
            for what, rule, text, expected in self.broken_texts(element):
                values = self.samples.request(command, path, text)
                yield self.broken(command, path, what, rule, values, expected)
            if element.presence != "optional":
                values = self.samples.request(command)
                put(values, path, None)
                expected = self.refusal(element)
                yield self.broken(command, path, "missing", "tykd.missing", values, expected)
            if element.other_device and command.prerequisite == "linked_camera":
                values = self.samples.request(command, path, _ABSENT_CAMERA)
                expected = self.refused
                yield self.broken(command, path, "unknown-camera", "tykd.context.camera", values, expected)
        for element in command.request.elements:
            if element.repeat is not None and element.repeat.max is not None:
                values = self.samples.request(command)
                values[element.name] = values[element.name] * (element.repeat.max + 1)
                yield self.broken(command, (element.name,), "too-many", "tykd.repeat", values, self.refused)
        yield from self.broken_rules(command)

    def refusal(self, element: Element) -> frozenset[int]:
        """Results that may answer a request in which this element is broken."""
        return self.outcomes.unidentified if _identifies(element) else self.refused

    def broken(
        self,
        command: Command,
        path: Path,
        what: str,
        rule: str,
        values: Mapping[str, Any],
        expected: frozenset[int],
    ) -> Case:
        return self.case(
            command,
            "violation",
            f"{'-'.join(path)}-{what}",
            values,
            requirement=command.refusal_requirement,
            expected=expected if command.has_result else frozenset(),
            element="/".join(path),
            rule=rule,
        )

    def broken_texts(self, element: Element) -> Iterator[tuple[str, str, str, frozenset[int]]]:
        """(what, rule, text, expected results) for every way to break one text element."""
        if _identifies(element):
            yield "foreign", "tykd.context.device", _foreign(self.samples.device_id), self.outcomes.foreign_device
        expected = self.refusal(element)
        if not element.empty_allowed:
            yield "empty", "tykd.empty", "", expected
        for number, text in enumerate(_BROKEN_TEXTS.get(element.type, ()), start=1):
            yield f"wrong-type-{number}", f"tykd.type.{element.type}", text, expected
        for number, text in enumerate(element.counterexamples, start=1):
            yield f"wrong-form-{number}", "tykd.pattern", text, expected
        if element.type == "s" and element.max_length is not None:
            text = (self.samples.choices(element)[0] + "x" * element.max_length)[: element.max_length + 1]
            yield "too-long", "tykd.length", text, expected
        for what, rule, text in self.broken_numbers(element):
            yield what, rule, text, expected

    def broken_numbers(self, element: Element) -> Iterator[tuple[str, str, str]]:
        if element.range is not None and element.range.min is not None:
            yield "below-range", "tykd.range", str(element.range.min - 1)
        if element.range is not None and element.range.max is not None:
            yield "above-range", "tykd.range", str(element.range.max + 1)
        if element.enum and not element.open and element.type == "n":
            codes = [value.value for value in element.enum]
            for code in _unlisted(codes):
                yield f"unlisted-{_slug(str(code))}", "tykd.enum", str(code)
        for value in element.enum:
            if not self.samples.has(value.when):
                yield f"undeclared-{value.value}", "tykd.context.undeclared", str(value.value)
        if element.domain == "channel":
            yield "unknown-channel", "tykd.context.channel", str(self.samples.count("channels"))
        if element.domain == "digital_input" and "digital_inputs" in self.samples.features:
            yield "unknown-input", "tykd.context.input", str(self.samples.count("digital_inputs"))
        if element.domain == "policy_id":
            yield "unknown-policy", "tykd.context.policy", _ABSENT_POLICY

    def broken_rules(self, command: Command) -> Iterator[Case]:
        groups: list[tuple[Path, tuple[Element, ...], tuple[Rule, ...]]] = [
            ((), command.request.elements, command.request.rules)
        ]
        groups += [((e.name,), e.elements, e.rules) for e in command.request.elements if e.is_group]
        for prefix, elements, rules in groups:
            for rule in rules:
                for what, texts in self.rule_breakers(rule, elements):
                    values = self.samples.request(command)
                    for name, text in texts.items():
                        put(values, (*prefix, name), text)
                    path = (*prefix, *rule.elements)
                    yield self.broken(command, path, what, f"tykd.rule.{rule.kind}", values, self.refused)

    def rule_breakers(self, rule: Rule, elements: tuple[Element, ...]) -> Iterator[tuple[str, dict[str, str]]]:
        """Texts that break a rule while each of them is valid by itself."""
        first, second = (named(elements, name) for name in rule.elements)
        if rule.kind == "pairs":
            for a in self.samples.choices(first):
                for value in (v for v in second.enum if str(v.goes_with) != a and self.samples.has(v.when)):
                    yield f"mismatch-{a}-{value.value}", {first.name: a, second.name: str(value.value)}
        elif rule.kind == "ordered":
            low, high = self.samples.choices(first)[0], self.samples.choices(second)[0]
            yield "reversed", {first.name: high, second.name: low}
            if rule.strict:
                yield "equal", {first.name: low, second.name: low}
        elif rule.kind == "only-with":
            for other in self.samples.choices(second):
                if other != str(rule.value):
                    yield f"with-{other}", {first.name: self.samples.choices(first)[0], second.name: other}
        elif rule.kind == "agree":
            yield "contradiction", {first.name: "1", second.name: "0"}


def _leaves(body: Body) -> Iterator[tuple[Path, Element]]:
    for element in body.elements:
        if element.is_group:
            yield from (((element.name, inner.name), inner) for inner in element.elements)
        else:
            yield (element.name,), element


def _identifies(element: Element) -> bool:
    """Whether the element names the device that is spoken to."""
    return element.domain == "device_id" and not element.other_device


def _foreign(device_id: str) -> str:
    """Another well-formed device id of the same length."""
    return device_id[:-1] + ("1" if device_id[-1:] != "1" else "2")


def _unlisted(codes: list[int]) -> list[int]:
    """Numbers around the listed codes that are not listed: below, in the first gap, above."""
    inside = next((code for code in range(min(codes), max(codes)) if code not in codes), None)
    candidates = [min(codes) - 1, inside, max(codes) + 1]
    return [code for code in candidates if code is not None]


def _slug(text: str) -> str:
    """A piece of a case id: letters, digits, dots; a minus sign is spelt out."""
    if not text:
        return "empty"
    spelt = "minus" + text[1:] if text.startswith("-") else text
    return "".join(c if c.isascii() and (c.isalnum() or c in "._") else "_" for c in spelt)[:40]


def _reordered(table: MessageTable, command: Command, values: Mapping[str, Any]) -> bytes:
    """The message with its top-level elements in reverse order."""
    reverse = dict(reversed(list(values.items())))
    single = [encode_message(table, command.name, "request", {n: v}, check=False) for n, v in reverse.items()]
    root = command.request.root
    start, end = f"<{root}>".encode(), f"</{root}>".encode()
    head = single[0].partition(start)[0]
    return head + start + b"".join(xml.partition(start)[2].rpartition(end)[0] for xml in single) + end


__all__ = [
    "Case",
    "optional_absent_cases",
    "tolerance_cases",
    "unknown_command_codes",
    "valid_cases",
    "violation_cases",
]

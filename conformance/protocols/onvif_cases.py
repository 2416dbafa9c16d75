"""Requests made from the operation tables: good ones, and ones with exactly one mistake and the faults that are right.

Nothing here touches a device. Bodies are XML text of what stands inside the element of the operation, with the prefixes
of the ONVIF books.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import PREFIXES, Fault, element
from conformance.protocols.xml_names import Name, Node
from specs.onvif_operations import Element, Mistake, OnvifOperation, OperationTables, ServiceTable

#: Names something that no device has.
NOWHERE = "kandian-no-such-token"
NO_VALUE = "kandian-no-such-value"
WRONG_NAMESPACE = "urn:kandian:another-namespace"
SCHEMA_PREFIX = "tt"
#: What a value of each type is not.
WRONG = {
    "boolean": "perhaps",
    "integer": "many",
    "decimal": "much",
    "duration": "ten seconds",
    "time": "yesterday",
}
#: A value of each type for elements without a sample.
PLAIN = {
    "string": "kandian",
    "token": NOWHERE,
    "boolean": "false",
    "integer": "1",
    "decimal": "0",
    "duration": "PT1S",
    "time": "2020-01-01T00:00:00Z",
    "uri": "onvif://www.onvif.org/name/kandian",
    "binary": "",
    "choice": "",
    "structure": "",
}
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
#: Tokens by what they name, as a device told them.
Tokens = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """One request. ``body``: inside of the operation's element; ``mistake``: what is wrong with it, None for nothing;
    ``at``: path of the element that is wrong; ``faults``: each allowed, as far as its codes are written; ``exact``:
    whether the book of the service names the fault itself (else the generic ones fit); ``prefix``: of the operation
    where it is not that of the service; ``harmless``: whether a device that wrongly carries it out loses nothing."""

    service: str
    operation: str
    body: str
    mistake: Mistake | None = None
    at: str = ""
    faults: tuple[tuple[str, ...], ...] = ()
    exact: bool = False
    harmless: bool = True
    prefix: str = ""

    @property
    def name(self) -> str:
        """The operation, with its prefix where its namespace is not that of the service."""
        return f"{self.prefix}:{self.operation}" if self.prefix else self.operation

    @property
    def about(self) -> str:
        """Operation and mistake on one line."""
        told = f"{self.service} {self.operation}"
        return told if self.mistake is None else f"{told}: {self.mistake} {self.at}".strip()

    def allows(self, fault: Fault | None) -> bool:
        """Whether that fault is right."""
        return fault is not None and any(fault.codes[: len(codes)] == codes for codes in self.faults)

    @property
    def expected(self) -> str:
        """The allowed faults on one line."""
        return " | ".join("/".join(codes) for codes in self.faults)


class NoToken(LookupError):
    """A request names something of a kind that the device has not told: the kind is the text."""


def good_case(table: ServiceTable, operation: OnvifOperation, tokens: Tokens) -> Case:
    """A right request with as little in it as can be. Raises NoToken, and ValueError for an operation whose request the
    table does not describe."""
    if not operation.describable:
        raise ValueError(f"{operation.name}: the table does not describe its request")
    return Case(table.service, operation.name, body_of(table, operation.request, tokens), prefix=operation.prefix)


def body_of(table: ServiceTable, elements: Sequence[Element], tokens: Tokens, *, prefix: str = "") -> str:
    """XML text of the elements that have to be there. Raises NoToken."""
    written = prefix or table.prefix
    return "".join(_text(table, e, e.prefix or written, tokens) for e in elements if e.least)


def _text(table: ServiceTable, told: Element, prefix: str, tokens: Tokens) -> str:
    if told.type == "structure":
        inside = body_of(table, told.fields, tokens, prefix=SCHEMA_PREFIX)
    else:
        inside = text_content(_value(told, tokens))
    return element(f"{prefix}:{told.name}", inside, told.attributes)


def _value(told: Element, tokens: Tokens) -> str:
    if told.type == "token":
        if told.of not in tokens:
            raise NoToken(told.of)
        return tokens[told.of]
    return told.sample or (told.values[0] if told.values else PLAIN[told.type])


def wrong_cases(tables: OperationTables, table: ServiceTable, operation: OnvifOperation, tokens: Tokens) -> list[Case]:
    """Every mistake that the table allows to make in a request of this operation. Tokens that are not known are those
    of nothing: then no case is made that would need a good one beside the wrong one. Harmless are those of reading
    operations, and those that leave an operation at run time without the thing that it should work on."""
    made = _mistakes(tables, table, operation, tokens)
    names = {told.name for told in operation.request if told.type == "token"}
    safe = operation.access == "ACTUATE" and operation.effect != "destroys"
    return [
        replace(case, harmless=operation.reads or (safe and case.at in names), prefix=operation.prefix) for case in made
    ]


def guarded_case(table: ServiceTable, operation: OnvifOperation) -> Case | None:
    """A request that even a device that asks nobody who they are cannot carry out, because what it has to name does
    not exist; for a reading operation one that does no harm. None where there is no such request."""
    if operation.effect == "destroys":
        return None
    if not operation.reads and not any(_guards(told) for told in operation.request if told.least):
        return None
    body = "".join(_guarded(table, told, told.prefix or table.prefix) for told in operation.request if told.least)
    return Case(table.service, operation.name, body, prefix=operation.prefix)


def _guards(told: Element) -> bool:
    return (
        told.type in ("token", "choice") or told.opaque or any(_guards(field) for field in told.fields if field.least)
    )


def _guarded(table: ServiceTable, told: Element, prefix: str) -> str:
    if told.opaque:
        return ""
    if told.type == "structure":
        inside = "".join(_guarded(table, field, SCHEMA_PREFIX) for field in told.fields if field.least)
        return element(f"{prefix}:{told.name}", inside, told.attributes)
    value = (
        {"token": NOWHERE, "choice": NO_VALUE}.get(told.type) or WRONG.get(told.type) or told.sample or PLAIN[told.type]
    )
    return element(f"{prefix}:{told.name}", text_content(value))


def _mistakes(
    tables: OperationTables, table: ServiceTable, operation: OnvifOperation, tokens: Tokens
) -> Iterator[Case]:
    needed = [told for told in operation.request if told.least]
    for number, told in enumerate(needed):
        rest = [*needed[:number], *needed[number + 1 :]]
        if all(_writable(other, tokens) for other in rest):
            before, after = needed[:number], needed[number + 1 :]
            around = (body_of(table, before, tokens), body_of(table, after, tokens))
            yield from _mistakes_at(tables, table, operation, told, around, tokens)
    for told in operation.request:
        if not told.least and told.unknown and all(_writable(other, tokens) for other in needed):
            text = element(f"{told.prefix or table.prefix}:{told.name}", NOWHERE)
            case = Case(
                table.service, operation.name, _in_order(table, operation, told, text, tokens), "unknown", told.name
            )
            yield replace(case, faults=tables.codes((told.unknown,)), exact=True)


def _in_order(table: ServiceTable, operation: OnvifOperation, odd: Element, text: str, tokens: Tokens) -> str:
    parts = [text if told is odd else body_of(table, (told,), tokens) for told in operation.request]
    return "".join(parts)


def _writable(told: Element, tokens: Tokens) -> bool:
    return not told.opaque and (told.type != "token" or told.of in tokens)


def _mistakes_at(
    tables: OperationTables,
    table: ServiceTable,
    operation: OnvifOperation,
    told: Element,
    around: tuple[str, str],
    tokens: Tokens,
) -> Iterator[Case]:
    prefix = told.prefix or table.prefix

    def case(mistake: Mistake, text: str, at: str = "") -> Case:
        body = f"{around[0]}{text}{around[1]}"
        faults = tables.allowed(mistake)
        return Case(table.service, operation.name, body, mistake, at or told.name, faults)

    yield case("missing", "")
    for mistake, value in _wrong_values(told):
        made = case(mistake, element(f"{prefix}:{told.name}", text_content(value)))
        if mistake == "unknown":
            made = replace(made, faults=tables.codes((told.unknown,)), exact=True)
        yield made
    for field in told.fields:
        for inner in _mistakes_inside(table, told, field, tokens):
            yield case(inner[0], element(f"{prefix}:{told.name}", inner[1]), f"{told.name}/{field.name}")
    if told.type != "structure" and _writable(told, tokens):
        value = text_content(_value(told, tokens))
        if told.most == 1:
            yield case("surplus", element(f"{prefix}:{told.name}", value) * 2)
        yield case("namespace", f'<{told.name} xmlns="{WRONG_NAMESPACE}">{value}</{told.name}>')


def _wrong_values(told: Element) -> Iterator[tuple[Mistake, str]]:
    if told.type == "token" and told.unknown:
        yield "unknown", NOWHERE
    if told.type in WRONG:
        yield "wrong_type", WRONG[told.type]
        yield "empty", ""
    if told.type == "choice":
        yield "out_of_list", NO_VALUE


def _mistakes_inside(
    table: ServiceTable, outer: Element, field: Element, tokens: Tokens
) -> Iterator[tuple[Mistake, str]]:
    rest = [other for other in outer.fields if other is not field and other.least]
    if not field.least or not all(_writable(other, tokens) for other in rest):
        return
    at = outer.fields.index(field)
    before = body_of(table, outer.fields[:at], tokens, prefix=SCHEMA_PREFIX)
    after = body_of(table, outer.fields[at + 1 :], tokens, prefix=SCHEMA_PREFIX)
    yield "missing", before + after
    for mistake, value in _wrong_values(field):
        yield mistake, before + element(f"{SCHEMA_PREFIX}:{field.name}", text_content(value)) + after


def shape_flaws(table: ServiceTable, operation: OnvifOperation, answer: Node) -> list[str]:
    """What the table says against an answer: elements and attributes that are missing, too many, out of order or of the
    wrong type. For services whose schema we do not have; what the table does not know is let pass."""
    if answer.name != Name(table.namespace, f"{operation.name}Response"):
        return [f"{answer.name.local} in place of {operation.name}Response"]
    return list(_shape(answer, operation.answer, table.prefix, ""))


def _shape(node: Node, elements: Sequence[Element], prefix: str, path: str) -> Iterator[str]:
    places: list[tuple[int, str]] = []
    for told in elements:
        name, at = Name(PREFIXES[told.prefix or prefix], told.name), f"{path}{told.name}"
        there = [child for child in node.children if child.name == name]
        places += [(place, at) for place, child in enumerate(node.children) if child.name == name][:1]
        if len(there) < told.least:
            yield f"{at}: {len(there)} of at least {told.least}"
        if told.most and len(there) > told.most:
            yield f"{at}: {len(there)} of at most {told.most}"
        for child in there:
            yield from _shape_inside(child, told, at)
    for (before, _), (after, late) in pairwise(places):
        if after < before:
            yield f"{late}: out of order"


def _shape_inside(node: Node, told: Element, at: str) -> Iterator[str]:
    if not _fits(told, node):
        yield f"{at}: {node.text.strip()[:40]!r} is no {told.type}"
    for attribute in told.attributes:
        if node.attribute(attribute) is None:
            yield f"{at}: no attribute {attribute}"
    yield from _shape(node, told.fields, SCHEMA_PREFIX, f"{at}/")


def _fits(told: Element, node: Node) -> bool:
    text = node.text.strip()
    match told.type:
        case "boolean":
            return text in ("true", "false", "1", "0")
        case "integer":
            return text.removeprefix("-").removeprefix("+").isdigit()
        case "choice":
            return text in told.values
        case "decimal":
            return _DECIMAL.fullmatch(text) is not None
        case "uri" | "token":
            return bool(text)
        case _:
            return True

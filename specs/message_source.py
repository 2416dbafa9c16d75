"""From the text of a message table to complete rows: domains filled in, cross-references checked.

Works on the plain data of the file, so that every fault is told with its file and line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from specs.condition import ConditionError, parse_condition
from specs.yaml_source import Document, KeyPath, SourceError

_REQUIREMENT = re.compile(r"(BIZ|IF|CS|UI|TST)-([A-Z0-9]{2,4}-)?[0-9]{2,3}[a-z]?\Z")
_KINDS = ("request", "response")
_INHERITED = (
    "type",
    "range",
    "enum",
    "open",
    "max_length",
    "pattern",
    "samples",
    "counterexamples",
    "secret",
    "status",
    "title",
)


def resolve_table(document: Document) -> Document:
    """The same document with enums and domains filled into every element. Raises SourceError."""
    data = document.data
    if not isinstance(data, dict) or not isinstance(data.get("commands"), list):
        raise document.error((), "a message table is a mapping with `kandian: message_table/1` and `commands`")
    enums = _mapping(document, ("enums",))
    domains = {
        name: _with_enum(document, ("domains", name), domain, enums)
        for name, domain in _mapping(document, ("domains",)).items()
    }
    commands = []
    for index, command in enumerate(data["commands"]):
        where: KeyPath = ("commands", index)
        if not isinstance(command, dict):
            raise document.error(where, "a command is a mapping")
        bodies = _bodies(document, where, command, domains, enums)
        commands.append({**_requirements(document, command), **command, **bodies})
    return replace(document, data={**data, "domains": domains, "commands": commands})


def _requirements(document: Document, command: dict[Any, Any]) -> dict[str, Any]:
    shared = _mapping(document, ("requirements",))
    refusal = command.get("refusal_requirement", shared.get("refusal", ""))
    return {"refusal_requirement": refusal, "unsupported_requirement": refusal}


def _mapping(document: Document, where: KeyPath) -> dict[Any, Any]:
    found = document.data.get(where[0])
    if not isinstance(found, dict):
        raise document.error(where, f"`{where[0]}` has to be a mapping")
    return found


def _with_enum(document: Document, where: KeyPath, row: Any, enums: dict[Any, Any]) -> dict[Any, Any]:
    if not isinstance(row, dict):
        raise document.error(where, "a mapping is needed here")
    name = row.get("enum")
    if name is None:
        return row
    if name not in enums:
        raise document.error((*where, "enum"), f"there is no enum named {name!r}")
    return {**row, "enum": enums[name]}


def _bodies(
    document: Document, where: KeyPath, command: dict[Any, Any], domains: dict[Any, Any], enums: dict[Any, Any]
) -> dict[str, Any]:
    bodies = {}
    for kind in _KINDS:
        body = command.get(kind)
        if not isinstance(body, dict) or not isinstance(body.get("elements"), list):
            raise document.error((*where, kind), f"a command needs a {kind} with root and elements")
        evidence = body.get("evidence", command.get("evidence", "active"))
        elements = _elements(document, (*where, kind, "elements"), body["elements"], evidence, (domains, enums))
        bodies[kind] = {**body, "evidence": evidence, "elements": elements}
    return bodies


def _elements(
    document: Document, where: KeyPath, rows: Any, evidence: str, tables: tuple[dict[Any, Any], dict[Any, Any]]
) -> list[dict[Any, Any]]:
    if not isinstance(rows, list):
        raise document.error(where, "`elements` has to be a list")
    domains, enums = tables
    result = []
    for index, row in enumerate(rows):
        here: KeyPath = (*where, index)
        element = {"evidence": evidence, **_with_enum(document, here, row, enums)}
        domain = element.get("domain")
        if domain is not None:
            if domain not in domains:
                raise document.error((*here, "domain"), f"there is no domain named {domain!r}")
            element = {**{key: domains[domain][key] for key in _INHERITED if key in domains[domain]}, **element}
        if "elements" in element:
            element["elements"] = _elements(document, (*here, "elements"), element["elements"], evidence, tables)
        elif "type" not in element:
            raise document.error(here, f"the element {element.get('name')!r} has neither domain, type nor elements")
        result.append(element)
    return result


def check_table(document: Document) -> None:
    """Checks across rows of a resolved table that has the right shape. Raises SourceError."""
    for fault in _faults(document):
        raise fault


def _faults(document: Document) -> Iterator[SourceError]:
    yield from _duplicates(document)
    yield from _outcome_faults(document)
    for name, domain in document.data["domains"].items():
        yield from _value_faults(document, ("domains", name), domain)
    for name, values in document.data["enums"].items():
        codes = [value["value"] for value in values]
        if len(set(codes)) != len(codes):
            yield document.error(("enums", name), f"the enum {name} holds one value twice")
        for index, value in enumerate(values):
            yield from _condition_faults(document, ("enums", name, index, "when"), value.get("when", "always"))
    for index, command in enumerate(document.data["commands"]):
        yield from _command_faults(document, ("commands", index), command)


def _outcome_faults(document: Document) -> Iterator[SourceError]:
    known = {value["value"] for value in document.data["enums"].get("result", ())}
    for name, codes in document.data["outcomes"].items():
        for code in codes:
            if code not in known:
                yield document.error(("outcomes", name), f"{code} is no Result of the enum `result`")
    for name, requirement in document.data["requirements"].items():
        if not _REQUIREMENT.match(requirement):
            yield document.error(("requirements", name), f"{requirement!r} is not a requirement id")


def _duplicates(document: Document) -> Iterator[SourceError]:
    seen: dict[tuple[str, Any], str] = {}
    for index, command in enumerate(document.data["commands"]):
        keys: list[tuple[KeyPath, str, Any]] = [((), "name", command["name"])]
        keys += [((kind, "root"), "root", command[kind]["root"]) for kind in _KINDS]
        if command.get("code") is not None:
            keys.append((("code",), "code", command["code"]))
        for tail, what, value in keys:
            if (what, value) in seen:
                shown = f"0x{value:02x}" if isinstance(value, int) else value
                sentence = f"the {what} {shown} of {command['name']} is taken by {seen[what, value]}"
                yield document.error(("commands", index, *tail), sentence)
            seen[what, value] = command["name"]


def _command_faults(document: Document, where: KeyPath, command: dict[str, Any]) -> Iterator[SourceError]:
    http = command.get("transport", "frame") == "http"
    code = command.get("code")
    if http != (code is None):
        yield document.error(where, f"{command['name']}: a frame command has a code, an HTTP step has none")
    if code is not None and not 0 <= code <= 0xFF:
        yield document.error((*where, "code"), f"{command['name']}: a code is one byte")
    for key in ("requirement", "refusal_requirement", "unsupported_requirement"):
        if key in command and not _REQUIREMENT.match(command[key]):
            yield document.error((*where, key), f"{command[key]!r} is not a requirement id")
    yield from _condition_faults(document, (*where, "when"), command["when"])
    for kind in _KINDS:
        body = command[kind]
        yield from _group_faults(document, (*where, kind), body)
        names = {element["name"] for element in body["elements"]}
        for name in body.get("refusal", ()):
            if name not in names:
                yield document.error((*where, kind, "refusal"), f"{body['root']} has no element {name}")


def _group_faults(document: Document, where: KeyPath, group: dict[str, Any]) -> Iterator[SourceError]:
    names: list[str] = []
    for index, element in enumerate(group["elements"]):
        here: KeyPath = (*where, "elements", index)
        names += [element["name"], *element.get("aliases", ())]
        yield from _value_faults(document, here, element)
        if "elements" in element:
            yield from _group_faults(document, here, element)
    for name in sorted(set(names)):
        if names.count(name) > 1:
            yield document.error((*where, "elements"), f"the element {name} stands here twice")
    for index, rule in enumerate(group.get("rules", ())):
        for name in rule["elements"]:
            if name not in names:
                yield document.error((*where, "rules", index), f"the rule names the unknown element {name}")
        if rule["kind"] == "only-with" and rule.get("value") is None:
            yield document.error((*where, "rules", index), "an only-with rule needs a value")


def _value_faults(document: Document, where: KeyPath, row: dict[str, Any]) -> Iterator[SourceError]:
    bounds = row.get("range") or {}
    if bounds.get("min") is not None and bounds.get("max") is not None and bounds["min"] > bounds["max"]:
        yield document.error((*where, "range"), "the range is empty: min lies above max")
    try:
        re.compile(row.get("pattern", ""))
    except re.error as error:
        yield document.error((*where, "pattern"), f"the pattern cannot be used: {error}")


def _condition_faults(document: Document, where: KeyPath, text: str) -> Iterator[SourceError]:
    try:
        parse_condition(text)
    except ConditionError as error:
        yield document.error(where, str(error))

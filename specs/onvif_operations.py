"""The operations of ONVIF services (specs/interface/onvif_operations/*.yaml) as frozen values.

One file a service, and conditions.yaml with the faults that the books define and the generic ones of ONVIF Core.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import SPECS_ROOT, decode
from specs.model import Text
from specs.yaml_source import Document, SourceError, read_yaml

OPERATION_FOLDER = Path(__file__).parent / "interface" / "onvif_operations"
CONDITIONS = "conditions"
_HAN = re.compile(r"[㐀-鿿]")

Access = Literal[
    "PRE_AUTH",
    "READ_SYSTEM",
    "READ_SYSTEM_SENSITIVE",
    "READ_SYSTEM_SECRET",
    "WRITE_SYSTEM",
    "UNRECOVERABLE",
    "READ_MEDIA",
    "ACTUATE",
]
UserLevel = Literal["Administrator", "Operator", "User", "Anonymous"]
ValueType = Literal["string", "token", "boolean", "integer", "decimal", "duration", "time", "uri", "binary", "choice"]
ElementType = Literal[ValueType, "structure"]
Effect = Literal["none", "changes", "moves", "destroys"]
Support = Literal["mandatory", "conditional", "optional"]
Mistake = Literal[
    "missing", "unknown", "wrong_type", "out_of_list", "empty", "namespace", "surplus", "unknown_action", "unsupported"
]


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One element of a request or an answer. ``type``: what its text is, ``structure`` for one with elements inside;
    ``of``: what a token names; ``unknown``: the condition for a token that names nothing; ``least`` and ``most``: how
    often it stands there, 0 for any number; ``values``: of a choice; ``sample``: a text that does no harm; ``schema``:
    type name in the ONVIF schema; ``prefix``: of its namespace, empty for that of the service (below the first level:
    tt); ``attributes``: that have to be there, with the values for a request."""

    name: str
    type: ElementType = "string"
    least: int = 1
    most: int = 1
    of: str = ""
    unknown: str = ""
    values: tuple[str, ...] = ()
    sample: str = ""
    schema: str = ""
    prefix: str = ""
    attributes: dict[str, str] = {}
    fields: tuple[Element, ...] = ()

    @property
    def opaque(self) -> bool:
        """Whether it is a structure that the table does not describe."""
        return self.type == "structure" and not self.fields and not self.attributes


class FaultCondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a fault is due. ``codes``: the code and its subcodes from outside in, with the prefixes of the books."""

    codes: tuple[str, ...]
    zh: str
    en: str

    @property
    def about(self) -> Text:
        """The condition in both languages."""
        return Text(zh=self.zh, en=self.en)


class OnvifOperation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One operation. ``section``: of the book where its heading is another; ``support``: whether a device with the
    service has to have it, ``capability``: what a conditional one hangs on, ``unless``: the capability that frees from
    a mandatory one; ``effect``: what a successful call does; ``faults``: names of conditions; ``since`` and ``until``:
    first and last release of the books that hold it; ``prefix``: where its namespace is not that of the service;
    ``on_subscription``: asked for at the address of a subscription; ``attachment``: the answer may come by MTOM, as a
    multipart message."""

    name: str
    access: Access
    section: str = ""
    support: Support = "optional"
    capability: str = ""
    unless: str = ""
    effect: Effect = "none"
    request: tuple[Element, ...] = ()
    answer: tuple[Element, ...] = ()
    faults: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    prefix: str = ""
    on_subscription: bool = False
    attachment: bool = False

    def begins_after(self, version: tuple[int, int]) -> bool:
        """Whether it came after that version of its service, as a device tells it (tt:OnvifVersion)."""
        return bool(self.since) and version < version_of(self.since)

    @property
    def reads(self) -> bool:
        """Whether a successful call changes nothing."""
        return self.effect == "none"

    @property
    def tokens(self) -> tuple[str, ...]:
        """The kinds of things that the elements that have to be there name."""
        return tuple(element.of for element in self.request if element.least and element.of)

    @property
    def describable(self) -> bool:
        """Whether a good request can be written from the table alone."""
        return not any(element.opaque and element.least for element in self.request)


def version_of(release: str) -> tuple[int, int]:
    """A release as devices tell it (tt:OnvifVersion): 2.4.2 as 2 and 42, 2.6 as 2 and 60, 18.12 as 18 and 12."""
    major, minor, *rest = release.split(".")
    return int(major), int(minor) if len(minor) > 1 else int(minor + "".join(rest or ["0"]))


class ServiceTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file of one service. ``book``: basis key of its specification; ``wsdl``: the file that holds its schema,
    empty where answers are judged by the table alone; ``since``: first release that has the service, where it came
    later than the others."""

    kandian: Literal["onvif-operations/1"]
    service: str
    prefix: str
    namespace: str
    book: str
    operations: tuple[OnvifOperation, ...]
    wsdl: str = ""
    since: str = ""

    def operation(self, name: str) -> OnvifOperation:
        """The operation of that name. Raises KeyError."""
        for operation in self.operations:
            if operation.name == name:
                return operation
        raise KeyError(name)


class ConditionTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """conditions.yaml. ``allowed``: for each mistake in a request the faults that are right, as names of conditions;
    ``access``: the user levels that may call the operations of an access class."""

    kandian: Literal["onvif-conditions/1"]
    conditions: dict[str, FaultCondition]
    allowed: dict[Mistake, tuple[str, ...]]
    access: dict[Access, tuple[UserLevel, ...]]


@dataclass(frozen=True, slots=True)
class OperationTables:
    """All services, by their keys."""

    services: dict[str, ServiceTable]
    conditions: ConditionTable

    def operation(self, service: str, name: str) -> OnvifOperation:
        """The operation of that name. Raises KeyError."""
        return self.services[service].operation(name)

    def every(self) -> Iterator[tuple[ServiceTable, OnvifOperation]]:
        """Each operation with its service, in the order of the files."""
        for table in self.services.values():
            for operation in table.operations:
                yield table, operation

    def codes(self, names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
        """The codes of those conditions."""
        return tuple(self.conditions.conditions[name].codes for name in names)

    def allowed(self, mistake: Mistake) -> tuple[tuple[str, ...], ...]:
        """The faults that are right for a mistake, each as far as it is written down."""
        return self.codes(self.conditions.allowed[mistake])

    def may(self, level: UserLevel, operation: OnvifOperation) -> bool:
        """Whether a user of that level may call it by the default access policy (ONVIF Core, access classes)."""
        return level in self.conditions.access[operation.access]


def operation_files(folder: Path = OPERATION_FOLDER) -> list[Path]:
    """The files of services, by name."""
    return sorted(path for path in folder.glob("*.yaml") if path.stem != CONDITIONS)


@lru_cache
def load_onvif_operations(folder: Path = OPERATION_FOLDER) -> OperationTables:
    """All tables. Raises SourceError with file and line."""
    conditions = decode(read_yaml(folder / f"{CONDITIONS}.yaml"), (), ConditionTable)
    services = {}
    for path in operation_files(folder):
        document = read_yaml(path)
        table = decode(document, (), ServiceTable)
        _check_service(document, table, conditions)
        services[table.service] = table
    return OperationTables(services, conditions)


def _check_service(document: Document, table: ServiceTable, conditions: ConditionTable) -> None:
    names: set[str] = set()
    for number, operation in enumerate(table.operations):
        where = ("operations", number)
        if operation.name in names:
            raise document.error(where, f"{operation.name} stands here twice")
        names.add(operation.name)
        for flaw in _flaws(operation, conditions):
            raise document.error(where, f"{operation.name}: {flaw}")


def _flaws(operation: OnvifOperation, conditions: ConditionTable) -> Iterator[str]:
    if (operation.support == "conditional") != bool(operation.capability):
        yield "a conditional operation names its capability, and only that"
    if operation.unless and operation.support != "mandatory":
        yield "only a mandatory operation has something that frees from it"
    for name in operation.faults:
        if name not in conditions.conditions:
            yield f"there is no condition {name}"
    for element in _elements(operation.request):
        if element.unknown and element.unknown not in conditions.conditions:
            yield f"there is no condition {element.unknown}"
        if element.unknown and element.unknown not in operation.faults:
            yield f"{element.unknown} is missing among the faults"
        if (element.type == "choice") != bool(element.values):
            yield f"{element.name}: a choice has values, and nothing else has"
        if (element.type == "token") != bool(element.of):
            yield f"{element.name}: a token names something, and nothing else does"
        if element.most and element.most < element.least:
            yield f"{element.name} has to be there more often than it may"


def _elements(elements: tuple[Element, ...]) -> Iterator[Element]:
    for element in elements:
        yield element
        yield from _elements(element.fields)


def operation_faults(root: Path, basis: Container[str]) -> Iterator[SourceError]:
    """What is wrong with the tables below ``root`` (none is wrong when it has none); ``basis``: the keys of books."""
    folder = root / OPERATION_FOLDER.relative_to(SPECS_ROOT)
    if not folder.is_dir():
        return
    try:
        tables = load_onvif_operations(folder)
    except SourceError as error:
        yield error
        return
    for name, condition in tables.conditions.conditions.items():
        if not _HAN.search(condition.zh) or not condition.en.strip() or _HAN.search(condition.en):
            yield SourceError(folder / f"{CONDITIONS}.yaml", 1, f"{name}: one of its two languages is missing")
    for mistake, names in tables.conditions.allowed.items():
        for name in set(names) - set(tables.conditions.conditions):
            yield SourceError(folder / f"{CONDITIONS}.yaml", 1, f"allowed {mistake}: there is no condition {name}")
    for table in tables.services.values():
        if table.book not in basis:
            yield SourceError(folder / f"{table.service}.yaml", 1, f"unknown basis key {table.book}")

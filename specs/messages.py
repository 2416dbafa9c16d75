"""Message tables: every command of a signalling protocol with its elements, as frozen values.

The codec, the simulators, the peers and the generated tests read this one table
(``specs/interface/tykd_messages.yaml``), so a row more there is a message more everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.message_source import check_table, resolve_table
from specs.model import Limit, Text
from specs.yaml_source import SourceError, read_yaml

TABLE_PATH = Path(__file__).parent / "interface" / "tykd_messages.yaml"

Direction = Literal["device-to-platform", "platform-to-device"]
Kind = Literal["request", "response"]
Transport = Literal["frame", "http"]
ElementType = Literal["s", "n", "b", "ip", "t14", "t12", "hm"]
Presence = Literal["required", "may-be-empty", "optional"]
Evidence = Literal["active", "disabled", "inferred"]
Effect = Literal["query", "set", "action", "notify", "session"]
Status = Literal["ratified", "proposed"]
RuleKind = Literal["pairs", "ordered", "only-with", "prefix", "agree"]
Prerequisite = Literal["", "record_policy", "picture_policy", "free_channel", "linked_camera", "firmware"]


class UnknownMessage(LookupError):
    """No command of that name, code or root stands in the table."""


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Inclusive bounds of a number; None is unbounded."""

    min: int | None = None
    max: int | None = None

    def holds(self, number: int) -> bool:
        """Whether ``number`` lies inside."""
        return (self.min is None or number >= self.min) and (self.max is None or number <= self.max)


class Repeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often a group of elements may stand in its parent; ``max`` None is unbounded."""

    min: int = 0
    max: int | None = None


class EnumValue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One allowed code. ``when``: the condition under which a device has it. ``goes_with``: the value of
    the other element of a ``pairs`` rule. Sizes in pixels, ``kbit_s`` in kbit/s."""

    value: int
    zh: str
    en: str
    when: str = "always"
    goes_with: int | None = None
    width: int | None = None
    height: int | None = None
    kbit_s: int | None = None


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A constraint between elements of one group.

    pairs: the second value belongs to the first (``goes_with``). ordered: first < second, or <= when not strict.
    only-with: the first may be there only if the second is ``value``. prefix: the second begins with the first.
    agree: the first (flag) is 1 exactly when the second (number) is above 0.
    """

    kind: RuleKind
    elements: tuple[str, str]
    value: int | None = None
    strict: bool = True
    status: Status = "ratified"


class Element(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One XML element with its domain's constraints filled in. ``type`` is empty for a group of elements.

    ``max_length`` counts UTF-8 bytes. ``samples`` are valid texts, ``counterexamples`` break the pattern.
    ``other_device``: a device id that is not the id of the device under test.
    """

    name: str
    title: Text
    type: ElementType | Literal[""] = ""
    presence: Presence = "required"
    may_be_empty: bool = False
    domain: str = ""
    repeat: Repeat | None = None
    elements: tuple[Element, ...] = ()
    rules: tuple[Rule, ...] = ()
    range: Range | None = None
    enum: tuple[EnumValue, ...] = ()
    open: bool = False
    max_length: int | None = None
    pattern: str = ""
    samples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    secret: bool = False
    aliases: tuple[str, ...] = ()
    other_device: bool = False
    evidence: Evidence = "active"
    status: Status = "ratified"

    @property
    def optional(self) -> bool:
        """Whether the element may be missing (a repeated group with ``min`` 0 included)."""
        return self.presence == "optional" or (self.repeat is not None and self.repeat.min == 0)

    @property
    def empty_allowed(self) -> bool:
        """Whether the element may stand with empty text."""
        return self.presence == "may-be-empty" or self.may_be_empty

    @property
    def is_group(self) -> bool:
        """Whether the element holds elements instead of text."""
        return bool(self.elements)


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One request or response. ``refusal``: the only elements there when Result is not 0 (empty: no Result).

    ``max_xml``: most bytes of XML where it differs from the limit of the direction.
    """

    root: str
    elements: tuple[Element, ...]
    refusal: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = ()
    max_xml: int | None = None
    evidence: Evidence = "active"
    status: Status = "ratified"

    def element(self, name: str) -> Element:
        """The top-level element of that name. Raises UnknownMessage."""
        for element in self.elements:
            if element.name == name:
                return element
        raise UnknownMessage(f"{self.root} has no element {name}")


class Command(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command: who starts it, what it does, its request and its response. ``code`` is None over HTTP.

    A valid exchange proves ``requirement``, a refused one ``refusal_requirement``, the refusal of a command that the
    device does not have ``unsupported_requirement`` (the loader fills the last two in).
    """

    name: str
    title: Text
    direction: Direction
    when: str
    evidence: Evidence
    effect: Effect
    requirement: str
    request: Body
    response: Body
    code: int | None = None
    transport: Transport = "frame"
    changes_state: bool = False
    destructive: bool = False
    refusal_requirement: str = ""
    unsupported_requirement: str = ""
    prerequisite: Prerequisite = ""
    undefined_body: bool = False
    status: Status = "ratified"

    def body(self, kind: Kind) -> Body:
        """The request or the response."""
        return self.request if kind == "request" else self.response

    def kind(self, travel: Direction) -> Kind:
        """What a message of this command is when it travels in that direction."""
        return "request" if travel == self.direction else "response"

    @property
    def has_result(self) -> bool:
        """Whether the response carries a Result (HEARTBEAT does not)."""
        return bool(self.response.refusal)


class FrameConstants(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers of the frame around a message; sizes in bytes."""

    start: tuple[int, int]
    header_size: Limit
    digest_size: Limit
    reserved: Limit


class Outcomes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Result codes a conforming receiver may answer: to a valid request, to one that breaks a rule, to one for
    another device, to one that does not say properly for which device it is."""

    ok: frozenset[int]
    refused: frozenset[int]
    foreign_device: frozenset[int]
    unidentified: frozenset[int]


class SharedRequirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Requirement ids which hold for every command: refusing bad values, bearing what a sender bends, unknown codes."""

    refusal: str
    tolerance: str
    unknown_command: str


class Domain(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a value means, independent of the element it stands in."""

    title: Text
    type: ElementType
    range: Range | None = None
    enum: tuple[EnumValue, ...] = ()
    open: bool = False
    max_length: int | None = None
    pattern: str = ""
    samples: tuple[str, ...] = ()
    counterexamples: tuple[str, ...] = ()
    secret: bool = False
    status: Status = "ratified"


class _TableFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    kandian: Literal["message_table/1"]
    id: str
    title: Text
    frame: FrameConstants
    limits: dict[str, Limit]
    outcomes: Outcomes
    requirements: SharedRequirements
    enums: dict[str, tuple[EnumValue, ...]]
    domains: dict[str, Domain]
    commands: tuple[Command, ...]


@dataclass(frozen=True)
class MessageTable:
    """The whole table. Commands keep the order of the file."""

    id: str
    title: Text
    frame: FrameConstants
    limits: dict[str, Limit]
    outcomes: Outcomes
    requirements: SharedRequirements
    enums: dict[str, tuple[EnumValue, ...]]
    domains: dict[str, Domain]
    commands: tuple[Command, ...]

    @cached_property
    def by_name(self) -> dict[str, Command]:
        """Command by name."""
        return {command.name: command for command in self.commands}

    @cached_property
    def by_code(self) -> dict[int, Command]:
        """Command by frame code; HTTP steps have none."""
        return {command.code: command for command in self.commands if command.code is not None}

    @cached_property
    def by_root(self) -> dict[str, tuple[Command, Kind]]:
        """Command and kind by the name of the root element."""
        return {root: found for command in self.commands for root, found in _roots(command)}

    @cached_property
    def bit_rates(self) -> dict[int, int]:
        """Bit rate code to kbit/s."""
        return {value.value: value.kbit_s for value in self.enums["bit_rate_code"] if value.kbit_s is not None}

    @cached_property
    def frame_sizes(self) -> dict[int, tuple[int, int]]:
        """Frame size code to (width, height) in pixels."""
        return {v.value: (v.width, v.height) for v in self.enums["frame_size"] if v.width and v.height}

    @cached_property
    def results(self) -> dict[int, EnumValue]:
        """Result code to its meaning."""
        return {value.value: value for value in self.enums["result"]}

    def command(self, name_or_code: str | int) -> Command:
        """The command of that name or frame code. Raises UnknownMessage."""
        found = self.by_code.get(name_or_code) if isinstance(name_or_code, int) else self.by_name.get(name_or_code)
        if found is None:
            shown = f"0x{name_or_code:02x}" if isinstance(name_or_code, int) else repr(name_or_code)
            raise UnknownMessage(f"the message table has no command {shown}")
        return found

    def lookup(self, name_or_code: str | int, travel: Direction) -> tuple[Command, Kind, Body]:
        """What a message travelling in that direction under that code is. Raises UnknownMessage."""
        command = self.command(name_or_code)
        kind = command.kind(travel)
        return command, kind, command.body(kind)

    def root(self, root: str) -> tuple[Command, Kind]:
        """The command and kind of a root element. Raises UnknownMessage."""
        if root not in self.by_root:
            raise UnknownMessage(f"the message table has no root {root!r}")
        return self.by_root[root]

    def started_by(self, direction: Direction) -> tuple[Command, ...]:
        """Every command which that side starts, in the order of the table."""
        return tuple(command for command in self.commands if command.direction == direction)

    def max_xml(self, command: Command, kind: Kind) -> int:
        """Most bytes of XML that such a message may have: its own bound, or what every device has to take."""
        bound = command.body(kind).max_xml
        return int(self.limits["device_xml"].number) if bound is None else bound


def _roots(command: Command) -> Iterator[tuple[str, tuple[Command, Kind]]]:
    yield command.request.root, (command, "request")
    yield command.response.root, (command, "response")


def load_message_table(path: Path | None = None) -> MessageTable:
    """Read a message table (the tykd table by default, read once). Raises SourceError with file and line."""
    return _read_table(path) if path is not None else _tykd_table()


@lru_cache(maxsize=1)
def _tykd_table() -> MessageTable:
    return _read_table(TABLE_PATH)


def _read_table(path: Path) -> MessageTable:
    from specs.loader import decode

    document = resolve_table(read_yaml(path))
    file = decode(document, (), _TableFile)
    check_table(document)
    return MessageTable(**{name: getattr(file, name) for name in file.__struct_fields__ if name != "kandian"})


__all__ = [
    "TABLE_PATH",
    "Body",
    "Command",
    "Direction",
    "Domain",
    "Element",
    "EnumValue",
    "Kind",
    "MessageTable",
    "Outcomes",
    "Range",
    "Repeat",
    "Rule",
    "SharedRequirements",
    "SourceError",
    "UnknownMessage",
    "load_message_table",
]

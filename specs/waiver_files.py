"""Files of the user that say which findings are known: waivers, the baseline of a product, the policy of a gate."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from specs.yaml_source import SourceError, read_yaml

Action = Literal["fail", "warn", "ignore"]


class Scope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which device a waiver is for: manufacturer and model as declared, and the exact firmware versions."""

    manufacturer: str
    model: str
    firmware: tuple[str, ...]


class Waiver(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One violation that somebody answers for until a day. ``expires`` is the last valid day, YYYY-MM-DD (UTC)."""

    requirement: str
    scope: Scope
    reason: str
    approver: str
    issue: str
    expires: str

    @property
    def last_day(self) -> date:
        """The last valid day. Raises ValueError."""
        return date.fromisoformat(self.expires)


class WaiverFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """waivers.yaml."""

    kandian: Literal["waivers/1"]
    waivers: tuple[Waiver, ...]


class ExpectedVerdict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A requirement that this product is known not to pass."""

    requirement: str
    verdict: Literal["FAIL", "WARN", "INCONCLUSIVE"]
    note: str = ""


class BaselineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The expected failures of a product in CI. ``tested`` are the requirements that a run must decide."""

    kandian: Literal["baseline/1"]
    expected: tuple[ExpectedVerdict, ...]
    tested: tuple[str, ...] = ()


class PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a gate does with each kind of difference."""

    kandian: Literal["policy/1"]
    new_failures: Action = "fail"
    new_warnings: Action = "warn"
    undecided: Action = "fail"
    fixed: Action = "fail"
    missing: Action = "fail"


Kind = TypeVar("Kind", WaiverFile, BaselineFile, PolicyFile)


def read_file(path: Path, kind: type[Kind]) -> Kind:
    """Read one of these files. Raises SourceError with file and line."""
    document = read_yaml(path)
    try:
        found = msgspec.convert(document.data, kind)
    except msgspec.ValidationError as error:
        raise SourceError(path, 1, str(error)) from None
    names = [w.requirement for w in _entries(found)]
    if isinstance(found, WaiverFile):
        for number, waiver in enumerate(found.waivers):
            _check_waiver(path, document.line(("waivers", number)), waiver)
    elif twice := sorted({name for name in names if names.count(name) > 1}):
        raise SourceError(path, 1, f"{twice[0]} stands twice")
    return found


def _entries(found: WaiverFile | BaselineFile | PolicyFile) -> tuple[Waiver | ExpectedVerdict, ...]:
    if isinstance(found, WaiverFile):
        return found.waivers
    return found.expected if isinstance(found, BaselineFile) else ()


def _check_waiver(path: Path, line: int, waiver: Waiver) -> None:
    empty = [name for name in ("reason", "approver", "issue") if not getattr(waiver, name).strip()]
    if empty:
        raise SourceError(path, line, f"{waiver.requirement}: `{empty[0]}` is empty")
    if not waiver.scope.firmware:
        raise SourceError(path, line, f"{waiver.requirement}: the scope names no firmware version")
    try:
        waiver.last_day  # noqa: B018
    except ValueError:
        raise SourceError(path, line, f"{waiver.requirement}: `expires` is no day like 2026-12-31") from None

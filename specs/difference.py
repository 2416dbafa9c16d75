"""Two states of the spec compared: which requirements came, which went, which changed, and in what."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from specs.loader import Catalogue
from specs.model import Limit, Requirement
from specs.revisions import EDITORIAL, NORMATIVE

#: Kinds of change in the order in which they are told, with their names in both languages.
KINDS: Mapping[str, tuple[str, str]] = {
    "added": ("新增", "added"),
    "removed": ("移除", "removed"),
    "level": ("级别", "level"),
    "limit": ("限值", "limit"),
    "condition": ("适用条件", "condition"),
    "text": ("仅文字", "text only"),
}


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field that differs; ``before`` and ``after`` as short text, empty where long texts differ."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class RequirementChange:
    """One requirement. ``kinds``: keys of `KINDS`; ``text`` stands alone: no field that decides verdicts differs."""

    requirement: str
    role: str
    kinds: tuple[str, ...]
    rev_before: int
    rev_after: int
    fields: tuple[FieldChange, ...]

    @property
    def decides(self) -> bool:
        """Whether a verdict can follow from it."""
        return self.kinds != ("text",)


def in_edition(catalogue: Catalogue, edition: str) -> dict[str, Requirement]:
    """The requirements of one edition. Raises UnknownName."""
    place, order = catalogue.edition_order[catalogue.edition(edition).id], catalogue.edition_order
    return {
        name: requirement
        for name, requirement in catalogue.requirements.items()
        if order[requirement.since] <= place and (not requirement.until or place < order[requirement.until])
    }


def compare(before: Mapping[str, Requirement], after: Mapping[str, Requirement]) -> tuple[RequirementChange, ...]:
    """Every requirement that is not the same in both, by id."""
    found = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            found.append(RequirementChange(name, new.role, ("added",), 0, new.rev, ()))
        elif old is not None and new is None:
            found.append(RequirementChange(name, old.role, ("removed",), old.rev, 0, ()))
        elif old is not None and new is not None and old != new:
            found.append(_change(old, new))
    return tuple(found)


def _change(old: Requirement, new: Requirement) -> RequirementChange:
    changed = [field for field in old.__struct_fields__ if getattr(old, field) != getattr(new, field)]
    kinds = [kind for kind in KINDS if kind != "text" and set(NORMATIVE.get(kind, ())) & set(changed)]
    if (old.not_tested is None) != (new.not_tested is None) and "condition" not in kinds:
        kinds.append("condition")
    fields = [FieldChange(name, *_shown(old, new, name)) for name in changed if name != "rev"]
    return RequirementChange(new.id, new.role, tuple(kinds) or ("text",), old.rev, new.rev, tuple(fields))


def _shown(old: Requirement, new: Requirement, field: str) -> tuple[str, str]:
    if field in ("text", *EDITORIAL):
        return "", ""
    before, after = getattr(old, field), getattr(new, field)
    if field == "limits":
        names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
        return _limits(before, names), _limits(after, names)
    return _plain(before), _plain(after)


def _limits(limits: Mapping[str, Limit], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {limits[name]} [{limits[name].status}]" for name in names if name in limits)


def _plain(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def affecting(
    changes: Iterable[RequirementChange], selected: frozenset[str], role: str
) -> tuple[RequirementChange, ...]:
    """The changes from which another verdict can follow in a run on this role that selected these requirements."""
    return tuple(
        change
        for change in changes
        if change.decides and (change.requirement in selected or (change.kinds == ("added",) and change.role == role))
    )

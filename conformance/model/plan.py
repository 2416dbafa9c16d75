"""Edition + profile + declaration -> the plan: what will be tested, what not, and why.

The plan is written and hashed before the first packet, so that a report can be recounted against it.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from specs.declaration import Declaration, LoadedDeclaration
from specs.loader import Catalogue
from specs.model import Profile, Requirement, Text
from specs.stated_needs import STATED_NEEDS

Selection = Literal["selected", "not_applicable", "excluded", "not_tested", "not_selected"]


@dataclass(frozen=True, slots=True)
class PlannedRequirement:
    """One row of the plan. ``reason`` is empty for selected requirements."""

    id: str
    selection: Selection
    condition: str
    reason: Text


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user narrowed the run down to."""

    requirements: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    allow_destructive: bool = False


@dataclass(frozen=True)
class PlannedRows:
    """The rows of a plan in the order of the catalogue."""

    rows: tuple[PlannedRequirement, ...]

    @property
    def selected(self) -> frozenset[str]:
        """Ids to be tested."""
        return frozenset(row.id for row in self.rows if row.selection == "selected")

    @classmethod
    def of_document(cls, document: dict[str, Any]) -> PlannedRows:
        """The rows of a plan.json that was read."""
        return cls(
            tuple(
                PlannedRequirement(row["id"], row["selection"], row["condition"], Text(**row["reason"]))
                for row in document["requirements"]
            )
        )


@dataclass(frozen=True)
class Plan(PlannedRows):
    """The rows and what they follow from; its document carries the digest over all of them."""

    edition: str
    profile: Profile
    scale: float
    spec_digest: str
    declaration_digest: str

    def document(self) -> dict[str, Any]:
        """The plan as JSON data (schema specs/schema/plan.schema.json), digest included."""
        body: dict[str, Any] = {
            "kandian": "plan/1",
            "edition": self.edition,
            "profile": self.profile.id,
            "proposed_violation": self.profile.proposed_violation,
            "evidence": {"keep": self.profile.evidence.keep, "budget": self.profile.evidence.budget},
            "timer_scale": self.scale,
            "spec_digest": self.spec_digest,
            "declaration_digest": self.declaration_digest,
            "requirements": [
                {
                    "id": row.id,
                    "selection": row.selection,
                    "condition": row.condition,
                    "reason": {"zh": row.reason.zh, "en": row.reason.en},
                }
                for row in self.rows
            ],
        }
        return {**body, "digest": document_digest(body)}


def document_digest(body: dict[str, Any]) -> str:
    """sha256 over the canonical JSON of ``body`` (sorted keys, no blanks, UTF-8)."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


_NOTHING = Text(zh="", en="")


def make_plan(
    catalogue: Catalogue,
    profile: Profile,
    edition: str,
    loaded: LoadedDeclaration,
    choice: Choice = Choice(),
) -> Plan:
    """Decide about every requirement of the profile's role. Raises UnknownName for unknown ids or edition."""
    place = catalogue.edition_order[catalogue.edition(edition).id]
    for pattern in choice.requirements:
        catalogue.matching(pattern)
    rows = []
    for requirement in catalogue.requirements.values():
        if requirement.role != profile.role:
            continue
        if place < catalogue.edition_order[requirement.since]:
            continue
        if requirement.until and place >= catalogue.edition_order[requirement.until]:
            continue
        rows.append(_decide(catalogue, profile, loaded, choice, requirement))
    return Plan(
        edition=edition,
        profile=profile,
        rows=tuple(rows),
        scale=loaded.declaration.timers.scale,
        spec_digest=catalogue.digest,
        declaration_digest=loaded.digest,
    )


def _fits(requirement_id: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(requirement_id, pattern) for pattern in patterns)


def _decide(
    catalogue: Catalogue, profile: Profile, loaded: LoadedDeclaration, choice: Choice, requirement: Requirement
) -> PlannedRequirement:
    condition = catalogue.condition(requirement.when)

    def row(selection: Selection, zh: str = "", en: str = "") -> PlannedRequirement:
        return PlannedRequirement(requirement.id, selection, requirement.when, Text(zh=zh, en=en) if en else _NOTHING)

    if not _fits(requirement.id, profile.include):
        return row("not_selected", f"不在认证档 {profile.id} 内", f"not part of the profile {profile.id}")
    for exclusion in profile.exclude:
        if _fits(requirement.id, (exclusion.id,)):
            return row("excluded", exclusion.reason.zh, exclusion.reason.en)
    if condition(loaded.features) is False:
        return row("not_applicable", f"声明不满足条件: {condition}", f"the declaration does not meet: {condition}")
    if requirement.not_tested is not None:
        return row("not_tested", requirement.not_tested.zh, requirement.not_tested.en)
    if choice.requirements and not _fits(requirement.id, choice.requirements):
        return row("not_selected", "本次运行未选择 (--req)", "not chosen for this run (--req)")
    if choice.levels and requirement.level not in choice.levels:
        return row("not_selected", "本次运行未选择 (--level)", "not chosen for this run (--level)")
    if requirement.destructive and not choice.allow_destructive:
        return row("excluded", "可能损坏设备，需 --allow-destructive", "may harm the device: needs --allow-destructive")
    for need in requirement.needs:
        if (unmet := STATED_NEEDS.get(need)) is not None and not unmet.met(loaded):
            return row("not_selected", unmet.reason.zh, unmet.reason.en)
    if lacking := _lacking(requirement, loaded.declaration):
        return row("excluded", lacking.zh, lacking.en)
    return row("selected")


def _lacking(requirement: Requirement, declaration: Declaration) -> Text | None:
    """The bench control or firmware image that the test needs and nobody provides; None when all is there."""
    there = {f"control.{name}" for name in declaration.controls.available}
    there |= {f"image.{name}" for name in declaration.images.available}
    missing = [need for need in requirement.needs if need not in there and need not in STATED_NEEDS]
    if controls := ", ".join(need for need in missing if need.startswith("control.")):
        return Text(zh=f"测试台缺少控制手段: {controls}", en=f"the bench lacks the control {controls}")
    images = ", ".join(missing)
    return Text(zh=f"声明未提供固件镜像: {images}", en=f"the declaration names no {images}") if images else None

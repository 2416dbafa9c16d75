"""Checks on the spec files that a schema cannot express. `kandian specs lint` prints what it finds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from specs.condition import ConditionError
from specs.declaration import IMAGE_KINDS
from specs.loader import SPECS_ROOT, Catalogue, SourceError, load_catalogue, requirement_files
from specs.model import Requirement
from specs.onvif_operations import operation_faults, operation_files
from specs.onvif_public_cases import case_faults
from specs.onvif_releases import release_faults
from specs.revisions import revision_faults
from specs.stated_needs import STATED_NEEDS
from specs.yaml_source import KeyPath, read_yaml

LOCK_FILE = "ids.lock"
_ID = re.compile(r"(BIZ|IF|CS|ONV)-[A-Z0-9]{2,4}-[0-9]{2}[a-z]?\Z|(UI|TST|CS)-[0-9]{2,3}[a-z]?\Z")
_HAN = re.compile(r"[㐀-鿿]")


def read_lock(root: Path) -> list[str]:
    """The locked ids in the order in which they were given out."""
    path = root / LOCK_FILE
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def write_lock(root: Path, catalogue: Catalogue) -> list[str]:
    """Append ids that are not locked yet; returns them. Locked ids are never removed or reordered."""
    locked = read_lock(root)
    fresh = sorted(set(catalogue.requirements) - set(locked))
    head = "# Requirement ids once given out. Lines are only ever added; an id never gets another meaning.\n"
    (root / LOCK_FILE).write_text(head + "".join(f"{i}\n" for i in [*locked, *fresh]), encoding="utf-8")
    return fresh


def lint(root: Path = SPECS_ROOT) -> list[SourceError]:
    """Every fault found in the spec folder; an empty list means that it is clean."""
    try:
        catalogue = load_catalogue(root)
    except SourceError as error:
        return [error]
    faults = list(_schema_faults(root))
    for requirement in catalogue.requirements.values():
        faults.extend(_requirement_faults(catalogue, requirement))
    faults.extend(_profile_faults(catalogue))
    faults.extend(operation_faults(root, catalogue.basis))
    faults.extend(case_faults(catalogue))
    faults.extend(release_faults(catalogue))
    faults.extend(_lock_faults(catalogue))
    faults.extend(revision_faults(catalogue))
    return sorted(faults, key=lambda fault: (fault.path, fault.line))


def _schema_faults(root: Path) -> Iterator[SourceError]:
    from jsonschema import Draft202012Validator

    schemas = {
        "requirement": requirement_files(root),
        "profile": sorted((root / "test_plan" / "profiles").glob("*.yaml")),
        "edition": [root / "editions.yaml"],
        "message_table": sorted(root.glob("interface/*_messages.yaml")),
        "onvif_operations": operation_files(root / "interface" / "onvif_operations"),
    }
    for name, paths in schemas.items():
        schema: dict[str, Any] = json.loads((SPECS_ROOT / "schema" / f"{name}.schema.json").read_text("utf-8"))
        validator = Draft202012Validator(schema)
        for path in paths:
            document = read_yaml(path)
            for error in validator.iter_errors(document.data):
                where: KeyPath = tuple(error.absolute_path)
                yield document.error(where, f"{'.'.join(str(k) for k in where)}: {error.message[:200]}")


def _requirement_faults(catalogue: Catalogue, requirement: Requirement) -> Iterator[SourceError]:
    origin = catalogue.origins[requirement.id]

    def fault(sentence: str) -> SourceError:
        return SourceError(origin.path, origin.line, f"{requirement.id}: {sentence}")

    if not _ID.match(requirement.id):
        yield fault("the id does not have the form GROUP-NN or GROUP-NNa")
    yield from map(fault, _reference_faults(catalogue, requirement))
    yield from map(fault, _text_faults(requirement))
    for name, limit in requirement.limits.items():
        if limit.max is None and limit.min is None and limit.value is None:
            yield fault(f"the limit {name} has no max, min or value")
    steps = [step.id for step in requirement.procedure]
    if len(set(steps)) != len(steps):
        yield fault("two steps of the procedure have one id")
    if not steps:
        yield fault("the procedure is empty")


def _reference_faults(catalogue: Catalogue, requirement: Requirement) -> Iterator[str]:
    try:
        condition = catalogue.condition(requirement.when)
    except ConditionError as error:
        yield str(error)
    else:
        for name in sorted(condition.features - set(catalogue.vocabulary.features)):
            yield f"the condition names the unknown feature {name}"
    for edition in filter(None, (requirement.since, requirement.until)):
        if edition not in catalogue.edition_order:
            yield f"unknown edition {edition}"
    if not requirement.basis:
        yield "the basis is empty"
    for basis in requirement.basis:
        if basis.ref not in catalogue.basis:
            yield f"unknown basis key {basis.ref}"
        elif catalogue.basis[basis.ref].kind != basis.kind:
            yield f"the basis {basis.ref} is of kind {catalogue.basis[basis.ref].kind}, not {basis.kind}"
    if requirement.status == "ratified" and all(b.kind == "assumed" for b in requirement.basis):
        yield "rests only on an assumption and cannot be ratified"
    known = {f"control.{name}" for name in catalogue.vocabulary.controls} | {f"image.{kind}" for kind in IMAGE_KINDS}
    known |= set(STATED_NEEDS)
    for need in requirement.needs:
        if need not in known:
            yield f"needs {need}, which is no control, no image and nothing that a declaration states"


def _text_faults(requirement: Requirement) -> Iterator[str]:
    pairs = [("title", requirement.title), ("text", requirement.text), ("remedy", requirement.remedy)]
    texts = [(name, text.zh, text.en) for name, text in pairs]
    texts += [(f"procedure {step.id}", step.zh, step.en) for step in requirement.procedure]
    if requirement.not_tested:
        texts.append(("not_tested", requirement.not_tested.zh, requirement.not_tested.en))
    for name, zh, en in texts:
        if not _HAN.search(zh):
            yield f"the Chinese {name} is missing"
        if not en.strip() or _HAN.search(en):
            yield f"the English {name} is missing or holds Chinese"


def _profile_faults(catalogue: Catalogue) -> Iterator[SourceError]:
    for profile in catalogue.profiles.values():
        path = catalogue.root / "test_plan" / "profiles" / f"{profile.id}.yaml"
        for pattern in (*profile.include, *(exclusion.id for exclusion in profile.exclude)):
            try:
                catalogue.matching(pattern)
            except LookupError as error:
                yield SourceError(path, 1, f"profile {profile.id}: {error}")


def _lock_faults(catalogue: Catalogue) -> Iterator[SourceError]:
    lock = catalogue.root / LOCK_FILE
    locked = read_lock(catalogue.root)
    for line, requirement_id in enumerate(locked, start=2):
        if requirement_id not in catalogue.requirements:
            yield SourceError(
                lock, line, f"the locked id {requirement_id} is gone; ids are never removed or renumbered"
            )
        if locked.index(requirement_id) != line - 2:
            yield SourceError(lock, line, f"the id {requirement_id} is locked twice")
    for requirement_id in sorted(set(catalogue.requirements) - set(locked)):
        origin = catalogue.origins[requirement_id]
        yield SourceError(origin.path, origin.line, f"{requirement_id} is not locked; run `kandian specs lint --lock`")

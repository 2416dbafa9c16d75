"""Lint: the shipped specs are clean, and each kind of fault is found at its line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from specs.lint import lint
from specs.loader import SPECS_ROOT, SourceError, load_catalogue
from specs.schemas import GENERATED, generated_schema


def sentences(root: Path) -> list[str]:
    return [f"{Path(fault.path).name}:{fault.line}: {fault.sentence}" for fault in lint(root)]


def test_the_shipped_specs_are_clean() -> None:
    assert [str(fault) for fault in lint()] == []


def test_the_small_folder_is_clean(root: Path) -> None:
    assert sentences(root) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("  rev: 2\n", "  rev: 2\n  colour: red\n", "xxx.yaml:6: Object contains unknown field `colour`"),
        ("en: Title", "en: ''", "xxx.yaml:4: IF-XXX-01: the English title is missing or holds Chinese"),
        ("zh: 标题", "zh: Title", "xxx.yaml:4: IF-XXX-01: the Chinese title is missing"),
        ("ref: S18", "ref: S99", "xxx.yaml:4: IF-XXX-01: unknown basis key S99"),
        ("kind: seed", "kind: assumed", "xxx.yaml:4: IF-XXX-01: the basis S18 is of kind seed, not assumed"),
        ("max: 4.0, unit: s", "max: 4.0", "xxx.yaml:15: Object missing required field `unit`"),
        ("max: 4.0, unit: s", "unit: s", "xxx.yaml:4: IF-XXX-01: the limit wait has no max, min or value"),
        ("when: always", "when: feature.nose", "xxx.yaml:4: IF-XXX-01: the condition names the unknown feature nose"),
        ("since: pilot-2013.06", "since: pilot-2012", "xxx.yaml:4: IF-XXX-01: unknown edition pilot-2012"),
        ("id: IF-XXX-01", "id: IF-XXX-02", "ids.lock:2: the locked id IF-XXX-01 is gone"),
        ("id: IF-XXX-01", "id: IF-XXX-1", "the id does not have the form GROUP-NN"),
    ],
)
def test_each_fault_is_found(root: Path, old: str, new: str, expected: str) -> None:
    path = root / "interface" / "xxx.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    assert any(expected in sentence for sentence in sentences(root)), sentences(root)


def test_an_id_may_stand_once_only(root: Path) -> None:
    shutil.copy(root / "interface" / "xxx.yaml", root / "interface" / "yyy.yaml")
    with pytest.raises(SourceError, match=r"yyy\.yaml:4: IF-XXX-01 stands already in xxx\.yaml:4"):
        load_catalogue(root)


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_generated_schemas_are_up_to_date(name: str) -> None:
    written = json.loads((SPECS_ROOT / "schema" / f"{name}.schema.json").read_text("utf-8"))
    assert written == generated_schema(name)

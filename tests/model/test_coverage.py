"""Requirements and tests cover each other, in the shipped specs and suites and in small ones."""

from __future__ import annotations

import ast
import dataclasses
import re
from pathlib import Path

import msgspec
import pytest

from conformance.model.coverage import coverage, verified_ids
from specs.loader import load_catalogue
from specs.model import Requirement

ROOT = Path(__file__).parents[2]
NAMED = re.compile(r"(tests/[\w/]+\.py)::(\w+)")
TOOLKIT = [r for r in load_catalogue().requirements.values() if r.role == "toolkit"]


def test_every_requirement_has_a_test_or_a_reason() -> None:
    found = coverage()
    assert found.holes == ()
    assert len(found.tested) > 700
    assert not set(found.tested) & set(found.not_tested)


def test_the_public_onvif_cases_are_told_with_the_requirements_that_cite_them() -> None:
    found = coverage()
    assert found.onvif_cases["IMAGING-1-1-8"] == ("ONV-IMG-04",)
    assert found.onvif_cases["DEVICE-2-1-7"] == ()
    small = dataclasses.replace(found, onvif_cases={"PTZ-1-1-1": ("ONV-PTZ-01",), "PTZ-1-1-2": ()})
    assert small.lines()[-1] == "2 listed cases of the public ONVIF test specifications: 1 cited"
    assert small.document()["onvif_cases"] == {"PTZ-1-1-1": ["ONV-PTZ-01"], "PTZ-1-1-2": []}


def test_every_test_names_a_requirement_of_the_specs() -> None:
    assert coverage().unknown == ()


def test_ids_are_read_from_both_ways_of_naming_them(tmp_path: Path) -> None:
    source = '@verifies("IF-XXX-01", "IF-XXX-02")\ndef a(): ...\n@pytest.mark.verifies("IF-XXX-02")\ndef b(): ...\n'
    (tmp_path / "test_small.py").write_text(source + '@other("IF-XXX-03")\ndef c(): ...\n', encoding="utf-8")
    assert verified_ids(tmp_path) == {"IF-XXX-01": {"test_small.py"}, "IF-XXX-02": {"test_small.py"}}


def test_a_requirement_with_neither_is_a_hole() -> None:
    whole = load_catalogue()
    reason = next(r for r in whole.requirements.values() if r.not_tested is not None)
    bare = {**whole.requirements, reason.id: msgspec.structs.replace(reason, not_tested=None)}
    assert coverage(dataclasses.replace(whole, requirements=bare)).holes == (reason.id,)


def test_a_test_of_nothing_is_told() -> None:
    whole = load_catalogue()
    less = {i: r for i, r in whole.requirements.items() if i != "BIZ-ALM-05"}
    assert coverage(dataclasses.replace(whole, requirements=less)).unknown == ("BIZ-ALM-05",)


@pytest.mark.parametrize("requirement", TOOLKIT, ids=lambda r: r.id)
def test_the_self_tests_that_a_requirement_on_the_toolkit_names_are_there(requirement: Requirement) -> None:
    reason = requirement.not_tested
    assert reason is not None
    zh, en = (NAMED.findall(text) for text in (reason.zh, reason.en))
    assert zh == en
    assert zh
    for file, name in zh:
        tree = ast.parse((ROOT / file).read_text("utf-8"))
        assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, f"{file}::{name}"

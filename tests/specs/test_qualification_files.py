"""The mutant list and the result of a qualification follow their schemas."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from conformance.model.qualification import Finding, MutantResult, Qualification
from simulators.faults.registry import load_mutants, mutant_list
from specs.loader import SPECS_ROOT, load_catalogue


def faults(name: str, data: Any) -> list[str]:
    schema = json.loads((SPECS_ROOT / "schema" / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return [error.message for error in Draft202012Validator(schema).iter_errors(data)]


def document(outcome: Any = "killed") -> dict[str, Any]:
    mutant = MutantResult("TheMutant", "IF-REG-05", "camera", outcome, "FAIL", ("IF-REG-05a",), 1.25, "故障", "a fault")
    alarm = Finding("golden camera", "-", "exit 3", "the run gave no verdicts")
    made = Qualification((mutant,), (alarm,), (), ("IF-REG-06",)).document()
    data: dict[str, Any] = json.loads(json.dumps(made))
    return data


def test_the_mutant_list_follows_its_schema() -> None:
    assert faults("mutant_list", mutant_list()) == []


def test_the_mutant_list_is_whole_and_names_requirements_that_exist() -> None:
    entries = mutant_list()["mutants"]
    assert [entry["id"] for entry in entries] == list(load_mutants())
    assert {entry["violates"] for entry in entries} <= set(load_catalogue().requirements)
    assert len(entries) > 100


@pytest.mark.parametrize("outcome", ["killed", "silent", "wrong requirement"])
def test_a_qualification_follows_its_schema(outcome: str) -> None:
    assert faults("qualification", document(outcome)) == []


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("colour", "red", "Additional properties are not allowed ('colour' was unexpected)"),
        ("violates", "REG-05", "'REG-05' does not match"),
        ("fault", {"zh": "故障"}, "'en' is a required property"),
        ("id", "the mutant", "'the mutant' does not match"),
    ],
)
def test_the_list_schema_refuses(key: str, value: Any, expected: str) -> None:
    data = copy.deepcopy(mutant_list())
    data["mutants"][0][key] = value
    [error] = faults("mutant_list", data)
    assert error.startswith(expected)


def test_the_qualification_schema_refuses_another_outcome_and_a_rate_beyond_one() -> None:
    data = document()
    data["mutants"][0]["outcome"] = "survived"
    data["detection_rate"] = 1.5
    assert sorted(faults("qualification", data)) == [
        "'survived' is not one of ['killed', 'silent', 'wrong requirement']",
        "1.5 is greater than the maximum of 1",
    ]

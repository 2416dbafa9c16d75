"""`kandian qualify`: every mutant is caught, no golden simulator is blamed, no null device passes anything.

Here a sample of the mutants; all of them, and the golden simulators under all shipped declarations, are run by
`make qualify`; the storage oos6 by test_certify_storage.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from qualification_run import EVERY, QualificationRun

from conformance.cli.qualification_jobs import Job, JobResult
from conformance.cli.qualify import merged, mutant_jobs, second_looks
from conformance.cli.roles import ROLES
from conformance.model.qualification import Finding, MutantResult, Qualification, classify
from simulators.faults.registry import load_mutants
from specs.loader import SPECS_ROOT, load_catalogue


@pytest.fixture(scope="session")
def qualification(qualification_run: QualificationRun) -> tuple[int, dict[str, Any], str]:
    """Exit code, the file for machines and what was printed."""
    code, printed = qualification_run.end()
    assert qualification_run.file.exists(), printed
    return code, json.loads(qualification_run.file.read_text("utf-8")), printed


def sample() -> list[Job]:
    """The mutants that are run here."""
    return mutant_jobs(load_catalogue(), list(ROLES.values()), ())[::EVERY]


def test_every_mutant_is_killed(qualification: tuple[int, dict[str, Any], str]) -> None:
    _, document, printed = qualification
    assert [m for m in document["mutants"] if m["outcome"] != "killed"] == [], printed
    assert [m["id"] for m in document["mutants"]] == [job.fault for job in sample()]
    assert (document["detection_rate"], document["uncovered"]) == (1, [])


def test_no_golden_simulator_is_blamed(qualification: tuple[int, dict[str, Any], str]) -> None:
    assert qualification[1]["false_alarms"] == [], qualification[2]


def test_null_devices_pass_nothing(qualification: tuple[int, dict[str, Any], str]) -> None:
    assert qualification[1]["null_passes"] == []


def test_the_command_says_so(qualification: tuple[int, dict[str, Any], str]) -> None:
    code, document, printed = qualification
    assert code == 0, printed
    assert f"{len(sample())} of {len(sample())} mutants killed (detection rate 1.000)" in printed
    schema = json.loads((SPECS_ROOT / "schema" / "qualification.schema.json").read_text("utf-8"))
    assert list(Draft202012Validator(schema).iter_errors(document)) == []


def result(job: Job, **verdicts: str) -> JobResult:
    return JobResult(job, verdicts, {}, 0, 1.0)


def test_what_survived_or_was_blamed_is_looked_at_once_more() -> None:
    golden = Job("golden camera", "camera", "camera.yaml", shares=8)
    dead, alive = (Job(name, "camera", "camera.yaml", name, ("A",)) for name in ("Dead", "Alive"))
    null = Job("null yes", "camera", "", null="yes")
    first = [
        result(golden, A="PASS", B="WARN"),
        result(dead, A="FAIL"),
        result(alive, A="PASS"),
        result(null, A="PASS"),
    ]
    looks = second_looks(first)
    assert [(job.name, job.requirements, job.shares) for job in looks] == [
        ("golden camera", ("B",), 1),
        ("Alive", ("A",), 1),
    ]
    end = merged(first, [result(looks[0], B="PASS"), result(looks[1], A="PASS")])
    assert [found.verdicts for found in end] == [
        {"A": "PASS", "B": "PASS"},
        {"A": "FAIL"},
        {"A": "PASS"},
        {"A": "PASS"},
    ]
    assert [found.unsteady for found in end] == [{"B": "WARN"}, {}, {}, {}]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({"A": "FAIL", "B": "FAIL"}, ("killed", ("B",))),
        ({"A": "WARN"}, ("killed", ())),
        ({"A": "PASS", "B": "FAIL"}, ("wrong requirement", ("B",))),
        ({"A": "INCONCLUSIVE"}, ("silent", ())),
        ({}, ("silent", ())),
    ],
)
def test_classification(verdicts: dict[str, str], expected: tuple[str, tuple[str, ...]]) -> None:
    assert classify("A", verdicts) == expected


def test_every_tested_must_has_a_mutant_that_some_shipped_declaration_selects() -> None:
    catalogue = load_catalogue()
    violated = {mutant.violates for mutant in load_mutants().values()}
    musts = {
        requirement.id
        for requirement in catalogue.requirements.values()
        if requirement.role in ROLES and requirement.level == "MUST" and not requirement.not_tested
    }
    assert sorted(musts - violated) == []
    assert {job.fault for job in mutant_jobs(catalogue, list(ROLES.values()), ())} == set(load_mutants())


def test_the_document_for_machines() -> None:
    killed = MutantResult("M", "A", "camera", "killed", "FAIL", (), 1.0, "错", "wrong")
    silent = MutantResult("N", "B", "camera", "silent", "PASS", (), 1.0, "错", "wrong")
    found = Qualification((killed, silent), (Finding("golden", "C", "FAIL", "x"),), (), ())
    document = found.document()
    assert (document["killed"], document["silent"], document["detection_rate"]) == (1, 1, 0.5)
    assert [entry["requirement"] for entry in document["false_alarms"]] == ["C"]
    assert document["null_passes"] == []
    assert not found.passed
    assert Qualification((killed,), (), (), ()).passed

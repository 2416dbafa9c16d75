"""The suites catch mutants, blame no golden camera and pass no null device. `make qualify` runs all of them."""

from __future__ import annotations

import pytest

from conformance.cli.qualification_jobs import Job, JobResult, run_jobs
from conformance.cli.qualify import mutant_jobs
from conformance.model.qualification import Finding, MutantResult, Qualification, classify
from simulators.camera.declarations import DEFAULT
from simulators.faults.registry import load_mutants
from specs.loader import load_catalogue

SAMPLE = (
    "DigestNeverCompared",
    "SequenceNotEchoed",
    "NoXmlDeclaration",
    "PlaysWithoutAsking",
    "VerdictIsCached",
    "UnknownMethodIsBad",
    "NoConnectionLine",
    "DeletesOneMore",
    "NamesCountFromOne",
)
GOLDEN = ("IF-FRM-01*", "IF-FRM-03", "IF-FRM-04*", "IF-AHL-02*", "IF-RTP-0*", "IF-SDP-*", "IF-H264-*")


@pytest.fixture(scope="module")
def results() -> dict[str, JobResult]:
    """A sample of mutants, a part of the golden camera's run, and two null devices."""
    mutants = load_mutants()
    jobs = [Job(name, str(DEFAULT), name, (mutants[name].violates,)) for name in SAMPLE]
    jobs.append(Job("golden", str(DEFAULT), requirements=GOLDEN))
    jobs += [Job(f"null {kind}", "", null=kind) for kind in ("closed", "yes")]
    return {result.job.name: result for result in run_jobs(jobs, lambda result: None)}


@pytest.mark.parametrize("name", SAMPLE)
def test_mutants_are_killed(results: dict[str, JobResult], name: str) -> None:
    violated = load_mutants()[name].violates
    assert classify(violated, results[name].verdicts)[0] == "killed", results[name]


def test_the_golden_camera_is_not_blamed(results: dict[str, JobResult]) -> None:
    golden = results["golden"]
    assert len(golden.verdicts) > 20
    assert {i: v for i, v in golden.verdicts.items() if v not in ("PASS", "NOT_APPLICABLE")} == {}, golden.reasons


@pytest.mark.parametrize("name", ["null closed", "null yes"])
def test_null_devices_pass_nothing(results: dict[str, JobResult], name: str) -> None:
    assert results[name].verdicts
    assert [i for i, v in results[name].verdicts.items() if v == "PASS"] == []


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
        if requirement.role == "camera" and requirement.level == "MUST" and not requirement.not_tested
    }
    assert sorted(musts - violated) == []
    assert {job.fault for job in mutant_jobs(catalogue, ())} == set(load_mutants())


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

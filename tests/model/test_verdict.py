"""The verdict lattice and the exit codes."""

from __future__ import annotations

import pytest

from conformance.model.verdict import Verdict, exit_code, violation_verdict, worst

V = Verdict


def test_a_group_takes_the_worst() -> None:
    assert worst([V.PASS, V.WARN, V.PASS]) is V.WARN
    assert worst([V.WARN, V.INCONCLUSIVE]) is V.INCONCLUSIVE
    assert worst([V.INCONCLUSIVE, V.FAIL]) is V.FAIL
    assert worst([V.FAIL, V.ERROR]) is V.ERROR
    assert worst([V.PASS, V.NOT_APPLICABLE]) is V.PASS
    assert worst([]) is V.NOT_TESTED


@pytest.mark.parametrize(
    ("level", "status", "expected"),
    [
        ("MUST", "ratified", V.FAIL),
        ("MUST", "proposed", V.WARN),
        ("SHOULD", "ratified", V.WARN),
        ("SHOULD", "proposed", V.WARN),
        ("MAY", "ratified", V.PASS),
    ],
)
def test_violations_by_level(level: str, status: str, expected: Verdict) -> None:
    assert violation_verdict(level, status, "WARN") is expected


def test_a_strict_profile_fails_proposed_musts() -> None:
    assert violation_verdict("MUST", "proposed", "FAIL") is V.FAIL


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([V.PASS, V.WARN, V.NOT_APPLICABLE], 0),
        ([V.PASS, V.WAIVED], 0),
        ([V.PASS, V.FAIL, V.INCONCLUSIVE], 1),
        ([V.FAIL, V.ERROR], 3),
        ([V.PASS, V.INCONCLUSIVE], 10),
        ([V.PASS, V.BLOCKED], 10),
        ([V.PASS, V.NOT_TESTED], 10),
        ([], 5),
        ([V.NOT_APPLICABLE], 5),
    ],
)
def test_exit_codes(verdicts: list[Verdict], code: int) -> None:
    assert exit_code(verdicts) == code

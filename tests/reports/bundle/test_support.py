"""The recount of a verifier and the judgement of the suites are two pieces of code that say the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.model import verdict as lattice
from conformance.model.checks import Checks, judge
from conformance.model.verdict import Verdict
from reports.bundle import support
from reports.bundle.support import Stanza
from specs.loader import load_catalogue
from specs.model import Text

REQUIREMENTS = load_catalogue().requirements
KINDS = sorted({(r.level, r.status, r.interrupted) for r in REQUIREMENTS.values()})
SAMPLES = {kind: next(r for r in REQUIREMENTS.values() if (r.level, r.status, r.interrupted) == kind) for kind in KINDS}
SAID = Text(zh="x", en="x")


@given(
    st.sampled_from(KINDS),
    st.lists(st.sampled_from(["held", "violated", "inconclusive", "not_applicable"]), max_size=4),
    st.lists(st.booleans(), max_size=2),
    st.sampled_from(["WARN", "FAIL"]),
    st.booleans(),
    st.booleans(),
)
def test_what_the_suites_judge_is_supported(
    kind: Any, outcomes: list[Any], controls: list[bool], proposed: str, fault: bool, error: bool
) -> None:
    requirement = SAMPLES[kind]
    checks = Checks((requirement.id,), lambda: 0.0, lambda step: None)
    for outcome in outcomes:
        checks._add(requirement.id, outcome, "a", "b", "c")
    for held in controls:
        checks.control(held, "control")
    judged = judge(checks, {requirement.id: requirement}, proposed, SAID if fault else None, SAID if error else None)
    line = {
        "checks": [check.document() for check in checks.records],
        "controls": [{"held": held} for held in controls],
        **({"fault": "suite" if error else "device"} if error or fault else {}),
    }
    stanza = Stanza(*kind[:2], requirement.rev, kind[2])

    allowed = support.supported(line, requirement.id, stanza, proposed)

    verdict = str(judged.requirements[requirement.id])
    assert verdict in allowed
    assert allowed == {verdict} or not outcomes
    assert not (allowed - {verdict}) & support.CERTIFYING


@given(st.lists(st.sampled_from(list(Verdict)), max_size=6))
def test_worst_and_exit_code_agree(verdicts: list[Verdict]) -> None:
    words = [str(verdict) for verdict in verdicts]

    assert support.worst(words) == str(lattice.worst(verdicts))
    assert support.exit_code(words, broken=False, interrupted=False) == lattice.exit_code(verdicts)


@pytest.mark.parametrize(
    "outcomes, verdict",
    [
        (["violated"], "PASS"),
        ([], "PASS"),
        (["inconclusive"], "PASS"),
        (["not_applicable"], "PASS"),
        (["held"], "WARN"),
    ],
)
def test_no_better_verdict_than_the_checks(outcomes: list[str], verdict: str) -> None:
    line = {
        "checks": [{"requirement": "X", "outcome": outcome} for outcome in outcomes],
        "controls": [],
    }

    assert verdict not in support.supported(line, "X", Stanza("MUST", "ratified", 1, "INCONCLUSIVE"), "WARN")


def test_the_plan_words_a_narrowed_run_as_the_recount_expects() -> None:
    from conformance.cli.roles import golden_declaration
    from conformance.model.plan import Choice, make_plan
    from specs.declaration import load_declaration

    catalogue = load_catalogue()
    loaded = load_declaration(golden_declaration("camera"), catalogue.vocabulary)
    arguments = catalogue, catalogue.profile("camera"), catalogue.editions[-1].id, loaded

    assert not support.narrowed(make_plan(*arguments).document()["requirements"])
    for choice in (Choice(requirements=("IF-REG-01",)), Choice(levels=("MUST",))):
        assert support.narrowed(make_plan(*arguments, choice).document()["requirements"])

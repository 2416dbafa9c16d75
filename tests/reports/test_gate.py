"""The gate: differences to the baseline by kind, what the policy makes of them, and the summary."""

from __future__ import annotations

from datetime import date

import pytest
from sample_runs import DEVICE, HOSTILE, PASSING, results

from reports.gate import baseline_of, code_span, decide, markdown
from reports.waivers import apply_waivers
from specs.waiver_files import BaselineFile, ExpectedVerdict, PolicyFile, Scope, Waiver, WaiverFile

NOTHING = BaselineFile("baseline/1", ())
DEFAULT = PolicyFile("policy/1")


def kinds(before: str, now: str) -> list[str]:
    baseline = NOTHING if before == "PASS" else BaselineFile("baseline/1", (ExpectedVerdict("IF-REG-01", before),))  # type: ignore[arg-type]
    decision = decide(results({**PASSING, "IF-REG-01": now}), baseline, DEFAULT)
    return [kind for kind, rows in decision.differences.items() if rows]


@pytest.mark.parametrize(
    ("before", "now", "kind"),
    [
        ("PASS", "FAIL", "new_failures"),
        ("PASS", "WARN", "new_warnings"),
        ("PASS", "INCONCLUSIVE", "undecided"),
        ("PASS", "BLOCKED", "undecided"),
        ("PASS", "NOT_TESTED", "undecided"),
        ("FAIL", "FAIL", "still_failing"),
        ("WARN", "WARN", "still_failing"),
        ("INCONCLUSIVE", "INCONCLUSIVE", "still_failing"),
        ("FAIL", "PASS", "fixed"),
        ("FAIL", "WARN", "fixed"),
        ("WARN", "PASS", "fixed"),
        ("WARN", "FAIL", "new_failures"),
        ("INCONCLUSIVE", "FAIL", "new_failures"),
        ("FAIL", "INCONCLUSIVE", "undecided"),
        ("FAIL", "NOT_APPLICABLE", "fixed"),
        ("FAIL", "WAIVED", "still_failing"),
        ("INCONCLUSIVE", "PASS", "fixed"),
    ],
)
def test_kind_of_difference(before: str, now: str, kind: str) -> None:
    assert kinds(before, now) == [kind]


@pytest.mark.parametrize("now", ["PASS", "NOT_APPLICABLE", "WAIVED"])
def test_good_verdict_that_was_expected_is_no_difference(now: str) -> None:
    assert kinds("PASS", now) == []


def test_error_of_the_suite_is_never_a_known_failure() -> None:
    assert kinds("FAIL", "ERROR") == ["new_failures", "missing"]


def test_run_like_its_baseline_opens_the_gate() -> None:
    run = results({**PASSING, "IF-REG-01": "FAIL", "IF-REG-02": "WARN", "IF-REG-03": "INCONCLUSIVE"})
    baseline = baseline_of(run)
    assert [(row.requirement, row.verdict) for row in baseline.expected] == [
        ("IF-REG-01", "FAIL"),
        ("IF-REG-02", "WARN"),
        ("IF-REG-03", "INCONCLUSIVE"),
    ]
    decision = decide(run, baseline, DEFAULT)
    assert decision.exit_code == 0
    assert decision.failing == ()
    assert len(decision.differences["still_failing"]) == 3


def test_requirement_that_is_no_longer_tested_is_missing() -> None:
    baseline = BaselineFile("baseline/1", (ExpectedVerdict("IF-UPG-01", "FAIL"),), ("IF-UPG-02", "IF-REG-01"))
    decision = decide(results(PASSING), baseline, DEFAULT)
    assert decision.differences["missing"] == (("IF-UPG-02", "PASS", "-"), ("IF-UPG-01", "FAIL", "-"))
    assert decision.exit_code == 1


def test_run_that_was_cut_off_is_missing_as_a_whole() -> None:
    cut = results(PASSING)
    object.__setattr__(cut, "footer", {})
    decision = decide(cut, NOTHING, DEFAULT)
    assert ("*", "whole run", "exit code 2") in decision.differences["missing"]
    assert decision.exit_code == 1


@pytest.mark.parametrize(
    ("verdict", "policy", "code"),
    [
        ("FAIL", DEFAULT, 1),
        ("FAIL", PolicyFile("policy/1", new_failures="warn"), 0),
        ("WARN", DEFAULT, 0),
        ("WARN", PolicyFile("policy/1", new_warnings="fail"), 1),
        ("INCONCLUSIVE", DEFAULT, 1),
        ("INCONCLUSIVE", PolicyFile("policy/1", undecided="ignore"), 0),
    ],
)
def test_policy_decides(verdict: str, policy: PolicyFile, code: int) -> None:
    assert decide(results({**PASSING, "IF-REG-01": verdict}), NOTHING, policy).exit_code == code


def test_stale_waiver_shuts_the_gate_under_every_policy() -> None:
    lenient = PolicyFile("policy/1", "ignore", "ignore", "ignore", "ignore", "ignore")
    entry = Waiver("IF-REG-01", Scope("Acme", "C-1", ("V1",)), "old", "Li", "t/1", "2024-12-31")
    run = apply_waivers(results(PASSING), WaiverFile("waivers/1", (entry,)), date(2024, 3, 1)).results
    decision = decide(run, NOTHING, lenient)
    assert decision.exit_code == 1
    assert "- `IF-REG-01` ❌ the requirement passes now: remove the waiver ≤ 2024-12-31: `old`" in markdown(
        decision, run, "en"
    )


def test_summary_in_both_languages() -> None:
    run = results({**PASSING, "IF-REG-01": "FAIL"})
    decision = decide(run, NOTHING, DEFAULT)
    assert markdown(decision, run, "en") == (
        "## Kandian 看店: Gate shut\n\n`Acme` · `C-1` · `V1`\n\nFail 1 · Pass 3\n\n"
        "### New failures: 1 (fails)\n\n| Requirement | Baseline | This run |\n|---|---|---|\n"
        "| `IF-REG-01` | PASS | FAIL |\n"
    )
    assert markdown(decision, run, "zh").startswith("## Kandian 看店: 不放行\n")
    assert "### 新的不通过: 1 (不放行)" in markdown(decision, run, "zh")


def test_device_text_makes_no_markup() -> None:
    run = results(PASSING, device={**DEVICE, "model": HOSTILE})
    text = markdown(decide(run, NOTHING, DEFAULT), run, "en")
    line = text.splitlines()[2]
    assert line.count("`") == 6
    assert not set("<>|\x00\x1b\ud800") & set(text)


def test_code_span_is_never_empty_and_never_longer_than_a_line() -> None:
    assert code_span("\n`\n") == "`-`"
    assert len(code_span("x" * 1000)) == 202

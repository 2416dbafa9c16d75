"""Waivers: what is used, what fails the run, and files that are refused."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from sample_runs import PASSING, results

from reports.results import Results
from reports.summary import summary
from reports.waivers import State, Waived, apply_waivers
from specs.waiver_files import Scope, Waiver, WaiverFile, read_file
from specs.yaml_source import SourceError

FAILING = {**PASSING, "IF-REG-01": "FAIL"}
TODAY = date(2024, 3, 1)
SCOPE = Scope("Acme", "C-1", ("V1", "V2"))


def waiver(requirement: str = "IF-REG-01", scope: Scope = SCOPE, expires: str = "2024-03-31") -> Waiver:
    return Waiver(requirement, scope, "known defect", "Li", "https://tracker.example/1", expires)


def waived(run: Results, *waivers: Waiver) -> Waived:
    return apply_waivers(run, WaiverFile("waivers/1", waivers), TODAY)


def test_used_waiver_turns_a_failure_into_a_pass_of_the_run() -> None:
    found = waived(results(FAILING), waiver())
    assert [(o.state, o.verdict) for o in found.outcomes] == [(State.USED, "FAIL")]
    assert found.results.exit_code == 0
    assert found.results.selected["IF-REG-01"] == "WAIVED"
    assert found.results.counts == {"WAIVED": 1, "PASS": 3}
    assert found.results.waivers[0]["approver"] == "Li"
    assert not found.faults


def test_result_lines_stay_as_they_were_judged() -> None:
    run = results(FAILING)
    found = waived(run, waiver())
    assert found.results.tests == run.tests
    assert run.selected["IF-REG-01"] == "FAIL"


@pytest.mark.parametrize(
    ("verdicts", "entry", "state"),
    [
        (FAILING, waiver(expires="2024-02-29"), State.EXPIRED),
        (PASSING, waiver(), State.PASSING),
        (PASSING, waiver("IF-NONE-99"), State.UNUSED),
        ({**PASSING, "IF-REG-01": "NOT_APPLICABLE"}, waiver(), State.UNUSED),
        ({**PASSING, "IF-REG-01": "NOT_TESTED"}, waiver(), State.UNUSED),
        (PASSING, waiver("CS-001"), State.UNUSED),
    ],
)
def test_stale_entries_fail_the_run(verdicts: dict[str, str], entry: Waiver, state: State) -> None:
    found = waived(results(verdicts), entry)
    assert [o.state for o in found.faults] == [state]
    assert found.results.exit_code == 1
    assert found.results.waivers[0]["fault"] is True


def test_last_day_is_valid() -> None:
    assert waived(results(FAILING), waiver(expires="2024-03-01")).results.exit_code == 0


@pytest.mark.parametrize(
    "scope", [Scope("Acme", "C-2", ("V1",)), Scope("Acme", "C-1", ("V3",)), Scope("A", "C-1", ("V1",))]
)
def test_waiver_of_another_device_or_firmware_changes_nothing(scope: Scope) -> None:
    found = waived(results(FAILING), waiver(scope=scope))
    assert found.outcomes[0].state is State.ELSEWHERE
    assert found.results.exit_code == 1
    assert found.results.selected["IF-REG-01"] == "FAIL"
    assert found.results.waivers == ()


@pytest.mark.parametrize("verdict", ["INCONCLUSIVE", "BLOCKED", "ERROR"])
def test_undecided_is_no_violation_that_one_could_waive(verdict: str) -> None:
    run = results({**PASSING, "IF-REG-01": verdict})
    found = waived(run, waiver())
    assert found.outcomes[0].state is State.UNDECIDED
    assert found.results.selected["IF-REG-01"] == verdict
    assert found.results.exit_code == run.exit_code


def test_requirement_that_the_user_left_out_is_not_stale() -> None:
    run = results(PASSING)
    reason = {"zh": "本次运行未选择 (--req)", "en": "not chosen for this run (--req)"}
    rows = [*run.plan["requirements"], {"id": "IF-UPG-01", "selection": "not_selected", "reason": reason}]
    found = waived(replace(run, plan={"requirements": rows}), waiver("IF-UPG-01"))
    assert found.outcomes[0].state is State.NOT_CHOSEN
    assert found.results.exit_code == 0


def test_run_that_was_cut_off_stays_cut_off() -> None:
    run = replace(results(FAILING), footer={})
    assert waived(run, waiver()).results.exit_code == 2


def test_second_failure_still_fails() -> None:
    found = waived(results({**FAILING, "IF-REG-02": "FAIL"}), waiver())
    assert found.results.exit_code == 1
    assert found.results.counts == {"FAIL": 1, "WAIVED": 1, "PASS": 2}


def test_summary_says_which_waiver_fails_the_run() -> None:
    text = summary(waived(results(PASSING), waiver()).results, "en")
    assert text.splitlines()[0].startswith("Stale waivers: Nothing fails without a waiver")
    assert "  ! Waiver IF-REG-01: the requirement passes now: remove the waiver (≤ 2024-03-31)" in text
    used = summary(waived(results(FAILING), waiver()).results, "zh")
    assert used.splitlines()[0] == "符合: 所有选定要求均已满足。"
    assert "    豁免 IF-REG-01: 已使用 (≤ 2024-03-31)" in used


def test_violation_that_nobody_waived_is_what_the_summary_says_first() -> None:
    text = summary(waived(results({**PASSING, "IF-REG-02": "FAIL"}), waiver()).results, "en")
    assert text.startswith("Does not conform")


GOOD = """kandian: waivers/1
waivers:
  - requirement: IF-REG-01
    scope: {manufacturer: Acme, model: C-1, firmware: [V1]}
    reason: known defect
    approver: Li
    issue: https://tracker.example/1
    expires: "2024-03-31"
"""


def test_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD, "utf-8")
    assert read_file(path, WaiverFile).waivers == (waiver(scope=Scope("Acme", "C-1", ("V1",))),)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("reason: known defect", "reason: ' '", "`reason` is empty"),
        ("approver: Li", "approver: ''", "`approver` is empty"),
        ("    approver: Li\n", "", "missing required field `approver`"),
        ("[V1]", "[]", "names no firmware"),
        ("2024-03-31", "31.3.2024", "is no day"),
        ("requirement:", "requirements:", "requirement"),
        ("waivers/1", "waivers/2", "waivers/2"),
    ],
)
def test_unfit_file_is_refused_with_its_place(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "waivers.yaml"
    path.write_text(GOOD.replace(old, new), "utf-8")
    with pytest.raises(SourceError) as raised:
        read_file(path, WaiverFile)
    assert words in str(raised.value)
    assert "waivers.yaml" in str(raised.value)

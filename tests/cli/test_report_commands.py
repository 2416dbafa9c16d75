"""`kandian report` and `kandian gate` as a user meets them: files, exit codes, refusals in one sentence."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from finished_run import finished_run

from conformance.cli import gate, report

WAIVERS = """kandian: waivers/1
waivers:
  - requirement: IF-REG-01
    scope: {manufacturer: Acme, model: C-1, firmware: [V1]}
    reason: known defect
    approver: Li
    issue: https://tracker.example/1
    expires: "9999-12-31"
"""


def call(command: Any, *arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments], standalone_mode=False)


def code(result: Result) -> int:
    return result.exit_code


@pytest.fixture
def failing(tmp_path: Path) -> Path:
    return finished_run(tmp_path / "run", {"IF-REG-01": "FAIL", "IF-REG-02": "PASS"})


@pytest.fixture
def waivers(tmp_path: Path) -> Path:
    path = tmp_path / "waivers.yaml"
    path.write_text(WAIVERS, "utf-8")
    return path


@pytest.mark.parametrize(
    ("kind", "ending", "start"),
    [
        ("csv", "csv", b"\xef\xbb\xbf"),
        ("xlsx", "xlsx", b"PK"),
        ("ctrf", "ctrf.json", b"{"),
        ("sarif", "sarif", b"{"),
        ("html", "html", b"<!DOCTYPE html>"),
        ("junit", "junit.xml", b"<?xml"),
        ("badge", "svg", b"<svg"),
    ],
)
def test_each_form_is_written_where_one_stands(
    failing: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, ending: str, start: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    result = call(report.command, kind, failing)
    assert code(result) == 0
    assert result.output == f"run.{ending}\n"
    assert (tmp_path / f"run.{ending}").read_bytes().startswith(start)


def test_waivers_change_what_is_shown(failing: Path, waivers: Path, tmp_path: Path) -> None:
    out = tmp_path / "badge.svg"
    assert code(call(report.command, "badge", failing, "--waivers", waivers, "--out", out, "--lang", "en")) == 0
    assert "Conforms 1/2" in out.read_text("utf-8")


@pytest.mark.parametrize("damage", ["no header", "not json", "no run", "not a bundle"])
def test_what_is_no_run_is_refused_in_one_sentence(failing: Path, tmp_path: Path, damage: str) -> None:
    lines = (failing / "results.jsonl").read_text("utf-8").splitlines()
    source = failing
    match damage:
        case "no header":
            (failing / "results.jsonl").write_text("\n".join(lines[1:]), "utf-8")
        case "not json":
            (failing / "results.jsonl").write_text("\n".join([lines[0], "{", *lines[1:]]), "utf-8")
        case "no run":
            source = tmp_path / "empty"
            source.mkdir()
        case _:
            source = tmp_path / "x.kandian"
            source.write_bytes(b"PK nonsense")
    result = call(report.command, "badge", source, "--out", tmp_path / "b.svg")
    assert isinstance(result.exception, Exception)
    assert type(result.exception).__name__ == "ClickException"
    assert str(source) in str(result.exception)
    assert not (tmp_path / "b.svg").exists()


def test_matrix_of_two_runs(failing: Path, tmp_path: Path) -> None:
    other = finished_run(tmp_path / "other", {"IF-REG-01": "PASS"})
    out = tmp_path / "m.csv"
    assert code(call(report.command, "matrix", failing, other, "--out", out, "--lang", "en")) == 0
    assert out.read_text("utf-8-sig").splitlines()[2] == "IF-REG-01,MUST,FAIL,PASS"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [("PASS", "FAIL", 1), ("FAIL", "PASS", 0), ("FAIL", "FAIL", 0), ("FAIL", "", 1)],
)
def test_difference_of_two_runs(tmp_path: Path, before: str, after: str, expected: int) -> None:
    first = finished_run(tmp_path / "a", {"IF-REG-01": before, "IF-REG-02": "PASS"})
    rest = {"IF-REG-01": after} if after else {}
    second = finished_run(tmp_path / "b", {**rest, "IF-REG-02": "PASS"})
    assert code(call(report.command, "diff", first, second)) == expected


def test_gate_with_its_own_baseline_is_open(failing: Path, tmp_path: Path) -> None:
    baseline, summary = tmp_path / "baseline.json", tmp_path / "summary.md"
    first = call(gate.command, failing, "--write-baseline", baseline, "--lang", "en")
    assert code(first) == 1
    assert "New failures: 1 (fails)" in first.output
    second = call(gate.command, failing, "--baseline", baseline, "--summary", summary, "--lang", "en")
    assert code(second) == 0
    assert summary.read_text("utf-8") == second.output
    assert "Still failing (known): 1 (ignored)" in second.output


def test_gate_of_a_run_that_got_better_asks_for_a_new_baseline(failing: Path, tmp_path: Path) -> None:
    baseline = tmp_path / "baseline.json"
    call(gate.command, failing, "--write-baseline", baseline)
    fixed = finished_run(tmp_path / "fixed", {"IF-REG-01": "PASS", "IF-REG-02": "PASS"})
    result = call(gate.command, fixed, "--baseline", baseline, "--lang", "en")
    assert code(result) == 1
    assert "Fixed: update the baseline: 1 (fails)" in result.output
    policy = tmp_path / "policy.yaml"
    policy.write_text("kandian: policy/1\nfixed: warn\n", "utf-8")
    assert code(call(gate.command, fixed, "--baseline", baseline, "--policy", policy)) == 0


def test_waived_failure_opens_the_gate_and_a_stale_waiver_shuts_it(
    failing: Path, waivers: Path, tmp_path: Path
) -> None:
    result = call(gate.command, failing, "--waivers", waivers, "--lang", "en")
    assert code(result) == 0
    assert "- `IF-REG-01` used ≤ 9999-12-31: `known defect`" in result.output
    fixed = finished_run(tmp_path / "fixed", {"IF-REG-01": "PASS", "IF-REG-02": "PASS"})
    assert code(call(gate.command, fixed, "--waivers", waivers)) == 1


def test_baseline_that_names_a_requirement_twice_is_refused(failing: Path, tmp_path: Path) -> None:
    row = {"requirement": "IF-REG-01", "verdict": "FAIL"}
    (tmp_path / "b.json").write_text(json.dumps({"kandian": "baseline/1", "expected": [row, row]}), "utf-8")
    result = call(gate.command, failing, "--baseline", tmp_path / "b.json")
    assert "IF-REG-01 stands twice" in str(result.exception)


@pytest.mark.parametrize(
    "text", ["kandian: policy/1\nfixd: warn\n", "kandian: policy/1\nfixed: perhaps\n", "- x\n", ""]
)
def test_policy_that_cannot_be_read_is_refused(failing: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    result = call(gate.command, failing, "--policy", tmp_path / "p.yaml")
    assert type(result.exception).__name__ == "ClickException"
    assert "p.yaml" in str(result.exception)

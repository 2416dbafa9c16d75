"""Runs beside each other: the matrix for selection, the difference of two runs, and the badge."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from sample_runs import DEVICE, HOSTILE, PASSING, results, run_files

from reports.badge import badge
from reports.difference import Change, compare, difference_text
from reports.matrix import build_matrix, matrix_csv


def test_matrix_puts_verdicts_side_by_side(tmp_path: Path) -> None:
    first = run_files(tmp_path / "a", {"IF-REG-01": "FAIL", "IF-REG-02": "PASS"})
    other = {**DEVICE, "manufacturer": "=Evil", "model": "E", "version": "2"}
    second = run_files(tmp_path / "b", {"IF-REG-01": "PASS", "ZZ-1": "WARN"}, device=other)
    matrix = build_matrix([first, second])
    assert matrix.rows == (
        ("IF-REG-01", "MUST", ("FAIL", "PASS")),
        ("IF-REG-02", "MUST", ("PASS", "-")),
        ("ZZ-1", "", ("-", "WARN")),
    )
    assert matrix.comparable
    assert matrix_csv(matrix, "en").splitlines()[:3] == [
        "Requirement,Level,Acme C-1 V1 KDN00000001,'=Evil E 2 KDN00000001",
        "Spec edition,,formal-2013.08 222222222222,formal-2013.08 222222222222",
        "IF-REG-01,MUST,FAIL,PASS",
    ]


def test_matrix_says_when_the_specs_differ(tmp_path: Path) -> None:
    runs = [run_files(tmp_path / n, PASSING, spec_digest=n * 64) for n in ("4", "5")]
    assert not build_matrix(runs).comparable


def test_difference_by_kind() -> None:
    before = {"A-1": "FAIL", "A-2": "PASS", "A-3": "FAIL", "A-4": "PASS", "A-5": "FAIL", "A-6": "PASS"}
    after = {"A-1": "PASS", "A-2": "FAIL", "A-3": "FAIL", "A-5": "INCONCLUSIVE", "A-6": "PASS", "A-7": "PASS"}
    changes = compare(results(before, text="old"), results(after, text="new"))
    assert [(c.kind, c.requirement) for c in changes] == [
        ("new", "A-2"),
        ("fixed", "A-1"),
        ("changed_verdict", "A-5"),
        ("changed_reason", "A-3"),
        ("missing", "A-4"),
        ("added", "A-7"),
    ]
    text = difference_text(changes, "en")
    assert "### New: 1\n\n- `A-2` PASS → FAIL: `seen new`\n" in text
    assert "- `A-3` FAIL → FAIL: `seen old` → `seen new`" in text
    assert "- `A-4` PASS → -" in text
    assert difference_text(changes, "zh").startswith("### 新问题: 1\n")


def test_same_runs_do_not_differ() -> None:
    assert compare(results(PASSING), results(PASSING)) == ()
    assert difference_text((), "en") == "Both runs have the same verdicts and reasons.\n"


def test_waived_requirement_is_no_new_finding() -> None:
    assert [c.kind for c in compare(results({"A-1": "PASS"}), results({"A-1": "WAIVED"}))] == ["changed_verdict"]


def test_difference_cannot_be_marked_up() -> None:
    text = difference_text((Change("A-1", "new", "PASS", "FAIL", "", HOSTILE),), "en")
    assert "<" not in text
    assert text.splitlines()[2].count("`") == 4


def test_badge_says_what_was_found() -> None:
    text = badge(results({**PASSING, "IF-REG-01": "FAIL"}), "en")
    assert ElementTree.fromstring(text).get("aria-label") == "kandian test: Does not conform 3/4"
    assert "#c0272d" in text
    assert "符合 4/4" in badge(results(PASSING), "zh")


def test_badge_says_that_timers_were_compressed_and_is_no_certificate() -> None:
    text = badge(results(PASSING, timer_scale=0.02), "en")
    assert "compressed" in text
    assert "certif" not in text.lower()

"""What certify does when the suites are done: reports beside the results, and the exit code after the waivers."""

from __future__ import annotations

from pathlib import Path

import pytest
from finished_run import finished_run

from conformance.cli.certify import finish
from specs.waiver_files import Scope, Waiver, WaiverFile

FAILING = {"IF-REG-01": "FAIL", "IF-REG-02": "PASS"}
PASSING = {"IF-REG-01": "PASS", "IF-REG-02": "PASS"}


def waivers(expires: str = "9999-12-31") -> WaiverFile:
    scope = Scope("Acme", "C-1", ("V1",))
    return WaiverFile("waivers/1", (Waiver("IF-REG-01", scope, "known", "Li", "t/1", expires),))


@pytest.mark.parametrize(
    ("verdicts", "file", "code", "after"),
    [
        (FAILING, None, 1, 1),
        (FAILING, waivers(), 1, 0),
        (FAILING, waivers("2020-01-01"), 1, 1),
        (PASSING, None, 0, 0),
        (PASSING, waivers(), 0, 1),
        (FAILING, waivers(), 2, 2),
        (FAILING, waivers(), 3, 3),
    ],
)
def test_exit_code(tmp_path: Path, verdicts: dict[str, str], file: WaiverFile | None, code: int, after: int) -> None:
    out = finished_run(tmp_path / "out", verdicts)
    assert finish(out, "en", code, file) == after
    assert sorted(path.name for path in out.iterdir()) == [
        "junit.xml",
        "pages",
        "plan.json",
        "report.html",
        "results.jsonl",
    ]


def test_waiver_stands_on_the_report_and_the_results_stay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = finished_run(tmp_path / "out", FAILING)
    judged = (out / "results.jsonl").read_bytes()
    finish(out, "en", 1, waivers())
    assert "IF-REG-01" in capsys.readouterr().out
    assert "known · Li · t/1" in (out / "report.html").read_text("utf-8")
    assert 'value="WAIVED"' in (out / "junit.xml").read_text("utf-8")
    assert (out / "results.jsonl").read_bytes() == judged


def test_page_of_a_test_without_capture_says_so(tmp_path: Path) -> None:
    out = finished_run(tmp_path / "out", FAILING)
    finish(out, "en", 1)
    page = (out / "pages" / "IF-REG-01.html").read_text("utf-8")
    assert "wire.pcapng" not in page
    assert "Messages" in page

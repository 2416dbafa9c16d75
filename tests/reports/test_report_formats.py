"""CSV, XLSX, JUnit, CTRF and SARIF: valid by their published schemas, and harmless whatever the device says."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
import xmlschema
from sample_runs import DEVICE, HOSTILE, PASSING, run_files

from reports import ctrf, sarif
from reports.csv_table import write_csv
from reports.junit import write_junit
from reports.result_files import RunFiles
from reports.spreadsheet_text import MAX_CELL, harmless
from reports.xlsx import write_xlsx

SCHEMAS = Path(__file__).parents[1] / "data" / "published_schemas"
MIXED = {
    "IF-REG-01": "FAIL",
    "IF-REG-02": "WARN",
    "IF-REG-03": "INCONCLUSIVE",
    "IF-UPG-01": "ERROR",
    "IF-UPG-02": "BLOCKED",
    "IF-UPG-03": "NOT_APPLICABLE",
    "IF-AHL-01": "NOT_TESTED",
    "IF-AHL-02": "PASS",
    "ZZ-99": "FAIL",
}
CELL = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> RunFiles:
    device = {**DEVICE, "manufacturer": HOSTILE, "model": "=1+1", "version": "@SUM(A1)"}
    return run_files(tmp_path_factory.mktemp("hostile") / "run", MIXED, text=HOSTILE, device=device)


def validate(document: Any, name: str) -> None:
    schema = json.loads((SCHEMAS / name).read_text("utf-8"))
    kind = jsonschema.validators.validator_for(schema)
    kind(schema, format_checker=kind.FORMAT_CHECKER).validate(document)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_ctrf_is_valid(hostile: RunFiles, tmp_path: Path, language: str) -> None:
    ctrf.write_ctrf(hostile, tmp_path / "c.json", language)
    document = json.loads((tmp_path / "c.json").read_text("utf-8"))
    validate(document, "ctrf-0.0.schema.json")
    summary = document["results"]["summary"]
    assert (summary["tests"], summary["passed"], summary["failed"], summary["skipped"], summary["other"]) == (
        8,
        2,
        3,
        1,
        2,
    )
    assert summary["start"] == 1709287200000
    assert summary["stop"] - summary["start"] == 300_000
    assert document["results"]["tests"][0]["status"] == "failed"
    assert document["results"]["extra"]["requirements"]["IF-AHL-01"] == "NOT_TESTED"


def test_ctrf_schema_would_notice_a_wrong_status(hostile: RunFiles) -> None:
    document = ctrf.document(hostile.results, "en")
    document["results"]["tests"][0]["status"] = "FAIL"
    with pytest.raises(jsonschema.ValidationError):
        validate(document, "ctrf-0.0.schema.json")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_sarif_is_valid(hostile: RunFiles, tmp_path: Path, language: str) -> None:
    sarif.write_sarif(hostile, tmp_path / "s.sarif", language)
    document = json.loads((tmp_path / "s.sarif").read_text("utf-8"))
    validate(document, "sarif-2.1.0-rtm.5.json")
    run = document["runs"][0]
    shown = [(row["ruleId"], row["level"], row["kind"]) for row in run["results"]]
    assert shown == [
        ("IF-REG-01", "error", "fail"),
        ("IF-REG-02", "warning", "fail"),
        ("IF-REG-03", "none", "review"),
        ("IF-UPG-01", "error", "fail"),
        ("IF-UPG-02", "none", "open"),
        ("ZZ-99", "error", "fail"),
    ]
    assert [run["tool"]["driver"]["rules"][row["ruleIndex"]]["id"] for row in run["results"]] == [
        i for i, _, _ in shown
    ]


def test_sarif_schema_would_notice_a_wrong_level(hostile: RunFiles) -> None:
    document = sarif.document(hostile.results, "en")
    document["runs"][0]["results"][0]["level"] = "fatal"
    with pytest.raises(jsonschema.ValidationError):
        validate(document, "sarif-2.1.0-rtm.5.json")


def test_junit_is_valid(hostile: RunFiles, tmp_path: Path) -> None:
    write_junit(hostile.results, tmp_path / "junit.xml")
    xmlschema.XMLSchema(str(SCHEMAS / "junit-10.xsd")).validate(str(tmp_path / "junit.xml"))
    suite = ElementTree.parse(tmp_path / "junit.xml").getroot()[0]
    assert {k: suite.get(k) for k in ("tests", "failures", "errors", "skipped")} == {
        "tests": "8",
        "failures": "3",
        "errors": "2",
        "skipped": "1",
    }
    failure = suite.find("testcase/failure")
    assert failure is not None
    assert "<script>alert(1)</script>" in (failure.text or "")


def cells(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))


def test_csv_has_a_row_a_planned_requirement(hostile: RunFiles, tmp_path: Path) -> None:
    write_csv(hostile, tmp_path / "t.csv", "en")
    rows = cells(tmp_path / "t.csv")
    assert rows[0][:4] == ["Requirement", "Title", "Group", "Level"]
    assert [(row[0], row[6]) for row in rows[1:]] == list(MIXED.items())
    assert rows[1][9].startswith("'=HYPERLINK(")
    assert all(not cell.startswith(("=", "+", "@")) for row in rows for cell in row)


@pytest.mark.parametrize("start", ["=1", "+1", "-1", "@A", "\t=1", "  =1", "＝1", "\n@A"])
def test_text_that_a_spreadsheet_would_compute_is_quoted(start: str) -> None:
    assert harmless(start).startswith("'")


@pytest.mark.parametrize("text", ["", "-", "V1.0", "a=b", "'=1", "通过"])
def test_other_text_stays(text: str) -> None:
    assert harmless(text) == text


def test_text_is_bounded_and_without_control_characters() -> None:
    assert harmless("\r=1") == "\ufffd=1"
    assert harmless("a\x00b\x1b\ud800") == "a\ufffdb\ufffd\ufffd"
    assert len(harmless("=" * 100_000)) <= MAX_CELL + 1


def test_xlsx_has_filters_groups_and_no_formula(hostile: RunFiles, tmp_path: Path) -> None:
    write_xlsx(hostile, tmp_path / "t.xlsx", "en")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        sheets = {name: ElementTree.fromstring(book.read(name)) for name in book.namelist() if "sheets/sheet" in name}
        names = [s.get("name") for s in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{CELL}sheet")]
        strings = book.read("xl/sharedStrings.xml").decode()
        everything = book.namelist()
    assert names == ["Summary", "All requirements", "IF-REG", "IF-UPG", "IF-AHL", "ZZ"]
    assert all(sheet.find(f".//{CELL}f") is None for sheet in sheets.values())
    assert all(sheet.find(f".//{CELL}hyperlink") is None for sheet in sheets.values())
    assert sum(sheet.find(f"{CELL}autoFilter") is not None for sheet in sheets.values()) == 5
    assert {cell.get("t") for sheet in sheets.values() for cell in sheet.iter(f"{CELL}c")} == {"s"}
    assert "=HYPERLINK" in strings
    assert not [name for name in everything if "external" in name.lower() or "vba" in name.lower()]


def test_xlsx_in_chinese_names_the_verdict(tmp_path: Path) -> None:
    write_xlsx(run_files(tmp_path / "run", PASSING), tmp_path / "t.xlsx", "zh")
    with zipfile.ZipFile(tmp_path / "t.xlsx") as book:
        strings = book.read("xl/sharedStrings.xml").decode()
    assert "符合: 所有选定要求均已满足。" in strings
    assert "通过" in strings


def test_xlsx_that_cannot_be_written_is_an_os_error(tmp_path: Path) -> None:
    run = run_files(tmp_path / "run", PASSING)
    with pytest.raises(OSError, match="nowhere"):
        write_xlsx(run, tmp_path / "nowhere" / "t.xlsx")

"""The requirement x verdict table that CSV, XLSX and PDF show: one row a planned requirement."""

from __future__ import annotations

from typing import Any

from reports.results import ORDER, Results
from reports.words import verdict_word

#: Column by name: (zh title, en title).
COLUMNS = {
    "id": ("要求", "Requirement"),
    "title": ("名称", "Title"),
    "group": ("组", "Group"),
    "level": ("级别", "Level"),
    "status": ("状态", "Status"),
    "selection": ("选择", "Selection"),
    "verdict": ("判定", "Verdict"),
    "word": ("判定（文字）", "Verdict in words"),
    "expected": ("期望", "Expected"),
    "observed": ("实际", "Observed"),
    "reason": ("原因", "Reason"),
    "tests": ("测试", "Tests"),
    "evidence": ("证据", "Evidence"),
}


def table_rows(results: Results, language: str) -> list[dict[str, Any]]:
    """Rows in the order of the plan, without requirements that were not selected at all."""
    planned = [row for row in results.plan["requirements"] if row["selection"] != "not_selected"]
    return [_row(results, row, language) for row in planned]


def worst_test(results: Results, requirement_id: str) -> dict[str, Any] | None:
    """The test that speaks for the verdict of a requirement."""
    tests = [t for t in results.tests if requirement_id in t["requirements"]]
    return min(tests, key=lambda t: ORDER.index(t["requirements"][requirement_id]), default=None)


def broken_check(test: dict[str, Any] | None, requirement_id: str) -> dict[str, Any] | None:
    """The first check of the test that did not hold for this requirement."""
    checks = test["checks"] if test else ()
    return next((c for c in checks if c["requirement"] == requirement_id and c["outcome"] != "held"), None)


def _row(results: Results, planned: dict[str, Any], language: str) -> dict[str, Any]:
    requirement_id = planned["id"]
    known = results.catalogue.requirements.get(requirement_id)
    verdict = results.requirements.get(requirement_id, "NOT_TESTED")
    tests = results.tests_of(requirement_id)
    check = broken_check(tests[0] if tests else None, requirement_id)
    reason = tests[0]["reason"] if tests and verdict != "PASS" else planned.get("reason")
    title = (known.title.zh if language == "zh" else known.title.en) if known else requirement_id
    return {
        "id": requirement_id,
        "title": title,
        "group": requirement_id.rpartition("-")[0],
        "level": known.level if known else "",
        "status": known.status if known else "",
        "selection": planned["selection"],
        "verdict": verdict,
        "word": verdict_word(verdict, language),
        "expected": check["expected"][language] if check else "",
        "observed": check["observed"][language] if check else "",
        "reason": (reason or {}).get(language, ""),
        "tests": ", ".join(test["id"] for test in tests),
        "evidence": f"{tests[0]['evidence']}/wire.pcapng" if tests else "",
    }

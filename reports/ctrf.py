"""CTRF (Common Test Report Format, schema 0.0) from the result lines."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from reports.result_files import RunFiles
from reports.results import Results

_STATUS = {"PASS": "passed", "WARN": "passed", "FAIL": "failed", "ERROR": "failed", "NOT_APPLICABLE": "skipped"}
STATUSES = ("passed", "failed", "skipped", "pending", "other")


def write_ctrf(run: RunFiles, path: Path, language: str = "zh") -> None:
    """One CTRF test a test; what is neither passed nor failed (inconclusive, blocked) is ``other``. Raises OSError."""
    text = json.dumps(document(run.results, language), ensure_ascii=False, indent=1) + "\n"
    path.write_bytes(text.encode("utf-8", "replace"))


def document(results: Results, language: str) -> dict[str, Any]:
    """The CTRF document. Times are milliseconds since the Unix epoch."""
    tests = [_test(test, language) for test in results.tests]
    start = _milliseconds(results.header["started"])
    stop = _milliseconds(results.footer["ended"]) if results.footer else start
    counts = {status: sum(test["status"] == status for test in tests) for status in STATUSES}
    return {
        "reportFormat": "CTRF",
        "specVersion": "0.0.0",
        "generatedBy": f"kandian {results.header['tool']}",
        "results": {
            "tool": {"name": "kandian", "version": str(results.header["tool"])},
            "summary": {"tests": len(tests), **counts, "start": start, "stop": max(start, stop)},
            "tests": tests,
            "environment": {
                "testEnvironment": results.header["edition"],
                "extra": {"device": results.header["device"]},
            },
            "extra": {"requirements": results.selected, "exitCode": results.exit_code, "complete": results.complete},
        },
    }


def _test(test: dict[str, Any], language: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        "name": test["id"],
        "status": _STATUS.get(test["verdict"], "other"),
        "duration": round(test["duration"] * 1000),
        "rawStatus": test["verdict"],
        "tags": sorted(test["requirements"]),
        "extra": {"requirements": test["requirements"], "evidence": f"{test['evidence']}/wire.pcapng"},
    }
    if reason := test["reason"][language]:
        row["message"] = reason
    return row


def _milliseconds(moment: str) -> int:
    return round(datetime.fromisoformat(moment).timestamp() * 1000)

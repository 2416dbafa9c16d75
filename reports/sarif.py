"""SARIF 2.1.0 from the result lines: a rule a requirement, a result a requirement that did not pass."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

from reports.result_files import RunFiles
from reports.results import Results
from reports.rows import broken_check, worst_test
from reports.words import verdict_word

#: SARIF level and kind by verdict (3.27.9, 3.27.10: a kind other than ``fail`` has level ``none``).
_SHOWN = {
    "FAIL": ("error", "fail"),
    "ERROR": ("error", "fail"),
    "WARN": ("warning", "fail"),
    "INCONCLUSIVE": ("none", "review"),
    "BLOCKED": ("none", "open"),
    "WAIVED": ("none", "review"),
}


def write_sarif(run: RunFiles, path: Path, language: str = "zh") -> None:
    """Write the log. Raises OSError."""
    text = json.dumps(document(run.results, language), ensure_ascii=False, indent=1) + "\n"
    path.write_bytes(text.encode("utf-8", "replace"))


def document(results: Results, language: str) -> dict[str, Any]:
    """The SARIF log. Locations are evidence files, relative to the result folder (``RUN``)."""
    found = [i for i, verdict in results.selected.items() if verdict in _SHOWN]
    invocation: dict[str, Any] = {"executionSuccessful": results.exit_code in (0, 1, 10)}
    if results.footer:
        invocation |= {"startTimeUtc": _utc(results.header["started"]), "endTimeUtc": _utc(results.footer["ended"])}
    driver = {
        "name": "kandian",
        "semanticVersion": str(results.header["tool"]),
        "rules": [_rule(results, i, language) for i in found],
    }
    run = {
        "tool": {"driver": driver},
        "invocations": [invocation],
        "originalUriBaseIds": {"RUN": {"description": {"text": "output folder of kandian certify"}}},
        "results": [_result(results, i, index, language) for index, i in enumerate(found)],
        "columnKind": "unicodeCodePoints",
        "properties": {"device": results.header["device"], "edition": results.header["edition"]},
    }
    schema = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
    return {"$schema": schema, "version": "2.1.0", "runs": [run]}


def _rule(results: Results, requirement_id: str, language: str) -> dict[str, Any]:
    known = results.catalogue.requirements.get(requirement_id)
    if known is None:
        return {"id": requirement_id}
    title, text, remedy = (getattr(part, language) if part else "" for part in (known.title, known.text, known.remedy))
    rule: dict[str, Any] = {
        "id": requirement_id,
        "shortDescription": {"text": title},
        "fullDescription": {"text": text},
    }
    if remedy:
        rule["help"] = {"text": remedy}
    return {**rule, "properties": {"level": known.level, "status": known.status}}


def _result(results: Results, requirement_id: str, index: int, language: str) -> dict[str, Any]:
    verdict = results.selected[requirement_id]
    level, kind = _SHOWN[verdict]
    test = worst_test(results, requirement_id)
    check = broken_check(test, requirement_id)
    parts = [verdict_word(verdict, language), test["reason"][language] if test else ""]
    if check and check["expected"][language]:
        parts.append(f"{check['expected'][language]} / {check['observed'][language]}")
    row: dict[str, Any] = {
        "ruleId": requirement_id,
        "ruleIndex": index,
        "level": level,
        "kind": kind,
        "message": {"text": ": ".join(filter(None, parts))},
        "partialFingerprints": {"requirement/v1": f"{results.header['device']['dev_id']}:{requirement_id}"},
        "properties": {"verdict": verdict},
    }
    if test:
        uri = quote(f"{test['evidence']}/wire.pcapng")
        row["locations"] = [{"physicalLocation": {"artifactLocation": {"uri": uri, "uriBaseId": "RUN"}}}]
    return row


def _utc(moment: str) -> str:
    return moment.replace("+00:00", "Z")

"""Finished runs made by hand: a verdict for each requirement, and nothing else of interest."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.bundle.support import exit_code
from reports.result_files import RunFiles, load_run
from reports.results import Results, results_of

#: What a device may answer: a formula, a tag, markup of Markdown and of typst, an escape sequence, a lone surrogate.
HOSTILE = (
    '=HYPERLINK("http://192.0.2.9/") <script>alert(1)</script> <img src=x onerror=alert(2)> '
    "`| a | #pagebreak() #panic(1) ]] $x$ \x00\x1b[31m \ud800 \uffff 恶意"
)
CHOSEN = ("IF-AHL-02", "IF-REG-01", "IF-REG-02", "IF-REG-03")
PASSING = dict.fromkeys(CHOSEN, "PASS")
DEVICE = {"dev_id": "KDN00000001", "manufacturer": "Acme", "model": "C-1", "version": "V1", "address": ""}


def records(verdicts: Mapping[str, str], *, text: str = "", **header: Any) -> list[dict[str, Any]]:
    """Header, one test a requirement that ran, footer. ``text`` is what the device said in checks that broke."""
    tests = [_test(i, name, v, text) for i, (name, v) in enumerate(verdicts.items()) if v != "NOT_TESTED"]
    first = {
        "kind": "header",
        "kandian": "results/1",
        "tool": "0.1.0",
        "python": "3.11.0",
        "started": "2024-03-01T10:00:00+00:00",
        "edition": "formal-2013.08",
        "profile": "camera",
        "plan_digest": "1" * 64,
        "spec_digest": "2" * 64,
        "declaration_digest": "3" * 64,
        "seed": 7,
        "timer_scale": 1.0,
        "language": "en",
        "device": DEVICE,
        **header,
    }
    last = {
        "kind": "footer",
        "ended": "2024-03-01T10:05:00+00:00",
        "requirements": dict(verdicts),
        "blocked": None,
        "broken": "",
        "interrupted": False,
        "exit_code": exit_code(verdicts.values(), broken=False, interrupted=False),
        "digest": "",
    }
    return [first, *tests, last]


def _test(index: int, requirement: str, verdict: str, text: str) -> dict[str, Any]:
    said = {"zh": f"观察到 {text}", "en": f"seen {text}"}
    held = verdict in ("PASS", "NOT_APPLICABLE")
    name = f"sample.{requirement.lower()}"
    check = {
        "requirement": requirement,
        "outcome": "held" if held else "violated",
        "step": "s1",
        "at": 1.25,
        "expected": {"zh": "期望", "en": "wanted"},
        "observed": {"zh": text, "en": text},
        "about": {"zh": "", "en": ""},
    }
    return {
        "kind": "test",
        "index": index,
        "id": name,
        "nodeid": f"test_sample.py::test_{index}",
        "verdict": verdict,
        "requirements": {requirement: verdict},
        "reason": {"zh": "", "en": ""} if held else said,
        "checks": [check],
        "controls": [],
        "figures": {},
        "started": 0.0,
        "duration": 1.0,
        "seed": 7,
        "evidence": f"evidence/{name}",
    }


def plan(verdicts: Mapping[str, str]) -> dict[str, Any]:
    """All of them selected, and a row that the profile does not have."""
    none = {"zh": "", "en": ""}
    other = {"zh": "不在认证档 camera 内", "en": "not part of the profile camera"}
    rows: list[dict[str, Any]] = [{"id": name, "selection": "selected", "reason": none} for name in verdicts]
    return {"requirements": [*rows, {"id": "CS-001", "selection": "not_selected", "reason": other}]}


def results(verdicts: Mapping[str, str], **more: Any) -> Results:
    """The run, in no folder."""
    return results_of(Path("run"), plan(verdicts), records(verdicts, **more))


def write_run(folder: Path, verdicts: Mapping[str, str], **more: Any) -> Path:
    """The run as an output folder."""
    folder.mkdir(parents=True)
    lines = [json.dumps(record) + "\n" for record in records(verdicts, **more)]
    (folder / "plan.json").write_text(json.dumps(plan(verdicts)), "utf-8")
    (folder / "results.jsonl").write_text("".join(lines), "utf-8")
    return folder


def run_files(folder: Path, verdicts: Mapping[str, str], **more: Any) -> RunFiles:
    """The run as renderers get it."""
    return load_run(write_run(folder, verdicts, **more))

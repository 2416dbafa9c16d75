"""An output folder of certify with the verdicts that a test needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reports.bundle.support import exit_code

NONE = {"zh": "", "en": ""}
DEVICE = {"dev_id": "KDN00000001", "manufacturer": "Acme", "model": "C-1", "version": "V1", "address": ""}


def finished_run(folder: Path, verdicts: Mapping[str, str]) -> Path:
    """Write plan.json and results.jsonl; one test a requirement."""
    folder.mkdir()
    rows = [{"id": name, "selection": "selected", "reason": NONE} for name in verdicts]
    header = {
        "kind": "header",
        "tool": "0.1.0",
        "python": "3.11.0",
        "started": "2024-03-01T10:00:00+00:00",
        "edition": "formal-2013.08",
        "profile": "camera",
        "plan_digest": "1",
        "spec_digest": "2",
        "seed": 7,
        "timer_scale": 1.0,
        "device": DEVICE,
    }
    footer = {
        "kind": "footer",
        "ended": "2024-03-01T10:05:00+00:00",
        "requirements": dict(verdicts),
        "blocked": None,
        "exit_code": exit_code(verdicts.values(), broken=False, interrupted=False),
    }
    lines = [header, *(_test(name, verdict) for name, verdict in verdicts.items()), footer]
    (folder / "plan.json").write_text(json.dumps({"requirements": rows}), "utf-8")
    (folder / "results.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return folder


def _test(name: str, verdict: str) -> dict[str, Any]:
    return {
        "kind": "test",
        "id": f"sample.{name.lower()}",
        "verdict": verdict,
        "requirements": {name: verdict},
        "reason": NONE,
        "checks": [],
        "duration": 1.0,
        "evidence": f"evidence/{name}",
    }

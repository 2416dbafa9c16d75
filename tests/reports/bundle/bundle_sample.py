"""A small finished run, made with the toolkit's own plan and lattice, and the keys that sign it in tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from conformance.cli.roles import golden_declaration
from conformance.model.outcome import footer
from conformance.model.plan import Choice, make_plan
from reports.bundle.declared import declaration_text
from reports.bundle.keys import PrivateKey, load_private, new_key
from reports.bundle.reader import open_bundle
from reports.bundle.statement import envelopes
from reports.bundle.writer import add_files, write_bundle
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.model import EvidencePolicy

SIGNED_AT = datetime(2024, 3, 1, 12, 0, tzinfo=UTC)
NOW = datetime(2024, 3, 2, 12, 0, tzinfo=UTC)
CREATED = datetime(2024, 1, 1, tzinfo=UTC)
CHOSEN = ("IF-AHL-02", "IF-REG-01", "IF-REG-02", "IF-REG-03")

ALL = EvidencePolicy()


def check(requirement: str, outcome: str) -> dict[str, Any]:
    text = {"zh": "x", "en": "x"}
    return {
        "requirement": requirement,
        "outcome": outcome,
        "step": "s1",
        "at": 1.0,
        "expected": text,
        "observed": text,
        "about": text,
    }


def passing_test(index: int, requirement: str) -> dict[str, Any]:
    name = f"sample.{requirement.lower()}"
    return {
        "kind": "test",
        "index": index,
        "id": name,
        "nodeid": f"test_sample.py::test_{index}",
        "verdict": "PASS",
        "requirements": {requirement: "PASS"},
        "reason": {"zh": "", "en": ""},
        "checks": [check(requirement, "held")],
        "controls": [],
        "figures": {},
        "started": 0.0,
        "duration": 1.0,
        "seed": 7,
        "evidence": f"evidence/{name}",
    }


def failing_test(index: int, requirement: str) -> dict[str, Any]:
    return {
        **passing_test(index, requirement),
        "verdict": "FAIL",
        "requirements": {requirement: "FAIL"},
        "reason": {"zh": "x", "en": "x"},
        "checks": [check(requirement, "violated")],
    }


def write_run(folder: Path, *, failing: bool = False, evidence: EvidencePolicy = ALL) -> dict[str, str]:
    """Write plan.json, results.jsonl and evidence. Returns the device of the header."""
    catalogue = load_catalogue()
    loaded = load_declaration(golden_declaration("camera"), catalogue.vocabulary)
    profile = msgspec.structs.replace(catalogue.profile("camera"), evidence=evidence)
    plan = make_plan(catalogue, profile, catalogue.editions[-1].id, loaded, Choice(CHOSEN))
    document = plan.document()
    device = {"dev_id": "KDN00000001", "manufacturer": "Kandian", "model": "GC-1", "version": "V1", "address": "x"}
    header = {
        "kind": "header",
        "kandian": "results/1",
        "tool": "0.1.0",
        "python": "3.11.0",
        "started": "2024-03-01T10:00:00+00:00",
        "edition": document["edition"],
        "profile": "camera",
        "plan_digest": document["digest"],
        "spec_digest": document["spec_digest"],
        "declaration_digest": document["declaration_digest"],
        "seed": 7,
        "timer_scale": document["timer_scale"],
        "language": "en",
        "device": device,
    }
    tests = [passing_test(index, name) for index, name in enumerate(sorted(CHOSEN))]
    if failing:
        tests[0] = failing_test(0, sorted(CHOSEN)[0])
    last = footer(plan, tests, blocked=None, broken="", interrupted=False)
    lines = [json.dumps(line, ensure_ascii=False) + "\n" for line in (header, *tests, last)]
    folder.mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    (folder / "results.jsonl").write_text("".join(lines), encoding="utf-8")
    for test in tests:
        tape = folder / test["evidence"] / "wire.pcapng"
        tape.parent.mkdir(parents=True)
        tape.write_bytes(b"\x0a\x0d\x0d\x0a" + test["id"].encode() * 20)
    return device


def environment(device: dict[str, str]) -> dict[str, Any]:
    return {
        "kandian": "environment/1",
        "tool": "0.1.0",
        "python": "3.11.0",
        "platform": "Linux x86_64",
        "packages": {"pytest": "9.0.0"},
        "declared": device,
        "found": {"DevID": ["KDN00000001"]},
        "clock_offset": {},
        "seeds": {"run": 7},
    }


def make_key(folder: Path, name: str, role: str, days: int = 730) -> PrivateKey:
    path = folder / f"{name}.key"
    new_key(path, role=role, owner=f"{role} {name}", days=days, now=CREATED)
    return load_private(path)


def pack(folder: Path, target: Path, device: dict[str, str]) -> str:
    loaded = load_declaration(golden_declaration("camera"), load_catalogue().vocabulary)
    return write_bundle(folder, target, declaration=declaration_text(loaded), environment=environment(device))


def sign(target: Path, key: PrivateKey, moment: datetime = SIGNED_AT) -> None:
    with open_bundle(target) as bundle:
        documents = {"manifest": bundle.manifest, "plan": bundle.plan, "footer": bundle.results_lines[-1]}
        digest = bundle.manifest_digest
    add_files(target, envelopes(documents, digest, key, moment))

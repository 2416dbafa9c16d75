"""Every bad bundle is refused with the right answer to the right question."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

import pytest
from bundle_corpus import CASES, Workshop, renew_manifest
from bundle_sample import NOW

from reports.bundle.dsse import seal
from reports.bundle.layout import canonical_json, json_line
from reports.bundle.verify import Answer, verify
from reports.bundle.writer import write_entries

DATA = Path(__file__).parents[2] / "data" / "bundles"


def expected(name: str) -> dict[str, tuple[str, str]]:
    """(state, code) by question, from the README of the case."""
    found = {}
    for line in (DATA / f"{name}_fail" / "README.md").read_text("utf-8").splitlines():
        if line.startswith("- "):
            question, _, answer = line[2:].partition(": ")
            state = "not answerable" if answer == "not answerable" else answer.split()[0]
            found[question] = (state, answer.removeprefix(state).strip())
    return found


def fits(answer: Answer, wanted: tuple[str, str]) -> bool:
    state, code = wanted
    return answer.state == state and (not code or code in {problem.code for problem in answer.problems})


def test_every_case_has_a_readme_and_every_readme_a_case() -> None:
    assert sorted(path.name for path in DATA.iterdir()) == sorted(f"{name}_fail" for name in CASES)


@pytest.mark.parametrize("name", CASES)
def test_bad_bundle(name: str, workshop: Workshop, tmp_path: Path) -> None:
    target = tmp_path / "bad.kandian"
    CASES[name](workshop, target)
    trusted = [workshop.lab.public, workshop.vendor.public, workshop.short_lived.public]

    found = verify(target, trusted, NOW)

    wanted = expected(name)
    assert fits(found.signature, wanted["signature"]), found.signature
    assert fits(found.content, wanted["content"]), found.content
    assert found.exit_code >= 16
    assert not (tmp_path.parent / "outside.txt").exists()


def test_the_good_bundle_is_good(workshop: Workshop) -> None:
    found = verify(workshop.good, [workshop.lab.public], NOW)

    assert (found.signature.state, found.content.state, found.exit_code) == ("yes", "yes", 0)
    assert found.content.problems == ()


HOSTILE = {
    "half_character": ("manifest.json", b'"profile": "camera"', b'"profile": "\\ud800"'),
    "not_a_number": ("manifest.json", b'"timer_scale": 0.02', b'"timer_scale": NaN'),
    "too_deep": ("manifest.json", b'"profile": "camera"', b'"profile": ' + b"[" * 5000 + b"]" * 5000),
    "huge_number": ("manifest.json", b'"seed": 7', b'"seed": ' + b"9" * 5000),
    "plan_unlisted": ("manifest.json", b'"plan.json": {', b'"plan.jso": {'),
    "unknown_verdict": ("results.jsonl", b'"verdict": "FAIL"', b'"verdict": "FINE"'),
    "checks_no_list": ("results.jsonl", b'"checks": [', b'"checks": {}, "x": ['),
    "row_without_reason": ("plan.json", b'"reason"', b'"season"'),
    "bad_yaml": ("declaration.yaml", b"device:", b"device: &a [*a"),
    "no_device": ("declaration.yaml", b"device:", b"devices:"),
    "environment_list": ("environment.json", b"{", b'{"x": 1, '),
    "stanza_shape": ("requirements.json", b'"level": "MUST"', b'"level": 7'),
}


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_odd_documents_are_answers_not_crashes(name: str, signed: bool, workshop: Workshop, tmp_path: Path) -> None:
    where, old, new = HOSTILE[name]
    files = workshop.files()
    assert old in files[where]
    files[where] = files[where].replace(old, new, 1)
    if where != "manifest.json":
        renew_manifest(files)
    if signed:
        digest = hashlib.sha256(files["manifest.json"]).hexdigest()
        for envelope in [name for name in files if name.startswith("signatures/")]:
            statement = json.loads(base64.b64decode(json.loads(files[envelope])["payload"]))
            statement["subject"][0]["digest"]["sha256"] = digest
            files[envelope] = json_line(seal(canonical_json(statement), workshop.lab))
    target = tmp_path / "odd.kandian"
    write_entries(target, files)

    found = verify(target, [workshop.lab.public], NOW)

    assert found.content.state == "no"
    assert (found.signature.state == "yes") == signed

"""`kandian certify` against storages that die, redirect, compress, or never end: bounded, a verdict, the next test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hostile_storage import Coming, Dying, Endless, Gzipping, HtmlPages, Redirecting, served
from test_certify_storage import CERTIFY, kandian

from simulators.cloud_storage.declarations import DEFAULT
from simulators.cloud_storage.storage import CloudStorage


def certified(storage_class: type[CloudStorage], tmp_path: Path, *requirements: str) -> dict[str, dict[str, Any]]:
    """The result line of each test by id."""
    chosen = [f"--req={requirement}" for requirement in requirements]
    with served(storage_class, tmp_path / "state") as endpoint:
        out = tmp_path / "out"
        done = kandian(*CERTIFY, *chosen, "--target", endpoint, "--declaration", DEFAULT, "--out", out)
    assert done.returncode in (1, 10), done.stdout
    assert "Traceback" not in done.stdout
    lines = [json.loads(line) for line in (out / "results.jsonl").read_text("utf-8").splitlines()]
    assert lines[-1]["kind"] == "footer"
    return {line["id"]: line for line in lines if line["kind"] == "test"}


def test_the_request_that_ends_the_server_is_charged(tmp_path: Path) -> None:
    tests = certified(Dying, tmp_path, "CS-096")
    found = tests["access.unknown_operations"]
    assert (found["verdict"], found["fault"]) == ("FAIL", "terminated")
    assert "server terminated: after DELETE" in found["reason"]["en"]


def test_a_server_that_comes_back_charges_nobody_else(tmp_path: Path) -> None:
    """Other tests are at work when it dies; alone they pass."""
    tests = certified(Coming, tmp_path, "CS-096", "CS-01*", "CS-06*", "CS-07*", "CS-099")
    failed = {name for name, test in tests.items() if test["verdict"] not in ("PASS", "INCONCLUSIVE")}
    assert failed == {"access.unknown_operations"}


@pytest.mark.parametrize(
    ("storage_class", "words"),
    [
        (Redirecting, "307 Temporary Redirect"),
        (HtmlPages, "bytes"),
        (Gzipping, "bytes"),
        (Endless, "larger than the 67108864 bytes that are read"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_strange_answers_are_verdicts(tmp_path: Path, storage_class: type[CloudStorage], words: str) -> None:
    tests = certified(storage_class, tmp_path, "CS-010", "CS-018")
    round_trip = tests["objects.round_trip"]
    assert round_trip["verdict"] == "FAIL"
    assert any(words in check["observed"]["en"] for check in round_trip["checks"] if check["outcome"] == "violated")
    assert "objects.empty_object" in tests or len(tests) == 2

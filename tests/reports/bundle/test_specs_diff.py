"""`kandian specs diff` with certificates: unaffected, judged again, in need of the device."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from certified_run import kandian

from specs.loader import SPECS_ROOT

WAIT = "observe_window: {value: 1.2"


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """A copy of the spec."""
    shutil.copytree(SPECS_ROOT, tmp_path / "spec", ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path / "spec"


def edit(spec: Path, name: str, old: str, new: str) -> None:
    path = spec / "interface" / name
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def diff(certified: tuple[Path, str], spec: Path, code: int) -> dict[str, Any]:
    arguments = ("specs", "diff", "installed", spec, "--bundle", certified[0] / "run.kandian", "--json")
    found: dict[str, Any] = json.loads(kandian(*arguments, code=code))
    return found


def test_another_word_concerns_nobody(certified: tuple[Path, str], changed: Path) -> None:
    edit(changed, "registration.yaml", "en: The device opens every connection itself", "en: It connects by itself")
    found = diff(certified, changed, 0)
    assert [(one["requirement"], one["kinds"]) for one in found["changes"]] == [("IF-REG-01", ["text"])]
    assert found["bundles"] == [{"bundle": "run.kandian", "state": "unaffected", "affected": [], "rows": []}]


def test_a_limit_that_is_kept_all_the_same(certified: tuple[Path, str], changed: Path) -> None:
    edit(changed, "registration.yaml", "online_within: {max: 60.0", "online_within: {max: 50.0")
    (bundle,) = diff(certified, changed, 0)["bundles"]
    assert (bundle["state"], bundle["rows"]) == ("same", [])
    assert "IF-REG-01" in bundle["affected"]


def test_a_limit_that_needs_a_longer_look(certified: tuple[Path, str], changed: Path) -> None:
    edit(changed, "anti_hotlink.yaml", WAIT, "observe_window: {value: 600.0")
    (bundle,) = diff(certified, changed, 10)["bundles"]
    assert bundle["state"] == "needs-device"
    assert {row["now"] for row in bundle["rows"]} == {"INCONCLUSIVE"}
    printed = kandian("specs", "diff", "installed", changed, "--lang", "en")
    assert (
        "IF-AHL-02    limit  rev 1 -> 1\n  limits: observe_window = 1.2 s [proposed] -> observe_window = 600 s"
        in printed
    )


def test_the_spec_of_a_bundle_is_the_installed_one(certified: tuple[Path, str]) -> None:
    assert kandian("specs", "diff", certified[0] / "run.kandian", "installed", "--lang", "en") == "no changes\n"

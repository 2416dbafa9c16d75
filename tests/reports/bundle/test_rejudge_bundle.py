"""A bundle judged again: by its own spec, by one with other limits, and from a tape that is not what it was."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from conformance.cli.rejudge import Rejudged, rejudge, text
from specs.loader import SPECS_ROOT

LEAVE_OUT = shutil.ignore_patterns("*.py", "__pycache__")


def with_limit(tmp_path: Path, name: str, old: str, new: str) -> Path:
    """A copy of the spec in which one text of a file stands differently."""
    shutil.copytree(SPECS_ROOT, tmp_path / "spec", ignore=LEAVE_OUT)
    path = tmp_path / "spec" / "interface" / name
    content = path.read_text("utf-8")
    assert content.count(old) >= 1
    path.write_text(content.replace(old, new), encoding="utf-8")
    return tmp_path / "spec"


def verdicts(found: Rejudged) -> dict[str, str]:
    return {row.test: row.now for row in found.rows}


def test_the_same_spec_gives_the_same_verdicts(certified: tuple[Path, str]) -> None:
    folder, _ = certified

    from_bundle, from_folder = rejudge(folder / "run.kandian"), rejudge(folder / "out")

    assert verdicts(from_bundle) == {
        "anti_hotlink.refused_verdict.tcp": "PASS",
        "anti_hotlink.refused_verdict.udp": "PASS",
        "registration.first_contact": "PASS",
    }
    assert from_folder == from_bundle
    assert from_bundle.exit_code == 0
    assert {"IF-AHL-02": "PASS", "IF-REG-01": "PASS"}.items() <= from_bundle.requirements.items()
    assert text(from_bundle, "en") == "3 tests: 3 as recorded, 0 differ, 0 need the device"


def test_nothing_outside_is_touched(certified: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a rejudgement reaches for the world outside")

    for name in ("connect", "connect_ex", "bind", "listen", "sendto"):
        monkeypatch.setattr(socket.socket, name, forbidden)
    monkeypatch.setattr(subprocess, "Popen", forbidden)
    monkeypatch.setattr(time, "sleep", forbidden)

    assert rejudge(certified[0] / "run.kandian").exit_code == 0


def test_a_declaration_that_asks_for_secrets_of_the_judge(certified: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(certified[0] / "out", folder)
    path = folder / "declaration.yaml"
    text = path.read_text("utf-8")
    assert text.count("    value: ") == 1
    path.write_text(re.sub("    value: .*", "    file: /etc/hostname", text), encoding="utf-8")

    with pytest.raises(ValueError, match="secrets of this machine"):
        rejudge(folder)


def test_a_stricter_limit_is_judged_from_the_tape(certified: tuple[Path, str], tmp_path: Path) -> None:
    spec = with_limit(tmp_path, "registration.yaml", "online_within: {max: 60.0", "online_within: {max: 0.0")
    spec = spec.rename(tmp_path / "stricter")
    path = spec / "interface" / "registration.yaml"
    path.write_text(path.read_text("utf-8").replace("unit: s, uncertainty: 1.0", "unit: s"), encoding="utf-8")

    found = rejudge(certified[0] / "run.kandian", spec=spec)

    assert verdicts(found)["registration.first_contact"] in ("FAIL", "WARN")
    assert [row.test for row in found.other] == ["registration.first_contact"]
    assert found.exit_code == 1


def test_a_requirement_that_is_not_asked_for_any_more(certified: tuple[Path, str], tmp_path: Path) -> None:
    head = "the first media packet}\n  level: MUST\n  role: camera\n  binding: tykd\n  when: "
    old, new = f"Token verified before {head}feature.tykd", f"Token verified before {head}not feature.tykd"
    spec = with_limit(tmp_path, "anti_hotlink.yaml", old, new)

    found = rejudge(certified[0] / "run.kandian", spec=spec)

    assert [row.test.rpartition(".")[2] for row in found.not_asked] == ["tcp", "udp"]
    assert "IF-AHL-02" not in found.requirements
    assert found.exit_code == 0
    assert text(found, "en").endswith("0 need the device, 2 not asked for any more")


def test_an_older_spec_knows_fewer_requirements_than_the_suites(certified: tuple[Path, str], tmp_path: Path) -> None:
    spec = with_limit(tmp_path, "registration.yaml", "group:", "group:")
    path = spec / "interface" / "framing.yaml"
    head, mark, _ = path.read_text("utf-8").rpartition("\n- id: ")
    assert mark
    path.write_text(head + "\n", encoding="utf-8")

    assert rejudge(certified[0] / "run.kandian", spec=spec).exit_code == 0


def test_a_longer_look_needs_the_device(certified: tuple[Path, str], tmp_path: Path) -> None:
    spec = with_limit(tmp_path, "anti_hotlink.yaml", "observe_window: {value: 1.2", "observe_window: {value: 600.0")

    found = rejudge(certified[0] / "run.kandian", spec=spec)

    assert verdicts(found)["anti_hotlink.refused_verdict.tcp"] == "INCONCLUSIVE"
    assert verdicts(found)["anti_hotlink.refused_verdict.udp"] == "INCONCLUSIVE"
    assert verdicts(found)["registration.first_contact"] == "PASS"
    assert found.exit_code == 10
    assert "needs the device" in text(found, "en")


def test_a_tape_that_was_cut_off_needs_the_device(certified: tuple[Path, str], tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(certified[0] / "out", folder)
    tape = folder / "evidence" / "anti_hotlink.refused_verdict.tcp" / "wire.pcapng"
    tape.write_bytes(tape.read_bytes()[: tape.stat().st_size // 2])

    found = rejudge(folder)

    assert verdicts(found)["anti_hotlink.refused_verdict.tcp"] == "INCONCLUSIVE"
    assert verdicts(found)["registration.first_contact"] == "PASS"


def test_a_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a run"):
        rejudge(tmp_path)


def test_what_the_tape_says_does_not_steer_the_terminal(certified: tuple[Path, str]) -> None:
    found = rejudge(certified[0] / "out")
    row = replace(found.rows[0], same=False, now="FAIL", en="\x1b[2Jgone", zh="\x1b[2J")

    assert "\x1b" not in text(replace(found, rows=(row,)), "en")
    assert "\x1b" not in text(replace(found, rows=(row,)), "zh")

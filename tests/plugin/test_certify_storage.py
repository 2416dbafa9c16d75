"""`kandian certify --profile cloud-storage`: the embedded storage, a declared one, and a wrong address or account."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators.cloud_storage.declarations import DEFAULT

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
CERTIFY = ("certify", "--profile", "cloud-storage", "--lang", "en")
FEW = ("--req", "CS-01*", "--req", "CS-092")
SECRET = "5b3c1d9e7a2f48c0owner"


def kandian(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line; standard error is folded into the output."""
    return subprocess.run(
        [*KANDIAN, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        env={**os.environ, **environment},
        check=False,
    )


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A golden storage that runs as a server of its own."""
    with subprocess.Popen([*KANDIAN, "simulate", "storage"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["endpoint"]
        finally:
            process.terminate()
            process.wait(20)


def test_the_embedded_storage_conforms(tmp_path: Path) -> None:
    done = kandian(*CERTIFY, "--out", tmp_path / "out")
    assert done.returncode == 0, done.stdout
    footer = json.loads((tmp_path / "out" / "results.jsonl").read_text("utf-8").splitlines()[-1])
    others = {i: verdict for i, verdict in footer["requirements"].items() if verdict not in ("PASS", "NOT_TESTED")}
    assert others == dict.fromkeys(("CS-005", "CS-006"), "NOT_APPLICABLE")
    assert (tmp_path / "out" / "evidence" / "objects.round_trip" / "wire.pcapng").stat().st_size > 1000


def test_a_target_with_a_declaration(tmp_path: Path, endpoint: str) -> None:
    done = kandian(*CERTIFY, *FEW, "--target", endpoint, "--declaration", DEFAULT, "--out", tmp_path)
    assert done.returncode == 0, done.stdout
    assert "CS-092" in (tmp_path / "results.jsonl").read_text("utf-8")
    outputs = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [path.name for path in outputs if SECRET.encode() in path.read_bytes()] == []


def test_a_bare_target_has_one_account(tmp_path: Path, endpoint: str) -> None:
    keys = {"KANDIAN_ACCESS_KEY": "KDNOWNER0001", "KANDIAN_SECRET_KEY": SECRET}
    done = kandian(*CERTIFY, *FEW, "--target", endpoint, "--out", tmp_path, **keys)
    plan = json.loads((tmp_path / "plan.json").read_text("utf-8"))
    rows = {row["id"]: row for row in plan["requirements"]}
    assert (rows["CS-092"]["selection"], rows["CS-010"]["selection"]) == ("not_selected", "selected")
    assert "one account only" in rows["CS-092"]["reason"]["en"]
    assert "BLOCKED" in done.stdout  # its region is not that of the default dialect


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("KDNOWNER0001", "NOBODY", "403 InvalidAccessKeyId"),
        (SECRET, "wrong", "403 SignatureDoesNotMatch"),
        ("dialect: oos6", "dialect: oos6\n  region: moon", "400 AuthorizationHeaderMalformed the region is wrong"),
    ],
)
def test_what_is_wrong_with_the_account_blocks(tmp_path: Path, endpoint: str, old: str, new: str, words: str) -> None:
    declaration = tmp_path / "storage.yaml"
    declaration.write_text(DEFAULT.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    done = kandian(*CERTIFY, *FEW, "--target", endpoint, "--declaration", declaration, "--out", tmp_path / "out")
    assert done.returncode == 10, done.stdout
    assert words in done.stdout


def test_nobody_there_blocks(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
        done = kandian(*CERTIFY, *FEW, "--target", address, "--declaration", DEFAULT, "--out", tmp_path)
    assert done.returncode == 10, done.stdout
    assert "check endpoint, region and key" in done.stdout


def test_a_declaration_without_an_address(tmp_path: Path) -> None:
    done = kandian(*CERTIFY, "--declaration", DEFAULT, "--out", tmp_path)
    assert done.returncode == 4, done.stdout
    assert "say where the storage is" in done.stdout


def test_short_days_take_the_place_of_a_clock(tmp_path: Path) -> None:
    declaration = tmp_path / "storage.yaml"
    text = DEFAULT.read_text("utf-8").replace(
        "  lifecycle_delay: 1.0", "  lifecycle_delay: 0.4\n  seconds_per_day: 2.0"
    )
    declaration.write_text(text.replace("controls: {actions: [clock, status]}\n", ""), encoding="utf-8")
    command = [*KANDIAN, "simulate", "storage", "--declaration", str(declaration), "--state", str(tmp_path / "state")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            target = json.loads(process.stdout.readline())["endpoint"]
            chosen = ("--req", "CS-084", "--req", "CS-088", "--req", "CS-RET-01")
            done = kandian(
                *CERTIFY, *chosen, "--target", target, "--declaration", declaration, "--out", tmp_path / "out"
            )
        finally:
            process.terminate()
            process.wait(20)
    assert done.returncode == 0, done.stdout
    assert "Pass 3" in done.stdout

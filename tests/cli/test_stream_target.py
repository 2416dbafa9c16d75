"""The profile stream-urls by an address alone, and by an address and a declaration."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from simulators.streams.declarations import DEFAULT, SHIPPED

KANDIAN = [sys.executable, "-c", "from conformance.cli.main import main; main()"]
QUICK = ("IF-HLS-01", "IF-HLS-03", "IF-HLS-15")


@contextmanager
def server(declaration: Path) -> Iterator[str]:
    """Address of the golden server in a process of its own."""
    command = [*KANDIAN, "simulate", "streams", "--declaration", str(declaration)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(20)


def certified(out: Path, *options: str) -> dict[str, str]:
    """Verdicts of the quick requirements."""
    command = [*KANDIAN, "certify", "--profile", "stream-urls", "--out", str(out), "--seed", "1", *options]
    done = subprocess.run([*command, *(f"--req={i}" for i in QUICK)], capture_output=True, text=True, check=False)
    footer = json.loads((out / "results.jsonl").read_text("utf-8").splitlines()[-1])
    assert footer["kind"] == "footer", done.stdout + done.stderr
    return {i: footer["requirements"][i] for i in QUICK}


def test_an_address_is_enough(tmp_path: Path) -> None:
    with server(SHIPPED[2]) as url:
        found = certified(tmp_path / "out", "--target", f"{url}/live/gate/index")
    assert found == dict.fromkeys(QUICK, "PASS")


@pytest.mark.parametrize("declared", [True, False])
def test_signed_addresses_need_a_declaration(tmp_path: Path, declared: bool) -> None:
    with server(DEFAULT) as url:
        more = ("--declaration", str(DEFAULT)) if declared else ()
        found = certified(tmp_path / "out", "--target", f"{url}/live/gate/index.m3u8", *more)
    assert set(found.values()) == {"PASS" if declared else "INCONCLUSIVE"}

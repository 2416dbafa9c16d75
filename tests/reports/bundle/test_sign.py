"""A second signature: the lab's beside the vendor's, never on a bundle that contradicts itself."""

from __future__ import annotations

import shutil
from pathlib import Path

from bundle_corpus import CASES, Workshop
from bundle_sample import make_key, pack, write_run
from click.testing import CliRunner, Result

from conformance.cli.sign import command as sign
from conformance.cli.verify import command as verify

LONG = 36_500


def run(command: object, *arguments: object) -> Result:
    return CliRunner().invoke(command, [*map(str, arguments), "--lang", "en"])  # type: ignore[arg-type]


def test_a_lab_signs_after_a_vendor(tmp_path: Path) -> None:
    target = tmp_path / "run.kandian"
    pack(tmp_path / "run", target, write_run(tmp_path / "run"))
    for role in ("vendor", "lab"):
        make_key(tmp_path, role, role, days=LONG)
        signed = run(sign, target, "--key", tmp_path / f"{role}.key")
        assert signed.exit_code == 0, signed.output
    keys = [argument for role in ("vendor", "lab") for argument in ("--key", tmp_path / f"{role}.pub.json")]
    verified = run(verify, target, *keys)
    assert verified.exit_code == 0, verified.output
    assert "vendor vendor" in verified.output
    assert "lab lab" in verified.output


def test_nobody_signs_twice(tmp_path: Path) -> None:
    target = tmp_path / "run.kandian"
    pack(tmp_path / "run", target, write_run(tmp_path / "run"))
    make_key(tmp_path, "lab", "lab", days=LONG)
    assert run(sign, target, "--key", tmp_path / "lab.key").exit_code == 0
    again = run(sign, target, "--key", tmp_path / "lab.key")
    assert again.exit_code == 1
    assert "has signatures/" in again.output


def test_what_is_not_whole_is_not_signed(tmp_path: Path, workshop: Workshop) -> None:
    bad = tmp_path / "bad.kandian"
    CASES["edited_verdict"](workshop, bad)
    before = bad.read_bytes()
    make_key(tmp_path, "carrier", "carrier", days=LONG)
    refused = run(sign, bad, "--key", tmp_path / "carrier.key")
    assert refused.exit_code == 18
    assert "results.jsonl" in refused.output
    assert bad.read_bytes() == before


def test_a_file_that_is_no_bundle(tmp_path: Path) -> None:
    make_key(tmp_path, "lab", "lab", days=LONG)
    shutil.copy(__file__, tmp_path / "no.kandian")
    assert run(sign, tmp_path / "no.kandian", "--key", tmp_path / "lab.key").exit_code == 1

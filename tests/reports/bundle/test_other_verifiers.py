"""Verifiers that share nothing with ours agree: docs/verifier.mjs under Node, and openssl on the bare signature."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from bundle_corpus import CASES, Workshop
from bundle_sample import NOW

from reports.bundle.keys import public_path
from reports.bundle.verify import verify

VERIFIER = Path(__file__).parents[3] / "docs" / "verifier.mjs"
#: What only reading the YAML of the spec, a JSON parser that sees both keys, or the test's own clock can tell.
ONLY_OURS = {"other_levels", "duplicate_json_key", "signed_in_future"}

node = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node")
openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl")


def node_code(file: Path, *keys: Path) -> int:
    return subprocess.run(["node", VERIFIER, file, *keys], capture_output=True, timeout=60, check=False).returncode


@node
@pytest.mark.parametrize("name", [name for name in CASES if name not in ONLY_OURS])
def test_node_agrees_about_a_bad_bundle(name: str, workshop: Workshop, tmp_path: Path) -> None:
    target = tmp_path / "bad.kandian"
    CASES[name](workshop, target)
    folder = workshop.good.parent
    trusted = [workshop.lab.public, workshop.vendor.public, workshop.short_lived.public]
    paths = [public_path(folder / f"{key}.key") for key in ("lab", "vendor", "short")]

    assert node_code(target, *paths) == verify(target, trusted, NOW).exit_code


@node
def test_node_accepts_the_good_bundle(workshop: Workshop) -> None:
    assert node_code(workshop.good, public_path(workshop.good.parent / "lab.key")) == 0


def test_the_verifier_stays_small() -> None:
    assert len(VERIFIER.read_text("utf-8").splitlines()) < 150


@openssl
@pytest.mark.parametrize("flip, code", [(False, 0), (True, 1)])
def test_openssl_verifies_the_signature(flip: bool, code: int, workshop: Workshop, tmp_path: Path) -> None:
    with zipfile.ZipFile(workshop.good) as bundle:
        name = next(name for name in bundle.namelist() if name.endswith("verdicts.dsse.json"))
        envelope = json.loads(bundle.read(name))
    payload = base64.b64decode(envelope["payload"])
    kind = envelope["payloadType"].encode()
    signed = b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)
    (tmp_path / "signed").write_bytes(signed[:-1] + b"!" if flip else signed)
    (tmp_path / "sig").write_bytes(base64.b64decode(envelope["signatures"][0]["sig"]))
    (tmp_path / "key.pem").write_text(workshop.lab.public.pem)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin"]
    command += ["-in", "signed", "-sigfile", "sig"]

    assert subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False).returncode == code

"""`kandian certify --bundle` end to end: signed, verified, and no secret in anything that was written."""

from __future__ import annotations

import base64
import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from certified_run import kandian

from conformance.cli.roles import golden_declaration
from specs.declaration import load_declaration
from specs.loader import load_catalogue


def test_the_bundle_verifies(certified: tuple[Path, str]) -> None:
    folder, _ = certified
    found = json.loads(kandian("verify", folder / "run.kandian", "--key", folder / "vendor.pub.json", "--json"))

    assert [found[q]["state"] for q in ("signature", "content", "verdicts")] == ["yes", "yes", "not asked"]
    assert found["signature"]["facts"][0][1].startswith("vendor pre-test: Kandian (")


def test_without_a_trusted_key_only_the_content_is_good(certified: tuple[Path, str]) -> None:
    folder, _ = certified
    printed = kandian("verify", folder / "run.kandian", "--lang", "en", code=17)

    assert "signature valid: no" in printed
    assert "content whole and consistent: yes" in printed


def test_a_vendor_signature_is_never_called_a_certificate(certified: tuple[Path, str]) -> None:
    folder, printed = certified
    verified = kandian("verify", folder / "run.kandian", "--key", folder / "vendor.pub.json", "--lang", "en")
    chinese = kandian("verify", folder / "run.kandian", "--key", folder / "vendor.pub.json")
    with zipfile.ZipFile(folder / "run.kandian") as bundle:
        envelopes = [json.loads(bundle.read(n)) for n in bundle.namelist() if n.startswith("signatures/")]
    statements = [base64.b64decode(envelope["payload"]).decode() for envelope in envelopes]

    for text in (printed.partition("run.kandian")[2], verified, *statements):
        assert "certificate" not in text.lower()
    assert "证书" not in chinese


def test_the_verdicts_follow_from_the_redacted_tape(certified: tuple[Path, str]) -> None:
    folder, _ = certified
    key = folder / "vendor.pub.json"
    found = json.loads(kandian("verify", folder / "run.kandian", "--key", key, "--rejudge", "--json"))

    assert found["verdicts"] == {"question": "verdicts", "state": "yes", "problems": [], "facts": []}


def outputs(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".key"):
        yield str(path), path.read_bytes()
    with zipfile.ZipFile(folder / "run.kandian") as bundle:
        for name in bundle.namelist():
            yield name, bundle.read(name)
            if name.startswith("signatures/"):
                yield name, base64.b64decode(json.loads(bundle.read(name))["payload"])


def forms(secret: bytes) -> set[bytes]:
    whole = {secret, secret.hex().encode(), secret.hex().upper().encode(), b"".join(b"%%%02X" % c for c in secret)}
    cores = {base64.b64encode(bytes(3 - k) + secret)[4:-4] for k in range(3)}
    return whole | cores


def test_no_output_holds_a_secret(certified: tuple[Path, str]) -> None:
    folder, printed = certified
    loaded = load_declaration(golden_declaration("camera"), load_catalogue().vocabulary)
    secrets = [secret.encode() for secret in loaded.secrets]
    assert secrets == [b"9f2c41d07be35a68"]
    stand_in = load_declaration(folder / "out" / "declaration.yaml", load_catalogue().vocabulary).key.encode()
    assert len(stand_in) == len(secrets[0])

    masked = 0
    for name, data in (*outputs(folder), ("printed", printed.encode())):
        masked += data.count(stand_in)
        for secret in secrets:
            assert not [form for form in forms(secret) if form in data], name
    assert masked > 0


def test_the_private_key_is_its_owners(certified: tuple[Path, str]) -> None:
    folder, _ = certified
    path = folder / "vendor.key"
    assert path.stat().st_mode & 0o777 == 0o600

    os.chmod(path, 0o640)
    try:
        printed = kandian("certify", "--bundle", folder / "x.kandian", "--key", path, code=4)
    finally:
        os.chmod(path, 0o600)
    assert "can be read by others" in printed


@pytest.mark.parametrize("option", [("--key", "k"), ("--role", "lab")])
def test_a_signature_needs_a_bundle(option: tuple[str, str]) -> None:
    assert "say --bundle FILE" in kandian("certify", *option, code=4)


def test_a_key_signs_in_its_own_role_only(certified: tuple[Path, str]) -> None:
    folder, _ = certified
    arguments = ("certify", "--bundle", folder / "x.kandian", "--key", folder / "vendor.key", "--role", "lab")
    assert "vendor key; it cannot sign as lab" in kandian(*arguments, code=4)

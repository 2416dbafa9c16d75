"""From the folder of a run to a signed bundle: what `kandian certify --bundle` does at its end."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from conformance.cli.keys import ask_passphrase
from reports.bundle.declared import declaration_text
from reports.bundle.keys import KeyFault, PrivateKey, is_protected, load_private
from reports.bundle.layout import DECLARATION
from reports.bundle.reader import open_bundle
from reports.bundle.statement import envelopes, kind_words
from reports.bundle.writer import add_files, write_bundle
from reports.results import Results, read_results
from specs.declaration import LoadedDeclaration

#: Packages whose version can change what is seen or judged.
PACKAGES = ("kandian", "pytest", "numpy", "av", "lxml", "requests", "boto3", "minio", "hypothesis", "msgspec", "PyYAML")
_FOUND = re.compile(
    rb"<(DevID|DevVer|DevModel|Manufacturer|DevName|DevType)>([^<>]{1,64})</|\r\n(Server|User-Agent): ([^\r\n]{1,64})"
)
_VALUES = 16


def signing_key(path: Path, role: str) -> PrivateKey:
    """The key to sign with. Raises ClickException: unreadable, expired, or for another role."""
    try:
        key = load_private(path, ask_passphrase(confirm=False) if is_protected(path) else "")
    except KeyFault as fault:
        raise click.ClickException(str(fault)) from None
    if role and key.public.role != role:
        raise click.ClickException(f"{path} is a {key.public.role} key; it cannot sign as {role}")
    if not key.public.valid_at(datetime.now(UTC)):
        raise click.ClickException(f"{path} has expired ({key.public.expires})")
    return key


def write_signed_bundle(
    folder: Path, target: Path, loaded: LoadedDeclaration, key: PrivateKey | None, language: str
) -> None:
    """Pack the run, sign it and say what it is. Raises BundleError, OSError, ResultsFileError."""
    results = read_results(folder)
    kept = folder / DECLARATION
    declaration = kept.read_bytes() if kept.exists() else declaration_text(loaded)
    digest = write_bundle(folder, target, declaration=declaration, environment=environment(results, folder))
    if key is not None:
        words = sign_bundle(target, key, language)
    else:
        words = "未签名的测试包" if language == "zh" else "unsigned bundle"
    click.echo(f"{target}: {words}")
    click.echo(f"sha256(manifest.json) {digest}")


def sign_bundle(target: Path, key: PrivateKey, language: str) -> str:
    """Add a signature to a bundle; returns what that makes it. Raises BundleError when the key signed it before."""
    with open_bundle(target) as bundle:
        documents = {"manifest": bundle.manifest, "plan": bundle.plan, "footer": bundle.results_lines[-1]}
        digest = bundle.manifest_digest
    add_files(target, envelopes(documents, digest, key, datetime.now(UTC)))
    return kind_words(key.public.role, documents["manifest"], language)


def environment(results: Results, folder: Path) -> dict[str, Any]:
    """environment.json: what a verdict may depend on beside spec, declaration and device."""
    seeds = {test["id"]: test["seed"] for test in results.tests}
    return {
        "kandian": "environment/1",
        "tool": results.header["tool"],
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "packages": dict(sorted(_versions())),
        "declared": results.header["device"],
        "found": found_identity(folder / "evidence"),
        "clock_offset": clock_offsets(results),
        "seeds": {"run": results.header["seed"], **seeds},
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in PACKAGES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def clock_offsets(results: Results) -> dict[str, float]:
    """Seconds by which the device's clock was ahead, where a test measured it, by test."""
    found = {}
    for test in results.tests:
        for name, value in test["figures"].items():
            if "clock_offset" in name and isinstance(value, (int, float)):
                found[f"{test['id']} {name}"] = float(value)
    return found


def found_identity(evidence: Path) -> dict[str, list[str]]:
    """What the tape holds of the device's identity: every value of the known fields once."""
    values: dict[str, list[str]] = {}
    for path in sorted(evidence.rglob("*.pcapng")):
        for field, value, header, text in _FOUND.findall(path.read_bytes()):
            name, said = (field or header).decode(), (value or text).decode("utf-8", "replace")
            known = values.setdefault(name, [])
            if said not in known and len(known) < _VALUES:
                known.append(said)
    return dict(sorted(values.items()))

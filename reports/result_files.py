"""The one door to a finished run: the output folder of `kandian certify`, or a certificate bundle."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from reports.bundle import layout
from reports.bundle.keys import PublicKey
from reports.bundle.layout import BundleError
from reports.bundle.reader import Bundle, open_bundle
from reports.bundle.signatures import examine
from reports.bundle.statement import VERDICTS
from reports.bundle.verify import Verification, verify
from reports.results import Results, ResultsFileError, read_results, results_of
from specs.loader import SPECS_ROOT, Catalogue, load_catalogue, spec_digest

MAX_EVIDENCE = 64 << 20


@dataclass(frozen=True, slots=True)
class Signer:
    """A valid signature of a trusted key: role and owner of the key, time of signing as the signer says it."""

    role: str
    owner: str
    signed_at: str


@dataclass(frozen=True, slots=True)
class RunFiles:
    """One run and its files. ``read(name)`` gives the bytes of a file (``evidence/<test>/wire.pcapng``) and raises
    ResultsFileError. ``digest`` is sha256 of manifest.json, hex; empty for a folder. ``signers`` are verified against
    the keys that the reader trusts; ``signed`` says that envelopes are there, whoever made them. ``manifest`` is that
    of the bundle, {} for a folder."""

    results: Results
    names: tuple[str, ...]
    read: Callable[[str], bytes]
    digest: str = ""
    signers: tuple[Signer, ...] = ()
    signed: bool = False
    manifest: dict[str, Any] = field(default_factory=dict)

    @property
    def bundled(self) -> bool:
        """Whether it came out of a bundle."""
        return bool(self.digest)


def load_run(path: Path) -> RunFiles:
    """Open a result folder or a bundle. Raises ResultsFileError, in one sentence, also for a bundle whose content is
    not whole and consistent: nothing is rendered of such a one."""
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise ResultsFileError(f"{path}: there is no such folder or bundle")
    return _sound_bundle(path, verify(path, (), datetime.now(UTC)))


def load_signed_run(path: Path, keys: Sequence[PublicKey], now: datetime) -> RunFiles:
    """Open a bundle that a trusted key signed. Raises ResultsFileError when it does not verify."""
    if path.is_dir():
        raise ResultsFileError(f"{path}: a folder has no signature; keys go with a bundle")
    found = verify(path, keys, now)
    run = _sound_bundle(path, found)
    if found.signature.state != "yes":
        why = [problem.line("en") for problem in found.signature.problems] or ["nobody signed the verdicts"]
        raise ResultsFileError(f"{path}: {why[0]}")
    with open_bundle(path) as bundle:
        valid = [s for s in examine(bundle, keys, now) if s.key is not None and s.kind == VERDICTS]
    signers = {Signer(s.key.role, s.key.owner, str(s.statement["predicate"]["signedAt"])) for s in valid if s.key}
    return replace(run, signers=tuple(sorted(signers, key=lambda signer: (signer.role, signer.owner))))


def _sound_bundle(path: Path, found: Verification) -> RunFiles:
    if problems := found.content.problems:
        more = f" (+{len(problems) - 1})" if len(problems) > 1 else ""
        raise ResultsFileError(f"{path}: content does not verify: {problems[0].line('en')}{more}")
    try:
        with open_bundle(path) as bundle:
            return _bundle(path, bundle)
    except BundleError as error:
        raise ResultsFileError(f"{path}: {error.en}") from None


def _folder(path: Path) -> RunFiles:
    results = read_results(path)
    names = sorted(str(f.relative_to(path)) for f in path.rglob("*") if f.is_file() and not f.is_symlink())
    known = frozenset(names)

    def read(name: str) -> bytes:
        if name not in known or (path / name).stat().st_size > MAX_EVIDENCE:
            raise ResultsFileError(f"{path}: no readable file {name}")
        return (path / name).read_bytes()

    return RunFiles(results, tuple(names), read)


def _bundle(path: Path, bundle: Bundle) -> RunFiles:
    results = replace(results_of(path, bundle.plan, bundle.results_lines), spec=_own_catalogue(bundle))

    def read(name: str) -> bytes:
        try:
            with open_bundle(path) as again:
                return again.read(name, MAX_EVIDENCE)
        except BundleError as error:
            raise ResultsFileError(f"{path}: {error.en}") from None

    signed = bool(bundle.signature_names)
    return RunFiles(results, bundle.names, read, bundle.manifest_digest, (), signed, bundle.manifest)


def _own_catalogue(bundle: Bundle) -> Catalogue | None:
    """The spec in the bundle; None where it is the one that is shipped here. It was read once already, to check it."""
    if spec_digest(SPECS_ROOT) == bundle.plan["spec_digest"]:
        return None
    with tempfile.TemporaryDirectory(prefix="kandian-") as folder:
        bundle.extract(layout.SPEC, Path(folder))
        return load_catalogue(Path(folder))


def write_captures(run: RunFiles, folder: Path) -> None:
    """Write the captures of the run below a folder, where they are not there yet. Raises OSError, ResultsFileError."""
    for name in run.names:
        target = folder / name
        if name.startswith(layout.EVIDENCE) and name.endswith("/wire.pcapng") and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(run.read(name))


def results_digest(run: RunFiles) -> str:
    """sha256 of results.jsonl, hex: what stands for a run that is in no bundle."""
    return hashlib.sha256(run.read("results.jsonl")).hexdigest()

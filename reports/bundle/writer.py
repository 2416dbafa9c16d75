"""From a result folder to a bundle: the same input gives the same bytes."""

from __future__ import annotations

import hashlib
import io
import shutil
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reports.bundle import layout
from reports.bundle.layout import BundleError, json_line
from reports.bundle.manifest import make_manifest
from reports.bundle.reader import parse_object
from reports.bundle.support import Stanza, keeps_evidence
from specs.loader import SPECS_ROOT, Catalogue, load_catalogue

DATE = (2013, 6, 1, 0, 0, 0)
DEFLATE_LEVEL = 6
_MODE = 0o100644 << 16
_UNIX = 3
_BLOCK = 1 << 20
MEGABYTE = 1_000_000
#: Deflate is kept when it saves at least a tenth.
_WORTHWHILE = 0.9

Source = Path | bytes


def stanzas(catalogue: Catalogue) -> dict[str, Stanza]:
    """What of each requirement decides verdicts."""
    return {r.id: Stanza(r.level, r.status, r.rev, r.interrupted) for r in catalogue.requirements.values()}


def write_bundle(
    folder: Path, target: Path, *, declaration: bytes, environment: Mapping[str, Any], specs: Path = SPECS_ROOT
) -> str:
    """Write the bundle of a finished run. ``declaration``: its text without secrets; ``environment``: versions, clock,
    device as found. Returns the sha256 of the manifest.

    Raises BundleError for a folder that holds no finished run, OSError.
    """
    plan = parse_object(layout.PLAN, _document(folder / layout.PLAN))
    lines = [
        parse_object(f"{layout.RESULTS}:{n}", line)
        for n, line in enumerate(_document(folder / layout.RESULTS).splitlines(), start=1)
    ]
    if len(lines) < 2 or lines[0].get("kind") != "header" or lines[-1].get("kind") != "footer":
        raise BundleError("unfinished", "运行未完成，不能打包", f"{folder}: the run did not come to its end")
    sources = _sources(folder, specs)
    _keep_evidence(sources, plan, lines)
    catalogue = load_catalogue(None if specs == SPECS_ROOT else specs)
    sources[layout.REQUIREMENTS] = json_line({i: asdict(stanza) for i, stanza in stanzas(catalogue).items()})
    sources[layout.DECLARATION] = declaration
    sources[layout.ENVIRONMENT] = json_line(environment)
    for name in sources:
        if not layout.safe_name(name):
            raise BundleError("unsafe-name", f"文件名 {name!r} 不能打包", f"{name!r} cannot be the name of a file")
    files = {name: _measure(source) for name, source in sources.items()}
    manifest = json_line(make_manifest(files, plan, lines))
    _write_zip(target, {**sources, layout.MANIFEST: manifest})
    return hashlib.sha256(manifest).hexdigest()


def add_files(path: Path, added: Mapping[str, bytes]) -> None:
    """Write the bundle again with more files (signatures). Raises BundleError for a name that is taken, OSError."""
    from reports.bundle.reader import open_bundle

    with open_bundle(path) as bundle:
        if taken := sorted(set(added) & set(bundle.names)):
            raise BundleError("duplicate-name", f"{taken[0]} 已存在", f"the bundle has {taken[0]} already")
    new = path.with_name(path.name + ".new")
    try:
        shutil.copyfile(path, new)
        with zipfile.ZipFile(new, "a") as target:
            for name in sorted(added):
                _write_entry(target, name, added[name])
        new.replace(path)
    finally:
        new.unlink(missing_ok=True)


def write_entries(target: Path, sources: Mapping[str, Source]) -> None:
    """A zip of these files in the form of a bundle: fixed date, mode, order and deflate level."""
    _write_zip(target, sources)


def _sources(folder: Path, specs: Path) -> dict[str, Source]:
    sources: dict[str, Source] = {name: folder / name for name in (layout.PLAN, layout.RESULTS)}
    for path in sorted((folder / "evidence").rglob("*")):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise BundleError("not-a-file", f"{path} 不是普通文件", f"{path} is a link or a special file")
        if path.is_file():
            sources[path.relative_to(folder).as_posix()] = path
    for path in sorted(specs.rglob("*.yaml")):
        sources[layout.SPEC + path.relative_to(specs).as_posix()] = path
    return sources


def _keep_evidence(sources: dict[str, Source], plan: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]) -> None:
    """Leave out what the profile does not want, and refuse what is more than its budget. Raises BundleError."""
    quiet = {line["id"] for line in lines if line["kind"] == "test" and not keeps_evidence(plan, line["verdict"])}
    sizes: dict[str, int] = {}
    for name in [name for name in sources if name.startswith(layout.EVIDENCE)]:
        test = name.split("/")[1]
        if test in quiet:
            del sources[name]
            continue
        source = sources[name]
        sizes[test] = sizes.get(test, 0) + (source.stat().st_size if isinstance(source, Path) else len(source))
    budget, total = plan["evidence"]["budget"], sum(sizes.values()) / MEGABYTE
    if budget and total > budget:
        largest = sorted(sizes, key=sizes.__getitem__, reverse=True)[:3]
        shown = ", ".join(f"{test} {sizes[test] / MEGABYTE:.1f} MB" for test in largest)
        raise BundleError(
            "over-budget",
            f"证据共 {total:.1f} MB，超过认证档的上限 {budget} MB；最大者: {shown}。"
            "请提高认证档的 evidence.budget，或改为 keep: findings",
            f"the evidence has {total:.1f} MB, the profile allows {budget} MB; the largest: {shown}."
            " Raise evidence.budget of the profile, or set keep: findings there",
        )


def _document(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BundleError("missing-file", f"无法读取 {path}", f"cannot read {path}: {error.strerror}") from None


def _measure(source: Source) -> tuple[int, str]:
    if isinstance(source, bytes):
        return len(source), hashlib.sha256(source).hexdigest()
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return source.stat().st_size, digest


def _write_zip(target: Path, sources: Mapping[str, Source]) -> None:
    new = target.with_name(target.name + ".new")
    try:
        with zipfile.ZipFile(new, "w") as opened:
            for name in sorted(sources):
                _write_entry(opened, name, sources[name])
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)


def _write_entry(target: zipfile.ZipFile, name: str, source: Source) -> None:
    entry = zipfile.ZipInfo(name, DATE)
    entry.create_system, entry.external_attr = _UNIX, _MODE
    entry.compress_type = zipfile.ZIP_DEFLATED if _worth_packing(source) else zipfile.ZIP_STORED
    entry._compresslevel = DEFLATE_LEVEL  # type: ignore[attr-defined]
    if isinstance(source, bytes):
        target.writestr(entry, source)
        return
    entry.file_size = source.stat().st_size
    with source.open("rb") as file, target.open(entry, "w") as stream:
        shutil.copyfileobj(file, stream, _BLOCK)


def _worth_packing(source: Source) -> bool:
    """Whether deflate saves something, and not so much that a reader would take the entry for a bomb."""
    packer = zlib.compressobj(DEFLATE_LEVEL)
    size = packed = 0
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        while block := file.read(_BLOCK):
            size += len(block)
            packed += len(packer.compress(block))
    packed += len(packer.flush())
    bomb = size > layout.FREE_EXPANSION and size > packed * (layout.MAX_RATIO // 2)
    return not bomb and packed < size * _WORTHWHILE

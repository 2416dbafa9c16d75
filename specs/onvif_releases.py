"""The releases of the ONVIF specifications, and the check that ``since`` and ``until`` name them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import Catalogue, decode
from specs.onvif_operations import OPERATION_FOLDER, load_onvif_operations
from specs.yaml_source import SourceError, read_yaml

RELEASES = Path("interface") / "onvif_releases.yaml"
#: Basis keys of the books that these releases hold.
BOOKS = ("ONVIF-CORE", "ONVIF-MEDIA", "ONVIF-MEDIA2", "ONVIF-IMAGING", "ONVIF-PTZ", "ONVIF-STREAMING", "ONVIF-UPLINK")


class Release(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One release. ``month``: in which it came out, ``2016-06``."""

    id: str
    month: str


class ReleaseFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """onvif_releases.yaml, in the order of time."""

    kandian: Literal["onvif-releases/1"]
    releases: tuple[Release, ...]


def load_releases(root: Path) -> tuple[Release, ...]:
    """The releases below ``root``; none where there is no list. Raises SourceError."""
    path = root / RELEASES
    return decode(read_yaml(path), (), ReleaseFile).releases if path.exists() else ()


def release_faults(catalogue: Catalogue) -> Iterator[SourceError]:
    """Every ``since`` and ``until`` of a basis or an operation that names no release, or an end before its begin."""
    try:
        order = [release.id for release in load_releases(catalogue.root)]
        folder = catalogue.root / OPERATION_FOLDER.relative_to(Path(__file__).parent)
        tables = load_onvif_operations(folder) if folder.is_dir() else None
    except SourceError as error:
        yield error
        return
    for requirement in catalogue.requirements.values():
        origin = catalogue.origins[requirement.id]
        for basis in requirement.basis:
            told = f"{requirement.id}: {basis.ref}"
            if (basis.since or basis.until) and basis.ref not in BOOKS:
                yield SourceError(origin.path, origin.line, f"{told} has no ONVIF releases")
                continue
            for flaw in _flaws(order, basis.since, basis.until):
                yield SourceError(origin.path, origin.line, f"{told}: {flaw}")
    for table in tables.services.values() if tables is not None else ():
        path = folder / f"{table.service}.yaml"
        for flaw in _flaws(order, table.since, ""):
            yield SourceError(path, 1, flaw)
        for operation in table.operations:
            for flaw in _flaws(order, operation.since, operation.until):
                yield SourceError(path, 1, f"{operation.name}: {flaw}")


def _flaws(order: Sequence[str], since: str, until: str) -> Iterator[str]:
    for name, value in (("since", since), ("until", until)):
        if value and value not in order:
            yield f"{name}: there is no release {value}"
    if since in order and until in order and order.index(until) < order.index(since):
        yield f"until {until} lies before since {since}"

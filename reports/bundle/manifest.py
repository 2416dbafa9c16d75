"""manifest.json: every file with its sha256, and the figures that must follow from the files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.bundle import support

FORMAT = "manifest/1"


def make_manifest(
    files: Mapping[str, tuple[int, str]], plan: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The manifest of a finished run. ``files``: (bytes, sha256) by name. Raises LookupError for an unfinished run."""
    header, footer = lines[0], lines[-1]
    return {
        "kandian": FORMAT,
        "plan_digest": plan["digest"],
        "spec_digest": plan["spec_digest"],
        "declaration_digest": plan["declaration_digest"],
        "edition": plan["edition"],
        "profile": plan["profile"],
        "timer_scale": plan["timer_scale"],
        "narrowed": support.narrowed(plan["requirements"]),
        "device": dict(header["device"]),
        "started": header["started"],
        "ended": footer["ended"],
        "tool": header["tool"],
        "seed": header["seed"],
        "tests": footer["tests"],
        "counts": support.counts(footer["requirements"].values()),
        "exit_code": footer["exit_code"],
        "files": {name: {"size": size, "sha256": digest} for name, (size, digest) in sorted(files.items())},
    }

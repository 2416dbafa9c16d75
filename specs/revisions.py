"""Normative fields of a requirement, and the lock that keeps them: who changes one gives the requirement a new ``rev``.

A certificate names requirements with their revision. If the same revision could mean two things, the certificate would.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from specs.loader import Catalogue, SourceError
from specs.model import Requirement

LOCK_FILE = "revisions.lock"
HEAD = """\
# The normative fields of every requirement in its present revision: id, rev, and a digest a field.
# `kandian specs lint --lock` adds what is new and what has a new rev. A changed field under the same rev is a fault.
# Only while nobody has been certified by a requirement may its line be taken out here and locked anew.
"""
_DIGITS = 8
#: What decides verdicts, by the kind of change that it is.
NORMATIVE: Mapping[str, tuple[str, ...]] = {
    "level": ("level", "status", "interrupted"),
    "condition": ("when", "since", "until", "role", "binding", "needs", "destructive"),
    "limit": ("limits",),
    "text": ("text",),
}
#: What only explains.
EDITORIAL = ("title", "procedure", "remedy", "basis", "not_tested")


@dataclass(frozen=True, slots=True)
class Revision:
    """One line of the lock. ``digests``: by the names of `NORMATIVE`."""

    rev: int
    digests: Mapping[str, str]

    def line(self, requirement_id: str) -> str:
        """The line as it is written."""
        told = " ".join(f"{name}={digest}" for name, digest in self.digests.items())
        return f"{requirement_id} {self.rev} {told}"


def revision(requirement: Requirement) -> Revision:
    """The revision that a requirement is in."""
    return Revision(requirement.rev, {name: _digest(requirement, fields) for name, fields in NORMATIVE.items()})


def _digest(requirement: Requirement, fields: tuple[str, ...]) -> str:
    plain: dict[str, Any] = {name: msgspec.to_builtins(getattr(requirement, name)) for name in fields}
    text = json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]


def read_revisions(root: Path) -> dict[str, Revision]:
    """The locked revisions by id; empty where there is no lock. Raises SourceError for a line that is none."""
    path = root / LOCK_FILE
    if not path.exists():
        return {}
    found = {}
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line or line.startswith("#"):
            continue
        try:
            requirement_id, rev, *told = line.split()
            digests = dict(part.split("=", 1) for part in told)
            found[requirement_id] = Revision(int(rev), digests)
        except ValueError:
            raise SourceError(path, number, "a line is: id, rev, and name=digest for each normative field") from None
    return found


def write_revisions(root: Path, catalogue: Catalogue) -> list[str]:
    """Lock what is new and what has a higher rev; the rest stays as it is. Returns the ids that were written."""
    locked = read_revisions(root)
    written = []
    for requirement in catalogue.requirements.values():
        known = locked.get(requirement.id)
        if known is None or requirement.rev > known.rev:
            locked[requirement.id] = revision(requirement)
            written.append(requirement.id)
    lines = "".join(f"{locked[name].line(name)}\n" for name in sorted(locked))
    (root / LOCK_FILE).write_text(HEAD + lines, encoding="utf-8")
    return sorted(written)


def revision_faults(catalogue: Catalogue) -> Iterator[SourceError]:
    """Every requirement whose normative fields are not those of its locked revision."""
    try:
        locked = read_revisions(catalogue.root)
    except SourceError as error:
        yield error
        return
    for requirement in catalogue.requirements.values():
        origin, known = catalogue.origins[requirement.id], locked.get(requirement.id)
        if sentence := _fault(requirement, known):
            yield SourceError(origin.path, origin.line, f"{requirement.id}: {sentence}")


def _fault(requirement: Requirement, known: Revision | None) -> str:
    if known is None:
        return "its revision is not locked; run `kandian specs lint --lock`"
    if requirement.rev < known.rev:
        return f"rev {requirement.rev} is lower than the locked rev {known.rev}"
    if requirement.rev > known.rev:
        return f"rev {requirement.rev} is not locked; run `kandian specs lint --lock`"
    now = revision(requirement).digests
    changed = [name for name in NORMATIVE if now[name] != known.digests.get(name)]
    if not changed:
        return ""
    fields = ", ".join(field for name in changed for field in NORMATIVE[name])
    return f"changed without a new rev: {', '.join(changed)} ({fields})"

"""Which requirement has a test, which an honest reason for having none, and which has neither (a hole).

Tests are found by reading the suites' source for ``@verifies`` ids and by asking the generated suites for theirs, so
that the answer does not depend on a run.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from specs.loader import Catalogue, load_catalogue
from specs.messages import load_message_table
from specs.onvif_public_cases import cited_cases, load_public_cases

SUITES = Path(__file__).parent.parent / "suites"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Ids by state. ``holes`` must be empty; ``unknown`` are ids that tests name and no spec file holds.
    ``onvif_cases``: each listed case of the public ONVIF test specifications with the requirements that cite it."""

    tested: dict[str, tuple[str, ...]]
    not_tested: dict[str, str]
    holes: tuple[str, ...]
    unknown: tuple[str, ...]
    onvif_cases: dict[str, tuple[str, ...]]

    def document(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "tested": {i: list(t) for i, t in self.tested.items()},
            "not_tested": self.not_tested,
            "holes": list(self.holes),
            "unknown": list(self.unknown),
            "onvif_cases": {i: list(r) for i, r in self.onvif_cases.items()},
        }

    def lines(self) -> list[str]:
        """What a person reads: what is missing first, then the sum."""
        lines = [f"{i:<12} HOLE: neither a test nor a reason" for i in self.holes]
        lines += [f"{i:<12} UNKNOWN: named by a test, in no spec file" for i in self.unknown]
        lines += [f"{i:<12} not tested: {reason}" for i, reason in self.not_tested.items()]
        total = len(self.tested) + len(self.not_tested) + len(self.holes)
        lines.append(
            f"{total} requirements: {len(self.tested)} tested, {len(self.not_tested)} not tested with a reason, "
            f"{len(self.holes)} holes"
        )
        if self.onvif_cases:
            cited = sum(map(bool, self.onvif_cases.values()))
            lines.append(f"{len(self.onvif_cases)} listed cases of the public ONVIF test specifications: {cited} cited")
        return lines


def verified_ids(suites: Path = SUITES) -> dict[str, set[str]]:
    """Requirement id -> files of the suites whose tests name it in ``verifies(...)``."""
    found: dict[str, set[str]] = {}
    for path in sorted(suites.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"), str(path))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_verifies(node.func):
                for argument in node.args:
                    if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                        found.setdefault(argument.value, set()).add(path.name)
    return found


def _is_verifies(function: ast.expr) -> bool:
    """``verifies(...)`` or ``pytest.mark.verifies(...)``."""
    name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
    return name == "verifies"


def generated_ids() -> set[str]:
    """Ids that the table-driven suite proves: those that the message table names."""
    table = load_message_table()
    named = {table.requirements.refusal, table.requirements.tolerance, table.requirements.unknown_command}
    for command in table.commands:
        if command.direction == "platform-to-device":
            named |= {command.requirement, command.refusal_requirement, command.unsupported_requirement}
    return {name for name in named if name}


def coverage(catalogue: Catalogue | None = None) -> Coverage:
    """Compare the spec with the suites."""
    catalogue = catalogue or load_catalogue()
    named = verified_ids()
    for requirement_id in generated_ids():
        named.setdefault(requirement_id, set()).add("table_driven.py")
    tested, not_tested, holes = {}, {}, []
    for r in catalogue.requirements.values():
        if r.not_tested is not None:
            not_tested[r.id] = f"{r.not_tested.reason}: {r.not_tested.en}"
        elif r.id in named:
            tested[r.id] = tuple(sorted(named[r.id]))
        else:
            holes.append(r.id)
    unknown = tuple(sorted(set(named) - set(catalogue.requirements)))
    cited = cited_cases(catalogue)
    cases = {case: cited.get(case, ()) for case in load_public_cases(catalogue.root)}
    return Coverage(tested, not_tested, tuple(holes), unknown, cases)

"""From test verdicts to requirement verdicts, the footer of a result file and the exit code of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from conformance.model.plan import PlannedRows, document_digest
from conformance.model.verdict import EXIT_INTERRUPTED, EXIT_SUITE_ERROR, Verdict, exit_code, worst
from specs.model import Text

_UNTESTED = {
    "not_applicable": Verdict.NOT_APPLICABLE,
    "excluded": Verdict.NOT_TESTED,
    "not_tested": Verdict.NOT_TESTED,
    "not_selected": Verdict.NOT_SELECTED,
}


def requirement_verdicts(
    plan: PlannedRows, judged: Mapping[str, list[Verdict]], *, blocked: bool
) -> dict[str, Verdict]:
    """Verdict of every row of the plan: the worst of its tests, or what the plan says of it."""
    outcome = {}
    for row in plan.rows:
        if row.id in judged:
            outcome[row.id] = worst(judged[row.id])
        elif row.selection == "selected":
            outcome[row.id] = Verdict.BLOCKED if blocked else Verdict.NOT_TESTED
        else:
            outcome[row.id] = _UNTESTED[row.selection]
    return outcome


def footer(
    plan: PlannedRows, tests: Iterable[Mapping[str, Any]], *, blocked: Text | None, broken: str, interrupted: bool
) -> dict[str, Any]:
    """The last line of a result file, from its test lines."""
    judged: dict[str, list[Verdict]] = {}
    counts: dict[str, int] = {}
    for test in tests:
        counts[test["verdict"]] = counts.get(test["verdict"], 0) + 1
        for requirement_id, verdict in test["requirements"].items():
            judged.setdefault(requirement_id, []).append(Verdict(verdict))
    verdicts = requirement_verdicts(plan, judged, blocked=blocked is not None)
    code = exit_code(v for i, v in verdicts.items() if i in plan.selected)
    if broken:
        code = EXIT_SUITE_ERROR
    if interrupted:
        code = EXIT_INTERRUPTED
    body: dict[str, Any] = {
        "kind": "footer",
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "tests": sum(counts.values()),
        "counts": dict(sorted(counts.items())),
        "requirements": {i: str(v) for i, v in verdicts.items()},
        "blocked": {"zh": blocked.zh, "en": blocked.en} if blocked else None,
        "broken": broken,
        "interrupted": interrupted,
        "exit_code": code,
    }
    return {**body, "digest": document_digest(body)}

"""What the checks of a result file support: the rules of the verdict lattice, stated a second time as data.

The suites judge with their own code; whoever verifies a bundle recounts with this one, and so does docs/verifier.mjs.
A difference between the two is a defect of one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: From best to worst: a group takes the worst verdict of its members.
ORDER = (
    "NOT_SELECTED",
    "NOT_APPLICABLE",
    "PASS",
    "WAIVED",
    "WARN",
    "NOT_TESTED",
    "BLOCKED",
    "INCONCLUSIVE",
    "FAIL",
    "ERROR",
)
#: Verdict of a requirement that no test judged, by what the plan says of it.
UNTESTED = {
    "not_applicable": "NOT_APPLICABLE",
    "excluded": "NOT_TESTED",
    "not_tested": "NOT_TESTED",
    "not_selected": "NOT_SELECTED",
}
CERTIFYING = frozenset({"PASS", "WARN", "NOT_APPLICABLE", "NOT_SELECTED", "WAIVED"})
#: Verdicts of tests that leave nothing to explain.
UNREMARKABLE = frozenset({"PASS", "NOT_APPLICABLE"})
#: How the plan begins its reason for a requirement that the user left out of this run.
NARROWED = "not chosen for this run"
NOTHING_RAN, SUITE_ERROR, FAILED, INCONCLUSIVE, INTERRUPTED = 5, 3, 1, 10, 2


@dataclass(frozen=True, slots=True)
class Stanza:
    """What of a requirement decides a verdict. ``interrupted``: verdict when the device fell silent."""

    level: str
    status: str
    rev: int
    interrupted: str


def worst(verdicts: Iterable[str]) -> str:
    """The worst of the verdicts; NOT_TESTED for none. Raises ValueError for a word that is no verdict."""
    return max(verdicts, key=ORDER.index, default="NOT_TESTED")


def violation(stanza: Stanza, proposed_violation: str) -> str:
    """What a violated requirement gets."""
    if stanza.level == "MUST":
        return proposed_violation if stanza.status == "proposed" else "FAIL"
    return "WARN" if stanza.level == "SHOULD" else "PASS"


def supported(test: Mapping[str, Any], requirement_id: str, stanza: Stanza, proposed_violation: str) -> frozenset[str]:
    """The verdicts that a test line may give to a requirement, from its fault, control legs and checks alone: one,
    or, for a test that could not begin and so left nothing behind, any that is no praise."""
    outcomes = {check["outcome"] for check in test["checks"] if check["requirement"] == requirement_id}
    broken, fault = violation(stanza, proposed_violation), test.get("fault")
    if fault == "suite":
        return frozenset({"ERROR"})
    if not all(control["held"] for control in test["controls"]):
        return frozenset({"INCONCLUSIVE"})
    if "violated" in outcomes:
        return frozenset({broken})
    if fault:
        return frozenset({broken if stanza.interrupted == "FAIL" else "INCONCLUSIVE"})
    for outcome, verdict in (("inconclusive", "INCONCLUSIVE"), ("held", "PASS"), ("not_applicable", "NOT_APPLICABLE")):
        if outcome in outcomes:
            return frozenset({verdict})
    return frozenset({"ERROR", "INCONCLUSIVE", "BLOCKED"})


def requirement_verdicts(
    rows: Sequence[Mapping[str, Any]], tests: Iterable[Mapping[str, Any]], *, blocked: bool
) -> dict[str, str]:
    """Verdict of every row of the plan: the worst of its tests, or what the plan says of it."""
    judged: dict[str, list[str]] = {}
    for test in tests:
        for requirement_id, verdict in test["requirements"].items():
            judged.setdefault(requirement_id, []).append(verdict)
    untested = {**UNTESTED, "selected": "BLOCKED" if blocked else "NOT_TESTED"}
    return {row["id"]: worst(judged[row["id"]]) if row["id"] in judged else untested[row["selection"]] for row in rows}


def exit_code(verdicts: Iterable[str], *, broken: bool, interrupted: bool) -> int:
    """The exit code of a run from the verdicts of its selected requirements."""
    found = set(verdicts) - {"NOT_SELECTED"}
    if interrupted:
        return INTERRUPTED
    if broken:
        return SUITE_ERROR
    if not found - {"NOT_APPLICABLE", "NOT_TESTED"}:
        return NOTHING_RAN
    for verdict, code in (("ERROR", SUITE_ERROR), ("FAIL", FAILED)):
        if verdict in found:
            return code
    return 0 if found <= CERTIFYING else INCONCLUSIVE


def counts(verdicts: Iterable[str]) -> dict[str, int]:
    """Number by verdict, best first."""
    found = list(verdicts)
    return {verdict: found.count(verdict) for verdict in ORDER if verdict in found}


def keeps_evidence(plan: Mapping[str, Any], verdict: str) -> bool:
    """Whether the profile wants the traffic of a test with that verdict in a bundle."""
    return bool(plan["evidence"]["keep"] == "all") or verdict not in UNREMARKABLE


def narrowed(rows: Iterable[Mapping[str, Any]]) -> bool:
    """Whether the user chose a part of the profile only (--req, --level), as the plan says in its reasons."""
    return any(row["selection"] == "not_selected" and row["reason"]["en"].startswith(NARROWED) for row in rows)

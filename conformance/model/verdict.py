"""The verdict lattice. A group takes the worst verdict of its members."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class Verdict(StrEnum):
    """What is known about a requirement after a run."""

    PASS = "PASS"
    WARN = "WARN"
    INCONCLUSIVE = "INCONCLUSIVE"
    FAIL = "FAIL"
    ERROR = "ERROR"
    NOT_APPLICABLE = "NOT_APPLICABLE"
    NOT_SELECTED = "NOT_SELECTED"
    BLOCKED = "BLOCKED"
    NOT_TESTED = "NOT_TESTED"
    WAIVED = "WAIVED"


#: From best to worst. NOT_SELECTED and NOT_APPLICABLE say nothing about a group; BLOCKED and
#: NOT_TESTED leave a hole like INCONCLUSIVE does, and a hole is better than a failure.
_ORDER = (
    Verdict.NOT_SELECTED,
    Verdict.NOT_APPLICABLE,
    Verdict.PASS,
    Verdict.WAIVED,
    Verdict.WARN,
    Verdict.NOT_TESTED,
    Verdict.BLOCKED,
    Verdict.INCONCLUSIVE,
    Verdict.FAIL,
    Verdict.ERROR,
)
_RANK = {verdict: rank for rank, verdict in enumerate(_ORDER)}
CERTIFYING = frozenset({Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE, Verdict.NOT_SELECTED, Verdict.WAIVED})

EXIT_CERTIFIED = 0
EXIT_FAILED = 1
EXIT_INTERRUPTED = 2
EXIT_SUITE_ERROR = 3
EXIT_USAGE = 4
EXIT_NOTHING_RAN = 5
EXIT_INCONCLUSIVE = 10


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of the verdicts; NOT_TESTED for none at all."""
    return max(verdicts, key=_RANK.__getitem__, default=Verdict.NOT_TESTED)


def violation_verdict(level: str, status: str, proposed_violation: str) -> Verdict:
    """What a violated requirement gets: MUST fails, SHOULD warns, MAY is only noted (PASS).

    A proposed MUST gets ``proposed_violation`` of the profile (WARN by default): nobody can fail
    a device on a rule that the owner of the spec has not ratified.
    """
    if level == "MUST":
        return Verdict(proposed_violation) if status == "proposed" else Verdict.FAIL
    return Verdict.WARN if level == "SHOULD" else Verdict.PASS


def exit_code(verdicts: Iterable[Verdict]) -> int:
    """The exit code of a run from the verdicts of its selected requirements."""
    found = set(verdicts) - {Verdict.NOT_SELECTED}
    if not found - {Verdict.NOT_APPLICABLE, Verdict.NOT_TESTED}:
        return EXIT_NOTHING_RAN
    if Verdict.ERROR in found:
        return EXIT_SUITE_ERROR
    if Verdict.FAIL in found:
        return EXIT_FAILED
    if not found <= CERTIFYING:
        return EXIT_INCONCLUSIVE
    return EXIT_CERTIFIED

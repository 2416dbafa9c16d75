"""What a qualification found: requirement x mutant, detection rate, false alarms, passes of null devices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

Outcome = Literal["killed", "silent", "wrong requirement"]
VIOLATED = frozenset({"FAIL", "WARN"})


@dataclass(frozen=True, slots=True)
class MutantResult:
    """One mutant. ``verdict``: that of the requirement it violates; ``others``: requirements blamed instead."""

    id: str
    requirement: str
    declaration: str
    outcome: Outcome
    verdict: str
    others: tuple[str, ...]
    seconds: float
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Finding:
    """A verdict that must not be: on a golden camera anything but PASS, on a null device a PASS."""

    device: str
    requirement: str
    verdict: str
    reason: str


def classify(requirement: str, verdicts: dict[str, str]) -> tuple[Outcome, tuple[str, ...]]:
    """Killed when the violated requirement is blamed (FAIL, or WARN where it is proposed or SHOULD)."""
    others = tuple(sorted(i for i, v in verdicts.items() if v in VIOLATED and i != requirement))
    if verdicts.get(requirement) in VIOLATED:
        return "killed", others
    return ("wrong requirement" if others else "silent"), others


@dataclass(frozen=True, slots=True)
class Qualification:
    """The whole result. ``uncovered``: tested MUSTs that no mutant violates; ``unsteady``: what was found under load
    and not again alone."""

    mutants: tuple[MutantResult, ...]
    false_alarms: tuple[Finding, ...]
    null_passes: tuple[Finding, ...]
    uncovered: tuple[str, ...]
    unsteady: tuple[Finding, ...] = ()

    @property
    def killed(self) -> int:
        """Number of mutants killed."""
        return sum(m.outcome == "killed" for m in self.mutants)

    @property
    def detection_rate(self) -> float:
        """Killed mutants by all mutants, 0..1; 1 for none at all."""
        return self.killed / len(self.mutants) if self.mutants else 1.0

    @property
    def passed(self) -> bool:
        """100 % detection, no false alarm, no pass of a null device, no tested MUST without a mutant."""
        found = (*self.false_alarms, *self.null_passes, *self.uncovered)
        return self.killed == len(self.mutants) and not found

    def document(self) -> dict[str, Any]:
        """JSON data."""
        return {
            "kandian": "qualification/1",
            "mutants": [
                {
                    "id": m.id,
                    "requirement": m.requirement,
                    "declaration": m.declaration,
                    "outcome": m.outcome,
                    "verdict": m.verdict,
                    "others": list(m.others),
                    "seconds": round(m.seconds, 3),
                    "fault": {"zh": m.zh, "en": m.en},
                }
                for m in self.mutants
            ],
            "killed": self.killed,
            "silent": sum(m.outcome == "silent" for m in self.mutants),
            "wrong_requirement": sum(m.outcome == "wrong requirement" for m in self.mutants),
            "detection_rate": round(self.detection_rate, 6),
            "false_alarms": [_finding(f) for f in self.false_alarms],
            "null_passes": [_finding(f) for f in self.null_passes],
            "uncovered": list(self.uncovered),
            "unsteady": [_finding(f) for f in self.unsteady],
        }


def _finding(finding: Finding) -> dict[str, str]:
    return {
        "device": finding.device,
        "requirement": finding.requirement,
        "verdict": finding.verdict,
        "reason": finding.reason,
    }

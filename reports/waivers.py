"""Waivers applied when a run is reported: the result lines stay as they were judged."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from reports.bundle.support import exit_code, narrowed
from reports.results import Results
from specs.waiver_files import Waiver, WaiverFile


class State(StrEnum):
    """What became of a waiver in this run."""

    USED = "used"
    EXPIRED = "expired"
    PASSING = "passing"
    UNUSED = "unused"
    UNDECIDED = "undecided"
    NOT_CHOSEN = "not_chosen"
    ELSEWHERE = "elsewhere"


#: What each state says, in both languages. EXPIRED, PASSING and UNUSED fail the run.
STATES = {
    State.USED: ("已使用", "used"),
    State.EXPIRED: ("已过期", "expired"),
    State.PASSING: ("该要求现已通过，应删除此豁免", "the requirement passes now: remove the waiver"),
    State.UNUSED: ("未使用：该要求未被测试或不存在", "unused: the requirement was not tested or does not exist"),
    State.UNDECIDED: ("该要求未能判定，豁免不适用", "the requirement was not decided; a waiver cannot stand for that"),
    State.NOT_CHOSEN: ("本次运行未选择该要求", "the requirement was not chosen for this run"),
    State.ELSEWHERE: ("属于其他设备或固件", "for another device or firmware"),
}
FAULTS = (State.EXPIRED, State.PASSING, State.UNUSED)
HIDDEN = (State.ELSEWHERE, State.NOT_CHOSEN)
_WAIVABLE = ("FAIL", "WARN")
_UNDECIDED = ("INCONCLUSIVE", "BLOCKED", "ERROR")


@dataclass(frozen=True, slots=True)
class WaiverOutcome:
    """A waiver and what became of it. ``verdict`` is the one that the run had."""

    waiver: Waiver
    state: State
    verdict: str


@dataclass(frozen=True, slots=True)
class Waived:
    """A run after its waivers. ``results`` has WAIVED verdicts and the exit code that follows."""

    results: Results
    outcomes: tuple[WaiverOutcome, ...]

    @property
    def used(self) -> tuple[WaiverOutcome, ...]:
        """Waivers that this result rests on."""
        return tuple(o for o in self.outcomes if o.state is State.USED)

    @property
    def faults(self) -> tuple[WaiverOutcome, ...]:
        """Entries that fail the run."""
        return tuple(o for o in self.outcomes if o.state in FAULTS)


def apply_waivers(results: Results, file: WaiverFile, today: date) -> Waived:
    """Judge every waiver against the run; a run that was cut off, broken or ran nothing keeps its exit code."""
    outcomes = tuple(_outcome(results, waiver, today) for waiver in file.waivers)
    used = {o.waiver.requirement for o in outcomes if o.state is State.USED}
    faulty = any(o.state in FAULTS for o in outcomes)
    verdicts = {i: "WAIVED" if i in used else v for i, v in results.requirements.items()}
    code = results.exit_code
    if code in (0, 1, 10):
        code = exit_code((verdicts[i] for i in results.selected), broken=False, interrupted=False)
        code = 1 if faulty else code
    footer: dict[str, Any] = {**results.footer, "requirements": verdicts, "exit_code": code} if results.footer else {}
    shown = tuple(_row(o) for o in outcomes if o.state not in HIDDEN)
    return Waived(replace(results, footer=footer, waivers=shown), outcomes)


def _outcome(results: Results, waiver: Waiver, today: date) -> WaiverOutcome:
    verdict = results.selected.get(waiver.requirement, "NOT_TESTED")
    device, scope = results.header["device"], waiver.scope
    here = (device["manufacturer"], device["model"]) == (scope.manufacturer, scope.model)
    if not here or device["version"] not in scope.firmware:
        state = State.ELSEWHERE
    elif waiver.last_day < today:
        state = State.EXPIRED
    elif narrowed(row for row in results.plan["requirements"] if row["id"] == waiver.requirement):
        state = State.NOT_CHOSEN
    elif verdict in _WAIVABLE:
        state = State.USED
    elif verdict in _UNDECIDED:
        state = State.UNDECIDED
    else:
        state = State.PASSING if verdict == "PASS" else State.UNUSED
    return WaiverOutcome(waiver, state, verdict)


def _row(outcome: WaiverOutcome) -> dict[str, Any]:
    zh, en = STATES[outcome.state]
    waiver = outcome.waiver
    return {
        "requirement": waiver.requirement,
        "state": str(outcome.state),
        "words": {"zh": zh, "en": en},
        "verdict": outcome.verdict,
        "fault": outcome.state in FAULTS,
        "reason": waiver.reason,
        "approver": waiver.approver,
        "issue": waiver.issue,
        "expires": waiver.expires,
    }

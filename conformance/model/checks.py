"""Checks: what a test expected, what it observed, and what that says about a requirement."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from conformance.model.verdict import Verdict, violation_verdict, worst
from specs.model import Limit, Requirement, Text

Outcome = Literal["held", "violated", "inconclusive", "not_applicable"]
#: Why no check decides: the device fell silent or sent nonsense, the test ended it, or the suite broke.
Fault = Literal["device", "terminated", "suite"]
Says = str | Text

_SHOWN = 600


def say(zh: str, en: str) -> Text:
    """A text in both languages."""
    return Text(zh=zh, en=en)


def as_text(value: object) -> Text:
    """Any value as bilingual text; data reads the same in both languages."""
    if isinstance(value, Text):
        return value
    if isinstance(value, (bytes, bytearray)):
        shown = bytes(value[:96]).hex(" ") + (" …" if len(value) > 96 else "")
        return Text(zh=f"{len(value)} 字节: {shown}", en=f"{len(value)} bytes: {shown}")
    if isinstance(value, float):
        value = f"{value:.4g}"
    shown = str(value)
    shown = shown if len(shown) <= _SHOWN else shown[:_SHOWN] + " …"
    return Text(zh=shown, en=shown)


@dataclass(frozen=True, slots=True)
class Check:
    """One judged observation."""

    requirement: str
    outcome: Outcome
    expected: Text
    observed: Text
    about: Text
    step: str
    at: float

    def document(self) -> dict[str, Any]:
        """The check as JSON data."""
        both = {name: {"zh": t.zh, "en": t.en} for name, t in self._texts()}
        return {
            "requirement": self.requirement,
            "outcome": self.outcome,
            "step": self.step,
            "at": round(self.at, 6),
            **both,
        }

    def _texts(self) -> Iterable[tuple[str, Text]]:
        return (("expected", self.expected), ("observed", self.observed), ("about", self.about))


@dataclass(frozen=True, slots=True)
class Control:
    """A control leg: what must work so that a refusal means something."""

    held: bool
    about: Text


_EMPTY = Text(zh="", en="")


class Checks:
    """The ``check`` fixture: collects checks of one test. Checks are soft; each returns whether it held."""

    def __init__(self, requirements: Iterable[str], now: Callable[[], float], mark: Callable[[str], None]) -> None:
        self.requirements = tuple(requirements)
        self.records: list[Check] = []
        self.controls: list[Control] = []
        self.figures: dict[str, Any] = {}
        self.fault: Fault | None = None
        self._now = now
        self._mark = mark
        self._step = ""

    def step(self, step_id: str) -> None:
        """Name the procedure step that the following packets and checks belong to."""
        self._step = step_id
        self._mark(f"{self.requirements[0]} {step_id}" if self.requirements else step_id)

    def _add(self, requirement: str, outcome: Outcome, expected: object, observed: object, about: Says) -> bool:
        if requirement not in self.requirements:
            raise LookupError(f"the test checks {requirement} but does not name it in @verifies")
        texts = as_text(expected), as_text(observed), as_text(about)
        self.records.append(Check(requirement, outcome, *texts, step=self._step, at=self._now()))
        return outcome == "held"

    def equal(self, requirement: str, observed: object, expected: object, about: Says = "") -> bool:
        """Held when both are equal."""
        return self._add(requirement, "held" if observed == expected else "violated", expected, observed, about)

    def true(self, requirement: str, held: bool, expected: Says, observed: object = "", about: Says = "") -> bool:
        """Held when ``held``; both texts tell the reader what was looked at."""
        return self._add(requirement, "held" if held else "violated", expected, observed, about)

    def within(self, requirement: str, measured: float, limit: Limit, about: Says = "") -> bool:
        """Held when a measurement in the limit's unit keeps the limit, uncertainty allowed for."""
        held = limit.holds(measured)
        return self._add(requirement, "held" if held else "violated", str(limit), f"{measured:.4g} {limit.unit}", about)

    def fail(self, requirement: str, expected: Says, observed: object, about: Says = "") -> bool:
        """Record a violation."""
        return self._add(requirement, "violated", expected, observed, about)

    def inconclusive(self, requirement: str, reason: Says) -> bool:
        """Record that the requirement cannot be decided here."""
        return self._add(requirement, "inconclusive", _EMPTY, _EMPTY, reason)

    def not_applicable(self, requirement: str, reason: Says) -> bool:
        """Record that the requirement does not concern this device after all."""
        return self._add(requirement, "not_applicable", _EMPTY, _EMPTY, reason)

    def control(self, held: bool, about: Says) -> bool:
        """Record a control leg. One that does not hold makes the test INCONCLUSIVE."""
        self.controls.append(Control(held, as_text(about)))
        return held


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict of one test and of each requirement it names, with the reason for anything but PASS."""

    verdict: Verdict
    requirements: dict[str, Verdict]
    reason: Text


def judge(
    checks: Checks,
    requirements: dict[str, Requirement],
    proposed_violation: str,
    fault: Text | None = None,
    error: Text | None = None,
) -> Judgement:
    """verdict = f(checks). ``fault``: the device closed or fell silent; ``error``: the suite itself broke."""
    failed_controls = [c.about for c in checks.controls if not c.held]
    verdicts = {
        requirement_id: _judge_one(
            [c for c in checks.records if c.requirement == requirement_id],
            requirement,
            proposed_violation,
            failed_controls=bool(failed_controls),
            fault=fault is not None,
            error=error is not None,
        )
        for requirement_id, requirement in requirements.items()
    }
    verdict = worst(verdicts.values())
    return Judgement(verdict, verdicts, _reason(checks, verdict, failed_controls, fault, error))


def _judge_one(
    records: list[Check],
    requirement: Requirement,
    proposed_violation: str,
    *,
    failed_controls: bool,
    fault: bool,
    error: bool,
) -> Verdict:
    outcomes = {record.outcome for record in records}
    if error:
        return Verdict.ERROR
    if failed_controls:
        return Verdict.INCONCLUSIVE
    if "violated" in outcomes:
        return violation_verdict(requirement.level, requirement.status, proposed_violation)
    if fault:
        if requirement.interrupted == "FAIL":
            return violation_verdict(requirement.level, requirement.status, proposed_violation)
        return Verdict.INCONCLUSIVE
    if "inconclusive" in outcomes:
        return Verdict.INCONCLUSIVE
    if "held" in outcomes:
        return Verdict.PASS
    return Verdict.NOT_APPLICABLE if outcomes else Verdict.ERROR


def _reason(
    checks: Checks, verdict: Verdict, failed_controls: list[Text], fault: Text | None, error: Text | None
) -> Text:
    if error is not None:
        return error
    if failed_controls:
        about = failed_controls[0]
        return say(f"对照步骤未成立: {about.zh}", f"the control leg did not hold: {about.en}")
    for record in checks.records:
        if record.outcome == "violated":
            zh = f"期望 {record.expected.zh}，实际 {record.observed.zh}"
            en = f"expected {record.expected.en}, observed {record.observed.en}"
            if record.about.en:
                zh, en = f"{record.about.zh}: {zh}", f"{record.about.en}: {en}"
            return say(zh, en)
    if fault is not None:
        return fault
    for record in checks.records:
        if record.outcome in ("inconclusive", "not_applicable"):
            return record.about
    if verdict is Verdict.ERROR:
        return say("测试未记录任何检查", "the test recorded no check for a requirement it names")
    return _EMPTY

"""Judging: verdict = f(checks)."""

from __future__ import annotations

import pytest

from conformance.model.checks import Checks, judge, say
from conformance.model.verdict import Verdict
from specs.loader import load_catalogue
from specs.model import Limit

CATALOGUE = load_catalogue()
RATIFIED = "IF-FRM-03"
PROPOSED = "IF-FRM-02"


def checks(*ids: str) -> Checks:
    return Checks(ids, lambda: 1.5, lambda step: None)


def verdicts(of: Checks, **more: object) -> dict[str, Verdict]:
    requirements = {i: CATALOGUE.requirement(i) for i in of.requirements}
    return judge(of, requirements, "WARN", **more).requirements  # type: ignore[arg-type]


def test_held_and_violated() -> None:
    check = checks(RATIFIED, PROPOSED)
    assert check.equal(RATIFIED, 3, expected=3)
    assert not check.equal(PROPOSED, 4, expected=3)
    assert verdicts(check) == {RATIFIED: Verdict.PASS, PROPOSED: Verdict.WARN}


def test_a_violated_ratified_must_fails_and_says_why() -> None:
    check = checks(RATIFIED)
    check.step("s2")
    check.equal(RATIFIED, 37, expected=0, about=say("包数", "packets"))
    judgement = judge(check, {RATIFIED: CATALOGUE.requirement(RATIFIED)}, "WARN")
    assert judgement.verdict is Verdict.FAIL
    assert judgement.reason.en == "packets: expected 0, observed 37"
    assert judgement.reason.zh == "包数: 期望 0，实际 37"
    assert check.records[0].document()["step"] == "s2"


def test_a_test_without_a_check_is_an_error_of_the_suite() -> None:
    assert verdicts(checks(RATIFIED)) == {RATIFIED: Verdict.ERROR}


def test_a_failed_control_leg_decides_nothing() -> None:
    check = checks(RATIFIED)
    check.equal(RATIFIED, 0, expected=0)
    check.control(False, say("有效令牌可以播放", "a good token plays"))
    assert verdicts(check) == {RATIFIED: Verdict.INCONCLUSIVE}


def test_a_device_that_goes_away() -> None:
    check = checks("IF-FRM-03", "IF-FRM-04")
    gone = say("设备关闭连接", "the device closed")
    found = verdicts(check, fault=gone)
    assert found == {"IF-FRM-03": Verdict.INCONCLUSIVE, "IF-FRM-04": Verdict.FAIL}


def test_an_error_of_the_suite_is_never_a_failure_of_the_device() -> None:
    check = checks(RATIFIED)
    check.equal(RATIFIED, 1, expected=0)
    assert verdicts(check, error=say("套件出错", "broken")) == {RATIFIED: Verdict.ERROR}


def test_not_applicable() -> None:
    check = checks(RATIFIED)
    check.not_applicable(RATIFIED, say("没有音频", "no audio"))
    assert verdicts(check) == {RATIFIED: Verdict.NOT_APPLICABLE}


def test_only_named_requirements_may_be_checked() -> None:
    with pytest.raises(LookupError, match="does not name it"):
        checks(RATIFIED).equal(PROPOSED, 1, expected=1)


def test_limits_allow_for_uncertainty_and_scale() -> None:
    limit = Limit(unit="s", max=4.0, uncertainty=0.2)
    assert limit.holds(4.2)
    assert not limit.holds(4.21)
    timer = Limit(unit="min", value=2.0, scalable=True)
    assert timer.scaled(0.01).seconds == pytest.approx(1.2)
    assert limit.scaled(0.01) is limit
    assert str(limit) == "<= 4 s (+-0.2 s)"

"""Requests generated from the message table and the declaration: valid, reduced, broken, bent, not supported.

One row more in the table is more cases here, without a line of code.
"""

from __future__ import annotations

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.protocols.tykd_cases import (
    Case,
    optional_absent_cases,
    tolerance_cases,
    valid_cases,
    violation_cases,
)
from conformance.suites.camera.table_bench import NEVER, Outcome, TableBench
from specs.declaration import LoadedDeclaration
from specs.messages import Command, load_message_table

_SHOWN = 8


def _commands() -> list[Command]:
    started = load_message_table().started_by("platform-to-device")
    return [c for c in started if not c.undefined_body and not c.destructive]


def _parameters(ids: set[str]) -> list[object]:
    return [pytest.param(i, marks=pytest.mark.verifies(i), id=i) for i in sorted(ids)]


VALID = _parameters({c.requirement for c in _commands()})
REFUSED = _parameters({c.refusal_requirement for c in _commands()} | {c.unsupported_requirement for c in _commands()})


def _judge(check: Checks, requirement: str, outcomes: list[Outcome]) -> None:
    """One check for each case that went wrong, one for the rest."""
    wrong = [o for o in outcomes if o.exchanged is None or o.exchanged.result not in o.case.expected]
    for outcome in wrong[:_SHOWN]:
        check.fail(requirement, f"Result {sorted(outcome.case.expected)}", outcome.shown, outcome.case.id)
    if not outcomes:
        check.not_applicable(requirement, say("设备未声明相关命令", "the device declares no command of it"))
        return
    expected = say("每个应答的结果码都符合报文表", "every result is one that the table allows")
    seen = f"{len(outcomes) - len(wrong)} of {len(outcomes)} cases"
    check.true(requirement, not wrong, expected, seen)


def _bench(province: Province, limits: Limits) -> TableBench:
    return TableBench(province, limits("IF-FRM-08").answer_within.seconds)


def _harmless(cases: list[Case]) -> list[Case]:
    """Without what restarts, formats or upgrades, and without what the bench cannot set up."""
    return [c for c in cases if not c.destructive and c.prerequisite not in NEVER]


@pytest.mark.parametrize("requirement", VALID)
async def test_valid_requests(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration, requirement: str
) -> None:
    """Every valid request of the table, with each allowed value and without each optional element, is answered 0."""
    check.step("s1")
    table, features = province.table, declaration.features
    cases = valid_cases(table, features, device_id=province.device_id)
    cases += optional_absent_cases(table, features, device_id=province.device_id)
    wanted = [case for case in _harmless(cases) if case.requirement == requirement]
    outcomes = await _bench(province, limits).send_all(wanted)
    _judge(check, requirement, outcomes)
    faulty = [(o.case.id, f.explain) for o in outcomes if o.exchanged for f in o.exchanged.message.faults]
    if outcomes:
        well_formed = say("应答符合报文表", "the answers follow the table")
        check.true(requirement, not faulty, well_formed, faulty[:_SHOWN])


@pytest.mark.parametrize("requirement", REFUSED)
async def test_broken_requests(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration, run: Run, requirement: str
) -> None:
    """A request with one constraint broken, or for an ability that the device does not have, is refused."""
    check.step("s2")
    cases = violation_cases(province.table, declaration.features, device_id=province.device_id)
    allowed = cases if run.settings.choice.allow_destructive else [c for c in cases if not c.destructive]
    wanted = [case for case in allowed if case.requirement == requirement]
    check.step("s3")
    _judge(check, requirement, await _bench(province, limits).send_all(wanted))


@verifies("IF-FRM-06e")
async def test_bent_requests(province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration) -> None:
    """An unknown element, another order and white space do not keep any request from being carried out."""
    check.step("s1")
    cases = tolerance_cases(province.table, declaration.features, device_id=province.device_id)
    _judge(check, "IF-FRM-06e", await _bench(province, limits).send_all(_harmless(cases)))

"""Requests generated from the message table and the declaration: valid, reduced, broken, bent, not supported, unknown.

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
    unknown_command_codes,
    valid_cases,
    violation_cases,
)
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.suites.camera.signalling_steps import ask, query_frame
from conformance.suites.camera.table_bench import NEVER, Outcome, TableBench
from specs.declaration import LoadedDeclaration
from specs.messages import Command, load_message_table

_FOREIGN = "tykd.context.device"
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


@verifies("IF-FRM-08a")
async def test_every_request_is_answered(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """One valid request of every command that the device declares gets an answer."""
    check.step("s1")
    cases = valid_cases(province.table, declaration.features, device_id=province.device_id)
    one_each = {case.command: case for case in reversed(_harmless(cases))}
    outcomes = await TableBench(province, limits("IF-FRM-08a").answer_within.seconds).send_all(list(one_each.values()))
    check.step("s2")
    for outcome in outcomes:
        answered = say("有应答", "an answer")
        check.true("IF-FRM-08a", outcome.exchanged is not None, answered, outcome.shown, outcome.case.command)


@verifies("IF-FRM-08b", "IF-FRM-08c")
async def test_foreign_device(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Every command under the id of another device is refused, and the refusal holds Result and DevID only."""
    check.step("s1")
    cases = violation_cases(province.table, declaration.features, device_id=province.device_id)
    foreign = [case for case in cases if case.rule == _FOREIGN and not case.destructive]
    outcomes = await _bench(province, limits).send_all(foreign)
    check.step("s2")
    _judge(check, "IF-FRM-08b", outcomes)
    more = {
        o.case.command: sorted(set(o.exchanged.message.values) - {"Result", "DevID"})
        for o in outcomes
        if o.exchanged is not None and o.exchanged.result != 0
    }
    extra = {name: names for name, names in more.items() if names}
    check.true("IF-FRM-08c", not extra, say("只含 Result 与 DevID", "Result and DevID only"), extra)


@verifies("IF-FRM-07")
async def test_unknown_command_codes(province: Province, check: Checks, limits: Limits) -> None:
    """Every code that the table does not hold is ignored or refused; the link stays and answers."""
    limit = limits("IF-FRM-07")
    link = await province.online()
    before = len(province.received)
    check.step("s1")
    body = query_frame(province).xml
    sent: dict[int, int] = {}
    for code in unknown_command_codes(province.table):
        sent[code] = province.next_sequence()
        if link.open:
            link.send_raw(encode_frame(Frame(code, sent[code], body)))
    check.step("s3")
    answer = await ask(province, query_frame(province), link, limit.answer_within.seconds) if link.open else None
    expected = say("同一链路上的查询得到应答", "the query on the same link is answered")
    check.true("IF-FRM-07", answer is not None and answer.result == 0, expected, "answer" if answer else "none")
    check.step("s2")
    heard = [r for r in province.received[before:] if r.link is link and r.received.frame.command in sent]
    wrong = [r.received.frame.command for r in heard if b"<Result>255<" not in r.received.frame.xml]
    wrong += [r.received.frame.command for r in heard if r.sequence != sent[r.received.frame.command]]
    check.true("IF-FRM-07", not wrong, say("忽略或回 255", "ignored or answered 255"), [hex(c) for c in wrong])

"""IF-ALM-01f, IF-ALM-02, BIZ-ALM-04: arming and disarming, and what the device says it can do."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.alarm_steps import (
    DIGITAL_INPUT,
    FEATURES,
    FLAGS,
    UNDEFINED,
    Alarm,
    every,
    flag_of,
    get_alarm,
    has,
    inputs,
    set_alarm,
)
from conformance.suites.camera.registration_steps import longest
from specs.declaration import LoadedDeclaration

REFUSED = 255
ANSWERED = say("应答", "an answer")


@verifies("IF-ALM-02", "IF-ALM-02a")
async def test_arming_is_remembered(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Each type is armed, disarmed and queried; the types do not influence each other."""
    alarms = every(declaration, province)
    before = [await flag_of(province, alarm) for alarm in alarms]
    try:
        for requirement in ("IF-ALM-02", "IF-ALM-02a"):
            expected = say("至少一种告警", "one type of alarm at least")
            check.true(requirement, bool(alarms), expected, len(alarms), say("声明的类型", "declared types"))
        check.step("s1")
        for alarm in alarms:
            await _set(province, check, alarm, 1)
        await _compare(province, check, limits, dict.fromkeys(alarms, 1))
        check.step("s2")
        for alarm in alarms:
            await _set(province, check, alarm, 0)
            await _compare(province, check, limits, {other: int(other != alarm) for other in alarms})
            await _set(province, check, alarm, 1)
    finally:
        for alarm, flag in zip(alarms, before, strict=True):
            await set_alarm(province, alarm, flag)


def _about(alarm: Alarm) -> str:
    return ", ".join(f"{name} {value}" for name, value in alarm.values.items())


async def _set(province: Province, check: Checks, alarm: Alarm, flag: int) -> None:
    about = f"SET_ALARM {_about(alarm)}, AlarmFlag {flag}"
    try:
        answer = (await set_alarm(province, alarm, flag)).answer
    except DeviceFault as fault:
        check.fail("IF-ALM-02", ANSWERED, fault.text, about)
        return
    check.equal("IF-ALM-02", answer.message.result, 0, about)
    check.equal("IF-ALM-02", answer.message.root, "SET_ALARM_RES", about)


async def _compare(province: Province, check: Checks, limits: Limits, wanted: dict[Alarm, int]) -> None:
    """Query every alarm and compare the flag."""
    check.step("s3")
    within = longest(limits("IF-ALM-02a").answer_wait)
    for alarm, flag in wanted.items():
        about = f"GET_ALARM {_about(alarm)}"
        try:
            message = (await get_alarm(province, alarm, within)).message
        except DeviceFault as fault:
            check.fail("IF-ALM-02a", say("以 0x7d 应答", "an answer under 0x7d"), fault.text, about)
            return
        seen = (message.root, message.result, message.get("AlarmFlag"))
        check.equal("IF-ALM-02a", seen, ("GET_ALARM_RES", 0, str(flag)), about)


@verifies("IF-ALM-02b")
async def test_types_that_are_not_declared(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """Arming and querying a type that the device does not have is answered 255."""
    within = longest(limits("IF-ALM-02b").answer_wait)
    check.step("s1")
    known = every(declaration, province)
    if known:
        control = await set_alarm(province, known[0], await flag_of(province, known[0]))
    else:
        control = await province.command("GET_CHANNEL", ChannelNo=0, StreamType=1)
    check.control(control.result == 0, say("可行的请求应答 0", "a request that is possible is answered 0"))
    kinds = [kind for kind in FEATURES if not has(declaration, province, kind)]
    for kind in (*kinds, UNDEFINED):
        check.step("s2")
        requests: dict[str, dict[str, Any]] = {"SET_ALARM": {"AlarmFlag": 1}, "GET_ALARM": {}}
        for name, values in requests.items():
            exchanged = await province.command(name, within=within, breaking=True, **Alarm(kind).values, **values)
            check.step("s3")
            check.equal("IF-ALM-02b", exchanged.result, REFUSED, f"{name} {_about(Alarm(kind))}")


@verifies("IF-ALM-01f")
async def test_number_of_digital_inputs(province: Province, check: Checks, declaration: LoadedDeclaration) -> None:
    """Flag and number in the ability report agree with each other and with the declaration."""
    check.step("s1")
    await province.online()
    report = province.abilities
    if report is None:
        check.inconclusive("IF-ALM-01f", say("没有能力上报", "there is no ability report"))
        return
    check.step("s2")
    flag, number = report.get(FLAGS[DIGITAL_INPUT]), report.integer("DIDONum", 0)
    seen = f"DIDOAlarmFlag {flag}, DIDONum {number}"
    expected = say("标志为 1 恰当数量大于 0", "flag 1 exactly when the number is above 0")
    check.true("IF-ALM-01f", (flag == "1") == (number > 0), expected, seen)
    if declaration.features.get("digital_input") is not None:
        declared = inputs(declaration, province) if has(declaration, province, DIGITAL_INPUT) else 0
        check.equal("IF-ALM-01f", number, declared, "DIDONum")


@verifies("BIZ-ALM-04")
async def test_flags_of_the_alarms(
    province: Province, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """The four flags are as declared, and what is flagged can be armed."""
    check.step("s1")
    await province.online()
    report = province.abilities
    flags = {kind: report.get(name) if report is not None else "" for kind, name in FLAGS.items()}
    for kind, feature in FEATURES.items():
        if (declared := declaration.features.get(feature)) is not None:
            check.equal("BIZ-ALM-04", flags[kind], str(int(bool(declared))), FLAGS[kind])
    check.step("s2")
    within = longest(limits("BIZ-ALM-04").answer_wait)
    for kind in (kind for kind, flag in flags.items() if flag == "1"):
        alarm = Alarm(kind)
        before = await flag_of(province, alarm)
        values = {**alarm.values, "AlarmFlag": 1}
        answer = await province.command("SET_ALARM", within=within, breaking=True, **values)
        check.equal("BIZ-ALM-04", answer.result, 0, f"SET_ALARM {_about(alarm)}")
        await set_alarm(province, alarm, before)

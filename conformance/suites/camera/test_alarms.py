"""IF-ALM-01, BIZ-ALM-03, BIZ-KPI-04: alarms that the bench raises and the device reports while it is online."""

from __future__ import annotations

from itertools import pairwise

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.device_link import Received
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.alarm_steps import (
    ARRIVES,
    DIGITAL_INPUT,
    INFRARED,
    MANUAL,
    MOTION,
    REPORT,
    SILENT,
    Alarm,
    Alarms,
    inputs,
)
from conformance.suites.camera.registration_steps import longest
from specs.declaration import LoadedDeclaration
from specs.model import Limit

BURST = 5


def _faults(province: Province, received: Received, alarm: Alarm) -> list[str]:
    """What is wrong with the elements of one report."""
    message, faults = received.message, [violation.explain for violation in received.faults]
    wanted = {"DevID": province.device_id, "AlarmType": str(alarm.kind)}
    if alarm.kind == DIGITAL_INPUT:
        wanted["DIDONo"] = str(alarm.number)
    elif "DIDONo" in message:
        faults.append(f"DIDONo {message.get('DIDONo')!r} with AlarmType {alarm.kind}")
    faults += [
        f"{name} {message.get(name)!r}, not {text!r}" for name, text in wanted.items() if message.get(name) != text
    ]
    return faults if message.get("AlarmDesc").strip() else [*faults, "AlarmDesc is empty"]


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(MOTION, marks=pytest.mark.verifies("IF-ALM-01"), id="motion"),
        pytest.param(INFRARED, marks=pytest.mark.verifies("IF-ALM-01a"), id="infrared"),
        pytest.param(MANUAL, marks=pytest.mark.verifies("IF-ALM-01b"), id="manual"),
        pytest.param(DIGITAL_INPUT, marks=pytest.mark.verifies("IF-ALM-01c"), id="digital-input"),
    ],
)
async def test_alarm_is_reported(
    province: Province,
    control: DeviceControl,
    check: Checks,
    limits: Limits,
    declaration: LoadedDeclaration,
    kind: int,
) -> None:
    """Armed and raised, an alarm is reported in time with the right elements."""
    requirement = check.requirements[0]
    limit = limits(requirement).notify_wait
    alarms = Alarms(province, control, limits("IF-ALM-01e").interval)
    count = inputs(declaration, province) if kind == DIGITAL_INPUT else 1
    raised = [Alarm(kind, 0, number) for number in range(count)]
    if not raised:
        check.inconclusive(requirement, say("未声明输入数", "no number of inputs is declared"))
        return
    check.step("s1")
    async with alarms.armed(*raised) as results:
        check.equal(requirement, results, [0] * count, "SET_ALARM")
        for alarm in raised:
            check.step("s2")
            since, report = await alarms.pulse(alarm, limit)
            check.step("s3")
            about = f"AlarmType {kind}" if kind != DIGITAL_INPUT else f"AlarmType {kind}, DIDONo {alarm.number}"
            if report is None:
                check.fail(requirement, ARRIVES, SILENT, about)
                continue
            check.within(requirement, report.at - since, limit, about)
            faults = _faults(province, report, alarm)
            check.true(requirement, not faults, say("各元素正确", "every element is right"), "; ".join(faults), about)


@verifies("IF-ALM-01d")
async def test_alarm_names_its_channel(
    province: Province, control: DeviceControl, check: Checks, limits: Limits, declaration: LoadedDeclaration
) -> None:
    """The first and the last channel raise an alarm in turn."""
    limit = limits("IF-ALM-01d").notify_wait
    channels = declaration.features.get("channels")
    last = (channels if isinstance(channels, int) else 1) - 1
    alarms = Alarms(province, control, limits("IF-ALM-01e").interval)
    raised = [Alarm(MOTION, channel) for channel in (0, last)]
    check.step("s1")
    async with alarms.armed(*raised) as results:
        check.control(results == [0, 0], say("各通道布防成功", "every channel can be armed"))
        for alarm in raised:
            check.step("s2")
            _, report = await alarms.pulse(alarm, limit)
            check.step("s3")
            about = say(f"通道 {alarm.channel} 触发", f"raised on channel {alarm.channel}")
            if report is None:
                check.fail("IF-ALM-01d", ARRIVES, SILENT, about)
            else:
                check.equal("IF-ALM-01d", report.message.get("ChannelNo"), str(alarm.channel), about)


@verifies("IF-ALM-01e")
async def test_rate_of_alarms(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """Nothing is sent on clearing, and reports of one type keep their distance."""
    limit, motion = limits("IF-ALM-01e"), Alarm()
    alarms = Alarms(province, control, limit.interval)
    async with alarms.armed(motion):
        check.step("s1")
        await alarms.pause(motion)
        since = await alarms.raise_(motion)
        first = await alarms.report(motion, since, limit.notify_wait)
        if not check.control(first is not None, ARRIVES) or first is None:
            check.inconclusive("IF-ALM-01e", SILENT)
            return
        check.step("s2")
        await alarms.clear(motion)
        await province.wire.sleep(longest(limit.interval))
        quiet = alarms.reports(motion, first.at)
        check.equal("IF-ALM-01e", len(quiet), 0, say("解除之后的 0x37 条数", "0x37 after the alarm was cleared"))
        check.step("s3")
        for _ in range(BURST):
            await alarms.raise_(motion)
            await alarms.clear(motion)
        await province.wire.sleep(longest(limit.interval))
        check.step("s4")
        times = [first.at, *(r.at for r in alarms.reports(motion, first.at))]
        gaps = [later - earlier for earlier, later in pairwise(times)]
        about = say(f"共 {len(times)} 条 0x37 的最小间隔", f"shortest time between {len(times)} messages 0x37")
        check.within("IF-ALM-01e", min(gaps, default=longest(limit.interval)), limit.interval, about)


@verifies("BIZ-ALM-03")
async def test_disarmed_alarm_is_silent(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """Armed it reports, disarmed it does not, armed again it does."""
    limit, motion = limits("BIZ-ALM-03"), Alarm()
    alarms = Alarms(province, control, limit.interval)
    async with alarms.armed(motion):
        check.step("s1")
        _, report = await alarms.pulse(motion, limit.notify_wait)
        check.control(report is not None, ARRIVES)
        check.step("s2")
        disarmed = await alarms.set(motion, 0)
        check.equal("BIZ-ALM-03", disarmed.result, 0, "SET_ALARM AlarmFlag 0")
        _, report = await alarms.pulse(motion, limit.notify_wait)
        expected = say("撤防后没有 0x37", "no 0x37 once disarmed")
        check.true("BIZ-ALM-03", report is None, expected, SILENT if report is None else ARRIVES)
        check.step("s3")
        await alarms.set(motion, 1)
        _, report = await alarms.pulse(motion, limit.notify_wait)
        expected = say("重新布防后收到 0x37", "0x37 once armed again")
        check.true("BIZ-ALM-03", report is not None, expected, SILENT if report is None else ARRIVES)


@verifies("BIZ-KPI-04")
async def test_reporting_time(province: Province, control: DeviceControl, check: Checks, limits: Limits) -> None:
    """Every one of several alarms is there in time."""
    limit, motion = limits("BIZ-KPI-04"), Alarm()
    alarms = Alarms(province, control, limit.interval)
    check.step("s1")
    async with alarms.armed(motion) as results:
        check.control(results == [0], say("布防成功", "motion detection can be armed"))
        for number in range(1, int(limit.samples.number) + 1):
            check.step("s2")
            since, report = await alarms.pulse(motion, limit.linkage)
            check.step("s3")
            about = say(f"第 {number} 次触发", f"alarm {number}")
            if report is None:
                check.fail("BIZ-KPI-04", str(limit.linkage), SILENT, about)
            else:
                check.within("BIZ-KPI-04", report.at - since, limit.linkage, about)


@verifies("IF-ALM-04a")
async def test_unanswered_alarm_is_repeated(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """Without an answer the alarm comes again; once answered it does not."""
    limit, motion = limits("IF-ALM-04a"), Alarm()
    alarms = Alarms(province, control, limits("IF-ALM-01e").interval)
    async with alarms.armed(motion):
        check.step("s1")
        await alarms.pause(motion)
        province.answers[REPORT] = lambda reply: []
        since = await alarms.raise_(motion)
        first = await alarms.report(motion, since, limits("IF-ALM-01").notify_wait)
        await alarms.clear(motion)
        if first is None:
            check.inconclusive("IF-ALM-04a", SILENT)
            return
        check.step("s2")
        del province.answers[REPORT]
        again = await alarms.report(motion, first.at, limit.resend_wait)
        if again is None:
            check.fail("IF-ALM-04a", say("重发的 0x37", "a repeat of 0x37"), SILENT)
            return
        check.within("IF-ALM-04a", again.at - first.at, limit.resend_wait, say("重发间隔", "time to the repeat"))
        check.step("s3")
        await province.wire.sleep(again.at - first.at + _slack(limit.answer_wait))
        more = len(alarms.reports(motion, again.at))
        check.equal("IF-ALM-04a", more, 0, say("应答之后的重发次数", "repeats after the answer"))


def _slack(limit: Limit) -> float:
    """What is waited longer than the device has shown to wait."""
    return longest(limit) - limit.seconds

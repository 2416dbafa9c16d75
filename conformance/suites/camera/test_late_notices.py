"""IF-ALM-03, IF-ALM-04, BIZ-ALM-01: exceptions until they are answered, alarms of an offline time, linked recording."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle, islice, pairwise
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.answers import first, silent
from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.peers.device_link import Received
from conformance.peers.faults import NoAnswer
from conformance.peers.ftp_server import FtpServer
from conformance.peers.province import CHINA, Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.alarm_steps import ARRIVES, INFRARED, SILENT, Alarm, Alarms, has
from conformance.suites.camera.registration_steps import longest
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.model import Limit

EXCEPTION = "EXCEPTION_NOTIFY"
MISSING = "no-such-image.bin"
REPEATS = 3
NO_EXCEPTION = say("未收到 0x34", "no 0x34 came")
LOOKS = 20
CHANNEL: dict[str, Any] = {"ChannelNo": 0}
STORE: dict[str, Any] = {**CHANNEL, "StorgeFlag": 0}


@verifies("IF-ALM-03", "IF-ALM-03a")
async def test_exception_until_it_is_answered(
    bench: Bench, province: Province, ftp: FtpServer, check: Checks, limits: Limits
) -> None:
    """A download that fails is told again and again, and not any more once it was answered."""
    province.answers[EXCEPTION] = first(REPEATS - 1, silent)
    check.step("s1")
    image = bench.images.after(province.messages("LOGIN")[-1].message.get("DevVer"))
    values: dict[str, Any] = {"FtpFileName": MISSING, **({"NewDevVer": image.version} if image else {})}
    since = province.wire.now()
    order = await province.command("UPGRADE", breaking=True, **values, **dict[str, Any](ftp.elements))
    if order.result != 0:
        for requirement in ("IF-ALM-03", "IF-ALM-03a"):
            check.inconclusive(requirement, say("设备未接受升级命令", "the device did not take the command"))
        return
    check.step("s2")
    limit = limits("IF-ALM-03")
    notices = await _notices(province, since, 1, longest(limit.notify_wait))
    if not notices:
        check.fail("IF-ALM-03", say("收到 0x34", "0x34 arrives"), NO_EXCEPTION)
        check.inconclusive("IF-ALM-03a", NO_EXCEPTION)
        return
    check.within("IF-ALM-03", notices[0].at - order.answered_at, limit.notify_wait, say("首次上报", "first report"))
    for count in range(2, REPEATS + 1):
        last = notices[-1].at
        notices = await _notices(province, since, count, longest(limit.resend), last)
        if len(notices) < count:
            check.fail("IF-ALM-03", str(limit.resend), NO_EXCEPTION, say(f"第 {count} 次上报", f"report {count}"))
            check.inconclusive("IF-ALM-03a", say("没有重复上报", "nothing was repeated"))
            return
    check.step("s3")
    for earlier, later in pairwise(notices[:REPEATS]):
        check.within("IF-ALM-03", later.at - earlier.at, limit.resend, say("重复间隔", "time to the repeat"))
    answered = notices[REPEATS - 1].at
    crossed = limits("IF-ALM-03a").crossed
    await province.wire.sleep(longest(crossed) + limits("IF-ALM-03a").quiet.seconds)
    late = [r for r in _of_kind(province, notices[0], since) if r.at > answered + longest(crossed)]
    check.equal("IF-ALM-03a", len(late), 0, say("应答之后的 0x34 条数", "0x34 after the answer"))


def _of_kind(province: Province, notice: Received | None, since: float) -> list[Received]:
    """Exceptions after ``since``; of the same type and text as ``notice``, if one is given."""
    found = [r for r in province.messages(EXCEPTION, since=since) if r.at > since]
    names = ("ExceptionType", "ExceptionDesc")
    return [r for r in found if notice is None or all(r.message.get(n) == notice.message.get(n) for n in names)]


async def _notices(
    province: Province, since: float, count: int, within: float, begin: float | None = None
) -> list[Received]:
    """Exceptions after ``since``, as soon as there are so many, or those that came within the time."""
    end = (since if begin is None else begin) + within
    while len(found := _of_kind(province, None, since)) < count:
        rest = end - province.wire.now()
        if rest <= 0:
            break
        try:
            await province.next(EXCEPTION, within=rest)
        except NoAnswer:
            continue
    return found


@verifies("IF-ALM-04")
async def test_alarms_of_an_offline_time(
    bench: Bench,
    province: Province,
    control: DeviceControl,
    check: Checks,
    limits: Limits,
    declaration: LoadedDeclaration,
) -> None:
    """What was raised while the platform was away is reported afterwards: all of it, in order, once."""
    limit = limits("IF-ALM-04")
    alarms = Alarms(province, control, limit.interval)
    kinds = [Alarm(), *([Alarm(INFRARED)] if has(declaration, province, INFRARED) else [])]
    async with alarms.armed(*kinds):
        check.step("s1")
        for alarm in kinds:
            _, report = await alarms.pulse(alarm, limits("IF-ALM-01").notify_wait)
            check.control(report is not None, ARRIVES)
        check.step("s2")
        since, raised = province.wire.now(), []
        await province.primary.stop()
        await province.backup.stop()
        for alarm in islice(cycle(kinds), int(limit.queue.number)):
            await alarms.pause(alarm)
            await alarms.raise_(alarm)
            await alarms.clear(alarm)
            await province.wire.sleep(longest(limit.interval))
            raised.append(str(alarm.kind))
        check.step("s3")
        await bench.settle()
        back = province.wire.now()
        check.step("s4")
        await alarms.reports_reach(kinds, since, len(raised), longest(limit.flush_wait), until=back)
        await province.wire.sleep(longest(limit.interval))
        found = [r.message.get("AlarmType") for r in alarms.all_reports(kinds, since)]
        about = say("补报的 AlarmType", "AlarmType of what was reported afterwards")
        check.equal("IF-ALM-04", found, raised, about)


@asynccontextmanager
async def _no_plan(province: Province) -> AsyncIterator[None]:
    """No full-day recording and an empty weekly plan; puts both back."""
    full = (await province.command("GET_RECORD_FULL", breaking=True, **STORE)).message.get("RecordFull") or "0"
    entries = (await province.command("QUERY_RECORD_POLICY", **CHANNEL)).message.items("WeekPolicy")
    await province.command("SET_RECORD_FULL", breaking=True, **STORE, RecordFull=0)
    for entry in entries:
        await province.command("DEL_RECORD_POLICY", breaking=True, **CHANNEL, PolicyID=entry.get("PolicyID"))
    try:
        yield
    finally:
        again = [{name: text for name, text in e.values.items() if name != "PolicyID"} for e in entries]
        if again:
            await province.command("ADD_RECORD_POLICY", breaking=True, **CHANNEL, WeekPolicy=again)
        await province.command("SET_RECORD_FULL", breaking=True, **STORE, RecordFull=full)


@verifies("BIZ-ALM-01")
async def test_recording_of_an_alarm(
    wire: Wire, province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """With no plan at work, the moment of an alarm is found in the recordings."""
    limit, motion = limits("BIZ-ALM-01"), Alarm()
    alarms = Alarms(province, control, limits("IF-ALM-01e").interval)
    check.step("s1")
    async with _no_plan(province), alarms.armed(motion):
        check.step("s2")
        _, report = await alarms.pulse(motion, limits("IF-ALM-01").notify_wait)
        if report is None:
            check.inconclusive("BIZ-ALM-01", SILENT)
            return
        check.step("s3")
        moment = dt.datetime.fromtimestamp(wire.epoch() - wire.now() + report.at, CHINA)
        covering, seen = await _covering(province, moment, limit.start_late, limit.listed_wait)
        expected = say("覆盖告警时刻的录像", "a recording that covers the alarm")
        check.true("BIZ-ALM-01", covering, expected, seen, f"{moment:%Y%m%d%H%M%S}")


async def _covering(province: Province, moment: dt.datetime, late: Limit, listed: Limit) -> tuple[bool, str]:
    """Whether a recording that covers the moment is listed in time, and what the last search found."""
    until = province.wire.now() + longest(listed)
    span = dt.timedelta(minutes=1)
    values: dict[str, Any] = {
        "StartTime": f"{moment - span:%Y%m%d%H%M}",
        "EndTime": f"{moment + span:%Y%m%d%H%M}",
        "PageNo": 1,
    }
    latest = f"{moment + dt.timedelta(seconds=longest(late)):%Y%m%d%H%M%S}"
    while True:
        files = (await province.command("FILE_QUERY", **CHANNEL, **values)).message.items("File")
        spans = [(f.get("StartTime"), f.get("EndTime")) for f in files]
        if any(start <= latest and end >= f"{moment:%Y%m%d%H%M%S}" for start, end in spans):
            return True, str(spans)
        rest = until - province.wire.now()
        if rest <= 0:
            return False, str(spans[:LOOKS])
        await province.wire.sleep(min(rest, longest(listed) / LOOKS))

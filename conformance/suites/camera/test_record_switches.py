"""IF-REC-01h, 03, 04, 04a, 06 and BIZ-REC-02: when the device records, and what survives."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.maintenance_steps import in_unit
from conformance.suites.camera.record_steps import Entry, Recording, Records, kept_plan, names
from conformance.suites.camera.registration_steps import longest
from specs.model import Limit

LOOKS = 40
GRACE = timedelta(seconds=2)
MINUTES_A_DAY = 24 * 60
NONE_FOUND = say("检索不到新录像", "the search finds no new recording")


async def appears(records: Records, since: datetime, within: Limit) -> Recording | None:
    """The first recording that began after ``since`` (or just before it and went on), as soon as a search lists it."""
    wire = records.province.wire
    until = wire.now() + longest(within)
    while True:
        found = await records.search()
        fresh = [file for file in found if file.start >= since - timedelta(seconds=1) and file.end > since]
        if fresh:
            return min(fresh, key=lambda file: file.start_text)
        if wire.now() >= until:
            return None
        await wire.sleep(longest(within) / LOOKS)


async def judge_begins(
    records: Records, check: Checks, requirement: str, since: datetime, start: Limit, listed: Limit
) -> Recording | None:
    """A new recording is listed in time and began in time."""
    found = await appears(records, since, listed)
    if found is None:
        check.fail(requirement, say("新的录像", "a new recording"), NONE_FOUND)
        return None
    delay = max(0.0, (found.start - since).total_seconds())
    check.within(requirement, in_unit(start, delay), start, say("开始录像用时", "time to the beginning"))
    return found


async def judge_idle(records: Records, check: Checks, requirement: str, since: datetime, watch: Limit) -> None:
    """No recording that began after ``since`` within ``watch``."""
    await records.province.wire.sleep(watch.seconds)
    fresh = [file.name for file in await records.search() if file.start > since + GRACE]
    check.equal(requirement, fresh, [], say("不应有的录像", "recordings that should not be"))


def around(now: datetime) -> Entry:
    """A segment of two hours around the present, cut at midnight."""
    minute = now.hour * 60 + now.minute
    begin, end = max(0, minute - 60), min(MINUTES_A_DAY, minute + 60)
    return Entry(now.isoweekday(), f"{begin // 60:02d}:{begin % 60:02d}", f"{end // 60:02d}:{end % 60:02d}")


def elsewhere(now: datetime) -> Entry:
    """A whole day three days from now."""
    return Entry((now + timedelta(days=3)).isoweekday(), "00:00", "24:00")


@pytest.mark.long
@verifies("IF-REC-01h")
async def test_plan_is_followed(province: Province, check: Checks, limits: Limits) -> None:
    """Outside the plan nothing is recorded, inside it something is."""
    limit = limits("IF-REC-01h")
    async with kept_plan(Records(province, province.limits["answer_wait"].seconds)) as records:
        check.step("s1")
        await records.full(0)
        await records.add(elsewhere(records.now))
        await judge_idle(records, check, "IF-REC-01h", records.now, limit.idle_watch)
        check.step("s2")
        await records.clear()
        since = records.now
        check.control(await records.add(around(since)) == 0, say("计划已设置", "the plan is set"))
        check.step("s3")
        await judge_begins(records, check, "IF-REC-01h", since, limit.start_wait, limit.listed_wait)


@pytest.mark.long
@verifies("IF-REC-03", "IF-REC-04")
async def test_full_day_recording(province: Province, check: Checks, limits: Limits) -> None:
    """Off, on, split in time, off again."""
    limit = limits("IF-REC-04")
    async with kept_plan(Records(province, limit.answer_wait.seconds)) as records:
        check.step("s1")
        check.equal("IF-REC-04", await records.full(0), "0", "RecordFull")
        check.step("s2")
        since = records.now
        check.equal("IF-REC-04", await records.full(1), "1", "RecordFull")
        started = province.wire.now()
        await judge_begins(records, check, "IF-REC-04", since, limit.start_wait, limit.listed_wait)
        await _split(records, check, since, started, limits)
        check.step("s3")
        check.equal("IF-REC-04", await records.full(0), "0", "RecordFull")
        await judge_idle(records, check, "IF-REC-04", records.now, limit.idle_watch)


async def _split(records: Records, check: Checks, since: datetime, started: float, limits: Limits) -> None:
    limit = limits("IF-REC-03")
    await records.province.wire.sleep(max(0.0, started + limit.watch.seconds - records.province.wire.now()))
    files = [file for file in await records.search() if file.start >= since - timedelta(seconds=1)]
    if not files:
        check.inconclusive("IF-REC-03", NONE_FOUND)
        return
    length = max(file.seconds for file in files)
    about = say(f"{len(files)} 个文件中最长者", f"longest of {len(files)} files")
    check.within("IF-REC-03", in_unit(limit.segment_length, length), limit.segment_length, about)


@verifies("IF-REC-04a")
async def test_loop_switch(province: Province, check: Checks, limits: Limits) -> None:
    """Set and read, for the whole device."""
    records = Records(province, limits("IF-REC-04a").answer_wait.seconds)
    check.step("s1")
    before = await records.loop()
    check.step("s2")
    for value in (0, 1):
        check.equal("IF-REC-04a", await records.loop(value), str(value), f"RecordLoop {value}")
    check.step("s3")
    check.control(await records.loop(int(before or 0)) == before, say("恢复原值", "the old value is back"))


@pytest.mark.long
@verifies("IF-REC-06")
async def test_recording_without_network(
    province: Province, control: DeviceControl, check: Checks, limits: Limits
) -> None:
    """The time line is whole over an outage."""
    limit = limits("IF-REC-06")
    async with kept_plan(Records(province, province.limits["answer_wait"].seconds)) as records:
        check.step("s1")
        since = records.now
        await records.full(1)
        found = await appears(records, since, limit.listed_wait)
        if not check.control(found is not None, say("正在录像", "it records")) or found is None:
            return
        check.step("s2")
        await control.do("link", state="down")
        await province.wire.sleep(max(limit.outage.seconds, 2 * limit.hole.seconds))
        await control.do("link", state="up")
        restored = records.now
        check.step("s3")
        await province.online(within=province.limits["back_online_wait"].seconds)
        last = await appears(records, restored, limit.listed_wait)
        files = sorted((f for f in await records.search() if f.start >= found.start), key=lambda file: file.start_text)
        check.control(last is not None, say("恢复后仍在录像", "it still records afterwards"))
        holes = [(b.start - a.end).total_seconds() for a, b in pairwise(files)]
        about = say(f"{names(files)[:1]} 起最长空缺", f"longest hole from {names(files)[:1]} on")
        check.within("IF-REC-06", max([0.0, *holes]), limit.hole, about)


@verifies("BIZ-REC-02")
async def test_settings_survive_a_reboot(province: Province, check: Checks, limits: Limits) -> None:
    """Full-day recording, loop overwrite and the plan."""
    limit = limits("BIZ-REC-02")
    async with kept_plan(Records(province, limit.answer_wait.seconds)) as records:
        check.step("s1")
        full, loop = (1 - int(await records.full() or 0)), (1 - int(await records.loop() or 0))
        await records.add(elsewhere(records.now))
        before = (await records.full(full), await records.loop(loop), await records.plan())
        check.control(before[:2] == (str(full), str(loop)), say("设置可读回", "the settings are read back"))
        check.step("s2")
        link = await province.online()
        await province.command("REBOOT", within=limit.answer_wait.seconds)
        gone = await link.ended(longest(limit.back_online))
        check.control(gone, say("设备重启", "the device restarts"))
        await province.online(within=longest(limit.back_online))
        check.step("s3")
        after = (await records.full(), await records.loop(), await records.plan())
        check.equal("BIZ-REC-02", after, before, "RecordFull, RecordLoop, WeekPolicy")

"""IF-CTL-03: the picture plan, and pictures that arrive on the FTP server at their time."""

from __future__ import annotations

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from conformance.media.jpeg import jpeg_size
from conformance.model.checks import Checks, say
from conformance.peers.answers import changed
from conformance.peers.ftp_server import FtpServer, Upload
from conformance.peers.province import CHINA, Exchanged, Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.registration_steps import longest, relogin
from specs.model import Limit

PLAN: dict[str, Any] = {"ChannelNo": 0, "StoreType": 0}
NOTICE = "NOTIFY_PICTURE"
LOOKS = 20
AHEAD = dt.timedelta(minutes=10)
NO_PICTURE = say("没有图片上传", "no picture was stored")
Entry = dict[str, str]


async def _query(province: Province) -> dict[str, Entry]:
    """The entries of the plan by PolicyID."""
    answer = await province.command("QUERY_PICTURE_POLICY", **PLAN)
    return {
        entry.get("PolicyID"): {name: entry.get(name) for name in ("Interval", "StartTime", "EndTime")}
        for entry in answer.message.items("DayPolicy")
    }


async def _add(province: Province, *entries: Entry) -> Exchanged:
    return await province.command("ADD_PICTURE_POLICY", breaking=True, **PLAN, DayPolicy=list(entries))


async def _delete(province: Province, number: str) -> Exchanged:
    return await province.command("DEL_PICTURE_POLICY", breaking=True, ChannelNo=0, PolicyID=number)


@asynccontextmanager
async def _empty_plan(province: Province) -> AsyncIterator[None]:
    """Empties the plan and puts it back."""
    before = await _query(province)
    for number in before:
        await _delete(province, number)
    try:
        yield
    finally:
        for number in await _query(province):
            await _delete(province, number)
        if before:
            await _add(province, *before.values())


def _entry(minute: int, interval: int) -> Entry:
    return {"Interval": str(interval), "StartTime": _clock(minute), "EndTime": _clock(minute + max(1, interval))}


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


@verifies("IF-CTL-03")
async def test_picture_plan(province: Province, check: Checks, limits: Limits) -> None:
    """As many entries as there are slots are kept as they were set; one more is refused; each can be deleted."""
    slots = int(limits("IF-CTL-03").day_slots.number)
    far = (dt.datetime.fromtimestamp(province.wire.epoch(), CHINA).hour + 12) % 24 * 60
    wanted = [_entry(far + 10 * number, number) for number in range(slots)]
    async with _empty_plan(province):
        check.step("s1")
        check.equal("IF-CTL-03", await _query(province), {}, say("清空后的策略", "plan once emptied"))
        for entry in wanted:
            answer = await _add(province, entry)
            check.equal("IF-CTL-03", answer.result, 0, f"ADD_PICTURE_POLICY {entry}")
            check.within("IF-CTL-03", answer.seconds, limits("IF-CTL-03").answer_within)
        plan = await _query(province)
        _judge_plan(check, plan, wanted)
        check.step("s2")
        surplus = await _add(province, _entry(far + 10 * slots, 0))
        check.equal("IF-CTL-03", surplus.result, 255, say("多一条策略的应答", "answer to one entry too many"))
        check.equal("IF-CTL-03", await _query(province), plan, say("策略不变", "the plan is as before"))
        check.step("s3")
        for number in list(plan):
            answer = await _delete(province, number)
            check.equal("IF-CTL-03", answer.result, 0, f"DEL_PICTURE_POLICY {number}")
            del plan[number]
            check.equal("IF-CTL-03", await _query(province), plan, say("删除后的策略", "plan after the deletion"))


def _judge_plan(check: Checks, plan: dict[str, Entry], wanted: list[Entry]) -> None:
    """The entries read back are those that were set, whatever their order."""

    def key(entry: Entry) -> tuple[str, str, str]:
        return entry["StartTime"], entry["EndTime"], entry["Interval"]

    found = sorted(plan.values(), key=key)
    check.equal("IF-CTL-03", found, sorted(wanted, key=key), say("查回的策略", "entries read back"))


async def _shoot(province: Province, ftp: FtpServer, check: Checks, lead: Limit, upload: Limit) -> tuple[float, bool]:
    """Have a picture taken by plan. Returns when its time came (wire clock) and whether a file was stored in time."""
    check.step("s1")
    wire = province.wire
    start = (dt.datetime.fromtimestamp(wire.epoch(), CHINA) + AHEAD).replace(second=0, microsecond=0)
    told = start - dt.timedelta(seconds=lead.seconds)
    ftp.forget()
    async with _empty_plan(province):
        moment = _clock(start.hour * 60 + start.minute)
        added = await _add(province, {"Interval": "0", "StartTime": moment, "EndTime": moment})
        check.control(added.result == 0, say("策略可增加", "the entry can be added"))
        check.step("s2")
        province.answers["LOGIN"] = changed(Time=f"{told:%Y%m%d%H%M%S}")
        login = await relogin(province)
        province.clock_shift = told.timestamp() - (wire.epoch() - wire.now() + login.at)
        await province.online(within=province.limits["back_online_wait"].seconds)
        check.step("s3")
        due = login.at + lead.seconds
        stored = await ftp.wait_for(lambda found: found.uploads, max(0.0, due - wire.now()) + longest(upload))
    return due, stored


async def _right_time(province: Province) -> None:
    """Give the device the true time again."""
    province.answers.clear()
    province.clock_shift = 0.0
    await relogin(province)
    await province.online(within=province.limits["back_online_wait"].seconds)


@verifies("IF-CTL-03a", "IF-CTL-03b")
async def test_picture_by_plan(province: Province, ftp: FtpServer, check: Checks, limits: Limits) -> None:
    """At the start of an entry a picture is stored, and then the platform is told."""
    upload, notice = limits("IF-CTL-03a").upload_within, limits("IF-CTL-03b").notice_within
    try:
        due, stored = await _shoot(province, ftp, check, limits("IF-CTL-03a").lead, upload)
        if not stored:
            seen = say(f"{len(ftp.partial)} 次中断的上传", f"{len(ftp.partial)} broken uploads")
            check.fail("IF-CTL-03a", say("图片上传", "a picture is stored"), NO_PICTURE, seen)
            check.inconclusive("IF-CTL-03b", NO_PICTURE)
            return
        picture = ftp.uploads[0]
        check.within("IF-CTL-03a", picture.at - due, upload, picture.path)
        check.step("s4")
        _judge_picture(check, limits, ftp, picture)
        check.step("s2")
        await _judge_notice(province, check, picture, notice)
    finally:
        await _right_time(province)


def _judge_picture(check: Checks, limits: Limits, ftp: FtpServer, picture: Upload) -> None:
    """Account, size and content of the file."""
    users = {c.argument for c in ftp.commands if c.verb == "USER" and c.session == picture.session}
    check.equal("IF-CTL-03a", users, {ftp.user}, say("登录账号", "account"))
    check.within("IF-CTL-03a", len(picture.data), limits("IF-CTL-03a").picture_size, picture.path)
    size = jpeg_size(picture.data)
    expected = say("可解码的完整 JPEG", "a complete JPEG that decodes")
    check.true("IF-CTL-03a", size is not None, expected, f"{size}, sha256 {picture.digest}", picture.path)


async def _judge_notice(province: Province, check: Checks, picture: Upload, within: Limit) -> None:
    """The first notice after the picture: its time, its frame and its DevID."""
    until = picture.at + longest(within)
    while not (notices := [r for r in province.messages(NOTICE) if r.at > picture.at]):
        rest = until - province.wire.now()
        if rest <= 0:
            check.fail("IF-CTL-03b", str(within), say("未收到 0x36", "no 0x36 came"), picture.path)
            return
        await province.wire.sleep(min(rest, longest(within) / LOOKS))
    check.within("IF-CTL-03b", notices[0].at - picture.at, within, picture.path)
    check.step("s3")
    faults = [violation.explain for violation in notices[0].faults]
    check.true("IF-CTL-03b", not faults, say("帧与报文合规", "frame and message as they must be"), "; ".join(faults))
    message = notices[0].message
    seen = (message.root, message.get("DevID"))
    check.equal("IF-CTL-03b", seen, ("NOTIFY_PICTURE_REQ", province.device_id), say("根元素与 DevID", "root and DevID"))

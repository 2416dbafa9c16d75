"""BIZ-ALM-02, BIZ-ALM-03a: when there is something to tell: a device that is away for long, an alarm in armed hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.push_sink import PushBox, Pushed, PushSink
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import (
    INFRARED,
    MOTION,
    Bell,
    Rung,
    arrived,
    bell_of,
    first_of,
    listed,
    listening,
    silent,
)
from conformance.suites.platform.client_steps import accepted, good
from conformance.suites.platform.device_steps import BEATS, offline_time
from conformance.suites.platform.test_anti_hotlink import camera_of

OFFLINE, ONLINE = "offline", "online"
#: Part of the span in which the link flaps; the rest of it is left to the platform.
PACE = 0.25
CHINA = timezone(timedelta(hours=8))
MINUTE, DAY = 60.0, 86400.0
NIGHT = "24:00"
#: Minutes before midnight in which no window of the border test begins.
LATE = 10


async def noticed(box: PushBox, kind: str, terminal: str, after: int, within: float) -> bool:
    """A notice of that kind comes, after so many that were there before."""

    def fits(pushed: Pushed) -> bool:
        mine = box.about(kind, terminal)
        return len(mine) > after and pushed == mine[after]

    found = await first_of(box, fits, within)
    return found is not None


async def back(device: DevicePeer, platform: PlatformBench) -> bool:
    """The device comes online again and stays so."""
    there = await device.come_online()
    device.beat(offline_time(platform) * BEATS)
    return there


@verifies("BIZ-ALM-02")
async def test_offline_notices(
    platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits
) -> None:
    """Away and back once, then twenty times in a row, then away for good."""
    limit = limits("BIZ-ALM-02")
    device = await camera_of(platform, check, owner, "BIZ-ALM-02")
    if device is None:
        return
    async with listening(check, push, owner) as (box,):
        check.step("s1")
        device.leave()
        await _once(check, box, device, OFFLINE, limit)
        check.step("s2")
        check.control(await back(device, platform), say("设备重新上线", "the device comes online again"))
        await _once(check, box, device, ONLINE, limit)
        check.step("s3")
        before = counted(box, device)
        await _flap(platform, device, int(limit.flaps.number), limit.flap_span.seconds * PACE)
        await platform.wire.sleep(limit.settle.seconds)
        notices = sum(counted(box, device)) - sum(before)
        check.figures["notices"] = notices
        flaps = say(f"抖动 {limit.flaps} 次的通知数", f"notices of {limit.flaps} flaps")
        check.within("BIZ-ALM-02", notices, limit.most, flaps)
        check.step("s4")
        device.leave()
        away = await noticed(box, OFFLINE, device.identity.dev_id, counted(box, device)[0], limit.notice.seconds)
        expected = say("抖动之后不再出现的设备得到掉线通知", "a device that stays away after the flapping is reported")
        check.true("BIZ-ALM-02", away, expected, say("无通知", "no notice") if not away else "")


def counted(box: PushBox, device: DevicePeer) -> tuple[int, int]:
    """How many notices of the device there were: offline, online."""
    return len(box.about(OFFLINE, device.identity.dev_id)), len(box.about(ONLINE, device.identity.dev_id))


async def _once(check: Checks, box: PushBox, device: DevicePeer, kind: str, limit: Limits) -> None:
    """One notice of that kind in time, and no second one."""
    begun = box.wire.now()
    came = await noticed(box, kind, device.identity.dev_id, 0, limit.notice.seconds)
    expected = say(f"{limit.notice} 内收到 {kind} 通知", f"a notice {kind} within {limit.notice}")
    check.true("BIZ-ALM-02", came, expected, f"{box.wire.now() - begun:.3g} s")
    await box.wire.sleep(limit.settle.seconds)
    check.equal("BIZ-ALM-02", len(box.about(kind, device.identity.dev_id)), 1, say(f"{kind} 通知数", f"notices {kind}"))


async def _flap(platform: PlatformBench, device: DevicePeer, times: int, span: float) -> None:
    for _ in range(times):
        device.leave()
        await platform.wire.sleep(span / times / 2)
        await back(device, platform)
        await platform.wire.sleep(span / times / 2)


def window(begin: datetime, end: datetime) -> dict[str, Any]:
    """A window of one day, as the document says."""
    until = NIGHT if end.date() != begin.date() else end.strftime("%H:%M")
    return {"week": begin.isoweekday(), "start": begin.strftime("%H:%M"), "end": until}


def whole_day(day: datetime) -> dict[str, Any]:
    """That day of the week from midnight to midnight."""
    return {"week": day.isoweekday(), "start": "00:00", "end": NIGHT}


async def china_now(platform: PlatformBench) -> datetime:
    """The time of the platform, UTC+8."""
    return datetime.fromtimestamp(await platform.platform_now(), UTC).astimezone(CHINA)


async def scheduled(owner: Phone, terminal: str, items: list[dict[str, Any]], kind: int = MOTION) -> Any:
    """Set the armed hours of one kind of alarm of the first channel."""
    query = {"channel": 0, "type": kind}
    return await owner.call("setArming", {"items": items}, query=query, terminal=terminal)


@verifies("BIZ-ALM-03a")
async def test_arming(platform: PlatformBench, owner: Phone, push: PushSink, check: Checks, limits: Limits) -> None:
    """Disarmed and armed days, then both borders of a window where the clock can be moved."""
    limit = limits("BIZ-ALM-03a")
    bell = await bell_of(platform, check, owner, "BIZ-ALM-03a", limit.apart)
    if bell is None:
        return
    terminal = bell.device.identity.dev_id
    today = await china_now(platform)
    later, tomorrow = today + timedelta(days=3), today + timedelta(days=1)
    try:
        async with listening(check, push, owner) as (box,):
            check.step("s1")
            items = sorted((whole_day(later), whole_day(later + timedelta(days=1))), key=lambda item: int(item["week"]))
            accepted(check, "BIZ-ALM-03a", await scheduled(owner, terminal, items), "setArming")
            told = await owner.call("arming", query={"channel": 0, "type": MOTION}, terminal=terminal)
            check.equal("BIZ-ALM-03a", told.items, items, say("读回的时间表", "the schedule read back"))
            check.step("s2")
            await _disarmed(check, owner, box, bell, limit, "another day")
            check.step("s3")
            items = [whole_day(today), whole_day(tomorrow)]
            good(check, await scheduled(owner, terminal, items), "setArming")
            rung = await bell.rung(check, MOTION)
            await arrived(check, "BIZ-ALM-03a", box, rung, limit.arrive, "today")
            if "clock" in platform.loaded.declaration.controls.available:
                check.step("s4")
                await _borders(platform, check, owner, box, bell, limit)
    finally:
        await scheduled(owner, terminal, [])


async def _disarmed(check: Checks, owner: Phone, box: PushBox, bell: Bell, limit: Limits, about: str) -> None:
    """Nothing is told of a disarmed alarm; one of another type, sent after it, arrives."""
    quiet = await bell.rung(check, MOTION)
    loud: Rung = await bell.rung(check, INFRARED)
    await arrived(check, "BIZ-ALM-03a", box, loud, limit.arrive, f"{about}: another type")
    await owner.wire.sleep(limit.settle.seconds)
    silent(check, "BIZ-ALM-03a", box, quiet, about)
    kept = [item for item in await listed(owner, quiet.terminal) if quiet.is_shown_by(item)]
    check.equal("BIZ-ALM-03a", kept, [], say(f"列表中撤防的告警: {about}", f"the disarmed alarm in the list: {about}"))


async def _borders(
    platform: PlatformBench, check: Checks, owner: Phone, box: PushBox, bell: Bell, limit: Limits
) -> None:
    """Beside the beginning and the end of a window of two minutes."""
    moved = 0.0
    now = await china_now(platform)
    try:
        if now.hour == 23 and now.minute >= MINUTE - LATE:
            moved += LATE * MINUTE
            await platform.control.do("clock", advance=LATE * MINUTE)
            now = await china_now(platform)
        begin = now.replace(second=0, microsecond=0) + timedelta(minutes=2)
        end = begin + timedelta(minutes=2)
        terminal, beside = bell.device.identity.dev_id, limit.beside.seconds
        good(check, await scheduled(owner, terminal, [window(begin, end)]), "setArming")
        for at, armed in ((begin, False), (begin, True), (end, True), (end, False)):
            aim = at.timestamp() + (beside if armed is (at is begin) else -beside)
            step = aim - await platform.platform_now()
            moved += step
            await platform.control.do("clock", advance=step)
            about = f"{aim - at.timestamp():+g} s beside {at:%H:%M} UTC+8"
            if armed:
                rung = await bell.rung(check, MOTION)
                await arrived(check, "BIZ-ALM-03a", box, rung, limit.arrive, about)
            else:
                await _disarmed(check, owner, box, bell, limit, about)
    finally:
        await platform.control.do("clock", advance=-moved)

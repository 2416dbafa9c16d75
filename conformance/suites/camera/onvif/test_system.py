"""ONV-SYS-01 to ONV-SYS-03: date and time."""

from __future__ import annotations

import datetime as dt

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.client import clock_of
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.onvif.device_steps import answered, faulted, good

INVALID_DATES = ((2013, 2, 30, 12, 0, 0), (2013, 13, 1, 12, 0, 0), (2013, 6, 1, 24, 0, 0), (2013, 6, 1, 12, 60, 0))


def manual(moment: tuple[int, int, int, int, int, int], zone: str = "") -> str:
    """The body of SetSystemDateAndTime with that UTC date and time; ``zone``: POSIX 1003.1, empty says none."""
    year, month, day, hour, minute, second = moment
    told = f"<tds:TimeZone><tt:TZ>{zone}</tt:TZ></tds:TimeZone>" if zone else ""
    return (
        "<tds:DateTimeType>Manual</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
        f"{told}<tds:UTCDateTime>"
        f"<tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>{minute}</tt:Minute><tt:Second>{second}</tt:Second></tt:Time>"
        f"<tt:Date><tt:Year>{year}</tt:Year><tt:Month>{month}</tt:Month><tt:Day>{day}</tt:Day></tt:Date>"
        "</tds:UTCDateTime>"
    )


def parts(epoch: float) -> tuple[int, int, int, int, int, int]:
    """Unix time as the six numbers of a UTC date and time."""
    told = dt.datetime.fromtimestamp(epoch, dt.UTC)
    return told.year, told.month, told.day, told.hour, told.minute, told.second


async def read(onvif: Onvif) -> Answer:
    """GetSystemDateAndTime; the client follows the clock."""
    return await onvif.client.synchronize()


async def set_clock(onvif: Onvif, epoch: float) -> Answer:
    """Set the clock to a moment, then follow it."""
    answer = await onvif.call("device", "SetSystemDateAndTime", manual(parts(epoch)))
    await read(onvif)
    return answer


async def restore_later(onvif: Onvif) -> None:
    """Have the clock put back as it is, with its type, zone and offset from the bench."""
    before = await read(onvif)
    offset = onvif.client.clock_offset
    kind = before.value("SystemDateAndTime/DateTimeType")
    zone = before.value("SystemDateAndTime/TimeZone/TZ") or ""

    async def restore() -> None:
        if kind == "NTP":
            body = "<tds:DateTimeType>NTP</tds:DateTimeType><tds:DaylightSavings>false</tds:DaylightSavings>"
            told = f"<tds:TimeZone><tt:TZ>{zone}</tt:TZ></tds:TimeZone>" if zone else ""
            await onvif.call("device", "SetSystemDateAndTime", body + told)
        else:
            now = parts(onvif.wire.epoch() + offset)
            await onvif.call("device", "SetSystemDateAndTime", manual(now, zone))
        await read(onvif)

    onvif.undo(restore)


@verifies("ONV-SYS-01")
async def test_reading_the_clock(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A clock that runs."""
    numbers = limits("ONV-SYS-01")
    told: list[tuple[float, float]] = []
    for step in ("s1", "s2"):
        check.step(step)
        answer = await read(onvif)
        if not answered(check, "ONV-SYS-01", answer):
            return
        for name in ("DateTimeType", "DaylightSavings"):
            value = answer.value(f"SystemDateAndTime/{name}")
            allowed = ("Manual", "NTP") if name == "DateTimeType" else ("true", "false", "0", "1")
            check.true("ONV-SYS-01", value in allowed, " | ".join(allowed), value, name)
        clock = clock_of(answer)
        expected = say("合法的 UTCDateTime", "a valid UTCDateTime")
        if not check.true("ONV-SYS-01", clock is not None, expected, answer.summary) or clock is None:
            return
        told.append((answer.at, clock))
        if step == "s1":
            await onvif.wire.sleep(numbers.pause.seconds)
    (earlier, first), (later, second) = told
    about = say("设备时间与测试台时间流逝之差", "device time passed against bench time passed")
    check.within("ONV-SYS-01", abs((second - first) - (later - earlier)), numbers.drift, about)


@verifies("ONV-SYS-02")
async def test_setting_the_clock(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Two hours ahead and back."""
    numbers = limits("ONV-SYS-02")
    check.step("s1")
    await restore_later(onvif)
    check.step("s2")
    wanted = onvif.client.device_now + numbers.shift.seconds
    begun = onvif.wire.now()
    answered(check, "ONV-SYS-02", await set_clock(onvif, wanted))
    check.step("s3")
    answer = await read(onvif)
    clock = clock_of(answer)
    if not good(check, answer) or clock is None:
        return
    off = abs(clock - (wanted + answer.at - begun))
    check.within("ONV-SYS-02", off, numbers.tolerance, say("与所设时间之差", "difference from what was set"))
    check.equal("ONV-SYS-02", answer.value("SystemDateAndTime/DateTimeType"), "Manual", "DateTimeType")


@verifies("ONV-SYS-03")
async def test_invalid_clocks(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """What is on no calendar."""
    check.step("s1")
    await restore_later(onvif)
    good(check, await set_clock(onvif, onvif.client.device_now))
    before = onvif.client.clock_offset
    sender = ("env:Sender", "ter:InvalidArgVal")
    check.step("s2")
    for date in INVALID_DATES:
        answer = await onvif.call("device", "SetSystemDateAndTime", manual(date))
        about = "{:04d}-{:02d}-{:02d} {:02d}:{:02d}:{:02d}".format(*date)
        faulted(check, "ONV-SYS-03", answer, *sender, "ter:InvalidDateTime", about=about)
        await read(onvif)
    check.step("s3")
    body = manual(parts(onvif.client.device_now), zone="INVALIDTIMEZONE")
    answer = await onvif.call("device", "SetSystemDateAndTime", body)
    faulted(check, "ONV-SYS-03", answer, *sender, "ter:InvalidTimeZone", about="INVALIDTIMEZONE")
    check.step("s4")
    await read(onvif)
    moved = abs(onvif.client.clock_offset - before)
    check.within("ONV-SYS-03", moved, limits("ONV-SYS-03").tolerance, say("时钟的移动", "how far the clock moved"))

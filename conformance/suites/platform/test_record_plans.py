"""BIZ-REC-07: the weekly plan of cloud recording is kept as it was set, and followed."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import rfc3339
from conformance.suites.platform.client_steps import accepted, conforming, refused
from conformance.suites.platform.recording_steps import (
    ALWAYS,
    WEEK,
    Scene,
    Span,
    recorded_device,
    runs,
    span_of,
)

DAY_MINUTES, DAY, ZONE = 1440, 86400.0, 8 * 3600.0
Windows = list[dict[str, Any]]

SEVERAL: Windows = [
    {"week": 1, "start": "00:00", "end": "08:30"},
    {"week": 1, "start": "08:30", "end": "12:05"},
    {"week": 1, "start": "23:59", "end": "24:00"},
    {"week": 4, "start": "00:01", "end": "00:02"},
    {"week": 7, "start": "00:00", "end": "24:00"},
]
OTHER: Windows = [{"week": 2, "start": "09:00", "end": "21:00"}, {"week": 6, "start": "07:15", "end": "23:45"}]
BAD: dict[str, Windows] = {
    "no such day": [{"week": 8, "start": "09:00", "end": "10:00"}],
    "day 0": [{"week": 0, "start": "09:00", "end": "10:00"}],
    "backwards": [{"week": 1, "start": "10:00", "end": "09:00"}],
    "empty": [{"week": 1, "start": "10:00", "end": "10:00"}],
    "hour 25": [{"week": 1, "start": "10:00", "end": "25:00"}],
    "no end": [{"week": 1, "start": "10:00"}],
    "a good one and a bad one": [OTHER[0], {"week": 3, "start": "10:00", "end": "09:59"}],
}


def clock_text(minute: int) -> str:
    """``HH:MM`` of a minute of the day."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def windows(minutes: list[tuple[int, int]]) -> Windows:
    """Spans of minutes of the week, none longer than a day's end allows, as windows of its days."""
    found = []
    for day in WEEK:
        low, high = (day - 1) * DAY_MINUTES, day * DAY_MINUTES
        for start, end in minutes:
            first, last = max(start, low), min(end, high)
            if first < last:
                found.append({"week": day, "start": clock_text(first - low), "end": clock_text(last - low)})
    return found


def around(at: float, minutes: int) -> tuple[Windows, Windows]:
    """A plan that holds a moment with so many minutes on both sides, and its complement in the week."""
    week = len(WEEK) * DAY_MINUTES
    # 1970-01-05 was a Monday
    now = int((at + ZONE) // 60 - 4 * DAY_MINUTES) % week
    start, end = (now - minutes) % week, (now + minutes) % week
    if start < end:
        return windows([(start, end)]), windows([(0, start), (end, week)])
    return windows([(0, end), (start, week)]), windows([(end, start)])


def as_set(plan: list[Any]) -> list[tuple[str, str, str]]:
    """Windows in an order of their own."""
    return sorted(tuple(str(one.get(name)) for name in ("week", "start", "end")) for one in plan)  # type: ignore[misc]


@verifies("BIZ-REC-07")
async def test_record_plan(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Plans are set and read while the device shows nothing; then two of them are followed."""
    limit = limits("BIZ-REC-07")
    async with recorded_device(platform, owner, check, "BIZ-REC-07") as scene:
        if scene is None:
            return
        scene.media.interrupt()
        check.step("s1")
        for about, plan in (("several", SEVERAL), ("always", ALWAYS), ("other", OTHER), ("empty", [])):
            accepted(check, "BIZ-REC-07", await scene.plan(plan), about)
            await _read_back(scene, check, plan, about)
        check.step("s2")
        accepted(check, "BIZ-REC-07", await scene.plan(OTHER), "other")
        for about, plan in BAD.items():
            refused(check, "BIZ-REC-07", await scene.plan(plan), "bad_request", about=about)
        await _read_back(scene, check, OTHER, "after the refusals")
        await _followed(scene, check, limit)


async def _read_back(scene: Scene, check: Checks, plan: Windows, about: str) -> None:
    reply = await scene.owner.call("recordPlan", query={"channel": 0}, terminal=scene.dev_id)
    conforming(check, "BIZ-REC-07", scene.owner, reply, about)
    expected = say(f"读回的计划: {about}", f"the plan as it is read back: {about}")
    check.equal("BIZ-REC-07", as_set([one for one in reply.items if isinstance(one, dict)]), as_set(plan), expected)


async def _followed(scene: Scene, check: Checks, limit: Limits) -> None:
    """A plan around the present time between two of its complement."""
    check.step("s3")
    begun = await scene.platform.platform_now()
    inside, outside = around(begun, round(limit.around.number))
    accepted(check, "BIZ-REC-07", await scene.plan(outside), "outside")
    scene.media.resume()
    early = await scene.fetched(limit.quiet.seconds, limit.look.seconds)
    check.true("BIZ-REC-07", not early, say("计划之外不取图像", "no pictures outside of the plan"), str(outside[:3]))
    check.step("s4")
    set_at = await scene.platform.platform_now()
    accepted(check, "BIZ-REC-07", await scene.plan(inside), "inside")
    started = await scene.fetched(limit.begin.seconds, limit.look.seconds)
    expected = say(f"{limit.begin} 内开始录制", f"recording begins within {limit.begin}")
    check.true("BIZ-REC-07", started, expected, str(inside))
    await scene.wire.sleep(limit.length.seconds if started else 0.0)
    accepted(check, "BIZ-REC-07", await scene.plan(outside), "outside")
    ended = await scene.idle(limit.stop.seconds, limit.look.seconds)
    over = await scene.platform.platform_now()
    check.true("BIZ-REC-07", ended, say(f"{limit.stop} 内停止", f"it ends within {limit.stop}"))
    check.step("s5")
    if not started:
        return
    edge = limit.edge.number
    seconds = max(limit.look.seconds, limit.length.seconds - 2 * edge)
    clips = await scene.found(Span(begun, over + edge), seconds, limit.listed.seconds, limit.look.seconds)
    found = runs(filter(None, map(span_of, clips)), edge)
    held = bool(found) and found[0].start >= set_at - edge and found[-1].end <= over + edge
    told = ", ".join(f"{rfc3339(one.start)} .. {rfc3339(one.end)}" for one in found)
    within = f"{rfc3339(set_at)} .. {rfc3339(over)}"
    check.true("BIZ-REC-07", held, say(f"录像均在 {within} 之内", f"recordings within {within}"), told)

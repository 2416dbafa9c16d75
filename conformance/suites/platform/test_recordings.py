"""BIZ-REC-05: what a platform has recorded is found as it was, and shows the pictures of that time."""

from __future__ import annotations

from itertools import pairwise

from conformance.media.burned_in_label import device_code
from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import rfc3339
from conformance.suites.platform.client_steps import accepted, conforming
from conformance.suites.platform.recording_steps import (
    ALWAYS,
    MILLISECONDS,
    Scene,
    Span,
    recorded_device,
    runs,
    span_of,
    watched,
)

DAY = 86400.0
ZONE = 8 * 3600.0


@verifies("BIZ-REC-05")
async def test_search_and_playback(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """A recording in two parts, with a gap that the device made."""
    limit = limits("BIZ-REC-05")
    async with recorded_device(platform, owner, check, "BIZ-REC-05") as scene:
        if scene is None:
            return
        check.step("s1")
        begun = await platform.platform_now()
        if not await two_parts(scene, check, limit):
            return
        parts = runs((span.later(scene.ahead) for span in scene.truth), limit.shortest_gap.seconds)
        if not check.control(len(parts) == 2, say("图像分两段发出", "pictures were sent in two parts")):
            return
        check.step("s2")
        clips = await _searched(scene, check, limit, parts, begun)
        if clips:
            check.step("s3")
            await _played(scene, check, limit, parts, clips)
            check.step("s4")
            await _sought(scene, check, limit, parts)


async def two_parts(scene: Scene, check: Checks, limit: Limits) -> bool:
    """Record, interrupt the pictures, record again, and end."""
    wire, media = scene.wire, scene.media
    if not accepted(check, "BIZ-REC-05", await scene.plan(ALWAYS), "setRecordPlan"):
        return False
    for part in range(2):
        if not await scene.begun(check, limit.begin.seconds, limit.look.seconds):
            return False
        await wire.sleep(limit.length.seconds)
        if part == 0:
            media.interrupt()
            await wire.sleep(limit.gap.seconds)
            media.resume()
    accepted(check, "BIZ-REC-05", await scene.plan([]), "setRecordPlan")
    ended = await scene.idle(limit.begin.seconds, limit.look.seconds)
    return check.true("BIZ-REC-05", ended, say("计划清空后停止录制", "recording ends when the plan is emptied"))


def day_of(at: float) -> Span:
    """The day, in UTC+8, that holds a moment."""
    start = (at + ZONE) // DAY * DAY - ZONE
    return Span(start, start + DAY)


def told(spans: list[Span]) -> str:
    """For people."""
    return ", ".join(f"{rfc3339(span.start)} .. {rfc3339(span.end)}" for span in spans)


async def _searched(scene: Scene, check: Checks, limit: Limits, parts: list[Span], begun: float) -> list[Span]:
    """The clips that the day has since ``begun``, in order; empty where nothing can be compared."""
    day, edge = day_of(parts[-1].end), limit.edge.number
    whole = Span(max(begun - edge, day.start), parts[-1].end + edge)
    wanted = sum(part.seconds - 2 * edge for part in parts)
    items = await scene.found(whole, max(wanted, limit.look.seconds), limit.listed.seconds, limit.look.seconds)
    spans = [span_of(item) for item in items]
    clips = sorted((span for span in spans if span is not None), key=lambda span: span.start)
    conforming(check, "BIZ-REC-05", scene.owner, await scene.history(whole))
    found = runs(clips, limit.shortest_gap.seconds)
    expected = say(f"两段录像: {told(parts)}", f"two parts: {told(parts)}")
    if not check.true("BIZ-REC-05", len(found) == len(parts) and None not in spans, expected, told(found)):
        return []
    for part, run in zip(parts, found, strict=True):
        check.within("BIZ-REC-05", abs(run.start - part.start), limit.edge, say("起点误差", "error of the start"))
        check.within("BIZ-REC-05", abs(run.end - part.end), limit.edge, say("终点误差", "error of the end"))
    middle = Span(clips[0].start + clips[0].seconds / 2, clips[0].end)
    gap = Span(found[0].end, found[1].start)
    quarter = gap.seconds / 4
    ids = [item.get("id") for item in items]
    by_day = [item.get("id") for item in await scene.search(day)]
    check.equal("BIZ-REC-05", [one for one in by_day if one in ids], ids, say("按日检索", "search of the day"))
    for about, span, count in (
        ("inside the gap", Span(gap.start + quarter, gap.end - quarter), 0),
        ("before the first", Span(whole.start - DAY / 24, clips[0].start), 0),
        ("from inside the first clip", middle, 1),
    ):
        there = [item.get("id") for item in await scene.search(span) if count or item.get("id") in ids]
        check.equal("BIZ-REC-05", there, ids[:count], say(f"检索: {about}", f"search: {about}"))
    return clips


async def _played(scene: Scene, check: Checks, limit: Limits, parts: list[Span], clips: list[Span]) -> None:
    reply = await scene.playback(Span(clips[0].start, clips[-1].end))
    if not accepted(check, "BIZ-REC-05", reply, "playback"):
        return
    conforming(check, "BIZ-REC-05", scene.owner, reply)
    shown = await watched(scene.owner, str(reply.at("hls") or ""))
    check.equal("BIZ-REC-05", shown.failures, [], say("全部分片可取得", "every segment can be had"))
    labels = shown.labels
    if not check.true("BIZ-REC-05", len(labels) > 1, say("有可读的画面标记", "there are labels"), len(labels)):
        return
    codes = {(label.device, label.channel) for label in labels}
    check.equal("BIZ-REC-05", codes, {(device_code(scene.dev_id), 0)}, say("设备与通道", "device and channel"))
    times = [label.time_ms / MILLISECONDS + scene.ahead for label in labels]
    check.true("BIZ-REC-05", times == sorted(times), say("画面依时间次序", "pictures in order of time"))
    for part in parts:
        mine = [at for at in times if part.start - limit.edge.number <= at <= part.end + limit.edge.number]
        for at, edge in ((part.start, min), (part.end, max)):
            off = abs(edge(mine) - at) if mine else DAY
            check.within("BIZ-REC-05", off, limit.edge, say("画面时间与实际之差", "pictures against the truth"))
    firsts = [(segment, found[0].time_ms, found[-1].time_ms) for segment, found in shown.clips if found]
    jumps = [
        after[0].discontinuity
        for before, after in pairwise(firsts)
        if (after[1] - before[2]) / MILLISECONDS > limit.shortest_gap.number
    ]
    check.equal("BIZ-REC-05", jumps, [True], say("空档处的不连续标记", "discontinuity mark at the gap"))


async def _sought(scene: Scene, check: Checks, limit: Limits, parts: list[Span]) -> None:
    """Playback from the middle of the second part."""
    at = parts[1].start + parts[1].seconds / 2
    reply = await scene.playback(Span(at, parts[1].end))
    if not accepted(check, "BIZ-REC-05", reply, "seek"):
        return
    labels = (await watched(scene.owner, str(reply.at("hls") or ""), most=1)).labels
    times = [label.time_ms / MILLISECONDS + scene.ahead for label in labels]
    expected = say(
        f"画面自 {rfc3339(at)} 之前 {limit.early} 以内开始且包含该时刻",
        f"pictures that begin no more than {limit.early} before {rfc3339(at)} and hold it",
    )
    edge = limit.edge.number
    held = bool(times) and at - limit.early.number <= times[0] <= at + edge and times[-1] >= at - edge
    check.true("BIZ-REC-05", held, expected, told([Span(times[0], times[-1])]) if times else "-")

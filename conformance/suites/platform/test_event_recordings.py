"""BIZ-REC-04: one recording for each event, all of the same length."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.alarm_steps import MOTION, Bell
from conformance.suites.platform.recording_steps import Scene, Span, recorded_device, span_of

REQUIREMENT = "BIZ-REC-04"


@verifies("BIZ-REC-04")
async def test_events(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Events that follow each other sooner than a recording is long, without a plan."""
    limit = limits(REQUIREMENT)
    events = int(limit.events.number)
    async with recorded_device(platform, owner, check, REQUIREMENT) as scene:
        if scene is None:
            return
        check.step("s1")
        begun = await platform.platform_now()
        bell = Bell(scene.media.device, limit.apart.seconds)
        for _ in range(events):
            await bell.rung(check, MOTION)
        check.step("s2")
        items = await _listed(scene, begun, events, limit)
        named = [str(item.get("event")) for item in items]
        each = say(f"{events} 次事件各有一段录像", f"one recording for each of {events} events")
        check.true(REQUIREMENT, len(set(named)) == len(named) == events, each, f"{len(named)} ({len(set(named))})")
        lengths = [span.seconds for span in map(span_of, items) if span is not None]
        if lengths:
            uneven = max(lengths) - min(lengths)
            check.within(REQUIREMENT, uneven, limit.uneven, say("各段时长之差", "difference of the lengths"))


async def _listed(scene: Scene, begun: float, events: int, limit: Limits) -> list[dict[str, Any]]:
    """The recordings of events since a moment, waited for."""
    wire = scene.wire
    until = wire.now() + limit.listed.seconds
    while True:
        whole = Span(begun - 1.0, await scene.platform.platform_now() + 1.0)
        items = [item for item in await scene.search(whole) if item.get("event")]
        if len(items) >= events or wire.now() > until:
            return items
        await wire.sleep(limit.look.seconds)

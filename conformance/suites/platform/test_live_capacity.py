"""BIZ-KPI-06a: the declared number of live sessions at once, and where the knee is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.network_profile import network_profile
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.fleet_samples import percentile
from conformance.peers.platform.http_play import HttpPlay
from conformance.peers.platform.phone import Phone
from conformance.peers.streams.flv_player import FlvPlay
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.platform.live_steps import SUB, a_live_camera


@dataclass(frozen=True, slots=True)
class Audience:
    """Viewers who watched together. ``first``: seconds to the first key picture of those who were served."""

    viewers: int
    first: list[float]

    @property
    def failed(self) -> float:
        """Share of the plays that failed, in per cent."""
        return 100.0 * (self.viewers - len(self.first)) / self.viewers

    @property
    def p95(self) -> float:
        """95th percentile of the time to the first picture, seconds; NaN of nothing."""
        return percentile(self.first, 95)

    def as_figures(self) -> dict[str, Any]:
        """For the figures of a report."""
        times = {f"p{rank}_ms": percentile(self.first, rank) * 1000 for rank in (50, 95, 100)}
        known = {name: round(value, 1) for name, value in times.items() if not math.isnan(value)}
        return {"viewers": self.viewers, "failed_percent": round(self.failed, 2), **known}


def first_picture(play: FlvPlay, limit: Limits, ended: float) -> float | None:
    """Seconds to the first key picture of a play; None where it failed. ``ended``: when the watching ended."""
    moments = [(at, tag) for tag, at in zip(play.tags, play.arrivals, strict=True) if tag.is_picture]
    first = next((at for at, tag in moments if tag.is_key), None)
    if first is None or play.complete or play.error is not None:
        return None
    waited = first - play.began
    return waited if limit.first_picture.holds(waited) and limit.gap.holds(ended - moments[-1][0]) else None


async def watched_by(platform: PlatformBench, owner: Phone, terminal: str, viewers: int, limit: Limits) -> Audience:
    """So many plays of one camera at once, each of an address of its own."""
    wire = platform.wire
    plays = []
    for _ in range(viewers):
        reply = await owner.call("play", {"channel": 0, "stream": SUB}, terminal=terminal)
        plays.append(HttpPlay(owner, reply, platform.limits))
    tasks = [
        wire.spawn(play.flv_player().play(limit.hold.seconds), f"viewer {number}")
        for number, play in enumerate(plays)
        if play.flv
    ]
    found = [(await task, wire.now()) for task in tasks]
    ended = min((at for _, at in found), default=wire.now())
    times = [first_picture(play, limit, ended) for play, _ in found]
    return Audience(viewers, [seconds for seconds in times if seconds is not None])


@verifies("BIZ-KPI-06a")
async def test_live_sessions(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """In steps up to the declared number, and one step beyond."""
    limit, capacity = limits("BIZ-KPI-06a"), platform.declared.capacity
    assert capacity is not None
    async with a_live_camera(platform, owner, check, "BIZ-KPI-06a") as device:
        if device is None:
            return
        terminal, steps = device.identity.dev_id, int(limit.steps.number)
        check.step("s1")
        levels = [await watched_by(platform, owner, terminal, 1, limit)]
        one = say("单个观看者可播放", "one viewer is served")
        if not check.control(levels[0].failed == 0, one):
            return
        for step in range(1, steps + 1):
            viewers = max(1, capacity.live_sessions * step // steps)
            levels.append(await watched_by(platform, owner, terminal, viewers, limit))
        about = say(f"{levels[-1].viewers} 个并发观看的失败率", f"plays that failed of {levels[-1].viewers} at once")
        check.within("BIZ-KPI-06a", levels[-1].failed, limit.error_rate, about)
        check.step("s2")
        beyond = math.ceil(capacity.live_sessions * limit.beyond_factor.number)
        levels.append(await watched_by(platform, owner, terminal, beyond, limit))
    reached = next((level for level in levels[2:] if slow(level, levels[1], limit)), None)
    check.figures["live_sessions"] = {
        "network": network_profile(platform.wire),
        "hardware": capacity.hardware,
        "levels": [level.as_figures() for level in levels],
        "knee": reached.as_figures() if reached else f"not reached at {beyond} viewers",
    }


def slow(level: Audience, few: Audience, limit: Limits) -> bool:
    """Whether a level fails too often, or begins slower, by the factor of the knee, than the first step; the one
    viewer before that waited for the stream to be fetched."""
    late = math.isnan(level.p95) or level.p95 > max(limit.knee_least.seconds, limit.knee_factor.number * few.p95)
    return late or not limit.error_rate.holds(level.failed)

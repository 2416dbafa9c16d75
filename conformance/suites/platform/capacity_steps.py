"""Stepping a fleet up to the declared capacity and beyond, and where the knee is. Everything comes from raw samples."""

from __future__ import annotations

import math
from dataclasses import dataclass

from conformance.peers.platform.fleet import Fleet, Report
from conformance.peers.platform.fleet_samples import Sample, Summary, What, good, of_kind, summary


@dataclass(frozen=True, slots=True)
class Level:
    """One level of load. ``wanted``: heartbeats a second that the fleet was told to send; ``due``: those that it got
    round to, a second; ``kept``: those of them that were answered, a second; ``cores``: processor cores that the fleet
    took."""

    members: int
    wanted: float
    due: float
    kept: float
    beats: Summary
    cores: float

    def as_figures(self) -> dict[str, float]:
        """For the figures of a report."""
        rates = {"heartbeats_per_second": round(self.wanted, 1), "answered_per_second": round(self.kept, 1)}
        return {"members": self.members, **rates, "fleet_cores": round(self.cores, 3), **self.beats.as_figures()}


async def hold(fleet: Fleet, interval: float, seconds: float, longest: float) -> tuple[Level, Report]:
    """Hold the members that are there at that interval, at least for one round of heartbeats. What begins in that time
    counts, its answers also when they come after it."""
    await fleet.pace(interval)
    report = await fleet.hold(max(seconds, interval))
    rest = await fleet.until_answered(fleet.order.answer_wait)
    online, end = report.state.online, report.state
    begin = report.before or end
    span = end.now - begin.now
    beats = [s for s in of_kind((*report.samples, *rest.samples), What.HEARTBEAT) if begin.now <= s.start < end.now]
    due, kept = ((end.beats - begin.beats) / span, good(beats) / span) if span else (0.0, 0.0)
    return Level(online, online / interval, due, kept, summary(beats, longest), report.cores), report


def knee(levels: list[Level], highest_errors: float, factor: float) -> Level | None:
    """The first level that fails too often, or answers slower than ``factor`` times the first one."""
    first = levels[0].beats.p95
    for level in levels:
        slow = math.isnan(level.beats.p95) or (not math.isnan(first) and level.beats.p95 > factor * first)
        if level.beats.error_rate > highest_errors or slow:
            return level
    return None


def entries(samples: list[Sample]) -> list[Sample]:
    """Registrations, logins and ability reports: what a device needs to come online."""
    return [sample for sample in samples if sample.what in (What.REGISTER, What.LOGIN, What.ABILITIES)]

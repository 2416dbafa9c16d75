"""Where the knee of a platform is."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.peers.platform.fleet import Report
from conformance.peers.platform.fleet_order import FleetState
from conformance.peers.platform.fleet_samples import Outcome, Sample, Summary, What
from conformance.suites.platform.capacity_steps import Level, entries, hold, knee


def level(wanted: float, p95: float, errors: int = 0, count: int = 1000) -> Level:
    return Level(1000, wanted, wanted, wanted, Summary(count, errors, p95 / 2, p95, p95, p95), 0.1)


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ([level(100, 0.01), level(200, 0.02), level(400, 0.04)], None),
        ([level(100, 0.01), level(200, 0.041), level(400, 0.3)], 200),
        ([level(100, 0.01), level(200, 0.01, errors=2), level(400, 0.01)], 200),
        ([level(100, 0.01), level(200, 0.01, errors=1)], None),
        ([level(100, 0.01), level(200, math.nan, errors=1000)], 200),
        ([level(100, math.nan, errors=1000)], 100),
        ([level(100, 0.01, count=0)], 100),
    ],
)
def test_it_is_the_first_level_that_fails_or_slows(levels: list[Level], found: float | None) -> None:
    at = knee(levels, 0.1, 4.0)
    assert (at.wanted if at else None) == found


def test_a_level_tells_its_figures() -> None:
    assert level(100, 0.0123).as_figures() == {
        "members": 1000,
        "heartbeats_per_second": 100,
        "answered_per_second": 100,
        "fleet_cores": 0.1,
        "samples": 1000,
        "errors": 0,
        "error_percent": 0.0,
        "p50_ms": 6.15,
        "p95_ms": 12.3,
        "p99_ms": 12.3,
        "worst_ms": 12.3,
    }


def test_heartbeats_and_returns_are_no_entries() -> None:
    samples = [Sample(1, what, Outcome.OK, 0.0, 0.1) for what in What]
    assert [sample.what for sample in entries(samples)] == [What.REGISTER, What.LOGIN, What.ABILITIES]


class ReplayedFleet:
    """A fleet of two hundred, held from second 10 to 12; a tenth of the answers comes after that."""

    order = SimpleNamespace(answer_wait=5.0)

    def __init__(self, beats: int) -> None:
        self.beats = beats

    async def pace(self, interval: float) -> None:
        assert interval == 2.0

    async def hold(self, seconds: float) -> Report:
        assert seconds == 2.0
        early = Sample(0, What.HEARTBEAT, Outcome.OK, 9.9, 0.2)
        return Report(state(12.0, self.beats), (early, *(beat(n) for n in range(180))), state(10.0, 0))

    async def until_answered(self, within: float) -> Report:
        assert within == 5.0
        late = Sample(0, What.HEARTBEAT, Outcome.OK, 12.1, 0.001)
        return Report(state(12.6, self.beats), (*(beat(n) for n in range(180, self.beats)), late), None)


def beat(number: int) -> Sample:
    return Sample(number, What.HEARTBEAT, Outcome.OK, 10.0 + number / 100, 0.001 if number < 180 else 0.5)


def state(now: float, beats: int) -> FleetState:
    return FleetState(now, now / 10, 30.0, 200, 200, 0, 0, 0, beats)


@pytest.mark.parametrize(("beats", "rate"), [(200, 100.0), (190, 95.0)])
def test_what_begins_in_the_time_counts_and_is_waited_for(beats: int, rate: float) -> None:
    fleet: Any = ReplayedFleet(beats)
    found, _ = asyncio.run(hold(fleet, 2.0, 1.0, 5.0))
    assert (found.wanted, found.due, found.kept) == (100.0, rate, rate)
    assert (found.beats.count, found.beats.worst) == (beats, 0.5)
    assert found.cores == pytest.approx(0.1)

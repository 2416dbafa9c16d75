"""Where the knee of a platform is."""

from __future__ import annotations

import math

import pytest

from conformance.peers.platform.fleet_samples import Outcome, Sample, Summary, What
from conformance.suites.platform.capacity_steps import Level, entries, knee


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

"""Raw samples of a fleet: every transaction with its member, its start, its duration and how it ended.

Everything that is judged is computed from them, so that anybody can compute it again from the evidence.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

RECORD = struct.Struct("<IBBdf")


class What(IntEnum):
    """What a sample measured. ``BACK``: from the loss of a connection until the member was online again."""

    REGISTER = 1
    LOGIN = 2
    ABILITIES = 3
    HEARTBEAT = 4
    BACK = 5


class Outcome(IntEnum):
    """How a transaction ended. ``REFUSED``: Result other than 0; ``BROKEN``: an answer that is no right one."""

    OK = 0
    REFUSED = 1
    TIMEOUT = 2
    LOST = 3
    BROKEN = 4


@dataclass(frozen=True, slots=True)
class Sample:
    """One transaction. ``start``: seconds since the fleet began; ``seconds``: until it ended."""

    member: int
    what: What
    outcome: Outcome
    start: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What many samples say together. Times in seconds, of the good ones only; NaN where there is none."""

    count: int
    errors: int
    p50: float
    p95: float
    p99: float
    worst: float

    @property
    def error_rate(self) -> float:
        """Share of the transactions that failed, in per cent; 100 where there was none."""
        return 100.0 * self.errors / self.count if self.count else 100.0

    def as_figures(self) -> dict[str, float]:
        """For the figures of a report: milliseconds, per cent."""
        times = {"p50_ms": self.p50, "p95_ms": self.p95, "p99_ms": self.p99, "worst_ms": self.worst}
        rounded = {name: round(value * 1000, 2) for name, value in times.items() if not math.isnan(value)}
        return {"samples": self.count, "errors": self.errors, "error_percent": round(self.error_rate, 4), **rounded}


def read_samples(raw: bytes) -> tuple[Sample, ...]:
    """The samples in the bytes that a fleet hands out (``RECORD`` after ``RECORD``). Raises ValueError."""
    if len(raw) % RECORD.size:
        raise ValueError(f"{len(raw)} bytes are no whole number of samples")
    return tuple(
        Sample(member, What(what), Outcome(outcome), start, seconds)
        for member, what, outcome, start, seconds in RECORD.iter_unpack(raw)
    )


def of_kind(samples: Iterable[Sample], what: What) -> Iterator[Sample]:
    """The samples of one kind."""
    return (sample for sample in samples if sample.what is what)


def percentile(values: list[float], rank: float) -> float:
    """Nearest-rank percentile; NaN of nothing."""
    if not values:
        return math.nan
    ordered = sorted(values)
    return ordered[max(0, math.ceil(rank / 100 * len(ordered)) - 1)]


def summary(samples: Iterable[Sample], longest: float = math.inf) -> Summary:
    """Counts and percentiles; what took longer than ``longest`` seconds counts as failed."""
    taken = list(samples)
    good = [sample.seconds for sample in taken if sample.outcome is Outcome.OK and sample.seconds <= longest]
    ranks = (percentile(good, rank) for rank in (50, 95, 99, 100))
    return Summary(len(taken), len(taken) - len(good), *ranks)


def good(samples: Iterable[Sample]) -> int:
    """How many were answered as they should be."""
    return sum(sample.outcome is Outcome.OK for sample in samples)


def busiest_second(starts: Iterable[float]) -> int:
    """The most starts within any one second."""
    ordered, first, most = sorted(starts), 0, 0
    for last, at in enumerate(ordered):
        while at - ordered[first] >= 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most

"""Statistics of RTP streams: literal vectors at the wraps, and plain loops over the same packets as reference."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.media.rtp_statistics import (
    StreamStatistics,
    count_sequence,
    frame_rate,
    interarrival_jitter,
    stream_statistics,
)


def counts(*sequences: int) -> tuple[int, int, int, int]:
    """expected, lost, duplicates, reordered."""
    return count_sequence(np.array(sequences, np.uint16))


# sequence numbers


@pytest.mark.parametrize(
    ("sequences", "expected"),
    [
        ((7,), (1, 0, 0, 0)),
        ((7, 8, 9), (3, 0, 0, 0)),
        ((7, 9), (3, 1, 0, 0)),
        ((65534, 65535, 0, 1), (4, 0, 0, 0)),
        ((65534, 1), (4, 2, 0, 0)),
        ((65535, 65535, 0), (2, 0, 1, 0)),
        ((65535, 0, 0, 1), (3, 0, 1, 0)),
        ((65535, 0, 65535), (2, 0, 1, 0)),
        ((65534, 0, 65535, 1), (4, 0, 0, 1)),
        ((65533, 1, 65535, 65534, 0, 2), (6, 0, 0, 3)),
        ((65533, 1, 65535, 65535, 2), (6, 2, 1, 1)),
        ((5, 6, 8, 7, 7, 9), (5, 0, 1, 1)),
        ((5, 5, 5), (1, 0, 2, 0)),
    ],
)
def test_counts(sequences: tuple[int, ...], expected: tuple[int, int, int, int]) -> None:
    assert counts(*sequences) == expected


def test_several_turns_of_the_sequence() -> None:
    sequences = (np.arange(200_000) + 65_000) % 65_536
    kept = np.delete(sequences, [10, 100_000, 150_000])
    assert count_sequence(kept.astype(np.uint16)) == (200_000, 3, 0, 0)


def plain_counts(sequences: list[int]) -> tuple[int, int, int, int]:
    extended = highest = 0
    seen, duplicates, reordered = {0}, 0, 0
    for earlier, later in pairwise(sequences):
        extended += (later - earlier + 0x8000) % 0x10000 - 0x8000
        if extended in seen:
            duplicates += 1
        elif extended < highest:
            reordered += 1
        seen.add(extended)
        highest = max(highest, extended)
    return highest + 1, sum(number not in seen for number in range(highest + 1)), duplicates, reordered


@given(st.integers(0, 65535), st.lists(st.integers(-5, 12), max_size=120))
def test_counts_against_a_plain_loop(first: int, steps: list[int]) -> None:
    sequences = [first]
    for step in steps:
        sequences.append((sequences[-1] + step) % 65_536)
    assert counts(*sequences) == plain_counts(sequences)


# jitter


def plain_jitter(timestamps: list[int], arrivals: list[float], clock: int) -> list[float]:
    """RFC 3550 6.4.1, packet by packet, in seconds."""
    jitter, values = 0.0, [0.0]
    for (old_stamp, old_time), (stamp, time) in pairwise(zip(timestamps, arrivals, strict=True)):
        step = (stamp - old_stamp + (1 << 31)) % (1 << 32) - (1 << 31)
        jitter += (abs((time - old_time) - step / clock) - jitter) / 16
        values.append(jitter)
    return values


@pytest.mark.parametrize("count", [1, 2, 3, 17, 1000, 5000])
@pytest.mark.parametrize("start", [0, 0xFFFF_F000])
def test_jitter_against_a_plain_loop(count: int, start: int) -> None:
    rng = random.Random(count)
    timestamps = [(start + index // 3 * 3600) % 2**32 for index in range(count)]
    arrivals = [1000 + index / 75 + rng.uniform(0, 0.02) for index in range(count)]
    steps = np.diff(np.array(timestamps, np.uint32)).view(np.int32)
    measured = interarrival_jitter(steps, np.array(arrivals), 90_000)
    assert measured.tolist() == pytest.approx(plain_jitter(timestamps, arrivals, 90_000), rel=1e-9, abs=1e-15)


def test_jitter_of_one_late_packet() -> None:
    """A delay of 16 ms moves the jitter by 1 ms; the return adds 1 ms more to the 15/16 that are left."""
    figures = stream_statistics([1, 2, 3], [0, 8000, 16000], [0.0, 1.016, 2.0], [12] * 3, 8000)
    assert figures.jitter == pytest.approx(0.001 * 15 / 16 + 0.001)
    assert figures.max_jitter == figures.jitter
    assert figures.mean_jitter == pytest.approx((0 + 0.001 + 0.0019375) / 3)


def test_the_timestamp_wrap_is_no_jitter() -> None:
    stamps = [0xFFFF_FFFF - 3599, 0, 3600]
    figures = stream_statistics([1, 2, 3], stamps, [0.0, 0.04, 0.08], [100] * 3, 90_000)
    assert figures.jitter == pytest.approx(0, abs=1e-12)
    assert (figures.frames, figures.frame_rate) == (3, 25.0)


# frame rate


@pytest.mark.parametrize(
    ("stamps", "frames", "rate"),
    [
        ([0, 0, 0], 1, None),
        ([0, 0, 3600, 3600, 7200], 3, 25.0),
        ([0, 3600, 10800, 14400, 18000], 5, 25.0),
        ([0, 7200, 3600, 10800], 4, 25.0),
        ([0, 3000, 6003, 9006, 12009], 5, 90_000 / 3002.25),
    ],
)
def test_frame_rate(stamps: list[int], frames: int, rate: float | None) -> None:
    assert frame_rate(np.diff(np.array(stamps, np.uint32)).view(np.int32), 90_000) == (frames, rate)


# whole streams


def stream(**changes: object) -> StreamStatistics:
    given: dict[str, object] = {
        "sequences": [10, 11, 12, 13],
        "timestamps": [0, 0, 3600, 3600],
        "arrivals": [100.0, 100.01, 100.04, 101.0],
        "sizes": [1000, 500, 1000, 500],
    }
    values = {**given, **changes}
    return stream_statistics(
        values["sequences"], values["timestamps"], values["arrivals"], values["sizes"], 90_000,  # type: ignore[arg-type]
    )  # fmt: skip


def test_figures_of_a_stream() -> None:
    figures = stream()
    assert (figures.packets, figures.bytes, figures.expected, figures.lost) == (4, 3000, 4, 0)
    assert (figures.first_time, figures.last_time, figures.duration) == (100.0, 101.0, 1.0)
    assert (figures.bitrate, figures.loss_ratio) == (24_000.0, 0.0)
    assert (figures.interval, figures.bitrates) == (1.0, (20_000.0, 4_000.0))
    assert (figures.frames, figures.frame_rate, figures.clock_rate) == (2, 25.0, 90_000)


def test_payload_types_and_markers() -> None:
    figures = stream_statistics([1, 2, 3], [0, 0, 1], [0, 0, 1], [12] * 3, 8000, marks=[96, 0x80 | 96, 8])
    assert (dict(figures.payload_types), figures.markers) == ({8: 1, 96: 2}, 1)


def test_one_packet_is_a_stream() -> None:
    figures = stream_statistics([65535], [0], [5.0], [20], 90_000)
    assert (figures.packets, figures.expected, figures.bitrate, figures.frame_rate) == (1, 1, 0.0, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"sequences": [], "timestamps": [], "arrivals": [], "sizes": []},
        {"sequences": [1, 2, 3]},
        {"sequences": [1, 2, 3, 65_536]},
        {"timestamps": [0, 0, 0, -1]},
        {"sequences": [1.5, 2, 3, 4]},
    ],
)
def test_what_is_no_stream(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        stream(**changes)


# curves


def curves(
    arrivals: list[float], sizes: list[int] | None = None, timestamps: list[int] | None = None
) -> StreamStatistics:
    count = len(arrivals)
    return stream_statistics(range(count), timestamps or [0] * count, arrivals, sizes or [100] * count, 8000)


def test_bit_rate_curve() -> None:
    slow = curves([50.0, 50.4, 51.2, 53.0], [100, 100, 50, 25])
    assert slow.bitrate_points() == [(0.0, 1600.0), (1.0, 400.0), (2.0, 0.0), (3.0, 200.0)]
    assert curves([50.0, 50.5]).bitrate_points(0.25) == [(0.0, 3200.0), (0.25, 0.0), (0.5, 3200.0)]


@pytest.mark.parametrize("interval", [0, -1, 1e-9])
def test_an_interval_that_gives_no_curve(interval: float) -> None:
    with pytest.raises(ValueError):
        curves([0.0, 1.0]).bitrate_points(interval)


def test_interval_curve() -> None:
    assert curves([10.0, 10.5, 10.75]).interval_points == [(0.5, 500.0), (0.75, 250.0)]
    assert curves([10.0]).interval_points == []


def test_jitter_curve() -> None:
    points = curves([7.0, 8.016, 9.0], timestamps=[0, 8000, 16000]).jitter_points
    assert [time for time, _ in points] == pytest.approx([0.0, 1.016, 2.0])
    assert [value for _, value in points] == pytest.approx([0.0, 1.0, 1.9375])


def test_long_curves_are_thinned_and_keep_their_peaks() -> None:
    arrivals = [index * 0.001 + (0.5 if index >= 7_777 else 0) for index in range(10_000)]
    points = curves(arrivals).interval_points
    assert len(points) == 2000
    assert max(value for _, value in points) == pytest.approx(501.0)

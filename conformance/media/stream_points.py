"""Curves of one RTP stream for plots: lists of (seconds since the first packet, value)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from conformance.media.rtp_statistics import MOST_INTERVALS, interarrival_jitter

if TYPE_CHECKING:
    import numpy.typing as npt

Points = list[tuple[float, float]]
MOST_POINTS = 2_000


def bitrate_points(arrivals: npt.ArrayLike, sizes: npt.ArrayLike, interval: float = 1.0) -> Points:
    """bit/s in each ``interval`` seconds, at the beginning of each; the last one may be cut short by the end.

    arrivals: seconds, shape (n,), n >= 1. sizes: bytes, shape (n,). Raises ValueError for an interval that is not above
    0 or gives more than 100 000 points.
    """
    times, weights = _since_first(arrivals), np.asarray(sizes, np.float64)
    if interval <= 0 or float(times.max()) / interval >= MOST_INTERVALS:
        raise ValueError(f"an interval of {interval} s gives no plot")
    places = np.maximum(times / interval, 0).astype(np.int64)
    rates = np.bincount(places, weights=weights) * 8 / interval
    return [(index * interval, rate) for index, rate in enumerate(rates.tolist())]


def interval_points(arrivals: npt.ArrayLike, most: int = MOST_POINTS) -> Points:
    """Milliseconds between each packet and the one before, at its arrival; at most ``most`` points, peaks kept."""
    times = _since_first(arrivals)
    return _thinned(times[1:], np.diff(times) * 1e3, most)


def jitter_points(
    timestamps: npt.ArrayLike, arrivals: npt.ArrayLike, clock_rate: int, most: int = MOST_POINTS
) -> Points:
    """The interarrival jitter in milliseconds after each packet (RFC 3550 6.4.1); at most ``most`` points, peaks kept.

    timestamps: 0..2**32-1, shape (n,). arrivals: seconds, shape (n,). clock_rate: Hz.
    """
    times = _since_first(arrivals)
    steps = np.diff(np.asarray(timestamps).astype(np.uint32)).view(np.int32)
    return _thinned(times, interarrival_jitter(steps, times, clock_rate) * 1e3, most)


def _since_first(arrivals: npt.ArrayLike) -> npt.NDArray[np.float64]:
    times = np.asarray(arrivals, np.float64)
    if times.ndim != 1 or not len(times):
        raise ValueError("a stream has at least one packet")
    return times - times[0]


def _thinned(times: npt.NDArray[np.float64], values: npt.NDArray[np.float64], most: int) -> Points:
    """The highest value of each run of neighbours, so that no peak is lost."""
    step = -(-len(values) // most) if len(values) > most else 1
    if step > 1:
        full = len(values) // step * step
        best = np.arange(0, full, step) + values[:full].reshape(-1, step).argmax(axis=1)
        rest = [full + int(values[full:].argmax())] if full < len(values) else []
        chosen = np.concatenate([best, np.array(rest, np.int64)])
        times, values = times[chosen], values[chosen]
    return list(zip(times.tolist(), values.tolist(), strict=True))

"""Curves of one RTP stream for plots: lists of (seconds since the first packet, value)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

Points = list[tuple[float, float]]
MOST_INTERVALS = 100_000
MOST_POINTS = 2_000


@dataclass(frozen=True, slots=True, eq=False)
class StreamCurves:
    """What the curves of a stream are drawn from; arrays of shape (n,), n >= 1, in the order of arrival.

    times: seconds since the first packet. sizes: bytes. jitter: seconds, after each packet.
    """

    times: npt.NDArray[np.float64]
    sizes: npt.NDArray[np.int64]
    jitter: npt.NDArray[np.float64]

    def bitrate_points(self, interval: float = 1.0) -> Points:
        """bit/s in each ``interval`` seconds, at the beginning of each; the end may cut the last one short.

        Raises ValueError for an interval that is not above 0 or gives more than 100 000 points.
        """
        if interval <= 0 or float(self.times.max()) / interval >= MOST_INTERVALS:
            raise ValueError(f"an interval of {interval} s gives no plot")
        places = np.maximum(self.times / interval, 0).astype(np.int64)
        rates = np.bincount(places, weights=self.sizes) * 8 / interval
        return [(index * interval, rate) for index, rate in enumerate(rates.tolist())]

    def interval_points(self, most: int = MOST_POINTS) -> Points:
        """Milliseconds between each packet and the one before; at most ``most`` points, peaks kept."""
        return _thinned(self.times[1:], np.diff(self.times) * 1e3, most)

    def jitter_points(self, most: int = MOST_POINTS) -> Points:
        """Interarrival jitter in milliseconds after each packet; at most ``most`` points, peaks kept."""
        return _thinned(self.times, self.jitter * 1e3, most)


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

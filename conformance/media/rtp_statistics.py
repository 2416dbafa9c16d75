"""Statistics of RTP streams over captures and over arrays (RFC 3550 6.4.1, A.1, A.3 and A.8), the numpy way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from conformance.media.interleaved_capture import interleaved_columns
from conformance.media.rtp_columns import RTP_ROW, collect
from conformance.media.stream_points import MOST_INTERVALS, Points, StreamCurves

if TYPE_CHECKING:
    import numpy.typing as npt

    from conformance.media.packet_layers import Flow

VIDEO_CLOCK = 90_000
STATIC_CLOCKS = {
    **dict.fromkeys((0, 3, 4, 5, 7, 8, 9, 12, 13, 15, 18), 8_000), 6: 16_000, 10: 44_100, 11: 44_100, 14: VIDEO_CLOCK,
    16: 11_025, 17: 22_050,
}  # fmt: skip
_OPAQUE = f"V{RTP_ROW.itemsize}"
_GAIN = 1 / 16
_NEGLIGIBLE = 1e-15
_LONGER_STEP = 1.5


@dataclass(frozen=True, slots=True)
class StreamStatistics:
    """Figures of one stream.

    packets: all that arrived, duplicates too. bytes: their RTP packets, without UDP and IP headers.
    expected: highest minus first extended sequence number plus 1 (RFC 3550 A.3). lost: those that never came.
    duplicates: copies of a number that had come before. reordered: first copies that came after a higher number.
    jitter: interarrival jitter at the end in seconds (RFC 3550 6.4.1, over every packet in the order of arrival);
    mean_jitter, max_jitter: of its values after each packet.
    frames: distinct timestamps. frame_rate: 1/s, the clock over the mean timestamp step, where steps over 1.5 times the
    median (lost frames) are left out; None below two frames.
    bitrates: bit/s in each ``interval`` seconds from the first arrival on; the last one may be shorter than that.
    payload_types: packets by payload type. markers: packets with the marker bit.
    first_time, last_time: of arrival, in the seconds that were given.
    """

    packets: int
    bytes: int
    expected: int
    lost: int
    duplicates: int
    reordered: int
    jitter: float
    mean_jitter: float
    max_jitter: float
    frames: int
    frame_rate: float | None
    clock_rate: int
    interval: float
    bitrates: tuple[float, ...]
    payload_types: Mapping[int, int]
    markers: int
    first_time: float
    last_time: float
    curves: StreamCurves = field(repr=False, compare=False)

    def bitrate_points(self, interval: float = 1.0) -> Points:
        """(seconds since the first packet, bit/s) by ``interval`` seconds. Raises ValueError, see StreamCurves."""
        return self.curves.bitrate_points(interval)

    @property
    def interval_points(self) -> Points:
        """(seconds since the first packet, milliseconds since the packet before), at most 2000, peaks kept."""
        return self.curves.interval_points()

    @property
    def jitter_points(self) -> Points:
        """(seconds since the first packet, interarrival jitter in milliseconds), at most 2000, peaks kept."""
        return self.curves.jitter_points()

    @property
    def loss_ratio(self) -> float:
        """Lost over expected, 0..1."""
        return self.lost / self.expected if self.expected else 0.0

    @property
    def duration(self) -> float:
        """Seconds from the first to the last arrival."""
        return self.last_time - self.first_time

    @property
    def bitrate(self) -> float:
        """Mean bit/s from the first to the last arrival; 0 when no time passed."""
        return self.bytes * 8 / self.duration if self.duration > 0 else 0.0


@dataclass(frozen=True, slots=True)
class CaptureStream:
    """One stream of a capture. first_time and last_time of its statistics are Unix times."""

    flow: Flow
    ssrc: int
    statistics: StreamStatistics


def stream_statistics(
    sequences: npt.ArrayLike,
    timestamps: npt.ArrayLike,
    arrival_times: npt.ArrayLike,
    sizes: npt.ArrayLike,
    clock_rate: int,
    *,
    marks: npt.ArrayLike | None = None,
    interval: float = 1.0,
) -> StreamStatistics:
    """Statistics of one stream; arrays of length n >= 1, in the order of arrival.

    sequences: 0..65535. timestamps: 0..2**32-1. arrival_times: seconds. sizes: bytes of the RTP packets.
    clock_rate: Hz. marks: second byte of each RTP header (marker bit and payload type). Raises ValueError for empty or
    unequal arrays, numbers out of range, clock_rate or interval not above 0.
    """
    numbers = np.asarray(sequences)
    stamps, times, lengths = np.asarray(timestamps), np.asarray(arrival_times, np.float64), np.asarray(sizes, np.int64)
    second = np.zeros(len(numbers), np.uint8) if marks is None else np.asarray(marks)
    _check(numbers, stamps, times, lengths, second)
    if clock_rate <= 0 or interval <= 0:
        raise ValueError("clock_rate and interval are above 0")
    first = float(times[0])
    return _statistics(
        numbers.astype(np.uint16), stamps.astype(np.uint32), times - first, lengths, second.astype(np.uint8),
        clock_rate, interval, first,
    )  # fmt: skip


def capture_statistics(
    path: str | Path,
    *,
    clock_rates: Mapping[int, int] | None = None,
    interval: float = 1.0,
    min_packets: int = 3,
) -> tuple[CaptureStream, ...]:
    """The RTP streams of a capture, over UDP and interleaved in RTSP connections, by their first packet.

    clock_rates: Hz by payload type, for what RFC 3551 does not fix; else 90000. Streams of less than ``min_packets``
    packets, and those whose sequence numbers jump about like anything but RTP, are left out.

    Raises CaptureError, OSError.
    """
    clocks = {**STATIC_CLOCKS, **(clock_rates or {})}
    capture = collect(path)
    found = list(_streams(capture.rtp, capture.streams, clocks, interval, min_packets))
    if len(capture.tcp.flow):
        columns, streams = interleaved_columns(path, capture)
        found += _streams(columns, streams, clocks, interval, min_packets)
    return tuple(sorted(found, key=lambda stream: stream.statistics.first_time))


def _streams(
    packets: npt.NDArray[np.void],
    names: tuple[tuple[Flow, int], ...],
    clocks: Mapping[int, int],
    interval: float,
    least: int,
) -> Iterator[CaptureStream]:
    """One stream after the other: packets are brought together by a stable sort over the numbers of the streams.

    They are read in order and written to their places, which is kinder to the caches than the other way round.
    """
    owners = packets["stream"]
    order = np.argsort(owners.astype(np.uint16) if len(names) < 0xFFFF else owners, kind="stable")
    counts = np.bincount(owners + 1, minlength=len(names) + 1)
    start = int(counts[0])
    ranks = np.empty(len(order), np.int64)
    ranks[order] = np.arange(len(order))
    together = np.empty_like(packets)
    together.view(_OPAQUE)[ranks] = packets.view(_OPAQUE)
    for (flow, ssrc), count in zip(names, counts[1:].tolist(), strict=True):
        rows = together[start : start + count]
        start += count
        numbers, marks, times = (np.ascontiguousarray(rows[name]) for name in ("sequences", "marks", "times"))
        if count < least or not _plausible(numbers):
            continue
        first = int(times[0])
        clock = clocks.get(int(np.bincount(marks & 0x7F).argmax()), VIDEO_CLOCK)
        figures = _statistics(
            numbers, rows["timestamps"], (times - first) / 1e9, rows["sizes"].astype(np.int64), marks, clock, interval,
            first / 1e9,
        )  # fmt: skip
        yield CaptureStream(flow, ssrc, figures)


def _plausible(numbers: npt.NDArray[np.uint16]) -> bool:
    """At least half of the steps are within what RFC 3550 A.1 takes for the same stream."""
    steps = np.diff(numbers).view(np.int16)
    return bool(2 * np.count_nonzero((steps > -100) & (steps < 3000)) >= len(steps))


def _check(numbers: npt.NDArray[np.generic], *others: npt.NDArray[np.generic]) -> None:
    if len(numbers) == 0 or numbers.ndim != 1 or any(other.shape != numbers.shape for other in others):
        raise ValueError("the arrays have one dimension, one length, and at least one element")
    for values, largest in ((numbers, 0xFFFF), (others[0], 0xFFFF_FFFF), (others[-1], 0xFF)):
        if not np.issubdtype(values.dtype, np.integer):
            raise ValueError("sequence numbers, timestamps and marks are whole numbers")
        if int(values.min()) < 0 or int(values.max()) > largest:
            raise ValueError(f"a value is outside 0..{largest}")


def _statistics(
    numbers: npt.NDArray[np.uint16],
    stamps: npt.NDArray[np.uint32],
    times: npt.NDArray[np.float64],
    sizes: npt.NDArray[np.int64],
    marks: npt.NDArray[np.uint8],
    clock: int,
    interval: float,
    origin: float,
) -> StreamStatistics:
    steps = np.diff(stamps).view(np.int32)
    expected, lost, duplicates, reordered = count_sequence(numbers)
    jitter = interarrival_jitter(steps, times, clock)
    frames, rate = frame_rate(steps, clock)
    used, bitrates = _bitrates(times, sizes, interval)
    types = np.bincount(marks & 0x7F)
    return StreamStatistics(
        packets=len(numbers), bytes=int(sizes.sum()), expected=expected, lost=lost, duplicates=duplicates,
        reordered=reordered, jitter=float(jitter[-1]), mean_jitter=float(jitter.mean()), max_jitter=float(jitter.max()),
        frames=frames, frame_rate=rate, clock_rate=clock, interval=used, bitrates=bitrates,
        payload_types={int(kind): int(types[kind]) for kind in np.flatnonzero(types)},
        markers=int(np.count_nonzero(marks & 0x80)),
        first_time=origin, last_time=origin + float(times[-1]), curves=StreamCurves(times, sizes, jitter),
    )  # fmt: skip


def count_sequence(numbers: npt.NDArray[np.uint16]) -> tuple[int, int, int, int]:
    """expected, lost, duplicates, reordered of sequence numbers (uint16, n >= 1) in the order of arrival.

    Numbers are extended over wraps by signed 16 bit steps from one packet to the next.
    """
    extended = np.concatenate([[0], np.cumsum(np.diff(numbers).view(np.int16), dtype=np.int64)])
    highest = np.maximum.accumulate(extended)
    advance = np.concatenate([[True], highest[1:] > highest[:-1]])
    forward = extended[advance]
    behind = extended[~advance]
    places = np.minimum(np.searchsorted(forward, behind), len(forward) - 1)
    fresh = np.unique(behind[forward[places] != behind])
    expected = int(highest[-1]) + 1
    received = len(forward) + int(np.count_nonzero(fresh >= 0))
    return expected, expected - received, len(behind) - len(fresh), len(fresh)


def interarrival_jitter(
    steps: npt.NDArray[np.int32], times: npt.NDArray[np.float64], clock: int
) -> npt.NDArray[np.float64]:
    """The jitter after each packet in seconds, shape (n,); the first is 0 (RFC 3550 6.4.1, A.8).

    steps: timestamp differences from packet to packet, shape (n-1,). times: arrival in seconds, shape (n,).
    J(i) = 15/16 J(i-1) + |D(i)|/16 is a geometric sum, doubled in length at each turn.
    """
    jitter = np.zeros(len(times))
    np.abs(np.diff(times) - steps / clock, out=jitter[1:])
    jitter[1:] *= _GAIN
    scratch = np.empty_like(jitter)
    factor, shift = 1 - _GAIN, 1
    while factor > _NEGLIGIBLE and shift < len(jitter):
        jitter[shift:] += np.multiply(jitter[:-shift], factor, out=scratch[shift:])
        factor *= factor
        shift *= 2
    return jitter


def frame_rate(steps: npt.NDArray[np.int32], clock: int) -> tuple[int, float | None]:
    """Distinct timestamps, and frames per second by their steps: see StreamStatistics."""
    moves = steps[steps != 0].astype(np.int64)
    gaps = np.diff(np.sort(np.concatenate([[0], np.cumsum(moves)])))
    gaps = gaps[gaps > 0]
    if not len(gaps):
        return 1, None
    usual = gaps[gaps <= _LONGER_STEP * np.median(gaps)]
    return len(gaps) + 1, float(clock / usual.mean())


def _bitrates(
    times: npt.NDArray[np.float64], sizes: npt.NDArray[np.int64], interval: float
) -> tuple[float, tuple[float, ...]]:
    """The interval used, doubled until at most 100 000 of them cover the stream, and bit/s in each."""
    span = max(0.0, float(times.max()))
    while span / interval >= MOST_INTERVALS:
        interval *= 2
    places = np.maximum(times / interval, 0).astype(np.int64)
    return interval, tuple((np.bincount(places, weights=sizes) * 8 / interval).tolist())

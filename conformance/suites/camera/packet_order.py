"""What is wrong with the order, the clock and the names of received RTP packets; and their curves for the report."""

from __future__ import annotations

from itertools import pairwise

from conformance.media.rtp_statistics import StreamStatistics, stream_statistics
from conformance.media.stream_points import Points
from conformance.peers.media_track import ArrivedPacket, Track
from conformance.protocols.rtp import sequence_step, timestamp_step

RATE_SLOT = 0.25


def gaps(packets: list[ArrivedPacket]) -> list[str]:
    """Steps of the sequence number other than 1, doubles left out, as ``4711+3``."""
    found = []
    for a, b in pairwise(packets):
        step = sequence_step(a.packet.sequence, b.packet.sequence)
        if step not in (0, 1) and a.packet.ssrc == b.packet.ssrc:
            found.append(f"{a.packet.sequence}{step:+d}")
    return found


def doubles(packets: list[ArrivedPacket]) -> list[int]:
    """Sequence numbers that came again within the last half cycle."""
    seen: dict[tuple[int, int], int] = {}
    found = []
    for index, arrived in enumerate(packets):
        key = (arrived.packet.ssrc, arrived.packet.sequence)
        if index - seen.get(key, -(1 << 16)) < 1 << 15:
            found.append(arrived.packet.sequence)
        seen[key] = index
    return found


def clock_faults(packets: list[ArrivedPacket], clock: int, longest: float) -> list[str]:
    """Steps of the timestamp that run back or forward by more than ``longest`` seconds."""
    found = []
    for a, b in pairwise(packets):
        step = timestamp_step(a.packet.timestamp, b.packet.timestamp)
        if step < 0 or step > longest * clock:
            found.append(f"{a.packet.sequence}: {step / clock:+.3f} s")
    return found


def frame_starts(packets: list[ArrivedPacket]) -> list[ArrivedPacket]:
    """The first packet of each timestamp."""
    return [*packets[:1], *(b for a, b in pairwise(packets) if a.packet.timestamp != b.packet.timestamp)]


def frames_a_second(packets: list[ArrivedPacket], clock: int) -> float:
    """By timestamps; 0 below two frames."""
    starts = frame_starts(packets)
    if len(starts) < 2:
        return 0.0
    span = timestamp_step(starts[0].packet.timestamp, starts[-1].packet.timestamp) / clock
    return (len(starts) - 1) / span if span > 0 else 0.0


def bits_a_second(packets: list[ArrivedPacket], clock: int, overhead: int = 0) -> float:
    """Mean bit/s by timestamps, the last frame left out; ``overhead``: bytes to add to each packet."""
    starts = frame_starts(packets)
    if len(starts) < 2:
        return 0.0
    last = starts[-1].packet.timestamp
    span = timestamp_step(starts[0].packet.timestamp, last) / clock
    size = sum(arrived.size + overhead for arrived in packets if arrived.packet.timestamp != last)
    return size * 8 / span if span > 0 else 0.0


def clock_ratio(packets: list[ArrivedPacket], clock: int) -> float | None:
    """Time by timestamps over time of arrival, by a line of best fit through the frames; None below three frames."""
    starts = frame_starts(packets)
    if len(starts) < 3:
        return None
    origin, begin = starts[0].packet.timestamp, starts[0].at
    points = [(a.at - begin, timestamp_step(origin, a.packet.timestamp) / clock) for a in starts]
    mean_x = sum(x for x, _ in points) / len(points)
    mean_y = sum(y for _, y in points) / len(points)
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    return sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else None


def statistics(packets: list[ArrivedPacket], clock: int) -> StreamStatistics:
    """Loss, jitter and rates of at least one packet, as a capture tool reckons them."""
    return stream_statistics(
        [a.packet.sequence for a in packets],
        [a.packet.timestamp for a in packets],
        [a.at for a in packets],
        [a.size for a in packets],
        clock,
    )


def figures(track: Track, name: str) -> dict[str, list[list[float]]]:
    """Curves for the report: kbit/s, milliseconds from frame to frame, jitter in milliseconds."""
    packets = track.packets
    if len(packets) < 2:
        return {}
    starts = frame_starts(packets)
    began = packets[0].at
    frame_jitter = statistics(starts, track.clock).jitter_points
    rates = statistics(packets, track.clock).bitrate_points(RATE_SLOT)
    return {
        f"bitrate:{name}": _rounded([(at, bits / 1000) for at, bits in rates]),
        f"frame_interval:{name}": _rounded([(b.at - began, (b.at - a.at) * 1000) for a, b in pairwise(starts)]),
        f"jitter:{name}": _rounded(frame_jitter),
    }


def _rounded(points: Points) -> list[list[float]]:
    return [[round(at, 4), round(value, 3)] for at, value in points]

"""What is wrong with the order, the clock and the names of received RTP packets; and their curves for the report."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from conformance.media.rtp_statistics import StreamStatistics, stream_statistics
from conformance.media.stream_points import Points
from conformance.peers.media_track import ArrivedPacket, Track
from conformance.protocols.rtp import SEQUENCE_MODULUS, sequence_step, timestamp_step

RATE_SLOT = 0.25
FEWEST_FRAMES = 4


@dataclass(frozen=True, slots=True)
class Order:
    """Packets of one stream by their sequence numbers, extended over the wrap (RFC 3550 A.1).

    missing: first and last number of each run that never came. late: numbers that came after a higher one. again:
    numbers of copies. arranged: the first copies, in the order of sending.
    """

    missing: tuple[tuple[int, int], ...]
    late: tuple[int, ...]
    again: tuple[int, ...]
    arranged: tuple[ArrivedPacket, ...]

    @property
    def lost(self) -> int:
        """How many packets never came."""
        return sum((last - first) % SEQUENCE_MODULUS + 1 for first, last in self.missing)


def orders(packets: list[ArrivedPacket]) -> list[Order]:
    """One for each SSRC, in the order in which they appeared."""
    sources: dict[int, list[ArrivedPacket]] = {}
    for arrived in packets:
        sources.setdefault(arrived.packet.ssrc, []).append(arrived)
    return [_order(found) for found in sources.values()]


def _order(packets: list[ArrivedPacket]) -> Order:
    highest = packets[0].packet.sequence
    first_copies: dict[int, ArrivedPacket] = {}
    late, again = [], []
    for arrived in packets:
        number = highest + sequence_step(highest, arrived.packet.sequence)
        if number in first_copies:
            again.append(arrived.packet.sequence)
            continue
        if number < highest:
            late.append(arrived.packet.sequence)
        first_copies[number] = arrived
        highest = max(highest, number)
    numbers = sorted(first_copies)
    missing = [((a + 1) % SEQUENCE_MODULUS, (b - 1) % SEQUENCE_MODULUS) for a, b in pairwise(numbers) if b - a > 1]
    return Order(tuple(missing), tuple(late), tuple(again), tuple(first_copies[number] for number in numbers))


def breaks(order: Order) -> list[str]:
    """What breaks the steps of one, copies left out: ``4711-4713 missing``, ``4710 late``."""
    missing = [f"{first} missing" if first == last else f"{first}-{last} missing" for first, last in order.missing]
    return missing + [f"{number} late" for number in order.late]


def clock_faults(order: Order, clock: int, longest: float) -> list[str]:
    """Steps of the timestamp, in the order of sending, that run back or forward by more than ``longest`` seconds."""
    found = []
    for a, b in pairwise(order.arranged):
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


def bits_a_second(packets: list[ArrivedPacket], clock: int, overhead: int = 0, buffer: float = 0.0) -> float:
    """Mean bit/s by timestamps, the last frame left out. ``overhead``: bytes to add to each packet; ``buffer``: seconds
    by which a decoder's buffer stretches the time."""
    starts = frame_starts(packets)
    if len(starts) < 2:
        return 0.0
    last = starts[-1].packet.timestamp
    span = timestamp_step(starts[0].packet.timestamp, last) / clock
    size = sum(arrived.size + overhead for arrived in packets if arrived.packet.timestamp != last)
    return size * 8 / (span + buffer) if span > 0 else 0.0


def clock_ratio(packets: list[ArrivedPacket], clock: int) -> float | None:
    """Time by timestamps over time of arrival: the median over all pairs of frames that lie half of the play apart, so
    that frames which were saved up at the start or held up on the way do not matter. None below four frames."""
    starts = frame_starts(packets)
    half = len(starts) // 2
    if len(starts) < FEWEST_FRAMES:
        return None
    ratios = [
        timestamp_step(a.packet.timestamp, b.packet.timestamp) / clock / (b.at - a.at)
        for a, b in zip(starts, starts[half:], strict=False)
        if b.at > a.at
    ]
    return median(ratios) if ratios else None


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

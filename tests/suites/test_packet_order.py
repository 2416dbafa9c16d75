"""Loss, reordering and copies of RTP packets, told exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.peers.media_track import ArrivedPacket
from conformance.protocols.rtp import RtpPacket
from conformance.suites.camera.packet_order import bits_a_second, breaks, clock_faults, clock_ratio, orders


def packet(number: int, at: float = 0.0, timestamp: int = 0, ssrc: int = 1) -> ArrivedPacket:
    return ArrivedPacket(at, 112, RtpPacket(96, number % 65536, timestamp % 2**32, ssrc, bytes(100)))


@pytest.mark.parametrize(
    ("numbers", "missing", "late", "again"),
    [
        ([1, 2, 3], (), (), ()),
        ([1, 3], ((2, 2),), (), ()),
        ([1, 5, 6], ((2, 4),), (), ()),
        ([1, 3, 2, 4], (), (2,), ()),
        ([1, 2, 2, 3], (), (), (2,)),
        ([1, 2, 3, 1, 4], (), (), (1,)),
        ([65534, 65535, 0, 1], (), (), ()),
        ([65534, 1], ((65535, 0),), (), ()),
        ([65535, 1, 0], (), (0,), ()),
        ([2, 1, 4, 2], ((3, 3),), (1,), (2,)),
    ],
)
def test_orders(
    numbers: list[int], missing: tuple[tuple[int, int], ...], late: tuple[int, ...], again: tuple[int, ...]
) -> None:
    (order,) = orders([packet(number) for number in numbers])
    assert (order.missing, order.late, order.again) == (missing, late, again)


@given(st.integers(0, 65535), st.lists(st.integers(0, 3), min_size=2, max_size=400))
def test_losses_and_copies_are_counted_exactly(first: int, copies: list[int]) -> None:
    copies[0], copies[-1] = 1, 1
    sent = [number for number, count in enumerate(copies) for _ in range(count)]
    (order,) = orders([packet(first + number) for number in sent])
    assert order.lost == copies.count(0)
    assert len(order.again) == sum(count - 1 for count in copies if count)
    assert order.late == ()
    assert [a.packet.sequence for a in order.arranged] == [
        (first + number) % 65536 for number, count in enumerate(copies) if count
    ]


@given(st.integers(0, 65535), st.permutations(list(range(50))))
def test_late_packets_are_those_behind_a_higher_number(first: int, numbers: list[int]) -> None:
    (order,) = orders([packet(first + number) for number in numbers])
    expected = [(first + n) % 65536 for i, n in enumerate(numbers) if any(m > n for m in numbers[:i])]
    assert list(order.late) == expected
    assert (order.missing, order.again) == ((), ())


def test_sources_are_told_apart() -> None:
    found = orders([packet(1), packet(900, ssrc=2), packet(2), packet(902, ssrc=2)])
    assert [(order.lost, order.late) for order in found] == [(0, ()), (1, ())]


def test_breaks_in_words() -> None:
    (order,) = orders([packet(n) for n in (1, 3, 7, 6)])
    assert breaks(order) == ["2 missing", "4-5 missing", "6 late"]


def test_the_clock_is_looked_at_in_the_order_of_sending() -> None:
    (swapped,) = orders([packet(1, timestamp=0), packet(3, timestamp=200), packet(2, timestamp=100)])
    assert clock_faults(swapped, 100, 5.0) == []
    (back,) = orders([packet(1, timestamp=500), packet(2, timestamp=0), packet(3, timestamp=600)])
    assert clock_faults(back, 100, 5.0) == ["1: -5.000 s", "2: +6.000 s"]


@pytest.mark.parametrize("start", [0, 2**32 - 90_000])
def test_the_clock_ratio_passes_over_a_burst_at_the_start(start: int) -> None:
    burst = [packet(n, 0.01 * n, start + 3600 * n) for n in range(25)]
    steady = [packet(25 + n, 0.25 + 0.04 * n, start + 3600 * (25 + n)) for n in range(225)]
    ratio = clock_ratio(burst + steady, 90_000)
    assert ratio is not None
    assert abs(ratio - 1.0) < 0.001


def test_a_wrong_clock_is_seen() -> None:
    packets = [packet(n, 0.04 * n, 3840 * n) for n in range(50)]
    assert clock_ratio(packets, 90_000) == pytest.approx(96 / 90)
    assert clock_ratio(packets[:3], 90_000) is None


def test_a_buffer_stretches_the_time_of_the_bits() -> None:
    packets = [packet(n, 0.04 * n, 3600 * n) for n in range(26)]
    assert bits_a_second(packets, 90_000) == pytest.approx(25 * 112 * 8)
    assert bits_a_second(packets, 90_000, buffer=1.0) == pytest.approx(25 * 112 * 4)

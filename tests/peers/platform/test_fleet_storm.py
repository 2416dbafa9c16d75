"""No storm on our side: how members come back, computed without a platform."""

from __future__ import annotations

import pytest

from conformance.peers.platform.fleet_engine import Engine
from conformance.peers.platform.fleet_member import Member, Stage
from conformance.peers.platform.fleet_order import FleetOrder
from conformance.peers.platform.fleet_samples import busiest_second

MEMBERS = 1000


class Clock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def engine(seed: int = 3) -> tuple[Engine, Clock]:
    clock = Clock()
    order = FleetOrder(
        members=MEMBERS,
        prefix="KDN7",
        digits=7,
        key="k",
        model="GC-1",
        version="V1.0.0_20130601",
        province_url="http://127.0.0.1:9/",
        interval=120.0,
        answer_wait=5.0,
        unanswered=4,
        lost_pause=(1.0, 10.0),
        longest_pause=300.0,
        registration_pause=(5.0, 14.0),
        refusal_pause=(300.0, 359.0),
        seed=seed,
    )
    return Engine(order, clock), clock


def returns(made: Engine, clock: Clock, seconds: float, monkeypatch: pytest.MonkeyPatch) -> dict[int, float]:
    """When each member connects, seconds after the loss."""
    found: dict[int, float] = {}
    monkeypatch.setattr(Member, "connect", lambda member, now: found.setdefault(member.number, now - 50.0))
    while clock.now < 50.0 + seconds:
        clock.now += 0.01
        made.turn(0.0)
    made.close()
    return found


def all_online(made: Engine) -> None:
    for member in made.members:
        member.stage, member.addresses = Stage.ONLINE, (("127.0.0.1", 9),)
    made.online = len(made.members)


def test_a_thousand_come_back_spread_over_their_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    made, clock = engine()
    all_online(made)
    for member in made.members:
        member.lose(50.0)
    assert (made.online, made.lost) == (0, MEMBERS)
    found = returns(made, clock, 11.0, monkeypatch)
    assert len(found) == MEMBERS
    assert min(found.values()) >= 1.0
    assert max(found.values()) <= 10.03
    assert busiest_second(found.values()) < 1.5 * MEMBERS / 9


def test_each_failure_doubles_the_pause_up_to_the_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = engine()
    waits: list[float] = []
    monkeypatch.setattr(Engine, "set_timer", lambda self, member, now, seconds: waits.append(seconds))
    monkeypatch.setattr(made.random, "uniform", lambda low, high: high)
    member = made.members[0]
    member.stage = Stage.ONLINE
    for _ in range(7):
        member.lose(50.0)
        member.stage = Stage.ENTERING
    assert waits == [10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    made.close()


def test_another_seed_is_another_order(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = []
    for seed in (1, 1, 2):
        made, clock = engine(seed)
        all_online(made)
        for member in made.members[:50]:
            member.lose(50.0)
        found = returns(made, clock, 11.0, monkeypatch)
        orders.append(sorted(found, key=lambda number: found[number]))
    assert orders[0] == orders[1] != orders[2]


def test_heartbeats_are_spread_evenly_when_the_pace_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = engine()
    all_online(made)
    waits: list[float] = []
    monkeypatch.setattr(Engine, "set_timer", lambda self, member, now, seconds: waits.append(seconds))
    made.pace(5.0)
    assert waits[:3] == [0.0, 0.005, 0.01]
    assert (len(waits), made.interval) == (MEMBERS, 5.0)
    made.close()


def test_a_member_without_answers_connects_again_after_four() -> None:
    made, _ = engine()
    member = made.members[0]
    member.stage, member.addresses, made.online = Stage.ONLINE, (("127.0.0.1", 9),), 1
    stages = []
    for _ in range(4):
        member.asked, member.asked_at = 0x33, 1.0
        made.look_for_overdue(50.0)
        stages.append(member.stage)
    assert stages == [Stage.ONLINE, Stage.ONLINE, Stage.ONLINE, Stage.AWAY]
    made.close()

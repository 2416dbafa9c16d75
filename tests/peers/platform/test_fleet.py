"""A small fleet before the golden platform."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from conformance.peers.faults import BenchFault
from conformance.peers.platform.fleet import Fleet
from conformance.peers.platform.fleet_order import FleetOrder
from conformance.peers.platform.fleet_samples import Outcome, What, of_kind
from conformance.wire import LiveWire
from simulators.platform.declarations import DEFAULT
from simulators.platform.platform import Platform
from specs.declaration import load_declaration
from specs.loader import load_catalogue

MEMBERS = 12
Scenario = Callable[[Platform, Fleet], Awaitable[None]]


def order(url: str, key: str = "c4d1907e52fb6a38") -> FleetOrder:
    return FleetOrder(
        members=MEMBERS,
        prefix="KDN7",
        digits=7,
        key=key,
        model="GC-1",
        version="V1.0.0_20130601",
        province_url=url,
        interval=0.2,
        answer_wait=5.0,
        unanswered=4,
        lost_pause=(0.05, 0.3),
        longest_pause=2.0,
        registration_pause=(0.1, 0.2),
        refusal_pause=(60.0, 70.0),
        connections=3,
        seed=7,
    )


def play(scenario: Scenario, folder: Path, **changes: str) -> None:
    async def run() -> None:
        platform = Platform(load_declaration(DEFAULT, load_catalogue().vocabulary), folder, {})
        await platform.start()
        try:
            async with LiveWire() as wire, Fleet(wire, order(platform.registrar.url, **changes)) as fleet:
                await scenario(platform, fleet)
        finally:
            await platform.stop()

    asyncio.run(run())


def online(platform: Platform) -> int:
    return sum(state.online for dev_id, state in platform.presence.states.items() if dev_id.startswith("KDN7"))


def test_its_life_before_a_platform(tmp_path: Path) -> None:
    async def scenario(platform: Platform, fleet: Fleet) -> None:
        report = await fleet.attach(0, MEMBERS, per_second=100, within=20)
        assert (report.state.online, report.state.attached, report.state.away) == (MEMBERS, MEMBERS, ())
        assert online(platform) == MEMBERS
        for what in (What.REGISTER, What.LOGIN, What.ABILITIES):
            found = list(of_kind(report.samples, what))
            assert sorted(s.member for s in found if s.outcome is Outcome.OK) == list(range(MEMBERS))
        held = await fleet.hold(1.0)
        beats = [s for s in of_kind(held.samples, What.HEARTBEAT) if s.outcome is Outcome.OK]
        assert {s.member for s in beats} == set(range(MEMBERS))

        await platform.restart_access()
        back = await fleet.until_online(20)
        while not back.state.complete or back.state.lost < MEMBERS:
            back = await fleet.until_online(0.5)
        assert (back.state.online, back.state.lost) == (MEMBERS, MEMBERS)

        await fleet.silence(0, 3)
        state = (await fleet.leave(3, 2)).state
        assert (state.attached, state.online, state.silent) == (MEMBERS - 2, MEMBERS - 5, 3)
        await fleet.speak(0, 3)
        state = (await fleet.until_online(20)).state
        assert (state.attached, state.online, state.complete) == (MEMBERS - 2, MEMBERS - 2, True)

    play(scenario, tmp_path)


def test_refused_members_wait_long(tmp_path: Path) -> None:
    async def scenario(platform: Platform, fleet: Fleet) -> None:
        report = await fleet.attach(0, 4, per_second=100, within=1.0)
        assert [(s.what, s.outcome) for s in report.samples] == [(What.REGISTER, Outcome.REFUSED)] * 4
        assert (report.state.online, report.state.away) == (0, tuple(f"KDN700000{n:02d}" for n in range(4)))

    play(scenario, tmp_path, key="wrong")


def test_the_key_stays_out_of_what_is_written_down() -> None:
    assert "c4d1907e52fb6a38" not in str(order("http://h/").without_secret())


def test_a_process_that_dies_is_a_fault_of_the_bench() -> None:
    async def run() -> None:
        async with LiveWire() as wire:
            fleet = Fleet(wire, order("http://127.0.0.1:9/"))
            async with fleet:
                assert fleet._process is not None
                fleet._process.terminate()
                with pytest.raises(BenchFault, match="fleet failed"):
                    await fleet.hold(1.0)

    asyncio.run(run())

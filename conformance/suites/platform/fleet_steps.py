"""Steps with a fleet: how it is made from the declaration, and what the platform tells its owner of the members."""

from __future__ import annotations

import math
from typing import Any

from conformance.peers.faults import BenchFault
from conformance.peers.network_profile import network_profile
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.fleet import Fleet, Report
from conformance.peers.platform.fleet_order import FleetOrder
from conformance.peers.platform.fleet_samples import What, of_kind, summary
from specs.declared_platform import Capacity, DeclaredFleet
from specs.model import Limit

BUILD = "_20130601"


def declared_capacity(platform: PlatformBench) -> tuple[Capacity, DeclaredFleet]:
    """What is declared; the requirement asks for it."""
    capacity = platform.declared.capacity
    if capacity is None or capacity.fleet is None:
        raise BenchFault("声明中没有容量与验证设备", "the declaration has no capacity with devices to prove it")
    return capacity, capacity.fleet


def a_fleet(platform: PlatformBench, members: int) -> Fleet:
    """Up to so many of the declared devices. They back off in real time, whatever the timer scale of a simulator."""
    capacity, declared = declared_capacity(platform)
    lost, unregistered, refused = (_numbers(platform, f"IF-REG-05{letter}") for letter in ("b", "", "a"))
    order = FleetOrder(
        members=min(members, capacity.devices),
        prefix=declared.prefix,
        digits=declared.digits,
        key=platform.loaded.fleet_key,
        model=declared.model,
        version=declared.version + BUILD,
        province_url=platform.province_url,
        interval=capacity.interval,
        answer_wait=platform.limits["answer_wait"].seconds,
        unanswered=int(_numbers(platform, "IF-LOG-04b")["unanswered"]),
        lost_pause=(lost["first_pause_min"], lost["first_pause_max"]),
        longest_pause=lost["pause_max"],
        registration_pause=(unregistered["pause_min"], unregistered["pause_max"]),
        refusal_pause=(refused["pause_min"], refused["pause_max"]),
        seed=platform.wire.random.getrandbits(32),
    )
    return Fleet(platform.wire, order)


def _numbers(platform: PlatformBench, requirement: str) -> dict[str, float]:
    return {name: limit.number for name, limit in platform.catalogue.requirement(requirement).limits.items()}


async def attach_all(platform: PlatformBench, fleet: Fleet, wait: Limit) -> Report:
    """Every member goes online at the declared rate of logins; ``wait`` counts from the last one's start. Who fails
    comes again."""
    capacity, _ = declared_capacity(platform)
    until = platform.wire.now() + fleet.order.members / capacity.logins_per_second + wait.seconds
    report = await fleet.attach(
        0, fleet.order.members, per_second=capacity.logins_per_second, within=until - platform.wire.now()
    )
    if not report.state.complete and platform.wire.now() < until:
        report = await fleet.until_online(until - platform.wire.now())
    return report


def kpi_figures(platform: PlatformBench, fleet: Fleet, report: Report) -> dict[str, Any]:
    """Percentiles and sample sizes of every kind of transaction, with the network that they went over."""
    found: dict[str, Any] = {"network": network_profile(platform.wire), "members": fleet.order.members}
    for what in What:
        if samples := list(of_kind(report.samples, what)):
            longest = math.inf if what is What.BACK else fleet.order.answer_wait
            found[what.name.lower()] = summary(samples, longest).as_figures()
    return found | {"fleet_cores": round(report.cores, 3), "fleet_memory_mb": report.state.memory}


class FleetOwner:
    """The user to whom the fleet is bound, at the client interface. What fails is told as the state ``?...``."""

    def __init__(self, platform: PlatformBench) -> None:
        self._platform = platform
        self._phone = platform.phones.new()

    async def log_in(self) -> None:
        """Open a session. Raises BenchFault when the declared user cannot."""
        _, declared = declared_capacity(self._platform)
        user = self._platform.phones.user(declared.owner)
        if user is None:
            raise BenchFault("声明的设备群没有属主用户", "the declared fleet has no owner among the users")
        reply = await self._phone.login(user)
        if not reply.ok:
            told = reply.summary
            raise BenchFault(f"设备群属主登录失败: {told}", f"the owner of the fleet cannot log in: {told}")

    async def online(self, dev_id: str) -> bool | str:
        """Whether the platform shows the device online."""
        reply = await self._phone.call("terminalShow", terminal=dev_id)
        shown = reply.at("online")
        return shown if isinstance(shown, bool) else f"?{reply.status}"

    async def all_online(self, dev_ids: list[str]) -> dict[str, bool | str]:
        """What the platform shows of each of these devices."""
        return {dev_id: await self.online(dev_id) for dev_id in dev_ids}

    async def until(self, dev_ids: list[str], state: bool, within: float) -> dict[str, bool | str]:
        """Look until all of them are shown like this; what was seen last, at most ``within`` seconds later."""
        until, pause = self._platform.wire.now() + within, self._platform.limits["settle_pause"].seconds
        while True:
            shown = await self.all_online(dev_ids)
            if all(seen is state for seen in shown.values()) or self._platform.wire.now() >= until:
                return shown
            await self._platform.wire.sleep(pause)

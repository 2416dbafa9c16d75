"""Arming alarms, letting the bench raise them, and collecting what the device reports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from conformance.model.checks import say
from conformance.peers.device_control import DeviceControl
from conformance.peers.device_link import Received
from conformance.peers.faults import DeviceFault, NoAnswer
from conformance.peers.province import Exchanged, Province
from conformance.suites.camera.registration_steps import longest
from specs.declaration import LoadedDeclaration
from specs.model import Limit

MOTION, INFRARED, MANUAL, DIGITAL_INPUT = 1, 2, 3, 4
FEATURES = {MOTION: "motion", INFRARED: "infrared", MANUAL: "manual_alarm", DIGITAL_INPUT: "digital_input"}
FLAGS = {
    MOTION: "MotionDetectionFlag",
    INFRARED: "InfraredDetectionFlag",
    MANUAL: "ManualAlarmFlag",
    DIGITAL_INPUT: "DIDOAlarmFlag",
}
UNDEFINED = 9
REPORT = "ALARM_NOTIFY"
ARRIVES = say("收到 0x37", "0x37 arrives")
SILENT = say("未收到 0x37", "no 0x37 came")


@dataclass(frozen=True, slots=True)
class Alarm:
    """One thing that can be raised: a kind on a channel, for a digital input also its number."""

    kind: int = MOTION
    channel: int = 0
    number: int = 0

    @property
    def values(self) -> dict[str, Any]:
        """Elements of SET_ALARM and GET_ALARM."""
        values = {"ChannelNo": self.channel, "AlarmType": self.kind}
        return {**values, "DIDONo": self.number} if self.kind == DIGITAL_INPUT else values

    def fits(self, received: Received) -> bool:
        """Whether a report is one of this type; channel and input are for the test to judge."""
        return received.message.get("AlarmType") == str(self.kind)


@dataclass
class Alarms:
    """The alarms of one device. ``interval``: what two reports of one type and channel lie apart at least."""

    province: Province
    control: DeviceControl
    interval: Limit
    _raised: dict[Alarm, float] = field(default_factory=dict)

    async def set(self, alarm: Alarm, flag: int) -> Exchanged:
        """Arm (1) or disarm (0). Raises DeviceFault."""
        return await set_alarm(self.province, alarm, flag)

    @asynccontextmanager
    async def armed(self, *alarms: Alarm) -> AsyncIterator[list[int]]:
        """Arms; yields the results; puts back what was set before, as far as the device tells it."""
        before = [await flag_of(self.province, alarm) for alarm in alarms]
        try:
            yield [(await self.set(alarm, 1)).result for alarm in alarms]
        finally:
            for alarm, flag in zip(alarms, before, strict=True):
                await self.set(alarm, flag)

    async def pause(self, alarm: Alarm) -> None:
        """Wait until the device may report this alarm again."""
        reports = [r.at for r in self.province.messages(REPORT) if alarm.fits(r)]
        last = max([*reports[-1:], self._raised.get(alarm, float("-inf"))])
        rest = last + longest(self.interval) - self.province.wire.now()
        if rest > 0:
            await self.province.wire.sleep(rest)

    async def raise_(self, alarm: Alarm) -> float:
        """Raise; returns the moment before. Raises BenchFault."""
        since = self.province.wire.now()
        self._raised[alarm] = since
        await self._do(alarm, "raise")
        return since

    async def clear(self, alarm: Alarm) -> None:
        """End what was raised. Raises BenchFault."""
        await self._do(alarm, "clear")

    async def _do(self, alarm: Alarm, state: str) -> None:
        await self.control.do("alarm", type=alarm.kind, channel=alarm.channel, state=state, input=alarm.number)

    def reports(self, alarm: Alarm, since: float) -> list[Received]:
        """Reports of that type after ``since``; what came at ``since`` itself had come before."""
        return [r for r in self.province.messages(REPORT, since=since) if r.at > since and alarm.fits(r)]

    async def report(self, alarm: Alarm, since: float, within: Limit) -> Received | None:
        """The first report of that type after ``since``; None when the limit passes without one."""
        return await self.reports_reach([alarm], since, 1, longest(within))

    async def reports_reach(
        self, alarms: Sequence[Alarm], since: float, count: int, within: float, until: float = 0.0
    ) -> Received | None:
        """The report of that number of any of these types after ``since``; None when it is not there in time.

        ``within`` counts from ``since``, or from ``until`` where that is later.
        """
        end = max(since, until) + within
        while len(found := self.all_reports(alarms, since)) < count:
            rest = end - self.province.wire.now()
            if rest <= 0:
                return None
            try:
                await self.province.next(REPORT, within=rest)
            except NoAnswer:
                continue
        return found[count - 1]

    def all_reports(self, alarms: Sequence[Alarm], since: float) -> list[Received]:
        """Reports of any of these types after ``since``, in order of arrival."""
        reports = self.province.messages(REPORT, since=since)
        return [r for r in reports if r.at > since and any(alarm.fits(r) for alarm in alarms)]

    async def pulse(self, alarm: Alarm, within: Limit) -> tuple[float, Received | None]:
        """Raise when a report is allowed, wait for it, clear. Returns the moment of raising and the report."""
        await self.pause(alarm)
        since = await self.raise_(alarm)
        found = await self.report(alarm, since, within)
        await self.clear(alarm)
        return since, found


async def set_alarm(province: Province, alarm: Alarm, flag: int) -> Exchanged:
    """SET_ALARM. Raises DeviceFault."""
    return await province.command("SET_ALARM", breaking=True, **alarm.values, AlarmFlag=flag)


async def get_alarm(province: Province, alarm: Alarm, within: float) -> Exchanged:
    """GET_ALARM. Raises DeviceFault."""
    return await province.command("GET_ALARM", within=within, breaking=True, **alarm.values)


async def flag_of(province: Province, alarm: Alarm) -> int:
    """Whether an alarm is armed; 0 when the device does not tell."""
    try:
        exchanged = await get_alarm(province, alarm, province.limits["answer_wait"].seconds)
    except DeviceFault:
        return 0
    return exchanged.message.integer("AlarmFlag", 0)


def has(declaration: LoadedDeclaration, province: Province, kind: int) -> bool:
    """Whether the device has this kind of alarm: as declared, where nothing is declared as it reports."""
    declared = declaration.features.get(FEATURES[kind])
    if declared is not None:
        return bool(declared)
    return province.abilities is not None and province.abilities.get(FLAGS[kind]) == "1"


def inputs(declaration: LoadedDeclaration, province: Province) -> int:
    """Number of digital inputs: as declared, else as reported."""
    declared = declaration.features.get("digital_inputs")
    if isinstance(declared, int):
        return declared
    return province.abilities.integer("DIDONum", 0) if province.abilities is not None else 0


def every(declaration: LoadedDeclaration, province: Province) -> list[Alarm]:
    """Every alarm of the first channel that the device has."""
    kinds = [kind for kind in (MOTION, INFRARED, MANUAL) if has(declaration, province, kind)]
    found = [Alarm(kind) for kind in kinds]
    if has(declaration, province, DIGITAL_INPUT):
        found += [Alarm(DIGITAL_INPUT, 0, number) for number in range(inputs(declaration, province))]
    return found

"""The settings of a device that can be read: changed before an upgrade, compared after it, put back at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.peers.province import Province
from conformance.suites.camera.signalling_steps import other_frame_rate
from specs.condition import parse_condition
from specs.declaration import LoadedDeclaration

CHANNEL: dict[str, Any] = {"ChannelNo": 0}
STREAM: dict[str, Any] = {**CHANNEL, "StreamType": 1}
STORE: dict[str, Any] = {**CHANNEL, "StorgeFlag": 1}
ENTRY = {"StoreType": 1, "StreamType": 1, "Week": 7, "StartTime": "01:10", "EndTime": "01:20"}
HEAD = frozenset({"Result", "DevID"})


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: how it is read, how written, and the element that a test changes."""

    query: str
    write: str
    where: Mapping[str, Any]
    element: str

    @property
    def about(self) -> str:
        """What it is called in a report."""
        return f"{self.query} {self.where.get('AlarmType', '')}".strip()


SETTINGS = (
    Setting("GET_CHANNEL", "SET_CHANNEL", STREAM, "FrameRate"),
    Setting("GET_RECORD_FULL", "SET_RECORD_FULL", STORE, "RecordFull"),
    Setting("GET_RECORD_LOOP", "SET_RECORD_LOOP", {}, "RecordLoop"),
    *(Setting("GET_ALARM", "SET_ALARM", {**CHANNEL, "AlarmType": kind}, "AlarmFlag") for kind in (1, 2, 3)),
)
ALARMS = {1: "motion", 2: "infrared", 3: "manual_alarm"}


@dataclass
class KeptSettings:
    """Reads and changes what the declaration says that the device has."""

    province: Province
    declaration: LoadedDeclaration
    _first: dict[str, str] = field(default_factory=dict)
    _plan: tuple[str, ...] = ()

    @property
    def settings(self) -> list[Setting]:
        """The settings that the device has."""
        features = self.declaration.features
        return [
            s
            for s in SETTINGS
            if parse_condition(self.province.table.command(s.query).when)(features) is not False
            and ("AlarmType" not in s.where or features.get(ALARMS[s.where["AlarmType"]]) is not False)
        ]

    @property
    def has_plan(self) -> bool:
        """Whether there is a record plan."""
        when = self.province.table.command("QUERY_RECORD_POLICY").when
        return parse_condition(when)(self.declaration.features) is not False

    async def read(self) -> dict[str, str]:
        """Every setting as text. What the device refuses to tell reads as its result. Raises DeviceFault."""
        found: dict[str, str] = {}
        for setting in self.settings:
            answer = (await self.province.command(setting.query, breaking=True, **setting.where)).message
            values = {name: text for name, text in answer.values.items() if name not in HEAD}
            found |= {f"{setting.about} {name}": str(text) for name, text in values.items()} or {
                setting.about: str(answer.result)
            }
        if self.has_plan:
            found["QUERY_RECORD_POLICY"] = str([dict(entry) for _, entry in await self._entries()])
        return found

    async def change(self) -> None:
        """Make every setting differ from what it is; the record plan gets an entry more. Raises DeviceFault."""
        before = await self.read()
        for setting in self.settings:
            old = before.get(f"{setting.about} {setting.element}")
            if old is not None:
                self._first[setting.about] = old
                await self._write(setting, _other(setting, old))
        if self.has_plan:
            known = {number for number, _ in await self._entries()}
            await self.province.command("ADD_RECORD_POLICY", breaking=True, **CHANNEL, WeekPolicy=[ENTRY])
            self._plan = tuple({number for number, _ in await self._entries()} - known)

    async def restore(self) -> None:
        """Put back what `change` changed. Raises DeviceFault."""
        for setting in self.settings:
            if setting.about in self._first:
                await self._write(setting, self._first[setting.about])
        for number in self._plan:
            await self.province.command("DEL_RECORD_POLICY", breaking=True, **CHANNEL, PolicyID=number)

    async def _write(self, setting: Setting, value: str) -> None:
        await self.province.command(setting.write, breaking=True, **{**setting.where, setting.element: value})

    async def _entries(self) -> list[tuple[str, Mapping[str, Any]]]:
        answer = await self.province.command("QUERY_RECORD_POLICY", **CHANNEL)
        return [(entry.get("PolicyID"), entry.values) for entry in answer.message.items("WeekPolicy")]


def _other(setting: Setting, value: str) -> str:
    """A legal value that differs."""
    if setting.element == "FrameRate":
        return str(other_frame_rate({"FrameRate": value}))
    return "0" if value == "1" else "1"

"""Sends generated cases to the device: sets up what a case needs, keeps the settings, judges nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conformance.peers.faults import DeviceFault
from conformance.peers.province import Exchanged, Province
from conformance.protocols.tykd_cases import Case
from specs.messages import Command
from specs.model import Text

Values = Mapping[str, Any]
NEVER = frozenset({"firmware", "picture_policy"})
# Command that adds to a plan: its query, its deletion, the group that holds an entry.
PLANS = {
    "ADD_RECORD_POLICY": ("QUERY_RECORD_POLICY", "DEL_RECORD_POLICY", "WeekPolicy"),
    "ADD_PICTURE_POLICY": ("QUERY_PICTURE_POLICY", "DEL_PICTURE_POLICY", "DayPolicy"),
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case: the answer, or the fault in its place."""

    case: Case
    exchanged: Exchanged | None
    fault: Text | None = None

    @property
    def shown(self) -> str:
        """Result or fault in one line, in English."""
        if self.exchanged is not None:
            return f"Result {self.exchanged.result}"
        return self.fault.en if self.fault else "nothing"


class TableBench:
    """One device under generated requests. Stops after ``patience`` faults, for a silent device costs a wait each."""

    def __init__(self, province: Province, within: float, patience: int = 3) -> None:
        self.province, self.within, self.patience = province, within, patience

    async def send_all(self, cases: list[Case]) -> list[Outcome]:
        """Every case in turn; settings that a command has a query for are put back."""
        outcomes: list[Outcome] = []
        faults = 0
        for case in cases:
            outcomes.append(await self.send(case))
            faults += outcomes[-1].fault is not None
            if faults >= self.patience:
                break
        return outcomes

    async def send(self, case: Case) -> Outcome:
        """One case."""
        try:
            case = await self._prepared(case)
            before = await self._settings(case)
            exchanged = await self.province.command(
                case.command, within=self.within, xml=case.encode(self.province.table)
            )
            await self._restore(case, before, exchanged.result == 0)
        except DeviceFault as fault:
            return Outcome(case, None, fault.text)
        return Outcome(case, exchanged)

    # what a case needs

    async def _prepared(self, case: Case) -> Case:
        """The case with what it needs in place, and with the ids that this gave."""
        if case.prerequisite == "record_policy":
            return _with_policy(case, await self._record_policy(case))
        if case.prerequisite in ("free_channel", "linked_camera"):
            await self._free_channels()
        if case.prerequisite == "linked_camera":
            await self._link(case)
        return case

    async def _record_policy(self, case: Case) -> str:
        channel = case.values["ChannelNo"]
        entry = {"StoreType": 1, "StreamType": 1, "Week": 1, "StartTime": "00:00", "EndTime": "00:10"}
        where = {"ChannelNo": channel}
        known = set(await self._policies("ADD_RECORD_POLICY", where))
        await self.province.command("ADD_RECORD_POLICY", ChannelNo=channel, WeekPolicy=[entry], breaking=True)
        return next(iter(set(await self._policies("ADD_RECORD_POLICY", where)) - known), "0")

    async def _policies(self, command: str, values: Values) -> list[str]:
        """Ids of the plan that a command adds to."""
        query, _, group = PLANS[command]
        names = {element.name for element in self.province.table.command(query).request.elements}
        where = {name: values[name] for name in ("ChannelNo", "StoreType") if name in names and name in values}
        answer = await self.province.command(query, breaking=True, **where)
        return [entry.get("PolicyID") for entry in answer.message.items(group)]

    async def _free_channels(self) -> None:
        answer = await self.province.command("NVR_QUERY_IPCAM")
        for entry in answer.message.items("Channel"):
            await self.province.command("NVR_DEL_IPCAM", ChannelNo=entry.get("ChannelNo"))

    async def _link(self, case: Case) -> None:
        linked = {"ChannelNo": "0", "IpcamDevID": "KDN00000077", "IpcamLocalIP": "192.0.2.10"}
        given = {name: case.values[name] for name in linked if name in case.values}
        empty = {"OnvifPort": "", "OnvifAccount": "", "OnvifPassword": ""}
        await self.province.command("NVR_LINK_IPCAM", **{**linked, **empty, **given}, breaking=True)

    # what a case changes

    async def _settings(self, case: Case) -> Values:
        """What the query that belongs to a setting returns; empty where there is none."""
        command = self._query(case)
        if command is not None:
            asked = {e.name: case.values[e.name] for e in command.request.elements if e.name in case.values}
            answer = await self.province.command(command.name, breaking=True, **asked)
            return {**asked, **answer.message.values} if answer.result == 0 else {}
        if case.command in PLANS and case.kind != "violation":
            return {"known": await self._policies(case.command, case.values)}
        return {}

    def _query(self, case: Case) -> Command | None:
        name = case.command.replace("SET_", "GET_", 1)
        changes = case.command.startswith("SET_") and case.changes_state
        return self.province.table.by_name.get(name) if changes else None

    async def _restore(self, case: Case, before: Values, done: bool) -> None:
        if not done:
            return
        if case.command in PLANS:
            channel = case.values.get("ChannelNo", "0")
            for policy in set(await self._policies(case.command, case.values)) - set(before.get("known", ())):
                await self.province.command(PLANS[case.command][1], ChannelNo=channel, PolicyID=policy)
        elif case.command == "NVR_LINK_IPCAM":
            await self._free_channels()
        elif case.command == "VIDEO_PTZ":
            await self.province.command("VIDEO_PTZ", ChannelNo=0, PtzDirection=0)
        elif before:
            names = {element.name for element in self.province.table.command(case.command).request.elements}
            again = {name: value for name, value in before.items() if name in names and name != "DevID"}
            await self.province.command(case.command, breaking=True, **again)


def _with_policy(case: Case, policy: str) -> Case:
    """The case for a policy that exists."""
    old = case.values.get("PolicyID")
    if old is None:
        return case
    xml = case.xml.replace(f"<PolicyID>{old}<".encode(), f"<PolicyID>{policy}<".encode()) if case.xml else None
    return replace(case, values={**case.values, "PolicyID": policy}, xml=xml)

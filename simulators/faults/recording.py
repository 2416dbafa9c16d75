"""Faults of the record plan, the recorder, the search and the store."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any

from conformance.protocols.tykd_message import Group, Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.record_commands import minutes
from simulators.camera.settings import RecordPolicy
from simulators.faults.registry import mutant
from specs.messages import Command

WIDTH = 10


def with_commands(**methods: Any) -> type[Commands]:
    """Commands with these methods in place of the golden ones."""
    return type("BrokenCommands", (Commands,), methods)


class _LosesTheLast(Commands):
    async def on_ADD_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        found = await super().on_ADD_RECORD_POLICY(message)
        self.camera.settings.record_policies.pop()
        return found


@mutant(violates="IF-REC-01")
class LastEntryIsLost(Camera):
    """Of the entries in one request the last is lost."""

    zh = "一个请求中的多个条目，最后一个丢失。"
    commands_class = _LosesTheLast


class _DeletesByPlace(Commands):
    async def on_DEL_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        await super().on_DEL_RECORD_POLICY(message)
        if self.camera.settings.record_policies:
            self.camera.settings.record_policies.pop()
        return {}


@mutant(violates="IF-REC-01a")
class DeletesOneMore(Camera):
    """Deleting one entry takes another with it."""

    zh = "删除一个条目时连带删除另一个。"
    commands_class = _DeletesByPlace


class _SundayIsZero(Commands):
    def shown(self, policy: RecordPolicy) -> dict[str, Any]:
        return {**super().shown(policy), "Week": policy.week % 7 or 1}


@mutant(violates="IF-REC-01b")
class SundayBecomesMonday(Camera):
    """Week 7 comes back as another day."""

    zh = "Week 7 被读回为其他日。"
    commands_class = _SundayIsZero


class _NoLimit(Commands):
    async def on_ADD_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        plan = self.camera.settings.record_policies
        kept = list(plan)
        plan.clear()
        try:
            return await super().on_ADD_RECORD_POLICY(message)
        finally:
            self.camera.settings.record_policies[:0] = kept


@mutant(violates="IF-REC-01c")
class AnyNumberOfSegments(Camera):
    """Segments of a day are not counted."""

    zh = "不限制每日时段数量。"
    commands_class = _NoLimit


class _TimesAsTheyCome(Commands):
    def record_policy(self, channel: int, entry: Group) -> RecordPolicy:
        store, stream, week = (entry.integer(name) for name in ("StoreType", "StreamType", "Week"))
        return RecordPolicy(0, channel, store, stream, week, minutes(entry["StartTime"]), minutes(entry["EndTime"]))

    def check(self, link: Link, command: Command, message: Message) -> None:
        if command.name != "ADD_RECORD_POLICY":
            super().check(link, command, message)


@mutant(violates="IF-REC-01d")
class ReversedTimesAreTaken(Camera):
    """A segment that ends before it begins is stored."""

    zh = "起止颠倒的时段也被保存。"
    commands_class = _TimesAsTheyCome


class _HalfOfIt(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        if command.name != "ADD_RECORD_POLICY":
            super().check(link, command, message)

    async def on_ADD_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        for entry in message.items("WeekPolicy"):
            if entry.get("Week").isdecimal() and 1 <= int(entry["Week"]) <= 7:
                policy = self.record_policy(0, entry)
                policy.policy_id = self.new_id()
                self.camera.settings.record_policies.append(policy)
        return {}


@mutant(violates="IF-REC-01e")
class BadDaysAreSkipped(Camera):
    """Entries of an impossible day are passed over, the others of the request are stored."""

    zh = "请求中星期非法的条目被跳过，其余照存。"
    commands_class = _HalfOfIt


class _NumberedByPlace(Commands):
    async def on_QUERY_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        found = await super().on_QUERY_RECORD_POLICY(message)
        entries = list(reversed(found["WeekPolicy"]))
        return {"WeekPolicy": [{**entry, "PolicyID": number} for number, entry in enumerate(entries, 1)]}


@mutant(violates="IF-REC-01f")
class PolicyIdIsThePlace(Camera):
    """PolicyID is the place in the list and changes when another entry is added."""

    zh = "PolicyID 是列表中的位置，增加条目后会改变。"
    commands_class = _NumberedByPlace


class _MainStreamOnly(Commands):
    def shown(self, policy: RecordPolicy) -> dict[str, Any]:
        return {**super().shown(policy), "StreamType": 1}


@mutant(violates="IF-REC-01g")
class StreamTypeIsForgotten(Camera):
    """The StreamType of an entry always comes back as 1."""

    zh = "条目的 StreamType 总是读回为 1。"
    commands_class = _MainStreamOnly


@mutant(violates="IF-REC-01h")
class PlanInUtc(Camera):
    """The weekly plan is followed in UTC."""

    zh = "周计划按 UTC 执行。"

    def plan_wants(self, channel: int) -> bool:
        if self.settings.record_full.get(str(channel), 0):
            return True
        moment = dt.datetime.fromtimestamp(self.now(), dt.UTC)
        minute = moment.hour * 60 + moment.minute
        return any(
            p.channel == channel and p.week == moment.isoweekday() and p.start <= minute < p.end
            for p in self.settings.record_policies
        )


def _searching(change: Any) -> type[Commands]:
    """Commands whose search result is changed: ``change(files, total, page)`` returns files and total."""

    async def on_FILE_QUERY(self: Commands, message: Message) -> dict[str, Any]:
        found = await Commands.on_FILE_QUERY(self, message)
        files, total = change(found["File"], found["TotalRecordNum"], message.integer("PageNo"))
        return {"File": files, "TotalRecordNum": total}

    return with_commands(on_FILE_QUERY=on_FILE_QUERY)


@mutant(violates="IF-REC-02")
class TotalOfThePage(Camera):
    """TotalRecordNum counts the files of the page."""

    zh = "TotalRecordNum 为本页文件数。"
    commands_class = _searching(lambda files, total, page: (files, len(files)))


@mutant(violates="IF-REC-02a")
class FirstPageIsShort(Camera):
    """The first page holds nine files."""

    zh = "首页只有九个文件。"
    commands_class = _searching(lambda files, total, page: (files[:-1] if page == 1 else files, total))


@mutant(violates="IF-REC-02b")
class OldestFirstOnAPage(Camera):
    """Each page is ordered from old to new."""

    zh = "每页内由旧到新排列。"
    commands_class = _searching(lambda files, total, page: (files[::-1], total))


class _SilentOnNothing(Commands):
    async def respond(self, link: Link, command: Command, frame: Any) -> bytes | None:
        answer = await super().respond(link, command, frame)
        return None if answer is not None and b"<TotalRecordNum>0<" in answer else answer


@mutant(violates="IF-REC-02c")
class NothingFoundIsNoAnswer(Camera):
    """A search that finds nothing is not answered."""

    zh = "检索为空时不应答。"
    commands_class = _SilentOnNothing


def _renamed(files: list[dict[str, Any]], total: int, page: int) -> tuple[list[dict[str, Any]], int]:
    return [{**file, "FileName": file["FileName"].replace("_0_", "_1_", 1)} for file in files], total


@mutant(violates="IF-REC-02d")
class NamesCountFromOne(Camera):
    """File names count channels from 1."""

    zh = "文件名中的通道号从 1 计。"
    commands_class = _searching(_renamed)


class _WideSearch(Commands):
    def search(self, channel: int, start: float, end: float, page: int) -> tuple[list[dict[str, Any]], int]:
        return super().search(channel, start - 120, end + 120, page)


@mutant(violates="IF-REC-02e")
class SearchIsTooWide(Camera):
    """A search lists files of the minutes before and after, too."""

    zh = "检索结果包含前后几分钟的文件。"
    commands_class = _WideSearch


class _AnyPage(Commands):
    async def on_FILE_QUERY(self, message: Message) -> dict[str, Any]:
        if message.integer("PageNo") < 1:
            return {"File": [], "TotalRecordNum": 0}
        return await super().on_FILE_QUERY(message)

    def check(self, link: Link, command: Command, message: Message) -> None:
        if command.name != "FILE_QUERY":
            super().check(link, command, message)


@mutant(violates="IF-REC-02f")
class PageZeroIsEmpty(Camera):
    """Page 0 is answered 0 with an empty list."""

    zh = "PageNo 0 被应答 0 与空列表。"
    commands_class = _AnyPage


@mutant(violates="IF-REC-03")
class LongSegments(Camera):
    """Recordings are split every twenty-two minutes."""

    zh = "录像每二十二分钟分段一次。"

    def segment_seconds(self) -> float:
        return 4.4 * super().segment_seconds()


class _SetAndForgotten(Commands):
    async def on_SET_RECORD_FULL(self, message: Message) -> dict[str, Any]:
        self.camera.settings.record_full[str(self.channel(message))] = message.integer("RecordFull")
        return {}


@mutant(violates="IF-REC-04")
class SwitchRecordsNothing(Camera):
    """Full-day recording can be set and read, but only the plan records."""

    zh = "全天录像可设可读，但实际只按计划录像。"
    commands_class = _SetAndForgotten

    def plan_wants(self, channel: int) -> bool:
        kept = dict(self.settings.record_full)
        self.settings.record_full.clear()
        try:
            return super().plan_wants(channel)
        finally:
            self.settings.record_full.update(kept)


class _LoopIsOn(Commands):
    async def on_GET_RECORD_LOOP(self, message: Message) -> dict[str, Any]:
        return {"RecordLoop": 1}


@mutant(violates="IF-REC-04a")
class LoopAlwaysReadsOne(Camera):
    """RecordLoop always reads 1."""

    zh = "RecordLoop 总是读回 1。"
    commands_class = _LoopIsOn


class _AlwaysOverwrites(Commands):
    async def on_SET_RECORD_LOOP(self, message: Message) -> dict[str, Any]:
        found = await super().on_SET_RECORD_LOOP(message)
        self.camera.store.loop = True
        return found


@mutant(violates="IF-REC-04b")
class OverwritesAnyway(Camera):
    """When the store is full the oldest files go, whatever RecordLoop says."""

    zh = "存储满时总是覆盖最旧文件，不理会 RecordLoop。"
    commands_class = _AlwaysOverwrites


class _FreeAboveTotal(Commands):
    async def on_STORE_QUERY(self, message: Message) -> dict[str, Any]:
        sizes = self.sizes()
        return {"TotalSize": sizes["FreeSize"], "FreeSize": sizes["TotalSize"]}


@mutant(violates="IF-REC-05")
class SizesAreExchanged(Camera):
    """TotalSize and FreeSize are exchanged."""

    zh = "TotalSize 与 FreeSize 互换。"
    commands_class = _FreeAboveTotal


class _FormatsNothing(Commands):
    async def format(self) -> None:
        """Nothing is formatted."""


@mutant(violates="IF-REC-05a")
class FormatDoesNothing(Camera):
    """STORE_FORMAT is answered 0 and nothing happens."""

    zh = "STORE_FORMAT 应答 0 而什么也不做。"
    commands_class = _FormatsNothing


class _FormatsInTheWay(Commands):
    async def on_STORE_FORMAT(self, message: Message) -> dict[str, Any]:
        found = await super().on_STORE_FORMAT(message)
        asyncio.get_running_loop().call_later(0.05, self._hold)
        return found

    def _hold(self) -> None:
        if self.camera.client.link is not None:
            self.camera.client.link.close()


@mutant(violates="IF-REC-05b")
class FormatCutsTheLink(Camera):
    """The signalling link breaks during a format."""

    zh = "格式化期间信令链路断开。"
    commands_class = _FormatsInTheWay


@mutant(violates="IF-REC-06")
class RecordsOnlyOnline(Camera):
    """Recording stops while the platform cannot be reached."""

    zh = "连不上平台时停止录像。"

    def went_offline(self) -> None:
        super().went_offline()
        for recorder in self.recorders.values():
            recorder.stop()

    def plan_wants(self, channel: int) -> bool:
        return self.client.online and super().plan_wants(channel)


class _KeepsSix(Commands):
    async def on_QUERY_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        found = await super().on_QUERY_RECORD_POLICY(message)
        return {"WeekPolicy": found["WeekPolicy"][:WIDTH]}


@mutant(violates="BIZ-REC-01")
class LongPlansAreCut(Camera):
    """The query returns ten entries at most."""

    zh = "策略查询最多返回十个条目。"
    commands_class = _KeepsSix


@mutant(violates="BIZ-REC-02")
class SwitchesLostByReboot(Camera):
    """The recording switches begin at their factory values after a restart."""

    zh = "重启后录像开关恢复出厂值。"

    async def power_on(self) -> None:
        await super().power_on()
        self.settings.record_full.clear()
        self.settings.record_loop = 1

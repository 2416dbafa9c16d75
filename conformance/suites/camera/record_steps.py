"""Steps that the record suites share: the weekly plan, the search, the switches; what a test changes is put back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.protocols.tykd_message import Message

BEIJING = timezone(timedelta(hours=8))
BEGINNING_OF_TIME = "200001010000"
REFUSED = 255
LOCAL = 0
CLOUD = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the weekly plan as it goes over the wire; ``policy`` is empty in what is sent."""

    week: int | str
    start: str
    end: str
    stream: int | str = 1
    store: int | str = LOCAL
    policy: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """Elements of WeekPolicy."""
        return {
            "StoreType": self.store,
            "StreamType": self.stream,
            "Week": self.week,
            "StartTime": self.start,
            "EndTime": self.end,
        }

    @property
    def times(self) -> tuple[str, str, str]:
        """Day and times as texts, for comparing."""
        return (str(self.week), self.start, self.end)


@dataclass(frozen=True, slots=True)
class Recording:
    """One file of a search. ``start``, ``end``: in Beijing time."""

    name: str
    size: int
    start_text: str
    end_text: str

    @property
    def start(self) -> datetime:
        """StartTime. Raises ValueError."""
        return _moment(self.start_text)

    @property
    def end(self) -> datetime:
        """EndTime. Raises ValueError."""
        return _moment(self.end_text)

    @property
    def seconds(self) -> float:
        """Length."""
        return (self.end - self.start).total_seconds()


def _moment(text: str) -> datetime:
    return datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)


@dataclass(frozen=True, slots=True)
class Records:
    """The recorder of one channel. ``within``: seconds for an answer; ``store``: where it records to."""

    province: Province
    within: float
    channel: int = 0
    store: int = LOCAL

    # plan

    async def add(self, *entries: Entry) -> int:
        """ADD_RECORD_POLICY; its Result."""
        answer = await self.province.command(
            "ADD_RECORD_POLICY",
            within=self.within,
            breaking=True,
            ChannelNo=self.channel,
            WeekPolicy=[entry.values for entry in entries],
        )
        return answer.result

    async def plan(self) -> list[Entry]:
        """The entries that the device has."""
        answer = await self.province.command("QUERY_RECORD_POLICY", within=self.within, ChannelNo=self.channel)
        return [
            Entry(
                found.get("Week"),
                found.get("StartTime"),
                found.get("EndTime"),
                found.get("StreamType"),
                found.get("StoreType"),
                found.get("PolicyID"),
            )
            for found in answer.message.items("WeekPolicy")
        ]

    async def delete(self, policy: str) -> int:
        """DEL_RECORD_POLICY; its Result."""
        answer = await self.province.command(
            "DEL_RECORD_POLICY", within=self.within, breaking=True, ChannelNo=self.channel, PolicyID=policy
        )
        return answer.result

    async def clear(self) -> None:
        """Delete every entry."""
        for entry in await self.plan():
            await self.delete(entry.policy)

    # switches

    async def full(self, value: int | None = None) -> str:
        """Set full-day recording where a value is given; what is read back."""
        if value is not None:
            answer = await self.province.command(
                "SET_RECORD_FULL", within=self.within, ChannelNo=self.channel, StorgeFlag=self.store, RecordFull=value
            )
            if answer.result:
                return f"Result {answer.result}"
        answer = await self.province.command(
            "GET_RECORD_FULL", within=self.within, ChannelNo=self.channel, StorgeFlag=self.store
        )
        return answer.message.get("RecordFull")

    async def loop(self, value: int | None = None) -> str:
        """Set loop overwrite where a value is given; what is read back."""
        if value is not None:
            answer = await self.province.command("SET_RECORD_LOOP", within=self.within, RecordLoop=value)
            if answer.result:
                return f"Result {answer.result}"
        return (await self.province.command("GET_RECORD_LOOP", within=self.within)).message.get("RecordLoop")

    # search

    async def page(self, number: int | str, start: str = "", end: str = "") -> Message:
        """One answer to FILE_QUERY; without times everything up to tomorrow."""
        values: dict[str, Any] = {
            "StartTime": start or BEGINNING_OF_TIME,
            "EndTime": end or self.tomorrow,
            "PageNo": number,
        }
        answer = await self.province.command(
            "FILE_QUERY", within=self.within, breaking=True, ChannelNo=self.channel, **values
        )
        return answer.message

    async def search(self, start: str = "", end: str = "") -> list[Recording]:
        """Every file of a search, page by page, as the device lists them."""
        found: list[Recording] = []
        number = 1
        while fresh := recordings(await self.page(number, start, end)):
            found += fresh
            number += 1
        return found

    @property
    def now(self) -> datetime:
        """The platform's time, in Beijing."""
        return datetime.fromtimestamp(self.province.wire.epoch(), UTC).astimezone(BEIJING)

    @property
    def tomorrow(self) -> str:
        """End of a search that covers all recordings."""
        return (self.now + timedelta(days=1)).strftime("%Y%m%d%H%M")


def recordings(message: Message) -> list[Recording]:
    """The files of one answer."""
    return [
        Recording(item.get("FileName"), int(item.get("FileSize") or 0), item.get("StartTime"), item.get("EndTime"))
        for item in message.items("File")
    ]


@asynccontextmanager
async def kept_plan(records: Records) -> AsyncIterator[Records]:
    """The plan is empty in the block; afterwards it is what it was before, and so are the two switches."""
    before, full, loop = await records.plan(), await records.full(), await records.loop()
    await records.clear()
    try:
        yield records
    finally:
        await records.province.online(within=records.province.limits["back_online_wait"].seconds)
        await records.clear()
        for entry in before:
            await records.add(entry)
        await records.full(int(full or 0))
        await records.loop(int(loop or 0))


async def some_recordings(records: Records, check: Checks, count: int = 1) -> list[Recording]:
    """Finished recordings, newest first; empty, noted as inconclusive, when there are fewer than ``count``."""
    found = await records.search()
    if len(found) >= count:
        return found
    reason = say(f"设备上的录像不足 {count} 个", f"the device holds fewer than {count} recordings")
    for requirement in check.requirements:
        check.inconclusive(requirement, reason)
    return []


def minute(moment: datetime) -> str:
    """YYYYMMDDhhmm."""
    return moment.strftime("%Y%m%d%H%M")


def names(files: Sequence[Recording]) -> list[str]:
    """Their names."""
    return [file.name for file in files]

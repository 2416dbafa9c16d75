"""Record and picture plans, recordings, storage."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from conformance.media.labelled_video import DEVICE_ZONE
from conformance.protocols.tykd_message import Group, Message
from simulators.camera.refusal import Refusal
from simulators.camera.settings import PicturePolicy, RecordPolicy

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

DAY_SLOTS = 4
PICTURE_SLOTS = 3
MEBIBYTE = 1 << 20


def minutes(text: str) -> int:
    """``H:M`` as minutes of the day."""
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)


def clock(value: int) -> str:
    """Minutes of the day as HH:MM."""
    return f"{value // 60:02d}:{value % 60:02d}"


class RecordCommands:
    """Handlers 0x67 to 0x69, 0x72, 0x75 to 0x7b, 0x7f, 0x80, 0x91."""

    camera: Camera

    def channel(self, message: Message) -> int:
        """The channel of a request."""
        raise NotImplementedError

    def new_id(self) -> int:
        """A plan id that was never given out before."""
        settings = self.camera.settings
        settings.next_policy += 1
        return settings.next_policy - 1

    async def on_ADD_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        """All entries or none; at most four a day."""
        channel = self.channel(message)
        plan = self.camera.settings.record_policies
        fresh = [self.record_policy(channel, entry) for entry in message.items("WeekPolicy")]
        for week in {policy.week for policy in fresh}:
            if sum(p.channel == channel and p.week == week for p in (*plan, *fresh)) > DAY_SLOTS:
                raise Refusal(why="no free slot on that day")
        for policy in fresh:
            policy.policy_id = self.new_id()
        plan.extend(fresh)
        self.camera.save()
        self.camera.follow_plan()
        return {}

    def record_policy(self, channel: int, entry: Group) -> RecordPolicy:
        """One entry of the request. Raises Refusal."""
        start, end = minutes(entry["StartTime"]), minutes(entry["EndTime"])
        if start >= end:
            raise Refusal(why="the entry ends before it starts")
        store, stream, week = (entry.integer(name) for name in ("StoreType", "StreamType", "Week"))
        if not any(pair.startswith(f"{stream}/") for pair in self.camera.pairs):
            raise Refusal(why="no such stream")
        return RecordPolicy(0, channel, store, stream, week, start, end)

    async def on_QUERY_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        """The plan as it was set, Monday first."""
        channel = self.channel(message)
        found = [p for p in self.camera.settings.record_policies if p.channel == channel]
        found.sort(key=lambda p: (p.week, p.start, p.policy_id))
        return {"WeekPolicy": [self.shown(policy) for policy in found]}

    def shown(self, policy: RecordPolicy) -> dict[str, Any]:
        """One entry of the answer."""
        return {
            "PolicyID": policy.policy_id,
            "StoreType": policy.store_type,
            "StreamType": policy.stream_type,
            "Week": policy.week,
            "StartTime": clock(policy.start),
            "EndTime": clock(policy.end),
        }

    async def on_DEL_RECORD_POLICY(self, message: Message) -> dict[str, Any]:
        """Remove one entry; an unknown id is refused."""
        channel, number = self.channel(message), message.integer("PolicyID")
        settings = self.camera.settings
        kept = [p for p in settings.record_policies if (p.channel, p.policy_id) != (channel, number)]
        if len(kept) == len(settings.record_policies):
            raise Refusal(why="unknown plan entry")
        settings.record_policies = kept
        self.camera.save()
        self.camera.follow_plan()
        return {}

    async def on_FILE_QUERY(self, message: Message) -> dict[str, Any]:
        """A page of ten, newest first; nothing found is an answer, too."""
        channel, page = self.channel(message), message.integer("PageNo")
        start, end = (self._epoch(message[name]) for name in ("StartTime", "EndTime"))
        if page < 1 or start > end:
            raise Refusal(why="bad page or bounds")
        files, total = self.search(channel, start, end + 59, page)
        return {"File": files, "TotalRecordNum": total}

    def search(self, channel: int, start: float, end: float, page: int) -> tuple[list[dict[str, Any]], int]:
        """One page of recordings and the number of all that overlap the time."""
        found, total = self.camera.store.search(channel, start, end, page)
        shown = [
            {"FileName": f.name, "FileSize": f.size, "StartTime": f.start_text, "EndTime": f.end_text} for f in found
        ]
        return shown, total

    @staticmethod
    def _epoch(text: str) -> float:
        return dt.datetime.strptime(text, "%Y%m%d%H%M").replace(tzinfo=DEVICE_ZONE).timestamp()

    def picture_store(self, message: Message) -> int:
        """Where pictures of a plan go: 0 is FTP. Raises Refusal."""
        store = message.integer("StoreType")
        if store and not self.camera.has("cloud_store"):
            raise Refusal(why="there is no object store")
        return store

    async def on_ADD_PICTURE_POLICY(self, message: Message) -> dict[str, Any]:
        """All entries or none; at most three. Entries for the object store are kept; what goes there is its affair."""
        channel = self.channel(message)
        plan = self.camera.settings.picture_policies
        entries = message.items("DayPolicy")
        store = self.picture_store(message)
        if sum(p.channel == channel for p in plan) + len(entries) > PICTURE_SLOTS:
            raise Refusal(why="no free slot")
        times = [(minutes(e["StartTime"]), minutes(e["EndTime"])) for e in entries]
        if any(start > end for start, end in times):
            raise Refusal(why="the entry ends before it starts")
        for entry, (start, end) in zip(entries, times, strict=True):
            plan.append(PicturePolicy(self.new_id(), channel, entry.integer("Interval"), start, end, store))
        self.camera.save()
        return {}

    async def on_QUERY_PICTURE_POLICY(self, message: Message) -> dict[str, Any]:
        """The picture plan."""
        where = self.channel(message), self.picture_store(message)
        found = [p for p in self.camera.settings.picture_policies if (p.channel, p.store) == where]
        return {
            "DayPolicy": [
                {"PolicyID": p.policy_id, "Interval": p.interval, "StartTime": clock(p.start), "EndTime": clock(p.end)}
                for p in found
            ]
        }

    async def on_DEL_PICTURE_POLICY(self, message: Message) -> dict[str, Any]:
        """Remove one entry; an unknown id is refused."""
        channel, number = self.channel(message), message.integer("PolicyID")
        settings = self.camera.settings
        kept = [p for p in settings.picture_policies if (p.channel, p.policy_id) != (channel, number)]
        if len(kept) == len(settings.picture_policies):
            raise Refusal(why="unknown plan entry")
        settings.picture_policies = kept
        self.camera.save()
        return {}

    async def on_SET_RECORD_FULL(self, message: Message) -> dict[str, Any]:
        """Record all day, or by the plan again."""
        channel = self.channel(message)
        self.camera.settings.record_full[str(channel)] = message.integer("RecordFull")
        self.camera.save()
        self.camera.follow_plan()
        return {}

    async def on_GET_RECORD_FULL(self, message: Message) -> dict[str, Any]:
        """Whether recording all day is on."""
        return {"RecordFull": self.camera.settings.record_full.get(str(self.channel(message)), 0)}

    async def on_SET_RECORD_LOOP(self, message: Message) -> dict[str, Any]:
        """Overwrite the oldest recordings, or stop when the disk is full."""
        self.camera.settings.record_loop = message.integer("RecordLoop")
        self.camera.store.loop = bool(self.camera.settings.record_loop)
        self.camera.save()
        return {}

    async def on_GET_RECORD_LOOP(self, message: Message) -> dict[str, Any]:
        """Whether the oldest recordings are overwritten."""
        return {"RecordLoop": self.camera.settings.record_loop}

    def sizes(self) -> dict[str, Any]:
        """Total and free space in MB."""
        store = self.camera.store
        return {"TotalSize": store.total // MEBIBYTE, "FreeSize": store.free // MEBIBYTE}

    async def on_STORE_QUERY(self, message: Message) -> dict[str, Any]:
        """Sizes; no disk is an answer, too."""
        return self.sizes()

    async def on_STORE_FORMAT(self, message: Message) -> dict[str, Any]:
        """Format every disk beside other work; the answer has the sizes before it."""
        if not self.camera.store.total:
            raise Refusal(why="no disk")
        sizes = self.sizes()
        self.camera.spawn(self.format())
        return sizes

    async def on_FORMAT(self, message: Message) -> dict[str, Any]:
        """The one-key form of the same."""
        await self.on_STORE_FORMAT(message)
        return {}

    async def format(self) -> None:
        """Remove every recording; recording goes on afterwards."""
        self.camera.stop_recording()
        await asyncio.to_thread(self.camera.store.format)
        self.camera.follow_plan()

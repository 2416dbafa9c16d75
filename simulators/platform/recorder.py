"""Recording to the cloud storage by plan and by event, the index of what is there, and its end by retention."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from conformance.protocols.s3_credentials import Credentials
from simulators.platform.clock import CHINA
from simulators.platform.cloud_store import CloudStore, StoreFault
from simulators.platform.database import Row
from simulators.platform.live_ingest import LiveIngest
from simulators.platform.refused import Refused
from simulators.platform.tables import PLANS, RECORDINGS
from simulators.platform.transport_stream import Cutter, Segment

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

_LOG = logging.getLogger(__name__)
CLIP = 10.0
EVENT = 6.0
DAY = 86400.0
STEP = 0.2
RETRY = 1.0
MOST_WAITING = 64
MEDIA_TYPE = "video/mp2t"
Window = tuple[int, int, int]
Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Clip:
    """What waits for its upload. ``start``, ``end``: Unix seconds; ``event``: id of the alarm, empty for the plan."""

    device: str
    channel: int
    start: float
    end: float
    data: bytes
    event: str = ""


def object_key(tenant: str, clip: Clip) -> str:
    """``tenant/device/channel/yyyyMMdd/HHmmss-HHmmss[-event].ts``, UTC: the order of names is that of time."""
    start, end = (dt.datetime.fromtimestamp(at, dt.UTC) for at in (clip.start, clip.end))
    event = f"-{clip.event}" if clip.event else ""
    return f"{tenant}/{clip.device}/{clip.channel}/{start:%Y%m%d}/{start:%H%M%S}-{end:%H%M%S}{event}.ts"


class Recording:
    """One channel that is being recorded; ``until``: monotonic seconds for an event, None for the plan."""

    def __init__(self, recorder: Recorder, device: str, channel: int, event: str = "") -> None:
        self.recorder = recorder
        self.device, self.channel, self.event = device, channel, event
        self.until = time.monotonic() + EVENT if event else None
        self.loop = asyncio.get_running_loop()
        self.began = 0.0
        cutter = Cutter(EVENT if event else recorder.clip_seconds, self._publish)
        self.ingest = LiveIngest(recorder.platform, device, channel, recorder.stream, [cutter])

    def _publish(self, segment: Segment) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self._take, segment)

    def _take(self, segment: Segment) -> None:
        if not self.began:
            self.began = self.recorder.platform.clock.now() - segment.start - segment.duration
        start = self.began + segment.start
        clip = Clip(self.device, self.channel, start, start + segment.duration, segment.data, self.event)
        if not self.event or segment.number == 0:
            self.recorder.upload(clip)


class Recorder:
    """Everything about recordings."""

    recording_class: type[Recording] = Recording

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.stream = int(platform.simulator.get("record_stream", 1))
        self.clip_seconds = float(platform.simulator.get("clip_seconds", CLIP))
        self.retention = platform.declared.retention_days * DAY
        self.running: dict[tuple[str, int, str], Recording] = {}
        self.waiting: deque[Clip] = deque()
        self.dropped = 0
        told = platform.addresses.get
        credentials = Credentials(told("storage_access_key", ""), told("storage_secret_key", ""))
        self.store = CloudStore(told("storage_endpoint", ""), credentials, told("storage_bucket", ""))

    def device_account(self, dev_id: str) -> dict[str, str]:
        """What LOGIN tells a device of the storage: nothing, the platform records by itself."""
        return {}

    # plans

    def plan(self, dev_id: str, channel: int) -> list[Row]:
        """The windows of a channel."""
        query = select(PLANS).where(PLANS.c.device == dev_id, PLANS.c.channel == channel)
        return self.platform.database.rows(query.order_by(PLANS.c.week, PLANS.c.start))

    def set_plan(self, dev_id: str, channel: int, windows: Sequence[Window]) -> None:
        """Replace the windows: (week 1..7, first minute of the day, minute after the last), UTC+8."""
        database = self.platform.database
        database.change(delete(PLANS).where(PLANS.c.device == dev_id, PLANS.c.channel == channel))
        for week, start, end in windows:
            values = {"device": dev_id, "channel": channel, "week": week, "start": start, "end": end}
            database.change(insert(PLANS).values(values))

    def wanted(self) -> set[Place]:
        """The channels that the plans want recorded now."""
        now = dt.datetime.fromtimestamp(self.platform.clock.now(), CHINA)
        minute, p = now.hour * 60 + now.minute, PLANS.c
        query = select(p.device, p.channel).where(p.week == now.isoweekday(), p.start <= minute, p.end > minute)
        return {(str(row["device"]), int(row["channel"])) for row in self.platform.database.rows(query)}

    def event(self, dev_id: str, channel: int, alarm: str) -> None:
        """Record an alarm."""
        if self.store.usable:
            self._begin(dev_id, channel, alarm)

    # what runs

    async def keep_running(self) -> None:
        """Follow plans and events, carry out retention."""
        while True:
            self.follow(time.monotonic())
            await self.retain()
            await asyncio.sleep(STEP)

    def follow(self, now: float) -> None:
        """Begin what is wanted, end what is over."""
        wanted = self.wanted() if self.store.usable else set()
        for key, recording in list(self.running.items()):
            over = now > recording.until if recording.until is not None else key[:2] not in wanted
            if over:
                recording.ingest.stop()
            if recording.ingest.ended.is_set():
                del self.running[key]
        for device, channel in wanted:
            self._begin(device, channel, "")

    def _begin(self, device: str, channel: int, event: str) -> None:
        if (device, channel, event) in self.running or not self.platform.presence.online(device):
            return
        recording = self.recording_class(self, device, channel, event)
        try:
            recording.ingest.start()
        except Refused:
            return
        self.running[device, channel, event] = recording

    def upload(self, clip: Clip) -> None:
        """Put a clip in the queue; when that is full the oldest is dropped, and that is on record."""
        self.waiting.append(clip)
        if len(self.waiting) > MOST_WAITING:
            lost = self.waiting.popleft()
            self.dropped += 1
            self.platform.audit.note("platform", "record-dropped", lost.device, "storage_down")

    async def keep_uploading(self) -> None:
        """Store clip after clip; one that cannot be stored is tried again."""
        while True:
            if not self.waiting:
                await asyncio.sleep(0.05)
                continue
            clip = self.waiting[0]
            try:
                await self.keep(clip)
            except StoreFault as fault:
                _LOG.info("storing failed: %s", fault)
                await asyncio.sleep(RETRY)
                continue
            if self.waiting and self.waiting[0] is clip:
                self.waiting.popleft()

    async def keep(self, clip: Clip) -> None:
        """Store one clip and enter it in the index. Raises StoreFault."""
        device = self.platform.devices.find(clip.device)
        owner = str(device["owner"]) if device else ""
        if not owner:
            return
        key = self.key_of(owner, clip)
        text = self.platform.clock.text
        times = {"start": text(clip.start), "end": text(clip.end), "device-id": clip.device}
        await self.store.put(key, clip.data, MEDIA_TYPE, times)
        recording = self.platform.new_id()
        values = {"id": recording, "device": clip.device, "channel": clip.channel, "start": clip.start, "end": clip.end}
        values |= {"object": key, "size": len(clip.data), "event": clip.event, "owner": owner}
        self.platform.database.change(insert(RECORDINGS).values(values))
        if clip.event:
            self.platform.alarms.clip_stored(clip.event, recording)

    def key_of(self, owner: str, clip: Clip) -> str:
        """The key of a clip in the storage."""
        return object_key(owner, clip)

    # the index

    def horizon(self) -> float:
        """Unix second before which nothing is kept."""
        return self.platform.clock.now() - self.retention

    def search(self, device: Row, channel: int, start: float, end: float) -> list[Row]:
        """Recordings of the present owner that overlap [start, end), in order of time."""
        r = RECORDINGS.c
        mine = r.device == device["id"], r.channel == channel, r.owner == device["owner"]
        within = r.start < end, r.end > start, r.end > self.horizon()
        return self.platform.database.rows(select(RECORDINGS).where(*mine, *within).order_by(r.start, r.id))

    def find(self, recording: str) -> Row | None:
        """A recording that is still kept."""
        query = select(RECORDINGS).where(RECORDINGS.c.id == recording, RECORDINGS.c.end > self.horizon())
        return self.platform.database.row(query)

    async def retain(self) -> None:
        """Remove what is older than the retention from storage and index."""
        await self._remove(RECORDINGS.c.end <= self.horizon())

    async def forget(self, dev_id: str) -> None:
        """Remove everything that a device has recorded."""
        await self._remove(RECORDINGS.c.device == dev_id)

    async def _remove(self, which: object) -> None:
        rows = self.platform.database.rows(select(RECORDINGS).where(which))  # type: ignore[arg-type]
        for row in rows:
            try:
                await self.store.delete(str(row["object"]))
            except StoreFault as fault:
                _LOG.info("removing failed: %s", fault)
                return
            self.platform.database.change(delete(RECORDINGS).where(RECORDINGS.c.id == row["id"]))
            self.platform.audit.note("platform", "record-removed", str(row["device"]), detail=str(row["object"]))

    async def stop(self) -> None:
        """End every recording."""
        await asyncio.gather(*(recording.ingest.stopped() for recording in self.running.values()))
        await self.store.stop()

"""Alarms of devices: stored once, told to those who may know, not in disarmed hours."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from conformance.protocols.tykd_message import Message
from simulators.platform.clock import CHINA
from simulators.platform.database import Row
from simulators.platform.tables import ALARMS, ARMING

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

REPEAT_WITHIN = 10.0
Window = tuple[int, int, int]


class Alarms:
    """Types: 1 motion, 2 body infrared, 3 manual, 4 digital input."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def raised(self, dev_id: str, message: Message) -> None:
        """A device reports an alarm."""
        channel, kind = message.integer("ChannelNo", 0), message.integer("AlarmType", 0)
        if not self.armed(dev_id, channel, kind):
            return
        digital_input, text = message.integer("DIDONo", 0), message.get("AlarmDesc")
        if self.repeated(dev_id, channel, kind, digital_input, text):
            return
        alarm = self.platform.new_id()
        values = {"id": alarm, "device": dev_id, "channel": channel, "type": kind, "input": digital_input}
        self.platform.database.change(insert(ALARMS).values(values | {"text": text, "at": self.platform.clock.now()}))
        self.tell(dev_id, channel, kind, alarm)
        self.platform.recorder.event(dev_id, channel, alarm)

    def tell(self, dev_id: str, channel: int, kind: int, alarm: str) -> None:
        """Push it to everybody who may have the alarms of the device."""
        link = f"{self.platform.client_url}/alarms/{alarm}/clip"
        for user in self.platform.rights.watchers(dev_id, "alarm"):
            self.platform.messages.tell(user, "alarm", dev_id, channel, alarm, alarmType=kind, link=link)

    def repeated(self, dev_id: str, channel: int, kind: int, digital_input: int, text: str) -> bool:
        """Whether the device has just reported the same; it is counted and not stored again."""
        since = self.platform.clock.now() - self.platform.clock.long(REPEAT_WITHIN)
        a = ALARMS.c
        same = (a.device == dev_id, a.channel == channel, a.type == kind, a.input == digital_input, a.text == text)
        question = update(ALARMS).where(*same, a.at > since).values(count=a.count + 1)
        return self.platform.database.change(question) > 0

    def clip_stored(self, alarm: str, recording: str) -> None:
        """The recording of an alarm is in the cloud."""
        self.platform.database.change(update(ALARMS).where(ALARMS.c.id == alarm).values(recording=recording))

    def find(self, alarm: str) -> Row | None:
        """One alarm."""
        return self.platform.database.row(select(ALARMS).where(ALARMS.c.id == alarm))

    def search(
        self, devices: Sequence[str], since: float, until: float, limit: int, offset: int, kind: int = 0
    ) -> tuple[list[Row], int]:
        """Alarms of those devices in [since, until), newest first, and how many there are."""
        wanted = [ALARMS.c.device.in_(devices), ALARMS.c.at >= since, ALARMS.c.at < until]
        if kind:
            wanted.append(ALARMS.c.type == kind)
        query = select(ALARMS).where(*wanted).order_by(ALARMS.c.at.desc(), ALARMS.c.id).limit(limit).offset(offset)
        total = self.platform.database.value(select(func.count()).select_from(ALARMS).where(*wanted))
        return self.platform.database.rows(query), int(total or 0)

    # arming

    def schedule(self, dev_id: str, channel: int, kind: int) -> list[Row]:
        """The hours in which alarms of that kind are wanted."""
        a = ARMING.c
        query = select(ARMING).where(a.device == dev_id, a.channel == channel, a.type == kind)
        return self.platform.database.rows(query.order_by(a.week, a.start))

    def set_schedule(self, dev_id: str, channel: int, kind: int, windows: Sequence[Window]) -> None:
        """Replace the hours: (week 1..7, first minute of the day, minute after the last). None at all: always armed."""
        a = ARMING.c
        database = self.platform.database
        database.change(delete(ARMING).where(a.device == dev_id, a.channel == channel, a.type == kind))
        for week, start, end in windows:
            values = {"device": dev_id, "channel": channel, "type": kind, "week": week, "start": start, "end": end}
            database.change(insert(ARMING).values(values))

    def armed(self, dev_id: str, channel: int, kind: int) -> bool:
        """Whether an alarm is wanted now (UTC+8)."""
        rows = self.schedule(dev_id, channel, kind)
        now = dt.datetime.fromtimestamp(self.platform.clock.now(), CHINA)
        minute = now.hour * 60 + now.minute
        return not rows or any(r["week"] == now.isoweekday() and r["start"] <= minute < r["end"] for r in rows)

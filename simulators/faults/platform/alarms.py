"""Mutants of a platform that tells its users of alarms: what it tells, when, and what it keeps."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Any

from simulators.faults.registry import mutant
from simulators.platform.alarms import Alarms
from simulators.platform.client_api import ClientApi
from simulators.platform.client_events import EventOperations
from simulators.platform.database import Row
from simulators.platform.messages import Messages
from simulators.platform.platform import Platform
from simulators.platform.presence import NOTICE_GAP, NOTICE_GRACE, DeviceState, Presence
from simulators.platform.push import Push

EIGHT_HOURS = 8 * 3600.0


class Changed(Push):
    """Pushes something else than it was told to."""

    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        return content

    def send(self, user: str, content: dict[str, Any]) -> None:
        super().send(user, self.changed(user, content))


# BIZ-ALM-01a


class _NoLink(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in content.items() if name != "link"}


@mutant(violates="BIZ-ALM-01a")
class PushesHaveNoLink(Platform):
    """The push of an alarm has no link to the clip."""

    zh = "告警推送不含录像链接。"
    push_class = _NoLink


class _DeadLink(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "link": f"{content['link']}s"} if "link" in content else content


@mutant(violates="BIZ-ALM-01a")
class LinksLeadNowhere(Platform):
    """The link in the push leads to nothing."""

    zh = "推送中的链接打不开。"
    push_class = _DeadLink


class _NextChannel(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "channel": content["channel"] + 1}


@mutant(violates="BIZ-ALM-01a")
class ChannelsCountFromOne(Platform):
    """Pushes count channels from one."""

    zh = "推送中的通道号从 1 起。"
    push_class = _NextChannel


class _ChinaTime(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        clock = self.platform.clock
        return {**content, "time": clock.text(clock.now() + EIGHT_HOURS)}


@mutant(violates="BIZ-ALM-01a")
class TimesAreEightHoursAhead(Platform):
    """The time in a push is that of UTC+8, marked as UTC."""

    zh = "推送中的时间为 UTC+8，却标为 UTC。"
    push_class = _ChinaTime


# BIZ-ALM-02


class _Nervous(Presence):
    async def notice(self, dev_id: str, state: DeviceState) -> None:
        state.told_offline = True
        self.platform.messages.device_event(dev_id, "offline")


@mutant(violates="BIZ-ALM-02")
class EveryFlapIsNoticed(Platform):
    """Every loss of a connection is told at once."""

    zh = "每次断线立即通知。"
    presence_class = _Nervous


class _Forgetful(Presence):
    async def notice(self, dev_id: str, state: DeviceState) -> None:
        long = self.platform.clock.long
        await asyncio.sleep(long(NOTICE_GRACE))
        if time.monotonic() - state.told_at >= long(NOTICE_GAP):
            await super().notice(dev_id, state)


@mutant(violates="BIZ-ALM-02")
class NoticesInTheGapAreDropped(Platform):
    """A notice soon after another is dropped, though the device stays away."""

    zh = "抑制期内的掉线通知被丢弃，此后也不补发。"
    presence_class = _Forgetful


class _Echoing(Messages):
    def device_event(self, dev_id: str, kind: str) -> None:
        super().device_event(dev_id, kind)
        if kind == "online":
            super().device_event(dev_id, kind)


@mutant(violates="BIZ-ALM-02")
class BackOnlineIsToldTwice(Platform):
    """The notice that a device is back comes twice."""

    zh = "恢复在线通知两次。"
    messages_class = _Echoing


# BIZ-ALM-03a


class _AlwaysArmed(Alarms):
    def armed(self, dev_id: str, channel: int, kind: int) -> bool:
        return True


@mutant(violates="BIZ-ALM-03a")
class SchedulesAreOnlyKept(Platform):
    """Arming schedules are stored and not followed."""

    zh = "时间表只保存而不执行。"
    alarms_class = _AlwaysArmed


class _Universal(Alarms):
    def armed(self, dev_id: str, channel: int, kind: int) -> bool:
        now = dt.datetime.fromtimestamp(self.platform.clock.now(), dt.UTC)
        rows, minute = self.schedule(dev_id, channel, kind), now.hour * 60 + now.minute
        return not rows or any(r["week"] == now.isoweekday() and r["start"] <= minute < r["end"] for r in rows)


@mutant(violates="BIZ-ALM-03a")
class SchedulesAreInUtc(Platform):
    """Arming schedules are followed in UTC."""

    zh = "时间表按 UTC 执行。"
    alarms_class = _Universal


class _EveryType(Alarms):
    def schedule(self, dev_id: str, channel: int, kind: int) -> list[Row]:
        return super().schedule(dev_id, channel, 1)


@mutant(violates="BIZ-ALM-03a")
class AScheduleHoldsForEveryType(Platform):
    """The schedule of motion detection disarms every other type as well."""

    zh = "移动侦测的时间表同时作用于其他类型。"
    alarms_class = _EveryType


# BIZ-ALM-05


class _Repeating(Alarms):
    def repeated(self, dev_id: str, channel: int, kind: int, digital_input: int, text: str) -> bool:
        return False


@mutant(violates="BIZ-ALM-05")
class RepeatsAreStored(Platform):
    """An alarm that is reported twice is stored twice."""

    zh = "重复上报的告警被保存两次。"
    alarms_class = _Repeating


class _OnePerDevice(Alarms):
    def repeated(self, dev_id: str, channel: int, kind: int, digital_input: int, text: str) -> bool:
        devices = [dev_id]
        since = self.platform.clock.now() - self.platform.clock.long(100.0)
        return self.search(devices, since, since + EIGHT_HOURS, 1, 0)[1] > 0


@mutant(violates="BIZ-ALM-05")
class OtherTypesCountAsRepeats(Platform):
    """Whatever a device reports soon after an alarm counts as its repeat."""

    zh = "同一设备短时间内的其他告警被当作重复。"
    alarms_class = _OnePerDevice


class _FreshIds(EventOperations):
    def shown(self, row: Row) -> dict[str, Any]:
        return {**super().shown(row), "id": self.platform.new_id()}


class _ClientOfFreshIds(ClientApi):
    events_class = _FreshIds


@mutant(violates="BIZ-ALM-05")
class IdsChangeWithEverySearch(Platform):
    """Every search gives alarms other ids."""

    zh = "每次检索告警编号都不同。"
    client_class = _ClientOfFreshIds


class _PushedAgain(Alarms):
    def repeated(self, dev_id: str, channel: int, kind: int, digital_input: int, text: str) -> bool:
        again = super().repeated(dev_id, channel, kind, digital_input, text)
        if again:
            self.tell(dev_id, channel, kind, self.platform.new_id())
        return again


@mutant(violates="BIZ-ALM-05")
class RepeatsArePushed(Platform):
    """An alarm that is reported twice is stored once and pushed twice."""

    zh = "重复上报的告警保存一次却推送两次。"
    alarms_class = _PushedAgain


class _FirstChannel(Alarms):
    def search(self, *told: Any, **more: Any) -> tuple[list[Row], int]:
        rows, total = super().search(*told, **more)
        return [{**row, "channel": 0} for row in rows], total


@mutant(violates="BIZ-ALM-05")
class EveryAlarmIsOfTheFirstChannel(Platform):
    """The history tells the first channel for every alarm of a recorder."""

    zh = "录像机告警的通道均记为首个通道。"
    alarms_class = _FirstChannel


class _LocalTimes(EventOperations):
    def shown(self, row: Row) -> dict[str, Any]:
        return {**super().shown(row), "time": self.platform.clock.text(row["at"] + EIGHT_HOURS)}


class _ClientOfLocalTimes(ClientApi):
    events_class = _LocalTimes


@mutant(violates="BIZ-ALM-05")
class HistoryIsEightHoursAhead(Platform):
    """The times of the history are those of UTC+8, marked as UTC."""

    zh = "告警历史的时间为 UTC+8，却标为 UTC。"
    client_class = _ClientOfLocalTimes

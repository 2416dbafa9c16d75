"""Faults of the picture plan and of pictures by FTP."""

from __future__ import annotations

import datetime as dt
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.pictures import Pictures
from simulators.camera.record_commands import PICTURE_SLOTS
from simulators.camera.settings import PicturePolicy
from simulators.faults.registry import mutant


class _NoEnd(Commands):
    async def on_QUERY_PICTURE_POLICY(self, message: Message) -> dict[str, Any]:
        found = await super().on_QUERY_PICTURE_POLICY(message)
        return {"DayPolicy": [{**entry, "EndTime": entry["StartTime"]} for entry in found["DayPolicy"]]}


@mutant(violates="IF-CTL-03")
class PictureEndNotStored(Camera):
    """The end of an entry of the picture plan is not stored."""

    zh = "抓拍策略的结束时刻未保存。"
    commands_class = _NoEnd


class _Overwrites(Commands):
    async def on_ADD_PICTURE_POLICY(self, message: Message) -> dict[str, Any]:
        plan = self.camera.settings.picture_policies
        if len(plan) >= PICTURE_SLOTS:
            plan.pop(0)
        return await super().on_ADD_PICTURE_POLICY(message)


@mutant(violates="IF-CTL-03")
class SurplusEntryOverwrites(Camera):
    """One entry too many replaces the oldest entry of the picture plan."""

    zh = "超出条数的抓拍策略覆盖最早的一条。"
    commands_class = _Overwrites


class _HalfPicture(Pictures):
    def store(self, folder: str, name: str, picture: bytes) -> None:
        super().store(folder, name, picture[: len(picture) // 2])


@mutant(violates="IF-CTL-03a")
class HalfPictureStored(Camera):
    """The file on the server ends in the middle of the picture."""

    zh = "服务器上的图片文件中途截断。"
    pictures_class = _HalfPicture


class _UniversalTime(Pictures):
    def due(self, policy: PicturePolicy, last: float, now: float) -> bool:
        midnight = dt.datetime.fromtimestamp(now, dt.UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return any(last < midnight.timestamp() + minute * 60 <= now for minute in self.moments(policy))


@mutant(violates="IF-CTL-03a")
class PicturePlanInUniversalTime(Camera):
    """The picture plan is followed in UTC."""

    zh = "抓拍策略按 UTC 而非北京时间执行。"
    pictures_class = _UniversalTime


class _NoNotice(Pictures):
    def stored(self) -> None:
        return


@mutant(violates="IF-CTL-03b")
class PictureNotAnnounced(Camera):
    """The platform is not told of a stored picture."""

    zh = "图片上传后不通知平台。"
    pictures_class = _NoNotice


class _EarlyNotice(Pictures):
    async def take(self, channel: int) -> bytes:
        picture = await super().take(channel)
        super().stored()
        return picture

    def stored(self) -> None:
        return


@mutant(violates="IF-CTL-03b")
class PictureAnnouncedTooEarly(Camera):
    """The platform is told of a picture before it is on the server."""

    zh = "图片尚未上传就已通知平台。"
    pictures_class = _EarlyNotice

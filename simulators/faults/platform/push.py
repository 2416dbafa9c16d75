"""Mutants of a platform that pushes: to whom, with what, how reliably; and of the messages that it keeps."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlalchemy import select, update

from conformance.protocols.tykd_message import Message
from simulators.faults.platform.alarms import Changed
from simulators.faults.registry import mutant
from simulators.platform.alarms import Alarms
from simulators.platform.client_api import ClientApi
from simulators.platform.client_call import Call
from simulators.platform.client_events import EventOperations
from simulators.platform.messages import Messages
from simulators.platform.platform import Platform
from simulators.platform.push import Push
from simulators.platform.rights import Rights
from simulators.platform.tables import MESSAGES, USERS

LONG = 6.0


# BIZ-ALM-07


class _Everybody(Rights):
    def watchers(self, dev_id: str, right: str = "view") -> list[str]:
        users = self.platform.database.rows(select(USERS).where(USERS.c.state == "active").order_by(USERS.c.id))
        return [str(user["id"]) for user in users] if right == "alarm" else super().watchers(dev_id, right)


@mutant(violates="BIZ-ALM-07")
class EverybodyIsTold(Platform):
    """Alarms are pushed to every user of the platform."""

    zh = "告警推送给全部用户。"
    rights_class = _Everybody


class _ViewWillDo(Rights):
    def watchers(self, dev_id: str, right: str = "view") -> list[str]:
        return super().watchers(dev_id)


@mutant(violates="BIZ-ALM-07")
class WhoeverMayWatchIsTold(Platform):
    """A share without alarms brings alarms as well."""

    zh = "未获告警权限的被分享者也收到告警。"
    rights_class = _ViewWillDo


class _Loyal(Rights):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.known: dict[str, set[str]] = {}

    def watchers(self, dev_id: str, right: str = "view") -> list[str]:
        known = self.known.setdefault(f"{dev_id} {right}", set())
        known.update(super().watchers(dev_id, right))
        return sorted(known)


@mutant(violates="BIZ-ALM-07")
class WithdrawnSharesAreStillTold(Platform):
    """Who was ever told of a device's alarms is told for ever."""

    zh = "分享撤销后仍推送告警。"
    rights_class = _Loyal


class _ByIdForAnybody(EventOperations):
    async def alarm(self, call: Call) -> dict[str, Any]:
        row = self.platform.alarms.find(call.part("alarm"))
        return self.shown(row) if row is not None else await super().alarm(call)


class _ClientForAnybody(ClientApi):
    events_class = _ByIdForAnybody


@mutant(violates="BIZ-ALM-07")
class AlarmsByIdForAnybody(Platform):
    """Whoever knows the id of an alarm may read it."""

    zh = "知道告警编号即可查看。"
    client_class = _ClientForAnybody


# BIZ-ALM-08


class _WithKey(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        device = next(d for d in self.platform.loaded.devices if d.dev_id == content["terminal"])
        return {**content, "qr": f"{device.dev_id},{device.key}"}


@mutant(violates="BIZ-ALM-08")
class PushesHoldTheDeviceKey(Platform):
    """A push holds what is on the device's label, its key with it."""

    zh = "推送含设备标签内容及其密钥。"
    push_class = _WithKey


class _OpenLink(Changed):
    def changed(self, user: str, content: dict[str, Any]) -> dict[str, Any]:
        return {**content, "link": f"{self.platform.client_url}/version"} if "link" in content else content


@mutant(violates="BIZ-ALM-08")
class LinksNeedNoSession(Platform):
    """The link of a push opens for anybody."""

    zh = "推送中的链接无需会话即可打开。"
    push_class = _OpenLink


# BIZ-ALM-09, BIZ-ALM-10, BIZ-KPI-04a


class _InARow(Push):
    def __init__(self, platform: Platform, gateway: str = "") -> None:
        super().__init__(platform, gateway)
        self.turn = asyncio.Lock()

    async def deliver(self, url: str, content: dict[str, Any]) -> None:
        async with self.turn:
            await super().deliver(url, content)


@mutant(violates="BIZ-ALM-09")
class PhonesAreToldInARow(Platform):
    """Phones are told one after the other; one whose gateway does not answer holds up the rest."""

    zh = "推送逐部手机串行发送，一部无应答即阻塞其余。"
    push_class = _InARow


class _Once(Push):
    async def deliver(self, url: str, content: dict[str, Any]) -> None:
        if await self._post(url, content):
            self.sent += 1


@mutant(violates="BIZ-ALM-10")
class PushesAreTriedOnce(Platform):
    """A push that was refused is given up."""

    zh = "被拒绝的推送不再重试。"
    push_class = _Once


class _Late(Push):
    async def deliver(self, url: str, content: dict[str, Any]) -> None:
        await asyncio.sleep(LONG)
        await super().deliver(url, content)


@mutant(violates="BIZ-KPI-04a")
class PushesWaitInAQueue(Platform):
    """Pushes leave the platform some seconds after the alarm."""

    zh = "推送在队列中滞留数秒。"
    push_class = _Late


class _OneInTen(Alarms):
    def raised(self, dev_id: str, message: Message) -> None:
        self.count = getattr(self, "count", 0) + 1
        if self.count % 10:
            super().raised(dev_id, message)


@mutant(violates="BIZ-KPI-04a")
class OneAlarmInTenIsLost(Platform):
    """One alarm in ten is never pushed."""

    zh = "十条告警中有一条不推送。"
    alarms_class = _OneInTen


# IF-CLI-11


class _SharedState(Messages):
    def read(self, user: str, message: int) -> bool:
        m = MESSAGES.c
        row = self.platform.database.row(select(MESSAGES).where(m.user == user, m.id == message))
        if row is not None:
            self.platform.database.change(update(MESSAGES).where(m.subject == row["subject"]).values(read=1))
        return row is not None


@mutant(violates="IF-CLI-11")
class ReadByOneIsReadByAll(Platform):
    """A message that one user has read is read for all."""

    zh = "一个用户已读，其他用户也变为已读。"
    messages_class = _SharedState


class _AnyMessage(Messages):
    def read(self, user: str, message: int) -> bool:
        return self.platform.database.change(update(MESSAGES).where(MESSAGES.c.id == message).values(read=1)) == 1


@mutant(violates="IF-CLI-11")
class MessagesOfOthersCanBeMarked(Platform):
    """A user may mark the messages of others."""

    zh = "可标记他人的消息。"
    messages_class = _AnyMessage


class _NeverRead(Messages):
    def read(self, user: str, message: int) -> bool:
        m = MESSAGES.c
        return self.platform.database.row(select(MESSAGES).where(m.user == user, m.id == message)) is not None


@mutant(violates="IF-CLI-11")
class MarksAreForgotten(Platform):
    """Marking a message as read succeeds and changes nothing."""

    zh = "标记已读成功但不生效。"
    messages_class = _NeverRead

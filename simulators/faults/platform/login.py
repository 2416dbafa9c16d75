"""Mutants of an access server: heartbeats, silence, fail-over, returns, identity and frames."""

from __future__ import annotations

from conformance.protocols.tykd_frame import ReceivedFrame
from conformance.protocols.tykd_message import Message
from simulators.faults.registry import mutant
from simulators.platform.access_server import AccessServer
from simulators.platform.device_link import DeviceLink
from simulators.platform.platform import Platform
from simulators.platform.presence import Presence

UNIVERSAL = "20130801000000"


class _NeverSilent(Presence):
    def silent(self, link: DeviceLink, now: float) -> bool:
        return False


@mutant(violates="IF-LOG-05")
class OnlyAClosedConnectionIsOffline(Platform):
    """A device stays online as long as its connection does."""

    zh = "只要连接未断开，设备始终显示在线。"
    presence_class = _NeverSilent


class _Impatient(Presence):
    def silent(self, link: DeviceLink, now: float) -> bool:
        return now - link.heard_at > self.offline_within / 2


@mutant(violates="IF-LOG-05")
class OfflineAfterHalfTheTime(Platform):
    """A device is taken for offline after half the declared time."""

    zh = "静默时间仅为声明值一半即判离线。"
    presence_class = _Impatient


class _StoppedClock(AccessServer):
    async def on_heartbeat(self, link: DeviceLink, sequence: int, message: Message) -> None:
        link.beat = message
        link.answer("HEARTBEAT", sequence, {"DevID": link.device_id, "Time": UNIVERSAL})


@mutant(violates="IF-LOG-07")
class HeartbeatsTellAWrongTime(Platform):
    """Every heartbeat is answered with the same time."""

    zh = "心跳应答总是同一时间。"
    access_class = _StoppedClock


class _DeafBackup(AccessServer):
    async def on_abilityup(self, link: DeviceLink, sequence: int, message: Message) -> None:
        await super().on_abilityup(link, sequence, message)
        if self.name == "backup":
            link.online = False
            self.platform.presence.states[link.device_id].online = False


@mutant(violates="IF-LOG-09")
class DevicesAtTheBackupAreNotOnline(Platform):
    """A device that logged in at the backup server is not known to the client interface."""

    zh = "在备用服务器登录的设备在客户端接口不显示在线。"
    access_class = _DeafBackup


class _FirstStays(Presence):
    def logged_in(self, link: DeviceLink) -> None:
        state = self.states.get(link.device_id)
        if state is None or state.link is None or state.link.closed:
            super().logged_in(link)


@mutant(violates="IF-LOG-10")
class TheOldConnectionIsKept(Platform):
    """While an earlier connection of a device is open, commands go there, dead or not."""

    zh = "旧连接未断开时，命令仍发往旧连接。"
    presence_class = _FirstStays


class _AnyName(AccessServer):
    def refusal(self, link: DeviceLink, message: Message) -> int | None:
        if message.name == "ALARM_NOTIFY" and link.device_id:
            link.device_id = message.get("DevID")
            return None
        return super().refusal(link, message)


@mutant(violates="IF-LOG-11")
class AlarmsInAnotherName(Platform):
    """An alarm counts for the device that it names, whoever sends it."""

    zh = "告警按报文中的 DevID 计入，不论由谁发送。"
    access_class = _AnyName


class _BeforeLogin(AccessServer):
    def refusal(self, link: DeviceLink, message: Message) -> int | None:
        if message.name == "VIDEO_PLAY" and not link.device_id:
            link.device_id = message.get("DevID")
        return super().refusal(link, message)


@mutant(violates="IF-LOG-11")
class TokensAreJudgedBeforeLogin(Platform):
    """A connection without LOGIN is told whether a token is good, which spends it."""

    zh = "未登录的连接也能验证并消耗令牌。"
    access_class = _BeforeLogin


class _AnyDigest(DeviceLink):
    def digest_accepted(self, received: ReceivedFrame) -> bool:
        return True


class _CarelessServer(AccessServer):
    link_class: type[DeviceLink] = _AnyDigest


@mutant(violates="IF-FRM-09")
class TheDigestIsNotCompared(Platform):
    """A frame with a wrong MD5 is carried out."""

    zh = "MD5 错误的帧仍被执行。"
    access_class = _CarelessServer


class _OneAnswerAPiece(DeviceLink):
    def _frames(self, data: bytes) -> tuple[tuple[ReceivedFrame, ...], bool]:
        frames, broken = super()._frames(data)
        return frames[:1], broken


class _HastyServer(AccessServer):
    link_class: type[DeviceLink] = _OneAnswerAPiece


@mutant(violates="IF-FRM-09")
class OneFrameAReadingOnly(Platform):
    """Of several frames that arrive together only the first is read."""

    zh = "同时到达的多帧中只读取第一帧。"
    access_class = _HastyServer

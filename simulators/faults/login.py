"""Faults of login, ability report, heartbeat and of coming back after a loss."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.platform_client import PlatformClient, Server
from simulators.camera.refusal import Refusal
from simulators.camera.settings import StreamParameters
from simulators.faults.registry import mutant
from specs.messages import Command

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter] | None


@mutant(violates="IF-LOG-01")
class ConstantRtspPort(Camera):
    """LOGIN always names RTSP port 554."""

    zh = "LOGIN 中的 RTSP 端口固定为 554。"

    def login_values(self) -> dict[str, Any]:
        return {**super().login_values(), "RtspLocalPort": 554}


@mutant(violates="IF-LOG-01")
class ConstantVersion(Camera):
    """LOGIN names the version of the reference design."""

    zh = "LOGIN 填写参考设计的版本号。"

    def login_values(self) -> dict[str, Any]:
        return {**super().login_values(), "DevVer": "V0.9_20130101"}


class _ClientKnowingFourRefusals(PlatformClient):
    def login_succeeded(self, answer: Message) -> bool:
        return answer.get("Result") not in ("1", "2", "3", "255")


@mutant(violates="IF-LOG-01a")
class UnknownResultsAreSuccess(Camera):
    """Only the listed codes count as refusals of a login."""

    zh = "登录结果只有已知错误码才算失败。"
    client_class = _ClientKnowingFourRefusals


class _ClientLoggingInForEver(PlatformClient):
    async def log_in(self, link: Link) -> float | None:
        while True:
            try:
                return await super().log_in(link)
            except TimeoutError:
                continue


@mutant(violates="IF-LOG-01b")
class LoginRepeatedForEver(Camera):
    """An unanswered LOGIN is repeated on the same connection without end."""

    zh = "登录无应答时在同一连接上无限重发。"
    client_class = _ClientLoggingInForEver


class _ClientHurryingAfterRefusals(PlatformClient):
    async def log_in(self, link: Link) -> float | None:
        pause = await super().log_in(link)
        return None if pause is None else self.connect_backoff()


@mutant(violates="IF-LOG-01b")
class RefusedLoginTriedAgainSoon(Camera):
    """A refused login is tried again after seconds."""

    zh = "登录被拒绝后数秒即重试。"
    client_class = _ClientHurryingAfterRefusals


class _ClientReportingOnce(PlatformClient):
    async def report_abilities(self, link: Link) -> None:
        values, within = self.camera.ability_values(), 100 * self.timers.seconds("ability_wait")
        await link.ask("ABILITYUP", values, within)


@mutant(violates="IF-LOG-02")
class AbilitiesAreNotRepeated(Camera):
    """An unanswered ability report is not repeated."""

    zh = "能力上报无应答时不重发。"
    client_class = _ClientReportingOnce


class _CommandsAtAnyTime(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        online, link.online = link.online, True
        try:
            super().check(link, command, message)
        finally:
            link.online = online


@mutant(violates="IF-LOG-02a")
class CommandsBeforeTheLogin(Camera):
    """Commands are carried out before the platform has accepted the login."""

    zh = "平台接受登录之前即执行命令。"
    commands_class = _CommandsAtAnyTime


@mutant(violates="IF-LOG-03")
class AbilitiesOfTheReferenceDesign(Camera):
    """The report holds two stream and size pairs, whatever the model has."""

    zh = "无论型号如何，能力上报固定为两个码流组合。"

    def ability_values(self) -> dict[str, Any]:
        values = super().ability_values()
        return {**values, "Video": values["Video"][:2]}


@mutant(violates="IF-LOG-03a")
class FourChannelsAlways(Camera):
    """ChannelNum is 4 on every model."""

    zh = "所有型号都上报 4 个通道。"

    def ability_values(self) -> dict[str, Any]:
        return {**super().ability_values(), "ChannelNum": 4}


def _refusing(*names: str) -> type[Commands]:
    """Commands that refuse these."""

    class Refusing(Commands):
        async def carry_out(self, command: Command, message: Message) -> dict[str, Any]:
            if command.name in names:
                raise Refusal(why="left out of this build")
            return await super().carry_out(command, message)

    return Refusing


@mutant(violates="IF-LOG-03b")
class PtzReportedButMissing(Camera):
    """PTZFlag is 1, PTZ commands are refused."""

    zh = "PTZFlag 为 1，但拒绝云台命令。"
    commands_class = _refusing("VIDEO_PTZ")


@mutant(violates="IF-LOG-03c")
class LocalStorageNotReported(Camera):
    """LocalStoreFlag is 0 although the device records."""

    zh = "设备可以录像，但 LocalStoreFlag 上报为 0。"

    def ability_values(self) -> dict[str, Any]:
        return {**super().ability_values(), "LocalStoreFlag": 0}


@mutant(violates="IF-LOG-03d")
class CloudStorageReportedButMissing(Camera):
    """EStoreFlag is 1, the query of the account is refused."""

    zh = "EStoreFlag 为 1，但拒绝云存储参数查询。"
    commands_class = _refusing("GET_ESTORE")


class _CommandsForgettingInfrared(Commands):
    async def on_GET_ALARM(self, message: Message) -> dict[str, Any]:
        found = await super().on_GET_ALARM(message)
        return {"AlarmFlag": 0} if message.get("AlarmType") == "2" else found


@mutant(violates="IF-LOG-03e")
class InfraredIsNeverArmed(Camera):
    """Arming the infrared alarm is answered 0 and has no effect."""

    zh = "人体红外布防应答 0 但不生效。"
    commands_class = _CommandsForgettingInfrared


@mutant(violates="IF-LOG-03f")
class OneInputTooMany(Camera):
    """DIDONum counts the output as an input."""

    zh = "DIDONum 把输出也计为输入。"

    def ability_values(self) -> dict[str, Any]:
        return {**super().ability_values(), "DIDONum": self.digital_inputs + 1}


@mutant(violates="IF-LOG-03g")
class SizeIsStoredOnly(Camera):
    """A new frame size is stored and shown, the encoder keeps the old one."""

    zh = "新分辨率只保存和显示，编码器不变。"

    def set_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        self.settings.streams[f"{channel}/{stream}"] = wanted
        self.save()


@mutant(violates="IF-LOG-03h")
class OnvifPortWithoutService(Camera):
    """A port is reported for an ONVIF service that does not exist."""

    zh = "上报 ONVIF 端口，但没有该服务。"

    def ability_values(self) -> dict[str, Any]:
        return {**super().ability_values(), "Onvif": {"Port": 8000, "Account": "", "Password": ""}}


class _ClientOfSlowHeart(PlatformClient):
    def heartbeat_period(self) -> float:
        return self.timers.seconds("heartbeat") * 1.5


@mutant(violates="IF-LOG-04")
class HeartbeatEveryThreeMinutes(Camera):
    """Heartbeats come every 180 s."""

    zh = "心跳周期为 180 秒。"
    client_class = _ClientOfSlowHeart


class _ClientOfPatientHeart(PlatformClient):
    async def _one_beat(self, link: Link, within: float) -> bool:
        return await super()._one_beat(link, within * 6)


@mutant(violates="IF-LOG-04a")
class UnansweredHeartbeatNotHurried(Camera):
    """An unanswered heartbeat is repeated after a minute only."""

    zh = "心跳无应答时一分钟后才重发。"
    client_class = _ClientOfPatientHeart


class _ClientNeverMissing(PlatformClient):
    async def _one_beat(self, link: Link, within: float) -> bool:
        self.outstanding = 1
        return await super()._one_beat(link, within)


@mutant(violates="IF-LOG-04b")
class HalfOpenConnectionIsKept(Camera):
    """However many heartbeats stay unanswered, the connection is kept."""

    zh = "无论多少心跳无应答都保持连接。"
    client_class = _ClientNeverMissing


class _ClientCountingForEver(PlatformClient):
    def heartbeat_answered(self) -> None:
        """The count stays."""


@mutant(violates="IF-LOG-04c")
class MissesAreNeverForgiven(Camera):
    """An answer does not clear the count of missed heartbeats."""

    zh = "心跳得到应答后未应答计数不清零。"
    client_class = _ClientCountingForEver


class _ClientForgivingOne(PlatformClient):
    def heartbeat_answered(self) -> None:
        self.outstanding = max(0, self.outstanding - 2)


@mutant(violates="IF-LOG-04c")
class AnswerForgivesOneMiss(Camera):
    """An answer takes one off the count of missed heartbeats instead of clearing it."""

    zh = "心跳得到应答只减少一次计数而不清零。"
    client_class = _ClientForgivingOne


@mutant(violates="IF-LOG-04d")
class NobodyEverWatches(Camera):
    """CurVideoNum is always 0."""

    zh = "CurVideoNum 始终为 0。"

    def heartbeat_values(self) -> dict[str, Any]:
        return {**super().heartbeat_values(), "CurVideoNum": 0}


class _ClientOfFewTries(PlatformClient):
    deadline = 0.0

    async def connect(self, servers: list[Server]) -> Streams:
        found = await super().connect(servers)
        if found is not None:
            self.deadline = 0.0
        elif not self.deadline:
            self.deadline = time.monotonic() + 60 * self.timers.scale
        elif time.monotonic() > self.deadline:
            await asyncio.Event().wait()
        return found

    def give_up(self, rounds: int, seconds: float) -> bool:
        return False


@mutant(violates="IF-LOG-08")
class GivesUpAfterAMinute(Camera):
    """After a minute without the platform the device never tries again."""

    zh = "平台中断一分钟后不再重连。"
    client_class = _ClientOfFewTries


class _ClientLosingItsWay(PlatformClient):
    cut = False

    async def connect(self, servers: list[Server]) -> Streams:
        self.cut = self.cut or not self.camera.link_up.is_set()
        if self.cut:
            await asyncio.Event().wait()
        return await super().connect(servers)


@mutant(violates="IF-LOG-08a")
class NetworkCutEndsTheClient(Camera):
    """After the network was cut the device needs a restart."""

    zh = "断网之后需要重启才能上线。"
    client_class = _ClientLosingItsWay

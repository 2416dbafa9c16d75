"""Faults of redirect, registration, back-off, fail-over, clock and identity."""

from __future__ import annotations

import asyncio
import random
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.platform_client import PlatformClient, Server
from simulators.camera.registration import StepRefused
from simulators.faults.registry import mutant

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter] | None


class _CommandsForVisitors(Commands):
    async def handle(self, link: Link, frame: Any) -> None:
        if self.camera.server.viewers:
            await super().handle(link, frame)


@mutant(violates="IF-REG-01")
class AnswersOnlyWhenReachedFromOutside(Camera):
    """Queries are answered only while somebody is connected into the device."""

    zh = "只有外部连入设备时才应答查询。"
    commands_class = _CommandsForVisitors


class _ClientWithOwnElements(PlatformClient):
    def elements(self, name: str) -> dict[str, Any]:
        """Element values of a request."""
        return dict(self.camera.identity())

    async def _post(self, name: str, url: str) -> Message:
        values, identity = self.elements(name), self.camera.identity
        self.camera.identity = lambda: values  # type: ignore[method-assign]
        try:
            return await super()._post(name, url)
        finally:
            self.camera.identity = identity  # type: ignore[method-assign]


class _RedirectWithOtherModel(_ClientWithOwnElements):
    def elements(self, name: str) -> dict[str, Any]:
        values = super().elements(name)
        return {**values, "Mode": "REFERENCE"} if name == "REDIRECT" else values


@mutant(violates="IF-REG-02")
class RedirectTellsAnotherModel(Camera):
    """REDIRECT_REQ names the model of the reference design."""

    zh = "REDIRECT_REQ 填写参考设计的型号。"
    client_class = _RedirectWithOtherModel


class _ClientPausingAfterRedirect(PlatformClient):
    async def after_redirect(self) -> None:
        await asyncio.sleep(self.refusal_backoff())


@mutant(violates="IF-REG-02a")
class PausesAfterAGoodRedirect(Camera):
    """A good redirect runs into the pause of a failed one."""

    zh = "重定向成功后仍进入失败退避。"
    client_class = _ClientPausingAfterRedirect


class _ClientForgettingTheProvince(PlatformClient):
    def __init__(self, camera: Camera) -> None:
        super().__init__(camera)
        camera.settings.province_url = ""


@mutant(violates="IF-REG-02b")
class ProvinceForgottenByRestart(Camera):
    """The address of the province is kept in memory only."""

    zh = "省平台地址只保存在内存中。"
    client_class = _ClientForgettingTheProvince


class _ClientNeverAskingAgain(PlatformClient):
    def ask_group_again(self, seconds: float) -> bool:
        return False


@mutant(violates="IF-REG-02c")
class GroupNeverAskedAgain(Camera):
    """However often the province refuses, the group is never asked again."""

    zh = "无论被拒绝多少次都不再询问集团平台。"
    client_class = _ClientNeverAskingAgain


class _ClientRetryingUnusableAnswers(PlatformClient):
    async def _post(self, name: str, url: str) -> Message:
        while True:
            try:
                return await super()._post(name, url)
            except StepRefused as error:
                if error.result in (1, 2, 3):
                    raise
                await asyncio.sleep(0.5)


@mutant(violates="IF-REG-02d")
class UnusableAnswersAreRetriedAtOnce(Camera):
    """An unusable HTTP answer is followed by the next request half a second later."""

    zh = "HTTP 应答不可用时半秒后即重发请求。"
    client_class = _ClientRetryingUnusableAnswers


class _ClientGivingUp(PlatformClient):
    async def _post(self, name: str, url: str) -> Message:
        try:
            return await super()._post(name, url)
        except StepRefused as error:
            if error.result not in (1, 2, 3):
                await asyncio.Event().wait()
            raise


@mutant(violates="IF-REG-02d")
class UnusableAnswerHangsTheClient(Camera):
    """After an unusable HTTP answer the client never tries again."""

    zh = "收到不可用的 HTTP 应答后不再重试。"
    client_class = _ClientGivingUp


class _RegisterAsAnotherType(_ClientWithOwnElements):
    def elements(self, name: str) -> dict[str, Any]:
        values = super().elements(name)
        return {**values, "DevType": 4 - int(values["DevType"])} if name == "REGISTER" else values


@mutant(violates="IF-REG-03")
class RegistersAsAnotherType(Camera):
    """REGISTER_REQ carries a constant DevType that is not the device's."""

    zh = "REGISTER_REQ 中的 DevType 为与设备不符的固定值。"
    client_class = _RegisterAsAnotherType


class _ClientKeepingItsServers(PlatformClient):
    known: list[Server] = []

    def servers(self, answer: Message) -> list[Server]:
        self.known = self.known or super().servers(answer)
        return self.known


@mutant(violates="IF-REG-03")
class AccessServersFromTheCache(Camera):
    """The access servers of the first answer are used for ever."""

    zh = "始终使用首次注册应答中的接入地址。"
    client_class = _ClientKeepingItsServers


class _ClientWantingEveryAddress(PlatformClient):
    def servers(self, answer: Message) -> list[Server]:
        return super().servers(answer) if answer.get("BackupNatPort") else []


@mutant(violates="IF-REG-03a")
class EmptyBackupIsAnError(Camera):
    """An empty backup address spoils the whole answer."""

    zh = "备用地址为空时整个应答作废。"
    client_class = _ClientWantingEveryAddress


class _ClientOfConstantPause(PlatformClient):
    def connect_backoff(self) -> float:
        return self.timers.seconds("backoff")


@mutant(violates="IF-REG-05")
class PauseWithoutRandomPart(Camera):
    """Failed connections are repeated after exactly five seconds."""

    zh = "连接失败后固定等待 5 秒，没有随机部分。"
    client_class = _ClientOfConstantPause


class _ClientWithoutPause(PlatformClient):
    def connect_backoff(self) -> float:
        return self.random.uniform(0, self.timers.seconds("backoff") / 5)


@mutant(violates="IF-REG-05")
class FailedConnectionsAreHammered(Camera):
    """Failed connections are repeated almost at once."""

    zh = "连接失败后几乎立即重试。"
    client_class = _ClientWithoutPause


class _ClientWithShortRefusalPause(PlatformClient):
    def refusal_backoff(self) -> float:
        return self.connect_backoff()


@mutant(violates="IF-REG-05a")
class RefusalIsTakenForAFailedConnection(Camera):
    """After a refusal the device waits as after a failed connection only."""

    zh = "被拒绝后只按连接失败退避。"
    client_class = _ClientWithShortRefusalPause


class _ClientOfOnePause(PlatformClient):
    def reconnect_pause(self) -> float:
        return self.timers.seconds("reconnect_min")


@mutant(violates="IF-REG-05b")
class ReconnectPauseNeverGrows(Camera):
    """Each reconnect waits the same second."""

    zh = "每次重连都只等待一秒，从不增大。"
    client_class = _ClientOfOnePause


class _ClientReconnectingAtOnce(PlatformClient):
    def reconnect_pause(self) -> float:
        return 0.0


@mutant(violates="IF-REG-05b")
class ReconnectsAtOnce(Camera):
    """A lost connection is replaced without any pause."""

    zh = "断线后不等待立即重连。"
    client_class = _ClientReconnectingAtOnce


class _ClientWithoutBackup(PlatformClient):
    def servers(self, answer: Message) -> list[Server]:
        return super().servers(answer)[:1]


@mutant(violates="IF-REG-06")
class BackupIsNeverTried(Camera):
    """The backup access server is never used."""

    zh = "从不使用备用接入服务器。"
    client_class = _ClientWithoutBackup


class _ClientNeverRegisteringAgain(PlatformClient):
    def give_up(self, rounds: int, seconds: float) -> bool:
        return False


@mutant(violates="IF-REG-06a")
class NeverRegistersAgain(Camera):
    """The access servers are tried for ever; the device never registers again."""

    zh = "一直尝试接入服务器，从不重新注册。"
    client_class = _ClientNeverRegisteringAgain


class _ClientStayingAtTheLastServer(PlatformClient):
    last: Server | None = None

    async def connect(self, servers: list[Server]) -> Streams:
        found = await super().connect(sorted(servers, key=lambda server: server != self.last))
        if found is not None:
            self.last = found[1].get_extra_info("peername")[:2]
        return found


@mutant(violates="IF-REG-06b")
class LastServerComesFirst(Camera):
    """The server of the last good connection is tried first, so the device stays at the backup."""

    zh = "优先连接上次成功的服务器，设备滞留在备用服务器。"
    client_class = _ClientStayingAtTheLastServer


@mutant(violates="IF-REG-07")
class LoginTimeIsIgnored(Camera):
    """Time of the login answer is not applied."""

    zh = "不采用登录应答中的时间。"

    async def logged_in(self, answer: Message) -> None:
        offset = self.clock_offset
        await super().logged_in(answer)
        self.clock_offset = offset


@mutant(violates="IF-REG-07")
class LoginTimeIsTakenForUtc(Camera):
    """Time of the login answer is taken for UTC, so the clock is eight hours off."""

    zh = "把登录应答中的时间当作 UTC，时钟偏差八小时。"

    async def logged_in(self, answer: Message) -> None:
        await super().logged_in(answer)
        self.clock_offset += 8 * 3600


class _ClientIgnoringTheTimeOfHeartbeats(PlatformClient):
    async def _one_beat(self, link: Link, within: float) -> bool:
        offset = self.camera.clock_offset
        answered = await super()._one_beat(link, within)
        self.camera.clock_offset = offset
        return answered


@mutant(violates="IF-REG-07a")
class HeartbeatTimeIsIgnored(Camera):
    """Time of heartbeat answers is read and not applied."""

    zh = "读取心跳应答中的时间但不校时。"
    client_class = _ClientIgnoringTheTimeOfHeartbeats


@mutant(violates="IF-REG-08")
class HeartbeatUnderAnotherId(Camera):
    """Heartbeats carry an id made of the hardware address."""

    zh = "心跳中的 DevID 由硬件地址拼接而成。"

    def heartbeat_values(self) -> dict[str, Any]:
        return {**super().heartbeat_values(), "DevID": f"{self.dev_id[:3]}00C0FFEE"}


@mutant(violates="IF-REG-08a")
class LongDeviceId(Camera):
    """The answers carry the device id with a serial behind it, more than eleven characters."""

    zh = "报文中的 DevID 附加序列号，超过 11 位。"

    def heartbeat_values(self) -> dict[str, Any]:
        return {**super().heartbeat_values(), "DevID": f"{self.dev_id}{random.randint(10, 99)}"}

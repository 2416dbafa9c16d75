"""Faults of live view."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.media_format import StreamSettings
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_server import RtspConfig, RtspServer
from simulators.camera.rtsp_session import RtspSession
from simulators.camera.settings import StreamParameters
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

MOTOR_SECONDS = 0.6


class _AlwaysMain(RtspServer):
    async def resolve_stream(self, channel: int, text: str) -> int | None:
        found = await super().resolve_stream(channel, text)
        return None if found is None else 1


@mutant(violates="BIZ-LIV-02")
class MainStreamForEveryone(Camera):
    """streamtype is checked, but the main stream is always sent."""

    zh = "校验 streamtype，但始终发送主码流。"
    server_class = _AlwaysMain


@mutant(violates="BIZ-KPI-07")
class FramesDropped(Camera):
    """The encoder delivers a third of the frames that were set."""

    zh = "编码器只输出所设帧率的三分之一。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        settings = super().stream_settings(stream, parameters)
        return replace(settings, fps=max(1, settings.fps // 3))


@mutant(violates="BIZ-KPI-07a")
class HalfTheBitRate(Camera):
    """The rate control aims at half the bit rate that was set."""

    zh = "码率控制的目标仅为设定值的一半。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        settings = super().stream_settings(stream, parameters)
        return replace(settings, kbit_s=settings.kbit_s // 2)


class _WaitsForMotor(Commands):
    async def on_VIDEO_PTZ(self, message: Message) -> dict[str, Any]:
        found = await super().on_VIDEO_PTZ(message)
        if message.integer("PtzDirection"):
            await asyncio.sleep(MOTOR_SECONDS)
        return found


@mutant(violates="BIZ-KPI-03")
class AnswersAfterMotor(Camera):
    """A pan and tilt command is answered when the motor has finished."""

    zh = "云台命令在电机动作完成后才应答。"
    commands_class = _WaitsForMotor


class _NoTimeOut(RtspServer):
    def session_timed_out(self, session: RtspSession) -> bool:
        return False


@mutant(violates="IF-MED-05")
class SessionsNeverTimeOut(Camera):
    """A session of which nothing is heard goes on for ever."""

    zh = "无保活的会话永不超时。"
    server_class = _NoTimeOut


@mutant(violates="IF-MED-05a")
class ViewersAreNeverCounted(Camera):
    """CurVideoNum is always 0."""

    zh = "CurVideoNum 恒为 0。"

    def heartbeat_values(self) -> dict[str, Any]:
        return {**super().heartbeat_values(), "CurVideoNum": 0}


@mutant(violates="BIZ-LIV-05a")
class ViewersAreNeverUncounted(Camera):
    """CurVideoNum never goes down."""

    zh = "CurVideoNum 只增不减。"

    def heartbeat_values(self) -> dict[str, Any]:
        found = super().heartbeat_values()
        self._most = max(getattr(self, "_most", 0), int(found["CurVideoNum"]))
        return {**found, "CurVideoNum": self._most}


class _Lingering(RtspSession):
    @property
    def interleaved(self) -> bool:
        """The end of the connection is not noticed."""
        return False

    @interleaved.setter
    def interleaved(self, value: bool) -> None:
        return


@mutant(violates="IF-MED-05b")
class LostConnectionsKeepTheirPlace(Camera):
    """The session of a lost connection lives on until its timeout."""

    zh = "连接断开后会话保留至超时。"
    server_class = server_with(session=_Lingering)


@mutant(violates="IF-MED-11")
class OnePlaceTooFew(Camera):
    """One viewer less than declared is served."""

    zh = "可服务的观看者比声明少一个。"

    def rtsp_config(self) -> RtspConfig:
        config = super().rtsp_config()
        return replace(config, max_viewers=config.max_viewers - 1)


class _CodelessRefusal(RtspServer):
    def finish(self, request: Request, answer: Answer) -> Answer:
        if answer.status == 453:
            answer.status, answer.reason = 400, "Bad Request"
        return super().finish(request, answer)


@mutant(violates="IF-MED-11a")
class TooManyViewersAreBadRequests(Camera):
    """One viewer too many is answered 400."""

    zh = "超出观看数时应答 400。"
    server_class = _CodelessRefusal


class _PushesOut(RtspServer):
    async def viewer_admitted(self) -> bool:
        if not await super().viewer_admitted():
            next(iter(self.sessions.values())).end()
        return True


@mutant(violates="BIZ-LIV-05")
class NewViewerPushesOutAnother(Camera):
    """One viewer too many takes the place of the first."""

    zh = "超出观看数时挤掉最早的观看者。"
    server_class = _PushesOut

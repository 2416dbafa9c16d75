"""Faults of live view."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.media_format import StreamSettings
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.settings import StreamParameters
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

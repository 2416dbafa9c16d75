"""Faults that no written test meets: only a search through combinations and bent input finds them."""

from __future__ import annotations

import os
import re

from conformance.protocols.tykd_frame import ReceivedFrame
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Request
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.settings import StreamParameters
from simulators.faults.registry import mutant
from specs.messages import Command


class _FallsOverACombination(Commands):
    async def apply_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        if wanted.rate_type != 1 and not wanted.audio:
            self.camera.network.drop_platform()
            return
        await super().apply_parameters(channel, stream, wanted)


@mutant(violates="IF-PAR-05b")
class VariableRateWithoutSoundCrashes(Camera):
    """A variable bit rate together with audio switched off makes the signalling process crash; each alone works."""

    zh = "变码率与关闭音频同时设置时信令进程崩溃，单独设置均正常。"
    commands_class = _FallsOverACombination


class _KeepsHalfOfIt(Commands):
    async def apply_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        if wanted.frame_rate < 5 and wanted.bit_rate > 6:
            wanted.bit_rate = 6
        await super().apply_parameters(channel, stream, wanted)


@mutant(violates="IF-PAR-05b")
class LowFrameRateCutsTheBitRate(Camera):
    """At fewer than 5 frames a second the higher bit rates are answered 0 and quietly lowered."""

    zh = "帧率低于 5 时，较高码率被应答 0 但悄悄降低。"
    commands_class = _KeepsHalfOfIt


class _TrustsReferences(Commands):
    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        if re.search(rb"&(?:[^a-z#]|amp[^;]|#x[1D])", frame.frame.xml):
            os._exit(139)
        return await super().respond(link, command, frame)


@mutant(violates="IF-FRM-06g")
class LoneAmpersandEndsTheProcess(Camera):
    """An ampersand that begins no reference ends the process."""

    zh = "不构成引用的 & 导致进程退出。"
    commands_class = _TrustsReferences


class _ScansSessionsBlindly(RtspConnection):
    async def _serve(self, request: Request) -> bool:
        session = request.header("session")
        if session.startswith(";") or "%" in session or len(session) > 200:
            await self.server.cut()
        return await super()._serve(request)


@mutant(violates="IF-RTSP-50a")
class OddSessionHeaderEndsTheServer(Camera):
    """A Session header that is no session number ends the RTSP server."""

    zh = "不合规的 Session 首部使 RTSP 服务停止。"
    server_class = type("BrokenServer", (RtspServer,), {"connection_class": _ScansSessionsBlindly})

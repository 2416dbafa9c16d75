"""Faults of RTSP sessions: their states, their media, their life."""

from __future__ import annotations

import asyncio
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.rtp_sender import InterleavedSink, RtpSender
from simulators.camera.rtsp_connection import Refusal, RtspConnection
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_session import RtspSession, Started
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

LEAK = 3


class _Eager(RtspConnection):
    async def setup(self, request: Request) -> Answer:
        own = [session for session in self.server.sessions.values() if session.connection is self]
        for session in own:
            session.pause()
        answer = await super().setup(request)
        for session in self.server.sessions.values():
            if session.connection is self:
                session.start(None, None, None)
        return answer


@mutant(violates="IF-RTSP-32")
class MediaFromSetupOn(Camera):
    """Media flow as soon as SETUP is answered, before PLAY."""

    zh = "SETUP 应答后、PLAY 之前就开始发送媒体。"
    server_class = server_with(connection=_Eager)


class _Lingering(RtspConnection):
    async def teardown(self, request: Request) -> Answer:
        session = self._session(request)
        asyncio.get_running_loop().call_later(LEAK, session.end)
        return Answer(200, {"Session": session.id})


@mutant(violates="IF-RTSP-33")
class MediaAfterTeardown(Camera):
    """TEARDOWN is answered at once, but media go on for seconds."""

    zh = "TEARDOWN 立即应答，但媒体又持续数秒。"
    server_class = server_with(connection=_Lingering)


class _NoPause(RtspSession):
    def pause(self) -> None:
        """PAUSE is answered and forgotten."""


@mutant(violates="IF-RTSP-34")
class PauseDoesNothing(Camera):
    """PAUSE is answered 200 while the media go on."""

    zh = "PAUSE 应答 200，媒体却不停。"
    server_class = server_with(session=_NoPause)


class _FreshAfterPause(RtspSession):
    def start(self, start: float | None, end: float | None, scale: float | None) -> Started:
        if self.begun:
            for sender in self.senders.values():
                sender.sequence = (sender.sequence + 1000) & 0xFFFF
        return super().start(start, end, scale)


@mutant(violates="IF-RTSP-34")
class SequenceJumpsAfterPause(Camera):
    """After PAUSE the sequence numbers begin anew."""

    zh = "PAUSE 之后序号重新开始。"
    server_class = server_with(session=_FreshAfterPause)


class _VideoOnly(RtspSession):
    def take(self, unit: Any) -> None:
        if unit.kind == "video":
            super().take(unit)


@mutant(violates="IF-RTSP-35")
class PlayStartsVideoOnly(Camera):
    """One PLAY on the aggregate URL starts the video, but not the sound."""

    zh = "对聚合地址 PLAY 只启动视频，不启动音频。"
    server_class = server_with(session=_VideoOnly)


class _EndsOthers(RtspConnection):
    async def teardown(self, request: Request) -> Answer:
        answer = await super().teardown(request)
        for session in tuple(self.server.sessions.values()):
            session.pause()
        return answer


@mutant(violates="IF-RTSP-40")
class TeardownStopsEverybody(Camera):
    """One viewer's TEARDOWN stops the media of all."""

    zh = "一个观看者 TEARDOWN，所有观看者的媒体都停止。"
    server_class = server_with(connection=_EndsOthers)


class _Deaf(RtspSession):
    def touch(self) -> None:
        """No sign of life counts."""


@mutant(violates="IF-RTSP-41")
class KeepAliveIsIgnored(Camera):
    """Requests within a session do not keep it alive."""

    zh = "会话内的请求不能使会话保活。"
    server_class = server_with(session=_Deaf)


class _ShortLived(RtspSession):
    @property
    def _allowance(self) -> float:
        return super()._allowance / LEAK


@mutant(violates="IF-RTSP-42")
class SessionEndsEarly(Camera):
    """A session ends after a third of the timeout that was announced."""

    zh = "会话在所宣告超时的三分之一时即结束。"
    server_class = server_with(session=_ShortLived)


class _WearsOut(RtspConnection):
    async def setup(self, request: Request) -> Answer:
        used = self.server.__dict__.setdefault("used", [])
        if not request.session:
            used.append(request.url)
        if len(used) > 2 * LEAK:
            raise Refusal(453)
        return await super().setup(request)


@mutant(violates="IF-RTSP-52")
class SlotsAreNeverFreed(Camera):
    """The place of a viewer is not freed by TEARDOWN; after six plays there is none left."""

    zh = "TEARDOWN 不释放观看者名额，播放六次后即无名额。"
    server_class = server_with(connection=_WearsOut)


class _WrongChannel(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        if isinstance(self.sink, InterleavedSink) and self.kind == "video":
            for packet in packets[-1:]:
                self.sink.send_report(packet)
            packets = packets[:-1] or packets
        super().deliver(packets)


@mutant(violates="IF-RTSP-26")
class VideoOnTheReportChannel(Camera):
    """Some video packets go out on the RTCP channel."""

    zh = "部分视频包从 RTCP 通道发出。"
    server_class = server_with(sender=_WrongChannel)

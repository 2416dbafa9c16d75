"""Faults of playback and of its token check."""

from __future__ import annotations

import dataclasses

from simulators.camera.camera import Camera
from simulators.camera.play_url import Target
from simulators.camera.playback import CameraSource
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Request
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import RtspSession, Started
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

FACTOR = 2


class _OpenPlayback(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return target.kind == "record" or await super().token_accepted(target)


@mutant(violates="IF-AHL-04")
class RecordingsAreOpen(Camera):
    """Live streams are guarded, recordings play without asking."""

    zh = "直播受保护，录像无需验证即可播放。"
    server_class = _OpenPlayback


@mutant(violates="IF-AHL-04a")
class SilenceOpensRecordings(Camera):
    """When RECORD_PLAY is not answered the recording plays."""

    zh = "RECORD_PLAY 无应答时放行录像。"

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        if kind == "live":
            return await super().ask_token(kind, channel, subject, token)
        values = {"DevID": self.dev_id, "ChannelNo": channel, "FileName": subject, "HashToken": token}
        try:
            return self.verdict(await self.client.ask("RECORD_PLAY", values, FACTOR))
        except TimeoutError:
            return True


@mutant(violates="IF-AHL-04b")
class NameIsCutBeforeAsking(Camera):
    """The platform is asked about the first 30 characters of the name."""

    zh = "只以文件名的前 30 个字符询问平台。"

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        return await super().ask_token(kind, channel, subject[:30], token)


class _Announced(RtspConnection):
    """Play answers with one header changed."""

    def _play_headers(self, request: Request, session: RtspSession, started: Started) -> dict[str, str]:
        headers = super()._play_headers(request, session, started)
        return self.changed(request, headers) if session.play.target.kind == "record" else headers

    def changed(self, request: Request, headers: dict[str, str]) -> dict[str, str]:
        """The headers as they are sent."""
        return headers


class _AsIfLive(_Announced):
    def changed(self, request: Request, headers: dict[str, str]) -> dict[str, str]:
        return {**headers, "Range": "npt=now-"}


@mutant(violates="IF-REC-07")
class LengthIsNotTold(Camera):
    """The answer to PLAY of a recording says npt=now- like live."""

    zh = "回放的 PLAY 应答像直播一样写 npt=now-。"
    server_class = server_with(connection=_AsIfLive)


class _AnyFile(RtspServer):
    async def resolve_file(self, channel: int, name: str) -> bool:
        return True

    async def token_accepted(self, target: Target) -> bool:
        return await super().token_accepted(target)


class _OwnChannel(RtspConnection):
    def _target(self, path: str) -> Target:
        target = super()._target(path)
        own = self.server.config.dev_id
        name = f"{own}_0_{target.file_text.rpartition('_')[2]}" if target.file_text else ""
        return dataclasses.replace(target, file_text=name)


@mutant(violates="IF-REC-07a")
class NameIsTheTimeOnly(Camera):
    """Only the time in a name counts; device and channel in it are not looked at."""

    zh = "只看文件名中的时间，不看设备与通道。"
    server_class = type("BrokenServer", (_AnyFile,), {"connection_class": _OwnChannel})


class _Nearest(RtspConnection):
    def _target(self, path: str) -> Target:
        target = super()._target(path)
        source = self.server.source
        assert isinstance(source, CameraSource)
        names = [file.name for file in source.store.files]
        if target.file_text and target.file_text not in names and names:
            nearest = max((name for name in names if name <= target.file_text), default=names[0])
            return dataclasses.replace(target, file_text=nearest)
        return target


@mutant(violates="IF-REC-07b")
class NearestRecordingPlays(Camera):
    """For a name that does not exist the recording before it is played."""

    zh = "文件不存在时播放时间最近的另一个录像。"
    server_class = server_with(connection=_Nearest)


class _NeverSeeks(RtspSession):
    def start(self, start: float | None, end: float | None, scale: float | None) -> Started:
        if start and self.begun:
            started = super().start(None, None, scale)
            return dataclasses.replace(started, span=(start, started.span[1] if started.span else start))
        return super().start(start, end, scale)


@mutant(violates="IF-REC-08")
class SeekIsOnlyAnnounced(Camera):
    """A seek is answered as if it were done; the play goes on where it was."""

    zh = "跳转只在应答中体现，播放位置不变。"
    server_class = server_with(session=_NeverSeeks)


class _ZeroIsResume(RtspSession):
    def start(self, start: float | None, end: float | None, scale: float | None) -> Started:
        return super().start(None if start == 0 and self.begun else start, end, scale)


@mutant(violates="IF-REC-08a")
class SeekToZeroGoesOn(Camera):
    """Range npt=0- during playback goes on where it is."""

    zh = "播放中 npt=0- 不回到开头。"
    server_class = server_with(session=_ZeroIsResume)


class _EchoesScale(_Announced):
    def changed(self, request: Request, headers: dict[str, str]) -> dict[str, str]:
        wanted = request.header("scale")
        return {**headers, "Scale": wanted} if wanted else headers


@mutant(violates="IF-REC-09")
class ScaleIsEchoed(Camera):
    """Scale in the answer is what was asked for, whatever speed is played."""

    zh = "应答中的 Scale 照抄请求，与实际速度无关。"
    server_class = server_with(connection=_EchoesScale)


class _EndsSilently(RtspSession):
    def finished(self) -> None:
        self.state = "ready"
        self._cancel_reports()


@mutant(violates="IF-REC-10")
class EndWithoutBye(Camera):
    """At the end of a recording no BYE is sent."""

    zh = "回放结束时不发送 BYE。"
    server_class = server_with(session=_EndsSilently)


class _ResumesAtZero(RtspSession):
    def start(self, start: float | None, end: float | None, scale: float | None) -> Started:
        fresh = start is None and self.begun and self.state == "ready"
        return super().start(0.0 if fresh else start, end, scale)


@mutant(violates="IF-REC-11")
class ResumesFromTheBeginning(Camera):
    """After PAUSE a recording plays from its beginning."""

    zh = "PAUSE 之后从头播放。"
    server_class = server_with(session=_ResumesAtZero)

"""Faults that let a play get round the anti-hotlink check: odd URLs, forged headers, sessions, stray verdicts."""

from __future__ import annotations

import asyncio
import dataclasses
import re

from conformance.protocols.tykd_frame import Frame
from simulators.camera.camera import Camera
from simulators.camera.link import Link
from simulators.camera.play_url import Target
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import Play, RtspSession
from simulators.faults.parts import client_with
from simulators.faults.registry import mutant

PASSED = "passed-by"


class _ServerLettingPass(RtspServer):
    """Tokens that a detour put in place of the real one are good."""

    async def token_accepted(self, target: Target) -> bool:
        return target.token == PASSED or await super().token_accepted(target)


def server_with(connection: type[RtspConnection], server: type[RtspServer] = _ServerLettingPass) -> type[RtspServer]:
    """A server whose connections are of this class."""
    return type("BrokenServer", (server,), {"connection_class": connection})


def passed(request: Request) -> Request:
    """The same play under the plain path, with a token that is let pass."""
    authority = request.url.partition("//")[2].partition("/")[0]
    query = re.sub(r"&hashtoken=[^&]*", "", request.url.partition("?")[2].partition("&amp;")[0])
    return dataclasses.replace(request, url=f"rtsp://{authority}/realplay?{query}&hashtoken={PASSED}")


class _MatchedByCode(Link):
    def answer_key(self, frame: Frame) -> tuple[int, int]:
        return frame.command, 0


@mutant(violates="IF-AHL-03b")
class VerdictOfAnySequence(Camera):
    """An answer to VIDEO_PLAY is taken whatever its sequence number is."""

    zh = "不核对序号，任何 VIDEO_PLAY 应答都被采用。"
    client_class = client_with(_MatchedByCode)


class _CheckedByPath(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        path = "/" + request.url.partition("//")[2].partition("/")[2].partition("?")[0]
        odd = path != "/realplay" and path.lower().strip("/").split(";")[0].rpartition("/")[2] == "realplay"
        return await super().describe(passed(request) if odd else request)


@mutant(violates="IF-AHL-12")
class OnlyThePlainPathIsGuarded(Camera):
    """The check hangs on the exact path /realplay; other spellings reach the same stream without it."""

    zh = "验证只挂在 /realplay 这一确切路径上，其他写法可绕过。"
    server_class = server_with(_CheckedByPath)


class _LooseAboutParameters(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        odd = request.url.count("streamtype=") > 1 or request.url.count("hashtoken=") > 1
        return await super().describe(passed(request) if odd else request)

    def _target(self, path: str) -> Target:
        place, _, query = path.partition("?")
        last = dict(part.partition("=")[::2] for part in query.split("&"))
        return super()._target(f"{place}?{'&'.join(f'{name}={value}' for name, value in last.items())}")


@mutant(violates="IF-AHL-12a")
class RepeatedParametersPass(Camera):
    """A URL that names a parameter twice confuses the check, which then lets it pass."""

    zh = "同一参数出现两次时验证被绕过。"
    server_class = server_with(_LooseAboutParameters)


class _SetupMakesPlays(RtspConnection):
    async def _permitted_play(self, request: Request, base: str, session: RtspSession | None) -> Play:
        known = [*self.plays.values(), *(s.play for s in self.server.sessions.values())]
        if session is None and not any(play.base == base for play in known):
            path = f"/realplay?devid={self.server.config.dev_id}&channelno=0&streamtype=1&hashtoken={PASSED}"
            play = await self._new_play(request, path)
            self.plays[play.base] = play
            return play
        return await super()._permitted_play(request, base, session)

    def _check_aggregate(self, request: Request, session: RtspSession) -> None:
        """Any URL will do."""


@mutant(violates="IF-AHL-20")
class OnlyDescribeIsGuarded(Camera):
    """The check hangs on DESCRIBE; SETUP without it opens the main stream."""

    zh = "只在 DESCRIBE 时验证，直接 SETUP 即可打开主码流。"
    server_class = server_with(_SetupMakesPlays)


class _KeepsTheDead(RtspConnection):
    async def teardown(self, request: Request) -> Answer:
        session = self._session(request)
        session.pause()
        return Answer(200, {"Session": session.id})


@mutant(violates="IF-AHL-20b")
class TeardownOnlyPauses(Camera):
    """TEARDOWN stops the media but keeps the session, and a later PLAY goes on with it."""

    zh = "TEARDOWN 只停止媒体而保留会话，再次 PLAY 可继续。"
    server_class = server_with(_KeepsTheDead)


class _ForgetsThePending(RtspConnection):
    async def _serve(self, request: Request) -> bool:
        if request.method == "DESCRIBE":
            self._describing = asyncio.ensure_future(super()._serve(request))
            return True
        if request.method == "SETUP" and not self.plays:
            path = f"/realplay?devid={self.server.config.dev_id}&channelno=0&streamtype=1&hashtoken={PASSED}"
            play = await self._new_play(request, path)
            request = dataclasses.replace(request, url=f"{request.url.partition('/realplay')[0]}{play.base}trackID=0")
            self.plays[play.base] = play
        if request.method == "PLAY":
            own = [s for s in self.server.sessions.values() if s.connection is self]
            url = f"{request.url.partition('/realplay')[0]}{own[0].play.base}" if own else request.url
            headers = {**request.headers, "session": own[0].id if own else request.session}
            request = dataclasses.replace(request, url=url, headers=headers)
        return await super()._serve(request)


@mutant(violates="IF-AHL-21")
class PipelinedRequestsOvertake(Camera):
    """While DESCRIBE waits for the verdict, SETUP and PLAY sent behind it are carried out."""

    zh = "DESCRIBE 等待验证结果时，其后的 SETUP 与 PLAY 已被执行。"
    server_class = server_with(_ForgetsThePending)


class _TrustsHeaders(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        return await super().describe(passed(request) if request.header("x-real-ip") == "127.0.0.1" else request)


@mutant(violates="IF-AHL-24")
class ForwardedHeadersAreTrusted(Camera):
    """A request that says X-Real-IP: 127.0.0.1 counts as one of the device's own and is not checked."""

    zh = "带 X-Real-IP: 127.0.0.1 的请求被当作本机请求而不验证。"
    server_class = server_with(_TrustsHeaders)


class _TrustsDebugging(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        return await super().describe(passed(request) if "&debug=1" in request.url else request)

    def _target(self, path: str) -> Target:
        return super()._target(path.replace("&debug=1", ""))


@mutant(violates="IF-AHL-24")
class DebugParameterOpens(Camera):
    """The parameter debug=1 of the developers is still in the product and skips the check."""

    zh = "产品中遗留的 debug=1 参数可跳过验证。"
    server_class = server_with(_TrustsDebugging)


class _ServerTakingLongTokens(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return target.token == "" or await super().token_accepted(target)


@mutant(violates="IF-AHL-27")
class OverlongTokenCountsAsNone(Camera):
    """A token that does not fit its buffer is dropped, and without a token the old open player answers."""

    zh = "超出缓冲区的令牌被丢弃，随后按无令牌的旧流程放行。"
    server_class = _ServerTakingLongTokens


class _OneAtATime(RtspConnection):
    turn = asyncio.Lock()

    async def _serve(self, request: Request) -> bool:
        async with self.turn:
            return await super()._serve(request)


@mutant(violates="IF-AHL-28")
class OneRequestAtATime(Camera):
    """One thread serves RTSP for everybody and waits for the platform in it."""

    zh = "所有 RTSP 请求由同一线程处理，并在其中等待平台。"
    server_class = server_with(_OneAtATime)

"""Faults of the anti-hotlink check."""

from __future__ import annotations

import asyncio
import dataclasses
import re
from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.play_url import Target
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Answer, Request, TransportOption
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import Play, RtspSession
from simulators.faults.registry import mutant


class _ServerForAnyone(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return True


@mutant(violates="IF-AHL-02")
class PlaysWithoutAsking(Camera):
    """The verify call was left out: any token plays."""

    zh = "未调用令牌验证，任意令牌均可播放。"
    server_class = _ServerForAnyone


class _ServerWithoutTokens(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return True if not target.token else await super().token_accepted(target)


@mutant(violates="IF-AHL-01")
class UrlWithoutTokenPlays(Camera):
    """A URL without a token falls through to the ordinary player."""

    zh = "没有令牌的地址落入普通播放流程。"
    server_class = _ServerWithoutTokens


@mutant(violates="IF-AHL-01a")
class EmptyTokenPlays(Camera):
    """An empty token plays."""

    zh = "空令牌可以播放。"
    server_class = _ServerWithoutTokens


@mutant(violates="IF-AHL-02a")
class TokenInLowerCase(Camera):
    """The token is turned to lower case before the platform is asked."""

    zh = "询问平台前把令牌转为小写。"

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        return await super().ask_token(kind, channel, subject, token.lower())


class _ServerForAnyDevice(RtspServer):
    def device_matches(self, dev_id: str) -> bool:
        return True


@mutant(violates="IF-AHL-02b")
class ForeignDeviceIdPlays(Camera):
    """devid of the play URL is not compared with the own id."""

    zh = "不比较播放地址中的 devid。"
    server_class = _ServerForAnyDevice


@mutant(violates="IF-AHL-02c")
class VerdictIsCached(Camera):
    """A token that was accepted once is never asked about again."""

    zh = "令牌验证结果被缓存。"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.good: set[str] = set()

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        if token in self.good:
            return True
        accepted = await super().ask_token(kind, channel, subject, token)
        if accepted:
            self.good.add(token)
        return accepted


class _ServerTakingSilence(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        try:
            async with asyncio.timeout(self.config.token_wait * 0.9):
                return await super().token_accepted(target)
        except TimeoutError:
            return True


@mutant(violates="IF-AHL-03")
class SilenceIsConsent(Camera):
    """When the platform does not answer, the play goes on."""

    zh = "平台不应答时放行播放。"
    server_class = _ServerTakingSilence


@mutant(violates="IF-AHL-03a")
class ImpatientForVerdicts(Camera):
    """A verdict that takes longer than a second is not waited for."""

    zh = "验证结果超过一秒就不再等待。"

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        try:
            async with asyncio.timeout(1.0):
                return await super().ask_token(kind, channel, subject, token)
        except TimeoutError:
            return False


@mutant(violates="IF-AHL-03c")
class OddResultsCountAsZero(Camera):
    """A Result that is no number counts as 0."""

    zh = "非数字的 Result 被当作 0。"

    def verdict(self, answer: Message) -> bool:
        text = answer.get("Result")
        return not text.isdigit() or int(text) == 0


@mutant(violates="IF-AHL-03d")
class OfflinePlays(Camera):
    """While the signalling is down every token plays."""

    zh = "信令断开时任意令牌可以播放。"

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        if not self.client.online:
            return True
        return await super().ask_token(kind, channel, subject, token)


@mutant(violates="IF-AHL-05")
class ParallelPlaysShareOneVerdict(Camera):
    """One global flag holds the last verdict, for all plays at once."""

    zh = "所有并行播放共用一个全局验证结果。"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.flag = False

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        self.flag = await super().ask_token(kind, channel, subject, token) or self.flag
        await asyncio.sleep(0.7)
        return self.flag


class _ServerWithOpenSessions(RtspServer):
    async def play_permitted(self, play: Play, connection: RtspConnection) -> bool:
        return True


@mutant(violates="IF-AHL-30")
class RefusalsAreNotFound(Camera):
    """Refused tokens are answered 404."""

    zh = "令牌被拒时应答 404。"

    class server_class(RtspServer):
        def finish(self, request: Any, answer: Any) -> Any:
            if answer.status == 401:
                answer.status, answer.reason = 404, "Not Found"
            return super().finish(request, answer)


class _ServerRestoringTokens(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        clean = target.token.partition("%")[0][:32]
        bent = Target(target.kind, target.dev_id, target.channel_text, target.stream_text, target.file_text, clean)
        return await super().token_accepted(bent)


@mutant(violates="IF-AHL-26")
class TokenIsCutToSize(Camera):
    """Tokens are cut to 32 characters before the platform is asked."""

    zh = "令牌先被截为 32 个字符再询问平台。"
    server_class = _ServerRestoringTokens


class _ServerOfSharedSessions(RtspServer):
    def session_usable(self, session: RtspSession, connection: RtspConnection) -> bool:
        return True


@mutant(violates="IF-AHL-20a")
class SessionOfAnyConnection(Camera):
    """A session number is good on every connection."""

    zh = "任何连接都可以使用他人的会话号。"
    server_class = _ServerOfSharedSessions


class _ServerSendingAnywhere(RtspServer):
    async def transport_allowed(self, option: TransportOption, peer: str) -> bool:
        return True


@mutant(violates="IF-AHL-25")
class MediaToAnyDestination(Camera):
    """Any `destination` of SETUP is accepted."""

    zh = "接受 SETUP 中的任意 destination。"
    server_class = _ServerSendingAnywhere


class _ServerWithSecondPath(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return target.token == "" or await super().token_accepted(target)


class _ConnectionWithSecondPath(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        if re.search(r"/ch[0-9]+_[0-9]+\.h264\Z", request.url):
            host = request.url.partition("//")[2].partition("/")[0]
            query = f"devid={self.server.config.dev_id}&channelno=0&streamtype=1&hashtoken="
            request = dataclasses.replace(request, url=f"rtsp://{host}/realplay?{query}")
        return await super().describe(request)


@mutant(violates="IF-AHL-22")
class SecondPathPlays(Camera):
    """The path /ch0_0.h264 plays the same stream without a token."""

    zh = "路径 /ch0_0.h264 不经令牌即可播放同一码流。"
    server_class = type("BrokenServer", (_ServerWithSecondPath,), {"connection_class": _ConnectionWithSecondPath})


@mutant(violates="IF-AHL-29")
class BadTokensUseUpSlots(Camera):
    """After ten refused tokens nothing plays any more."""

    zh = "十次令牌被拒之后不再允许任何播放。"

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.refused = 0

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        accepted = await super().ask_token(kind, channel, subject, token)
        self.refused += not accepted
        return accepted and self.refused < 10


_LEAKED: list[str] = []


class _ServerShowingTokens(RtspServer):
    async def sdp_for(self, play: Play, host: str) -> str:
        text = await super().sdp_for(play, host)
        return text.replace("\r\nc=", f"\r\ni={_LEAKED[0] if _LEAKED else '-'}\r\nc=", 1)


@mutant(violates="IF-AHL-17a")
class TokenInSessionDescription(Camera):
    """The first token asked about is shown in the SDP of everyone."""

    zh = "首个被询问的令牌出现在所有人的 SDP 中。"
    server_class = _ServerShowingTokens

    async def ask_token(self, kind: str, channel: str, subject: str, token: str) -> bool:
        _LEAKED.append(token)
        return await super().ask_token(kind, channel, subject, token)

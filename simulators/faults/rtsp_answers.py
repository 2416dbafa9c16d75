"""Faults of the answers that the RTSP server gives."""

from __future__ import annotations

import random
import re

from simulators.camera.camera import Camera
from simulators.camera.rtsp_connection import Refusal, RtspConnection
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import RtspSession
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant


class _NoAsterisk(RtspConnection):
    async def options(self, request: Request) -> Answer:
        if request.url == "*":
            raise Refusal(400)
        return await super().options(request)


@mutant(violates="IF-RTSP-01")
class AsteriskIsNoUrl(Camera):
    """OPTIONS * is answered 400."""

    zh = "OPTIONS * 被应答 400。"
    server_class = server_with(connection=_NoAsterisk)


@mutant(violates="IF-RTSP-03")
class ListsWhatItLacks(Camera):
    """Public lists GET_PARAMETER, which is then answered 501."""

    zh = "Public 列出 GET_PARAMETER，实际应答 501。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            return Answer(501) if request.method == "GET_PARAMETER" else answer


@mutant(violates="IF-RTSP-43")
class PingIsRefused(Camera):
    """GET_PARAMETER without a body is answered 451."""

    zh = "不带消息体的 GET_PARAMETER 被应答 451。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if request.method == "GET_PARAMETER":
                answer.status = 451
            return answer


class _BareNewline(Answer):
    def encode(self) -> bytes:
        return super().encode().replace(b"\r\nServer", b"\nServer", 1)


@mutant(violates="IF-RTSP-04")
class LineFeedAlone(Camera):
    """One line of each answer ends with LF alone."""

    zh = "每个应答中有一行仅以 LF 结尾。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            return _BareNewline(answer.status, answer.headers, answer.body, answer.reason)


@mutant(violates="IF-RTSP-05")
class CseqOfItsOwn(Camera):
    """The server counts CSeq by itself instead of repeating it."""

    zh = "CSeq 由服务器自行计数，不回显请求的值。"

    class server_class(RtspServer):
        answers = 0

        def finish(self, request: Request, answer: Answer) -> Answer:
            self.answers += 1
            answer.headers["CSeq"] = str(self.answers)
            return answer


class _ShortLength(Answer):
    def encode(self) -> bytes:
        return super().encode() + b"a=x-more:1\r\n" if self.body else super().encode()


@mutant(violates="IF-RTSP-06")
class LengthOfAnEarlierText(Camera):
    """A line is added to the SDP after its length was taken."""

    zh = "计算 Content-Length 之后又向 SDP 追加一行。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            return _ShortLength(answer.status, answer.headers, answer.body, answer.reason)


@mutant(violates="IF-RTSP-07")
class DescriptionWithoutType(Camera):
    """The description is sent as text/plain."""

    zh = "媒体描述以 text/plain 发送。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if "Content-Type" in answer.headers:
                answer.headers["Content-Type"] = "text/plain"
            return answer


@mutant(violates="IF-RTSP-10")
class UnknownMethodIsBad(Camera):
    """A method that is not known is answered 400."""

    zh = "未知方法被应答 400。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if answer.status == 501:
                answer.status = 400
            return answer


@mutant(violates="IF-RTSP-11")
class RequireIsIgnored(Camera):
    """Features that a request requires are not looked at."""

    zh = "不检查请求中的 Require。"

    class server_class(RtspServer):
        def unsupported_options(self, tags: str) -> list[str]:
            return []


class _Sloppy(RtspServer):
    statuses = {461: 400}

    def finish(self, request: Request, answer: Answer) -> Answer:
        answer.status = self.statuses.get(answer.status, answer.status)
        return answer


@mutant(violates="IF-RTSP-24")
class UnsupportedTransportIsBad(Camera):
    """An unsupported transport is answered 400."""

    zh = "不支持的传输被应答 400。"
    server_class = _Sloppy


@mutant(violates="IF-RTSP-22")
class UnknownSessionIsNotFound(Camera):
    """An unknown session is answered 404."""

    zh = "未知会话被应答 404。"
    server_class = type("_NotFound", (_Sloppy,), {"statuses": {454: 404}})


class _PlaysUnprepared(RtspConnection):
    async def play(self, request: Request) -> Answer:
        return await super().play(request) if request.session else Answer(200, {"Range": "npt=now-"})


@mutant(violates="IF-RTSP-23")
class PlayWithoutSetupSucceeds(Camera):
    """PLAY without a session is answered 200."""

    zh = "没有会话的 PLAY 被应答 200。"
    server_class = server_with(connection=_PlaysUnprepared)


class _Counted(RtspSession):
    count = 10_000_000

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        type(self).count += 1
        self.id = str(self.count)


@mutant(violates="IF-RTSP-21")
class CountedSessions(Camera):
    """Session identifiers are counted up."""

    zh = "会话号依次递增。"
    server_class = server_with(session=_Counted)


@mutant(violates="IF-RTSP-25")
class AnswersEveryTransport(Camera):
    """The Transport of the answer repeats everything that was offered."""

    zh = "SETUP 应答的 Transport 重复请求中的全部选项。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if request.method == "SETUP" and answer.status == 200:
                answer.headers["Transport"] += "," + request.header("transport").rpartition(",")[2]
            return answer


@mutant(violates="IF-RTSP-28")
class ForgetsClientPort(Camera):
    """The answer to a SETUP over UDP does not repeat client_port."""

    zh = "UDP 的 SETUP 应答不带 client_port。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if "Transport" in answer.headers:
                answer.headers["Transport"] = re.sub(r"client_port=[0-9-]+;", "", answer.headers["Transport"])
            return answer


@mutant(violates="IF-RTSP-30")
class SsrcOfAnotherStream(Camera):
    """The ssrc in the answer to SETUP is made up."""

    zh = "SETUP 应答中的 ssrc 与实际不符。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            if "Transport" in answer.headers:
                made_up = f"ssrc={random.getrandbits(32):08X}"
                answer.headers["Transport"] = re.sub(r"ssrc=[0-9A-F]+", made_up, answer.headers["Transport"])
            return answer


@mutant(violates="IF-RTSP-36")
class ControlUrlLeadsNowhere(Camera):
    """The SDP names control URLs that SETUP does not know."""

    zh = "SDP 中的控制地址无法 SETUP。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            answer.body = answer.body.replace(b"a=control:trackID=", b"a=control:streamid=")
            return answer


@mutant(violates="IF-RTSP-38")
class SequenceOfTheLastPlay(Camera):
    """RTP-Info names a sequence number that is not that of the first packet."""

    zh = "RTP-Info 中的 seq 不是首包序号。"

    class server_class(RtspServer):
        def finish(self, request: Request, answer: Answer) -> Answer:
            text = answer.headers.get("RTP-Info", "")
            if text:
                found = re.sub(r"seq=([0-9]+)", lambda m: f"seq={(int(m[1]) + 100) % 65536}", text)
                answer.headers["RTP-Info"] = found
            return answer

"""Mutants of the stream server whose check can be gone around."""

from __future__ import annotations

import posixpath
from urllib.parse import parse_qsl, unquote

from aiohttp import web

from conformance.protocols.signed_url import read_time
from simulators.faults.registry import mutant
from simulators.faults.streams.signatures import LenientGate, plain_path
from simulators.streams.gate import NotFound, Visitor
from simulators.streams.server import StreamServer


@mutant(violates="IF-URL-05")
class PathsAreMadePlainAfterTheCheck(StreamServer):
    """A path that is written in another way is not recognized as protected, and served after it was made plain."""

    zh = "写法不同的路径未被识别为受保护，规范化之后照常给出。"

    class _Late(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever makes a detour."""
            path = plain_path(visitor.target)
            plain = "/" + posixpath.normpath(unquote(path)).lstrip("/")
            return plain if plain != path and self.is_plain(plain) else None

    gate_class = _Late


@mutant(violates="IF-URL-13")
class TheOtherPortIsOpen(StreamServer):
    """The port for management serves files to everybody."""

    zh = "管理端口对任何人提供文件。"

    async def handle_other(self, request: web.BaseRequest) -> web.StreamResponse:
        """Whatever is asked for."""
        try:
            return await self.serve(request, plain_path(request.raw_path), request.remote or "")
        except NotFound:
            return web.Response(status=404)


@mutant(violates="IF-URL-06", declaration="streams")
class TheLastTimeCounts(StreamServer):
    """The signature is compared with the first time in the URL, the clock with the last."""

    zh = "签名按首个时间参数校验，有效期按最后一个判断。"

    class _Torn(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever adds a better time."""
            path, _, query = visitor.target.partition("?")
            pairs = parse_qsl(query)
            first, last = dict(reversed(pairs)), dict(pairs)
            if not {"md5", "expires"} <= set(first) or not last["expires"].isdecimal():
                return None
            target = f"{path}?md5={first['md5']}&expires={first['expires']}"
            good = self.is_genuine(target, visitor.address)
            return path if good and self.is_timely(read_time(self.scheme.time, last["expires"]), now) else None

    gate_class = _Torn


@mutant(violates="IF-URL-07")
class TheRefererIsRead(StreamServer):
    """A good URL in Referer opens what it names."""

    zh = "Referer 中的正确地址可放行其所指内容。"

    class _Reading(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever brings a good referer."""
            referer = "/" + visitor.headers.get("referer", "").partition("//")[2].partition("/")[2]
            if referer == "/":
                return None
            return super().admit(Visitor("GET", referer, visitor.address, {}), now)

    gate_class = _Reading


@mutant(violates="IF-URL-08")
class HeadIsNotChecked(StreamServer):
    """HEAD succeeds without a signature."""

    zh = "HEAD 无需签名即成功。"

    class _Headless(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever asks for the head only."""
            path = plain_path(visitor.target)
            return path if visitor.method == "HEAD" and self.is_plain(path) else None

    gate_class = _Headless


@mutant(violates="IF-URL-08")
class RangesAreNotChecked(StreamServer):
    """GET with Range succeeds without a signature."""

    zh = "带 Range 的 GET 无需签名即成功。"

    class _Partial(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever asks for a part."""
            path = plain_path(visitor.target)
            return path if "range" in visitor.headers and self.is_plain(path) else None

    gate_class = _Partial


@mutant(violates="IF-URL-09")
class ForwardedForIsBelieved(StreamServer):
    """Whoever says in X-Forwarded-For that he is the server itself needs no signature."""

    zh = "X-Forwarded-For 自称本机者无需签名。"

    class _Trusting(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever says so."""
            path = plain_path(visitor.target)
            local = visitor.headers.get("x-forwarded-for", "").startswith("127.")
            return path if local and self.is_plain(path) else None

    gate_class = _Trusting

"""Mutants of the stream server that take signatures which are not good."""

from __future__ import annotations

import base64
from pathlib import Path

from aiohttp import web

from conformance.protocols.signed_url import UrlError, digest_of, genuine, read_url
from simulators.faults.registry import mutant
from simulators.streams.gate import Gate, Refused, Visitor
from simulators.streams.server import SEGMENT, StreamServer
from specs.declaration import LoadedDeclaration

COMPARED = 8
DIGITS = 10
HOUR = 3600.0


class LenientGate(Gate):
    """Lets some of those in who are refused."""

    def admit(self, visitor: Visitor, now: float) -> str:
        """As ever, then by the other rule. Raises Refused."""
        try:
            return super().admit(visitor, now)
        except Refused:
            path = self.let_in(visitor, now)
            if path is None:
                raise
            return path

    def let_in(self, visitor: Visitor, now: float) -> str | None:
        """The path that a refused visitor gets after all."""
        raise NotImplementedError


def plain_path(target: str) -> str:
    """A target without its query."""
    return target.partition("?")[0]


@mutant(violates="IF-URL-01")
class MissingSignaturesAreGood(StreamServer):
    """A URL without a query is served."""

    zh = "没有查询参数的地址可取得内容。"

    class _Open(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever brings no query."""
            return visitor.target if "?" not in visitor.target and self.is_plain(visitor.target) else None

    gate_class = _Open


@mutant(violates="IF-URL-02")
class OnlyTheBeginningIsCompared(StreamServer):
    """Of the signature only the first eight characters are compared."""

    zh = "只比较签名的前八个字符。"

    class _Short(Gate):
        def is_genuine(self, target: str, address: str) -> bool:
            """By the beginning."""
            found = read_url(self.scheme, target)
            right = digest_of(self.scheme, found["path"], self.key, found["time"], address=address)
            return found["digest"][:COMPARED] == right[:COMPARED]

    gate_class = _Short


@mutant(violates="IF-URL-02a", declaration="streams")
class SignaturesAreDecoded(StreamServer):
    """Signatures are compared as bytes, so that one has many ways to be written."""

    zh = "按解码后的字节比较签名，同一签名有多种写法。"

    class _Decoding(Gate):
        def is_genuine(self, target: str, address: str) -> bool:
            """By bytes."""
            found = read_url(self.scheme, target)
            right = digest_of(self.scheme, found["path"], self.key, found["time"], address=address)
            return _bytes(found["digest"]) == _bytes(right)

    gate_class = _Decoding


def _bytes(digest: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(digest + "=" * (-len(digest) % 4))
    except ValueError:
        return b""


@mutant(violates="IF-URL-03")
class LinksLiveAnHourLonger(StreamServer):
    """A link is good for an hour after its end."""

    zh = "地址过期后仍有效一小时。"

    class _Patient(Gate):
        def is_timely(self, moment: float, now: float) -> bool:
            """Up to an hour late."""
            return super().is_timely(moment, now) or super().is_timely(moment, now - HOUR)

    gate_class = _Patient


@mutant(violates="IF-URL-03a", declaration="streams")
class OnlyTenDigitsAreSigned(StreamServer):
    """The signature covers the first ten digits of the time; digits behind them move the end."""

    zh = "签名只覆盖时间的前十位，其后的数字可推迟截止时间。"

    class _Cutting(Gate):
        def is_genuine(self, target: str, address: str) -> bool:
            """By the time cut to ten digits."""
            found = read_url(self.scheme, target)
            right = digest_of(self.scheme, found["path"], self.key, found["time"][:DIGITS], address=address)
            return found["digest"] == right

    gate_class = _Cutting


@mutant(violates="IF-URL-03b", declaration="streams_birth")
class FutureBirthsAreGood(StreamServer):
    """A link that is born in the future is good already."""

    zh = "未来生效的地址已可使用。"

    class _Early(Gate):
        def is_timely(self, moment: float, now: float) -> bool:
            """Before its end."""
            return now <= moment + self.life + self.skew

    gate_class = _Early


@mutant(violates="IF-URL-04")
class OneSignatureOpensEveryFile(StreamServer):
    """The signature of one file is good for all of them."""

    zh = "一个文件的签名可用于全部文件。"

    class _Shared(Gate):
        paths: tuple[str, ...] = ()

        def is_genuine(self, target: str, address: str) -> bool:
            """By any path."""
            found = read_url(self.scheme, target)
            others = (target.replace(found["path"], path, 1) for path in self.paths)
            return any(genuine(self.scheme, other, self.key, address=address) for other in (target, *others))

    gate_class = _Shared

    def __init__(self, loaded: LoadedDeclaration, state: Path) -> None:
        super().__init__(loaded, state)
        told = self.declared
        if isinstance(self.gate, self._Shared):
            self.gate.paths = (told.playlist, told.flv, told.file, told.other)


@mutant(violates="IF-URL-10")
class SegmentsAreOpen(StreamServer):
    """Segments are served to everybody; only the playlist is protected."""

    zh = "只保护播放列表，分片对任何人开放。"

    class _Open(LenientGate):
        def let_in(self, visitor: Visitor, now: float) -> str | None:
            """Whoever asks for a segment."""
            path = plain_path(visitor.target)
            return path if path.startswith("/live/") and path.endswith(".ts") and self.is_plain(path) else None

    gate_class = _Open


@mutant(violates="IF-URL-11")
class ExpiredLinksAreGone(StreamServer):
    """A link that was good once is answered with 410, which tells that its signature is right."""

    zh = "过期地址以 410 应答，从而透露签名正确。"

    def refusal(self, request: web.BaseRequest) -> web.StreamResponse:
        """410 or 403."""
        assert isinstance(self.gate, Gate)
        try:
            known = self.gate.is_genuine(request.raw_path, request.remote or "")
        except UrlError:
            known = False
        return web.Response(status=410) if known else super().refusal(request)


@mutant(violates="IF-URL-12")
class RangesAreOffByOne(StreamServer):
    """A range begins one byte late."""

    zh = "Range 请求的内容晚一个字节。"

    def serve_bytes(self, request: web.BaseRequest, data: bytes) -> web.StreamResponse:
        """Of the wrong bytes."""
        wanted = request.http_range
        if wanted.start is None:
            return super().serve_bytes(request, data)
        start, stop, _ = wanted.indices(len(data))
        return web.Response(status=206, body=data[start + 1 : stop + 1], content_type=SEGMENT)

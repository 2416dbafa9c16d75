"""Mutants of a platform that refuses streams too late, too rarely, or tells why."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

from aiohttp import web

from conformance.protocols.signed_url import UrlError
from simulators.faults.registry import mutant
from simulators.platform.media_server import MediaServer
from simulators.platform.platform import Platform
from simulators.platform.plays import Play, Plays

FORBIDDEN, GONE = 403, 410
SLOW = 0.01


class _Encoded(MediaServer):
    def admit(self, request: web.BaseRequest) -> tuple[Play, str]:
        path = request.raw_path.partition("?")[0]
        found = self.platform.plays.find(unquote(path)) if unquote(path) != path else None
        return found or super().admit(request)


@mutant(violates="IF-AHL-13")
class EncodedPathsAreNotChecked(Platform):
    """A percent-encoded path is not recognised as protected, but served."""

    zh = "百分号编码的路径不经检查。"
    media_class = _Encoded


class _Immortal(Plays):
    def in_time(self, moment: float) -> bool:
        return True


@mutant(violates="IF-AHL-13")
class AddressesNeverEnd(Platform):
    """The time in an address is signed, but not looked at."""

    zh = "地址中的时间已签名但不检查。"
    plays_class = _Immortal


class _OnlyCut(Plays):
    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        kept = dict(self._plays)
        count = super().end(user=user, device=device, session=session)
        if user and device:
            self._plays.update(kept)
        return count


@mutant(violates="BIZ-ACC-03")
class CutStreamsLeaveTheirPlaylist(Platform):
    """The running stream is cut when the share is withdrawn, but its addresses stay good."""

    zh = "收回时只断开当前流，地址仍然有效。"
    plays_class = _OnlyCut


class _Explaining(MediaServer):
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await super().handle(request)
        try:
            once_good = self.platform.plays.genuine(request.raw_path)
        except UrlError:
            once_good = False
        return web.Response(status=GONE, text="") if answer.status == FORBIDDEN and once_good else answer


@mutant(violates="IF-AHL-16a")
class ExpiredAddressesHaveAStatusOfTheirOwn(Platform):
    """An address that was good once is refused with 410."""

    zh = "曾经有效的地址以 410 拒绝。"
    media_class = _Explaining


class _SlowForKnownPlays(MediaServer):
    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = await super().handle(request)
        known = self.platform.plays.find(request.raw_path.partition("?")[0])
        if answer.status == FORBIDDEN and known is not None:
            await asyncio.sleep(SLOW)
        return answer


@mutant(violates="IF-AHL-16a")
class KnownPlaysTakeLonger(Platform):
    """A bad address of a play that exists is refused ten milliseconds later than one of none."""

    zh = "播放存在时的拒绝慢十毫秒。"
    media_class = _SlowForKnownPlays

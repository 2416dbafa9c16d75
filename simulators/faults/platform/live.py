"""Mutants of a platform that gives live streams over HTTP."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web

from conformance.protocols.signed_url import genuine, read_url
from simulators.faults.registry import mutant
from simulators.platform.flv import FlvHub
from simulators.platform.hls import HlsWindow
from simulators.platform.live import Live, LiveStream
from simulators.platform.media_server import MediaServer
from simulators.platform.platform import Platform
from simulators.platform.plays import Play, Plays
from simulators.platform.transport_stream import Segment

LAG = 4.6


class _LateHub(FlvHub):
    def _hand(self, viewer: asyncio.Queue[bytes | None], data: bytes) -> None:
        asyncio.get_running_loop().call_later(LAG, super()._hand, viewer, data)


class _LateStream(LiveStream):
    hub_class = _LateHub


class _LateLive(Live):
    stream_class = _LateStream


@mutant(violates="BIZ-KPI-01a")
class BuffersForSeconds(Platform):
    """Pictures wait in the platform before they are sent on."""

    zh = "画面在平台内缓存数秒后才转发。"
    live_class = _LateLive


class _OneSegment(HlsWindow):
    def playlist(self, address: Any) -> str:
        kept = list(self.segments)
        self.segments.clear()
        self.segments.extend(kept[-1:])
        try:
            return super().playlist(address)
        finally:
            self.segments.clear()
            self.segments.extend(kept)


class _OneSegmentStream(LiveStream):
    window_class = _OneSegment


class _OneSegmentLive(Live):
    stream_class = _OneSegmentStream


@mutant(violates="IF-MED-06")
class PlaylistsOfOneSegment(Platform):
    """A live playlist holds nothing but the newest segment."""

    zh = "直播播放列表只有最新的一个分片。"
    live_class = _OneSegmentLive


class _HalfDurations(HlsWindow):
    def _publish(self, segment: Segment) -> None:
        super()._publish(segment)
        self.longest = 1.0


class _HalfStream(LiveStream):
    window_class = _HalfDurations


class _HalfLive(Live):
    stream_class = _HalfStream


@mutant(violates="IF-MED-06")
class TargetBelowTheSegments(Platform):
    """EXT-X-TARGETDURATION is below the segments."""

    zh = "EXT-X-TARGETDURATION 小于分片时长。"
    live_class = _HalfLive


class _FlvForEver(Plays):
    def admit(self, target: str) -> tuple[Play, str]:
        found = self.find(target.partition("?")[0])
        if found is not None and found[1].endswith(".flv") and self.genuine(target):
            return found
        return super().admit(target)


@mutant(violates="IF-MED-07")
class FlvAddressesNeverDie(Platform):
    """The life of an address counts for HLS only."""

    zh = "地址有效期只对 HLS 生效，HTTP-FLV 不过期。"
    plays_class = _FlvForEver


class _OtherStream(Live):
    def stream(self, device: str, channel: int, stream: int) -> LiveStream:
        return super().stream(device, channel, 1)


@mutant(violates="IF-MED-07")
class HttpShowsTheMainStream(Platform):
    """Over HTTP everybody gets the main stream, whatever was asked for."""

    zh = "HTTP 输出一律给主码流，不看所请求的码流。"
    live_class = _OtherStream


class _OpenSegments(MediaServer):
    def admit(self, request: web.BaseRequest) -> tuple[Play, str]:
        found = self.platform.plays.find(request.path)
        return found if found is not None and found[1].endswith(".ts") else super().admit(request)


@mutant(violates="IF-AHL-13")
class SegmentsNeedNoToken(Platform):
    """The playlist is protected, its segments are not."""

    zh = "只保护播放列表，分片不校验令牌。"
    media_class = _OpenSegments


class _Trusting(MediaServer):
    def admit(self, request: web.BaseRequest) -> tuple[Play, str]:
        found = self.platform.plays.find(request.path)
        local = request.headers.get("X-Forwarded-For") == "127.0.0.1"
        return found if found is not None and local else super().admit(request)


@mutant(violates="IF-AHL-13")
class LoopbackIsTrusted(Platform):
    """Whoever says that he comes from the machine itself needs no token."""

    zh = "自称来自本机（X-Forwarded-For）的请求免检。"
    media_class = _Trusting


class _OtherKey(Plays):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self.key = self.key[::-1]


@mutant(violates="IF-AHL-11")
class SignedWithAnotherKey(Platform):
    """Addresses are signed with a key that is not the declared one."""

    zh = "签名所用密钥与声明不符。"
    plays_class = _OtherKey


class _AnyTime(Plays):
    def genuine(self, target: str) -> bool:
        """The digest of any moment near now will do."""
        now, fields = int(self.platform.clock.now()), read_url(self.scheme, target)
        nearby = (target.replace(fields["time"], str(now + step), 1) for step in range(-20, 21))
        return super().genuine(target) or any(genuine(self.scheme, other, self.key) for other in nearby)


@mutant(violates="IF-AHL-11")
class TheTimeIsNotSigned(Platform):
    """An address with another time in it is good."""

    zh = "时间字段未参与签名校验。"
    plays_class = _AnyTime


class _PlaysGoOn(Plays):
    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        return 0 if user and device else super().end(user=user, device=device, session=session)


@mutant(violates="BIZ-ACC-03")
class RevocationLeavesRunningPlays(Platform):
    """A withdrawn share gives no new plays; those that run go on."""

    zh = "收回分享后不能新开播放，但正在进行的播放不中断。"
    plays_class = _PlaysGoOn

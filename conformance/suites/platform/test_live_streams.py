"""IF-MED-06, IF-MED-07, BIZ-KPI-01a: the live picture by HLS and HTTP-FLV, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from conformance.model.checks import Checks, say
from conformance.peers.network_profile import network_profile
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.fleet_samples import percentile
from conformance.peers.platform.http_play import HttpPlay, flv_pictures, segment_pictures, target_of
from conformance.peers.platform.phone import Phone
from conformance.peers.streams.flv_player import FlvPlay
from conformance.peers.streams.http_fetcher import Asked
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.http_attacks import ENOUGH
from conformance.suites.platform.live_steps import (
    SUB,
    a_live_camera,
    a_watched_camera,
    expected,
    playlist_of,
    shown,
    watching,
    without_http,
)
from conformance.suites.platform.stream_tokens import spoilt, unsigned
from conformance.suites.platform.test_live_paths import picture
from conformance.suites.stream_findings import judge_violations

PICTURE = say("画面中的设备、通道、码流", "device, channel and stream in the picture")


@verifies("IF-MED-06")
async def test_hls(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """A playlist over reloads, its segments, and one of them without a token."""
    limit = limits("IF-MED-06")
    async with a_watched_camera(platform, owner, check, "IF-MED-06") as (device, play):
        if device is None or play is None:
            return
        if not play.hls:
            without_http(check, "IF-MED-06", "HLS")
            return
        check.step("s1")
        player = await playlist_of(play, limit.first_wait, int(limit.playlist.number) + 1)
        playlist = player.loads[-1].playlist
        about = player.loads[-1].fetched.summary
        if not check.true("IF-MED-06", playlist is not None, say("播放列表", "a playlist"), about) or not playlist:
            return
        check.step("s2")
        judge_violations(check, "IF-MED-06", playlist.violations)
        check.within("IF-MED-06", len(playlist.segments), limit.playlist, say("分片数", "segments in the list"))
        for segment in playlist.segments[1:]:  # the first may be what there was when the platform began
            about = f"#{segment.sequence}"
            check.within("IF-MED-06", segment.duration, limit.segment, say(f"分片 {about}", f"segment {about}"))
        check.step("s3")
        for segment in playlist.segments[-2:]:
            target = player.address(segment.uri)
            signed = await player.fetcher.fetch(Asked(target), most=ENOUGH)
            served = say("列出的地址可取得分片", "the listed address is served")
            if not check.control(signed.ok and signed.media > 0, served):
                continue
            bare = await player.fetcher.fetch(Asked(unsigned(target)), most=ENOUGH)
            wanted = say("去掉令牌后拒绝，媒体 0 字节", "refused without its token, 0 bytes of media")
            seen = f"{bare.summary}; {bare.media} bytes of media"
            check.true("IF-MED-06", not bare.ok and not bare.media, wanted, seen, f"#{segment.sequence}")


@verifies("IF-MED-07")
async def test_every_form(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The same play by every form: good, forged, expired; and who is in the picture."""
    limit = limits("IF-MED-07")
    async with a_watched_camera(platform, owner, check, "IF-MED-07") as (device, play):
        if device is None or play is None:
            return
        forms = {name: url for name, url in (("HLS", play.hls), ("HTTP-FLV", play.flv)) if url}
        if not forms:
            without_http(check, "IF-MED-07", "HLS / HTTP-FLV")
            return
        await _pictures(platform, owner, check, device, play, limit)
        check.step("s1")
        states = {"good": forms, "forged": {name: spoilt(url) for name, url in forms.items()}}
        outcomes = {state: await _outcomes(play, urls) for state, urls in states.items()}
        if "clock" in platform.loaded.declaration.controls.available:
            ahead = platform.declared.stream_life + limit.after.seconds
            await platform.control.do("clock", advance=ahead)
            try:
                outcomes["expired"] = await _outcomes(play, forms)
            finally:
                await platform.control.do("clock", advance=-ahead)
        check.step("s2")
        for state, found in outcomes.items():
            wanted = dict.fromkeys(forms, state == "good")
            about = say(f"令牌状态 {state}，各协议是否取得媒体", f"media by each form, token {state}")
            check.equal("IF-MED-07", found, wanted, about)


async def _outcomes(play: HttpPlay, urls: dict[str, str]) -> dict[str, bool]:
    """Whether there is media at an address, form by form."""
    return {
        name: (await play.fetcher(url).fetch(Asked(target_of(url)), most=ENOUGH)).media > 0
        for name, url in urls.items()
    }


async def _pictures(
    platform: PlatformBench, owner: Phone, check: Checks, device: DevicePeer, play: HttpPlay, limit: Limits
) -> None:
    check.step("s3")
    wanted, compute = expected(device), platform.wire.compute
    if play.hls:
        player = await playlist_of(play, limit.first_wait)
        segments = await player.segments(1)
        decoded = await compute("pictures", partial(segment_pictures, segments))
        check.equal("IF-MED-07", shown(decoded), wanted, say("HLS " + PICTURE.zh, "HLS: " + PICTURE.en))
    if play.flv:
        played = await play.flv_player().play(limit.watch.seconds)
        decoded = await compute("pictures", partial(flv_pictures, played))
        check.equal("IF-MED-07", shown(decoded), wanted, say("HTTP-FLV " + PICTURE.zh, "HTTP-FLV: " + PICTURE.en))
    reply = await owner.call("play", {"channel": 0, "stream": SUB}, terminal=device.identity.dev_id)
    found = await picture(platform, str(reply.at("local") or "rtsp://127.0.0.1:9/"), limit.watch.seconds)
    label = found.label if found else None
    told = [(label.device, label.channel, label.stream)] if label else []
    check.equal(
        "IF-MED-07",
        told,
        [(one.device, one.channel, one.stream) for one in wanted],
        say("RTSP " + PICTURE.zh, "RTSP: " + PICTURE.en),
    )


@dataclass(frozen=True, slots=True)
class Age:
    """A picture that arrived. ``at``: seconds on the wire clock; ``seconds``: since its label was burned in."""

    at: float
    seconds: float


def ages(played: FlvPlay, epoch: float) -> list[Age]:
    """How old each picture was when its tag was whole. ``epoch``: Unix time at 0 of the wire clock."""
    arrivals = [(tag, at) for tag, at in zip(played.tags, played.arrivals, strict=True) if tag.is_picture]
    first = next((place for place, (tag, _) in enumerate(arrivals) if tag.is_key), len(arrivals))
    moments = [at for _, at in arrivals[first:]]
    return [
        Age(moments[found.index], moments[found.index] + epoch - found.label.time_ms / 1000)
        for found in flv_pictures(played).pictures
        if found.label is not None and found.index < len(moments)
    ]


@verifies("BIZ-KPI-01a")
async def test_delay(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Camera and phone share the clock of the bench; the time is read off the pictures."""
    limit, wire = limits("BIZ-KPI-01a"), platform.wire
    async with a_live_camera(platform, owner, check, "BIZ-KPI-01a") as device:
        if device is None:
            return
        check.step("s1")
        tapped = wire.now()
        async with watching(platform, owner, check, device) as play:
            if play is None:
                return
            if not play.flv:
                without = say("没有可连续测量的 HTTP-FLV 输出", "there is no HTTP-FLV stream to be measured")
                check.inconclusive("BIZ-KPI-01a", without)
                return
            played = await play.flv_player().play(limit.watch.seconds)
        epoch = wire.epoch() - wire.now()
        found = await wire.compute("ages", partial(ages, played, epoch))
        check.step("s2")
        enough = len(found) >= limit.samples.number
        if not check.control(enough, say(f"{len(found)} 个样本", f"{len(found)} samples")):
            return
        delays = [age.seconds for age in found]
        ranks = {f"p{rank}": round(percentile(delays, rank), 3) for rank in (50, 95, 100)}
        check.figures["live"] = {
            "network": network_profile(wire),
            "count": len(delays),
            "first_picture": round(found[0].at - tapped, 3),
            **ranks,
        }
        rank = limit.percentile.number
        about = say(f"{len(delays)} 个画面的第 {rank:g} 百分位", f"percentile {rank:g} of {len(delays)} pictures")
        check.within("BIZ-KPI-01a", percentile(delays, rank), limit.delay, about)

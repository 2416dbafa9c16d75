"""IF-AHL-11, IF-AHL-13, BIZ-ACC-03: who gets media from the platform's own streams, by whatever way he comes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from itertools import chain

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.http_play import HttpPlay, target_of
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.streams.forged_links import Forged, detours, forged
from conformance.peers.streams.forged_requests import by_method, forwarded
from conformance.peers.streams.http_fetcher import Asked, Fetched, Fetcher
from conformance.peers.streams.signed_links import Link
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.signed_url import UrlError, genuine, read_url
from conformance.suites.http_attacks import ENOUGH, OTHER_REFUSALS, Subject, judge_refused
from conformance.suites.platform.client_steps import accepted
from conformance.suites.platform.live_steps import SUB, a_live_camera, a_watched_camera, playlist_of, watching
from conformance.suites.platform.stream_tokens import spoilt, unsigned
from conformance.suites.platform.test_access import shared, sharee_of, withdrawn
from specs.model import Limit
from specs.stream_urls import Scheme, load_schemes

SERVED = say("给出的地址可取得媒体", "the given address gets media")
STILL = say("尝试之后给出的地址仍可取得媒体", "the given address still gets media after the attempts")


async def outputs(play: HttpPlay, within: Limit) -> AsyncIterator[tuple[str, Fetcher, str]]:
    """Every HTTP output of a play with its signed target: playlist, the last segments, FLV."""
    if play.hls:
        player = await playlist_of(play, within)
        yield "playlist", player.fetcher, target_of(play.hls)
        playlist = player.loads[-1].playlist
        for segment in playlist.segments[-2:] if playlist else ():
            yield f"segment {segment.sequence}", player.fetcher, player.address(segment.uri)
    if play.flv:
        yield "flv", play.fetcher(play.flv), target_of(play.flv)


async def beginning(fetcher: Fetcher, target: str) -> Fetched:
    """The beginning of what a target gives."""
    return await fetcher.fetch(Asked(target), most=ENOUGH)


def attempts(target: str, site: str) -> Iterator[Forged]:
    """Everything that is tried with the address of one output."""
    bare = unsigned(target)
    yield forged("no token", bare)
    yield forged("a spoilt token", spoilt(target))
    path = bare.partition("?")[0]
    for forge in chain(forwarded(path), by_method(path, site)):
        if forge.asked.target != "/":
            yield forge
    for about, other in detours(path):
        yield forged(about, other)


@verifies("IF-AHL-13")
async def test_every_output(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Playlist, segments and FLV, each with a good address, then with everything else."""
    limit = limits("IF-AHL-13")
    async with a_watched_camera(platform, owner, check, "IF-AHL-13") as (device, play):
        if device is None or play is None:
            return
        count = 0
        async for name, fetcher, target in outputs(play, limit.first_wait):
            count += 1
            check.step("s1")
            good = await beginning(fetcher, target)
            if not check.control(good.ok and good.media > 0, SERVED):
                continue
            check.step("s2")
            subject = Subject(f"{name}: {target.partition('?')[0]}", good)
            tried = attempts(target, fetcher.endpoint.url)
            await judge_refused(fetcher, check, "IF-AHL-13", subject, tried, OTHER_REFUSALS)
            again = await beginning(fetcher, target)
            check.control(again.ok and again.media > 0, STILL)
        if not count:
            check.not_applicable("IF-AHL-13", say("平台没有 HTTP 输出", "the platform has no HTTP output"))


@verifies("IF-AHL-11")
async def test_declared_scheme(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """The signatures of a play, computed again; then each field of the address is another."""
    limit, declared = limits("IF-AHL-11"), platform.declared.stream_scheme
    scheme = load_schemes().get(declared)
    if scheme is None or not platform.loaded.stream_key:
        check.inconclusive("IF-AHL-11", say("未声明签名方式与密钥", "scheme and key of signatures are not declared"))
        return
    async with a_watched_camera(platform, owner, check, "IF-AHL-11") as (device, play):
        if device is None or play is None:
            return
        async for name, fetcher, target in outputs(play, limit.first_wait):
            good = await beginning(fetcher, target)
            if check.control(good.ok and good.media > 0, SERVED):
                await _judge_address(platform, check, scheme, name, fetcher, target, good)


async def _judge_address(
    platform: PlatformBench, check: Checks, scheme: Scheme, name: str, fetcher: Fetcher, target: str, good: Fetched
) -> None:
    check.step("s1")
    wanted = say(f"方式 {scheme.id} 的签名", f"a signature of the scheme {scheme.id}")
    try:
        fields = dict(read_url(scheme, target))
    except UrlError as error:
        check.fail("IF-AHL-11", wanted, str(error), name)
        return
    key = platform.loaded.stream_key
    agrees = platform.wire.fact(f"signature {name}", lambda: genuine(scheme, target, key))
    check.true("IF-AHL-11", bool(agrees), wanted, target.partition("?")[0], name)
    check.step("s2")
    path, time, digest = (fields.pop(part) for part in ("path", "time", "digest"))
    link = Link(scheme, path, time, digest, fields)
    await judge_refused(fetcher, check, "IF-AHL-11", Subject(f"{name}: {path}", good), altered(link))


def altered(link: Link) -> Iterator[Forged]:
    """The address with one field changed at a time, the digest kept."""
    yield forged("another time", link.but(time=_next(link.time)).target)
    yield forged("another digest", link.but(digest=_next(link.digest)).target)
    folder, _, name = link.path.rpartition("/")
    yield forged("another file", link.but(path=f"{folder}/x{name}").target)
    for field, value in link.more.items():
        more = {**link.more, field: _next(value)}
        yield forged(f"another {field}", Link(link.scheme, link.path, link.time, link.digest, more).target)


def _next(text: str) -> str:
    """The text with another last character of the same kind."""
    last = text[-1:] or "0"
    return text[:-1] + ("1" if last == "0" else "0")


@verifies("BIZ-ACC-03")
async def test_revocation_during_play(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """Somebody with a share watches; it is withdrawn."""
    limit, user = limits("BIZ-ACC-03"), sharee_of(phones, owner)
    if user is None:
        check.inconclusive("BIZ-ACC-03", say("需要第二个用户", "a second user is needed"))
        return
    async with a_live_camera(platform, owner, check, "BIZ-ACC-03") as device:
        if device is None:
            return
        terminal = device.identity.dev_id
        check.step("s1")
        share = await shared(owner, terminal, user.phone, "view")
        if not accepted(check, "BIZ-ACC-03", share, "share"):
            return
        sharee = await phones.logged_in(user)
        async with watching(platform, sharee, check, device) as play:
            if play is not None and play.flv:
                await _cut(platform, owner, check, device, play, (str(share.at("id")), limit))


async def _cut(
    platform: PlatformBench,
    owner: Phone,
    check: Checks,
    device: DevicePeer,
    play: HttpPlay,
    withdrawal: tuple[str, Limits],
) -> None:
    """The running stream ends, and its address is worth nothing any more."""
    (share, limit), wire = withdrawal, platform.wire
    watched = asyncio.ensure_future(play.flv_player().play(limit.watch.seconds))
    await wire.sleep(limit.before.seconds)
    check.step("s2")
    accepted(check, "BIZ-ACC-03", await withdrawn(owner, device.identity.dev_id, share), "unshare")
    at = wire.now()
    played = await watched
    ran = any(arrival <= at for arrival in played.arrivals)
    if not check.control(ran, say("收回前在播放", "it was playing before the withdrawal")):
        return
    last = max(played.arrivals) - at
    check.within("BIZ-ACC-03", max(0.0, last), limit.end, say("收回后仍收到媒体的时间", "media after the withdrawal"))
    again = await beginning(play.fetcher(play.flv), target_of(play.flv))
    refused = not again.ok and not again.media
    seen = f"{again.summary}; {again.media} bytes of media"
    check.true("BIZ-ACC-03", refused, say("原地址被拒绝", "the address is refused"), seen, f"stream {SUB}")

"""IF-AHL-13, IF-AHL-16a, BIZ-ACC-03: tokens of others, other ports, expiry; refusals that tell nothing apart."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import Endpoint
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.http_play import HttpPlay
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.streams.forged_links import Forged, detours, forged
from conformance.peers.streams.http_fetcher import Asked, Fetcher
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.http_attacks import ENOUGH, REFUSALS, WANTED, Subject, judge_refused, leaks, shape
from conformance.suites.platform.client_steps import good, other_owner
from conformance.suites.platform.live_steps import SUB, a_live_camera, a_watched_camera, watching
from conformance.suites.platform.stream_tokens import spoilt
from conformance.suites.platform.test_access import shared, sharee_of, withdrawn
from conformance.suites.platform.test_stream_tokens import SERVED, beginning, outputs
from conformance.suites.platform.token_steps import judge_times, token_of
from specs.model import Limit

Shape = tuple[int, tuple[str, ...], bytes]


async def served(check: Checks, play: HttpPlay, within: Limit) -> tuple[Fetcher | None, list[Subject]]:
    """Every output of a play, fetched once by its good address: the control leg. ``path``: the whole good target."""
    found, last = [], None
    async for _, fetcher, target in outputs(play, within):
        got, last = await beginning(fetcher, target), fetcher
        if not check.control(got.ok and got.media > 0, SERVED):
            return None, []
        found.append(Subject(target, got))
    return last, found


def with_other_tokens(subject: Subject, foreign: str, rtsp_token: str) -> Iterator[Forged]:
    """Tokens that are good for something else. ``foreign``: the query of an address in another play."""
    path = subject.path.partition("?")[0]
    yield forged("a play token of RTSP", f"{path}?hashtoken={rtsp_token}")
    if not foreign:
        return
    yield forged("the token of another play", f"{path}?{foreign}")
    for about, detour in detours(path):
        if "#" not in detour:
            yield forged(f"{about}, with a foreign token", f"{detour}{'&' if '?' in detour else '?'}{foreign}")


@verifies("IF-AHL-13")
async def test_tokens_of_others(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """Another user, another play, the other servers of the platform, and the end of the life of an address."""
    limit = limits("IF-AHL-13")
    async with a_watched_camera(platform, owner, check, "IF-AHL-13") as (device, play):
        if device is None or play is None:
            return
        check.step("s1")
        fetcher, subjects = await served(check, play, limit.first_wait)
        if fetcher is None:
            return
        check.step("s2")
        wanted = {"channel": 0, "stream": SUB}
        terminal = device.identity.dev_id
        if (stranger := other_owner(phones, check, "IF-AHL-13")) is not None:
            theirs = await (await phones.logged_in(stranger)).call("play", wanted, terminal=terminal)
            given = any(theirs.at(name) for name in ("local", "direct", "relay", "hls", "flv"))
            no_address = say("他人得不到播放地址", "another user gets no address")
            check.true("IF-AHL-13", not given, no_address, theirs.summary)
        other = await owner.call("play", wanted, terminal=terminal)
        foreign = str(other.at("flv") or "").partition("?")[2]
        for subject in subjects:
            tried = with_other_tokens(subject, foreign, token_of(str(other.at("local") or "")))
            await judge_refused(fetcher, check, "IF-AHL-13", subject, tried)
        await judge_other_servers(platform, check, subjects)
        await judge_expired(platform, check, fetcher, subjects)


async def judge_other_servers(platform: PlatformBench, check: Checks, subjects: list[Subject]) -> None:
    """The other addresses of the platform serve nothing of a stream without its token."""
    for url in sorted({url for url in (platform.client_url, platform.province_url, platform.group_url) if url}):
        parts = urlsplit(url)
        endpoint = Endpoint.of(f"{parts.scheme}://{parts.netloc}", platform.ca_file)
        fetcher = Fetcher(platform.wire, endpoint, platform.limits, label="other server")
        for subject in subjects:
            found = await fetcher.fetch(Asked(subject.path.partition("?")[0]), most=ENOUGH)
            media = leaks(subject, found)
            refused = not media and (found.status in REFUSALS or bool(found.failure))
            check.true("IF-AHL-13", refused, WANTED, f"{found.summary}; {media} bytes of media", endpoint.url)


async def judge_expired(platform: PlatformBench, check: Checks, fetcher: Fetcher, subjects: list[Subject]) -> None:
    """The good addresses when their time is over, where the clock can be moved."""
    if "clock" not in platform.loaded.declaration.controls.available:
        return
    passed = 2 * platform.declared.stream_life
    await platform.control.do("clock", advance=passed)
    try:
        for subject in subjects:
            await judge_refused(fetcher, check, "IF-AHL-13", subject, [forged("after its end", subject.path)])
    finally:
        await platform.control.do("clock", advance=-passed)


@verifies("BIZ-ACC-03")
async def test_nothing_after_withdrawal(
    platform: PlatformBench, owner: Phone, phones: Phones, check: Checks, limits: Limits
) -> None:
    """Playlist, segments and FLV of a sharee whose share is gone."""
    user = sharee_of(phones, owner)
    if user is None:
        check.inconclusive("BIZ-ACC-03", say("需要第二个用户", "a second user is needed"))
        return
    async with a_live_camera(platform, owner, check, "BIZ-ACC-03") as device:
        if device is None:
            return
        terminal = device.identity.dev_id
        check.step("s1")
        share = await shared(owner, terminal, user.phone, "view")
        if not good(check, share, "share"):
            return
        async with watching(platform, await phones.logged_in(user), check, device) as play:
            if play is None:
                return
            fetcher, subjects = await served(check, play, limits("BIZ-ACC-03").watch)
            check.step("s2")
            good(check, await withdrawn(owner, terminal, str(share.at("id"))), "unshare")
            if fetcher is None:
                return
            for subject in subjects:
                tried = [forged("after the withdrawal", subject.path)]
                await judge_refused(fetcher, check, "BIZ-ACC-03", subject, tried)


@verifies("IF-AHL-16a")
async def test_equal_refusals(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Kinds of bad addresses in turn, when the time of the good ones is over."""
    limit = limits("IF-AHL-16a")
    async with a_watched_camera(platform, owner, check, "IF-AHL-16a") as (device, play):
        if device is None or play is None:
            return
        check.step("s1")
        fetcher, subjects = await served(check, play, limit.first_wait)
        if fetcher is None:
            return
        passed = 2 * platform.declared.stream_life
        await platform.control.do("clock", advance=passed)
        try:
            kinds = dict(bad_addresses(platform, [subject.path for subject in subjects]))
            seconds, shapes = await refusals(fetcher, kinds, int(limit.samples.number))
        finally:
            await platform.control.do("clock", advance=-passed)
    check.step("s2")
    first = next(iter(kinds))
    for kind in kinds:
        expected = say(f"与 {first} 相同的 4xx 应答", f"the 4xx answer that {first} gets")
        same = shapes[kind] == shapes[first] and all(found[0] in REFUSALS for found in shapes[kind])
        check.true("IF-AHL-16a", same, expected, sorted(str(found) for found in shapes[kind]), kind)
        if kind != first:
            judge_times(check, "IF-AHL-16a", kind, seconds[kind], seconds[first], limit)


def bad_addresses(platform: PlatformBench, targets: list[str]) -> Iterator[tuple[str, str]]:
    """Kinds of addresses that open nothing. ``targets``: every output of a play, all expired."""
    last, other = targets[-1], targets[0]
    path, _, query = last.partition("?")
    folder, _, name = path.rpartition("/")
    unknown = f"{platform.wire.random.getrandbits(128):032x}"
    yield "unknown play", f"{folder.rpartition('/')[0]}/{unknown}/{name}?{query}"
    yield "altered", spoilt(last)
    yield "expired", last
    yield "other file", f"{path}?{other.partition('?')[2]}"
    yield "no token", path


async def refusals(
    fetcher: Fetcher, kinds: dict[str, str], samples: int
) -> tuple[dict[str, list[float]], dict[str, set[Shape]]]:
    """Seconds and forms of the answers by kind, ``samples`` in all."""
    seconds: dict[str, list[float]] = {kind: [] for kind in kinds}
    shapes: dict[str, set[Shape]] = {kind: set() for kind in kinds}
    for _ in range(samples // len(kinds)):
        for kind, target in kinds.items():
            found = await fetcher.fetch(Asked(target), most=ENOUGH)
            seconds[kind].append(found.took)
            shapes[kind].add(shape(found))
    return seconds, shapes

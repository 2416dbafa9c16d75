"""IF-URL-05 to IF-URL-11: ways around the check."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.forged_links import FOREIGN_KEY, detoured, forged, repeated
from conformance.peers.streams.forged_requests import by_method, forwarded, in_headers
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.http_attacks import OTHER_REFUSALS, REFUSALS, Subject, judge_refused, shape
from conformance.suites.streams.attack_steps import GOOD, fetch, judge_port, links_of, still_good, subjects

DAY = 86_400.0


@verifies("IF-URL-05")
async def test_detours(streams: StreamBench, check: Checks) -> None:
    """Other ways to write the path."""
    check.step("s1")
    links, declared = links_of(streams), streams.declared
    for subject in await subjects(streams, check):
        check.step("s2")
        foreign = links.link(declared.other or subject.path + "x")
        attempts = detoured(links.link(subject.path), foreign)
        await judge_refused(streams.fetcher, check, "IF-URL-05", subject, attempts)
        await still_good(streams, check, subject)


@verifies("IF-URL-06")
async def test_repeated_parameters(streams: StreamBench, check: Checks) -> None:
    """Twice, and none of them good."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = repeated(links_of(streams), subject.path, DAY)
        await judge_refused(streams.fetcher, check, "IF-URL-06", subject, attempts)


@verifies("IF-URL-07")
async def test_signature_in_headers(streams: StreamBench, check: Checks) -> None:
    """A good signature in the wrong place."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = in_headers(links_of(streams).link(subject.path), streams.fetcher.endpoint.url)
        await judge_refused(streams.fetcher, check, "IF-URL-07", subject, attempts)


@verifies("IF-URL-08")
async def test_methods(streams: StreamBench, check: Checks) -> None:
    """Other methods, ranges and forms."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = by_method(subject.path, streams.fetcher.endpoint.url)
        await judge_refused(streams.fetcher, check, "IF-URL-08", subject, attempts, OTHER_REFUSALS)
        await still_good(streams, check, subject)


@verifies("IF-URL-09")
async def test_forwarding_headers(streams: StreamBench, check: Checks) -> None:
    """Claims to come from within."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = [a for a in forwarded(subject.path) if a.asked.target != "/"]
        await judge_refused(streams.fetcher, check, "IF-URL-09", subject, attempts)
        rewriting = [a for a in forwarded(subject.path) if a.asked.target == "/"]
        await judge_refused(streams.fetcher, check, "IF-URL-09", subject, rewriting, (*REFUSALS, 200, 301, 302, 304))


@verifies("IF-URL-10")
async def test_segments(streams: StreamBench, check: Checks) -> None:
    """Segments without a signature of their own."""
    links = links_of(streams)
    check.step("s1")
    player = streams.hls_player()
    loaded = await player.load()
    listed = loaded.playlist.segments if loaded.playlist else []
    if not check.control(bool(listed), say("签名的播放列表列出分片", "the signed playlist lists segments")):
        return
    playlist = links.read(player.target)
    for segment in (listed[0], listed[-1]):
        target = player.address(segment.uri)
        try:
            path = links.read(target).path
        except ValueError:
            path = target.partition("?")[0]
        good = await fetch(streams, links.sign(path))
        if not check.control(good.ok and good.media > 0, GOOD):
            return
        own = links.link(path)
        attempts = [
            forged("no signature", path),
            forged("ended a day ago", links.link(path, -DAY - streams.declared.skew).target),
        ]
        if playlist.digest != links.digest(path, playlist.time):
            attempts.append(forged("that of the playlist", own.but(time=playlist.time, digest=playlist.digest).target))
        check.step("s2")
        await judge_refused(streams.fetcher, check, "IF-URL-10", Subject(path, good), attempts)


@verifies("IF-URL-13")
async def test_other_ports(streams: StreamBench, check: Checks) -> None:
    """The same paths on other ports."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        for port in streams.ports:
            await judge_port(streams, check, "IF-URL-13", subject, port)


@verifies("IF-URL-11")
async def test_equal_refusals(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """One of each kind."""
    links = links_of(streams)
    check.step("s1")
    for subject in await subjects(streams, check):
        link = links.link(subject.path)
        missing = links.link(subject.path.rpartition("/")[0] + "/nothing.ts")
        wrong = links.digest(subject.path, link.time, FOREIGN_KEY)
        asked = {
            "no signature": subject.path,
            "a wrong signature": link.but(digest=wrong).target,
            "an expired one": links.link(subject.path, -DAY - streams.declared.skew).target,
            "that of something else": link.but(time=missing.time, digest=missing.digest).target,
            "a file that does not exist": missing.but(digest=wrong).target,
        }
        check.step("s2")
        answers = {about: await fetch(streams, target) for about, target in asked.items()}
        shapes = {shape(answer) for answer in answers.values()}
        seen = "; ".join(f"{about}: {answer.summary}" for about, answer in answers.items())
        check.true("IF-URL-11", len(shapes) == 1, say("彼此相同", "all alike"), seen, subject.path)

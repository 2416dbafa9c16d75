"""IF-URL-01 to IF-URL-04 and IF-URL-12: what a signature covers, and that a good one is enough."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.forged_links import (
    Forged,
    bare,
    changed_digests,
    forged,
    moved_times,
    rewritten_digests,
)
from conformance.peers.streams.http_fetcher import Asked
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.http_attacks import ENOUGH, Subject, judge_refused
from conformance.suites.streams.attack_steps import fetch, links_of, still_good, subjects

MINUTE, DAY, YEAR = 60.0, 86_400.0, 31_536_000.0
RANGE = (10, 99)


@verifies("IF-URL-01")
async def test_no_signature(streams: StreamBench, check: Checks) -> None:
    """None, an empty one, other names."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        await judge_refused(streams.fetcher, check, "IF-URL-01", subject, bare(links_of(streams).link(subject.path)))
        await still_good(streams, check, subject)


@verifies("IF-URL-02")
async def test_changed_signatures(streams: StreamBench, check: Checks) -> None:
    """Digits, lengths, keys."""
    check.step("s1")
    links = links_of(streams)
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = changed_digests(links, links.link(subject.path))
        await judge_refused(streams.fetcher, check, "IF-URL-02", subject, attempts)
        await still_good(streams, check, subject)


@verifies("IF-URL-02a")
async def test_rewritten_signatures(streams: StreamBench, check: Checks) -> None:
    """The same digest, written in other ways."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = rewritten_digests(links_of(streams).link(subject.path))
        await judge_refused(streams.fetcher, check, "IF-URL-02a", subject, attempts)


@verifies("IF-URL-03", "IF-URL-03a")
async def test_expired(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Links that have ended, and times that were moved."""
    check.step("s1")
    links, skew = links_of(streams), streams.declared.skew
    just = limits("IF-URL-03").just_expired.seconds
    for subject in await subjects(streams, check):
        check.step("s2")
        ended = [just, MINUTE, DAY, YEAR]
        attempts = [forged(f"ended {ago:g} s ago", links.link(subject.path, -ago - skew).target) for ago in ended]
        await judge_refused(streams.fetcher, check, "IF-URL-03", subject, attempts)
        moved = moved_times(links, subject.path, DAY)
        await judge_refused(streams.fetcher, check, "IF-URL-03a", subject, moved)
        await still_good(streams, check, subject)


@verifies("IF-URL-03b")
async def test_not_yet_valid(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Links that are born later."""
    links = links_of(streams)
    if not links.birth:
        check.not_applicable("IF-URL-03b", say("方案签的是截止时间", "the scheme signs the moment of the end"))
        return
    ahead = limits("IF-URL-03b").ahead.seconds + streams.declared.skew
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        attempts = [forged(f"born in {s:g} s", links.early(subject.path, s).target) for s in (ahead, ahead + DAY)]
        await judge_refused(streams.fetcher, check, "IF-URL-03b", subject, attempts)


def moved_signatures(streams: StreamBench, subject: Subject) -> Iterator[Forged]:
    """The signatures of other paths on this one."""
    links, declared = links_of(streams), streams.declared
    strangers = {
        declared.other,
        declared.playlist,
        declared.flv,
        declared.file,
        subject.path + "x",
        "/x" + subject.path,
    }
    for path in sorted(strangers - {"", subject.path}):
        stranger = links.link(path)
        own = links.link(subject.path)
        if stranger.digest != links.digest(subject.path, stranger.time):
            yield forged(f"the signature of {path}", own.but(time=stranger.time, digest=stranger.digest).target)
    folder = links.link(subject.path.rpartition("/")[0] or "/")
    if folder.digest != links.digest(subject.path, folder.time):
        own = links.link(subject.path)
        yield forged("the signature of its folder", own.but(time=folder.time, digest=folder.digest).target)


@verifies("IF-URL-04")
async def test_other_paths(streams: StreamBench, check: Checks) -> None:
    """A signature where it does not belong."""
    check.step("s1")
    for subject in await subjects(streams, check):
        check.step("s2")
        await judge_refused(streams.fetcher, check, "IF-URL-04", subject, moved_signatures(streams, subject))
        await still_good(streams, check, subject)


@verifies("IF-URL-12")
async def test_good_urls(streams: StreamBench, check: Checks) -> None:
    """Each protected thing, and a range of the file."""
    links, declared = links_of(streams), streams.declared
    check.step("s1")
    for kind in declared.signed:
        path = declared.path(kind)
        if path:
            good = await fetch(streams, links.sign(path))
            wanted = say("2xx 与媒体", "2xx and media")
            check.true("IF-URL-12", good.ok and good.media > 0, wanted, good.summary, path)
    if "file" not in declared.signed or not declared.file:
        return
    check.step("s2")
    whole = await fetch(streams, links.sign(declared.file))
    first, last = RANGE
    asked = Asked(links.sign(declared.file), headers=(("Range", f"bytes={first}-{last}"),))
    part = await streams.fetcher.fetch(asked, most=ENOUGH)
    wanted_bytes = whole.body[first : last + 1] if part.status == 206 else whole.body[:ENOUGH]
    right = part.ok and part.body[: len(wanted_bytes)] == wanted_bytes
    check.true("IF-URL-12", right, say("所要的字节", "the bytes asked for"), part.summary, f"Range {first}-{last}")

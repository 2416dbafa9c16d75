"""Steps of the suites that try to get media without a right to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.forged_links import FOREIGN_KEY, Forged
from conformance.peers.streams.http_fetcher import Asked, Fetched
from conformance.peers.streams.signed_links import SignedLinks
from specs.declared_streams import Kind

ENOUGH = 4096
REFUSALS = range(400, 500)
OTHER_REFUSALS = (*REFUSALS, 501, 505)
SAME = 64
GOOD = say("新签的地址可取得内容", "a freshly signed URL gets the content")
STILL_GOOD = say("攻击之后新签的地址仍可取得内容", "a freshly signed URL gets the content after the attacks")
WANTED = say("4xx，媒体 0 字节", "4xx, 0 bytes of media")


@dataclass(frozen=True, slots=True)
class Subject:
    """Something protected. ``good``: what a good URL got."""

    kind: Kind
    path: str
    good: Fetched


def links_of(streams: StreamBench) -> SignedLinks:
    """The scheme in use; a requirement on signatures is only tested where there is one."""
    assert streams.links is not None
    return streams.links


async def fetch(streams: StreamBench, target: str) -> Fetched:
    """The beginning of what a target gives."""
    return await streams.fetcher.fetch(Asked(target), most=ENOUGH)


async def subjects(streams: StreamBench, check: Checks) -> list[Subject]:
    """Everything that is declared as protected and that a good URL gets. The control leg: all of it must be."""
    found = []
    for kind in streams.declared.signed:
        path = streams.declared.path(kind)
        if not path:
            continue
        good = await fetch(streams, links_of(streams).sign(path))
        if not check.control(good.ok and len(good.body) > 0, GOOD):
            return []
        found.append(Subject(kind, path, good))
    return found


def leaks(subject: Subject, fetched: Fetched) -> int:
    """Bytes of media in an answer: whatever looks like some, or begins like what the good URL got."""
    same = len(fetched.body) >= SAME and fetched.body[:SAME] == subject.good.body[:SAME]
    return len(fetched.body) if same else fetched.media


async def judge_refused(
    streams: StreamBench,
    check: Checks,
    requirement: str,
    subject: Subject,
    attempts: Iterable[Forged],
    allowed: Iterable[int] = REFUSALS,
) -> bool:
    """Each attempt is answered with a refusal and without media. One check tells of all that were refused."""
    statuses, held, count = tuple(allowed), True, 0
    for attempt in attempts:
        fetched = await streams.fetcher.fetch(attempt.asked, most=ENOUGH)
        count += 1
        media = leaks(subject, fetched)
        if fetched.status in statuses and not media:
            continue
        held = False
        seen = f"{fetched.summary}; {media} bytes of media"
        check.fail(requirement, WANTED, seen, f"{subject.path}: {attempt.about}")
    if held and count:
        about = say(f"{subject.path}: {count} 次尝试", f"{subject.path}: {count} attempts")
        check.true(requirement, True, WANTED, WANTED, about)
    return held


async def judge_port(streams: StreamBench, check: Checks, requirement: str, subject: Subject, port: int) -> None:
    """Another port refuses what has no good signature, or does not answer HTTP at all."""
    fetcher, links = streams.at_port(port), links_of(streams)
    wrong = links.link(subject.path)
    wrong = wrong.but(digest=links.digest(subject.path, wrong.time, FOREIGN_KEY))
    for about, target in (("no signature", subject.path), ("a wrong signature", wrong.target)):
        fetched = await fetcher.fetch(Asked(target), most=ENOUGH)
        media = leaks(subject, fetched)
        refused = not media and (fetched.status in REFUSALS or bool(fetched.failure))
        seen = f"{fetched.summary}; {media} bytes of media"
        check.true(requirement, refused, WANTED, seen, f"{port}, {subject.path}: {about}")


async def still_good(streams: StreamBench, check: Checks, subject: Subject) -> bool:
    """The control leg after the attacks."""
    good = await fetch(streams, links_of(streams).sign(subject.path))
    return check.control(good.ok and len(good.body) > 0, STILL_GOOD)

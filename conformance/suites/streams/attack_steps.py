"""Steps of the suites that try to get media of a server with signed URLs without a right to it."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.forged_links import FOREIGN_KEY
from conformance.peers.streams.http_fetcher import Asked, Fetched
from conformance.peers.streams.signed_links import SignedLinks
from conformance.suites.http_attacks import ENOUGH, REFUSALS, WANTED, Subject, leaks

GOOD = say("新签的地址可取得内容", "a freshly signed URL gets the content")
STILL_GOOD = say("攻击之后新签的地址仍可取得内容", "a freshly signed URL gets the content after the attacks")


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
        found.append(Subject(path, good))
    return found


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

"""Steps of the suites that try to get media over HTTP without a right to it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.streams.forged_links import Forged
from conformance.peers.streams.http_fetcher import Fetched, Fetcher

ENOUGH = 4096
REFUSALS = range(400, 500)
OTHER_REFUSALS = (*REFUSALS, 501, 505)
SAME = 64
VARYING = frozenset({"date", "x-request-id", "etag", "last-modified", "x-trace-id", "via", "age"})
WANTED = say("4xx，媒体 0 字节", "4xx, 0 bytes of media")


@dataclass(frozen=True, slots=True)
class Subject:
    """Something protected: ``path`` without a signature. ``good``: what a good URL got."""

    path: str
    good: Fetched


def leaks(subject: Subject, fetched: Fetched) -> int:
    """Bytes of media in an answer: whatever looks like some, or begins like what the good URL got."""
    same = len(fetched.body) >= SAME and fetched.body[:SAME] == subject.good.body[:SAME]
    return len(fetched.body) if same else fetched.media


async def judge_refused(
    fetcher: Fetcher,
    check: Checks,
    requirement: str,
    subject: Subject,
    attempts: Iterable[Forged],
    allowed: Iterable[int] = REFUSALS,
) -> bool:
    """Each attempt is answered with a refusal and without media. One check tells of all that were refused."""
    statuses, held, count = tuple(allowed), True, 0
    for attempt in attempts:
        fetched = await fetcher.fetch(attempt.asked, most=ENOUGH)
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


def shape(fetched: Fetched) -> tuple[int, tuple[str, ...], bytes]:
    """What a refusal tells: status, names of headers that do not vary by nature, and the body."""
    names = sorted({name.lower() for name, _ in fetched.headers} - VARYING)
    return fetched.status, tuple(names), fetched.body

"""What the suites of streams, of a stream server or of a platform, say about playlists and codec findings."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.model.checks import Checks, say
from conformance.peers.streams.hls_player import Loaded
from conformance.protocols.violation import Violation

CLEAN = say("没有违规", "no violation")
FEWEST_SHOWN = 3


def readable(check: Checks, loaded: Loaded, *requirements: str) -> bool:
    """Whether there is a media playlist to judge; otherwise nothing can be said about the requirements."""
    if loaded.playlist is not None:
        return True
    why = loaded.error.explain if loaded.error else loaded.fetched.summary
    for requirement in requirements:
        check.inconclusive(requirement, say(f"没有可读的播放列表: {why}", f"there is no readable playlist: {why}"))
    return False


def judge_violations(check: Checks, requirement: str, found: Iterable[Violation], about: str = "") -> bool:
    """Held when a codec found nothing; the first few are told, with place and clause."""
    violations = list(found)
    if not violations:
        return check.true(requirement, True, CLEAN, "-", about)
    shown = "; ".join(tell(violation) for violation in violations[:FEWEST_SHOWN])
    more = f" (+{len(violations) - FEWEST_SHOWN})" if len(violations) > FEWEST_SHOWN else ""
    return check.fail(requirement, CLEAN, shown + more, about)


def tell(violation: Violation) -> str:
    """A violation on one line."""
    place = f"line {violation.line}" if violation.line else f"byte {violation.offset}"
    return f"{place}: {violation.explain} ({violation.clause})"

"""How a platform answers: honestly, with a refusal, late, twice, with the wrong sequence, or not at all.

An answer is a function from the received request to a list of ``Reply`` values; what the platform
would honestly say is passed in, so that every misbehaviour is the honest answer with one thing changed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer to send: element values, seconds to wait first, shift of the echoed sequence.

    ``raw`` replaces the whole body (HTTP) or the whole frame (TCP) by these bytes; ``cut`` halves the XML.
    """

    values: Values
    delay: float = 0.0
    sequence_shift: int = 0
    raw: bytes | None = None
    cut: bool = False


Answer = Callable[[Reply], list[Reply]]


def honest(reply: Reply) -> list[Reply]:
    """What a good platform says."""
    return [reply]


def silent(reply: Reply) -> list[Reply]:
    """No answer."""
    return []


def refuse(result: int) -> Answer:
    """A refusal with this result code; a refusal carries Result and DevID only."""

    def answer(reply: Reply) -> list[Reply]:
        kept = {name: value for name, value in reply.values.items() if name == "DevID"}
        return [replace(reply, values={"Result": str(result), **kept})]

    return answer


def late(seconds: float, inner: Answer = honest) -> Answer:
    """The inner answer after a pause."""
    return lambda reply: [replace(r, delay=r.delay + seconds) for r in inner(reply)]


def twice(inner: Answer = honest) -> Answer:
    """The inner answer, sent two times."""
    return lambda reply: inner(reply) * 2


def wrong_sequence(shift: int, inner: Answer = honest) -> Answer:
    """The inner answer under another sequence number."""
    return lambda reply: [replace(r, sequence_shift=shift) for r in inner(reply)]


def changed(**values: str) -> Answer:
    """The honest answer with other element values."""
    return lambda reply: [replace(reply, values={**reply.values, **values})]


def without(*names: str) -> Answer:
    """The honest answer without these elements."""
    return lambda reply: [replace(reply, values={n: v for n, v in reply.values.items() if n not in names})]


def cut_short(reply: Reply) -> list[Reply]:
    """The honest answer with the second half of its XML cut off."""
    return [replace(reply, cut=True)]


def raw(data: bytes) -> Answer:
    """These bytes in place of the answer."""
    return lambda reply: [replace(reply, raw=data)]


def first(count: int, answer: Answer, then: Answer = honest) -> Answer:
    """``answer`` for the first ``count`` requests, ``then`` afterwards."""
    seen = 0

    def choose(reply: Reply) -> list[Reply]:
        nonlocal seen
        seen += 1
        return answer(reply) if seen <= count else then(reply)

    return choose

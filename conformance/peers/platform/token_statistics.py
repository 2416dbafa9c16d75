"""What many tokens tell of how they are made: repeats, entropy by place, distance of neighbours, recomputation."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, permutations

DIGESTS = ("md5", "sha1", "sha256")
SEPARATORS = ("", ":", "-", "_", "|", "&")
MOST_FIELDS = 3
CHUNK = 4


def repeats(tokens: Sequence[str]) -> int:
    """How many tokens were there before, letter case aside."""
    return len(tokens) - len({token.lower() for token in tokens})


def entropy(tokens: Sequence[str]) -> float:
    """Bits: the sum over the places of the entropy of the signs there, with the correction of Miller and Madow for
    its bias. An upper bound of what the tokens hold; tokens of several lengths count as far as the shortest goes."""
    size = min(map(len, tokens), default=0)
    return sum(_place(Counter(token[place] for token in tokens), len(tokens)) for place in range(size))


def _place(counts: Mapping[str, int], total: int) -> float:
    plain = -sum(count / total * math.log2(count / total) for count in counts.values())
    return plain + (len(counts) - 1) / (2 * total * math.log(2))


def fewest_changes(tokens: Sequence[str]) -> int:
    """The fewest places in which two tokens issued one after the other differ."""
    return min((_distance(first, second) for first, second in pairwise(tokens)), default=0)


def _distance(first: str, second: str) -> int:
    return sum(a != b for a, b in zip(first, second, strict=False)) + abs(len(first) - len(second))


def texts_of(fields: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """Every text of one to three different fields in any order and with the usual separators. ``fields``: the texts
    that each one may have."""
    names = list(fields)
    for count in range(1, MOST_FIELDS + 1):
        for chosen in permutations(names, count):
            yield from _joined([list(fields[name]) for name in chosen])


def _joined(choices: Sequence[Sequence[str]]) -> Iterator[str]:
    for separator in SEPARATORS if len(choices) > 1 else ("",):
        found = list(choices[0])
        for choice in choices[1:]:
            found = [f"{before}{separator}{after}" for before in found for after in choice]
        yield from found


def recomputed(token: str, fields: Mapping[str, Iterable[str]]) -> str:
    """The text of public fields whose digest a token is, named with the digest; empty where none was found."""
    wanted = token.lower()
    for text in texts_of(fields):
        data = text.encode()
        if wanted == data.hex():
            return f"hex({text})"
        for name in DIGESTS:
            made = hashlib.new(name, data, usedforsecurity=False).hexdigest()
            if len(wanted) > CHUNK and made.startswith(wanted):
                return f"{name}({text})"
    return ""


def kolmogorov(first: Sequence[float], second: Sequence[float]) -> float:
    """The largest distance of two empirical distributions, 0..1 (Kolmogorov and Smirnov)."""
    a, b = sorted(first), sorted(second)
    here = there = 0
    largest = 0.0
    while here < len(a) and there < len(b):
        value = min(a[here], b[there])
        while here < len(a) and a[here] == value:
            here += 1
        while there < len(b) and b[there] == value:
            there += 1
        largest = max(largest, abs(here / len(a) - there / len(b)))
    return largest

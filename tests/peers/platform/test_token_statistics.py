"""Statistics of tokens: literal cases and what good ones look like."""

from __future__ import annotations

import hashlib
import random

import pytest

from conformance.peers.platform.token_statistics import (
    entropy,
    fewest_changes,
    kolmogorov,
    recomputed,
    repeats,
    texts_of,
)

FIELDS = {"device": ["KDN00000001"], "channel": ["0"], "time": ["1375315200", "20130801080000"]}


def md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def test_repeats_do_not_look_at_letter_case() -> None:
    assert repeats(["ab", "AB", "cd"]) == 1


def test_entropy_of_few_signs() -> None:
    assert entropy(["00", "01"] * 5000) == pytest.approx(1.0, abs=0.001)
    assert entropy(["7f"] * 100) == 0.0
    assert entropy([]) == 0.0


def test_entropy_of_random_tokens() -> None:
    drawn = random.Random(1)
    tokens = [f"{drawn.getrandbits(128):032x}" for _ in range(10_000)]
    assert entropy(tokens) == pytest.approx(128.0, abs=0.2)
    assert fewest_changes(tokens) >= 20


def test_counted_tokens_hardly_differ() -> None:
    assert fewest_changes([f"{number:032x}" for number in range(300)]) == 1
    assert fewest_changes(["ab"]) == 0
    assert fewest_changes(["ab", "abcd"]) == 2


def test_texts_have_every_order_and_separator() -> None:
    found = set(texts_of({"a": ["1"], "b": ["2", "3"]}))
    assert {"1", "2", "3", "12", "21", "1:3", "3_1"} <= found
    assert "11" not in found


@pytest.mark.parametrize(
    ("token", "told"),
    [
        (md5("KDN0000000120130801080000"), "md5(KDN0000000120130801080000)"),
        (md5("0-KDN00000001-1375315200").upper(), "md5(0-KDN00000001-1375315200)"),
        (hashlib.sha256(b"KDN00000001|1375315200").hexdigest()[:32], "sha256(KDN00000001|1375315200)"),
        (b"1375315200".hex(), "hex(1375315200)"),
        (md5("KDN00000001secret20130801080000"), ""),
    ],
)
def test_recomputation(token: str, told: str) -> None:
    assert recomputed(token, FIELDS) == told


def test_distance_of_distributions() -> None:
    assert kolmogorov([1, 2, 3, 4], [1, 2, 3, 4]) == 0.0
    assert kolmogorov([1, 2], [3, 4]) == 1.0
    assert kolmogorov([1, 1, 2, 2], [2, 2, 2, 2]) == 0.5

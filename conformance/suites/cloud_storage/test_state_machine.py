"""CS-076a and CS-019a: whatever is done to a bucket in whatever order, it holds what a dict would hold."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.plugin.run import Run
from conformance.suites.cloud_storage.bucket_operations import (
    Abort,
    Begin,
    BucketTrial,
    Complete,
    Copy,
    Delete,
    List,
    Operation,
    Part,
    Put,
    Read,
    ReadRange,
)
from conformance.suites.exploration import explore

PROFILE = "cloud-storage"
ORDINARY = (
    ("a", "a/b", "a/b/c", "a-b"),
    ("录像/二〇二六.ts", "录像/片 段", "录像"),
    ("x y", "x+y", "x%20y"),
    ("%41", "A", "100%", "q?&=#;:@$,!'()*~"),
)
LITERAL = (
    ("a/../b", "b", "a/./b", "a/b", "a//b"),
    ("./a", "a", "../a", "/a", "a/"),
    ("..", ".", "%2e%2e", "a%2Fb", "a\\b"),
    ("\u00e9", "e\u0301"),
)
DELIMITERS = ("", "/", "-")
PAGES = (1, 2, 3, 1000)
NOTES = ("1", "2")
Families = Sequence[Sequence[str]]


def longest(size: int) -> tuple[str, ...]:
    """Keys of as many bytes as a key may have: one letter, and characters of three bytes; and one that is shorter."""
    return "k" * size, "长" * (size // 3) + "k" * (size % 3), "k" * (size - 1)


def one_of(keys: Sequence[str]) -> st.SearchStrategy[Operation]:
    """Any operation on these keys; prefixes and start keys lie around them."""
    key = st.sampled_from(list(keys))
    body, note, place = st.binary(max_size=12), st.sampled_from(NOTES), st.integers(0, 2)
    after = st.one_of(st.just(""), key, key.map(lambda text: text[:-1]))
    prefix = st.one_of(st.just(""), key.map(lambda text: text[: (len(text) + 1) // 2]))
    return st.one_of(
        st.builds(Put, key, body, note),
        st.builds(Begin, key, note),
        st.builds(Part, place, st.integers(1, 2), st.binary(min_size=1, max_size=12)),
        st.builds(Complete, place),
        st.builds(Abort, place),
        st.builds(Copy, key, key),
        st.builds(Delete, key),
        st.builds(Put, key, body, note),
        st.builds(Delete, key),
        st.builds(Read, key),
        st.builds(ReadRange, key, st.integers(0, 12), st.integers(1, 12)),
        st.builds(List, prefix, st.sampled_from(DELIMITERS), after, st.sampled_from(PAGES)),
    )


@st.composite
def programs(draw: st.DrawFn, families: Families, most: int) -> list[Operation]:
    """Operations on a few keys that are alike, so that they meet."""
    family = draw(st.sampled_from(list(families)))
    count = draw(st.integers(1, most))
    operation = one_of(family)
    return [draw(operation) for _ in range(count)]


def known(family: Sequence[str]) -> list[list[Operation]]:
    """Orders of operations that have gone wrong elsewhere."""
    one, two = family[0], family[1]
    filled: list[Operation] = [Put(key, key.encode()[-8:], "1") for key in family]
    return [
        [*filled, *(List("", delimiter, "", page) for delimiter in DELIMITERS for page in PAGES)],
        [*filled, *(List(one[:-1], "/", after, 1) for after in (*family, one[:-1]))],
        [*filled, Delete(one), Delete(one), Read(two)],
        [*filled, Put(one, b"", "2"), Copy(one, two), ReadRange(two, 0, 1)],
        [Put(one, b"old", "1"), Begin(one, "2"), Part(0, 1, b"new"), Read(one), Abort(0)],
        [Put(one, b"old", "1"), Begin(one, "2"), Part(0, 1, b"new"), Delete(one), Complete(0)],
        [Begin(one, "1"), Begin(one, "2"), Part(0, 1, b"1"), Part(1, 2, b"2"), Complete(1), Complete(0)],
        [Begin(two, "1"), Part(0, 2, b"2"), Part(0, 1, b"1"), Complete(0), Part(0, 2, b"3"), Abort(0)],
    ]


def judge_bucket(
    run: Run, storage: Storage, check: Checks, requirement: str, families: Families, limit: Limits
) -> None:
    """Look for a program after which the bucket does not hold what it should."""
    bucket = run.run(storage.bucket())
    trial = BucketTrial(storage, bucket)
    check.step("s2")
    first = [program for family in families for program in known(family)]
    strategy = programs(families, int(limit.operations.number))
    explore(run, check, requirement, strategy, trial.trial, trial.reset, PROFILE, first)
    check.step("s3")
    alive = run.run(storage.alive())
    check.true(requirement, alive.http is not None, say("存储仍然应答", "the storage still answers"), alive.summary)


@verifies("CS-076a")
def test_any_order(run: Run, storage: Storage, check: Checks, limits: Limits) -> None:
    """Keys as platforms and phones make them, and the longest."""
    limit = limits("CS-076a")
    check.step("s1")
    families = (*ORDINARY, longest(int(limit.key.number)))
    judge_bucket(run, storage, check, "CS-076a", families, limit)


@verifies("CS-019a")
def test_literal_keys(run: Run, storage: Storage, check: Checks, limits: Limits) -> None:
    """Keys that a file system would take for something else."""
    check.step("s1")
    judge_bucket(run, storage, check, "CS-019a", LITERAL, limits("CS-019a"))

"""The bridge between Hypothesis and the wire: small examples, budgets, artefacts, and devices that go away."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import strategies as st

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.plugin.run import Run
from conformance.suites.exploration import Finding, explore
from specs.model import Limit

ID = "IF-FRM-06g"


class FakeRun:
    """Enough of a run: a clock that goes on by ``step`` with each example, and a place for artefacts."""

    def __init__(self, *, seed: int = 1, step: float = 0.01) -> None:
        self.time, self.step = 0.0, step
        self.kept: dict[str, bytes] = {}
        self.settings = SimpleNamespace(seed=seed)
        self.wire = SimpleNamespace(now=lambda: self.time, random=random.Random(seed))
        limits = {
            "exploration_time": Limit(max=4, unit="s", status="proposed"),
            "exploration_shrink_time": Limit(max=3, unit="s", status="proposed"),
            "exploration_examples": Limit(max=50, unit="count", status="proposed"),
        }
        self.bench = SimpleNamespace(limits=limits)

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        self.time += self.step
        return asyncio.run(coroutine)

    def keep(self, name: str, data: bytes) -> str:
        self.kept[name] = data
        return f"evidence/t/{name}"


async def _ready() -> None:
    return


async def _seven_is_too_much(numbers: list[int]) -> Finding | None:
    if not any(number >= 7 for number in numbers):
        return None
    return Finding(say("小于 7", "below 7"), say("太大", "too much"), bytes(numbers), b"no")


def _explored(run: FakeRun, trial: Any, ready: Any = _ready) -> Checks:
    checks = Checks((ID,), lambda: 0.0, lambda step: None)
    explore(cast(Run, run), checks, ID, st.lists(st.integers(0, 255), min_size=1, max_size=5), trial, ready)
    return checks


def test_the_smallest_failing_example_is_kept_as_bytes() -> None:
    run = FakeRun()
    (record,) = _explored(run, _seven_is_too_much).records
    assert record.outcome == "violated"
    assert run.kept == {"counterexample.sent.bin": b"\x07", "counterexample.received.bin": b"no"}
    assert "kandian certify --req IF-FRM-06g --seed 1" in record.observed.en
    assert "evidence/t/counterexample.sent.bin" in record.observed.zh


def test_a_device_that_bears_everything_holds() -> None:
    async def bears(numbers: list[int]) -> Finding | None:
        return None

    run = FakeRun()
    (record,) = _explored(run, bears).records
    assert (record.outcome, record.observed.en) == ("held", "50 examples, all as required")
    assert run.kept == {}


def test_the_same_seed_gives_the_same_examples() -> None:
    def examples(seed: int) -> list[list[int]]:
        seen: list[list[int]] = []

        async def note(numbers: list[int]) -> Finding | None:
            seen.append(numbers)
            return None

        _explored(FakeRun(seed=seed), note)
        return seen

    assert examples(3) == examples(3)
    assert examples(3) != examples(4)


def test_the_time_budget_ends_the_search() -> None:
    async def bears(numbers: list[int]) -> Finding | None:
        return None

    (record,) = _explored(FakeRun(step=1.0), bears).records
    assert record.observed.en == "4 examples, all as required"


def test_making_it_small_has_a_budget_of_its_own() -> None:
    run = FakeRun(step=1.5)
    (record,) = _explored(run, _seven_is_too_much).records
    assert record.outcome == "violated"
    assert run.time <= 4 + 3 + 2 * 1.5


def test_a_device_that_is_gone_before_an_example_is_told_and_not_blamed_on_that_example() -> None:
    tried = 0

    async def ready() -> None:
        if tried >= 3:
            raise DeviceFault("设备消失", "the device is gone")

    async def count(numbers: list[int]) -> Finding | None:
        nonlocal tried
        tried += 1
        return None

    (record,) = _explored(FakeRun(), count, ready).records
    assert (record.outcome, record.observed.en) == ("violated", "the device is gone")
    assert tried == 3


def test_after_a_device_has_died_its_example_is_not_replaced_by_others() -> None:
    dead = False
    first: list[list[int]] = []

    async def ready() -> None:
        if dead:
            raise DeviceFault("设备消失", "the device is gone")

    async def dies(numbers: list[int]) -> Finding | None:
        nonlocal dead
        found = await _seven_is_too_much(numbers)
        if found is not None:
            dead = True
            first.append(numbers)
        return found

    run = FakeRun()
    _explored(run, dies, ready)
    assert len(first) == 1
    assert run.kept["counterexample.sent.bin"] == bytes(first[0])


def test_no_example_at_all_decides_nothing() -> None:
    async def never() -> None:
        raise DeviceFault("设备消失", "the device is gone")

    checks = _explored(FakeRun(), _seven_is_too_much, never)
    assert [control.held for control in checks.controls] == [False]


def test_an_error_of_the_suite_is_no_finding() -> None:
    async def breaks(numbers: list[int]) -> Finding | None:
        raise KeyError("slip")

    with pytest.raises(KeyError, match="slip"):
        _explored(FakeRun(), breaks)


def test_examples_that_are_given_come_first_and_are_kept_as_they_are() -> None:
    run = FakeRun()
    checks = Checks((ID,), lambda: 0.0, lambda step: None)
    strategy = st.lists(st.integers(0, 255), min_size=1, max_size=5)
    explore(cast(Run, run), checks, ID, strategy, _seven_is_too_much, _ready, "cloud-storage", [[1], [2, 9], [8]])
    (record,) = checks.records
    assert run.kept["counterexample.sent.bin"] == b"\x02\x09"
    assert "kandian certify --profile cloud-storage --req IF-FRM-06g --seed 1" in record.observed.en

"""Hypothesis looks for an example that a device does not bear; the suite decides what that means.

Hypothesis is synchronous and the wire is not: a test that explores is a plain function, and each example runs to its
end on the session loop before the next is drawn, so that the tape stays one total order. Examples follow from the seed
of the test, the time budget is read from the wire's own clock, and nothing is kept between runs.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from hypothesis import HealthCheck, Phase, Verbosity, find, settings
from hypothesis.errors import Flaky, NoSuchExample
from hypothesis.strategies import SearchStrategy, lists

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.plugin.run import Run
from conformance.suites.steady_examples import steady_examples
from specs.model import Text

T = TypeVar("T")


ROW = 6


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one example. ``sent``, ``received``: the bytes of the exchange."""

    expected: Text
    observed: Text
    sent: bytes
    received: bytes = b""


def rows(one: SearchStrategy[T]) -> SearchStrategy[list[T]]:
    """A few in a row: one example that tries more, and finds what only their order brings about."""
    return lists(one, min_size=1, max_size=ROW)


Trial = Callable[[T], Awaitable[Finding | None]]
Ready = Callable[[], Awaitable[object]]


class Search(Generic[T]):
    """One search. ``tried``: examples carried out; ``found``: the last that failed, the smallest; ``lost``: why the
    device was not there for a further example."""

    def __init__(self, run: Run, trial: Trial[T], ready: Ready) -> None:
        self.tried = 0
        self.found: Finding | None = None
        self.lost: Text | None = None
        self.broken: BaseException | None = None
        self._run, self._trial, self._ready = run, trial, ready
        self._limits = run.bench.limits
        self._ends_at = math.inf
        self._over = False

    def carry_out(self, strategy: SearchStrategy[T], first: Sequence[T] = ()) -> None:
        """Look for a failing example and make it small. ``first`` are all carried out; the time that the bench gives
        to exploration begins after them, so that a slow machine or device does not decide what is tried of them."""
        if not any(self._fails(value) for value in first):
            self._ends_at = self._run.wire.now() + self._limits["exploration_time"].seconds
            self._draw(strategy)
        if self.broken is not None:
            raise self.broken

    def _draw(self, strategy: SearchStrategy[T]) -> None:
        chosen = settings(
            max_examples=int(self._limits["exploration_examples"].number),
            database=None,
            deadline=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=tuple(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        seed = self._run.wire.random.getrandbits(64)
        # Flaky: the budget was used up while it made an example small
        with steady_examples(), contextlib.suppress(NoSuchExample, Flaky):
            find(strategy, self._fails, settings=chosen, random=Random(seed))

    def _fails(self, value: T) -> bool:
        """Carry out one example. A device that is not there before it ends the search: that example is not to blame."""
        if self._over or self._run.wire.now() >= self._ends_at:
            return False
        try:
            found = self._run.run(self._judged(value))
        except DeviceFault as fault:
            self._over, self.lost = True, fault.text
            return False
        except Exception as error:  # noqa: BLE001 - Hypothesis would take it for a finding and repeat it
            self._over, self.broken = True, error
            return False
        if found is None:
            return False
        if self.found is None:
            self._ends_at = self._run.wire.now() + self._limits["exploration_shrink_time"].seconds
        self.found = found
        return True

    async def _judged(self, value: T) -> Finding | None:
        await self._ready()
        self.tried += 1
        return await self._trial(value)


def explore(
    run: Run,
    check: Checks,
    requirement: str,
    strategy: SearchStrategy[T],
    trial: Trial[T],
    ready: Ready,
    profile: str = "",
    first: Sequence[T] = (),
) -> None:
    """Judge ``requirement`` by what a search finds; the smallest failing exchange stays in the evidence as bytes.

    ``trial`` carries out one example and raises nothing for what the device does in it; ``ready`` raises DeviceFault
    when the device is not there to begin with; ``profile``: named in the command that repeats the run;
    ``first``: examples tried before any that is drawn. Raises what the suite or the bench itself raises.
    """
    search: Search[T] = Search(run, trial, ready)
    search.carry_out(strategy, first)
    check.control(search.tried > 0, say("至少执行了一个样例", "at least one example was carried out"))
    found = search.found
    if found is None and search.lost is not None:
        check.fail(requirement, say("设备始终可用", "the device is there all the time"), search.lost)
        return
    if found is None:
        expected = say("每个样例都符合要求", "every example is as required")
        count = say(f"{search.tried} 个样例均符合", f"{search.tried} examples, all as required")
        check.true(requirement, True, expected, count)
        return
    sent = run.keep("counterexample.sent.bin", found.sent)
    received = run.keep("counterexample.received.bin", found.received)
    named = f" --profile {profile}" if profile else ""
    again = f"kandian certify{named} --req {requirement} --seed {run.settings.seed}"
    observed = say(
        f"{found.observed.zh} (最小样例: {sent}, 应答: {received}; 复现: {again})",
        f"{found.observed.en} (smallest example: {sent}, answer: {received}; again with: {again})",
    )
    check.fail(requirement, found.expected, observed, say("探索", "exploration"))

"""The wire's own timers: a heap in virtual time, fired one at a time, the same live and replayed."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from types import TracebackType
from typing import Protocol

from conformance.wire.errors import Expired


class Timer:
    """One armed timer. ``deadline`` in ns on the wire clock."""

    __slots__ = ("callback", "cancelled", "deadline", "seconds", "what")

    def __init__(self, deadline: int, seconds: float, what: str, callback: Callable[[], None]) -> None:
        self.deadline = deadline
        self.seconds = seconds
        self.what = what
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class TimerHeap:
    """Timers in order of deadline; equal deadlines in the order they were armed."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Timer]] = []
        self.armed = 0

    def add(self, timer: Timer) -> None:
        self.armed += 1
        heapq.heappush(self._heap, (timer.deadline, self.armed, timer))

    def next_deadline(self) -> int | None:
        while self._heap and self._heap[0][2].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def pop_due(self, horizon: int) -> Timer | None:
        """The earliest timer with a deadline not after ``horizon``, removed from the heap."""
        deadline = self.next_deadline()
        if deadline is None or deadline > horizon:
            return None
        return heapq.heappop(self._heap)[2]


class Armer(Protocol):
    """What a timeout needs of a wire."""

    def arm(self, seconds: float, what: str, callback: Callable[[], None]) -> Timer: ...


class WireTimeout:
    """``async with wire.timeout(4.0, "the verdict"):`` raises Expired when the block takes longer on the wire clock."""

    def __init__(self, wire: Armer, seconds: float, what: str) -> None:
        self._wire = wire
        self._seconds = seconds
        self._what = what
        self._task: asyncio.Task[object] | None = None
        self._timer: Timer | None = None
        self._cancelling = 0
        self.expired = False

    async def __aenter__(self) -> WireTimeout:
        self._task = asyncio.current_task()
        if self._task is not None:
            self._cancelling = self._task.cancelling()
        self._timer = self._wire.arm(self._seconds, self._what, self._expire)
        return self

    def _expire(self) -> None:
        self.expired = True
        if self._task is not None:
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.expired and self._task is not None:
            ours = self._task.uncancel() <= self._cancelling
            if ours and kind is not None and issubclass(kind, asyncio.CancelledError):
                raise Expired(self._seconds, self._what) from error

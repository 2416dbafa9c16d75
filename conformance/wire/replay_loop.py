"""The event loop of a replay: being asked to wait means that everyone waits, and then the tape goes on."""

from __future__ import annotations

import asyncio
import math
import selectors
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar

from conformance.wire.tape import NS

T = TypeVar("T")


class Player(Protocol):
    """What the loop needs of a replayed wire."""

    @property
    def virtual(self) -> int: ...

    def idle(self, loop_deadline: int | None) -> None: ...


class _TapeSelector(selectors.DefaultSelector):
    """Never waits, except for an executor that still computes."""

    def __init__(self) -> None:
        super().__init__()
        self.loop: ReplayLoop | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        loop = self.loop
        if found or loop is None or (timeout is not None and timeout <= 0):
            return found
        if loop.computing:
            return super().select(None)
        loop.everyone_waits(timeout)
        return []


class ReplayLoop(asyncio.SelectorEventLoop):
    """An event loop in the virtual time of a tape. ``asyncio.sleep`` works in virtual time as well."""

    def __init__(self) -> None:
        self.computing = 0
        self._player: Player | None = None
        self._idle_time = 0
        selector = _TapeSelector()
        super().__init__(selector)
        selector.loop = self

    def attach(self, player: Player) -> None:
        """From now on this wire says what happens next."""
        self._player = player

    def time(self) -> float:
        """Virtual seconds."""
        return (self._player.virtual if self._player is not None else self._idle_time) / NS

    def everyone_waits(self, timeout: float | None) -> None:
        deadline = None
        if timeout is not None:
            deadline = math.ceil((self.time() + timeout) * NS) + 1
        if self._player is not None:
            self._player.idle(deadline)
        elif deadline is not None:
            self._idle_time = deadline
        else:
            raise RuntimeError("everyone waits and there is no tape")

    def run_in_executor(self, executor: Executor | None, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        self.computing += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._computed)
        return future

    def _computed(self, _: asyncio.Future[Any]) -> None:
        self.computing -= 1

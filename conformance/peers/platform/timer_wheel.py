"""A hashed timer wheel: thousands of timers, one wake-up a tick, constant cost to set one."""

from __future__ import annotations

from typing import Generic, TypeVar

T = TypeVar("T")


class TimerWheel(Generic[T]):
    """Entries become due in ``turn``. ``tick``: seconds a slot; ``slots`` x ``tick`` is one turn, longer delays wait
    for as many turns. A due entry comes out at most one tick late, never early."""

    def __init__(self, start: float, tick: float = 0.01, slots: int = 1024) -> None:
        self.tick = tick
        self._start = start
        self._slots: list[list[tuple[int, T]]] = [[] for _ in range(slots)]
        self._done = 0
        self._held = 0

    def __len__(self) -> int:
        return self._held

    def set(self, now: float, delay: float, entry: T) -> None:
        """Have ``entry`` come out ``delay`` seconds from ``now``."""
        at = int((now + delay - self._start) / self.tick) + 1
        if at <= self._done:
            at = self._done + 1
        self._slots[at % len(self._slots)].append((at, entry))
        self._held += 1

    def turn(self, now: float) -> list[T]:
        """Every entry that has become due, in order of its slot."""
        until = int((now - self._start) / self.tick)
        due: list[T] = []
        if until - self._done > len(self._slots):
            due = self._everything_until(until)
        else:
            for at in range(self._done + 1, until + 1):
                slot = self._slots[at % len(self._slots)]
                if slot:
                    due += self._take(slot, at)
        self._done = max(self._done, until)
        self._held -= len(due)
        return due

    def _take(self, slot: list[tuple[int, T]], until: int) -> list[T]:
        due = [entry for at, entry in slot if at <= until]
        if len(due) == len(slot):
            slot.clear()
        else:
            slot[:] = [(at, entry) for at, entry in slot if at > until]
        return due

    def _everything_until(self, until: int) -> list[T]:
        found = sorted(
            ((at, number, entry) for slot in self._slots for number, (at, entry) in enumerate(slot) if at <= until),
            key=lambda item: item[:2],
        )
        for slot in self._slots:
            slot[:] = [(at, entry) for at, entry in slot if at > until]
        return [entry for _, _, entry in found]

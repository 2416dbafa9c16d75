"""What came so far, in order of arrival, where one can also wait for more."""

from __future__ import annotations

import asyncio
from typing import TypeVar

from conformance.peers.faults import NoAnswer
from conformance.wire import Expired, Wire

T = TypeVar("T")


class History(list[T]):
    """A list that grows as things arrive. ``what`` names one of them in messages."""

    def __init__(self, wire: Wire, what: str) -> None:
        super().__init__()
        self._wire = wire
        self._what = what
        self._arrived = asyncio.Event()

    def note(self, item: T) -> None:
        """Something has arrived."""
        self.append(item)
        self._arrived.set()

    async def reach(self, count: int, within: float) -> T:
        """Wait until ``count`` have arrived and return that one. Raises NoAnswer."""
        try:
            async with self._wire.timeout(within, self._what):
                while len(self) < count:
                    self._arrived.clear()
                    await self._arrived.wait()
        except Expired:
            raise NoAnswer(self._what, within) from None
        return self[count - 1]

    async def next(self, within: float) -> T:
        """The next one from now on. Raises NoAnswer."""
        return await self.reach(len(self) + 1, within)

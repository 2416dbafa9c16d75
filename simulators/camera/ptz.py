"""A pan-and-tilt head that can be asked where it looks."""

from __future__ import annotations

import asyncio
import time
from typing import Any

STEPS = {1: (0, 1), 2: (0, -1), 3: (-1, 0), 4: (1, 0)}
DEGREES_PER_SECOND = 30.0


class Ptz:
    """Position in degrees; a movement ends with code 0 or by itself after ``longest`` seconds."""

    def __init__(self, longest: float) -> None:
        self.longest = longest
        self._position = [0.0, 0.0]
        self._direction = (0, 0)
        self._since = 0.0
        self._stop: asyncio.TimerHandle | None = None

    def move(self, code: int) -> None:
        """1 up, 2 down, 3 left, 4 right; 0 stops."""
        self._settle()
        self._direction = STEPS.get(code, (0, 0))
        if self._stop is not None:
            self._stop.cancel()
        if code:
            self._stop = asyncio.get_running_loop().call_later(self.longest, self.move, 0)

    def _settle(self) -> None:
        now = time.monotonic()
        seconds = now - self._since
        for axis in (0, 1):
            self._position[axis] += self._direction[axis] * seconds * DEGREES_PER_SECOND
        self._since = now

    def state(self) -> dict[str, Any]:
        """Where it looks and whether it moves."""
        self._settle()
        pan, tilt = (round(value, 2) for value in self._position)
        return {"pan": pan, "tilt": tilt, "moving": self._direction != (0, 0)}

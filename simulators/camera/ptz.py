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
        self._direction: tuple[float, float] = (0, 0)
        self._since = 0.0
        self._stop: asyncio.TimerHandle | None = None

    def move(self, code: int) -> None:
        """1 up, 2 down, 3 left, 4 right; 0 stops."""
        self.run(*STEPS.get(code, (0, 0)), self.longest)

    def run(self, pan: float, tilt: float, longest: float) -> None:
        """Move with these parts of the full speed, -1 to 1, for ``longest`` seconds at most."""
        self._settle()
        self._direction = (pan, tilt)
        if self._stop is not None:
            self._stop.cancel()
        if self._direction != (0, 0):
            self._stop = asyncio.get_running_loop().call_later(longest, self.run, 0, 0, 0)

    def go(self, pan: float, tilt: float) -> None:
        """Move to a position, both axes at once, at full speed."""
        self._settle()
        ways = [target - now for target, now in zip((pan, tilt), self._position, strict=True)]
        seconds = max(map(abs, ways)) / DEGREES_PER_SECOND
        pan_speed, tilt_speed = (way / seconds / DEGREES_PER_SECOND if seconds else 0 for way in ways)
        self.run(pan_speed, tilt_speed, seconds)
        if seconds and self._stop is not None:
            self._stop.cancel()
            self._stop = asyncio.get_running_loop().call_later(seconds, self._arrive, pan, tilt)

    def _arrive(self, pan: float, tilt: float) -> None:
        self.run(0, 0, 0)
        self._position = [pan, tilt]

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

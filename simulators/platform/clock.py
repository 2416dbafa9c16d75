"""The platform's clocks: one that tells the time to devices, one for retention that the test bench may move."""

from __future__ import annotations

import datetime as dt
import time

CHINA = dt.timezone(dt.timedelta(hours=8))


class PlatformClock:
    """Unix seconds. ``offset`` moves everything that is judged by date: tokens, sessions, plans, retention."""

    def __init__(self, scale: float = 1.0) -> None:
        self.offset = 0.0
        self.scale = scale
        self._told = (0, "")

    def now(self) -> float:
        """The time of the platform."""
        return time.time() + self.offset

    def long(self, seconds: float) -> float:
        """A long timer under the declared scale."""
        return seconds * self.scale

    def device_text(self) -> str:
        """YYYYMMDDhhmmss, UTC+8, as devices are told."""
        second = int(self.now())
        if self._told[0] != second:
            self._told = second, dt.datetime.fromtimestamp(second, CHINA).strftime("%Y%m%d%H%M%S")
        return self._told[1]

    def text(self, moment: float | None = None) -> str:
        """RFC 3339 in UTC, with milliseconds."""
        at = dt.datetime.fromtimestamp(self.now() if moment is None else moment, dt.UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def set(self, text: str) -> None:
        """Go to an ISO 8601 moment; without a zone it is UTC."""
        at = dt.datetime.fromisoformat(text)
        self.offset = at.replace(tzinfo=at.tzinfo or dt.UTC).timestamp() - time.time()

"""Subscriptions of the golden camera: what waits for each, and how long it lives."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections import deque
from dataclasses import dataclass, field

from conformance.protocols.onvif_events import instant
from simulators.camera.onvif.service import INVALID, OnvifFault
from simulators.camera.onvif.topics import Filter, Message

LONGEST_QUEUE = 200
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?\Z")
_SECONDS = (86400, 3600, 60, 1)


def seconds_of(text: str) -> float:
    """An xs:duration without years and months. Raises OnvifFault."""
    found = _DURATION.match(text)
    if not found or text in ("P", "PT"):
        raise OnvifFault(*INVALID, reason=f"{text[:40]!r} is no duration")
    return sum(float(part) * unit for part, unit in zip(found.groups(), _SECONDS, strict=True) if part)


def lifetime_of(text: str, now: float, fault: str) -> float:
    """Seconds until a relative or absolute time. Raises OnvifFault."""
    if text.startswith("P"):
        return seconds_of(text)
    moment = instant(text)
    if moment is None or moment <= now:
        raise OnvifFault(*INVALID, f"wsnt:{fault}", reason=f"{text[:40]!r} cannot be the end of a subscription")
    return moment - now


def utc(moment: float) -> str:
    """Unix seconds as xs:dateTime in UTC with milliseconds."""
    return dt.datetime.fromtimestamp(moment, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True)
class Subscription:
    """``ends``: on the clock of the event loop; ``consumer``: address for Notify, empty for a pull point."""

    number: int
    ends: float
    chosen: Filter
    consumer: str = ""
    waiting: deque[Message] = field(default_factory=lambda: deque(maxlen=LONGEST_QUEUE))
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    sender: asyncio.Task[None] | None = None

    def put(self, told: Message) -> None:
        """A message, where the filter chooses it."""
        if self.takes(told):
            self.waiting.append(told)
            self.arrived.set()

    def takes(self, told: Message) -> bool:
        """Whether the message is for it."""
        return self.chosen.takes(told)

    def take(self, limit: int) -> list[Message]:
        """Up to ``limit`` messages, oldest first."""
        found = [self.waiting.popleft() for _ in range(min(limit, len(self.waiting)))]
        if not self.waiting:
            self.arrived.clear()
        return found

    async def wait(self, seconds: float) -> None:
        """Until a message is there, or the time is over."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self.arrived.wait()
        except TimeoutError:
            return

"""Alarms and exceptions on their way to the platform: paced, queued while offline, repeated until acknowledged."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from conformance.protocols.violation import CodecError

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

TEXTS = {1: "motion detected", 2: "body infrared detected", 3: "manual alarm", 4: "digital input raised"}
DIGITAL_INPUT = 4
DOWNLOAD_FAILED = 11
LARGEST_QUEUE = 200


class Notices:
    """Everything the camera tells the platform by itself."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._last: dict[tuple[int, int, int], float] = {}
        self._sending = asyncio.Lock()

    def raised(self, channel: int, kind: int, number: int = 0) -> bool:
        """A sensor fired. False when that kind is not armed, or fired a moment ago."""
        if not self.armed(channel, kind, number) or self.too_soon(channel, kind, number):
            return False
        values: dict[str, Any] = {"DevID": self.camera.dev_id, "ChannelNo": channel, "AlarmType": kind}
        values["AlarmDesc"] = TEXTS[kind]
        if kind == DIGITAL_INPUT:
            values["DIDONo"] = number
        self.queue("ALARM_NOTIFY", values)
        return True

    def armed(self, channel: int, kind: int, number: int) -> bool:
        """Whether this kind of alarm is armed."""
        return bool(self.camera.settings.alarms.get(f"{channel}/{kind}/{number if kind == DIGITAL_INPUT else 0}"))

    def too_soon(self, channel: int, kind: int, number: int) -> bool:
        """At most one alarm of a kind in ten seconds."""
        now, key = time.monotonic(), (channel, kind, number)
        if now - self._last.get(key, float("-inf")) < self.camera.timers.seconds("alarm_gap"):
            return True
        self._last[key] = now
        return False

    def upgrade_failed(self, why: str) -> None:
        """Exception type 11 with a text."""
        values = {
            "DevID": self.camera.dev_id,
            "ChannelNo": 0,
            "ExceptionType": DOWNLOAD_FAILED,
            "ExceptionDesc": why[:120],
        }
        self.queue("EXCEPTION_NOTIFY", values)

    def queue(self, name: str, values: dict[str, Any]) -> None:
        """Remember a notice until it is acknowledged."""
        pending = self.camera.settings.pending
        if len(pending) < LARGEST_QUEUE:
            pending.append({"name": name, "values": values})
            self.camera.save()
        self.camera.spawn(self.flush())

    async def flush(self) -> None:
        """Send what waits, oldest first, while online."""
        if self._sending.locked():
            return
        async with self._sending:
            pending = self.camera.settings.pending
            while pending and self.camera.client.online:
                if await self.deliver(pending[0]["name"], pending[0]["values"]):
                    pending.pop(0)
                    self.camera.save()

    async def deliver(self, name: str, values: dict[str, Any]) -> bool:
        """Send one notice; False when nobody acknowledged it yet."""
        try:
            await self.camera.client.ask(name, values, self.camera.timers.seconds("exception_repeat"))
        except TimeoutError:
            return False
        except (ConnectionError, OSError):
            await asyncio.sleep(0.05)
            return False
        except CodecError:
            return True
        return True

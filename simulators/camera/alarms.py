"""Alarms and exceptions on their way to the platform: paced, queued while offline, repeated until acknowledged."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any

from conformance.protocols.violation import CodecError

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
TEXTS = {1: "motion detected", 2: "body infrared detected", 3: "manual alarm", 4: "digital input raised"}
DIGITAL_INPUT = 4
DOWNLOAD_FAILED = 11
LARGEST_QUEUE = 200
ANSWER_WAIT = 30.0
LOST_PAUSE = 0.05
KINDS = ("EXCEPTION_NOTIFY", "ALARM_NOTIFY", "NOTIFY_PICTURE")


class Notices:
    """Everything the camera tells the platform by itself."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._last: dict[tuple[int, int, int], float] = {}
        self._sending: dict[str, asyncio.Lock] = {}

    def raised(self, channel: int, kind: int, number: int = 0) -> bool:
        """A sensor fired. False without power, when that kind is not armed, or when it fired a moment ago."""
        if not self.camera.powered or not self.armed(channel, kind, number):
            return False
        self.camera.record_alarm(channel)
        if self.too_soon(channel, kind, number):
            return False
        self.queue("ALARM_NOTIFY", self.alarm_values(channel, kind, number))
        return True

    def cleared(self, channel: int, kind: int, number: int = 0) -> bool:
        """A sensor has calmed down: nothing is told, the message has no element for it."""
        return False

    def alarm_values(self, channel: int, kind: int, number: int) -> dict[str, Any]:
        """ALARM_NOTIFY."""
        values = {"DevID": self.camera.dev_id, "ChannelNo": channel, "AlarmType": kind, "AlarmDesc": TEXTS[kind]}
        return {**values, "DIDONo": number} if kind == DIGITAL_INPUT else values

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
        """Send what waits, oldest first of each kind, while online."""
        await asyncio.gather(*(self._flush(name) for name in KINDS))

    async def _flush(self, name: str) -> None:
        lock = self._sending.setdefault(name, asyncio.Lock())
        if lock.locked():
            return
        async with lock:
            while self.camera.client.online and (waiting := self.waiting(name)) is not None:
                if await self.deliver(name, waiting["values"]):
                    self.camera.settings.pending.remove(waiting)
                    self.camera.save()
                else:
                    await asyncio.sleep(LOST_PAUSE)

    def waiting(self, name: str) -> dict[str, Any] | None:
        """The oldest notice of one kind that nobody acknowledged."""
        return next((notice for notice in self.camera.settings.pending if notice["name"] == name), None)

    def repeat_after(self, name: str) -> float:
        """Seconds without an answer after which a notice is sent again."""
        return self.camera.timers.seconds("exception_repeat" if name == "EXCEPTION_NOTIFY" else "alarm_repeat")

    async def deliver(self, name: str, values: dict[str, Any]) -> bool:
        """Send one notice, again and again, until one of its answers comes. False when the connection ends before."""
        asked: set[asyncio.Task[Any]] = set()
        try:
            while True:
                asked.add(asyncio.ensure_future(self.camera.client.ask(name, values, ANSWER_WAIT)))
                done, asked = await asyncio.wait(
                    asked, timeout=self.repeat_after(name), return_when=asyncio.FIRST_COMPLETED
                )
                for error in (task.exception() for task in done):
                    if error is None or isinstance(error, CodecError):
                        return True
                    if not isinstance(error, TimeoutError):
                        _LOG.info("%s not delivered: %r", name, error)
                        return False
        finally:
            for task in asked:
                task.cancel()

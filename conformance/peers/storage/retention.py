"""The days of retention as a test can live them: by moving the storage's clock, or by its short days."""

from __future__ import annotations

import datetime as dt

from conformance.peers.device_control import DeviceControl
from conformance.peers.storage.storage import Storage

SECONDS_PER_DAY = 86_400.0


class RetentionClock:
    """The clock by which a storage lets objects expire; its signatures are checked by another."""

    def __init__(self, storage: Storage, control: DeviceControl) -> None:
        self.storage, self.control = storage, control
        self.movable = "clock" in storage.loaded.declaration.controls.available

    async def now(self) -> float:
        """Unix seconds."""
        if not self.movable:
            return self.storage.wire.epoch()
        told = await self.control.do("clock")
        return dt.datetime.fromisoformat(str(told["time"])).timestamp()

    async def advance(self, days: float) -> None:
        """Let time pass."""
        if self.movable:
            await self.control.do("clock", advance=days * SECONDS_PER_DAY)
        else:
            await self.storage.wire.sleep(self.seconds(days))

    def seconds(self, days: float) -> float:
        """How long days of retention last where its clock cannot be moved."""
        return days * self.storage.declared.seconds_per_day

    @property
    def delay(self) -> float:
        """Declared seconds for which an expired object may still be there."""
        return self.storage.declared.lifecycle_delay

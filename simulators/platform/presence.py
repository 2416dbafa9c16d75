"""Which device is online, on which connection, since when; silent ones are found and dropped."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from conformance.protocols.violation import CodecError
from simulators.platform.device_link import DeviceLink

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

NOTICE_GRACE = 30.0
NOTICE_GAP = 300.0
SWEEPS = 40
SILENCE = 0.95
PROBE_WAIT = 2.0


@dataclass(slots=True)
class DeviceState:
    """One device. ``changed_at``: platform time of the last change; ``told_offline``: the user knows."""

    link: DeviceLink | None = None
    online: bool = False
    changed_at: float = 0.0
    told_offline: bool = False
    told_at: float = field(default=float("-inf"))


class Presence:
    """State of every device that has ever logged in since the start."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.states: dict[str, DeviceState] = {}
        self._one_notice = asyncio.Lock()  # ten thousand at once would keep everything else waiting
        self.offline_within = platform.clock.long(platform.declared.offline_within)

    def state(self, dev_id: str) -> DeviceState:
        """The state of a device; offline when it was never seen."""
        return self.states.get(dev_id) or DeviceState()

    def online(self, dev_id: str) -> bool:
        """Whether a device is online."""
        found = self.states.get(dev_id)
        return found is not None and found.online

    def link(self, dev_id: str) -> DeviceLink | None:
        """The connection of a device that is online."""
        found = self.states.get(dev_id)
        return found.link if found is not None and found.online else None

    def logged_in(self, link: DeviceLink) -> None:
        """The later login is kept; an earlier connection that still answers means a clone."""
        state = self.states.setdefault(link.device_id, DeviceState())
        earlier, state.link = state.link, link
        if earlier is not None and earlier is not link and not earlier.closed:
            self.platform.spawn(self.replace(earlier, link))

    async def replace(self, earlier: DeviceLink, later: DeviceLink) -> None:
        """End the earlier connection; where it is alive, two devices use one identity."""
        if await self.answers(earlier):
            self.platform.audit.note("device", "clone", later.device_id, "clone", f"{earlier.peer} {later.peer}")
            self.platform.messages.device_event(later.device_id, "clone")
        earlier.drop()

    @staticmethod
    async def answers(link: DeviceLink) -> bool:
        """Whether anybody is at the other end."""
        try:
            await link.ask("STORE_QUERY", {}, PROBE_WAIT)
        except (OSError, TimeoutError, CodecError):
            return False
        return True

    def came_online(self, link: DeviceLink) -> None:
        """The ability report was answered."""
        state = self.state(link.device_id)
        if state.link is not link:
            return
        if not state.online:
            state.online, state.changed_at = True, self.platform.clock.now()
            if state.told_offline:
                state.told_offline = False
                self.platform.messages.device_event(link.device_id, "online")
        self.platform.device_online(link.device_id)

    def link_ended(self, link: DeviceLink) -> None:
        """A connection has ended; when it was the present one, its device is offline."""
        state = self.states.get(link.device_id)
        if state is None or state.link is not link:
            return
        state.link = None
        if state.online:
            state.online, state.changed_at = False, self.platform.clock.now()
            self.platform.spawn(self.notice(link.device_id, state))

    async def notice(self, dev_id: str, state: DeviceState) -> None:
        """Tell the user once when the device stays away; soon after another notice, when the gap is over."""
        changed_at = state.changed_at
        gap = state.told_at + self.platform.clock.long(NOTICE_GAP) - time.monotonic()
        await asyncio.sleep(max(self.platform.clock.long(NOTICE_GRACE), gap))
        async with self._one_notice:
            await asyncio.sleep(0)
            if state.online or state.changed_at != changed_at or state.told_offline:
                return
            state.told_offline, state.told_at = True, time.monotonic()
            self.platform.messages.device_event(dev_id, "offline")

    async def keep_sweeping(self) -> None:
        """Find silent devices, also those whose connection never ended."""
        while True:
            await asyncio.sleep(self.offline_within / SWEEPS)
            self.sweep(time.monotonic())

    def sweep(self, now: float) -> None:
        """Drop whoever has been silent for too long."""
        for state in list(self.states.values()):
            link = state.link
            if link is not None and self.silent(link, now):
                link.drop()
                self.link_ended(link)

    def silent(self, link: DeviceLink, now: float) -> bool:
        """Whether a device has been silent for so long that the next sweep could come too late."""
        return now - link.heard_at > SILENCE * self.offline_within

"""The control endpoint of the golden platform: one JSON object a line, one answer a line.

``clock`` reads or moves the platform's time, ``status`` tells the inner state, ``restart`` restarts the access servers,
``revoke`` makes a token, or all of a user or device, worthless, ``outage`` takes a part out of service, ``sms`` tells
the last code that was sent to a phone.
"""

from __future__ import annotations

import time
from typing import Any

from simulators.control import ControlEndpoint
from simulators.platform.access_server import AccessServer
from simulators.platform.device_steps import HttpStep
from simulators.platform.platform import Platform


class ControlServer(ControlEndpoint):
    """Serves the endpoint for one platform."""

    def __init__(self, platform: Platform) -> None:
        super().__init__()
        self.platform = platform

    async def do_clock(self, set: str | None = None, advance: float = 0.0) -> dict[str, Any]:
        """Read, set (ISO 8601) or advance (seconds) the platform's time."""
        clock = self.platform.clock
        if set is not None:
            clock.set(set)
        clock.offset += float(advance)
        return {"time": clock.text()}

    async def do_status(self) -> dict[str, Any]:
        """The inner state."""
        platform, now = self.platform, time.monotonic()
        devices = {
            dev_id: {
                "online": state.online,
                "server": state.link.server if state.link else "",
                "silent": round(now - state.link.heard_at, 3) if state.link else None,
            }
            for dev_id, state in platform.presence.states.items()
        }
        return {
            "time": platform.clock.text(),
            "devices": devices,
            "tokens": platform.tokens.live(),
            "sessions": platform.accounts.sessions(),
            "plays": len(platform.plays),
            "recording": sorted(f"{device}/{channel}" for device, channel, _ in platform.recorder.running),
            "waiting": len(platform.recorder.waiting),
            "dropped": platform.recorder.dropped,
            "pushed": platform.push.sent,
            "push_lost": platform.push.lost,
        }

    async def do_restart(self, part: str = "access") -> None:
        """Restart the access servers (every device loses its connection), or ``all`` servers."""
        if part not in ("access", "all"):
            raise ValueError(f"unknown part {part!r}")
        await (self.platform.restart_access() if part == "access" else self.platform.restart_all())

    async def do_revoke(self, token: str = "", user: str = "", dev_id: str = "") -> dict[str, Any]:
        """Make a token, or everything of a user or device, worthless."""
        revoked = self.platform.tokens.revoke(token=token, user=user, device=dev_id)
        if user or dev_id:
            self.platform.plays.end(user=user, device=dev_id)
        return {"revoked": revoked}

    async def do_suspend(self, user: str, suspended: bool = True) -> None:
        """Suspend or resume a user."""
        self.platform.accounts.suspend(user, suspended=suspended)

    async def do_outage(self, part: str, state: str = "down") -> None:
        """Take a part out of service or back: group, province, primary, backup, push or storage."""
        platform, down = self.platform, state == "down"
        servers: dict[str, HttpStep | AccessServer] = {
            "group": platform.group,
            "province": platform.registrar,
            "primary": platform.primary,
            "backup": platform.backup,
        }
        if part in servers:
            await (servers[part].stop() if down else servers[part].start())
        elif part == "push":
            platform.push.down = down
        elif part == "storage":
            platform.recorder.store.down = down
        else:
            raise ValueError(f"unknown part {part!r}")

    async def do_sms(self, phone: str) -> dict[str, Any]:
        """The last code that was sent to a phone."""
        return {"code": self.platform.accounts.last_codes.get(phone, "")}

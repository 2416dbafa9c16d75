"""The control endpoint: what hands, plugs and thumbs do to a real device. One JSON object a line, one answer a line."""

from __future__ import annotations

from typing import Any

from simulators.camera.camera import Camera
from simulators.control import ControlEndpoint


class ControlServer(ControlEndpoint):
    """Serves the endpoint for one camera."""

    def __init__(self, camera: Camera) -> None:
        super().__init__()
        self.camera = camera

    async def do_power(self, state: str, at: dict[str, float] | None = None) -> None:
        """Pull or plug the supply, at once or at a percentage of the next upgrade; pulling it takes that back."""
        if at is not None:
            self.camera.cut_at = float(at["upgrade_percent"])
        elif state == "off":
            self.camera.cut_at = None
            await self.camera.power_off()
        else:
            await self.camera.power_on()

    async def do_alarm(self, type: int, channel: int = 0, state: str = "raise", input: int = 0) -> dict[str, Any]:
        """A sensor fires or calms down."""
        if self.camera.powered:
            self.camera.onvif.sensed(type, channel, input, state == "raise")
        notices = self.camera.notices
        sent = notices.raised(channel, type, input) if state == "raise" else notices.cleared(channel, type, input)
        return {"reported": sent}

    async def do_clock(self, set: str | None = None) -> dict[str, Any]:
        """Read or set the clock."""
        if set is not None:
            self.camera.set_clock(set)
        return {"time": self.camera.time_text()}

    async def do_provision(self, group_url: str, province_url: str = "") -> None:
        """Enter the platform's addresses."""
        await self.camera.network.provision(group_url, province_url)

    async def do_link(self, state: str = "up", address: str | None = None, net_type: int | None = None) -> None:
        """Pull or plug the network, or move to another one."""
        network = self.camera.network
        if address is not None or net_type is not None:
            await network.change(address, net_type)
        elif state == "down":
            await network.down()
        else:
            await network.up()

    async def do_storage(self, state: str) -> None:
        """Fill, free or remove the disk."""
        self.camera.store.set_state(state)  # type: ignore[arg-type]

    async def do_status(self) -> dict[str, Any]:
        """The inner state."""
        camera = self.camera
        return {
            "boot_count": camera.settings.boot_count,
            "version": camera.settings.version,
            "powered": camera.powered,
            "online": camera.powered and camera.client.online,
            "viewers": camera.server.viewers if camera.powered else 0,
            "recording": any(r.recording for r in camera.recorders.values()),
            "time": camera.time_text(),
            "ptz": camera.ptz.state(),
            "upgrade": camera.upgrade.state,
        }

"""The camera's network plug: cut and restored, another address, another platform."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulators.camera.camera import Camera


class Network:
    """What happens to a camera when somebody pulls its cable or moves it to another network."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera

    async def down(self) -> None:
        """Pull the cable: the platform link, viewers and relay are gone, recording goes on."""
        camera = self.camera
        if not camera.link_up.is_set():
            return
        camera.link_up.clear()
        if camera.powered:
            self.drop_platform()
            await camera.server.cut()

    async def up(self) -> None:
        """Plug it in again. Raises OSError when the address cannot be used."""
        camera = self.camera
        if not camera.link_up.is_set():
            if camera.powered:
                await self._listen()
            camera.link_up.set()

    async def change(self, address: str | None, net_type: int | None) -> None:
        """Move to another address or kind of network; every connection is lost. Raises OSError, ValueError."""
        camera = self.camera
        if net_type is not None and net_type not in (0, 1, 2):
            raise ValueError(f"no network type {net_type}")
        await self.down()
        former = camera.address, camera.net_type
        camera.address = address or camera.address
        camera.net_type = camera.net_type if net_type is None else net_type
        try:
            await self.up()
        except OSError:
            camera.address, camera.net_type = former
            await self.up()
            raise

    async def provision(self, group_url: str, province_url: str = "") -> None:
        """Enter the platform's addresses; the camera registers there at once."""
        camera = self.camera
        camera.group_url = group_url
        camera.settings.province_url = province_url
        camera.save()
        if camera.powered:
            self.drop_platform()
            camera.go_online()

    def drop_platform(self) -> None:
        """Reset the connections that the camera has opened."""
        if self.camera.client.link is not None:
            self.camera.client.link.drop()
        self.camera.relay.drop()

    async def _listen(self) -> None:
        """Serve RTSP again, on the port that it had."""
        camera = self.camera
        server = camera.server_class(
            replace(camera.rtsp_config(), port=camera.rtsp_port),
            camera.server.source,
            camera.ask_token,
            clock=camera.now,
        )
        await server.start()
        camera.server = server

"""The control endpoint: what hands, plugs and thumbs do to a real device. One JSON object a line, one answer a line."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from simulators.camera.camera import Camera


class ControlServer:
    """Serves the endpoint for one camera."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the endpoint URL."""
        self._server = await asyncio.start_server(self._serve, host, port)
        bound = self._server.sockets[0].getsockname()
        return f"tcp://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self._answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            action = getattr(self, f"do_{request.pop('do')}")
            found = await action(**request)
        except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
            return {"ok": False, "error": repr(error)}
        return {"ok": True, **(found or {})}

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

"""Remote reboot and upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_message import Message

if TYPE_CHECKING:
    from simulators.camera.camera import Camera


class MaintenanceCommands:
    """Handlers 0x6c and 0x6d."""

    camera: Camera

    async def on_REBOOT(self, message: Message) -> dict[str, Any]:
        """Answer first; the restart follows the answer (``Camera.after_answer``)."""
        return {}

    async def on_UPGRADE(self, message: Message) -> dict[str, Any]:
        """0 means accepted: download and check go on beside other work."""
        self.camera.spawn(self.camera.upgrade.run(message))
        return {}

"""Remote reboot and upgrade."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_message import Message
from simulators.camera.refusal import REFUSED, Refusal

if TYPE_CHECKING:
    from simulators.camera.camera import Camera


class MaintenanceCommands:
    """Handlers 0x6c and 0x6d."""

    camera: Camera
    restart_due = False

    async def on_REBOOT(self, message: Message) -> dict[str, Any]:
        """Answer first; the restart follows the answer (``Camera.after_answer``)."""
        self.restart_due = True
        return {}

    async def on_UPGRADE(self, message: Message) -> dict[str, Any]:
        """0 means accepted: download and check go on beside other work. Raises Refusal while another is at work."""
        if self.camera.upgrade.busy:
            raise Refusal(REFUSED, "an upgrade is at work")
        self.camera.upgrade.state = "downloading"
        self.camera.spawn(self.camera.upgrade.run(message))
        return {}

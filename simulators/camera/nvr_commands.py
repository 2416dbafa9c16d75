"""Cameras bound to the channels of a recorder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_message import Message
from simulators.camera.refusal import Refusal
from simulators.camera.settings import LinkedCamera

if TYPE_CHECKING:
    from simulators.camera.camera import Camera


class NvrCommands:
    """Handlers 0x6e to 0x71."""

    camera: Camera

    def channel(self, message: Message) -> int:
        """The channel of a request."""
        raise NotImplementedError

    async def on_NVR_LINK_IPCAM(self, message: Message) -> dict[str, Any]:
        """Bind a camera to a free channel; a camera is bound once."""
        channel, linked = str(self.channel(message)), self.camera.settings.linked
        if channel in linked or any(c.dev_id == message["IpcamDevID"] for c in linked.values()):
            raise Refusal(why="channel or camera is in use")
        linked[channel] = self._camera(message)
        self.camera.save()
        return {}

    async def on_NVR_MODIFY_IPCAM(self, message: Message) -> dict[str, Any]:
        """Change the address of a bound camera, found by its id."""
        linked = self.camera.settings.linked
        channel = next((n for n, c in linked.items() if c.dev_id == message["IpcamDevID"]), None)
        if channel is None:
            raise Refusal(why="unknown camera")
        linked[channel] = self._camera(message)
        self.camera.save()
        return {}

    async def on_NVR_DEL_IPCAM(self, message: Message) -> dict[str, Any]:
        """Free a channel."""
        if self.camera.settings.linked.pop(str(self.channel(message)), None) is None:
            raise Refusal(why="the channel is not in use")
        self.camera.save()
        return {}

    async def on_NVR_QUERY_IPCAM(self, message: Message) -> dict[str, Any]:
        """Bound channels only."""
        linked = sorted(self.camera.settings.linked.items(), key=lambda item: int(item[0]))
        return {"Channel": [{"ChannelNo": channel, "IpcamDevID": camera.dev_id} for channel, camera in linked]}

    @staticmethod
    def _camera(message: Message) -> LinkedCamera:
        return LinkedCamera(
            message["IpcamDevID"],
            message["IpcamLocalIP"],
            message.get("OnvifPort"),
            message.get("OnvifAccount"),
            message.get("OnvifPassword"),
        )

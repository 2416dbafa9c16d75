"""Video parameters, PTZ, Wi-Fi and the cloud account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from conformance.protocols.tykd_message import Message
from simulators.camera.refusal import Refusal
from simulators.camera.settings import StreamParameters

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

ACCOUNT = ("URL", "Account", "Password", "EStorgeSpace", "ERecordBucket", "EPictureBucket")
_FIELDS = {"FrameSize": "frame_size", "FrameRate": "frame_rate", "RateType": "rate_type", "BitRate": "bit_rate",
           "AudioInput": "audio"}  # fmt: skip


class StreamCommands:
    """Handlers 0x60 to 0x66."""

    camera: Camera

    def channel(self, message: Message) -> int:
        """The channel of a request."""
        raise NotImplementedError

    def stream(self, message: Message) -> tuple[int, int]:
        """Channel and stream of a request. Raises Refusal."""
        key = self.channel(message), message.integer("StreamType")
        if key not in self.camera.bank.encoders:
            raise Refusal(why="no such stream")
        return key

    async def on_SET_CHANNEL(self, message: Message) -> dict[str, Any]:
        """All fields or none; in force on the stream before the answer."""
        channel, stream = self.stream(message)
        present = self.camera.parameters(channel, stream)
        found = {field: message.integer(name) for name, field in _FIELDS.items() if name in message}
        wanted = msgspec.structs.replace(present, **found)
        self.check_parameters(stream, wanted)
        await self.apply_parameters(channel, stream, wanted)
        return {}

    def check_parameters(self, stream: int, wanted: StreamParameters) -> None:
        """Raises Refusal for what the camera does not have."""
        if f"{stream}/{wanted.frame_size}" not in self.camera.pairs:
            raise Refusal(why="size not declared for this stream")
        if not self.camera.has("audio") and wanted.audio:
            raise Refusal(why="no audio")

    async def apply_parameters(self, channel: int, stream: int, wanted: StreamParameters) -> None:
        """Put parameters in force and remember them."""
        self.camera.set_parameters(channel, stream, wanted)

    async def on_GET_CHANNEL(self, message: Message) -> dict[str, Any]:
        """What the stream really has."""
        found = self.camera.parameters(*self.stream(message))
        return {name: getattr(found, field) for name, field in _FIELDS.items()}

    async def on_GET_WIFI(self, message: Message) -> dict[str, Any]:
        """Networks in sight; never a password."""
        chosen = self.camera.settings.wifi.get("SSID")
        return {"WifiSSID": [{**network, "InUse": int(network["SSID"] == chosen)} for network in self.camera.networks]}

    async def on_SET_WIFI(self, message: Message) -> dict[str, Any]:
        """Join a network that is in sight."""
        network = next((n for n in self.camera.networks if n["SSID"] == message["SSID"]), None)
        if network is None or int(str(network["Security"])) != message.integer("Security"):
            raise Refusal(why="no such network")
        self.camera.settings.wifi = {"SSID": message["SSID"], "Password": message.get("Password")}
        self.camera.save()
        return {}

    async def on_VIDEO_PTZ(self, message: Message) -> dict[str, Any]:
        """Move until told to stop, or until the time for one movement is over."""
        self.channel(message)
        self.camera.ptz.move(message.integer("PtzDirection"))
        return {}

    async def on_SET_ESTORE(self, message: Message) -> dict[str, Any]:
        """Missing and empty texts keep the old value."""
        account = self.camera.settings.account
        account.update({name: message.get(name) for name in ACCOUNT if message.get(name)})
        self.camera.save()
        return {}

    async def on_GET_ESTORE(self, message: Message) -> dict[str, Any]:
        """The account without its password."""
        account = self.camera.settings.account
        names = ("URL", "Account", "ERecordBucket", "EPictureBucket")
        shown = {name: account.get(name, "") for name in names}
        return {**shown, "Password": "", "StorgeSpace": account.get("EStorgeSpace", "0")}

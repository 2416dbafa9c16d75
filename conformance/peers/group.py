"""The group platform: tells a device which province platform is its own (tykd 1, REDIRECT)."""

from __future__ import annotations

from conformance.peers.registrar import UNKNOWN_DEVICE, WRONG_KEY, HttpStep, Registrar
from conformance.protocols.tykd_message import Message
from conformance.wire import Wire
from specs.messages import MessageTable


class GroupPlatform(HttpStep):
    """The group's REDIRECT service."""

    command = "REDIRECT"
    label = "group-http"

    def __init__(self, wire: Wire, table: MessageTable, registrar: Registrar) -> None:
        super().__init__(wire, table)
        self.registrar = registrar

    def honest_values(self, message: Message) -> dict[str, str]:
        """The province URL for the known device with the right key."""
        device_id = self.registrar.province.device_id
        if message.get("DevID") != device_id:
            return {"Result": str(UNKNOWN_DEVICE), "DevID": message.get("DevID"), "LcmsUrl": ""}
        if self.registrar.device_key and message.get("DevKey") != self.registrar.device_key:
            return {"Result": str(WRONG_KEY), "DevID": device_id, "LcmsUrl": ""}
        return {"Result": "0", "DevID": device_id, "LcmsUrl": self.registrar.url}

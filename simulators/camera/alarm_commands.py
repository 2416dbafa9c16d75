"""Arming and disarming alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_message import Message
from simulators.camera.refusal import Refusal

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

KINDS = {1: "motion", 2: "infrared", 3: "manual_alarm", 4: "digital_input"}
DIGITAL_INPUT = 4


class AlarmCommands:
    """Handlers 0x7c and 0x7d."""

    camera: Camera

    def channel(self, message: Message) -> int:
        """The channel of a request."""
        raise NotImplementedError

    def alarm_key(self, message: Message) -> str:
        """``channel/type/input`` of a request. Raises Refusal for a kind or an input that the camera does not have."""
        channel, kind = self.channel(message), message.integer("AlarmType")
        if not self.camera.has(KINDS.get(kind, "")):
            raise Refusal(why="no such kind of alarm")
        number = message.integer("DIDONo", 0) if kind == DIGITAL_INPUT else 0
        if kind == DIGITAL_INPUT and not 0 <= number < self.camera.digital_inputs:
            raise Refusal(why="no such input")
        return f"{channel}/{kind}/{number}"

    async def on_SET_ALARM(self, message: Message) -> dict[str, Any]:
        """Arm or disarm one kind of alarm."""
        self.camera.settings.alarms[self.alarm_key(message)] = message.integer("AlarmFlag")
        self.camera.save()
        return {}

    async def on_GET_ALARM(self, message: Message) -> dict[str, Any]:
        """Whether one kind of alarm is armed."""
        return {"AlarmFlag": self.camera.settings.alarms.get(self.alarm_key(message), 0)}

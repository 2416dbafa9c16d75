"""Requests of the platform: checked against the message table and the camera's own state, carried out, answered."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_frame import Frame, ReceivedFrame
from conformance.protocols.tykd_message import Message, decode_message, encode_message, encode_refusal
from conformance.protocols.violation import CodecError
from simulators.camera.alarm_commands import AlarmCommands
from simulators.camera.link import Link
from simulators.camera.maintenance_commands import MaintenanceCommands
from simulators.camera.nvr_commands import NvrCommands
from simulators.camera.record_commands import RecordCommands
from simulators.camera.refusal import FOREIGN_DEVICE, REFUSED, Refusal
from simulators.camera.stream_commands import StreamCommands
from specs.condition import parse_condition
from specs.messages import Command

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)


class Commands(StreamCommands, RecordCommands, AlarmCommands, NvrCommands, MaintenanceCommands):
    """One method ``on_NAME`` a command: returns the element values of the answer or raises Refusal."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera

    async def handle(self, link: Link, frame: ReceivedFrame) -> None:
        """Answer one request; what nobody defined is ignored and the link stays."""
        command = self.camera.table.by_code.get(frame.frame.command)
        if command is None or command.direction != "platform-to-device" or command.undefined_body:
            return
        answer = await self.respond(link, command, frame)
        if answer is None:
            return
        link.send(Frame(self.answer_code(frame.frame), self.answer_sequence(frame.frame), answer))
        await self.camera.after_answer(command.name)

    def answer_code(self, request: Frame) -> int:
        """An answer has the code of its request."""
        return request.command

    def answer_sequence(self, request: Frame) -> int:
        """An answer has the sequence of its request."""
        return request.sequence

    async def respond(self, link: Link, command: Command, frame: ReceivedFrame) -> bytes | None:
        """XML of the answer; None to stay silent (a root that does not fit the code)."""
        table, own = self.camera.table, self.camera.dev_id
        try:
            message = decode_message(table, frame.frame.command, "platform-to-device", frame.frame.xml)
            if any(v.rule == "tykd.root" for v in message.violations):
                return None
            self.check(link, command, message)
            values = await self.carry_out(command, message)
            return encode_message(table, command.name, "response", {"Result": 0, "DevID": own, **values})
        except Refusal as refusal:
            return self.refusal(command.name, refusal)
        except CodecError as error:
            _LOG.info("%s refused: %s", command.name, error)
            return encode_refusal(table, command.name, REFUSED, own)
        except (OSError, ValueError, LookupError):
            _LOG.exception("%s failed", command.name)
            return encode_refusal(table, command.name, REFUSED, own)

    def refusal(self, name: str, refusal: Refusal) -> bytes | None:
        """A refusal holds Result and DevID only."""
        return encode_refusal(self.camera.table, name, refusal.result, self.camera.dev_id)

    def check(self, link: Link, command: Command, message: Message) -> None:
        """Is the request for this camera, well formed, in time, and for something that it has? Raises Refusal."""
        self.check_device(message)
        if message.faults:
            raise Refusal(REFUSED, message.faults[0].explain)
        if not link.online:
            raise Refusal(REFUSED, "abilities are not reported yet")
        if parse_condition(command.when)(self.camera.features) is False:
            raise Refusal(REFUSED, "not an ability of this camera")

    def check_device(self, message: Message) -> None:
        """Raises Refusal 1 for the id of another device."""
        found = message.get("DevID")
        if found and found != self.camera.dev_id and not any(v.rule != "tykd.root" for v in message.faults):
            raise Refusal(FOREIGN_DEVICE, "another device")

    async def carry_out(self, command: Command, message: Message) -> dict[str, Any]:
        """Call the method of the command."""
        values: dict[str, Any] = await getattr(self, f"on_{command.name}")(message)
        return values

    def channel(self, message: Message) -> int:
        """The channel of a request. Raises Refusal when there is none of that number."""
        number = message.integer("ChannelNo", 0)
        if not 0 <= number < self.camera.channels:
            raise Refusal(REFUSED, f"no channel {number}")
        return number

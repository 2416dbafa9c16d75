"""Commands to devices on behalf of users: the answer, or a coded refusal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

ANSWER_WAIT = 5.0
OK = 0


class DeviceCommands:
    """The relay between the client interface and a device."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    async def ask(self, dev_id: str, name: str, **values: Any) -> Message:
        """Send a command to a device that is online. Raises Refused: device_offline, device_timeout, device_refused,
        bad_request (values that the message table does not allow)."""
        link = self.platform.presence.link(dev_id)
        if link is None:
            raise Refused("device_offline")
        try:
            answer = await link.ask(name, values, ANSWER_WAIT)
        except TimeoutError:
            raise Refused("device_timeout") from None
        except OSError:
            raise Refused("device_offline") from None
        except CodecError as error:
            raise Refused("bad_request", error.explain) from None
        if answer.result != OK:
            raise Refused("device_refused", str(answer.result))
        return answer

    async def video(self, dev_id: str, channel: int, stream: int) -> dict[str, int]:
        """Video parameters in force, in the codes of the message table."""
        answer = await self.ask(dev_id, "GET_CHANNEL", ChannelNo=channel, StreamType=stream)
        return {
            name: answer.integer(name, 0) for name in ("FrameSize", "FrameRate", "RateType", "BitRate", "AudioInput")
        }

    async def set_video(self, dev_id: str, channel: int, stream: int, values: dict[str, int]) -> None:
        """Set those parameters that are given."""
        await self.ask(dev_id, "SET_CHANNEL", ChannelNo=channel, StreamType=stream, **values)
        self.platform.live.refetch(dev_id, channel, stream)

    async def move(self, dev_id: str, channel: int, direction: int) -> None:
        """0 stop, 1 up, 2 down, 3 left, 4 right."""
        await self.ask(dev_id, "VIDEO_PTZ", ChannelNo=channel, PtzDirection=direction)

    async def reboot(self, dev_id: str) -> None:
        """Restart a device."""
        await self.ask(dev_id, "REBOOT")

    async def format_disk(self, dev_id: str) -> None:
        """Format the disks of a device."""
        await self.ask(dev_id, "STORE_FORMAT")

    async def set_alarm(self, dev_id: str, channel: int, kind: int, *, armed: bool, digital_input: int = 0) -> None:
        """Arm or disarm one kind of alarm at the device."""
        more = {"DIDONo": digital_input} if kind == 4 else {}
        await self.ask(dev_id, "SET_ALARM", ChannelNo=channel, AlarmType=kind, AlarmFlag=int(armed), **more)

    async def alarm_armed(self, dev_id: str, channel: int, kind: int) -> bool:
        """Whether one kind of alarm is armed at the device."""
        return (await self.ask(dev_id, "GET_ALARM", ChannelNo=channel, AlarmType=kind)).flag("AlarmFlag", default=False)

    async def disk(self, dev_id: str) -> tuple[int, int]:
        """Total and free space of the disks of a device, MB."""
        answer = await self.ask(dev_id, "STORE_QUERY")
        return answer.integer("TotalSize", 0), answer.integer("FreeSize", 0)

    async def files(
        self, dev_id: str, channel: int, start: str, end: str, page: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Recordings on the device's own disk and how many there are. ``start``, ``end``: YYYYMMDDhhmm, UTC+8."""
        answer = await self.ask(dev_id, "FILE_QUERY", ChannelNo=channel, StartTime=start, EndTime=end, PageNo=page)
        found = [
            {"name": f["FileName"], "size": f.integer("FileSize", 0), "start": f["StartTime"], "end": f["EndTime"]}
            for f in answer.items("File")
        ]
        return found, answer.integer("TotalRecordNum", len(found))

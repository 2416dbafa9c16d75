"""Operations that change what a terminal does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from simulators.platform.client_call import Body, Call
from simulators.platform.database import Row
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

DIRECTIONS = {"stop": 0, "up": 1, "down": 2, "left": 3, "right": 4}
Channel = Annotated[int, msgspec.Meta(ge=0, le=255)]
Time = Annotated[str, msgspec.Meta(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]


class Move(Body, frozen=True):
    """POST /terminals/{terminal}/ptz."""

    direction: Literal["stop", "up", "down", "left", "right"]
    channel: Channel = 0


class Video(Body, frozen=True):
    """PUT /terminals/{terminal}/video, in the codes of SET_CHANNEL; what is left out stays."""

    frame_size: Annotated[int, msgspec.Meta(ge=1, le=3)] | None = None
    frame_rate: Annotated[int, msgspec.Meta(ge=1, le=60)] | None = None
    rate_type: Literal[1, 2] | None = None
    bit_rate: Annotated[int, msgspec.Meta(ge=1, le=13)] | None = None
    audio: bool | None = None


class Window(Body, frozen=True):
    """One window of a week; 1 is Monday; UTC+8."""

    week: Annotated[int, msgspec.Meta(ge=1, le=7)]
    start: Time
    end: Time


class Windows(Body, frozen=True):
    """PUT of a record plan or an arming schedule."""

    items: Annotated[list[Window], msgspec.Meta(max_length=56)]


class Switch(Body, frozen=True):
    """PUT /terminals/{terminal}/alarm-switch."""

    armed: bool


def minutes(text: str) -> int:
    """Minutes of the day of ``HH:MM``."""
    return int(text[:2]) * 60 + int(text[3:])


def clock_text(number: int) -> str:
    """``HH:MM`` of minutes of the day."""
    return f"{number // 60:02d}:{number % 60:02d}"


class ControlOperations:
    """Pan and tilt, parameters, reboot, format, plans."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def device(self, call: Call, right: str, action: str) -> Row:
        """The device, for somebody who may do that. Raises Refused; either way it is on record."""
        try:
            device = self.platform.rights.check(call.user, call.part("terminal"), right)
        except Refused as refused:
            if refused.code != "forbidden":
                self.platform.audit.note(call.who, action, call.part("terminal")[:31], refused.code)
            raise
        self.platform.audit.note(call.who, action, str(device["id"]), address=call.address)
        return device

    @staticmethod
    def channel(call: Call, device: Row) -> int:
        """The channel of the query. Raises Refused."""
        channel = call.number("channel", 0)
        if channel >= device["channels"]:
            raise Refused("bad_request", "channel")
        return channel

    async def ptz(self, call: Call) -> None:
        """Move until stopped."""
        body = call.body(Move)
        device = self.device(call, "control", "ptz")
        if body.channel >= device["channels"]:
            raise Refused("bad_request", "channel")
        await self.platform.commands.move(str(device["id"]), body.channel, DIRECTIONS[body.direction])

    async def video(self, call: Call) -> dict[str, Any]:
        """Video parameters as the device tells them."""
        call.known("channel", "stream")
        device = self.platform.rights.check(call.user, call.part("terminal"), "view")
        stream = call.number("stream", 1, lowest=1, highest=2)
        found = await self.platform.commands.video(str(device["id"]), self.channel(call, device), stream)
        names = {"frameSize": "FrameSize", "frameRate": "FrameRate", "rateType": "RateType", "bitRate": "BitRate"}
        return {**{name: found[told] for name, told in names.items()}, "audio": bool(found["AudioInput"])}

    async def set_video(self, call: Call) -> None:
        """Set video parameters at the device."""
        call.known("channel", "stream")
        body = call.body(Video)
        device = self.device(call, "control", "video")
        stream = call.number("stream", 1, lowest=1, highest=2)
        given = {
            "FrameSize": body.frame_size,
            "FrameRate": body.frame_rate,
            "RateType": body.rate_type,
            "BitRate": body.bit_rate,
            "AudioInput": None if body.audio is None else int(body.audio),
        }
        values = {name: value for name, value in given.items() if value is not None}
        if not values:
            raise Refused("bad_request", "nothing to set")
        await self.platform.commands.set_video(str(device["id"]), self.channel(call, device), stream, values)

    async def reboot(self, call: Call) -> dict[str, Any]:
        """Restart the device: its owner or an operator."""
        await self.platform.commands.reboot(str(self.device(call, "reboot", "reboot")["id"]))
        return {}

    async def format(self, call: Call) -> dict[str, Any]:
        """Format the disk of the device: its owner only."""
        await self.platform.commands.format_disk(str(self.device(call, "own", "format")["id"]))
        return {}

    async def storage(self, call: Call) -> dict[str, Any]:
        """The disks of the device, MB."""
        call.known()
        device = self.platform.rights.check(call.user, call.part("terminal"), "view")
        total, free = await self.platform.commands.disk(str(device["id"]))
        return {"total": total, "free": free}

    async def alarm_switch(self, call: Call) -> dict[str, Any]:
        """Whether the device reports a kind of alarm at all."""
        call.known("channel", "type")
        device = self.platform.rights.check(call.user, call.part("terminal"), "alarm")
        kind = call.number("type", 1, lowest=1, highest=4)
        return {"armed": await self.platform.commands.alarm_armed(str(device["id"]), self.channel(call, device), kind)}

    async def set_alarm_switch(self, call: Call) -> None:
        """Let the device report it, or not."""
        call.known("channel", "type")
        body = call.body(Switch)
        device = self.device(call, "own", "alarm-switch")
        kind = call.number("type", 1, lowest=1, highest=4)
        channel = self.channel(call, device)
        await self.platform.commands.set_alarm(str(device["id"]), channel, kind, armed=body.armed)

    # windows of a week

    @staticmethod
    def windows(call: Call) -> list[tuple[int, int, int]]:
        """The windows of the body: none empty, none over another. Raises Refused."""
        found = sorted((w.week, minutes(w.start), minutes(w.end)) for w in call.body(Windows).items)
        for before, after in zip([(0, 0, 0), *found], found, strict=False):
            if after[1] >= after[2] or (before[0] == after[0] and before[2] > after[1]):
                raise Refused("bad_request", "items")
        return found

    @staticmethod
    def shown(rows: list[Row]) -> dict[str, Any]:
        """Windows as an answer."""
        items = [{"week": r["week"], "start": clock_text(r["start"]), "end": clock_text(r["end"])} for r in rows]
        return {"items": items}

    async def record_plan(self, call: Call) -> dict[str, Any]:
        """When the platform records to the cloud."""
        call.known("channel")
        device = self.platform.rights.check(call.user, call.part("terminal"), "playback")
        return self.shown(self.platform.recorder.plan(str(device["id"]), self.channel(call, device)))

    async def set_record_plan(self, call: Call) -> None:
        """Replace it."""
        call.known("channel")
        device = self.device(call, "own", "record-plan")
        self.platform.recorder.set_plan(str(device["id"]), self.channel(call, device), self.windows(call))

    async def arming(self, call: Call) -> dict[str, Any]:
        """When alarms of a kind are wanted."""
        call.known("channel", "type")
        device = self.platform.rights.check(call.user, call.part("terminal"), "alarm")
        kind = call.number("type", 1, lowest=1, highest=4)
        return self.shown(self.platform.alarms.schedule(str(device["id"]), self.channel(call, device), kind))

    async def set_arming(self, call: Call) -> None:
        """Replace it; no window at all: always."""
        call.known("channel", "type")
        device = self.device(call, "own", "arming")
        kind = call.number("type", 1, lowest=1, highest=4)
        windows = self.windows(call)
        self.platform.alarms.set_schedule(str(device["id"]), self.channel(call, device), kind, windows)

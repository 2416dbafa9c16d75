"""Operations on live view and past video."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from simulators.platform.client_call import Body, Call, moment_of
from simulators.platform.clock import CHINA
from simulators.platform.database import Row
from simulators.platform.refused import Refused
from simulators.platform.tokens import Grant

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

LONGEST_SEARCH = 31 * 86400.0
PER_DEVICE_PAGE = 10
Channel = Annotated[int, msgspec.Meta(ge=0, le=255)]
FileName = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z_.-]{1,64}$")]


class Watch(Body, frozen=True):
    """POST /terminals/{terminal}/play."""

    channel: Channel = 0
    stream: Literal[1, 2] = 1


class Replay(Body, frozen=True):
    """POST /terminals/{terminal}/playback: ``start`` and ``end`` in the cloud, or a ``file`` of the device."""

    channel: Channel = 0
    start: str | None = None
    end: str | None = None
    file: FileName | None = None


class WatchingOperations:
    """Addresses to play, and what there is to play."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def device(self, call: Call, right: str, channel: int) -> Row:
        """The device and whether it has that channel. Raises Refused."""
        device = self.platform.rights.check(call.user, call.part("terminal"), right)
        if channel >= device["channels"]:
            raise Refused("bad_request", "channel")
        return device

    async def play(self, call: Call) -> dict[str, Any]:
        """Every way to the live stream; each RTSP address has a token of its own."""
        body = call.body(Watch)
        device = self.device(call, "view", body.channel)
        dev_id = str(device["id"])
        if not self.platform.presence.online(dev_id):
            raise Refused("device_offline")
        grant = Grant(call.who, dev_id, str(body.channel), str(body.stream), "live", call.session)
        query = f"devid={dev_id}&channelno={body.channel}&streamtype={body.stream}"
        found = self.addresses(dev_id, query, grant)
        play = self.platform.plays.open("live", call.who, call.session, dev_id, body.channel, stream=body.stream)
        http = {"hls": self.signed(play, "index.m3u8"), "flv": self.signed(play, "stream.flv")}
        until = self.platform.clock.text(self.platform.clock.now() + self.platform.tokens.life)
        http_until = self.platform.clock.text(self.platform.plays.expires())
        self.platform.audit.note(call.who, "play", dev_id, detail=str(body.channel), address=call.address)
        return {**found, **http, "streamType": body.stream, "expiresAt": until, "httpExpiresAt": http_until}

    def signed(self, play: Any, name: str) -> str:
        """The address of one file of a play over HTTP."""
        return self.platform.media.url + self.platform.plays.sign(play, name)

    def addresses(self, dev_id: str, query: str, grant: Grant) -> dict[str, str]:
        """RTSP addresses by path; empty where the device told none."""
        link = self.platform.presence.link(dev_id)
        if link is None:
            raise Refused("device_offline")
        told = link.beat or link.login
        assert told is not None
        ways = {
            "local": ("LocalIP", "RtspLocalPort"),
            "direct": ("UpnpIP", "RtspUpnpPort"),
            "relay": ("TurnRelayIP", "RtspTurnRelayPort"),
        }
        found = {}
        for way, (host, port) in ways.items():
            usable = told.get(host) and told.integer(port, 0)
            token = self.platform.tokens.issue(grant)[0] if usable else ""
            address = f"rtsp://{told.get(host)}:{told.integer(port, 0)}/realplay?{query}&hashtoken={token}"
            found[way] = address if usable else ""
        return found

    async def history(self, call: Call) -> dict[str, Any]:
        """Past video of one channel, in the cloud or on the device."""
        call.known("channel", "start", "end", "store", "page", "size")
        channel = call.number("channel", 0)
        device = self.device(call, "playback", channel)
        start, end = self.span(call.moment("start"), call.moment("end"))
        store = call.request.query.get("store", "cloud")
        if store == "device":
            return await self._on_device(call, device, channel, start, end)
        if store != "cloud":
            raise Refused("bad_request", "store")
        size, offset = call.page()
        found = self.platform.recorder.search(device, channel, start, end)
        return call.paged([self.shown(row) for row in found[offset : offset + size]], len(found))

    @staticmethod
    def span(start: float, end: float) -> tuple[float, float]:
        """A span of time that can be searched. Raises Refused."""
        if not 0 < end - start <= LONGEST_SEARCH:
            raise Refused("bad_request", "start, end")
        return start, end

    def shown(self, row: Row) -> dict[str, Any]:
        """A recording as an answer."""
        text = self.platform.clock.text
        return {
            "id": row["id"],
            "channel": row["channel"],
            "start": text(row["start"]),
            "end": text(row["end"]),
            "size": row["size"],
            "event": row["event"],
            "store": "cloud",
        }

    async def _on_device(self, call: Call, device: Row, channel: int, start: float, end: float) -> dict[str, Any]:
        first, last = (dt.datetime.fromtimestamp(at, CHINA).strftime("%Y%m%d%H%M") for at in (start, end))
        size, offset = call.page()
        files: list[dict[str, Any]] = []
        total, page = 0, offset // PER_DEVICE_PAGE + 1
        while len(files) < size + offset % PER_DEVICE_PAGE:
            found, total = await self.platform.commands.files(str(device["id"]), channel, first, last, page)
            files += found
            page += 1
            if len(found) < PER_DEVICE_PAGE:
                break
        begin = offset % PER_DEVICE_PAGE
        shown = [self._shown_file(channel, file) for file in files[begin : begin + size]]
        return call.paged(shown, total)

    def _shown_file(self, channel: int, file: dict[str, Any]) -> dict[str, Any]:
        start, end = (
            dt.datetime.strptime(file[name], "%Y%m%d%H%M%S").replace(tzinfo=CHINA).timestamp()
            for name in ("start", "end")
        )
        text = self.platform.clock.text
        times = {"start": text(start), "end": text(end)}
        return {"id": file["name"], "channel": channel, **times, "size": file["size"], "event": "", "store": "device"}

    async def playback(self, call: Call) -> dict[str, Any]:
        """The address of past video."""
        body = call.body(Replay)
        device = self.device(call, "playback", body.channel)
        dev_id = str(device["id"])
        self.platform.audit.note(call.who, "playback", dev_id, detail=str(body.channel), address=call.address)
        if body.file is not None and body.start is None and body.end is None:
            grant = Grant(call.who, dev_id, str(body.channel), body.file, "playback", call.session)
            query = f"devid={dev_id}&channelno={body.channel}&filename={body.file}"
            until = self.platform.clock.text(self.platform.clock.now() + self.platform.tokens.life)
            return {**self.addresses(dev_id, query, grant), "expiresAt": until}
        if body.file is not None or body.start is None or body.end is None:
            raise Refused("bad_request", "start and end, or file")
        start, end = self.span(moment_of(body.start, "start"), moment_of(body.end, "end"))
        if not self.platform.recorder.search(device, body.channel, start, end):
            raise Refused("not_found", "recordings")
        return self.replay(call, dev_id, body.channel, start, end)

    def replay(self, call: Call, dev_id: str, channel: int, start: float, end: float) -> dict[str, Any]:
        """A play of what is in the cloud."""
        play = self.platform.plays.open("record", call.who, call.session, dev_id, channel, since=start, until=end)
        until = self.platform.clock.text(self.platform.plays.expires())
        return {"hls": self.signed(play, "index.m3u8"), "expiresAt": until}

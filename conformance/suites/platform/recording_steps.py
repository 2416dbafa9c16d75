"""Steps that the suites of recordings share: a device whose pictures are recorded, the truth about them, playback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from conformance.media.burned_in_label import BurnedInLabel
from conformance.model.checks import Checks, say
from conformance.peers.http_connection import Endpoint
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_media import DeviceMedia
from conformance.peers.platform.http_play import segment_pictures, target_of
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import Reply
from conformance.peers.streams.hls_player import FetchedSegment, HlsPlayer
from conformance.peers.streams.http_fetcher import Fetcher
from conformance.plugin.fixtures import Limits
from conformance.protocols.hls import Segment
from conformance.suites.platform.alarm_steps import moment, rfc3339
from conformance.suites.platform.client_steps import good
from conformance.suites.platform.device_steps import a_device, online

WEEK = range(1, 8)
ALWAYS = [{"week": week, "start": "00:00", "end": "24:00"} for week in WEEK]
ALL = 100
MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class Span:
    """Unix seconds."""

    start: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.start

    def later(self, seconds: float) -> Span:
        """The same on a clock that is ahead."""
        return Span(self.start + seconds, self.end + seconds)

    @property
    def query(self) -> dict[str, str]:
        """As a search or a playback names it."""
        return {"start": rfc3339(self.start), "end": rfc3339(self.end)}


def span_of(item: dict[str, Any]) -> Span | None:
    """From when to when an entry of the history says it is; None where it does not say it."""
    start, end = moment(item.get("start")), moment(item.get("end"))
    return None if start is None or end is None else Span(start, end)


def runs(spans: Iterable[Span], apart: float) -> list[Span]:
    """Spans that touch, or lie less than ``apart`` seconds from each other, as one; in order of time."""
    found: list[Span] = []
    for span in sorted(spans, key=lambda one: one.start):
        if found and span.start - found[-1].end < apart:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


class Scene:
    """A device of the phone's user, with media, that the platform records by plan. ``ahead``: seconds that the clock of
    the platform is before that of the bench."""

    def __init__(self, platform: PlatformBench, owner: Phone, media: DeviceMedia, ahead: float) -> None:
        self.platform, self.owner, self.media, self.ahead = platform, owner, media, ahead
        self.wire = platform.wire
        self.dev_id = media.device.identity.dev_id

    async def plan(self, windows: list[dict[str, Any]]) -> Reply:
        """Set the record plan of channel 0."""
        return await self.owner.call("setRecordPlan", {"items": windows}, query={"channel": 0}, terminal=self.dev_id)

    async def fetched(self, within: float, look: float) -> bool:
        """Whether the platform gets pictures, waited for."""
        begun = self.wire.now()
        while not self.recording and self.wire.now() - begun < within:
            await self.wire.sleep(look)
        return self.recording

    @property
    def recording(self) -> bool:
        """Whether somebody gets pictures now."""
        return any(viewer.pictures for viewer in self.media.playing)

    async def begun(self, check: Checks, within: float, look: float) -> bool:
        """A control leg: the platform fetches pictures."""
        expected = say("平台按计划取得图像", "the platform fetches pictures as planned")
        return check.control(await self.fetched(within, look), expected)

    async def idle(self, within: float, look: float) -> bool:
        """Whether nobody gets pictures any more, waited for."""
        begun = self.wire.now()
        while self.media.playing and self.wire.now() - begun < within:
            await self.wire.sleep(look)
        return not self.media.playing

    @property
    def truth(self) -> list[Span]:
        """When pictures were sent, by the clock of the bench, one span for each viewer."""
        return [Span(v.first_at, v.last_at) for v in self.media.viewers if v.pictures]

    async def search(self, span: Span, **query: Any) -> list[dict[str, Any]]:
        """The clips of a span, by the clock of the platform."""
        reply = await self.history(span, size=ALL, **query)
        return [item for item in reply.items if isinstance(item, dict)]

    async def history(self, span: Span, phone: Phone | None = None, **query: Any) -> Reply:
        """The search of a phone, the owner's own without another."""
        return await (phone or self.owner).call(
            "history", query={"channel": 0, **span.query, **query}, terminal=self.dev_id
        )

    async def found(self, span: Span, seconds: float, within: float, look: float) -> list[dict[str, Any]]:
        """The clips of a span, waited for until they last that many seconds together."""
        begun = self.wire.now()
        while True:
            clips = await self.search(span)
            spans = [one for one in map(span_of, clips) if one is not None]
            if sum(one.seconds for one in spans) >= seconds or self.wire.now() - begun > within:
                return clips
            await self.wire.sleep(look)

    async def piece(self, check: Checks, limit: Limits) -> Span | None:
        """A control leg: one piece is recorded by plan and found. From when to when it says it is, None where there is
        none. ``limit`` has begin, length, listed, look."""
        look, begun = limit.look.seconds, await self.platform.platform_now()
        if not good(check, await self.plan(ALWAYS), "setRecordPlan") or not await self.begun(
            check, limit.begin.seconds, look
        ):
            return None
        await self.wire.sleep(limit.length.seconds)
        good(check, await self.plan([]), "setRecordPlan []")
        await self.idle(limit.begin.seconds, look)
        whole = Span(begun, await self.platform.platform_now() + 1.0)
        clips = await self.found(whole, limit.length.seconds / 2, limit.listed.seconds, look)
        spans = [one for one in map(span_of, clips) if one is not None]
        check.control(bool(spans), say("检索到所录的一段", "the piece is found"))
        return Span(min(one.start for one in spans), max(one.end for one in spans)) if spans else None

    async def playback(self, span: Span, phone: Phone | None = None) -> Reply:
        """The address of what is recorded."""
        body = {"channel": 0, **span.query}
        return await (phone or self.owner).call("playback", body, terminal=self.dev_id)


@asynccontextmanager
async def recorded_device(
    platform: PlatformBench, owner: Phone, check: Checks, *requirements: str, other: DevicePeer | None = None
) -> AsyncIterator[Scene | None]:
    """A camera with media that is online and has no plan; None where there is none. The plan is emptied afterwards.
    ``other``: a device of the phone's user that is not declared so."""
    device = other or a_device(platform, check, *requirements, owner=owner.user.name if owner.user else "")
    if device is None:
        yield None
        return
    media = await DeviceMedia(device).start()
    try:
        ahead = await platform.platform_now() - platform.wire.epoch()
        scene = Scene(platform, owner, media, ahead)
        if not await online(platform, check, device) or not good(check, await scene.plan([]), "setRecordPlan []"):
            yield None
            return
        yield scene
        await scene.plan([])
    finally:
        media.stop()


@dataclass(slots=True)
class Shown:
    """What a playback shows. ``status``: HTTP status of the playlist; ``clips``: its segments, each with the labels of
    its pictures; ``media``: bytes of media that were given out; ``failures``: what could not be had; ``targets``: what
    was asked for."""

    status: int
    clips: list[tuple[Segment, list[BurnedInLabel]]] = field(default_factory=list)
    media: int = 0
    failures: list[str] = field(default_factory=list)
    targets: list[str] = field(default_factory=list)

    @property
    def labels(self) -> list[BurnedInLabel]:
        """Every label, in the order of the playlist."""
        return [label for _, labels in self.clips for label in labels]


def player_of(phone: Phone, url: str) -> HlsPlayer:
    """A player for an address that the platform gave."""
    fetcher = Fetcher(phone.wire, Endpoint.of(url, phone.endpoint.ca_file), phone.connections.limits, "playback")
    return HlsPlayer(fetcher, target_of(url))


async def fetched(phone: Phone, url: str, targets: Sequence[str]) -> tuple[list[int], int]:
    """The HTTP statuses of targets of the server of an address, and the bytes of media that came with them."""
    fetcher = player_of(phone, url).fetcher
    try:
        found = [await fetcher.get(target) for target in targets]
    finally:
        fetcher.close()
    return [one.status for one in found], sum(one.media for one in found)


async def watched(phone: Phone, url: str, most: int = ALL) -> Shown:
    """Fetch a playback over HLS, at most ``most`` segments, and read the labels."""
    player = player_of(phone, url)
    try:
        loaded = await player.load()
        shown = Shown(loaded.fetched.status, media=loaded.fetched.media)
        for segment in loaded.playlist.segments[:most] if loaded.playlist else ():
            fetched = await player.segment(segment)
            shown.targets.append(fetched.target)
            shown.media += fetched.fetched.media
            if fetched.stream is None:
                shown.failures.append(f"{segment.uri}: {fetched.error or fetched.fetched.summary}")
                continue
            labels = await phone.wire.compute("labels", partial(labels_of, fetched))
            shown.clips.append((segment, labels))
        return shown
    finally:
        player.fetcher.close()


async def newest(phone: Phone, url: str) -> float | None:
    """Unix time in the label of the last picture that a live playlist has; None where none can be read."""
    player = player_of(phone, url)
    try:
        loaded = await player.load()
        if loaded.playlist is None or not loaded.playlist.segments:
            return None
        found = await player.segment(loaded.playlist.segments[-1])
    finally:
        player.fetcher.close()
    if found.stream is None:
        return None
    labels = await phone.wire.compute("labels", partial(labels_of, found))
    return labels[-1].time_ms / MILLISECONDS if labels else None


def labels_of(segment: FetchedSegment) -> list[BurnedInLabel]:
    """The labels of pictures that can be read."""
    return [picture.label for picture in segment_pictures([segment]).pictures if picture.label is not None]

"""Steps with a camera that is watched through the platform's own HTTP streams."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

from conformance.media.burned_in_label import BurnedInLabel, device_code
from conformance.media.decoding import Decoded
from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.device import DevicePeer
from conformance.peers.platform.device_media import HOST, DeviceMedia
from conformance.peers.platform.http_play import HttpPlay
from conformance.peers.platform.phone import Phone
from conformance.peers.streams.hls_player import HlsPlayer
from conformance.suites.platform.client_steps import good
from conformance.suites.platform.device_steps import a_device, online
from specs.model import Limit

SUB = 2
AGAIN = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """Who is seen in pictures: the code of the device, its channel, its stream."""

    device: int
    channel: int
    stream: int

    @classmethod
    def by(cls, label: BurnedInLabel) -> Shown:
        """What a label says."""
        return cls(label.device, label.channel, label.stream)


@contextlib.asynccontextmanager
async def a_live_camera(
    platform: PlatformBench, owner: Phone, check: Checks, *requirements: str, ways: bool = False
) -> AsyncIterator[DevicePeer | None]:
    """A camera of the phone's user that sends pictures, online; None where the declaration has none. ``ways``: it tells
    a mapped and a relay address as well, which lead to it."""
    device = a_device(platform, check, *requirements, owner=owner.user.name if owner.user else "")
    if device is None:
        yield None
        return
    media = await DeviceMedia(device).start()
    if ways:
        way = (HOST, device.identity.port)
        device.identity = device.identity.but(outside=way, relay=way)
    try:
        yield device if await online(platform, check, device) else None
    finally:
        media.stop()


@contextlib.asynccontextmanager
async def watching(
    platform: PlatformBench, phone: Phone, check: Checks, device: DevicePeer, stream: int = SUB
) -> AsyncIterator[HttpPlay | None]:
    """A live play of the device over HTTP; None, and the control leg gone, where none is given."""
    reply = await phone.call("play", {"channel": 0, "stream": stream}, terminal=device.identity.dev_id)
    play = HttpPlay(phone, reply, platform.limits)
    try:
        yield play if good(check, reply, "play") else None
    finally:
        play.close()


@contextlib.asynccontextmanager
async def a_watched_camera(
    platform: PlatformBench, owner: Phone, check: Checks, *requirements: str
) -> AsyncIterator[tuple[DevicePeer | None, HttpPlay | None]]:
    """A camera that sends pictures, and a play of it by its owner; None for what there is not."""
    async with a_live_camera(platform, owner, check, *requirements) as device:
        if device is None:
            yield None, None
            return
        async with watching(platform, owner, check, device) as play:
            yield device, play


async def playlist_of(play: HttpPlay, within: Limit, count: int = 1) -> HlsPlayer:
    """A player that has loaded a playlist with so many segments, or has tried for ``within``: a platform fetches the
    stream first, and may begin its list with less than it will hold."""
    player, wire = play.hls_player(), play.phone.wire
    until = wire.now() + within.seconds
    while (playlist := (await player.load()).playlist) is None or len(playlist.segments) < count:
        unreadable = player.loads[-1].error is not None
        if wire.now() > until or unreadable or (playlist is not None and playlist.ended):
            break
        await wire.sleep(AGAIN)
    return player


def shown(decoded: Decoded) -> list[Shown]:
    """Who is seen, each once, in the order of appearance."""
    return list(dict.fromkeys(Shown.by(picture.label) for picture in decoded.pictures if picture.label))


def expected(device: DevicePeer, stream: int = SUB) -> list[Shown]:
    """Who is to be seen in a play of the device."""
    return [Shown(device_code(device.identity.dev_id), 0, stream)]


def without_http(check: Checks, requirement: str, form: str) -> None:
    """The platform gives no address of that form."""
    check.not_applicable(requirement, say(f"播放应答未给出 {form} 地址", f"the play answer has no {form} address"))

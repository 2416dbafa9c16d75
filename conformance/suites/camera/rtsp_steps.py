"""Steps that the RTSP suites share: odd requests, statuses instead of exceptions, plays one by one or at once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.player import Lower, Player, PlayRefused
from conformance.peers.players import Players
from conformance.peers.rtsp_client import RtspClient
from conformance.plugin.fixtures import Limits
from conformance.protocols.rtsp import malformed
from conformance.suites.camera.observed_play import UNSUPPORTED_TRANSPORT

OK, BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND = 200, 400, 401, 403, 404
NOT_ALLOWED, NOT_ACCEPTABLE, NO_SESSION, BAD_STATE = 405, 406, 454, 455
NOT_IMPLEMENTED, NO_VERSION, NO_OPTION = 501, 505, 551
SDP = {"Accept": "application/sdp"}


async def status_of(client: RtspClient, within: float | None = None) -> int | str:
    """Status of the next response, or what came in its place."""
    try:
        return (await client.response(within)).status
    except DeviceFault as fault:
        return str(fault)


async def raw_status(players: Players, start: bytes, lines: tuple[bytes, ...], line_end: bytes = b"\r\n") -> int | str:
    """Status that a request of exactly these lines gets on a connection of its own."""
    one = await players().connect()
    one.client.send(malformed(start, lines, line_end=line_end))
    status = await status_of(one.client)
    await one.close()
    return status


async def described(players: Players, check: Checks) -> Player | None:
    """A player that has described the stream; None (and a failed control leg) without a video track."""
    one = await players().connect()
    await one.describe()
    if one.video is None:
        check.control(False, say("没有视频轨", "there is no video track"))
        return None
    return one


async def playing(players: Players, check: Checks, limits: Limits, lower: Lower = "tcp") -> Player | None:
    """A player that receives video; over UDP when TCP is answered with 461. None (and a failed control leg) without."""
    one = players()
    try:
        await one.start(lower)
    except PlayRefused as refusal:
        if lower == "udp" or refusal.method != "SETUP" or refusal.answer.status != UNSUPPORTED_TRANSPORT:
            raise
        one = players()
        await one.start("udp")
    first = limits("IF-MED-01").first_packet_within
    plays = one.video is not None and await one.wait_packets(one.video, 1, first.seconds + first.uncertainty)
    check.control(plays, say("播放后有媒体", "media come after PLAY"))
    return one if plays else None


async def goes_on(player: Player, within: float) -> bool:
    """Whether further video comes."""
    track = player.video
    return track is not None and await player.wait_packets(track, len(track.rtp) + 1, within)


async def together(players: Players, *legs: Coroutine[Any, Any, None]) -> None:
    """All legs at once where the device declares that many viewers, else one after the other."""
    declared = players.bench.loaded.features.get("max_viewers")
    if isinstance(declared, int) and declared >= len(legs):
        await asyncio.gather(*legs)
        return
    for leg in legs:
        await leg

"""Steps that the tests of reboot and upgrade share: coming back, playing again."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.suites.camera.registration_steps import longest
from conformance.suites.camera.signalling_steps import parameters
from specs.model import SECONDS, Limit

STAYS = say("设备保持在线，不重启", "the device stays online and does not restart")
FIRST_FRAME = say("首个可解码关键帧的等待时间", "wait for the first decodable key frame")


def in_unit(limit: Limit, seconds: float) -> float:
    """Seconds as a measurement in the unit of a time limit."""
    return seconds / SECONDS[limit.unit]


async def reported_at(province: Province, since: float, limit: Limit) -> float | None:
    """When the first ability report after ``since`` came; None when it does not within the limit.

    ``limit`` counts from ``since``, both on the wire clock, which stands still between events.
    """
    rest = since + longest(limit) - province.wire.now()

    def reports() -> list[float]:
        return [received.at for received in province.messages("ABILITYUP", since=since) if received.at > since]

    if not reports():
        try:
            await province.next("ABILITYUP", within=max(0.0, rest))
        except DeviceFault:
            return None
    return reports()[0]


async def watched(players: Players, check: Checks, limit: Limit) -> Player | None:
    """Control leg: somebody watches live video and goes on watching. None, noted as control, when nothing plays."""
    player = players()
    try:
        await parameters(players.bench.province)
        await player.start(kinds=("video",))
    except DeviceFault as fault:
        check.control(False, fault.text)
        return None
    track = player.video
    held = track is not None and await player.wait_packets(track, 1, longest(limit))
    return player if check.control(held, say("有效令牌可以播放", "a good token plays")) else None


async def plays_in_time(players: Players, check: Checks, requirement: str, limit: Limit) -> bool:
    """Judge that live video plays: a key frame that a decoder can begin with comes within the limit of PLAY.

    A query goes first: once it is answered, the device has read the answer to its ability report.
    """
    player = players()
    try:
        await parameters(players.bench.province)
        await player.start(kinds=("video",))
    except DeviceFault as fault:
        return check.fail(requirement, say("可以播放实时视频", "live video plays"), fault.text)
    track = player.video
    at = None if track is None else await player.wait_idr(track, longest(limit))
    await player.close()
    if at is None:
        return check.fail(requirement, say("可解码关键帧", "a decodable key frame"), f"{player.media_packets} packets")
    return check.within(requirement, at - player.played_at, limit, FIRST_FRAME)

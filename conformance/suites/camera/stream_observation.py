"""One play of the stream, watched once a run, of which many requirements are judged.

A device that never plays gives no observation: everything judged of it is then INCONCLUSIVE, never PASS.
"""

from __future__ import annotations

from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.rtsp_client import Answer
from conformance.protocols.sdp_values import SessionDescription
from conformance.protocols.violation import CodecError
from specs.model import Limit, Text


@dataclass(frozen=True, slots=True)
class Observation:
    """A stream that played. ``body``: the SDP as received; ``end``: wire time at which watching ended."""

    player: Player
    description: SessionDescription
    video: Track
    play: Answer
    end: float


_KEPT: dict[int, Observation | Text] = {}


async def observation(players: Players, check: Checks, window: Limit) -> Observation | None:
    """The observation of this run, made by the first test that asks; None (and a failed control leg) without media."""
    key = id(players.bench)
    if key not in _KEPT:
        _KEPT[key] = await _observe(players, window)
    found = _KEPT[key]
    if isinstance(found, Text):
        check.control(False, found)
        return None
    check.control(True, say("码流可以播放", "the stream plays"))
    return found


async def _observe(players: Players, window: Limit) -> Observation | Text:
    player = players()
    try:
        await player.start()
        track = player.video
        if track is None or player.description is None or player.play_answer is None:
            return say("没有视频轨", "there is no video track")
        if not await player.wait_packets(track, 1, window.seconds + 5):
            return say("播放后没有媒体包", "no media packet after PLAY")
        await player.watch(max(window.seconds, MINIMUM_WATCH))
    except DeviceFault as fault:
        return fault.text
    except CodecError as error:
        return say(f"应答无法解析: {error}", f"an answer cannot be read: {error}")
    end = players.bench.wire.now()
    await player.teardown()
    return Observation(player, player.description, track, player.play_answer, end)


MINIMUM_WATCH = 2.0


async def stream_plays(players: Players, check: Checks, window: Limit) -> bool:
    """Control leg for tests of errors and refusals: this device plays at all."""
    return await observation(players, check, window) is not None

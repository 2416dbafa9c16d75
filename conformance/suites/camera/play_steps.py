"""Steps that many play tests share: the control leg, attempts that must be refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.player import Attempt, Lower, Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from specs.declaration import LoadedDeclaration

REFUSED = say("应答错误状态且没有任何媒体包", "an error status and not one media packet")


async def plays(player: Player, check: Checks, within: float, lower: Lower = "tcp") -> bool:
    """Control leg: media comes. Leaves the player playing."""
    await player.start(lower, kinds=("video",))
    track = player.video
    held = track is not None and await player.wait_packets(track, 1, within)
    return check.control(held, say("有效令牌可以播放", "a good token plays"))


async def control_leg(players: Players, check: Checks, limits: Limits, requirement: str, step: str = "s1") -> None:
    """Play with a fresh good token and stop again."""
    check.step(step)
    player = players()
    await plays(player, check, limits(requirement).media_within.seconds)
    await player.close()


async def refused(
    player: Player, check: Checks, requirement: str, window: float, about: Any = "", lower: Lower = "tcp"
) -> Attempt:
    """Try to play what must be refused, and judge it."""
    attempt = await player.attempt(window, lower)
    check.true(requirement, attempt.refused, REFUSED, attempt, about)
    await player.close()
    return attempt


async def silent_or_refused(player: Player, check: Checks, requirement: str, window: float, about: Any = "") -> Attempt:
    """Like ``refused``, where closing the connection is as good as an error status."""
    attempt = await player.attempt(window)
    expected = say("没有任何媒体包", "not one media packet")
    check.true(requirement, attempt.packets == 0, expected, attempt, about)
    await player.close()
    return attempt


def token_of(player: Player) -> str:
    """The token at the end of a player's URL."""
    return player.url.rpartition("=")[2]


def transport_declared(declaration: LoadedDeclaration, lower: Lower, check: Checks, requirement: str) -> bool:
    """Whether the device has this transport; where it declares that it has not, the check is not applicable."""
    name = "udp" if lower == "udp" else "tcp_interleaved"
    if declaration.features.get(name) is False:
        check.not_applicable(requirement, say(f"设备未声明 {name}", f"the device does not declare {name}"))
        return False
    return True


async def all_refused(
    forms: Mapping[str, Player], check: Checks, requirement: str, window: float, lower: Lower = "tcp"
) -> None:
    """Try all of them at the same time; each must be refused with an error status and no media packet."""
    attempts = await asyncio.gather(*(player.attempt(window, lower) for player in forms.values()))
    for form, attempt in zip(forms, attempts, strict=True):
        check.true(requirement, attempt.refused, REFUSED, attempt, form)


async def none_plays(forms: Mapping[str, Player], check: Checks, requirement: str, window: float) -> None:
    """Try all of them at the same time; none may get a media packet, however it is turned away."""
    attempts = await asyncio.gather(*(player.attempt(window) for player in forms.values()))
    expected = say("没有任何媒体包", "not one media packet")
    for form, attempt in zip(forms, attempts, strict=True):
        check.true(requirement, attempt.packets == 0, expected, attempt, form)


async def judge_bare_play(
    player: Player, track_url: str, session: str, check: Checks, requirement: str, window: float, *, before: int = 0
) -> None:
    """SETUP and PLAY without a verified DESCRIBE: no media beyond the ``before`` packets already there."""
    headers = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
    answer = await player.request("SETUP", track_url, headers, session=False)
    if answer.status == 200:
        session = answer.response.headers.get("Session").partition(";")[0]
    play = await player.request("PLAY", player.url, {"Session": session} if session else {}, session=False)
    await player.watch(window)
    held = player.media_packets <= before
    observed = f"SETUP {answer.status}, PLAY {play.status}, {player.media_packets - before} media packets"
    check.true(requirement, held, say("没有任何媒体包", "not one media packet"), observed)

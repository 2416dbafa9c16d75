"""IF-RTSP-41 and 42: how long a session lives, with and without requests."""

from __future__ import annotations

import asyncio

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_headers import parse_session
from conformance.suites.camera.observed_play import stream_plays
from conformance.suites.camera.rtsp_steps import OK, goes_on, playing
from specs.model import Limit, Text


@verifies("IF-RTSP-41", "IF-RTSP-42")
async def test_life_of_a_session(player: Players, check: Checks, limits: Limits) -> None:
    """Kept alive it lives on; left alone it lives as long as it was promised."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    udp = player.bench.loaded.features.get("udp") is not False
    kept = await playing(player, check, limits, "udp" if udp else "tcp")
    left = await playing(player, check, limits, "udp") if udp else None
    if kept is None:
        return
    check.step("s2")
    legs = [_kept(kept, check, limits)]
    if left is not None:
        legs.append(_left_alone(left, check, limits))
    await asyncio.gather(*legs)


def _lifetime(one: Player, default: Limit) -> float:
    """Seconds that the answer to SETUP promised; the default of the spec where it named none."""
    promised = parse_session(one.session_header).timeout
    return default.seconds if promised is None else promised


async def _kept(one: Player, check: Checks, limits: Limits) -> None:
    limit = limits("IF-RTSP-41")
    life = _lifetime(one, limit.default_timeout)
    method = "GET_PARAMETER" if await _pings(one) else "OPTIONS"
    until = one.played_at + life * limit.watch.number
    while (rest := until - one.now()) > 0:
        await one.watch(min(rest, life * limit.keepalive_share.number))
        try:
            await one.request(method, one.aggregate)
        except DeviceFault as fault:
            check.fail("IF-RTSP-41", say(f"对 {method} 的应答", f"an answer to {method}"), fault.text)
            return
    check.step("s3")
    await _still_there(one, check, "IF-RTSP-41", say(f"{life:g} s 会话，以 {method} 保活", f"{life:g} s, by {method}"))


async def _pings(one: Player) -> bool:
    try:
        return (await one.request("GET_PARAMETER", one.aggregate)).status == OK
    except DeviceFault:
        return False


async def _left_alone(one: Player, check: Checks, limits: Limits) -> None:
    limit = limits("IF-RTSP-42")
    life = _lifetime(one, limit.default_timeout)
    await one.watch(life * limit.idle_share.number - (one.now() - one.played_at))
    await _still_there(one, check, "IF-RTSP-42", say(f"{life:g} s 会话，无请求", f"{life:g} s, no requests"))


async def _still_there(one: Player, check: Checks, requirement: str, about: Text) -> None:
    on = await goes_on(one, one.answer_wait)
    try:
        status: int | str = (await one.request("OPTIONS", one.aggregate)).status
    except DeviceFault as fault:
        status = str(fault)
    expected = say("媒体仍在发送，会话仍有效", "media still flow and the session is good")
    observed = say(f"媒体: {on}，OPTIONS {status}", f"media: {on}, OPTIONS {status}")
    check.true(requirement, on and status == OK, expected, observed, about)

"""IF-RTSP-45 to 48: digest and basic authentication of RTSP (RFC 2617)."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.rtsp_client import Answer
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_auth import (
    Challenge,
    parse_www_authenticate,
)
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import stream_plays
from conformance.suites.camera.rtsp_steps import NO_SESSION, OK, SDP, UNAUTHORIZED, described
from specs.declaration import LoadedDeclaration

OPEN = say("设备未要求认证", "the device asks for no credentials")
WRONG, INVENTED = "kandian-wrong", "00000000000000000000000000000000"
TRANSPORT = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}


async def bare(one: Player, method: str, uri: str, headers: dict[str, str] | None = None) -> Answer:
    """A request without credentials."""
    return await one.client.request(method, uri, headers)


def challenges_of(answer: Answer) -> list[Challenge]:
    """The challenges of a 401; empty when there is none that can be read."""
    try:
        return parse_www_authenticate(answer.response.headers.all("WWW-Authenticate"))
    except CodecError:
        return []


async def asked(players: Players, check: Checks) -> tuple[Player, Answer] | None:
    """A connection whose DESCRIBE without credentials was answered 401; None, all not applicable, when it was not."""
    one = await players().connect()
    answer = await bare(one, "DESCRIBE", one.url, SDP)
    if answer.status == UNAUTHORIZED:
        return one, answer
    for requirement in check.requirements:
        check.not_applicable(requirement, OPEN)
    return None


@verifies("IF-RTSP-45")
async def test_challenge(player: Players, check: Checks, limits: Limits) -> None:
    """401 with scheme and realm; the right credentials give 200."""
    check.step("s1")
    found = await asked(player, check)
    if found is None:
        return
    one, answer = found
    check.step("s2")
    told = answer.response.headers.all("WWW-Authenticate")
    held = any(challenge.realm is not None for challenge in challenges_of(answer))
    if not check.true("IF-RTSP-45", held, say("方案与 realm", "scheme and realm"), "; ".join(told) or "-"):
        return
    check.equal("IF-RTSP-45", one.media_packets, 0, say("媒体包", "media packets"))
    check.step("s3")
    good = await one.request("DESCRIBE", one.url, SDP)
    check.control(good.status == OK, say(f"正确凭据得到 {good.status}", f"right credentials get {good.status}"))


@verifies("IF-RTSP-46", "IF-RTSP-47")
async def test_digest(player: Players, check: Checks, limits: Limits, declaration: LoadedDeclaration) -> None:
    """Only the right response passes; nonces of different connections differ."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    found = await asked(player, check)
    if found is None:
        return
    one, answer = found
    challenge = next((c for c in challenges_of(answer) if c.is_digest), None)
    if challenge is None:
        for requirement in check.requirements:
            check.not_applicable(requirement, say("设备不使用摘要认证", "the device does not use digest"))
        return
    complete = bool(challenge.realm and challenge.nonce)
    check.true("IF-RTSP-46", complete, "realm, nonce", f"{challenge.realm!r}, {challenge.nonce!r}")
    check.step("s2")
    media = declaration.declaration.media
    user, password = media.user if media else "", declaration.password
    forms = {
        say("错误口令", "wrong password"): (challenge, user, WRONG),
        say("错误用户", "wrong user"): (challenge, WRONG, password),
        say("虚构的 nonce", "invented nonce"): (replace(challenge, nonce=INVENTED), user, password),
    }
    for about, (used, name, secret) in forms.items():
        status = await _with(one, used, name, secret)
        check.equal("IF-RTSP-46", status, UNAUTHORIZED, about)
    check.step("s3")
    good = await one.request("DESCRIBE", one.url, SDP)
    check.control(good.status == OK, say(f"正确应答得到 {good.status}", f"the right response gets {good.status}"))
    await _nonces(player, check, int(limits("IF-RTSP-47").connections.number))


async def _with(one: Player, challenge: Challenge, user: str, password: str) -> int:
    told = one.authorization(challenge, user, password, "DESCRIBE", one.url, "4b616e6469616e")
    headers = {**SDP, "Authorization": told}
    return (await bare(one, "DESCRIBE", one.url, headers)).status


async def _nonces(players: Players, check: Checks, count: int) -> None:
    nonces = []
    for _ in range(count):
        one = await players().connect()
        answer = await bare(one, "DESCRIBE", one.url, SDP)
        nonces += [challenge.nonce for challenge in challenges_of(answer) if challenge.is_digest]
    differ = len(set(nonces)) == len(nonces)
    check.true("IF-RTSP-47", differ, say("nonce 互不相同", "the nonces differ"), f"{len(set(nonces))} of {len(nonces)}")


@verifies("IF-RTSP-48")
async def test_every_method_is_protected(player: Players, check: Checks, limits: Limits) -> None:
    """SETUP and PLAY without credentials on a new connection."""
    if not await stream_plays(player, check, limits):
        return
    if await asked(player, check) is None:
        return
    check.step("s1")
    known = await described(player, check)
    if known is None or known.video is None:
        return
    check.step("s2")
    one = await player(known.url).connect()
    setup = await bare(one, "SETUP", known.video.control, TRANSPORT)
    statuses = [setup.status]
    if setup.status == OK:
        session = setup.response.headers.get("Session").partition(";")[0]
        statuses.append((await bare(one, "PLAY", known.aggregate, {"Session": session})).status)
    check.step("s3")
    await one.watch(limits("IF-RTSP-48").quiet_window.seconds)
    held = statuses[-1] in (UNAUTHORIZED, NO_SESSION) and one.media_packets == 0
    expected = say("401 或 454，无媒体", "401 or 454, no media")
    check.true("IF-RTSP-48", held, expected, f"{statuses}, {one.media_packets} media packets")

"""IF-RTSP-49 to 51: oversized, malformed and unfinished requests, each followed by a sign of life."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp import malformed
from conformance.suites.camera.observed_play import stream_plays
from conformance.suites.camera.rtsp_steps import OK, goes_on, playing, status_of
from specs.model import Limit

NOISE_BYTES = 512
GOES_ON = say("播放会话继续", "the playing session goes on")


async def alive(players: Players, check: Checks, requirement: str, within: Limit, about: str) -> bool:
    """Whether a new connection is answered in time; judged for the requirement."""
    started = players.bench.wire.now()
    try:
        one = await players().connect()
        answer = await one.request("OPTIONS", one.url)
        await one.close()
    except DeviceFault as fault:
        return check.fail(requirement, say("新连接得到应答", "a new connection is answered"), fault.text, about)
    check.equal(requirement, answer.status, OK, about)
    return check.within(requirement, players.bench.wire.now() - started, within, about)


async def unharmed(one: Player, check: Checks, requirement: str, within: Limit) -> None:
    """Judge that the play which went on beside still does."""
    on = await goes_on(one, within.seconds)
    check.true(requirement, on, GOES_ON, on)


async def fate(one: Player, data: bytes) -> int | str:
    """Send bytes; the status that comes back, or ``closed``, or what was seen instead."""
    one.client.send(data)
    status = await status_of(one.client)
    return "closed" if isinstance(status, str) and not one.client.open_now else status


@verifies("IF-RTSP-49")
async def test_oversized_header(player: Players, check: Checks, limits: Limits) -> None:
    """A header and a URI beyond all measure: answered or closed, and nobody else notices."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-49")
    check.step("s1")
    viewer = await playing(player, check, limits)
    if viewer is None:
        return
    check.step("s2")
    filler = b"a" * int(limit.header_size.number)
    for about, oversized in (("header", True), ("URI", False)):
        one = await player().connect()
        url = one.url.encode()
        line = b"OPTIONS " + (url if oversized else url + b"/" + filler) + b" RTSP/1.0"
        more = (b"CSeq: 1", b"X-Kandian: " + filler) if oversized else (b"CSeq: 1",)
        found = await fate(one, malformed(line, more).raw)
        dealt_with = found == "closed" or isinstance(found, int)
        check.true("IF-RTSP-49", dealt_with, say("应答或关闭连接", "an answer or a close"), found, about)
        await one.close()
        check.step("s3")
        await alive(player, check, "IF-RTSP-49", limit.alive_within, about)
    await unharmed(viewer, check, "IF-RTSP-49", limit.alive_within)


def _malformed(one: Player, noise: bytes) -> dict[str, bytes]:
    url = one.url.encode()
    line = b"OPTIONS " + url + b" RTSP/1.0"
    setup = b"SETUP " + url + b" RTSP/1.0"
    return {
        "noise": noise,
        "cut request": line[: len(line) // 2],
        "Content-Length: -1": malformed(line, (b"CSeq: 1", b"Content-Length: -1")).raw,
        "Content-Length: abc": malformed(line, (b"CSeq: 1", b"Content-Length: abc")).raw,
        "Content-Length: 99999999999999999999": malformed(
            line, (b"CSeq: 1", b"Content-Length: 99999999999999999999")
        ).raw,
        "Transport: ;;;": malformed(setup, (b"CSeq: 1", b"Transport: ;;;")).raw,
        "Transport: client_port=99999999-x": malformed(
            setup, (b"CSeq: 1", b"Transport: RTP/AVP;unicast;client_port=99999999-x")
        ).raw,
        "interleaved noise": b"$\xff\xff\xff" + noise,
    }


@verifies("IF-RTSP-50")
async def test_malformed_input(player: Players, check: Checks, limits: Limits) -> None:
    """Noise and nonsense, each on a connection of its own; then a sign of life."""
    if not await stream_plays(player, check, limits):
        return
    within = limits("IF-RTSP-50").alive_within
    check.step("s1")
    viewer = await playing(player, check, limits)
    if viewer is None:
        return
    noise = player.bench.wire.random.randbytes(NOISE_BYTES)
    for about in _malformed(viewer, noise):
        check.step("s2")
        one = await player().connect()
        one.client.send(_malformed(one, noise)[about])
        one.client.close()
        check.step("s3")
        if not await alive(player, check, "IF-RTSP-50", within, about):
            return
    check.step("s4")
    await unharmed(viewer, check, "IF-RTSP-50", within)


@verifies("IF-RTSP-51")
async def test_unfinished_requests(player: Players, check: Checks, limits: Limits) -> None:
    """Connections that say half a request and no more hold nobody up."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-51")
    check.step("s1")
    idle = []
    for _ in range(int(limit.idle_connections.number)):
        one = await player().connect()
        one.client.send_part(b"OPTIONS " + one.url.encode() + b" RT")
        idle.append(one)
    check.step("s2")
    await alive(player, check, "IF-RTSP-51", limit.answer_within, say("有半个请求的连接时", "while they wait").en)
    check.step("s3")
    for one in idle:
        await one.close()
    await alive(player, check, "IF-RTSP-51", limit.answer_within, say("关闭之后", "after they closed").en)

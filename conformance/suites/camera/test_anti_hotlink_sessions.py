"""IF-AHL-17a to 29: sessions, ports, floods, and what must not leak."""

from __future__ import annotations

import asyncio
import itertools

from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_headers import Transport
from conformance.suites.camera.play_steps import all_refused, control_leg, none_plays, plays, token_of
from conformance.wire import Wire

ERROR_STATUS = 400


@verifies("IF-AHL-17a")
async def test_token_appears_nowhere_else(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Tokens are in the question to the platform and in no other message or session."""
    window = limits("IF-AHL-17a").observe_window.seconds
    check.step("s1")
    good, bad = player(), player(player.live_url(token=province.tokens.issue(good=False)))
    tokens = [token_of(good).encode(), token_of(bad).encode()]
    before = len(province.received)
    await asyncio.gather(good.attempt(window), bad.attempt(window))
    check.step("s2")
    other = await player().connect()
    await other.describe()
    check.step("s3")
    asked = ("VIDEO_PLAY", "RECORD_PLAY")
    told = [r.message.name for r in province.received[before:] if r.message.name not in asked]
    leaks = [
        r.message.name
        for r in province.received[before:]
        if r.message.name not in asked and any(token in r.received.raw for token in tokens)
    ]
    check.equal("IF-AHL-17a", leaks, [], say(f"{len(told)} 条报文中含令牌者", f"of {len(told)} messages with a token"))
    seen = other.client.transcript
    check.true(
        "IF-AHL-17a", not any(token in seen for token in tokens), say("其他会话无令牌", "no token in another session")
    )


@verifies("IF-AHL-20a")
async def test_session_is_good_for_its_own_url(
    province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """A verified session cannot be turned to another stream, nor used by another connection."""
    limit = limits("IF-AHL-20a")
    check.step("s1")
    first = player()
    await plays(first, check, limit.media_within.seconds)
    province.tokens.refuse_all()
    check.step("s2")
    other_url = player.live_url(stream=2, token=token_of(first))
    transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=4-5"}
    setup = await first.request("SETUP", f"{other_url}/trackID=0", transport)
    play = await first.request("PLAY", other_url)
    statuses = (setup.status, play.status)
    expected = say("错误状态", "an error status")
    check.true("IF-AHL-20a", min(statuses) >= ERROR_STATUS, expected, statuses, say("另一码流", "another stream"))
    check.step("s3")
    second = await player(first.url).connect()
    answer = await second.request("PLAY", first.aggregate, {"Session": first.session})
    await second.watch(limit.observe_window.seconds)
    check.step("s4")
    observed = f"PLAY {answer.status}, {second.media_packets} media packets"
    held = answer.status >= ERROR_STATUS and second.media_packets == 0
    check.true("IF-AHL-20a", held, expected, observed, say("另一连接", "another connection"))


@verifies("IF-AHL-25")
async def test_no_media_to_a_third_address(player: Players, wire: Wire, check: Checks, limits: Limits) -> None:
    """`destination` other than the requester is refused; nothing arrives there."""
    limit = limits("IF-AHL-25")
    check.step("s1")
    control = player()
    await plays(control, check, limit.media_within.seconds, "udp")
    await control.close()
    check.step("s2")
    victim = await wire.datagram("127.0.0.2", 0, label="third-address")
    try:
        attacker = await player().connect()
        await attacker.describe()
        track = attacker.video
        if track is None:
            check.inconclusive("IF-AHL-25", say("没有视频轨", "there is no video track"))
            return
        port = victim.local[1]
        wanted = Transport("RTP/AVP", unicast=True, client_port=(port, port + 1), destination="127.0.0.2")
        answer = await attacker.setup_raw(track, wanted)
        check.step("s3")
        expected = say("错误状态", "an error status")
        check.true("IF-AHL-25", answer.status >= ERROR_STATUS, expected, answer.status)
        if answer.status < ERROR_STATUS:
            attacker.accept_setup(track, answer)
            await attacker.request("PLAY", attacker.aggregate)
        await attacker.watch(limit.observe_window.seconds)
        check.equal("IF-AHL-25", victim.received, 0, say("第三方地址收到的包", "packets at the third address"))
    finally:
        victim.close()


@verifies("IF-AHL-27")
async def test_overlong_tokens_and_urls(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Overlong tokens and URLs are refused without harm."""
    limit = limits("IF-AHL-27")
    await control_leg(player, check, limits, "IF-AHL-27")
    check.step("s2")
    sizes = (int(limit.token_length.number) + 1, int(limit.token_length.number) + 2, 1024, int(limit.longest.number))
    forms = {f"token of {size} bytes": player(player.live_url(token="a" * size)) for size in sizes}
    check.step("s3")
    await none_plays(forms, check, "IF-AHL-27", limit.observe_window.seconds)
    check.step("s4")
    await province.online()
    await control_leg(player, check, limits, "IF-AHL-27", step="s4")


@verifies("IF-AHL-28")
async def test_pending_check_stalls_nobody(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """While one play waits for its verdict, another viewer's media and other requests go on."""
    limit = limits("IF-AHL-28")
    check.step("s1")
    viewer = player()
    await plays(viewer, check, limit.media_within.seconds)
    check.step("s2")
    waiting = player()
    province.tokens.silence()
    since = province.wire.now()
    pending = asyncio.ensure_future(waiting.attempt(0.0))
    await province.next("VIDEO_PLAY", within=limit.pending.seconds)
    check.step("s4")
    third = await player(viewer.url).connect()
    options = await third.request("OPTIONS", viewer.url)
    check.within("IF-AHL-28", options.seconds, limit.answer_within, "OPTIONS")
    await province.wire.sleep(limit.pending.seconds / 2)
    check.step("s3")
    assert viewer.video is not None
    times = [since, *(arrived.at for arrived in viewer.video.since(since)), province.wire.now()]
    gap = max(later - earlier for earlier, later in itertools.pairwise(times))
    check.within("IF-AHL-28", gap, limit.gap, say("最长媒体间断", "longest pause in the media"))
    await pending


@verifies("IF-AHL-29")
async def test_flood_of_bad_tokens(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Many bad tokens: one status, no media, no slot lost, a good token plays."""
    limit = limits("IF-AHL-29")
    await control_leg(player, check, limits, "IF-AHL-29")
    check.step("s2")
    province.tokens.refuse_all()
    count = int(limit.attempts.number)
    forms = {str(n): player(player.live_url(token=province.tokens.issue(good=False))) for n in range(count)}
    check.step("s3")
    await all_refused(forms, check, "IF-AHL-29", limit.observe_window.seconds)
    province.tokens.reset()
    await control_leg(player, check, limits, "IF-AHL-29", step="s4")

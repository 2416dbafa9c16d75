"""IF-RTSP-21 to 23, 32 to 35, 40, 52, 53: sessions, their states, and several of them."""

from __future__ import annotations

from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtp import sequence_step, timestamp_step
from conformance.protocols.rtsp_headers import parse_session
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import plays_over_udp, stream_plays
from conformance.suites.camera.rtsp_steps import (
    BAD_STATE,
    NO_SESSION,
    NOT_ALLOWED,
    NOT_IMPLEMENTED,
    OK,
    described,
    goes_on,
    playing,
)
from specs.model import Text

INVENTED = "kandian0000"
NOT_AGGREGATE = 459
NO_MEDIA = say("没有媒体包", "no media packets")


async def set_up(players: Players, check: Checks) -> Player | None:
    """A player with a session that is not played yet, over TCP or else UDP."""
    one = await described(players, check)
    if one is None or one.video is None:
        return None
    answer = await one.setup_raw(one.video, await one.offer(one.video, "tcp"))
    if answer.status != OK:
        await one.setup(one.video, "udp")
    else:
        one.accept_setup(one.video, answer)
    return one


async def quiet_after(one: Player, settle: float, window: float) -> int:
    """Media packets within ``window`` seconds, after ``settle`` seconds of grace."""
    await one.watch(settle)
    before = one.media_packets
    await one.watch(window)
    return one.media_packets - before


@verifies("IF-RTSP-21")
async def test_session_identifiers(player: Players, check: Checks, limits: Limits) -> None:
    """Well formed, long enough, all different, no counter."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-21")
    check.step("s1")
    found: list[str] = []
    for _ in range(int(limit.sessions.number)):
        one = await set_up(player, check)
        if one is None:
            return
        found.append(one.session)
        await one.close()
    check.step("s2")
    for text in found:
        try:
            odd = [violation.explain for violation in parse_session(text).violations]
        except CodecError as error:
            odd = [str(error)]
        check.equal("IF-RTSP-21", odd, [], f"Session: {text}")
        check.within("IF-RTSP-21", len(text), limit.length, say("会话号长度", "length of the session identifier"))
    check.step("s3")
    numbers = [int(text, 16) for text in found if all(c in "0123456789abcdefABCDEF" for c in text)]
    steps = {later - earlier for earlier, later in pairwise(numbers)}
    counted = len(numbers) == len(found) and len(steps) == 1
    expected = say("互不相同且不是计数", "all different and not counted up")
    check.true("IF-RTSP-21", len(set(found)) == len(found) and not counted, expected, ", ".join(found))


@verifies("IF-RTSP-22")
async def test_unknown_session(player: Players, check: Checks, limits: Limits) -> None:
    """454 for a session that nobody has, while the real one plays on."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    one = await playing(player, check, limits)
    if one is None:
        return
    check.step("s2")
    for method in ("PLAY", "TEARDOWN"):
        answer = await one.request(method, one.aggregate, {"Session": INVENTED}, session=False)
        check.equal("IF-RTSP-22", answer.status, NO_SESSION, f"{method}, Session: {INVENTED}")
    check.step("s3")
    on = await goes_on(one, limits("IF-RTSP-22").first_packet_within.seconds)
    check.true("IF-RTSP-22", on, say("真实会话的媒体继续", "the media of the real session go on"), on)


@verifies("IF-RTSP-23", "IF-RTSP-32", "IF-RTSP-33")
async def test_states(player: Players, check: Checks, limits: Limits) -> None:
    """PLAY before SETUP, silence before PLAY, silence after TEARDOWN."""
    if not await stream_plays(player, check, limits):
        return
    one = await described(player, check)
    if one is None or one.video is None:
        return
    check.step("s1")
    try:
        status: int | str = (await one.request("PLAY", one.aggregate)).status
    except DeviceFault as fault:
        status = str(fault)
    check.step("s2")
    await one.watch(limits("IF-RTSP-23").quiet_window.seconds)
    held = status in (BAD_STATE, NO_SESSION) and one.media_packets == 0
    expected = say("455 或 454，无媒体", "455 or 454, no media")
    check.true("IF-RTSP-23", held, expected, f"{status}, {one.media_packets} media packets")
    await one.close()
    ready = await set_up(player, check)
    if ready is None or ready.video is None:
        return
    await ready.watch(limits("IF-RTSP-32").quiet_window.seconds)
    check.equal("IF-RTSP-32", ready.media_packets, 0, say("PLAY 之前的媒体包", "media packets before PLAY"))
    await ready.play()
    first = limits("IF-RTSP-32").first_packet_within
    came = await ready.wait_packets(ready.video, 1, first.seconds + first.uncertainty)
    check.control(came, say("PLAY 之后有媒体", "media after PLAY"))
    check.step("s3")
    await _torn_down(player, ready, check, limits)


async def _torn_down(players: Players, one: Player, check: Checks, limits: Limits) -> None:
    limit, session, url = limits("IF-RTSP-33"), one.session, one.aggregate
    answer = await one.teardown()
    check.equal("IF-RTSP-33", answer.status, OK, "TEARDOWN")
    more = await quiet_after(one, limit.settle.seconds, limit.quiet_window.seconds)
    check.equal("IF-RTSP-33", more, 0, say("TEARDOWN 之后的媒体包", "media packets after TEARDOWN"))
    asker = one if one.client.open_now else await players(one.url).connect()
    try:
        status: int | str = (await asker.request("PLAY", url, {"Session": session}, session=False)).status
    except DeviceFault as fault:
        status = str(fault)
    held = status in (BAD_STATE, NO_SESSION)
    check.true("IF-RTSP-33", held, "454 / 455", status, say("以原会话号 PLAY", "PLAY with the old session"))


@verifies("IF-RTSP-34")
async def test_pause(player: Players, check: Checks, limits: Limits) -> None:
    """PAUSE halts, PLAY goes on where sequence numbers and timestamps were."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-34")
    check.step("s1")
    one = await playing(player, check, limits)
    if one is None or one.video is None:
        return
    answer = await one.request("PAUSE", one.aggregate)
    if answer.status in (NOT_IMPLEMENTED, NOT_ALLOWED, BAD_STATE):
        check.not_applicable("IF-RTSP-34", say(f"PAUSE 应答 {answer.status}", f"PAUSE is answered {answer.status}"))
        return
    check.equal("IF-RTSP-34", answer.status, OK, "PAUSE")
    check.step("s2")
    more = await quiet_after(one, limit.settle.seconds, limit.quiet_window.seconds)
    check.equal("IF-RTSP-34", more, 0, say("PAUSE 之后的媒体包", "media packets after PAUSE"))
    check.step("s3")
    count = len(one.video.packets)
    await one.request("PLAY", one.aggregate)
    if not await one.wait_packets(one.video, len(one.video.rtp) + 1, limit.first_packet_within.seconds):
        check.fail("IF-RTSP-34", say("再次 PLAY 后有媒体", "media after the second PLAY"), NO_MEDIA)
        return
    last, first = one.video.packets[count - 1].packet, one.video.packets[count].packet
    step = sequence_step(last.sequence, first.sequence)
    check.equal("IF-RTSP-34", step, 1, say("序号的步长", "step of the sequence numbers"))
    forward = timestamp_step(last.timestamp, first.timestamp) >= 0
    check.true(
        "IF-RTSP-34", forward, say("时间戳不倒退", "timestamps do not go back"), first.timestamp - last.timestamp
    )


@verifies("IF-RTSP-35")
async def test_several_streams(player: Players, check: Checks, limits: Limits) -> None:
    """Video and audio in one session: one PLAY starts both, one TEARDOWN ends both."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-35")
    one = await set_up(player, check)
    if one is None or one.video is None:
        return
    others = [track for track in one.tracks if track is not one.video]
    if not others:
        check.not_applicable("IF-RTSP-35", say("只有一路流", "there is one stream only"))
        return
    check.step("s1")
    session, lower = one.session, "tcp" if one.video.transport and one.video.transport.is_tcp else "udp"
    answer = await one.setup_raw(others[0], await one.offer(others[0], "tcp" if lower == "tcp" else "udp"))
    if answer.status == NOT_AGGREGATE:
        check.true("IF-RTSP-35", True, say("加入会话或 459", "joined, or 459"), answer.status)
        return
    if not check.equal("IF-RTSP-35", answer.status, OK, say("第二个 SETUP", "the second SETUP")):
        return
    one.accept_setup(others[0], answer)
    check.equal("IF-RTSP-35", one.session, session, say("两次 SETUP 的会话号", "session of both SETUP"))
    check.step("s2")
    await one.play()
    wait = limit.first_packet_within.seconds + limit.first_packet_within.uncertainty
    flowing = [track.media.kind for track in (one.video, others[0]) if await one.wait_packets(track, 1, wait)]
    check.equal("IF-RTSP-35", len(flowing), 2, say(f"有媒体的流: {flowing}", f"streams with media: {flowing}"))
    check.step("s3")
    answer = await one.teardown()
    more = await quiet_after(one, limit.settle.seconds, limit.quiet_window.seconds)
    check.equal("IF-RTSP-35", (answer.status, more), (OK, 0), say("TEARDOWN 及其后的包", "TEARDOWN and packets after"))


@verifies("IF-RTSP-40")
async def test_two_viewers(player: Players, check: Checks, limits: Limits) -> None:
    """What one viewer does breaks nothing for the other."""
    if not await stream_plays(player, check, limits):
        return
    observe = limits("IF-RTSP-40").observe.seconds
    check.step("s1")
    one, other = await playing(player, check, limits), await playing(player, check, limits)
    if one is None or other is None or other.video is None:
        return
    differ = one.session != other.session
    check.true("IF-RTSP-40", differ, say("会话号不同", "different sessions"), f"{one.session}, {other.session}")
    check.step("s2")
    since = other.now()
    await one.teardown()
    await _undisturbed(other, other.video, since, observe, check, limits, "TEARDOWN")
    check.step("s3")
    again = await playing(player, check, limits)
    if again is not None:
        since = other.now()
        again.client.abort()
        await _undisturbed(other, other.video, since, observe, check, limits, say("断开 TCP", "lost connection"))


async def _undisturbed(
    one: Player, track: Track, since: float, seconds: float, check: Checks, limits: Limits, about: Text | str
) -> None:
    """Media go on, and from ``since`` on without a missing number where the transport loses none."""
    await one.watch(seconds)
    on = await goes_on(one, limits("IF-RTSP-40").first_packet_within.seconds)
    numbers = [arrived.packet.sequence for arrived in track.since(since)]
    steps = [sequence_step(a, b) for a, b in pairwise(numbers)]
    gaps = sum(step > 1 for step in steps) if track.transport and track.transport.is_tcp else 0
    expected = say("另一会话不中断、无缺号", "the other session goes on without a gap")
    observed = say(f"媒体继续: {on}，缺号 {gaps} 处", f"media go on: {on}, {gaps} gaps")
    check.true("IF-RTSP-40", on and not gaps, expected, observed, about)


@verifies("IF-RTSP-52")
async def test_again_and_again(player: Players, check: Checks, limits: Limits) -> None:
    """The whole sequence many times, each time with media."""
    if not await stream_plays(player, check, limits):
        return
    limit = limits("IF-RTSP-52")
    check.step("s1")
    times = []
    for number in range(int(limit.rounds.number)):
        which = say(f"第 {number + 1} 次", f"round {number + 1}")
        one = player()
        try:
            await one.start(kinds=("video",))
        except DeviceFault as fault:
            check.fail("IF-RTSP-52", say("可以播放", "it plays"), fault.text, which)
            return
        track = one.video
        wait = limit.first_packet_within.seconds + limit.first_packet_within.uncertainty
        if track is None or not await one.wait_packets(track, 1, wait):
            check.fail("IF-RTSP-52", say("有媒体", "media"), NO_MEDIA, which)
            return
        times.append(track.rtp[0][0] - one.played_at)
        await one.close()
    check.step("s2")
    check.within("IF-RTSP-52", max(times), limit.first_packet_within, say("首包最长等待", "longest wait for a packet"))
    check.step("s3")
    check.control(len(times) == int(limit.rounds.number), " ".join(f"{seconds:.3f}" for seconds in times))


@verifies("IF-RTSP-53")
async def test_session_from_another_connection(player: Players, check: Checks, limits: Limits) -> None:
    """A session over UDP is torn down from a second connection."""
    if not await plays_over_udp(player, check, limits):
        return
    if player.tokens_needed:
        reason = say(
            "防盗链会话只属于验证过的连接", "with tokens a session belongs to the connection that was verified"
        )
        check.not_applicable("IF-RTSP-53", reason)
        return
    limit = limits("IF-RTSP-53")
    check.step("s1")
    one = await playing(player, check, limits, "udp")
    if one is None:
        return
    check.step("s2")
    other = await player(one.url).connect()
    answer = await other.request("TEARDOWN", one.aggregate, {"Session": one.session}, session=False)
    check.equal("IF-RTSP-53", answer.status, OK, "TEARDOWN")
    check.step("s3")
    more = await quiet_after(one, limit.settle.seconds, limit.quiet_window.seconds)
    check.equal("IF-RTSP-53", more, 0, say("之后的媒体包", "media packets after it"))

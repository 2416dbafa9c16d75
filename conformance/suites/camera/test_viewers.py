"""IF-MED-05, IF-MED-11, BIZ-LIV-05: many viewers, one too many, viewers who vanish, and the number that is told."""

from __future__ import annotations

import asyncio
import math

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault, NoAnswer
from conformance.peers.media_track import Track
from conformance.peers.player import Player, PlayRefused
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_headers import parse_session
from conformance.suites.camera.observed_play import UNSUPPORTED_TRANSPORT
from conformance.suites.camera.registration_steps import relogin
from conformance.suites.camera.relay_steps import latest
from conformance.suites.camera.viewer_steps import Tried, declared_viewers, loss_and_gap, play_until, try_one
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration

TOO_MANY = (453, 503)
SESSION_NOT_FOUND = 454
MOST_COUNTED = 2


@verifies("IF-MED-11", "IF-MED-11a", "BIZ-LIV-05")
async def test_full_house(
    player: Players, wire: Wire, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """As many viewers as declared, one more, and a new one for each that has gone."""
    count = declared_viewers(declaration, check)
    if not count:
        return
    first = latest(limits("IF-MED-11").first_packet_within)
    check.step("s1")
    watching = [player() for _ in range(count)]
    served = [await try_one(one, first, 0.0, wire) for one in watching]
    all_served = say(f"{count} 路均有媒体", f"{count} viewers have media")
    if not check.true("IF-MED-11", all(tried.played for tried in served), all_served, " / ".join(map(str, served))):
        reason = say("未能建立声明数目的观看", "the declared number of viewers could not be reached")
        check.inconclusive("IF-MED-11a", reason)
        check.fail("BIZ-LIV-05", all_served, " / ".join(map(str, served)))
        return
    check.step("s2")
    since = wire.now()
    limit = limits("BIZ-LIV-05")
    extra, _ = await asyncio.gather(
        try_one(player(), first, limit.quiet.seconds, wire), wire.sleep(limits("IF-MED-11").observe.seconds)
    )
    until = wire.now()
    _judge_refusal(extra, check, limits)
    check.step("s3")
    for number, one in enumerate(watching):
        if one.video is not None:
            _judge_undisturbed(number, one.video, (since, until), check, limits)
    await _judge_free_places(watching, player, wire, check, limits)


def _judge_refusal(extra: Tried, check: Checks, limits: Limits) -> None:
    refused = extra.status >= 400 and extra.packets == 0
    expected = say("4xx 或 5xx 且没有媒体", "4xx or 5xx and no media")
    check.true("BIZ-LIV-05", refused, expected, extra)
    coded = extra.status in TOO_MANY and extra.packets == 0
    check.true("IF-MED-11a", coded, say("453 或 503 且没有媒体", "453 or 503 and no media"), extra)
    if coded:
        check.within("IF-MED-11a", extra.seconds, limits("IF-MED-11a").answer_within, say("拒绝的应答", "the refusal"))


def _judge_undisturbed(number: int, track: Track, span: tuple[float, float], check: Checks, limits: Limits) -> None:
    limit = limits("BIZ-LIV-05")
    loss, gap = loss_and_gap(track, *span)
    about = say(f"观看者 {number + 1}", f"viewer {number + 1}")
    check.within("BIZ-LIV-05", loss, limit.loss, about)
    check.within("BIZ-LIV-05", gap, limit.gap, about)
    check.equal("IF-MED-11", loss, 0.0, say(f"观看者 {number + 1} 的丢包", f"loss of viewer {number + 1}"))
    check.true("IF-MED-11a", gap <= limit.gap.seconds + limit.gap.uncertainty, str(limit.gap), f"{gap:.2f} s", about)


async def _judge_free_places(
    watching: list[Player], player: Players, wire: Wire, check: Checks, limits: Limits
) -> None:
    """One viewer ends politely, another is cut off: a new one gets in each time."""
    limit, first = limits("BIZ-LIV-05"), latest(limits("IF-MED-11a").first_packet_within)
    check.step("s4")
    again = say("新的观看者可以播放", "a new viewer plays")
    await watching[0].close()
    newcomer, tried, spent = await play_until(player, limit.free_time, first, wire)
    check.true("IF-MED-11a", tried.played, again, tried, say("TEARDOWN 之后", "after TEARDOWN"))
    if check.true("BIZ-LIV-05", tried.played, again, tried, say("TEARDOWN 之后", "after TEARDOWN")):
        check.within("BIZ-LIV-05", spent, limit.free_time, say("TEARDOWN 之后", "after TEARDOWN"))
    (watching[1] if len(watching) > 1 else newcomer).client.abort()
    _, tried, spent = await play_until(player, limit.free_time, first, wire)
    about = say("连接断开之后", "after a connection was cut")
    if check.true("BIZ-LIV-05", tried.played, again, tried, about):
        check.within("BIZ-LIV-05", spent, limit.free_time, about)


@verifies("IF-MED-05b")
async def test_vanished_viewers(
    player: Players, wire: Wire, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """Viewers whose connection is reset or closed without a word, more of them than there are places."""
    limit = limits("IF-MED-05b")
    first = latest(limit.first_packet_within)
    declared = declaration.features.get("max_viewers")
    places = declared if isinstance(declared, int) else 0
    expected = say("可以播放", "it plays")
    for number in range(max(int(limit.rounds.number), places + 1)):
        check.step("s1" if number == 0 else "s2")
        one, tried, spent = await play_until(player, limit.free_within, first, wire)
        about = say(f"第 {number + 1} 次", f"round {number + 1}")
        if not check.true("IF-MED-05b", tried.played, expected, f"{tried} after {spent:.2f} s", about):
            return
        if number % 2:
            one.client.close()
        else:
            one.client.abort()
    check.step("s3")
    _, tried, _ = await play_until(player, limit.free_within, first, wire)
    check.true("IF-MED-05b", tried.played, expected, tried, say("最后一次", "the last play"))


@verifies("IF-MED-05")
async def test_silent_session(player: Players, wire: Wire, check: Checks, limits: Limits) -> None:
    """A play over UDP of which nothing more is heard."""
    limit = limits("IF-MED-05")
    check.step("s1")
    one = player()
    try:
        await one.start("udp", kinds=("video",))
    except PlayRefused as refusal:
        if refusal.answer.status != UNSUPPORTED_TRANSPORT:
            raise
        check.not_applicable("IF-MED-05", say("设备不支持 UDP 传输 (461)", "the device has no UDP transport (461)"))
        return
    track, answer = one.video, one.play_answer
    came = track is not None and await one.wait_packets(track, 1, latest(limits("IF-MED-11").first_packet_within))
    if not check.control(came, say("UDP 播放有媒体", "media come over UDP")) or track is None or answer is None:
        return
    told = parse_session(one.session_header).timeout
    timeout = math.ceil(limit.default_timeout.seconds) if told is None else told
    longest = math.ceil(limit.longest_timeout.seconds)
    check.true("IF-MED-05", timeout <= longest, f"timeout <= {longest} s", f"{timeout} s", "Session")
    check.step("s2")
    waited = min(timeout, longest) + latest(limit.end_slack)
    quiet = limit.quiet.seconds
    while wire.now() < answer.at + waited + quiet and _heard(track, answer.at) > wire.now() - quiet:
        await wire.sleep(quiet)
    lasted = _heard(track, answer.at) - answer.at
    check.true("IF-MED-05", lasted >= timeout - quiet, f"media >= {timeout} s", f"{lasted:.2f} s")
    check.true("IF-MED-05", lasted <= waited, f"media <= {waited:.2f} s", f"{lasted:.2f} s")
    check.step("s3")
    status = 0
    try:
        status = (await one.request("PLAY", one.aggregate)).status
    except NoAnswer:
        status = -1
    except DeviceFault:
        status = 0
    expected = say("454 或连接已关闭", "454 or the connection closed")
    check.true("IF-MED-05", status in (SESSION_NOT_FOUND, 0), expected, status, "PLAY")


def _heard(track: Track, otherwise: float) -> float:
    return track.rtp[-1][0] if track.rtp else otherwise


@verifies("IF-MED-05a", "BIZ-LIV-05a")
async def test_viewer_count(
    province: Province, player: Players, wire: Wire, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """CurVideoNum before, while and after two viewers watch; a new login brings the next heartbeat sooner."""
    count = min(MOST_COUNTED, declared_viewers(declaration, check))
    if not count:
        return
    check.step("s1")
    told = [await _told(province, limits)]
    watching = [player() for _ in range(count)]
    for one in watching:
        await one.start(kinds=("video",))
    check.step("s2")
    told.append(await _told(province, limits))
    expected = [0, count]
    running = all(one.client.open_now for one in watching)
    if not check.control(running, say("重新登录后播放仍在进行", "the plays outlive a new login")):
        return
    for number, one in enumerate(watching):
        check.step("s2" if number == 0 else "s3")
        if number == 0:
            await one.teardown()
        else:
            one.client.abort()
        expected.append(count - number - 1)
        told.append(await _told(province, limits))
    about = say("观看前、观看中、逐个结束后的 CurVideoNum", "CurVideoNum before, while and after watching")
    for requirement in check.requirements:
        check.equal(requirement, told, expected, about)


async def _told(province: Province, limits: Limits) -> int | None:
    """CurVideoNum of the first heartbeat after a new login; None when none comes or it is no number."""
    login = await relogin(province)
    within = latest(limits("BIZ-LIV-05a").heartbeat_wait)
    beat = next((one for one in province.messages("HEARTBEAT", since=login.at) if one.link is login.link), None)
    if beat is None:
        try:
            beat = await province.next("HEARTBEAT", within=within)
        except NoAnswer:
            return None
    text = beat.message.get("CurVideoNum")
    return int(text) if text.isdigit() else None

"""IF-AHL: the anti-hotlink check. Refused means: an error status and zero media packets; each with its control leg."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, cut_short, honest, late, refuse, without, wrong_sequence
from conformance.peers.player import Lower
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.tokens import TokenRequest
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp import serialize
from conformance.suites.camera.play_steps import (
    all_refused,
    control_leg,
    judge_bare_play,
    none_plays,
    plays,
    refused,
    silent_or_refused,
    token_of,
    transport_declared,
)
from specs.declaration import LoadedDeclaration


def asked_before_media(requests: list[TokenRequest], first_packet: float) -> bool:
    """Whether the platform was asked before the first media packet came."""
    return bool(requests) and requests[0].at <= first_packet


@verifies("IF-AHL-01")
async def test_url_without_token(player: Players, check: Checks, limits: Limits) -> None:
    """A URL without hashtoken is refused."""
    await control_leg(player, check, limits, "IF-AHL-01")
    check.step("s2")
    url = player.live_url(hashtoken=None)
    await refused(player(url), check, "IF-AHL-01", limits("IF-AHL-01").observe_window.seconds)


_INCOMPLETE: dict[str, dict[str, Any]] = {
    "empty-token": {"hashtoken": ""},
    "token-name-case": {"hashtoken": None, "HashToken": "0" * 32},
    "no-devid": {"devid": None},
    "no-channel": {"channelno": None},
    "no-stream": {"streamtype": None},
}


@verifies("IF-AHL-01a")
async def test_incomplete_parameters(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Empty or misspelt token, missing parameters: refused."""
    await control_leg(player, check, limits, "IF-AHL-01a")
    check.step("s2")
    province.tokens.refuse_all()
    forms = {form: player(player.live_url(**changes)) for form, changes in _INCOMPLETE.items()}
    await all_refused(forms, check, "IF-AHL-01a", limits("IF-AHL-01a").observe_window.seconds)


@verifies("IF-AHL-02")
@pytest.mark.parametrize("lower", ["tcp", "udp"])
async def test_refused_verdict(
    province: Province, player: Players, declaration: LoadedDeclaration, check: Checks, limits: Limits, lower: Lower
) -> None:
    """The device asks before the first media packet, and plays on Result 0 only."""
    if not transport_declared(declaration, lower, check, "IF-AHL-02"):
        return
    limit = limits("IF-AHL-02")
    check.step("s1")
    control = player()
    await plays(control, check, limit.media_within.seconds, lower)
    first = control.video.rtp[0][0] if control.video and control.video.rtp else 0.0
    asked = province.tokens.requests_for(token_of(control))
    expected = say("首个媒体包之前已询问平台", "the platform is asked before the first media packet")
    check.true("IF-AHL-02", asked_before_media(asked, first), expected, f"{len(asked)} questions")
    await control.close()
    check.step("s2")
    forms = {}
    for result in (1, 2, 3, 255):
        forms[f"Result {result}, {lower}"] = one = player()
        province.tokens.answer_for(token_of(one), refuse(result))
    check.step("s3")
    await all_refused(forms, check, "IF-AHL-02", limit.observe_window.seconds, lower)


@verifies("IF-AHL-02a")
async def test_question_carries_the_url(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """The texts of the URL reach the platform unchanged; what it did not issue gets no media."""
    await control_leg(player, check, limits, "IF-AHL-02a")
    good = province.tokens.issue()
    digit = "0" if good[5] != "0" else "1"
    tokens = {
        "digit": good[:5] + digit + good[6:],
        "case": good.upper() if good.upper() != good else good.lower(),
        "random": province.tokens.issue(good=False),
    }
    urls = {form: player.live_url(token=token) for form, token in tokens.items()}
    tokens["stream"], urls["stream"] = good, player.live_url(stream=2, token=good)
    check.step("s2")
    window = limits("IF-AHL-02a").observe_window.seconds
    attempts = await asyncio.gather(*(player(url).attempt(window) for url in urls.values()))
    check.step("s3")
    for (form, token), attempt in zip(tokens.items(), attempts, strict=True):
        asked = [r for r in province.tokens.requests if r.token == token]
        texts = [(r.message.get("DevID"), r.message.get("ChannelNo"), r.target, r.token) for r in asked]
        stream = "2" if form == "stream" else "1"
        expected = [(province.device_id, "0", stream, token)]
        check.equal(
            "IF-AHL-02a", texts, expected, say(f"平台看到的文本 ({form})", f"texts that the platform saw ({form})")
        )
        check.equal("IF-AHL-02a", attempt.packets, 0, say(f"媒体包 ({form})", f"media packets ({form})"))


@verifies("IF-AHL-02b")
async def test_url_of_another_device(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A foreign devid is refused whatever the platform says."""
    await control_leg(player, check, limits, "IF-AHL-02b")
    own = province.device_id
    check.step("s2")
    province.tokens.answer_all(changed(Result="0"))
    forms = {devid: player(player.live_url(devid=devid)) for devid in ("ZZZ" + own[3:], own.swapcase(), own[:-1])}
    check.step("s3")
    await all_refused(forms, check, "IF-AHL-02b", limits("IF-AHL-02b").observe_window.seconds)


@verifies("IF-AHL-02c")
async def test_verdict_is_not_cached(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """The second use of a token is asked about again, and its own verdict counts."""
    limit = limits("IF-AHL-02c")
    token = province.tokens.issue()
    check.step("s1")
    first = player(token=token)
    await plays(first, check, limit.media_within.seconds)
    await first.close()
    check.step("s2")
    province.tokens.answer_for(token, refuse(1))
    await refused(player(token=token), check, "IF-AHL-02c", limit.observe_window.seconds)
    questions = len(province.tokens.requests_for(token))
    check.equal("IF-AHL-02c", questions, 2, say("对该令牌的询问次数", "questions about this token"))


@verifies("IF-AHL-03")
async def test_silence_refuses(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """No answer from the platform: refused within the wait, no media."""
    limit = limits("IF-AHL-03")
    await control_leg(player, check, limits, "IF-AHL-03")
    check.step("s2")
    province.tokens.silence()
    attempt = await refused(player(), check, "IF-AHL-03", limit.observe_window.seconds)
    if attempt.refused:
        check.within("IF-AHL-03", attempt.refused_after, limit.verdict_wait, say("拒绝用时", "time to the refusal"))


@verifies("IF-AHL-03a")
async def test_late_verdict(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A slow verdict in time counts; a late one lets nothing through, not even the next play."""
    limit = limits("IF-AHL-03a")
    check.step("s1")
    slow, tardy = player(), player()
    province.tokens.answer_for(token_of(slow), late(limit.slow_verdict.seconds))
    province.tokens.answer_for(token_of(tardy), late(limit.late_verdict.seconds))
    check.step("s2")
    window = limit.observe_window.seconds
    in_time, attempt = await asyncio.gather(slow.attempt(window), tardy.attempt(window))
    check.equal("IF-AHL-03a", attempt.packets, 0, say("迟到结果后的媒体包", "media packets after a late verdict"))
    expected = say("及时的结果放行播放", "a verdict in time lets the play go on")
    check.true("IF-AHL-03a", in_time.packets > 0, expected, in_time)
    await slow.close()
    await control_leg(player, check, limits, "IF-AHL-03a")
    check.step("s3")
    province.tokens.refuse_all()
    await refused(
        player(), check, "IF-AHL-03a", limit.observe_window.seconds, say("随后的拒绝", "the refusal after it")
    )


@verifies("IF-AHL-03b")
async def test_void_verdicts(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Answers under another sequence, before the question, or after a refusal are void."""
    await control_leg(player, check, limits, "IF-AHL-03b")
    window = limits("IF-AHL-03b").observe_window.seconds
    check.step("s2")
    misnumbered, again = player(), player()
    province.tokens.answer_for(token_of(misnumbered), wrong_sequence(1, changed(Result="0")))
    province.tokens.answer_for(token_of(again), lambda reply: [*refuse(1)(reply), *honest(reply)])
    await all_refused({"sequence + 1": misnumbered}, check, "IF-AHL-03b", window)
    check.step("s4")
    await all_refused({"1, then 0": again}, check, "IF-AHL-03b", window)
    check.step("s3")
    unasked = player()
    province.tokens.answer_for(token_of(unasked), refuse(1))
    last = [r.sequence for r in province.received if r.message.kind == "request"][-1]
    for ahead in (1, 2):
        province.send_unasked("VIDEO_PLAY", {"Result": "0", "DevID": province.device_id}, last + ahead)
    await all_refused({"unasked 0": unasked}, check, "IF-AHL-03b", window)


@verifies("IF-AHL-03c")
async def test_malformed_verdict(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A verdict that is no plain 0 is a refusal, and the device goes on."""
    await control_leg(player, check, limits, "IF-AHL-03c")
    window = limits("IF-AHL-03c").observe_window.seconds
    check.step("s2")
    answers = {
        "empty": changed(Result=""),
        "missing": without("Result"),
        "0abc": changed(Result="0abc"),
        "0x0": changed(Result="0x0"),
        "cut XML": cut_short,
    }
    forms = {}
    for form, answer in answers.items():
        forms[form] = one = player()
        province.tokens.answer_for(token_of(one), answer)
    await all_refused(forms, check, "IF-AHL-03c", window)
    province.tokens.reset()
    await province.online()
    await control_leg(player, check, limits, "IF-AHL-03c", step="s3")


@verifies("IF-AHL-03d")
async def test_no_play_while_offline(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """The link breaks during the check and stays down: this play and the next are refused."""
    limit = limits("IF-AHL-03d")
    check.step("s1")
    breaking, offline = player(), player()
    province.tokens.silence()
    attempt = asyncio.ensure_future(breaking.attempt(limit.observe_window.seconds))
    await province.next("VIDEO_PLAY", within=limit.verdict_wait.seconds)
    province.primary.accepting = province.backup.accepting = False
    link = province.link
    if link is not None:
        link.close()
    check.step("s2")
    during = await attempt
    check.equal("IF-AHL-03d", during.packets, 0, say("断链时的播放", "the play during which the link broke"))
    await silent_or_refused(
        offline, check, "IF-AHL-03d", limit.observe_window.seconds, say("离线时的播放", "a play while offline")
    )
    check.step("s3")
    province.reset()
    await province.online(within=province.limits["back_online_wait"].seconds)
    await control_leg(player, check, limits, "IF-AHL-03d", step="s3")


@verifies("IF-AHL-05")
@pytest.mark.parametrize("first", ["good", "bad"])
async def test_parallel_plays(province: Province, player: Players, check: Checks, limits: Limits, first: str) -> None:
    """A good and a bad token at the same time: only the good one plays, in whatever order the answers come."""
    limit = limits("IF-AHL-05")
    good, bad = player(), player(player.live_url(token=province.tokens.issue(good=False)))
    delays = (
        {good: 0.0, bad: limit.answer_delay.seconds}
        if first == "good"
        else {good: limit.answer_delay.seconds, bad: 0.0}
    )
    for one, seconds in delays.items():
        province.tokens.answer_for(token_of(one), late(seconds) if seconds else honest)
    check.step("s1" if first == "good" else "s2")
    outcome = asyncio.gather(good.attempt(limit.observe_window.seconds), bad.attempt(limit.observe_window.seconds))
    played, refused_one = await outcome
    check.step("s3")
    check.control(played.packets > 0, say("有效令牌可以播放", "the good token plays"))
    check.step("s4")
    check.equal("IF-AHL-05", refused_one.packets, 0, say("无效令牌收到的媒体包", "media packets for the bad token"))


_PATHS = (
    "//realplay",
    "/./realplay",
    "/x/../realplay",
    "/%72ealplay",
    "/%2572ealplay",
    "/realplay/",
    "/realplay;x=1",
    "/%c0%afrealplay",
    "/REALPLAY",
)


@verifies("IF-AHL-12")
async def test_path_tricks(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Other spellings of the path are never looser than the canonical one."""
    await control_leg(player, check, limits, "IF-AHL-12")
    check.step("s2")
    forms = {}
    for path in _PATHS:
        bad = player.live_url(token=province.tokens.issue(good=False))
        for name, url in (("bad token", bad), ("no token", player.live_url(hashtoken=None))):
            forms[f"{path}, {name}"] = player(url.replace("/realplay", path))
    await none_plays(forms, check, "IF-AHL-12", limits("IF-AHL-12").observe_window.seconds)


@verifies("IF-AHL-12a")
async def test_parameter_tricks(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Duplicate and odd parameters: refused, or judged as asked; a stream that was not allowed never plays."""
    await control_leg(player, check, limits, "IF-AHL-12a")
    check.step("s2")
    base = player.live_url(token=province.tokens.issue(good=False))
    urls = {
        "good first": base.replace("hashtoken=", f"hashtoken={province.tokens.issue()}&hashtoken="),
        "good last": f"{base}&hashtoken={province.tokens.issue()}",
        "entity": base.replace("&", "&amp;"),
        "plus": f"{base}+",
        "blank": f"{base}%20",
        "fragment": f"{base}#{province.tokens.issue()}",
        "stream twice": player.live_url(stream=2, token=province.tokens.issue(stream=1)) + "&streamtype=1",
    }
    province.tokens.requests.clear()
    forms = {form: player(url) for form, url in urls.items()}
    window = limits("IF-AHL-12a").observe_window.seconds
    attempts = await asyncio.gather(*(one.attempt(window) for one in forms.values()))
    check.step("s3")
    allowed = sum(province.tokens.judge(r.message)["Result"] == "0" for r in province.tokens.requests)
    playing = [f"{form}: {attempt}" for form, attempt in zip(forms, attempts, strict=True) if attempt.packets]
    expected = say("播放数不超过平台允许数", "no more plays than verdicts 0")
    check.true("IF-AHL-12a", len(playing) <= allowed, expected, f"{playing or 0}, {allowed} verdicts 0")


@verifies("IF-AHL-26")
async def test_polluted_tokens(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A bent token is asked about as it stands, or refused; the good token is never restored from it."""
    await control_leg(player, check, limits, "IF-AHL-26")
    check.step("s2")
    good = province.tokens.issue()
    bent = {"cut": good[:-1], "longer": good + "0", "%00": good + "%00", "%0A": good + "%0A", "%20": good + "%20"}
    forms = {form: player(player.live_url(token=token)) for form, token in bent.items()}
    await none_plays(forms, check, "IF-AHL-26", limits("IF-AHL-26").observe_window.seconds)
    check.step("s3")
    asked = len(province.tokens.requests_for(good))
    check.equal("IF-AHL-26", asked, 0, say("以有效令牌发出的询问", "questions about the good token"))


_PATH_FORMS = (
    "/ch0_0.h264",
    "/ch1_1.h264",
    "/",
    "",
    "/live",
    "/h264",
    "/live/ch00_0",
    "/Streaming/Channels/101",
    "/cam/realmonitor?channel=1&subtype=0",
    "/0",
    "/stream1",
)


@verifies("IF-AHL-22")
async def test_other_paths(player: Players, check: Checks, limits: Limits) -> None:
    """No other path plays without a check."""
    await control_leg(player, check, limits, "IF-AHL-22")
    check.step("s2")
    forms = {path or "(empty)": player(f"rtsp://{player.authority}{path}") for path in _PATH_FORMS}
    await none_plays(forms, check, "IF-AHL-22", limits("IF-AHL-22").observe_window.seconds)


@verifies("IF-AHL-24")
async def test_forged_origin(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Debug parameters in the URL do not get round the check."""
    await control_leg(player, check, limits, "IF-AHL-24")
    check.step("s2")
    base = player.live_url(token=province.tokens.issue(good=False))
    extras = ("admin=1", "debug=1", "secret=035c73f7", "auth=off", "ip=127.0.0.1")
    forms = {extra: player(f"{base}&{extra}") for extra in extras}
    check.step("s3")
    window = limits("IF-AHL-24").observe_window.seconds
    await none_plays(forms, check, "IF-AHL-24", window)
    forged = {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Via": "RTSP/1.0 127.0.0.1"}
    one = await player(base).connect()
    answer = await one.request("DESCRIBE", base, {"Accept": "application/sdp", **forged})
    expected = say("错误状态", "an error status")
    check.true("IF-AHL-24", answer.status >= 400, expected, answer.status, say("伪造来源头", "forged origin headers"))


@verifies("IF-AHL-30")
async def test_refusal_status(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """401 for a refused or missing token, 400 for a URL that cannot be read."""
    limit = limits("IF-AHL-30")
    await control_leg(player, check, limits, "IF-AHL-30")
    refused_status, malformed = int(limit.refused.number), int(limit.malformed.number)
    check.step("s2")
    province.tokens.refuse_all()
    status = (await player().attempt(0.0)).status
    check.equal("IF-AHL-30", status, refused_status, say("被拒令牌", "refused token"))
    check.step("s3")
    status = (await player(player.live_url(hashtoken=None)).attempt(0.0)).status
    check.equal("IF-AHL-30", status, refused_status, say("缺少令牌", "missing token"))
    status = (await player(f"rtsp://{player.authority}/realplay?devid").attempt(0.0)).status
    check.equal("IF-AHL-30", status, malformed, say("语法错误", "syntax error"))


@verifies("IF-AHL-21")
async def test_pipelined_play(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """DESCRIBE, SETUP and PLAY in one go: no packet before the verdict, none after a refusal."""
    limit = limits("IF-AHL-21")
    check.step("s1")
    one = await player().connect()
    province.tokens.answer_for(token_of(one), late(limit.verdict_delay.seconds, refuse(1)))
    client = one.client
    transport = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
    requests = [
        client.build("DESCRIBE", one.url, {"Accept": "application/sdp"}),
        client.build("SETUP", f"{one.url}/trackID=0", transport),
        client.build("PLAY", one.url, {"Session": "00000000"}),
    ]
    client.send(b"".join(serialize(request) for request in requests))
    await one.watch(limit.verdict_delay.seconds + limit.observe_window.seconds)
    check.step("s2")
    check.equal("IF-AHL-21", one.media_packets, 0, say("媒体包", "media packets"))
    check.step("s3")
    control = player()
    token = token_of(control)
    province.tokens.answer_for(token, late(limit.verdict_delay.seconds))
    await plays(control, check, limit.media_within.seconds)
    asked = province.tokens.requests_for(token)[0].at
    first = control.video.rtp[0][0] if control.video and control.video.rtp else 0.0
    delay = limit.verdict_delay.seconds
    expected = say("媒体在结果之后", "media after the verdict")
    check.true("IF-AHL-21", first >= asked + delay, expected, f"{first - asked:.3f} s, verdict after {delay:g} s")


@verifies("IF-AHL-20", "IF-AHL-20b")
async def test_session_needs_its_own_verdict(
    province: Province, player: Players, check: Checks, limits: Limits
) -> None:
    """SETUP and PLAY without DESCRIBE, after a refusal, after TEARDOWN, and with an old session number."""
    limit = limits("IF-AHL-20")
    check.step("s1")
    control = player()
    await plays(control, check, limit.media_within.seconds)
    assert control.video is not None
    track_url, old_session = control.video.control, control.session
    await control.teardown()
    province.tokens.refuse_all()
    window = limit.observe_window.seconds
    check.step("s2")
    bare = await player(control.url).connect()
    await judge_bare_play(bare, track_url, "", check, "IF-AHL-20", window)
    check.step("s3")
    after_refusal = await player().connect()
    await after_refusal.request("DESCRIBE", after_refusal.url, {"Accept": "application/sdp"})
    await judge_bare_play(after_refusal, track_url, "", check, "IF-AHL-20", window)
    check.step("s4")
    before = control.media_packets
    await judge_bare_play(control, track_url, old_session, check, "IF-AHL-20b", window, before=before)
    other = await player(control.url).connect()
    answer = await other.request("PLAY", control.url, {"Session": old_session})
    check.true("IF-AHL-20b", answer.status >= 400, say("错误状态", "an error status"), answer.status)
    await other.watch(window)
    check.equal("IF-AHL-20b", other.media_packets, 0, say("媒体包", "media packets"))

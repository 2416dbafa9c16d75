"""IF-AHL-04: the token check of playback."""

from __future__ import annotations

import asyncio

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed, late
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.play_steps import all_refused, none_plays, plays, token_of
from conformance.suites.camera.playback_steps import longest_recording

FOREIGN = "ZZZ"
SHORT_NAME = 32


@verifies("IF-AHL-04")
async def test_playback_is_asked_about(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """RECORD_PLAY before the first packet; refused or without a token there is none."""
    limit = limits("IF-AHL-04")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    check.step("s2")
    good = player(player.record_url(file.name))
    await plays(good, check, limit.media_within.seconds)
    asked = [r for r in province.tokens.requests_for(token_of(good)) if r.message.name == "RECORD_PLAY"]
    first = good.video.rtp[0][0] if good.video and good.video.rtp else 0.0
    before = bool(asked) and asked[0].at <= first
    expected = say("RECORD_PLAY 在首个媒体包之前", "RECORD_PLAY before the first media packet")
    check.true("IF-AHL-04", before, expected, [r.message.name for r in province.tokens.requests_for(token_of(good))])
    await good.close()
    check.step("s3")
    forms = {
        "verdict 1": player(player.record_url(file.name, token=province.tokens.issue(good=False))),
        "no token": player(player.record_url(file.name, hashtoken=None)),
    }
    check.step("s4")
    await all_refused(forms, check, "IF-AHL-04", limit.observe_window.seconds)


@verifies("IF-AHL-04a")
async def test_playback_and_silence(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A slow verdict plays, silence refuses."""
    limit = limits("IF-AHL-04a")
    file = await longest_recording(province, check)
    if file is None:
        return
    slow, unanswered = player(player.record_url(file.name)), player(player.record_url(file.name))
    province.tokens.answer_for(token_of(slow), late(limit.slow_verdict.seconds))
    province.tokens.answer_for(token_of(unanswered), lambda reply: [])
    check.step("s1")
    window = limit.observe_window.seconds
    played, refused = await asyncio.gather(slow.attempt(window), unanswered.attempt(window))
    check.control(played.packets > 0, say(f"迟缓的结果可以播放: {played}", f"a slow verdict plays: {played}"))
    check.step("s2")
    check.step("s3")
    expected = say("错误状态且无媒体", "an error status and no media")
    if check.true("IF-AHL-04a", refused.refused, expected, refused):
        check.within("IF-AHL-04a", refused.refused_after, limit.verdict_wait, say("拒绝用时", "time to the refusal"))


@verifies("IF-AHL-04b")
async def test_name_is_asked_as_it_stands(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """FileName and HashToken of the question are the texts of the URL; names that lead elsewhere are refused."""
    limit = limits("IF-AHL-04b")
    file = await longest_recording(province, check)
    if file is None:
        return
    check.step("s1")
    good = player(player.record_url(file.name))
    province.tokens.answer_for(token_of(good), changed(Result="0"))
    await plays(good, check, limit.media_within.seconds)
    await good.close()
    _judge_question(province, check, token_of(good), file.name)
    check.step("s2")
    stem = file.name.removesuffix(".mp4")
    for length in (SHORT_NAME, int(limit.name_length.number)):
        name = f"{stem}{'0' * max(0, length - len(file.name))}.mp4"
        one = player(player.record_url(name))
        await one.attempt(0.0)
        _judge_question(province, check, token_of(one), name)
    check.step("s3")
    province.tokens.answer_all(changed(Result="0"))
    foreign = FOREIGN + province.device_id[len(FOREIGN) :]
    names = {
        "another device": file.name.replace(province.device_id, foreign, 1),
        "another channel": file.name.replace("_0_", "_1_", 1),
        "../": f"../{file.name}",
        "..": file.name.replace("_0_", "_0_..", 1),
    }
    check.step("s4")
    forms = {about: player(player.record_url(name)) for about, name in names.items()}
    await none_plays(forms, check, "IF-AHL-04b", limit.observe_window.seconds)


def _judge_question(province: Province, check: Checks, token: str, name: str) -> None:
    """Whatever the device asks about this token names the recording as the URL does; it may also refuse at once."""
    asked = {request.message.get("FileName") for request in province.tokens.requests_for(token)}
    check.true("IF-AHL-04b", asked <= {name}, name, sorted(asked) or say("未询问", "not asked"))

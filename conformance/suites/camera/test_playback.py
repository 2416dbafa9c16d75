"""IF-REC-07 to 11: recordings played by name, sought, at other speeds, to their end, with a pause."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.answers import changed
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.camera.observed_play import goodbyes, listen_until
from conformance.suites.camera.playback_steps import (
    OK,
    longest_recording,
    media_seconds,
    place_after,
    speed_shown,
    start_recording_play,
    told_range,
    told_rtptime,
    told_start,
)
from conformance.suites.camera.record_steps import Recording
from conformance.suites.camera.registration_steps import longest
from specs.model import Limit

PAST_THE_END, NOT_FOUND, ERROR, SERVER_ERROR = 457, 404, 400, 500
NO_ANSWER = say("没有关键帧", "no key frame")
SPEEDS = (2.0, 0.5, 3.0)
FOREIGN = "ZZZ"
ALIVE = 1.0


@verifies("IF-REC-07")
async def test_whole_recording(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Range over the whole length, RTP-Info, a key frame first."""
    limit = limits("IF-REC-07")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    check.step("s2")
    one = await start_recording_play(player, check, file, limit.first_frame, 0.0)
    if one is None or one.video is None or one.play_answer is None:
        return
    check.step("s3")
    told = told_range(one.play_answer)
    held = told is not None and told.start == 0 and told.end is not None
    shown = one.play_answer.response.headers.get("Range") or "-"
    check.true("IF-REC-07", held, say("Range: npt=0-总时长", "Range: npt=0-length"), shown)
    if told is not None and told.end is not None:
        about = say("总时长与检索结果之差", "length against the search")
        check.within("IF-REC-07", abs(told.end - file.seconds), limit.length_error, about)
    rtptime = told_rtptime(one.play_answer, one.video)
    check.true("IF-REC-07", rtptime is not None, "RTP-Info", one.play_answer.response.headers.get("RTP-Info") or "-")
    first = next(iter(one.video.access_units()), None)
    key = first is not None and one.video.is_random_access(first[1])
    check.true("IF-REC-07", key, say("以关键帧开始", "a key frame first"), key)


@verifies("IF-REC-07a", "IF-REC-07b")
async def test_other_names(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """A name of another channel or device, and one that does not exist."""
    limit = limits("IF-REC-07a")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    control = await start_recording_play(player, check, file, limits("IF-REC-07").first_frame)
    if control is not None:
        await control.close()
    check.step("s2")
    foreign = FOREIGN + province.device_id[len(FOREIGN) :]
    channel = player.record_url(file.name.replace("_0_", "_1_", 1))
    device = player.record_url(file.name.replace(province.device_id, foreign, 1))
    check.step("s3")
    province.tokens.answer_all(changed(Result="0"))
    for about, url in ((say("另一通道", "another channel"), channel), (say("另一设备", "another device"), device)):
        attempt = await player(url).attempt(limit.quiet.seconds)
        held = ERROR <= attempt.status < SERVER_ERROR and attempt.packets == 0
        check.true("IF-REC-07a", held, say("4xx 且无媒体", "4xx and no media"), attempt, about)
    middle = (file.start + (file.end - file.start) / 2).strftime("%Y%m%d%H%M%S")
    missing = file.name.replace(file.start_text, middle)
    attempt = await player(player.record_url(missing)).attempt(limits("IF-REC-07b").quiet.seconds)
    held = attempt.status == NOT_FOUND and attempt.packets == 0
    check.true("IF-REC-07b", held, say("404 且无媒体", "404 and no media"), attempt, missing)
    wait = limits("IF-REC-07b").verdict_wait
    check.within("IF-REC-07b", attempt.refused_after, wait, say("拒绝用时", "time to the refusal"))


@verifies("IF-REC-08", "IF-REC-08a")
async def test_seek(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """To the middle, back to the beginning, past the end."""
    limit = limits("IF-REC-08")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    one = await start_recording_play(player, check, file, limits("IF-REC-07").first_frame, 0.0)
    if one is None:
        return
    check.step("s2")
    target = file.seconds * 3 / 4
    if file.seconds - target <= 1 or target <= limit.seek_error.number:
        for requirement in check.requirements:
            check.inconclusive(requirement, say("录像太短", "the recording is too short"))
        return
    check.step("s3")
    await _sought(one, file, target, check, "IF-REC-08", limit.seek_error, limit.seek_time)
    again = limits("IF-REC-08a")
    await _sought(one, file, 0.0, check, "IF-REC-08a", again.seek_error, again.seek_time)
    answer = await one.request("PLAY", one.aggregate, {"Range": f"npt={file.seconds + 10:.1f}-"})
    check.equal("IF-REC-08a", answer.status, PAST_THE_END, say("超出末尾", "past the end"))
    assert one.video is not None
    on = await one.wait_packets(one.video, len(one.video.rtp) + 1, again.seek_time.seconds)
    check.true("IF-REC-08a", on, say("播放继续", "the play goes on"), on)


async def _sought(
    one: Player, file: Recording, target: float, check: Checks, requirement: str, error: Limit, time: Limit
) -> None:
    answer = await one.request("PLAY", one.aggregate, {"Range": f"npt={target:.3f}-"})
    about = f"npt={target:.1f}-"
    if not check.equal(requirement, answer.status, OK, about):
        return
    start = told_start(answer)
    text = answer.response.headers.get("Range") or "-"
    if not check.true(requirement, start is not None, "Range: npt=...", text, about) or start is None:
        return
    check.within(requirement, abs(target - start), error, say(f"{about} 应答的 Range", f"{about}: Range of the answer"))
    place = await place_after(one, answer, file, time.seconds + time.uncertainty)
    if place is None:
        check.fail(requirement, say("跳转后的关键帧", "a key frame after the seek"), NO_ANSWER, about)
        return
    check.within(requirement, place.at - answer.at, time, say(f"{about} 首个关键帧", f"{about}: first key frame"))
    if place.burned_in is not None:
        shown = say(f"{about} 画面时间与 Range 之差", f"{about}: time in the picture against Range")
        check.within(requirement, abs(place.burned_in - start), error, shown)
    if place.off is not None:
        check.within(
            requirement, place.off, error, say(f"{about} rtptime 与首包之差", f"{about}: rtptime against packet")
        )


@verifies("IF-REC-09")
async def test_speed(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """The speed that is echoed is the speed that is played."""
    limit = limits("IF-REC-09")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    one = await start_recording_play(player, check, file, limits("IF-REC-07").first_frame, 0.0)
    if one is None:
        return
    window = limit.window.seconds
    if file.seconds < window * max(SPEEDS):
        check.inconclusive("IF-REC-09", say("录像太短", "the recording is too short"))
        return
    for number, speed in enumerate((1.0, *SPEEDS)):
        check.step("s1" if not number else "s3" if number == len(SPEEDS) else "s2")
        headers = {"Scale": f"{speed:.1f}", "Range": "npt=0.000-"}
        answer = await one.request("PLAY", one.aggregate, headers)
        try:
            told = float(answer.response.headers.get("Scale") or "1")
        except ValueError:
            told = 0.0
        expected = say("200 并带 Scale", "200 with Scale")
        shown = f"{answer.status}, Scale: {answer.response.headers.get('Scale') or '-'}"
        if not check.true("IF-REC-09", answer.status == OK and told > 0, expected, shown, f"Scale: {speed:g}"):
            continue
        await one.watch(window)
        assert one.video is not None
        measured = speed_shown(one.video, answer.at)
        if measured is None:
            check.inconclusive("IF-REC-09", say("画面中没有可识别的时间", "no time can be read in the pictures"))
            return
        said = say(f"声称 {told:g}，实测 {measured:.2f}", f"{told:g} said, {measured:.2f} shown")
        check.within("IF-REC-09", abs(measured - told) / told * 100, limit.scale_error, said)


@verifies("IF-REC-10")
async def test_end(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """BYE for every stream after the last packet."""
    limit = limits("IF-REC-10")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    begin = max(0.0, file.seconds - 2 * limit.length_error.number)
    one = await start_recording_play(player, check, file, limits("IF-REC-07").first_frame, begin)
    if one is None or one.play_answer is None or one.video is None:
        return
    check.step("s2")
    start = told_start(one.play_answer)
    rest = file.seconds - (begin if start is None else start)
    wait = limit.bye_wait.seconds + limit.bye_wait.uncertainty
    said = await _until_bye(player, one, rest + wait)
    check.step("s3")
    silent = [track.media.kind for track in one.tracks if not goodbyes(track)]
    check.equal("IF-REC-10", silent, [], say("未发送 BYE 的流", "streams without BYE"))
    check.true(
        "IF-REC-10", one.client.open_now, say("RTSP 连接保持", "the RTSP connection is open"), one.client.open_now
    )
    if said:
        late = goodbyes(one.video)[0][0] - one.video.packets[-1].at
        check.within("IF-REC-10", late, limit.bye_wait, say("末包到 BYE", "from the last packet to BYE"))
    length = media_seconds(one.video, one.played_at)
    about = say("媒体时长与录像之差", "length of the media against the recording")
    check.within("IF-REC-10", abs(length - rest), limit.length_error, about)


async def _until_bye(players: Players, one: Player, within: float) -> bool:
    """Whether every stream says BYE in time; the session is kept alive meanwhile, so that it does not time out."""
    until = one.now() + within
    while (rest := until - one.now()) > 0:
        if await listen_until(players, one, lambda: all(goodbyes(track) for track in one.tracks), min(rest, ALIVE)):
            return True
        await one.request("OPTIONS", one.aggregate)
    return False


@verifies("IF-REC-11")
async def test_pause(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Media stop, and go on where they stopped."""
    limit = limits("IF-REC-11")
    check.step("s1")
    file = await longest_recording(province, check)
    if file is None:
        return
    one = await start_recording_play(player, check, file, limits("IF-REC-07").first_frame, file.seconds / 2)
    if one is None or one.video is None or one.play_answer is None:
        return
    began = told_start(one.play_answer)
    if began is None or began <= longest(limit.resume_error):
        check.inconclusive(
            "IF-REC-11", say("录像太短，或应答没有 Range", "the recording is too short, or no Range is told")
        )
        return
    await one.watch(limit.stop_time.seconds)
    check.step("s2")
    answer = await one.request("PAUSE", one.aggregate)
    check.equal("IF-REC-11", answer.status, OK, "PAUSE")
    await one.watch(limit.stop_time.seconds + limit.stop_time.uncertainty)
    before, played = one.media_packets, began + media_seconds(one.video, one.played_at)
    await one.watch(limit.stop_time.seconds)
    check.equal("IF-REC-11", one.media_packets - before, 0, say("PAUSE 之后的媒体包", "media packets after PAUSE"))
    check.step("s3")
    answer = await one.request("PLAY", one.aggregate)
    check.equal("IF-REC-11", answer.status, OK, "PLAY")
    start = told_start(answer)
    place = await place_after(one, answer, file, limits("IF-REC-08").seek_time.seconds)
    at = place.burned_in if place is not None and place.burned_in is not None else start
    if place is None or at is None:
        check.fail("IF-REC-11", say("继续播放的位置", "the place where it goes on"), NO_ANSWER)
        return
    about = say(f"停在 {played:.1f} s，自 {at:.1f} s 继续", f"stopped at {played:.1f} s, goes on at {at:.1f} s")
    check.within("IF-REC-11", abs(at - played), limit.resume_error, about)

"""ONV-STR: the stream addresses of the media services, played by RTSP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.onvif.zeep_client import ADDRESS, ZeepClient
from conformance.peers.player import Lower, Player
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.onvif_media import Encoder, Profile, Setting, Version, current
from conformance.suites.camera.onvif.encoder_steps import MEASURABLE, far_apart, measured
from conformance.suites.camera.onvif.media_steps import Face, player_of, plays, streaming
from conformance.suites.camera.onvif.service_steps import control_answer, judge_ok
from specs.model import Limit

PLAYS = say("播放并收到视频", "plays and video comes")
UNAUTHORIZED = 401
#: Streams that are played at the same time; every camera serves two viewers.
AT_ONCE = 2


async def face_with_streams(
    onvif: Onvif, check: Checks, requirement: str, version: Version = "media"
) -> tuple[Face, list[tuple[Profile, Encoder]]]:
    """The media service (the other one where it is missing) and the profiles that stream."""
    other: Version = "media2" if version == "media" else "media"
    face = Face(onvif, check, version if onvif.has(version) or not onvif.has(other) else other)
    if not face.offered(requirement):
        return face, []
    found = streaming(await face.profiles())
    if not found:
        check.not_applicable(requirement, say("没有 H.264 或 H.265 配置集", "no profile streams H.264 or H.265"))
    return face, found


@verifies("ONV-STR-01")
async def test_addresses(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """An rtsp address of bounded length, the same each time."""
    check.step("s1")
    judged = False
    for version in ("media", "media2"):
        face = Face(onvif, check, version)
        if not onvif.has(version):
            continue
        for profile in await face.profiles():
            answer, again = await face.ask_uri(profile.token), await face.ask_uri(profile.token)
            judged = True
            if not judge_ok(check, "ONV-STR-01", answer, profile.token):
                continue
            check.step("s2")
            url, length = face.uri(answer), limits("ONV-STR-01").uri_length
            parts = urlsplit(url)
            expected = say("含主机的 rtsp 地址", "an rtsp address with a host")
            held = parts.scheme in ("rtsp", "rtsps") and bool(parts.hostname)
            check.true("ONV-STR-01", held, expected, url, profile.token)
            check.within("ONV-STR-01", len(url.encode()), length, url)
            check.equal("ONV-STR-01", face.uri(again), url, say("再次请求", "asked for again"))
    if not judged:
        check.not_applicable("ONV-STR-01", say("没有媒体配置集", "there are no media profiles"))


async def judge_transport(face: Face, check: Checks, requirement: str, profile: str, lower: Lower, w: Limit) -> None:
    """The address for one transport plays over it."""
    check.step("s1")
    answer = await face.ask_uri(profile, lower)
    if not judge_ok(check, requirement, answer, f"GetStreamUri {lower}"):
        return
    check.step("s2")
    url = face.uri(answer)
    why = await plays(player_of(face.onvif, url), lower, w)
    check.true(requirement, not why, PLAYS, why or url, lower)


@verifies("ONV-STR-02")
async def test_udp(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Unicast over RTP/UDP."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-02")
    for profile, _ in found[:1]:
        await judge_transport(face, check, "ONV-STR-02", profile.token, "udp", limits("ONV-STR-02").media_within)


@verifies("ONV-STR-03")
async def test_interleaved(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Interleaved in the RTSP connection."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-03")
    for profile, _ in found[:1]:
        await judge_transport(face, check, "ONV-STR-03", profile.token, "tcp", limits("ONV-STR-03").media_within)


@verifies("ONV-STR-04")
async def test_credentials_are_needed(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """No media without credentials, nor with a wrong password."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-04")
    if not found:
        return
    if not onvif.client.username:
        check.not_applicable("ONV-STR-04", say("设备没有用户", "the device has no users"))
        return
    check.step("s1")
    limit, url = limits("ONV-STR-04"), face.uri(await face.ask_uri(found[0][0].token))
    why = await plays(player_of(onvif, url), "tcp", limit.media_within)
    if not check.control(not why, say(f"正确的凭据可播放 {why}", f"the right credentials play {why}")):
        return
    wrong = f"wrong-{onvif.wire.random.getrandbits(32):08x}"
    for step, user, password in (("s2", "", ""), ("s3", onvif.client.username, wrong)):
        check.step(step)
        player = player_of(onvif, url, user, password)
        attempt = await player.attempt(limit.observe_window.seconds)
        await player.close()
        held = attempt.status == UNAUTHORIZED and attempt.packets == 0
        expected = say("以 401 拒绝且没有媒体包", "refused with 401 and not one media packet")
        about = say("错误的口令", "wrong password") if user else say("没有凭据", "no credentials")
        check.true("ONV-STR-04", held, expected, attempt, about)


@verifies("ONV-STR-05")
async def test_stream_of_each_profile(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """Codec and size are those of the profile."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-05", "media2")
    window = limits("ONV-STR-05").measure_window.seconds
    check.step("s1")
    plays_of = await asyncio.gather(*(measured(face, profile.token, window) for profile, _ in found[:AT_ONCE]))
    plays_of += [await measured(face, profile.token, window) for profile, _ in found[AT_ONCE:]]
    check.step("s2")
    for (profile, encoder), told in zip(found, plays_of, strict=True):
        if told is None:
            check.fail("ONV-STR-05", PLAYS, say("没有媒体", "no media come"), profile.token)
            continue
        observed, expected = (told[0], *told[1].size), (encoder.codec, *encoder.size)
        check.equal("ONV-STR-05", observed, expected, profile.token)


@verifies("ONV-STR-06")
async def test_addresses_of_media2(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """The addresses of ver20 play over both transports."""
    if not Face(onvif, check, "media2").offered("ONV-STR-06"):
        return
    face, found = await face_with_streams(onvif, check, "ONV-STR-06", "media2")
    lowers: tuple[Lower, ...] = ("udp", "tcp")
    for profile, _ in found[:1]:
        for lower in lowers:
            await judge_transport(face, check, "ONV-STR-06", profile.token, lower, limits("ONV-STR-06").media_within)


async def other_sizes(face: Face, encoder: Encoder) -> list[Setting]:
    """Settings with the same encoding and another resolution."""
    choices = [one for one in await face.options(encoder) if one.encoding == encoder.encoding and one.sizes]
    return [one for options in choices for one in far_apart(options) if one.size != encoder.size]


@verifies("ONV-STR-07")
async def test_address_outlives_settings(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A change of the encoder leaves the address as it is."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-07", "media2")
    if not found:
        return
    check.step("s1")
    choices = [(*pair, setting) for pair in found for setting in await other_sizes(face, pair[1])]
    if not choices:
        check.not_applicable("ONV-STR-07", say("只有一种分辨率", "there is one resolution only"))
        return
    profile, encoder, setting = choices[0]
    url = face.uri(await face.ask_uri(profile.token))
    check.step("s2")
    face.restore(encoder)
    control_answer(check, await face.set(encoder, setting))
    check.step("s3")
    again = face.uri(await face.ask_uri(profile.token))
    check.equal("ONV-STR-07", again, url, say("设置之后的地址", "the address after the setting"))
    why = await plays(player_of(onvif, url), "tcp", limits("ONV-STR-07").media_within)
    check.true("ONV-STR-07", not why, PLAYS, why or url)


@verifies("ONV-STR-08")
async def test_zeep(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """onvif-zeep lists the profiles and gets an address that plays."""
    if not Face(onvif, check, "media").offered("ONV-STR-08"):
        return
    check.step("s1")
    control_answer(check, await Face(onvif, check, "media").ask_profiles())
    check.step("s2")
    client = onvif.client
    other = ZeepClient(onvif.url, client.username, client.password, onvif.limits["answer_wait"].seconds)
    results, url = await other.run(onvif.wire), ""
    for result in results:
        expected = say("成功", "works")
        check.true("ONV-STR-08", not result.error, expected, result.error or result.value, result.step)
        url = result.value if result.step == ADDRESS else url
    if url:
        check.step("s3")
        why = await plays(player_of(onvif, url), "tcp", limits("ONV-STR-08").media_within)
        check.true("ONV-STR-08", not why, PLAYS, why or url)


@verifies("ONV-STR-09")
async def test_synchronization_point(onvif: Onvif, check: Checks, limits: Limits) -> None:
    """A key picture comes when it is asked for, far from the regular ones."""
    face, found = await face_with_streams(onvif, check, "ONV-STR-09")
    limit = limits("ONV-STR-09")
    least = limit.key_within.seconds * 2
    choices = [(*pair, setting) for pair in found for setting in await rare_keys(face, pair[1], least)]
    if not choices:
        if found:
            check.not_applicable("ONV-STR-09", say("关键帧间隔不能设得足够长", "key pictures cannot be set far apart"))
        return
    check.step("s1")
    profile, encoder, setting = choices[0]
    face.restore(encoder)
    if not control_answer(check, await face.set(encoder, setting), str(setting)):
        return
    player = player_of(onvif, face.uri(await face.ask_uri(profile.token)))
    await player.start("tcp", kinds=("video",))
    begun = await player.wait_idr(player.video, limit.key_within.seconds) if player.video is not None else None
    if check.control(begun is not None, say("码流以关键帧开始", "the stream begins with a key picture")):
        await player.watch(limit.pause.seconds)
        check.step("s2")
        since = onvif.wire.now()
        answer = await face.call("SetSynchronizationPoint", face.token("ProfileToken", profile.token))
        if judge_ok(check, "ONV-STR-09", answer):
            came = await key_after(player, since, limit.key_within)
            expected = say(f"{limit.key_within} 内出现关键帧", f"a key picture within {limit.key_within}")
            check.true(
                "ONV-STR-09", came is not None, expected, f"{came:.3g} s" if came is not None else "-", str(setting)
            )
    await player.close()


async def rare_keys(face: Face, encoder: Encoder, least: float) -> list[Setting]:
    """The present setting with key pictures more than ``least`` seconds apart, at a lower rate where need be."""
    found = []
    for options in await face.options(encoder):
        longest = int(options.gov_length.high) if options.gov_length is not None else 0
        rates = [rate for rate in options.rates if rate >= MEASURABLE and longest / rate > least]
        if options.encoding == encoder.encoding and rates:
            found.append(replace(current(encoder), frame_rate=max(rates), gov_length=longest))
    return found


async def key_after(player: Player, since: float, within: Limit) -> float | None:
    """Seconds from ``since`` to the first whole key picture; None when none comes in time."""
    track = player.video
    ends = since + within.seconds + within.uncertainty
    while track is not None:
        for at, unit in track.access_units(since):
            if unit.complete and track.is_random_access(unit):
                return at - since
        if player.now() >= ends:
            return None
        await player.wait_packets(track, len(track.rtp) + 1, max(0.01, ends - player.now()))
    return None

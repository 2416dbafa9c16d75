"""IF-MED-01 to IF-MED-04, IF-MED-08a, IF-MED-10: the whole RTSP sequence, the first picture, a long play."""

from __future__ import annotations

import asyncio
import itertools

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.faults import DeviceFault
from conformance.peers.media_track import ArrivedPacket, Track
from conformance.peers.player import Lower, Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_headers import parse_session
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import OTHER_NAMES, start_all
from conformance.suites.camera.parameter_sets import AVC_SETS, HEVC_SETS, kind_of, sdp_sets
from conformance.suites.camera.relay_steps import latest, told, told_within
from conformance.suites.camera.stream_measure import judge_track
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.model import Text

OK = 200
SEQUENCES = 1 << 16
TIMESTAMPS = 1 << 32
AUDIO_NAMES = {
    "pcma": ("pcma",),
    "pcmu": ("pcmu",),
    "g726": ("g726-16", "g726-24", "g726-32", "g726-40"),
    "adpcm": ("dvi4",),
    "aac": ("mpeg4-generic", "mp4a-latm"),
}
TRANSPORTS: tuple[tuple[str, Lower, str], ...] = (
    ("IF-MED-01", "tcp", "tcp_interleaved"),
    ("IF-MED-01a", "udp", "udp"),
)


@verifies("IF-MED-01", "IF-MED-01a")
async def test_whole_sequence(
    player: Players, wire: Wire, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """OPTIONS to TEARDOWN over TCP and over UDP, at the same time."""
    walks = []
    for requirement, lower, feature in TRANSPORTS:
        if declaration.features.get(feature) is False:
            check.not_applicable(requirement, say(f"设备未声明 {feature}", f"the device does not declare {feature}"))
        else:
            walks.append(_walk(player(), wire, requirement, lower, check, limits))
    await asyncio.gather(*walks)


async def _walk(one: Player, wire: Wire, requirement: str, lower: Lower, check: Checks, limits: Limits) -> None:
    """One sequence. What the device refuses or leaves unanswered is judged, not raised."""
    try:
        await _every_step(one, wire, requirement, lower, check, limits)
    except (DeviceFault, CodecError) as fault:
        seen = fault.text if isinstance(fault, DeviceFault) else str(fault)
        check.fail(requirement, say("每一步均应答 200", "each step is answered with 200"), seen, lower.upper())


async def _every_step(one: Player, wire: Wire, requirement: str, lower: Lower, check: Checks, limits: Limits) -> None:
    limit = limits(requirement)
    check.step("s1")
    await one.connect()
    answers = [await one.request("OPTIONS", one.url)]
    started = wire.now()
    await one.describe()
    described = wire.now() - started
    check.step("s2")
    answers += [await one.setup(track, lower) for track in one.tracks]
    check.step("s3")
    answers.append(await one.play())
    track = one.video
    came = track is not None and await one.wait_packets(track, 1, latest(limit.first_packet_within))
    expected = say("PLAY 之后有视频 RTP", "video RTP after PLAY")
    if check.true(requirement, came, expected, f"{one.media_packets} packets", lower.upper()) and track is not None:
        about = say(f"{lower.upper()} 首个视频包", f"{lower.upper()}, first video packet")
        check.within(requirement, max(0.0, track.rtp[0][0] - one.played_at), limit.first_packet_within, about)
    check.step("s4")
    answers.append(await one.teardown())
    check.equal(requirement, [answer.status for answer in answers], [OK] * len(answers), lower.upper())
    slowest = max([described, *(answer.at - answer.sent_at for answer in answers)])
    check.within(requirement, slowest, limit.answer_within, say("最慢的应答", "the slowest answer"))
    await wire.sleep(limit.settle.seconds)
    before = one.media_packets
    await wire.sleep(limit.quiet.seconds)
    more = one.media_packets - before
    check.equal(requirement, more, 0, say("TEARDOWN 之后的媒体包", "media packets after TEARDOWN"))


@verifies("IF-MED-02")
async def test_first_picture(player: Players, check: Checks, limits: Limits) -> None:
    """From PLAY to the last packet of the first key frame, a few times."""
    limit = limits("IF-MED-02")
    slowest = 0.0
    for _ in range(int(limit.rounds.number)):
        check.step("s1")
        one = player()
        await one.start(kinds=("video",))
        check.step("s2")
        key = await one.wait_idr(one.video, latest(limit.first_frame)) if one.video is not None else None
        await one.close()
        if key is None:
            check.fail("IF-MED-02", str(limit.first_frame), say("没有关键帧", "no key frame"))
            return
        slowest = max(slowest, key - one.played_at)
    check.step("s3")
    check.within("IF-MED-02", slowest, limit.first_frame, say("最慢的首帧", "the slowest first key frame"))


@verifies("IF-MED-02a", "IF-MED-02b", "IF-MED-03", "IF-MED-03a", "IF-MED-04", "IF-MED-10")
async def test_long_play(
    player: Players, wire: Wire, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """One play of every media, kept alive, of which all of this is judged."""
    one = player()
    check.step("s1")
    lower: Lower = "udp" if declaration.features.get("tcp_interleaved") is False else "tcp"
    await start_all(one, lower)
    video = one.video
    first = latest(limits("IF-MED-03").first_packet_within)
    shown = video is not None and await one.wait_packets(video, 1, first)
    if not check.control(shown, say("码流可以播放", "the stream plays")) or video is None:
        return
    check.step("s2")
    names = ("IF-MED-03", "IF-MED-03a", "IF-MED-04", "IF-MED-10")
    await _watch(one, wire, max(*(limits(name).observe.seconds for name in names), _shortest(player)))
    await _second_key(one, video, wire, limits)
    broken = one.client.closed_at is not None
    _judge_sdp_sets(video, check)
    _judge_repeated_sets(video, check, limits)
    _judge_sections(one, check)
    _judge_codecs(one, declaration, check)
    _judge_packets(video, check, limits, broken=broken)
    _judge_rate(one, check, limits)


def _shortest(players: Players) -> float:
    return players.bench.limits["shortest_watch"].seconds


async def _watch(one: Player, wire: Wire, seconds: float) -> None:
    """Receive for that long, with a sign of life in time for the session."""
    end = wire.now() + seconds
    while (rest := end - wire.now()) > 0:
        await wire.sleep(min(rest, parse_session(one.session_header).lifetime / 3))
        if end > wire.now():
            await one.request("OPTIONS", one.aggregate)


async def _second_key(one: Player, video: Track, wire: Wire, limits: Limits) -> None:
    """Go on until as many key frames as are judged have come, or are late."""
    limit = limits("IF-MED-02b")
    wanted = int(limit.idrs.number)
    end = one.played_at + limit.idr_wait.seconds * wanted
    while _keys(video) < wanted and wire.now() < end:
        await one.wait_packets(video, len(video.rtp) + 1, limit.idr_wait.seconds)


def _keys(video: Track) -> int:
    return sum(video.is_random_access(unit) for _, unit in video.access_units())


def _parsable(video: Track, check: Checks, requirement: str) -> bool:
    """Whether the codec has parameter sets that are known here."""
    if video.codec in ("h264", "h265"):
        return True
    check.not_applicable(requirement, say(f"编码为 {video.codec}", f"the codec is {video.codec}"))
    return False


def _sets_of(codec: str) -> tuple[int, ...]:
    return HEVC_SETS if codec == "h265" else AVC_SETS


def _judge_sdp_sets(video: Track, check: Checks) -> None:
    """IF-MED-02a."""
    if not _parsable(video, check, "IF-MED-02a"):
        return
    kinds = {kind_of(video.codec, nal) for nal in sdp_sets(video)}
    wanted = set(_sets_of(video.codec))
    check.true("IF-MED-02a", wanted <= kinds, f"NAL unit types {sorted(wanted)}", sorted(kinds), "fmtp")


def _judge_repeated_sets(video: Track, check: Checks, limits: Limits) -> None:
    """IF-MED-02b: sets stand before the first other unit of each key frame."""
    if not _parsable(video, check, "IF-MED-02b"):
        return
    keys = [unit for _, unit in video.access_units() if video.is_random_access(unit) and unit.complete]
    wanted = int(limits("IF-MED-02b").idrs.number)
    if len(keys) < wanted:
        check.inconclusive("IF-MED-02b", say(f"只有 {len(keys)} 个关键帧", f"only {len(keys)} key frames"))
        return
    sets = set(_sets_of(video.codec))
    for number, unit in enumerate(keys[:wanted]):
        kinds = [kind_of(video.codec, nal) for nal in unit.nals]
        first = next((place for place, kind in enumerate(kinds) if kind in _slices(video.codec)), len(kinds))
        about = say(f"第 {number + 1} 个关键帧", f"key frame {number + 1}")
        check.true("IF-MED-02b", sets <= set(kinds[:first]), f"{sorted(sets)} before the slices", kinds[:8], about)


def _slices(codec: str) -> range:
    """NAL unit types of slices (H.264 table 7-1, H.265 table 7-1)."""
    return range(32) if codec == "h265" else range(1, 6)


def _judge_sections(one: Player, check: Checks) -> None:
    """IF-MED-03: each section sends what it says, and nothing else comes."""
    for track in one.tracks:
        about = f"{track.media.kind} {track.codec}"
        types = set(track.media.payload_types)
        good = [p for p in track.packets if p.packet.payload_type in types and p.packet.payload]
        seen = f"{len(good)} of {len(track.packets)} packets, {len(track.errors)} unreadable"
        whole = bool(good) and len(good) == len(track.packets) and not track.errors
        check.true(
            "IF-MED-03", whole, say("有包且均符合所声明的编码", "packets, all of the declared codec"), seen, about
        )
        if track.media.kind == "video":
            units = sum(unit.complete for _, unit in track.access_units())
            check.true("IF-MED-03", units > 0, say("载荷可解析为图像", "the payload parses as pictures"), units, about)
    stray = sorted({channel for channel, _, _ in one.client.interleaved})
    check.equal("IF-MED-03", stray, [], say("未声明的通道", "channels that were not set up"))


def _judge_codecs(one: Player, declaration: LoadedDeclaration, check: Checks) -> None:
    """IF-MED-03a: declaration against SDP and what came."""
    features = declaration.features
    videos, audio, audios = (features.get(name) for name in ("video_codecs", "audio", "audio_codecs"))
    if not isinstance(videos, frozenset) and audio is None:
        check.not_applicable("IF-MED-03a", say("未声明编码", "the declaration names no codecs"))
        return
    if isinstance(videos, frozenset):
        names = sorted(name for codec in videos for name in (codec, *OTHER_NAMES.get(codec, ())))
        codecs = [track.codec for track in one.tracks if track.media.kind == "video"]
        check.true("IF-MED-03a", all(codec in names for codec in codecs), ", ".join(names), ", ".join(codecs), "video")
    sounds = [track for track in one.tracks if track.media.kind == "audio"]
    if isinstance(audio, bool):
        sends = any(track.packets for track in sounds)
        declared = say(f"音频 {audio}", f"audio {audio}")
        check.true("IF-MED-03a", sends is audio, declared, f"{sum(len(t.packets) for t in sounds)} packets", "audio")
    if isinstance(audios, frozenset) and audio:
        names = sorted(name for codec in audios for name in AUDIO_NAMES.get(codec, (codec,)))
        codecs = [track.codec for track in sounds]
        check.true("IF-MED-03a", all(codec in names for codec in codecs), ", ".join(names), ", ".join(codecs), "audio")


def _judge_packets(video: Track, check: Checks, limits: Limits, *, broken: bool) -> None:
    """IF-MED-04."""
    packets = video.packets
    pairs = list(itertools.pairwise(packets))
    found = {
        "sequence": sum(not _follows(a, b) for a, b in pairs),
        "timestamp": sum((b.packet.timestamp - a.packet.timestamp) % TIMESTAMPS >= TIMESTAMPS // 2 for a, b in pairs),
        "marker": sum(a.packet.marker is (a.packet.timestamp == b.packet.timestamp) for a, b in pairs),
        "SSRC": len({arrived.packet.ssrc for arrived in packets}) - 1,
    }
    about = say(f"{len(packets)} 个包中的错误", f"errors in {len(packets)} packets")
    check.equal("IF-MED-04", found, dict.fromkeys(found, 0), about)
    check.true("IF-MED-04", not broken, say("连接保持", "the connection stays"))
    ends = [arrived.at for arrived in packets if arrived.packet.marker]
    gap = max((b - a for a, b in itertools.pairwise(ends)), default=0.0)
    check.within("IF-MED-04", gap, limits("IF-MED-04").frame_gap, say("最大帧间隔", "the longest gap between frames"))


def _follows(first: ArrivedPacket, second: ArrivedPacket) -> bool:
    return (first.packet.sequence + 1) % SEQUENCES == second.packet.sequence


def _judge_rate(one: Player, check: Checks, limits: Limits) -> None:
    """IF-MED-10, for pictures of the named size and above."""
    limit = limits("IF-MED-10")
    measured = judge_track(one)
    width, height = measured.size
    if width * height < limit.width.number * limit.height.number:
        check.not_applicable("IF-MED-10", say(f"画面 {width}x{height}", f"pictures of {width}x{height}"))
        return
    check.within("IF-MED-10", measured.fps, limit.frame_rate, str(measured))


@verifies("IF-MED-08a")
async def test_reported_addresses(
    province: Province, bench: Bench, player: Players, check: Checks, limits: Limits
) -> None:
    """Every address of the last LOGIN or HEARTBEAT plays, where the bench can reach it."""
    check.step("s1")
    within = limits("IF-MED-08a").first_packet_within
    held = await bench.relays.allocated(latest(limits("IF-LOG-06").allocation_within)) if bench.has_relay else None
    if held is not None:
        await told_within(province, held.address, held.opened_at, latest(limits("IF-LOG-06").heartbeat_within))
    reports = sorted((*province.messages("LOGIN"), *province.messages("HEARTBEAT")), key=lambda r: r.at)
    last = next(r.message for r in reversed(reports) if r.message.kind == "request")
    check.step("s2")
    local = (last.get("LocalIP"), last.get("RtspLocalPort"))
    await _address_plays(player, local, "Local", check, latest(within))
    host, port = told(last)
    if host:
        await _address_plays(player, (host, str(port)), "TurnRelay", check, latest(within))
    outer = (last.get("UpnpIP"), last.get("RtspUpnpPort"))
    if outer[0] and await _reachable(player, outer):
        await _address_plays(player, outer, "Upnp", check, latest(within))


def _at(players: Players, address: tuple[str, str]) -> Player:
    path = players.live_url().partition("://")[2].partition("/")[2]
    return players(f"rtsp://{address[0]}:{address[1]}/{path}")


async def _reachable(players: Players, address: tuple[str, str]) -> bool:
    """Whether the bench gets a connection there at all: an outer address need not be reachable from inside."""
    try:
        await (await _at(players, address).connect()).close()
    except (DeviceFault, ValueError):
        return False
    return True


async def _address_plays(players: Players, address: tuple[str, str], name: str, check: Checks, within: float) -> None:
    check.step("s3")
    one = _at(players, address)
    seen: Text | str = ""
    came = False
    try:
        await one.start(kinds=("video",))
        came = one.video is not None and await one.wait_packets(one.video, 1, within)
    except DeviceFault as fault:
        seen = fault.text
    except (CodecError, ValueError) as fault:
        seen = str(fault)
    check.true("IF-MED-08a", came, say("可以播放", "it plays"), seen, f"{name} {address[0]}:{address[1]}")
    await one.close()

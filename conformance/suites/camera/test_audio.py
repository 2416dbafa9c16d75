"""IF-AUD: description, packets and clock of the audio in one observed play."""

from __future__ import annotations

from itertools import pairwise
from statistics import median

from conformance.model.checks import Checks, say
from conformance.peers.media_track import ArrivedPacket, Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.audio import parse_aac_payload, parse_adts, parse_audio_config
from conformance.protocols.rtp import sequence_step, timestamp_step
from conformance.protocols.sdp_formats import AacFormat, read_aac_format
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import SUB_STREAM, Observation, observation, sender_reports
from conformance.suites.camera.packet_order import clock_ratio
from specs.model import Text

TOGETHER = "observed play"
SHOWN = 3
G711 = ("pcma", "pcmu")
FEATURES = {"mpeg4-generic": "aac", "dvi4": "adpcm"}
STATIC = {0: "pcmu", 8: "pcma"}
TELEPHONE_CLOCK = 8_000
DVI4_HEADER = 4
HBR = (13, 3, 3)
BITS_BY_RATE = {"16": 2, "24": 3, "32": 4, "40": 5}
FIRST_DYNAMIC = 96
SINGLE_CHANNEL = 1


async def _audio(players: Players, check: Checks, limits: Limits, *codecs: str) -> tuple[Observation, Track] | None:
    """An observation and its audio: of the main stream, or of the sub stream for a declared codec that the main stream
    does not have. None when nothing plays, or (not applicable) without audio of these codecs."""
    seen = await observation(players, check, limits)
    if seen is not None and codecs and not _is_one_of(seen.audio, codecs) and _declares(players, codecs):
        seen = await observation(players, check, limits, stream=SUB_STREAM)
    if seen is None:
        return None
    track = seen.audio
    if track is None:
        _skip(check, say("描述中没有音频", "there is no audio in the description"))
    elif codecs and not _is_one_of(track, codecs):
        _skip(check, say(f"音频编码是 {track.codec}", f"the audio is {track.codec}"))
    elif not track.packets:
        check.control(False, say("没有音频包", "no audio packet came"))
    else:
        return seen, track
    return None


def _is_one_of(track: Track | None, codecs: tuple[str, ...]) -> bool:
    """By the encoding name, or by a static payload type whatever its name."""
    if track is None:
        return False
    fixed = STATIC.get(track.media.payload_types[0], "")
    return track.codec.startswith(codecs) or (fixed.startswith(codecs) and fixed != "")


def _declares(players: Players, codecs: tuple[str, ...]) -> bool:
    declared = players.bench.loaded.features.get("audio_codecs")
    wanted = {FEATURES.get(codec, codec) for codec in codecs}
    return players.tokens_needed and isinstance(declared, frozenset) and not wanted.isdisjoint(declared)


def _skip(check: Checks, why: Text) -> None:
    for requirement in check.requirements:
        check.not_applicable(requirement, why)


def _steps(track: Track) -> list[tuple[ArrivedPacket, ArrivedPacket, int]]:
    """Packets in a row, with the step of the timestamp."""
    return [
        (a, b, timestamp_step(a.packet.timestamp, b.packet.timestamp))
        for a, b in pairwise(track.packets)
        if sequence_step(a.packet.sequence, b.packet.sequence) == 1
    ]


def _jumps(track: Track, samples: dict[int, int]) -> list[str]:
    """Packets whose timestamp is not that of the packet before plus its samples (by sequence number).

    A larger step is a gap that the sender has left (RFC 3551 4.1), unless most steps are wrong: then it is the clock.
    """
    steps = [(a, b, step, samples[a.packet.sequence]) for a, b, step in _steps(track) if a.packet.sequence in samples]
    wrong = [entry for entry in steps if entry[2] != entry[3]]
    if 2 * len(wrong) <= len(steps):
        wrong = [entry for entry in wrong if entry[2] < entry[3]]
    return [f"{b.packet.sequence}: {step} after {count} samples" for _, b, step, count in wrong]


@verifies("IF-AUD-01", "IF-AUD-02")
async def test_g711(player: Players, check: Checks, limits: Limits) -> None:
    """Payload type, clock, and one sample for each byte."""
    found = await _audio(player, check, limits, *G711)
    if found is None:
        return
    track = found[1]
    check.step("s2")
    number = track.media.payload_types[0]
    fixed, mapped = STATIC.get(number), track.rtpmap
    told = (track.codec, track.clock, mapped.channels if mapped else SINGLE_CHANNEL)
    held = mapped is not None and (fixed is None or told == (fixed, TELEPHONE_CLOCK, SINGLE_CHANNEL))
    expected = say("静态类型为 8000 Hz 单声道", "a static type is 8000 Hz mono")
    check.true("IF-AUD-01", held, expected, f"{number}: {mapped}")
    samples = {a.packet.sequence: len(a.packet.payload) // told[2] for a in track.packets}
    about = say(f"{len(track.packets)} 个音频包", f"in {len(track.packets)} audio packets")
    check.equal("IF-AUD-02", _jumps(track, samples)[:SHOWN], [], about)


@verifies("IF-AUD-03", "IF-AUD-04")
async def test_time(player: Players, check: Checks, limits: Limits) -> None:
    """Packet time and clock."""
    found = await _audio(player, check, limits)
    if found is None:
        return
    track = found[1]
    check.step("s2")
    usual = median([step * 1000 / track.clock for _, _, step in _steps(track) if step > 0] or [0.0])
    if not usual:
        check.inconclusive("IF-AUD-03", say("音频包不足", "too few audio packets"))
    else:
        check.within(
            "IF-AUD-03", usual, limits("IF-AUD-03").packet_time, say("包时长（中位数）", "packet time (median)")
        )
        _declared_time(track, usual, check, limits)
    check.step("s3")
    ratio = clock_ratio(track.packets, track.clock)
    if ratio is None:
        check.inconclusive("IF-AUD-04", say("音频包不足", "too few audio packets"))
    else:
        about = say(f"推得时钟 {ratio * track.clock:.0f} Hz", f"the clock found is {ratio * track.clock:.0f} Hz")
        check.within("IF-AUD-04", ratio, limits("IF-AUD-04").clock_ratio, about)


def _declared_time(track: Track, usual: float, check: Checks, limits: Limits) -> None:
    """ptime is a recommendation for a packet, maxptime a bound (RFC 4566 6); both may be rounded to whole numbers."""
    told = {a.name: a.value or "" for a in track.media.attributes if a.name in ("ptime", "maxptime")}
    rounding = limits("IF-AUD-03").rounding.number
    if told.get("ptime", "").isdecimal():
        held = abs(usual - int(told["ptime"])) < rounding
        check.true("IF-AUD-03", held, f"ptime {told['ptime']} ms", f"{usual:g} ms")
    if told.get("maxptime", "").isdecimal():
        held = usual < int(told["maxptime"]) + rounding
        check.true("IF-AUD-03", held, f"maxptime {told['maxptime']} ms", f"{usual:g} ms")


@verifies("IF-AUD-05")
async def test_g726(player: Players, check: Checks, limits: Limits) -> None:
    """The name says the bits of a sample; timestamps and payloads agree."""
    found = await _audio(player, check, limits, "g726", "aal2-g726")
    if found is None:
        return
    track = found[1]
    check.step("s2")
    name, _, rate = track.codec.rpartition("-")
    number = track.media.payload_types[0]
    known = name == "g726" and rate in BITS_BY_RATE and track.clock == TELEPHONE_CLOCK and number >= FIRST_DYNAMIC
    check.true("IF-AUD-05", known, "G726-16/24/32/40, 8000 Hz", f"{track.codec}/{track.clock}, {number}")
    if not known:
        return
    check.step("s3")
    samples = {a.packet.sequence: len(a.packet.payload) * 8 // BITS_BY_RATE[rate] for a in track.packets}
    check.equal("IF-AUD-05", _jumps(track, samples)[:SHOWN], [], say("样点与载荷", "samples and payload"))


@verifies("IF-AUD-06")
async def test_adpcm(player: Players, check: Checks, limits: Limits) -> None:
    """ADPCM goes by the name DVI4 with its four bytes of state."""
    found = await _audio(player, check, limits)
    if found is None:
        return
    track = found[1]
    if track.codec in (*G711, "mpeg4-generic") or track.codec.startswith(("g726", "aal2-g726")):
        _skip(check, say(f"音频编码是 {track.codec}", f"the audio is {track.codec}"))
        return
    check.step("s2")
    if not check.equal("IF-AUD-06", track.codec, "dvi4", "rtpmap"):
        return
    check.step("s3")
    samples = {a.packet.sequence: 2 * (len(a.packet.payload) - DVI4_HEADER) for a in track.packets}
    check.equal("IF-AUD-06", _jumps(track, samples)[:SHOWN], [], say("样点与载荷", "samples and payload"))


@verifies("IF-AUD-07", "IF-AUD-08")
async def test_aac(player: Players, check: Checks, limits: Limits) -> None:
    """mpeg4-generic: configuration, AU headers, timestamps, no ADTS."""
    found = await _audio(player, check, limits, "mpeg4-generic")
    if found is None:
        return
    track = found[1]
    check.step("s2")
    try:
        form = read_aac_format(track.media.fmtp(track.media.payload_types[0]))
        config = parse_audio_config(form.config)
    except CodecError as error:
        check.fail("IF-AUD-07", say("可读的 fmtp 与 config", "readable fmtp and config"), error)
        check.inconclusive("IF-AUD-08", say("fmtp 不可读", "fmtp cannot be read"))
        return
    lengths = (form.size_length, form.index_length, form.index_delta_length)
    told = (form.mode.lower(), lengths, track.clock, track.rtpmap.channels if track.rtpmap else 0)
    rates = {config.sampling_rate, config.extension_rate or config.sampling_rate}
    channels = (config.channels, 2) if config.extension_rate else (config.channels or told[3],)
    held = told[:2] == ("aac-hbr", HBR) and told[2] in rates and told[3] in channels
    check.true("IF-AUD-07", held, f"AAC-hbr, {HBR}, {sorted(rates)} Hz, {config.channels} ch", told)
    check.step("s3")
    samples = config.frame_samples * track.clock // config.sampling_rate
    check.equal("IF-AUD-08", _aac_faults(track, form, samples)[:SHOWN], [], say("载荷问题", "payloads"))


def _aac_faults(track: Track, form: AacFormat, samples: int) -> list[str]:
    faults = []
    sizes = (form.size_length, form.index_length, form.index_delta_length)
    counts: dict[int, int] = {}
    for arrived in track.packets:
        packet = arrived.packet
        try:
            found = parse_aac_payload(
                packet.payload, size_length=sizes[0], index_length=sizes[1], delta_length=sizes[2]
            )
        except CodecError as error:
            faults.append(f"{packet.sequence}: {error}")
            continue
        faults += [f"{packet.sequence}: {v.explain}" for v in found.violations]
        faults += [f"{packet.sequence}: ADTS header inside" for frame in found.frames if _is_adts(frame)]
        if not found.fragment:
            counts[packet.sequence] = len(found.frames) * samples
    return faults + _jumps(track, counts)


def _is_adts(frame: bytes) -> bool:
    try:
        return parse_adts(frame).frame_size == len(frame)
    except CodecError:
        return False


@verifies("IF-AUD-09")
async def test_alignment(player: Players, check: Checks, limits: Limits) -> None:
    """Packets of one moment have one NTP time by their sender reports."""
    found = await _audio(player, check, limits)
    if found is None:
        return
    seen, audio = found
    check.step("s2")
    times = [_ntp_lead(track) for track in (seen.video, audio)]
    if times[0] is None or times[1] is None:
        check.not_applicable("IF-AUD-09", say("缺少 SR", "sender reports are missing"))
        return
    check.step("s3")
    check.within("IF-AUD-09", abs(times[0] - times[1]), limits("IF-AUD-09").skew, say("音视频之差", "audio to video"))


def _ntp_lead(track: Track) -> float | None:
    """NTP time of the media minus their time of arrival, in seconds: the median over all packets."""
    reports = [(at, report) for at, report in sender_reports(track) if report.ntp]
    if not reports or not track.packets:
        return None
    report = reports[0][1]
    origin = report.unix_time
    leads = sorted(
        origin + timestamp_step(report.rtp_timestamp, a.packet.timestamp) / track.clock - a.at for a in track.packets
    )
    return leads[len(leads) // 2]

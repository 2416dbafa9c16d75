"""IF-AUD: description, packets and clock of the audio in one observed play."""

from __future__ import annotations

from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.media_track import ArrivedPacket, Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.audio import parse_aac_payload, parse_adts, parse_audio_config
from conformance.protocols.rtp import sequence_step, timestamp_step
from conformance.protocols.sdp_formats import AacFormat, read_aac_format
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import Observation, observation, sender_reports
from conformance.suites.camera.packet_order import clock_ratio
from specs.model import Text

SHOWN = 3
G711 = ("pcma", "pcmu")
STATIC = {0: "pcmu", 8: "pcma"}
TELEPHONE_CLOCK = 8_000
DVI4_HEADER = 4
HBR = (13, 3, 3)


async def _audio(players: Players, check: Checks, limits: Limits, *codecs: str) -> tuple[Observation, Track] | None:
    """The observation and its audio; None when nothing plays, or (not applicable) without audio of these codecs."""
    seen = await observation(players, check, limits)
    if seen is None:
        return None
    track = seen.audio
    if track is None:
        _skip(check, say("描述中没有音频", "there is no audio in the description"))
    elif codecs and not track.codec.startswith(codecs):
        _skip(check, say(f"音频编码是 {track.codec}", f"the audio is {track.codec}"))
    elif not track.packets:
        check.control(False, say("没有音频包", "no audio packet came"))
    else:
        return seen, track
    return None


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


@verifies("IF-AUD-01", "IF-AUD-02")
async def test_g711(player: Players, check: Checks, limits: Limits) -> None:
    """Payload type, clock, and one sample for each byte."""
    found = await _audio(player, check, limits, *G711)
    if found is None:
        return
    track = found[1]
    check.step("s2")
    number = track.media.payload_types[0]
    fixed = STATIC.get(number)
    mapped = track.rtpmap
    held = mapped is not None and (fixed is None or (track.codec, mapped.clock, mapped.channels) == (fixed, 8_000, 1))
    expected = say("静态类型为 8000 Hz 单声道", "a static type is 8000 Hz mono")
    check.true("IF-AUD-01", held, expected, f"{number}: {mapped}")
    channels = mapped.channels if mapped else 1
    wrong = []
    for a, b, step in _steps(track):
        samples = len(a.packet.payload) // channels
        if step != samples and not (step > samples and b.packet.marker):
            wrong.append(f"{b.packet.sequence}: {step} after {samples} samples")
    about = say(f"{len(track.packets)} 个音频包", f"in {len(track.packets)} audio packets")
    check.equal("IF-AUD-02", wrong[:SHOWN], [], about)


@verifies("IF-AUD-03", "IF-AUD-04")
async def test_time(player: Players, check: Checks, limits: Limits) -> None:
    """Packet time and clock."""
    found = await _audio(player, check, limits)
    if found is None:
        return
    track = found[1]
    check.step("s2")
    times = [step * 1000 / track.clock for _, b, step in _steps(track) if step > 0 and not b.packet.marker]
    times = times or [step * 1000 / track.clock for _, _, step in _steps(track) if step > 0]
    if not times:
        check.inconclusive("IF-AUD-03", say("音频包不足", "too few audio packets"))
    else:
        check.within("IF-AUD-03", max(times), limits("IF-AUD-03").packet_time, say("最长包时长", "longest packet"))
        _declared_time(track, times, check)
    check.step("s3")
    ratio = clock_ratio(track.packets, track.clock)
    if ratio is None:
        check.inconclusive("IF-AUD-04", say("音频包不足", "too few audio packets"))
    else:
        about = say(f"推得时钟 {ratio * track.clock:.0f} Hz", f"the clock found is {ratio * track.clock:.0f} Hz")
        check.within("IF-AUD-04", ratio, limits("IF-AUD-04").clock_ratio, about)


def _declared_time(track: Track, times: list[float], check: Checks) -> None:
    """ptime is a recommendation for a packet, maxptime a bound (RFC 4566 6)."""
    told = {a.name: a.value or "" for a in track.media.attributes if a.name in ("ptime", "maxptime")}
    usual = sorted(times)[len(times) // 2]
    if told.get("ptime", "").isdecimal():
        check.true("IF-AUD-03", abs(usual - int(told["ptime"])) < 1, f"ptime {told['ptime']} ms", f"{usual:g} ms")
    if told.get("maxptime", "").isdecimal():
        held = max(times) <= int(told["maxptime"])
        check.true("IF-AUD-03", held, f"maxptime {told['maxptime']} ms", f"{max(times):g} ms")


@verifies("IF-AUD-05")
async def test_g726(player: Players, check: Checks, limits: Limits) -> None:
    """The name says the bits of a sample; timestamps and payloads agree."""
    found = await _audio(player, check, limits, "g726", "aal2-g726")
    if found is None:
        return
    track = found[1]
    check.step("s2")
    rate = track.codec.rpartition("-")[2]
    known = rate in ("16", "24", "32", "40") and track.clock == TELEPHONE_CLOCK
    check.true("IF-AUD-05", known, "G726-16/24/32/40, 8000 Hz", f"{track.codec}/{track.clock}")
    if not known:
        return
    check.step("s3")
    bits = int(rate) // 8
    wrong = [
        f"{b.packet.sequence}: {step} x {bits} bits, {len(a.packet.payload)} bytes"
        for a, b, step in _steps(track)
        if step * bits != len(a.packet.payload) * 8 and not b.packet.marker
    ]
    check.equal("IF-AUD-05", wrong[:SHOWN], [], say("样点与载荷", "samples and payload"))


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
    wrong = [
        f"{b.packet.sequence}: {step} samples in {len(a.packet.payload)} bytes"
        for a, b, step in _steps(track)
        if step != 2 * (len(a.packet.payload) - DVI4_HEADER) and not b.packet.marker
    ]
    check.equal("IF-AUD-06", wrong[:SHOWN], [], say("样点与载荷", "samples and payload"))


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
    channels = (config.channels, 2) if config.extension_rate else (config.channels,)
    held = told[:2] == ("aac-hbr", HBR) and told[2] in rates and told[3] in channels
    check.true("IF-AUD-07", held, f"AAC-hbr, {HBR}, {sorted(rates)} Hz, {config.channels} ch", told)
    check.step("s3")
    check.equal("IF-AUD-08", _aac_faults(track, form, config.frame_samples)[:SHOWN], [], say("载荷问题", "payloads"))


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
        faults += [f"{packet.sequence}: ADTS header inside" for frame in found.frames[:1] if _is_adts(frame)]
        if not found.fragment:
            counts[packet.sequence] = len(found.frames)
    for a, b, step in _steps(track):
        count = counts.get(a.packet.sequence)
        if count is not None and step != count * samples:
            faults.append(f"{b.packet.sequence}: timestamp step {step} after {count} units")
    return faults


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
    reports = sender_reports(track)
    if not reports or not track.packets:
        return None
    report = reports[0][1]
    origin = report.unix_time
    leads = sorted(
        origin + timestamp_step(report.rtp_timestamp, a.packet.timestamp) / track.clock - a.at for a in track.packets
    )
    return leads[len(leads) // 2]

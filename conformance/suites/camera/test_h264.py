"""IF-H264: payload format and stream of one observed play."""

from __future__ import annotations

import re

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.h264 import FU_A, FU_B, IDR, MTAP16, MTAP24, PPS, SPS, STAP_A, STAP_B, nal_type
from conformance.protocols.h264_profiles import DEFAULT, covers
from conformance.protocols.h264_sps import SequenceParameters, level_allows, parse_pps, parse_sps
from conformance.protocols.sdp_formats import read_h264_format
from conformance.protocols.violation import CodecError
from conformance.suites.camera.coded_pictures import (
    escaped,
    gaps_of_frame_num,
    key_frame_gaps,
    missing_sets,
    split_pictures,
    undecodable,
)
from conformance.suites.camera.observed_play import coded_stream
from conformance.suites.camera.packet_order import bits_a_second, frames_a_second
from conformance.suites.camera.parameter_sets import (
    active_sps,
    changed_sets,
    incomplete_sets,
    known_sets,
    sdp_sets,
    stream_sets,
)

TOGETHER = "observed play"
SHOWN = 3
SINGLE = range(1, 24)
ALLOWED = {
    "0": {*SINGLE},
    "1": {*SINGLE, STAP_A, FU_A},
    "2": {STAP_B, MTAP16, MTAP24, FU_A, FU_B},
}
RESERVED = {0, 30, 31}
RULES = {"IF-H264-03": ("h264.fu",), "IF-H264-04": ("h264.stap",), "IF-H264-05": ("h264.marker",)}
EXTENSION_SETS = (13, 15)
VIDEO_CLOCK = 90_000
START_CODES = (b"\0\0\1", b"\0\0\0\1")
LEVEL_ID = re.compile(r"[0-9A-Fa-f]{6}")


@verifies("IF-H264-01", "IF-H264-02", "IF-H264-03", "IF-H264-04", "IF-H264-05")
async def test_payloads(player: Players, check: Checks, limits: Limits) -> None:
    """Packet types, NAL unit headers, fragments, aggregates, markers."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track = seen.video
    packets = [arrived.packet for arrived in track.packets if arrived.packet.payload]
    units = [unit for _, unit in track.access_units()]
    check.step("s3")
    mode = _fmtp(track, "packetization-mode") or "0"
    odd = sorted({packet.payload[0] & 0x1F for packet in packets} - ALLOWED.get(mode, set()) - RESERVED)
    about = say(f"packetization-mode={mode} 不允许的类型", f"types outside packetization-mode={mode}")
    check.equal("IF-H264-01", odd, [], about)
    check.step("s2")
    heads = [v.explain for unit in units for v in unit.violations if v.rule == "h264.nal.forbidden_bit"]
    heads += [f"packet type {kind}" for p in packets if (kind := p.payload[0] & 0x1F) in RESERVED]
    nals = [nal for unit in units for nal in unit.nals if nal]
    heads += [
        f"nal_ref_idc 0 on type {nal_type(n)}" for n in nals if nal_type(n) in (IDR, SPS, PPS) and not n[0] & 0x60
    ]
    about = say(f"{len(units)} 个访问单元", f"in {len(units)} access units")
    check.equal("IF-H264-02", heads[:SHOWN], [], about)
    for requirement, prefix in RULES.items():
        faults = [v.explain for unit in units for v in unit.violations if v.rule.startswith(prefix)]
        check.equal(requirement, faults[:SHOWN], [], about)


def _fmtp(track: Track, name: str) -> str | None:
    return track.media.fmtp(track.media.payload_types[0]).get(name)


@verifies("IF-H264-08", "IF-H264-09", "IF-H264-10", "IF-H264-17")
async def test_parameter_sets(player: Players, check: Checks, limits: Limits) -> None:
    """The sets of the SDP can be read, are those of the stream, and fit profile-level-id."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track = seen.video
    check.step("s2")
    _declared(track, check)
    inside, told = stream_sets(track), sdp_sets(track)
    if not inside or not told:
        check.not_applicable("IF-H264-09", say("参数集只在一处给出", "the sets are given in one place only"))
    else:
        check.equal("IF-H264-09", changed_sets(track), [], say("与 SDP 不同的参数集", "sets that differ from the SDP"))
    sets = known_sets(track)
    if not sets:
        check.inconclusive("IF-H264-17", say("没有参数集", "there are no parameter sets"))
    else:
        check.equal("IF-H264-17", incomplete_sets(sets), [], say(f"{len(sets)} 个参数集", f"of {len(sets)} sets"))
    check.step("s3")
    sps = active_sps(track)
    if sps is None or len(sps) < 4:
        check.inconclusive("IF-H264-10", say("没有 SPS", "there is no SPS"))
        return
    text = _fmtp(track, "profile-level-id")
    if text is not None and not LEVEL_ID.fullmatch(text):
        check.fail("IF-H264-10", say("六位十六进制", "six hexadecimal digits"), text, "profile-level-id")
        return
    number = text or DEFAULT
    expected = say(f"{number} 足以解码该码流", f"{number} suffices to decode the stream")
    about = say("profile-level-id 与 SPS", "profile-level-id and SPS")
    check.true("IF-H264-10", covers(bytes.fromhex(number), sps[1:4]), expected, sps[1:4].hex().upper(), about)


def _declared(track: Track, check: Checks) -> None:
    text = _fmtp(track, "sprop-parameter-sets")
    if text is None:
        check.not_applicable("IF-H264-08", say("SDP 中没有参数集", "the SDP holds no parameter sets"))
        return
    faults = []
    try:
        for nal in read_h264_format({"sprop-parameter-sets": text}).parameter_sets:
            if nal_type(nal) == SPS:
                parse_sps(nal)
            elif nal_type(nal) not in EXTENSION_SETS:
                parse_pps(nal)
    except CodecError as error:
        faults.append(str(error))
    check.equal("IF-H264-08", faults, [], "sprop-parameter-sets")


def _sequence(track: Track) -> SequenceParameters | None:
    nal = active_sps(track)
    try:
        return parse_sps(nal) if nal else None
    except CodecError:
        return None


@verifies("IF-H264-06", "IF-H264-07", "IF-H264-11", "IF-H264-12", "IF-H264-13")
async def test_pictures(player: Players, check: Checks, limits: Limits) -> None:
    """Timestamps by picture, sets before slices, start codes, IDR pictures, frame numbers."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track, sps = seen.video, _sequence(seen.video)
    units = [unit for _, unit in track.access_units()]
    nals = [nal for unit in units for nal in unit.nals]
    check.step("s2")
    codes = [f"{a.packet.sequence}: start code" for a in track.packets if a.packet.payload.startswith(START_CODES)]
    found = (codes + escaped(nals))[:SHOWN]
    check.equal("IF-H264-11", found, [], say(f"{len(nals)} 个 NAL 单元", f"in {len(nals)} NAL units"))
    late = missing_sets("h264", units, sdp_sets(track))
    check.equal("IF-H264-07", late[:SHOWN], [], say("引用了未给出的参数集", "sets used that were not given"))
    if sps is None:
        for requirement in ("IF-H264-06", "IF-H264-12", "IF-H264-13"):
            check.inconclusive(requirement, say("没有可读的 SPS", "there is no readable SPS"))
        return
    check.step("s3")
    if sps.interlaced:
        check.not_applicable("IF-H264-06", say("隔行编码", "the pictures are interlaced"))
    else:
        faults = split_pictures(units) + ([] if track.clock == VIDEO_CLOCK else [f"clock {track.clock}"])
        check.equal("IF-H264-06", faults[:SHOWN], [], say("时间戳与图像", "timestamps and pictures"))
    if sps.gaps_allowed:
        check.not_applicable("IF-H264-13", say("SPS 允许间断", "the SPS allows gaps"))
    else:
        check.equal("IF-H264-13", gaps_of_frame_num(units, sps)[:SHOWN], [], "frame_num")
    faults, tried = undecodable("h264", units, sdp_sets(track), (sps.width, sps.height))
    if not tried:
        check.inconclusive("IF-H264-12", say("没有完整的 IDR", "no complete IDR came"))
    else:
        about = say(f"{tried} 个 IDR, {sps.width}x{sps.height}", f"{tried} IDR, {sps.width}x{sps.height}")
        check.equal("IF-H264-12", faults[:SHOWN], [], about)


@verifies("IF-H264-14", "IF-H264-15", "IF-H264-16")
async def test_rates(player: Players, check: Checks, limits: Limits) -> None:
    """Level, frame rate of the VUI, distance of the IDR pictures."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track, sps = seen.video, _sequence(seen.video)
    rate = frames_a_second(track.packets, track.clock)
    bits = bits_a_second(track.packets, track.clock, buffer=limits("IF-H264-14").buffer.seconds)
    check.step("s3")
    longest, count = key_frame_gaps(track, seen.ended)
    about = say(f"{count} 个 IDR 的最大间隔", f"largest distance of {count} IDR")
    check.within("IF-H264-16", longest, limits("IF-H264-16").idr_interval, about)
    if sps is None or not rate:
        for requirement in ("IF-H264-14", "IF-H264-15"):
            check.inconclusive(requirement, say("没有可读的 SPS 或帧率", "no readable SPS, or no frame rate"))
        return
    slack = limits("IF-H264-14").rate_slack.number
    observed = f"{sps.width}x{sps.height}, {rate:.4g} fps, {bits / 1000:.4g} kbit/s, level {sps.level}"
    expected = say("等级允许尺寸、帧率与码率", "the level allows size, frame rate and bit rate")
    check.true("IF-H264-14", level_allows(sps, rate / slack, bits / slack), expected, observed)
    if sps.frame_rate is None or not sps.fixed_frame_rate:
        check.not_applicable("IF-H264-15", say("VUI 未给出固定帧率", "the VUI gives no fixed frame rate"))
    else:
        about = say(f"VUI {sps.frame_rate:.4g} 与实测 {rate:.4g} 之比", f"VUI {sps.frame_rate:.4g} over {rate:.4g} fps")
        check.within("IF-H264-15", sps.frame_rate / rate, limits("IF-H264-15").ratio, about)

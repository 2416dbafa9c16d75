"""IF-H264: payload format and stream of one observed play."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.h264 import FU_A, IDR, PPS, SPS, STAP_A, nal_type
from conformance.protocols.h264_sps import SequenceParameters, level_allows, parse_pps, parse_sps
from conformance.protocols.sdp_lines import SdpError
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
from conformance.suites.camera.parameter_sets import declared_h264, incomplete_sets, known_sets, sdp_sets, stream_sets

SHOWN = 3
SINGLE = range(1, 24)
ALLOWED = {0: {*SINGLE}, 1: {*SINGLE, STAP_A, FU_A}, 2: {STAP_A + 1, 26, 27, FU_A, FU_A + 1}}
RULES = {"IF-H264-03": ("h264.fu",), "IF-H264-04": ("h264.stap",), "IF-H264-05": ("h264.marker",)}
BASELINE, LEVEL_1 = 66, (10, 9)


@verifies("IF-H264-01", "IF-H264-02", *RULES)
async def test_payloads(player: Players, check: Checks, limits: Limits) -> None:
    """Packet types, NAL unit headers, fragments, aggregates, markers."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track = seen.video
    packets = [arrived.packet for arrived in track.packets if arrived.packet.payload]
    units = [unit for _, unit in track.access_units()]
    check.step("s3")
    try:
        mode = declared_h264(track).packetization_mode
        odd = sorted({packet.payload[0] & 0x1F for packet in packets} - ALLOWED[mode])
        about = say(f"packetization-mode={mode} 不允许的类型", f"types outside packetization-mode={mode}")
        check.equal("IF-H264-01", odd, [], about)
    except SdpError as error:
        check.fail("IF-H264-01", say("可读的 fmtp", "a readable fmtp"), error)
    check.step("s2")
    heads = [v.explain for unit in units for v in unit.violations if v.rule == "h264.nal.forbidden_bit"]
    heads += [f"packet type {kind}" for p in packets if (kind := p.payload[0] & 0x1F) in (0, 30, 31)]
    nals = [nal for unit in units for nal in unit.nals if nal]
    heads += [
        f"nal_ref_idc 0 on type {nal_type(n)}" for n in nals if nal_type(n) in (IDR, SPS, PPS) and not n[0] & 0x60
    ]
    about = say(f"{len(units)} 个访问单元", f"in {len(units)} access units")
    check.equal("IF-H264-02", heads[:SHOWN], [], about)
    for requirement, prefix in RULES.items():
        faults = [v.explain for unit in units for v in unit.violations if v.rule.startswith(prefix)]
        check.equal(requirement, faults[:SHOWN], [], about)


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
        wrong = sorted({nal_type(nal) for nal in inside if _same_id(nal, told) and nal not in told})
        check.equal("IF-H264-09", wrong, [], say("与 SDP 不同的参数集类型", "types of sets that differ from the SDP"))
    sets = known_sets(track)
    if not sets:
        check.inconclusive("IF-H264-17", say("没有参数集", "there are no parameter sets"))
    else:
        check.equal("IF-H264-17", incomplete_sets(sets), [], say(f"{len(sets)} 个参数集", f"of {len(sets)} sets"))
    check.step("s3")
    sps = _active(track)
    if sps is None:
        check.inconclusive("IF-H264-10", say("没有 SPS", "there is no SPS"))
        return
    told_level = track.media.fmtp(track.media.payload_types[0]).get("profile-level-id", "")
    if told_level:
        about = say("profile-level-id 与 SPS", "profile-level-id and SPS")
        check.equal("IF-H264-10", told_level.lower(), sps[1:4].hex(), about)
    else:
        held = sps[1] == BASELINE and sps[3] in LEVEL_1
        expected = say("缺省即 Baseline 级别 1", "absent: Baseline at level 1")
        check.true("IF-H264-10", held, expected, f"profile_idc {sps[1]}, level_idc {sps[3]}")


def _declared(track: Track, check: Checks) -> None:
    text = track.media.fmtp(track.media.payload_types[0]).get("sprop-parameter-sets")
    if text is None:
        check.not_applicable("IF-H264-08", say("SDP 中没有参数集", "the SDP holds no parameter sets"))
        return
    faults = []
    try:
        for nal in declared_h264(track).parameter_sets:
            if nal_type(nal) == SPS:
                parse_sps(nal)
            else:
                parse_pps(nal)
    except CodecError as error:
        faults.append(str(error))
    check.equal("IF-H264-08", faults, [], "sprop-parameter-sets")


def _same_id(nal: bytes, others: tuple[bytes, ...]) -> bool:
    """Whether one of the others is of the same type and number."""
    return _number(nal) in {_number(other) for other in others}


def _number(nal: bytes) -> tuple[int, int]:
    try:
        return nal_type(nal), parse_sps(nal).sps_id if nal_type(nal) == SPS else parse_pps(nal).pps_id
    except CodecError:
        return nal_type(nal), -1


def _active(track: Track) -> bytes | None:
    """The SPS in use: that of the stream, else that of the SDP."""
    return next((nal for nal in (*stream_sets(track), *sdp_sets(track)) if nal_type(nal) == SPS and len(nal) > 3), None)


def _sequence(track: Track) -> SequenceParameters | None:
    nal = _active(track)
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
    check.equal("IF-H264-11", escaped(nals)[:SHOWN], [], say(f"{len(nals)} 个 NAL 单元", f"in {len(nals)} NAL units"))
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
        check.equal("IF-H264-06", split_pictures(units)[:SHOWN], [], say("时间戳与图像", "timestamps and pictures"))
    if sps.gaps_allowed:
        check.not_applicable("IF-H264-13", say("SPS 允许间断", "the SPS allows gaps"))
    else:
        check.equal("IF-H264-13", gaps_of_frame_num(units, sps)[:SHOWN], [], "frame_num")
    faults, decoded = undecodable("h264", units, sdp_sets(track), (sps.width, sps.height))
    if not decoded and not faults:
        check.fail("IF-H264-12", say("可解码的 IDR", "a decodable IDR"), say("没有 IDR", "no IDR"))
    else:
        about = say(f"{decoded} 个 IDR, {sps.width}x{sps.height}", f"{decoded} IDR, {sps.width}x{sps.height}")
        check.equal("IF-H264-12", faults[:SHOWN], [], about)


@verifies("IF-H264-14", "IF-H264-15", "IF-H264-16")
async def test_rates(player: Players, check: Checks, limits: Limits) -> None:
    """Level, frame rate of the VUI, distance of the IDR pictures."""
    seen = await coded_stream(player, check, limits, "h264")
    if seen is None:
        return
    track, sps = seen.video, _sequence(seen.video)
    rate, bits = frames_a_second(track.packets, track.clock), bits_a_second(track.packets, track.clock)
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

"""IF-H265: payload format and stream of one observed play."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import h265
from conformance.protocols.h265_sps import SequenceParameters, level_allows, parse_sps, parse_vps
from conformance.protocols.sdp_formats import H265Format
from conformance.protocols.sdp_lines import SdpError
from conformance.protocols.violation import CodecError
from conformance.suites.camera.coded_pictures import escaped, key_frame_gaps, missing_sets, undecodable
from conformance.suites.camera.observed_play import coded_stream
from conformance.suites.camera.packet_order import bits_a_second, frames_a_second
from conformance.suites.camera.parameter_sets import declared_h265, sdp_sets, stream_sets

SHOWN = 3
RULES = {"IF-H265-03": ("h265.fu",), "IF-H265-04": ("h265.ap",), "IF-H265-06": ("h265.marker",)}
HEADER_RULES = ("h265.nal.forbidden_bit", "h265.nal.temporal_id", "h265.packet.reserved", "h265.payload.short")
TX_MODES = ("SRST", "MRST", "MRMT")


def _format(track: Track) -> H265Format | None:
    try:
        return declared_h265(track)
    except SdpError:
        return None


def _parameter(track: Track, name: str) -> str | None:
    return track.media.fmtp(track.media.payload_types[0]).get(name)


@verifies("IF-H265-01", "IF-H265-08")
async def test_description(player: Players, check: Checks, limits: Limits) -> None:
    """rtpmap, fmtp and the sets in it."""
    seen = await coded_stream(player, check, limits, "h265")
    if seen is None:
        return
    track = seen.video
    check.step("s2")
    faults = []
    mapped = track.rtpmap
    if mapped is None or (mapped.encoding.upper(), mapped.clock) != ("H265", 90_000):
        faults.append(f"rtpmap {mapped}")
    try:
        declared_h265(track)
    except SdpError as error:
        faults.append(str(error))
    if (mode := _parameter(track, "tx-mode")) not in (None, *TX_MODES):
        faults.append(f"tx-mode={mode}")
    check.equal("IF-H265-01", faults, [], "rtpmap, fmtp")
    found = _format(track)
    given = [name for name in ("sprop-vps", "sprop-sps", "sprop-pps") if _parameter(track, name) is not None]
    if not given:
        check.not_applicable("IF-H265-08", say("SDP 中没有参数集", "the SDP holds no parameter sets"))
    elif found is None:
        check.fail("IF-H265-08", say("可读的 Base64", "readable Base64"), faults)
    else:
        check.equal("IF-H265-08", _unreadable(found), [], ", ".join(given))


def _unreadable(found: H265Format) -> list[str]:
    faults = []
    for nals, kind in ((found.vps, h265.VPS), (found.sps, h265.SPS), (found.pps, h265.PPS)):
        for nal in nals:
            try:
                if kind == h265.VPS:
                    parse_vps(nal)
                elif kind == h265.SPS:
                    parse_sps(nal)
                else:
                    h265.parse_pps(nal)
            except CodecError as error:
                faults.append(str(error))
    return faults


@verifies("IF-H265-02", "IF-H265-05", "IF-H265-11", *RULES)
async def test_payloads(player: Players, check: Checks, limits: Limits) -> None:
    """Headers, fragments, aggregates, order numbers, markers, start codes."""
    seen = await coded_stream(player, check, limits, "h265")
    if seen is None:
        return
    track = seen.video
    units = [unit for _, unit in track.access_units()]
    found = [v for unit in units for v in unit.violations]
    about = say(f"{len(units)} 个访问单元", f"in {len(units)} access units")
    check.step("s2")
    heads = [v.explain for v in found if v.rule in HEADER_RULES]
    heads += [f"TID 0 on type {h265.nal_type(n)}" for unit in units for n in unit.nals if len(n) > 1 and not n[1] & 7]
    check.equal("IF-H265-02", heads[:SHOWN], [], about)
    for requirement, prefix in RULES.items():
        check.equal(requirement, [v.explain for v in found if v.rule.startswith(prefix)][:SHOWN], [], about)
    nals = [nal for unit in units for nal in unit.nals]
    check.equal("IF-H265-11", escaped(nals)[:SHOWN], [], about)
    check.step("s3")
    form = _format(track)
    if _parameter(track, "tx-mode") not in (None, "SRST") or form is None or form.max_don_diff:
        check.not_applicable("IF-H265-05", say("声明了多流或交织", "several streams or interleaving are declared"))
        return
    names = {arrived.packet.ssrc for arrived in track.packets}
    wrong = [v.explain for v in found if v.rule in ("h265.ap.size", "h265.nal.reserved")]
    about = say("SSRC 个数与不可解析的单元", "number of SSRCs, and units that do not parse")
    check.equal("IF-H265-05", (len(names), wrong[:SHOWN]), (1, []), about)


def _active(track: Track) -> SequenceParameters | None:
    for nal in (*stream_sets(track), *sdp_sets(track)):
        if h265.nal_type(nal) == h265.SPS:
            try:
                return parse_sps(nal)
            except CodecError:
                continue
    return None


@verifies("IF-H265-07", "IF-H265-09", "IF-H265-10", "IF-H265-12")
async def test_pictures(player: Players, check: Checks, limits: Limits) -> None:
    """Sets before slices and as in the SDP; profile and level; IRAP pictures decode."""
    seen = await coded_stream(player, check, limits, "h265")
    if seen is None:
        return
    track, sps = seen.video, _active(seen.video)
    units = [unit for _, unit in track.access_units()]
    check.step("s3")
    late = missing_sets("h265", units, sdp_sets(track))
    check.equal("IF-H265-07", late[:SHOWN], [], say("引用了未给出的参数集", "sets used that were not given"))
    inside, told = set(stream_sets(track)), set(sdp_sets(track))
    if not inside or not told:
        check.not_applicable("IF-H265-09", say("参数集只在一处给出", "the sets are given in one place only"))
    else:
        kinds = {h265.nal_type(nal) for nal in told}
        wrong = sorted({h265.nal_type(nal) for nal in inside - told} & kinds)
        check.equal("IF-H265-09", wrong, [], say("与 SDP 不同的参数集类型", "types of sets that differ from the SDP"))
    if sps is None:
        for requirement in ("IF-H265-10", "IF-H265-12"):
            check.inconclusive(requirement, say("没有可读的 SPS", "there is no readable SPS"))
        return
    _profile(track, sps, check)
    faults, tried = undecodable("h265", units, sdp_sets(track), (sps.width, sps.height))
    if not tried:
        check.fail("IF-H265-12", say("可解码的 IRAP 图像", "a decodable IRAP picture"), say("没有", "none"))
    else:
        about = say(f"{tried} 个 IRAP 图像", f"{tried} IRAP pictures")
        check.equal("IF-H265-12", faults[:SHOWN], [], about)


def _profile(track: Track, sps: SequenceParameters, check: Checks) -> None:
    form = _format(track)
    given = {
        "profile-id": (form.profile_id if form else None, sps.profile.profile_idc),
        "tier-flag": (form.tier_flag if form else None, int(sps.profile.high_tier)),
        "level-id": (form.level_id if form else None, sps.profile.level_idc),
    }
    told = {name: pair for name, pair in given.items() if pair[0] is not None}
    if not told:
        check.not_applicable("IF-H265-10", say("fmtp 未给出", "fmtp gives none of them"))
        return
    wrong = {
        name: pair
        for name, pair in told.items()
        if pair[0] != pair[1] and not (name == "level-id" and (pair[0] or 0) > pair[1])
    }
    check.equal("IF-H265-10", wrong, {}, say("fmtp 与 SPS", "fmtp and SPS"))


@verifies("IF-H265-13", "IF-H265-14", "IF-H265-15")
async def test_rates(player: Players, check: Checks, limits: Limits) -> None:
    """Level, frame rate of the sets, distance of the IRAP pictures."""
    seen = await coded_stream(player, check, limits, "h265")
    if seen is None:
        return
    track, sps = seen.video, _active(seen.video)
    rate, bits = frames_a_second(track.packets, track.clock), bits_a_second(track.packets, track.clock)
    check.step("s3")
    longest, count = key_frame_gaps(track, seen.ended)
    about = say(f"{count} 个 IRAP 的最大间隔", f"largest distance of {count} IRAP pictures")
    check.within("IF-H265-15", longest, limits("IF-H265-15").irap_interval, about)
    if sps is None or not rate:
        for requirement in ("IF-H265-13", "IF-H265-14"):
            check.inconclusive(requirement, say("没有可读的 SPS 或帧率", "no readable SPS, or no frame rate"))
        return
    slack = limits("IF-H265-13").rate_slack.number
    observed = f"{sps.width}x{sps.height}, {rate:.4g} fps, {bits / 1000:.4g} kbit/s, level {sps.level}"
    expected = say("等级允许尺寸、帧率与码率", "the level allows size, frame rate and bit rate")
    check.true("IF-H265-13", level_allows(sps, rate / slack, bits / slack), expected, observed)
    told = sps.frame_rate
    for nal in (*stream_sets(track), *sdp_sets(track)):
        if told is None and h265.nal_type(nal) == h265.VPS:
            try:
                told = parse_vps(nal).frame_rate
            except CodecError:
                continue
    if told is None:
        check.not_applicable("IF-H265-14", say("参数集没有定时信息", "the sets give no timing"))
    else:
        about = say(f"参数集 {told:.4g} 与实测 {rate:.4g} 之比", f"sets {told:.4g} over {rate:.4g} fps")
        check.within("IF-H265-14", told / rate, limits("IF-H265-14").ratio, about)

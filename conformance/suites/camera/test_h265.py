"""IF-H265: payload format and stream of one observed play."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import h265
from conformance.protocols.h265_sps import SequenceParameters, level_allows, parse_sps, parse_vps
from conformance.protocols.sdp_formats import read_h265_format
from conformance.protocols.violation import CodecError
from conformance.suites.camera.coded_pictures import (
    escaped,
    key_frame_gaps,
    missing_sets,
    split_segments,
    undecodable,
)
from conformance.suites.camera.observed_play import coded_stream
from conformance.suites.camera.packet_order import bits_a_second, frames_a_second
from conformance.suites.camera.parameter_sets import active_sps, changed_sets, sdp_sets, set_number, stream_sets

TOGETHER = "observed play"
SHOWN = 3
VIDEO_CLOCK = 90_000
RULES = {"IF-H265-03": ("h265.fu",), "IF-H265-04": ("h265.ap",), "IF-H265-06": ("h265.marker",)}
HEADER_RULES = ("h265.nal.forbidden_bit", "h265.nal.temporal_id", "h265.packet.reserved", "h265.payload.short")
TX_MODES = ("SRST", "MRST", "MRMT")
SETS = {"sprop-vps": h265.VPS, "sprop-sps": h265.SPS, "sprop-pps": h265.PPS}
RANGES = {
    "profile-space": 3,
    "profile-id": 31,
    "tier-flag": 1,
    "level-id": 255,
    "sprop-max-don-diff": 32767,
    "sprop-depack-buf-nalus": 32767,
    "sprop-depack-buf-bytes": 4294967295,
    "sprop-sub-layer-id": 6,
}
COMPATIBLE = 1 << 31


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
    if mapped is None or (mapped.encoding.upper(), mapped.clock) != ("H265", VIDEO_CLOCK):
        faults.append(f"rtpmap {mapped}")
    for name, largest in RANGES.items():
        text = _parameter(track, name)
        if text is not None and not (text.isascii() and text.isdecimal() and int(text) <= largest):
            faults.append(f"{name}={text}")
    if (mode := _parameter(track, "tx-mode")) not in (None, *TX_MODES):
        faults.append(f"tx-mode={mode}")
    check.equal("IF-H265-01", faults, [], "rtpmap, fmtp")
    given = {name: text for name in SETS if (text := _parameter(track, name)) is not None}
    if not given:
        check.not_applicable("IF-H265-08", say("SDP 中没有参数集", "the SDP holds no parameter sets"))
    else:
        check.equal("IF-H265-08", _unreadable(given), [], ", ".join(given))


def _unreadable(given: dict[str, str]) -> list[str]:
    faults = []
    for name, text in given.items():
        try:
            found = read_h265_format({name: text})
            for nal in (*found.vps, *found.sps, *found.pps):
                if name == "sprop-vps":
                    parse_vps(nal)
                elif name == "sprop-sps":
                    parse_sps(nal)
                else:
                    h265.parse_pps(nal)
        except CodecError as error:
            faults.append(f"{name}: {error}")
    return faults


def _number(track: Track, name: str) -> int | None:
    """A number of fmtp; None when it is absent or none."""
    text = _parameter(track, name) or ""
    return int(text) if text.isascii() and text.isdecimal() else None


@verifies("IF-H265-02", "IF-H265-03", "IF-H265-04", "IF-H265-05", "IF-H265-06", "IF-H265-11")
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
        faults = [v.explain for v in found if v.rule.startswith(prefix)]
        faults += split_segments(units) if requirement == "IF-H265-06" else []
        check.equal(requirement, faults[:SHOWN], [], about)
    nals = [nal for unit in units for nal in unit.nals]
    check.equal("IF-H265-11", escaped(nals)[:SHOWN], [], about)
    check.step("s3")
    if _parameter(track, "tx-mode") not in (None, "SRST") or _number(track, "sprop-max-don-diff"):
        check.not_applicable("IF-H265-05", say("声明了多流或交织", "several streams or interleaving are declared"))
        return
    names = {arrived.packet.ssrc for arrived in track.packets}
    wrong = [v.explain for v in found if v.rule in ("h265.ap.size", "h265.nal.reserved")]
    wrong += [
        f"a set of type {h265.nal_type(n)} cannot be read" for n in stream_sets(track) if not set_number("h265", n)
    ]
    about = say("SSRC 个数与不可解析的单元", "number of SSRCs, and units that do not parse")
    check.equal("IF-H265-05", (len(names), wrong[:SHOWN]), (1, []), about)


def _active(track: Track) -> SequenceParameters | None:
    nal = active_sps(track)
    try:
        return parse_sps(nal) if nal else None
    except CodecError:
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
    if not stream_sets(track) or not sdp_sets(track):
        check.not_applicable("IF-H265-09", say("参数集只在一处给出", "the sets are given in one place only"))
    else:
        check.equal("IF-H265-09", changed_sets(track), [], say("与 SDP 不同的参数集", "sets that differ from the SDP"))
    if sps is None:
        for requirement in ("IF-H265-10", "IF-H265-12"):
            check.inconclusive(requirement, say("没有可读的 SPS", "there is no readable SPS"))
        return
    _profile(track, sps, check)
    faults, tried = undecodable("h265", units, sdp_sets(track), (sps.width, sps.height))
    if not tried:
        check.inconclusive("IF-H265-12", say("没有完整的 IRAP 图像", "no complete IRAP picture came"))
    else:
        about = say(f"{tried} 个 IRAP 图像", f"{tried} IRAP pictures")
        check.equal("IF-H265-12", faults[:SHOWN], [], about)


def _profile(track: Track, sps: SequenceParameters, check: Checks) -> None:
    """RFC 7798 7.1: a profile that the stream is compatible with, a tier and a level that are not below."""
    has = sps.profile
    profile, tier, level = (_number(track, name) for name in ("profile-id", "tier-flag", "level-id"))
    if (profile, tier, level) == (None, None, None):
        check.not_applicable("IF-H265-10", say("fmtp 未给出", "fmtp gives none of them"))
        return
    fits = {
        "profile-id": profile is None or profile == has.profile_idc or bool(has.compatibility & COMPATIBLE >> profile),
        "tier-flag": tier is None or tier >= has.high_tier,
        "level-id": level is None or level >= has.level_idc,
    }
    expected = say(
        f"适合 profile {has.profile_idc}、tier {int(has.high_tier)}、level {has.level_idc}",
        f"what fits profile {has.profile_idc}, tier {int(has.high_tier)}, level {has.level_idc}",
    )
    observed = f"profile-id={profile}, tier-flag={tier}, level-id={level}"
    check.true("IF-H265-10", all(fits.values()), expected, observed, "fmtp")


@verifies("IF-H265-13", "IF-H265-14", "IF-H265-15")
async def test_rates(player: Players, check: Checks, limits: Limits) -> None:
    """Level, frame rate of the sets, distance of the IRAP pictures."""
    seen = await coded_stream(player, check, limits, "h265")
    if seen is None:
        return
    track, sps = seen.video, _active(seen.video)
    rate = frames_a_second(track.packets, track.clock)
    bits = bits_a_second(track.packets, track.clock, buffer=limits("IF-H265-13").buffer.seconds)
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

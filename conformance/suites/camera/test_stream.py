"""IF-SDP, IF-RTP, IF-H264: one observation of the stream, judged line by line and packet by packet."""

from __future__ import annotations

from itertools import pairwise

from conformance.media.decoding import decode_units
from conformance.model.checks import Checks, say
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.h264_sps import level_allows, parse_sps
from conformance.protocols.rtcp import SenderReport, SourceDescription
from conformance.protocols.rtp import sequence_step, timestamp_step
from conformance.protocols.sdp_formats import read_h264_format
from conformance.suites.camera.stream_observation import Observation, observation

PARTS = {
    "IF-SDP-01": ("sdp.version", "sdp.order", "sdp.missing", "sdp.name.missing", "sdp.origin.missing"),
    "IF-SDP-02": ("sdp.line",),
    "IF-SDP-03": ("sdp.origin",),
    "IF-SDP-07": ("sdp.connection",),
    "IF-SDP-09": ("sdp.media",),
    "IF-SDP-10": ("sdp.rtpmap",),
}


@verifies("IF-SDP-01", "IF-SDP-02", "IF-SDP-03", "IF-SDP-07", "IF-SDP-09", "IF-SDP-10", "IF-SDP-14")
async def test_description(player: Players, check: Checks, limits: Limits) -> None:
    """The session description, line by line."""
    seen = await observation(player, check, limits("IF-RTP-01").observe)
    if seen is None:
        return
    check.step("s1")
    for requirement, slugs in PARTS.items():
        faults = [f"line {v.line}: {v.explain}" for v in seen.description.violations if v.rule.startswith(slugs)]
        check.equal(requirement, faults, [], say("SDP 问题", "faults of the SDP"))
    media = seen.description.media
    if len(media) < 2:
        check.not_applicable("IF-SDP-14", say("只有一个媒体", "there is one media section only"))
    else:
        missing = [m.kind for m in media if not m.control]
        check.equal("IF-SDP-14", missing, [], say("缺少 control 的媒体", "media without control"))


@verifies("IF-RTP-01", "IF-RTP-03", "IF-RTP-04", "IF-RTP-05", "IF-RTP-06", "IF-RTP-08", "IF-RTP-11")
async def test_packets(player: Players, check: Checks, limits: Limits) -> None:
    """Headers, payload types, sequence numbers, SSRC, timestamps."""
    seen = await observation(player, check, limits("IF-RTP-01").observe)
    if seen is None:
        return
    packets = [arrived.packet for arrived in seen.video.packets]
    check.step("s1")
    wrong = [str(error) for _, error in seen.video.errors]
    check.equal("IF-RTP-01", wrong[:3], [], say("不可读的包", "unreadable packets"))
    check.equal("IF-RTP-11", len(wrong), 0, say("通道中的其他内容", "other content on the channel"))
    types = sorted({packet.payload_type for packet in packets})
    expected = list(seen.video.media.payload_types)
    check.true("IF-RTP-03", set(types) <= set(expected), f"{expected}", f"{types}")
    check.step("s2")
    steps = [sequence_step(a.sequence, b.sequence) for a, b in pairwise(packets)]
    odd = sorted({step for step in steps if step not in (0, 1)})
    check.equal("IF-RTP-04", odd, [], say(f"{len(packets)} 个包中的序号跳变", f"odd steps in {len(packets)} packets"))
    check.equal("IF-RTP-05", steps.count(0), 0, say("重复的包", "packets that came twice"))
    check.equal("IF-RTP-06", len({p.ssrc for p in packets}), 1, say("SSRC 个数", "number of SSRCs"))
    stamps = [timestamp_step(a.timestamp, b.timestamp) for a, b in pairwise(packets)]
    longest = limits("IF-RTP-08").step.seconds * seen.video.clock
    back = [step for step in stamps if step < 0 or step > longest]
    check.equal("IF-RTP-08", back[:5], [], say("时间戳倒退或过大的步长", "timestamps that run back or leap"))
    _plots(seen, check)


def _plots(seen: Observation, check: Checks) -> None:
    packets = seen.video.packets
    start = packets[0].at
    frames = [b for a, b in pairwise(packets) if a.packet.timestamp != b.packet.timestamp]
    check.figures["frame_interval:video"] = [
        [round(b.at - start, 4), round((b.at - a.at) * 1000, 3)] for a, b in pairwise(frames)
    ]
    slots: dict[int, int] = {}
    for arrived in packets:
        slot = int((arrived.at - start) / 0.25)
        slots[slot] = slots.get(slot, 0) + arrived.size * 8
    check.figures["bitrate:video"] = [[slot / 4, bits * 4 / 1000] for slot, bits in sorted(slots.items())]


@verifies("IF-RTP-20", "IF-RTP-21", "IF-RTP-22", "IF-RTP-24")
async def test_sender_reports(player: Players, check: Checks, limits: Limits) -> None:
    """RTCP: compounds, CNAME, SSRC."""
    seen = await observation(player, check, limits("IF-RTP-01").observe)
    if seen is None:
        return
    reports = seen.video.reports
    check.step("s1")
    compounds = [r.compound for r in reports if r.compound is not None]
    sent = [p for c in compounds for p in c.packets if isinstance(p, SenderReport)]
    check.true("IF-RTP-20", bool(sent), say("收到发送者报告", "sender reports"), f"{len(sent)} SR")
    if not reports:
        for requirement in ("IF-RTP-21", "IF-RTP-22", "IF-RTP-24"):
            check.not_applicable(requirement, say("没有收到 RTCP", "no RTCP came"))
        return
    broken = [str(r.error) for r in reports if r.error is not None]
    broken += [v.explain for c in compounds for v in c.violations if v.rule == "rtcp.first"]
    check.equal("IF-RTP-21", broken[:3], [], say("复合包问题", "faults of compounds"))
    named = [any(isinstance(p, SourceDescription) for p in c.packets) for c in compounds]
    check.true("IF-RTP-22", all(named), "SDES CNAME", f"{named.count(True)}/{len(named)}")
    own = {arrived.packet.ssrc for arrived in seen.video.packets}
    check.true("IF-RTP-24", {p.ssrc for p in sent} <= own, f"{sorted(own)}", f"{sorted({p.ssrc for p in sent})}")


@verifies("IF-H264-02", "IF-H264-03", "IF-H264-05", "IF-H264-07", "IF-H264-08", "IF-H264-12", "IF-H264-14")
async def test_h264(player: Players, check: Checks, limits: Limits) -> None:
    """NAL units, fragments, markers, parameter sets, decoding, level."""
    seen = await observation(player, check, limits("IF-RTP-01").observe)
    if seen is None:
        return
    if seen.video.codec != "h264":
        for requirement in check.requirements:
            check.not_applicable(requirement, say("视频不是 H.264", "the video is not H.264"))
        return
    units = [unit for _, unit in seen.video.access_units()]
    found = [v for unit in units for v in unit.violations]
    check.step("s1")
    for requirement, prefix in (("IF-H264-02", "h264.nal"), ("IF-H264-03", "h264.fu"), ("IF-H264-05", "h264.marker")):
        faults = [v.explain for v in found if v.rule.startswith(prefix)]
        check.equal(requirement, faults[:3], [], say(f"{len(units)} 个访问单元", f"in {len(units)} access units"))
    declared = read_h264_format(seen.video.media.fmtp(seen.video.media.payload_types[0]))
    in_band = [nal for unit in units for nal in unit.nals if nal and nal[0] & 0x1F in (7, 8)]
    kinds = {nal[0] & 0x1F for nal in (*declared.parameter_sets, *in_band) if nal}
    check.true("IF-H264-07", kinds >= {7, 8}, "SPS + PPS", f"{sorted(kinds)}")
    if not declared.parameter_sets:
        check.not_applicable("IF-H264-08", say("SDP 中没有参数集", "the SDP holds no parameter sets"))
    else:
        check.true(
            "IF-H264-08", bool(declared.sps) and bool(declared.pps), "SPS + PPS", f"{len(declared.parameter_sets)}"
        )
    sets = b"".join(b"\0\0\0\1" + nal for nal in declared.parameter_sets)
    first = next((n for n, unit in enumerate(units) if unit.complete and seen.video.is_random_access(unit)), None)
    if first is None:
        check.fail("IF-H264-12", say("可解码的 IDR", "a decodable IDR"), say("没有 IDR", "no IDR"))
        check.inconclusive("IF-H264-14", say("没有 IDR", "no IDR"))
        return
    decoded = decode_units("h264", [units[first].annex_b()], parameter_sets=sets)
    good = bool(decoded.pictures) and not decoded.errors
    observed = f"{len(decoded.pictures)} pictures, {decoded.errors}"
    check.true("IF-H264-12", good, say("IDR 可独立解码", "the IDR decodes alone"), observed)
    sps = next((nal for nal in (*in_band, *declared.sps) if nal[0] & 0x1F == 7), None)
    if sps is None:
        check.inconclusive("IF-H264-14", say("没有 SPS", "no SPS"))
        return
    parsed = parse_sps(sps)
    stamps = sorted({unit.timestamp for unit in units})
    seconds = timestamp_step(stamps[0], stamps[-1]) / seen.video.clock
    rate = (len(stamps) - 1) / seconds if seconds > 0 else 0.0
    slack = limits("IF-H264-14").rate_slack.number
    held = level_allows(parsed, rate / slack)
    observed = f"{parsed.width}x{parsed.height}, {rate:.4g} fps, level {parsed.level}"
    check.true("IF-H264-14", held, say("等级允许该尺寸与帧率", "the level allows size and rate"), observed)

"""IF-HLS-10 to IF-HLS-15: the segments of a playlist."""

from __future__ import annotations

from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.hls_player import FetchedSegment, HlsPlayer
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.access_unit import split_annex_b
from conformance.protocols.mpeg_ts import H264_TYPE, H265_TYPE
from conformance.suites.stream_findings import judge_violations
from conformance.suites.stream_rules import counter_faults, decodes, time_gap
from specs.model import Limit

IDR, SPS, PPS = 5, 7, 8
CODECS = {H264_TYPE: "h264", H265_TYPE: "h265"}


async def taken(
    streams: StreamBench, check: Checks, count: Limit, *requirements: str
) -> tuple[HlsPlayer, list[FetchedSegment]]:
    """Segments in order; none, and nothing to say, where there is no transport stream."""
    player = streams.hls_player()
    found = await player.segments(int(count.number))
    good = [segment for segment in found if segment.fetched.ok]
    if not any(segment.stream is not None for segment in found):
        seen = found[0].fetched.summary if found else "-"
        for requirement in requirements:
            check.inconclusive(requirement, say(f"没有取得传输流分片: {seen}", f"no transport stream segment: {seen}"))
        return player, []
    return player, good


@verifies("IF-HLS-10", "IF-HLS-11")
async def test_transport_streams(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Tables and packets of each."""
    check.step("s1")
    count = limits("IF-HLS-10").segments
    player, segments = await taken(streams, check, count, "IF-HLS-10", "IF-HLS-11")
    playlist = player.loads[-1].playlist
    mapped = bool(playlist and playlist.maps)
    check.step("s2")
    for segment in segments:
        stream, about = segment.stream, segment.segment.uri[:60]
        if stream is None:
            reason = segment.error.explain if segment.error else "-"
            check.fail("IF-HLS-11", say("MPEG 传输流", "an MPEG transport stream"), reason, about)
            continue
        judge_violations(check, "IF-HLS-11", stream.violations, about)
        if mapped:
            check.not_applicable("IF-HLS-10", say("使用了 EXT-X-MAP", "EXT-X-MAP is in use"))
            continue
        seen = f"{len(stream.programs)} programs, {len(stream.streams)} streams"
        whole = len(stream.programs) == 1 and bool(stream.streams)
        check.true("IF-HLS-10", whole, say("PAT 与 PMT，一个节目", "PAT and PMT, one program"), seen, about)


@verifies("IF-HLS-12")
async def test_continuation(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Counters and times of neighbours."""
    limit = limits("IF-HLS-12")
    check.step("s1")
    _, segments = await taken(streams, check, limit.segments, "IF-HLS-12")
    check.step("s2")
    pairs = [
        (a, b)
        for a, b in pairwise(segments)
        if a.stream and b.stream and b.segment.sequence == a.segment.sequence + 1 and not b.segment.discontinuity
    ]
    if segments and not pairs:
        check.inconclusive("IF-HLS-12", say("没有相邻的分片", "no two segments follow each other"))
    for before, after in pairs:
        about = f"{before.segment.sequence} -> {after.segment.sequence}"
        faults = counter_faults(before, after)
        wanted = say("各 PID 的计数延续", "the counter of each pid goes on")
        check.true("IF-HLS-12", not faults, wanted, "; ".join(faults) or "-", about)
        gap = time_gap(before, after)
        if gap is not None:
            check.within("IF-HLS-12", abs(gap), limit.gap, say(f"{about}: 时间戳间断", f"{about}: gap of time stamps"))


@verifies("IF-HLS-13", "IF-HLS-14")
async def test_durations_and_beginnings(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """EXTINF against PTS; what the first picture is."""
    limit = limits("IF-HLS-13")
    check.step("s1")
    _, segments = await taken(streams, check, limit.segments, "IF-HLS-13", "IF-HLS-14")
    check.step("s2")
    for segment in segments:
        stream, about = segment.stream, segment.segment.uri[:60]
        lasts = stream.duration(stream.video_pid) if stream else None
        if stream is None or lasts is None:
            for requirement in ("IF-HLS-13", "IF-HLS-14"):
                check.not_applicable(requirement, say("没有画面流", "there is no picture stream"))
            continue
        about_both = f"EXTINF {segment.segment.duration:g} s, PTS {lasts:.3f} s"
        check.within("IF-HLS-13", abs(segment.segment.duration - lasts), limit.difference, about_both)
        if stream.streams[stream.video_pid or 0] != H264_TYPE:
            check.not_applicable("IF-HLS-14", say("不是 H.264", "it is not H.264"))
            continue
        first = stream.of(stream.video_pid)[0]
        kinds = [nal[0] & 0x1F for nal in split_annex_b(first.payload) if nal]
        begins = IDR in kinds and SPS in kinds and PPS in kinds
        wanted = say("首个画面为 IDR，带参数集", "the first picture is an IDR, with parameter sets")
        check.true("IF-HLS-14", begins, wanted, f"NAL types {kinds[:12]}", about)


@verifies("IF-HLS-15")
async def test_segments_decode(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Each segment is there, and its pictures decode."""
    check.step("s1")
    player = streams.hls_player()
    found = await player.segments(int(limits("IF-HLS-15").segments.number))
    if not found:
        loaded = player.loads[-1] if player.loads else None
        why = loaded.fetched.summary if loaded else "-"
        check.inconclusive("IF-HLS-15", say(f"没有列出分片: {why}", f"no segment is listed: {why}"))
        return
    for segment in found:
        about = segment.segment.uri[:60]
        if not check.true(
            "IF-HLS-15", segment.fetched.ok, say("取得分片", "it is served"), segment.fetched.summary, about
        ):
            continue
        check.step("s2")
        stream = segment.stream
        codec = CODECS.get(stream.streams.get(stream.video_pid or 0, 0)) if stream else None
        if stream is None or codec is None:
            check.not_applicable("IF-HLS-15", say("没有可解码的画面流", "no picture stream that we decode"))
            continue
        whole, seen = decodes(codec, [pes.payload for pes in stream.of(stream.video_pid)])
        check.true("IF-HLS-15", whole, say("每个画面均可解码", "every picture decodes"), seen, about)

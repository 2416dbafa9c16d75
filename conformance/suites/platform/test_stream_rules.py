"""IF-MED-06a, IF-MED-06b: HLS and HTTP-FLV of a platform by the rules of RFC 8216 and of FLV."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.http_play import CODECS
from conformance.peers.platform.phone import Phone
from conformance.peers.streams.flv_player import FlvPlay
from conformance.peers.streams.hls_player import FetchedSegment, HlsPlayer
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.flv import FlvError
from conformance.protocols.hls import Segment
from conformance.suites.platform.live_steps import a_watched_camera, playlist_of, without_http
from conformance.suites.stream_findings import judge_violations, readable
from conformance.suites.stream_rules import (
    counter_faults,
    decodes,
    judge_decoding,
    pictures,
    sequence_faults,
    setup,
    time_gap,
)
from specs.model import Limit

HLS, FLV = "IF-MED-06a", "IF-MED-06b"
NEIGHBOURS = 2


def path_of(segment: Segment) -> str:
    """What names a segment, whatever its token in the query."""
    return segment.uri.partition("?")[0]


@verifies("IF-MED-06a")
async def test_hls_rules(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Every version of a playlist, and the last segments."""
    limit = limits(HLS)
    async with a_watched_camera(platform, owner, check, HLS) as (device, play):
        if device is None or play is None:
            return
        if not play.hls:
            without_http(check, HLS, "HLS")
            return
        check.step("s1")
        player = await playlist_of(play, limit.first_wait, int(limit.listed.number))
        loaded = player.loads[-1]
        check.step("s2")
        if loaded.error is not None:
            check.fail(HLS, say("可读的播放列表", "a readable playlist"), loaded.error.explain)
            return
        if readable(check, loaded, HLS):
            judge_versions(check, player)
            assert loaded.playlist is not None
            check.step("s3")
            found = [await player.segment(one) for one in loaded.playlist.segments[-NEIGHBOURS:]]
            judge_segments(check, found, limit.gap)


def judge_versions(check: Checks, player: HlsPlayer) -> None:
    """Syntax of each version, and what may change from one to the next."""
    lists = [loaded.playlist for loaded in player.loads if loaded.playlist is not None]
    judge_violations(check, HLS, [violation for playlist in lists for violation in playlist.violations])
    faults = [fault for a, b in pairwise(lists) for fault in sequence_faults(a, b, path_of)]
    wanted = say("序号只增，逐个移除，不换分片", "numbers only grow, go one by one and keep their segments")
    check.true(HLS, not faults, wanted, "; ".join(faults[:3]) or f"{len(lists)} versions")
    targets = sorted({playlist.target_duration or 0 for playlist in lists})
    check.true(HLS, len(targets) == 1, say("目标时长不变", "one target duration"), targets)


def judge_segments(check: Checks, found: Sequence[FetchedSegment], gap: Limit) -> None:
    """Each is a transport stream that decodes and goes on where the one before ended."""
    for segment in found:
        about, stream = f"#{segment.segment.sequence}", segment.stream
        codec = CODECS.get(stream.streams.get(stream.video_pid or 0, 0)) if stream else None
        if stream is None or codec is None:
            check.fail(HLS, say("可取得的传输流分片", "a transport stream"), segment.fetched.summary, about)
            continue
        judge_violations(check, HLS, stream.violations, about)
        whole, seen = decodes(codec, [pes.payload for pes in stream.of(stream.video_pid)])
        check.true(HLS, whole, say("每个画面均可解码", "every picture decodes"), seen, about)
    for before, after in pairwise(found):
        if before.stream and after.stream and not after.segment.discontinuity:
            about = f"{before.segment.sequence} -> {after.segment.sequence}"
            broken = counter_faults(before, after)
            check.true(HLS, not broken, say("计数延续", "counters go on"), "; ".join(broken) or "-", about)
            check.within(HLS, abs(time_gap(before, after) or 0.0), gap, say(f"{about}: 时间戳间断", f"{about}: gap"))


@verifies("IF-MED-06b")
async def test_flv_rules(platform: PlatformBench, owner: Phone, check: Checks, limits: Limits) -> None:
    """Header, tags, times and pictures of a live play."""
    async with a_watched_camera(platform, owner, check, FLV) as (device, play):
        if device is None or play is None:
            return
        if not play.flv:
            without_http(check, FLV, "HTTP-FLV")
            return
        check.step("s1")
        judge_flv(check, await play.flv_player().play(limits(FLV).watch.seconds))


def judge_flv(check: Checks, played: FlvPlay) -> None:
    """What came of a play."""
    check.step("s2")
    if played.reader.header is None or played.error is not None:
        why = played.error.explain if played.error else played.fetched.summary
        check.fail(FLV, say("FLV 文件头与标签", "an FLV header and tags"), why)
        return
    judge_violations(check, FLV, played.reader.violations)
    times = [tag.timestamp for tag in played.tags[:1]]
    check.equal(FLV, times, [0], say("首个标签的时间，毫秒", "time of the first tag, ms"))
    shown = pictures(played)
    try:
        record = setup(played)
    except FlvError as error:
        check.fail(FLV, say("可读的序列头", "a readable sequence header"), error.explain)
        return
    first = bool(shown) and shown[0].is_key and record is not None
    check.true(FLV, first, say("序列头，然后是关键帧", "a sequence header, then a key picture"), len(shown))
    if record is not None:
        judge_decoding(check, FLV, record, shown)

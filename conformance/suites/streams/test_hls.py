"""IF-HLS-01 to IF-HLS-09: the playlist, alone and over reloads."""

from __future__ import annotations

from functools import partial
from itertools import pairwise
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.streams.bench import StreamBench
from conformance.peers.streams.hls_player import Loaded
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.hls import Playlist, Segment
from conformance.protocols.signed_url import UrlError
from conformance.suites.stream_findings import judge_violations, readable
from conformance.suites.stream_rules import sequence_faults

PLAYLIST_TYPES = ("application/vnd.apple.mpegurl", "audio/mpegurl")
SEGMENT_TYPE = "video/mp2t"
NAMES = (".m3u8", ".m3u")
VERSION_RULES = ("hls.version",)
TARGET_RULES = ("hls.target", "hls.target.missing")
HEADER_RULES = ("hls.header", "hls.encoding")


@verifies("IF-HLS-01")
async def test_first_line(streams: StreamBench, check: Checks) -> None:
    """Encoding and the first line."""
    check.step("s1")
    loaded = await streams.hls_player().load()
    if not loaded.fetched.ok:
        check.inconclusive("IF-HLS-01", say(loaded.fetched.summary, loaded.fetched.summary))
        return
    check.step("s2")
    wrong = loaded.error is not None and loaded.error.rule in HEADER_RULES
    seen = loaded.error.explain if loaded.error else loaded.fetched.body[:7]
    check.true("IF-HLS-01", not wrong, say("UTF-8，首行 #EXTM3U", "UTF-8, first line #EXTM3U"), seen)


@verifies("IF-HLS-02", "IF-HLS-02a")
async def test_content_types(streams: StreamBench, check: Checks) -> None:
    """Name and Content-Type of the playlist, Content-Type of a segment."""
    check.step("s1")
    player = streams.hls_player()
    loaded = await player.load()
    if not readable(check, loaded, "IF-HLS-02", "IF-HLS-02a"):
        return
    assert loaded.playlist is not None
    told, path = loaded.fetched.media_type, urlsplit(player.target).path
    check.step("s2")
    known = path.lower().endswith(NAMES) or told in PLAYLIST_TYPES
    wanted = say(f"{' / '.join(NAMES)} 或 {PLAYLIST_TYPES[0]}", f"{' / '.join(NAMES)} or {PLAYLIST_TYPES[0]}")
    check.true("IF-HLS-02", known, wanted, f"{path}: {told or '-'}")
    check.true("IF-HLS-02a", told in PLAYLIST_TYPES, " / ".join(PLAYLIST_TYPES), told or "-")
    if loaded.playlist.segments:
        segment = await player.segment(loaded.playlist.segments[-1])
        if segment.fetched.ok and segment.stream is not None:
            check.equal("IF-HLS-02a", segment.fetched.media_type or "-", SEGMENT_TYPE, segment.target[:80])


@verifies("IF-HLS-03", "IF-HLS-04", "IF-HLS-05")
async def test_playlist(streams: StreamBench, check: Checks) -> None:
    """Tags, durations and version of one loading."""
    check.step("s1")
    loaded = await streams.hls_player().load()
    if not readable(check, loaded, "IF-HLS-03", "IF-HLS-04", "IF-HLS-05"):
        return
    assert loaded.playlist is not None
    check.step("s2")
    other = (*VERSION_RULES, *TARGET_RULES)
    found = loaded.playlist.violations
    judge_violations(check, "IF-HLS-03", (v for v in found if v.rule not in other))
    judge_violations(check, "IF-HLS-04", (v for v in found if v.rule in TARGET_RULES))
    judge_violations(check, "IF-HLS-05", (v for v in found if v.rule in VERSION_RULES))


def address_of(streams: StreamBench, segment: Segment) -> str:
    """What names a segment, whatever its signature."""
    if streams.links is not None:
        try:
            return streams.links.read(segment.uri).path
        except UrlError:
            pass
    return segment.uri.partition("?")[0]


@verifies("IF-HLS-06", "IF-HLS-07")
async def test_reloads(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Numbers, addresses and target durations of the versions."""
    check.step("s1")
    loads = await streams.hls_player().watch(limits("IF-HLS-06").reloads.number)
    lists = [loaded.playlist for loaded in loads if loaded.playlist is not None]
    if not readable(check, loads[-1], "IF-HLS-06", "IF-HLS-07"):
        return
    check.step("s2")
    faults = [fault for a, b in pairwise(lists) for fault in sequence_faults(a, b, partial(address_of, streams))]
    wanted = say("只增，逐个移除，序号不换分片", "only grows, one by one, a number keeps its segment")
    check.true("IF-HLS-06", not faults, wanted, "; ".join(faults[:3]) or numbers(loads))
    targets = sorted({playlist.target_duration or 0 for playlist in lists})
    check.true("IF-HLS-07", len(targets) == 1, say("同一个值", "one value"), targets)


def numbers(loads: list[Loaded]) -> str:
    """First and last numbers of every version, once each."""
    seen = dict.fromkeys(f"{n[0]}-{n[-1]}" for n in (loaded.numbers for loaded in loads) if n)
    return ", ".join(seen)


def renewals(loads: list[Loaded]) -> list[float]:
    """Seconds between versions, the last of them being the time without a new one up to the end."""
    moments = [loads[0].at]
    last = loads[0]
    for loaded in loads[1:]:
        if loaded.numbers[-1:] != last.numbers[-1:]:
            moments.append(loaded.at)
            last = loaded
    gaps = [after - before for before, after in pairwise(moments)]
    return [*gaps, loads[-1].at - moments[-1]]


@verifies("IF-HLS-08", "IF-HLS-09")
async def test_renewal(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """How often new versions come, and how long they are."""
    check.step("s1")
    limit = limits("IF-HLS-08")
    loads = await streams.hls_player().watch(limit.reloads.number)
    if not readable(check, loads[-1], "IF-HLS-08", "IF-HLS-09"):
        return
    playlist = loads[-1].playlist
    assert playlist is not None
    if playlist.ended or not playlist.target_duration:
        for requirement in ("IF-HLS-08", "IF-HLS-09"):
            check.not_applicable(
                requirement, say("播放列表已结束或无目标时长", "the playlist has ended or has no target")
            )
        return
    check.step("s2")
    longest = max(renewals(loads)) / playlist.target_duration
    check.within("IF-HLS-08", longest, limit.renewal, say("两版之间，目标时长的倍数", "between versions, in targets"))
    trimmed = [loaded.playlist for loaded in loads if loaded.playlist and loaded.playlist.media_sequence]
    if not trimmed:
        check.inconclusive("IF-HLS-09", say("没有分片被移除", "no segment was removed"))
        return
    shortest = min(sum(s.duration for s in p.segments) / (p.target_duration or 1) for p in trimmed)
    check.within("IF-HLS-09", shortest, limits("IF-HLS-09").window, say("目标时长的倍数", "in target durations"))


def removed_breaks(before: Playlist, after: Playlist) -> int:
    """How many discontinuities stood in one version and are gone from the next."""
    gone = [segment for segment in before.segments if segment.sequence < after.media_sequence]
    return sum(segment.discontinuity for segment in gone)


@verifies("IF-HLS-17")
async def test_discontinuities(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """Those that leave the list."""
    check.step("s1")
    loads = await streams.hls_player().watch(limits("IF-HLS-17").reloads.number)
    if not readable(check, loads[-1], "IF-HLS-17"):
        return
    check.step("s2")
    lists = [loaded.playlist for loaded in loads if loaded.playlist is not None]
    moves = [(before, after) for before, after in pairwise(lists) if removed_breaks(before, after)]
    steady = [(before, after) for before, after in pairwise(lists) if before.media_sequence == after.media_sequence]
    if not moves:
        check.not_applicable("IF-HLS-17", say("没有不连续标记移出列表", "no discontinuity left the list"))
        return
    for before, after in [*moves, *steady]:
        told, known = after.discontinuity_sequence, before.discontinuity_sequence or 0
        expected = known + removed_breaks(before, after)
        about = f"EXT-X-MEDIA-SEQUENCE {before.media_sequence} -> {after.media_sequence}"
        check.equal("IF-HLS-17", told, expected if told is not None or expected else None, about)


@verifies("IF-HLS-16")
async def test_removed_segment(streams: StreamBench, check: Checks, limits: Limits) -> None:
    """The first segment of a list, shortly before it may go."""
    limit, wire = limits("IF-HLS-16"), streams.wire
    check.step("s1")
    player = streams.hls_player()
    first = await player.load()
    if not readable(check, first, "IF-HLS-16"):
        return
    assert first.playlist is not None
    if first.playlist.ended or not first.playlist.segments:
        check.not_applicable("IF-HLS-16", say("不是直播列表", "it is no live playlist"))
        return
    oldest = first.playlist.segments[0]
    if not check.control(
        (await player.segment(oldest)).fetched.ok, say("列出的分片可取得", "a listed segment is served")
    ):
        return
    check.step("s2")
    until = wire.now() + limit.longest_wait.seconds
    longest = 0.0
    while wire.now() < until:
        loaded = await player.load()
        if loaded.playlist is None or oldest.sequence not in loaded.numbers:
            break
        longest = max(longest, sum(segment.duration for segment in loaded.playlist.segments))
        await wire.sleep((first.playlist.target_duration or 1) / 4)
    remaining = oldest.duration + longest - (first.playlist.target_duration or 1) / 4 - limit.slack.seconds
    if wire.now() + remaining > until or not readable(check, player.loads[-1]):
        check.inconclusive("IF-HLS-16", say("分片未在等待期内移除", "the segment was not removed while we waited"))
        return
    check.step("s3")
    await wire.sleep(max(0.0, remaining))
    found = await player.segment(oldest)
    wanted = say(f"移除后 {remaining:.1f} s 仍可取得", f"still served {remaining:.1f} s after its removal")
    check.true("IF-HLS-16", found.fetched.ok, wanted, f"{oldest.uri[:60]}: {found.fetched.summary}")

"""IF-RTP: packets of one observed play, on every track."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import h264_sps, h265_sps
from conformance.protocols.rtcp import looks_like_rtcp
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import observation
from conformance.suites.camera.packet_order import (
    clock_faults,
    clock_ratio,
    doubles,
    figures,
    frame_starts,
    gaps,
    statistics,
)
from conformance.suites.camera.parameter_sets import AVC_SETS, HEVC_SETS, kind_of, known_sets

SHOWN = 5


def shown(faults: list[str]) -> list[str]:
    """The first few."""
    return faults[:SHOWN]


def _each(tracks: list[Track]) -> list[tuple[str, Track]]:
    return [(track.media.kind, track) for track in tracks]


@verifies("IF-RTP-01", "IF-RTP-02", "IF-RTP-03", "IF-RTP-11")
async def test_headers(player: Players, check: Checks, limits: Limits) -> None:
    """Version, lengths, padding, payload types, and nothing but RTP on the RTP path."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    wrong, padded, odd, strange = [], [], [], []
    for name, track in _each(seen.tracks):
        packets = track.packets
        header = [error for _, error in track.errors]
        wrong += [f"{name}: {error}" for error in header if error.rule not in ("rtp.padding", "rtp.extension")]
        padded += [f"{name}: {error}" for error in header if error.rule in ("rtp.padding", "rtp.extension")]
        wrong += [
            f"{name} {a.packet.sequence}: no payload" for a in packets if not a.packet.payload and not a.packet.padding
        ]
        listed = set(track.media.payload_types)
        odd += [f"{name} {pt}" for pt in sorted({a.packet.payload_type for a in packets} - listed)]
        strange += _strange(name, track)
    check.equal("IF-RTP-01", shown(wrong), [], say("首部问题", "faults of the header"))
    check.equal("IF-RTP-02", shown(padded), [], say("填充与扩展问题", "faults of padding and extension"))
    check.equal("IF-RTP-03", odd, [], say("未声明的载荷类型", "payload types that the SDP does not list"))
    check.equal("IF-RTP-11", shown(strange), [], say("错放的包", "packets on the wrong path"))
    for name, track in _each(seen.tracks):
        check.figures.update(figures(track, f"{name} stream"))


def _strange(name: str, track: Track) -> list[str]:
    """RTCP among the RTP, anything else among the RTCP; rtcp-mux allows both (RFC 5761)."""
    if any(item.name == "rtcp-mux" for item in track.media.attributes):
        return []
    mixed = [
        data for _, data in track.rtp if looks_like_rtcp(data) and (data[1] & 0x7F) not in track.media.payload_types
    ]
    others = [data for _, data in track.rtcp if not looks_like_rtcp(data)]
    return [f"{name}: RTCP {d[1]} on the RTP path" for d in mixed] + [f"{name}: {d[:8].hex()}" for d in others]


@verifies("IF-RTP-04", "IF-RTP-05", "IF-RTP-06")
async def test_sequence(player: Players, check: Checks, limits: Limits) -> None:
    """Sequence numbers in steps of one, no doubles, one SSRC."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    missing, again, names = [], [], []
    for name, track in _each(seen.tracks):
        packets = track.packets
        late = statistics(packets, track.clock).lost == 0 if packets else True
        missing += [f"{name} {gap}" for gap in gaps(packets)] if seen.lower == "tcp" or not late else []
        again += [f"{name} {number}" for number in doubles(packets)]
        names += [f"{name} {len(found)} SSRCs" for found in [{a.packet.ssrc for a in packets}] if len(found) > 1]
    count = sum(len(track.packets) for track in seen.tracks)
    about = say(f"{count} 个包", f"in {count} packets")
    check.equal("IF-RTP-04", shown(missing), [], about)
    check.equal("IF-RTP-05", shown(again), [], about)
    check.equal("IF-RTP-06", names, [], about)


@verifies("IF-RTP-07", "IF-RTP-08", "IF-RTP-15")
async def test_clock(player: Players, check: Checks, limits: Limits) -> None:
    """Timestamps run at the clock of the SDP, forward only; packets come evenly."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    video = seen.video
    ratio = clock_ratio(video.packets, video.clock)
    if ratio is None:
        check.inconclusive("IF-RTP-07", say("帧数不足", "too few frames"))
    else:
        about = say(f"推得时钟 {ratio * video.clock:.0f} Hz", f"the clock found is {ratio * video.clock:.0f} Hz")
        check.within("IF-RTP-07", ratio, limits("IF-RTP-07").clock_ratio, about)
    longest = limits("IF-RTP-08").step.seconds
    tracks = [track for track in seen.tracks if not _reorders(track)]
    if tracks:
        faults = [
            f"{track.media.kind} {fault}"
            for track in tracks
            for fault in clock_faults(track.packets, track.clock, longest)
        ]
        check.equal("IF-RTP-08", shown(faults), [], say("倒退或过大的步长", "steps back or too far"))
    else:
        check.not_applicable("IF-RTP-08", say("码流含帧重排", "the pictures are reordered"))
    jitter = limits("IF-RTP-15").jitter
    worst = max(
        statistics(frame_starts(track.packets), track.clock).max_jitter for track in seen.tracks if track.packets
    )
    check.within("IF-RTP-15", worst * 1000, jitter, say("最大抖动", "highest jitter"))


def _reorders(track: Track) -> bool:
    """Whether the parameter sets allow pictures to leave the decoder in another order than they come in."""
    for nal in known_sets(track):
        kind = kind_of(track.codec, nal)
        try:
            if track.codec == "h264" and kind == AVC_SETS[0] and h264_sps.parse_sps(nal).max_reorder != 0:
                return True
            if track.codec == "h265" and kind == HEVC_SETS[1] and h265_sps.parse_sps(nal).max_reorder != 0:
                return True
        except CodecError:
            return True
    return False

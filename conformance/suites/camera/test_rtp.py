"""IF-RTP: packets of one observed play, on every track; and plays of their own where one play does not tell."""

from __future__ import annotations

from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import h264_sps, h265_sps
from conformance.protocols.rtcp import ReceiverReport, ReportBlock, SourceDescription, looks_like_rtcp, serialize_rtcp
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import Observation, observation, plays_over_udp, start_all
from conformance.suites.camera.packet_order import (
    breaks,
    clock_faults,
    clock_ratio,
    figures,
    frame_starts,
    orders,
    statistics,
)
from conformance.suites.camera.parameter_sets import AVC_SETS, HEVC_SETS, kind_of, known_sets

TOGETHER = "observed play"
SHOWN = 5
OWN_SSRC = 0x4B414E44
HALF_LOST = 128
CNAME = 1
PADDING_RULES = ("rtp.padding", "rtp.extension")


def shown(faults: list[str]) -> list[str]:
    """The first few."""
    return faults[:SHOWN]


@verifies("IF-RTP-01", "IF-RTP-02", "IF-RTP-03", "IF-RTP-11")
async def test_headers(player: Players, check: Checks, limits: Limits) -> None:
    """Version, lengths, padding, payload types, and nothing but RTP on the RTP path."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    wrong, padded, odd, strange = [], [], [], []
    for track in seen.tracks:
        name, packets = track.media.kind, track.packets
        header = [error for _, error in track.errors]
        wrong += [f"{name}: {error}" for error in header if error.rule not in PADDING_RULES]
        padded += [f"{name}: {error}" for error in header if error.rule in PADDING_RULES]
        wrong += [
            f"{name} {a.packet.sequence}: no payload" for a in packets if not a.packet.payload and not a.packet.padding
        ]
        listed = set(track.media.payload_types)
        odd += [f"{name} {pt}" for pt in sorted({a.packet.payload_type for a in packets} - listed)]
        strange += _strange(track)
        check.figures.update(figures(track, f"{name} stream"))
    check.equal("IF-RTP-01", shown(wrong), [], say("首部问题", "faults of the header"))
    check.equal("IF-RTP-02", shown(padded), [], say("填充与扩展问题", "faults of padding and extension"))
    check.equal("IF-RTP-03", odd, [], say("未声明的载荷类型", "payload types that the SDP does not list"))
    check.equal("IF-RTP-11", shown(strange), [], say("错放的包", "packets on the wrong path"))


def _strange(track: Track) -> list[str]:
    """RTCP among the RTP, anything else among the RTCP; rtcp-mux allows both (RFC 5761)."""
    name = track.media.kind
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
    broken, again, names = [], [], []
    for track in seen.tracks:
        name, found = track.media.kind, orders(track.packets)
        broken += [f"{name} {fault}" for order in found for fault in breaks(order)]
        again += [f"{name} {number}" for order in found for number in order.again]
        names += [f"{name} {len(found)} SSRCs"] if len(found) > 1 else []
    count = sum(len(track.packets) for track in seen.tracks)
    about = say(f"{count} 个包", f"in {count} packets")
    if broken and seen.lower == "udp":
        why = say("UDP 有丢包或乱序，无法归因于序号", "over UDP loss does not tell which numbers were sent")
        check.inconclusive("IF-RTP-04", why)
    else:
        check.equal("IF-RTP-04", shown(broken), [], about)
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
            for order in orders(track.packets)
            for fault in clock_faults(order, track.clock, longest)
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


@verifies("IF-RTP-09", "IF-RTP-10")
async def test_random_starts(player: Players, check: Checks, limits: Limits) -> None:
    """Sequence number, timestamp and SSRC of sessions one after the other; the observed play is the first of them."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s1")
    first = seen.video.packets[0].packet
    starts = [(first.sequence, first.timestamp, first.ssrc)]
    within = limits("IF-MED-01").first_packet_within
    for _ in range(1, int(limits("IF-RTP-09").sessions.number)):
        one = player()
        await one.start(seen.lower, kinds=("video",))
        came = one.video is not None and await one.wait_packets(one.video, 1, within.seconds + within.uncertainty)
        check.control(came, say("每个会话都有媒体包", "each session has media packets"))
        if came and one.video is not None and one.video.packets:
            packet = one.video.packets[0].packet
            starts.append((packet.sequence, packet.timestamp, packet.ssrc))
        await one.close()
    check.step("s2")
    sequences, stamps, names = (len(set(values)) for values in zip(*starts, strict=True))
    about = say(f"{len(starts)} 个会话", f"of {len(starts)} sessions")
    differ = say("不全相同", "not always the same")
    check.true("IF-RTP-09", sequences > 1, differ, [start[0] for start in starts], about)
    held = stamps > 1 and names > 1
    check.true("IF-RTP-10", held, differ, [(stamp, f"{name:08X}") for _, stamp, name in starts], about)


@verifies("IF-RTP-12", "IF-RTP-13", "IF-RTP-14")
async def test_over_udp(player: Players, check: Checks, limits: Limits) -> None:
    """Port pairs, packet sizes and loss over UDP; the bench shows that it was there to read."""
    if not await plays_over_udp(player, check, limits):
        return
    one = player()
    await start_all(one, "udp")
    track = one.video
    if track is None:
        check.control(False, say("没有视频轨", "there is no video track"))
        return
    check.step("s1")
    stalled = await _receive(player, one, track, limits)
    await one.teardown()
    await one.watch(player.bench.limits["listening_step"].seconds)
    check.step("s2")
    _ports(one.tracks, check)
    sizes = [arrived.size for played in one.tracks for arrived in played.packets]
    if not check.control(bool(sizes), say("UDP 有媒体包", "media packets come over UDP")):
        return
    about = say(f"{len(sizes)} 个包中最长者", f"the longest of {len(sizes)}")
    check.within("IF-RTP-13", max(sizes), limits("IF-RTP-13").packet_size, about)
    check.step("s3")
    lost = sum(order.lost for played in one.tracks for order in orders(played.packets))
    steady = stalled <= player.bench.limits["longest_stall"].seconds
    if lost and not steady:
        why = say(f"测试台停顿了 {stalled:.2f} 秒", f"the bench stood still for {stalled:.2f} s")
        check.inconclusive("IF-RTP-14", why)
        return
    slack = int(limits("IF-RTP-14").slack_packets.number)
    about = say(f"{lost}/{len(sizes) + lost} 个包丢失", f"{lost} of {len(sizes) + lost} packets lost")
    ratio = max(0, lost - slack) / (len(sizes) + lost)
    check.within("IF-RTP-14", ratio, limits("IF-RTP-14").loss, about)


async def _receive(players: Players, player: Player, track: Track, limits: Limits) -> float:
    """Receive for the window and until there are packets enough; the longest time for which the bench did not read."""
    wire = players.bench.wire
    step = players.bench.limits["listening_step"].seconds
    window, few = limits("IF-RTP-14").observe.seconds, limits("IF-RTP-14").packets.number
    latest = window + players.bench.limits["shortest_watch"].seconds
    began, stalled = wire.now(), 0.0
    while (passed := wire.now() - began) < latest and (passed < window or len(track.rtp) < few):
        before = wire.now()
        await player.watch(step)
        stalled = max(stalled, wire.now() - before - step)
    return stalled


def _ports(tracks: list[Track], check: Checks) -> None:
    pairs = {
        track.media.kind: track.transport.server_port
        for track in tracks
        if track.transport is not None and track.transport.server_port
    }
    if not pairs:
        check.not_applicable("IF-RTP-12", say("应答中没有 server_port", "the answer names no server_port"))
        return
    odd = {kind: ports for kind, ports in pairs.items() if ports[0] % 2 or ports[1:] != (ports[0] + 1,)}
    check.equal("IF-RTP-12", odd, {}, say(f"server_port {pairs}", f"server_port {pairs}"))


@verifies("IF-RTP-29")
async def test_reports_from_receivers(player: Players, check: Checks, limits: Limits) -> None:
    """Receiver reports, one of heavy loss, and broken RTCP: the media go on as before."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    one = player()
    await one.start(seen.lower, kinds=("video",))
    track = one.video
    first = limits("IF-MED-01").first_packet_within
    plays = track is not None and await one.wait_packets(track, 1, first.seconds + first.uncertainty)
    if not check.control(plays, say("播放后有媒体", "media come after PLAY")) or track is None or not track.packets:
        return
    count, within = int(limits("IF-RTP-29").packets.number), limits("IF-RTP-29").observe.seconds
    for step, forms in (("s1", _reports(track)), ("s2", _broken())):
        check.step(step)
        for name, data in forms.items():
            _report(one, track, data)
            came = await one.wait_packets(track, len(track.rtp) + count, within)
            expected = say(f"再有 {count} 个媒体包", f"{count} media packets more")
            check.true(
                "IF-RTP-29", came, expected, say("有" if came else "没有", "come" if came else "do not come"), name
            )
    check.step("s3")
    await one.close()
    _unchanged(track, seen, check)


def _unchanged(track: Track, seen: Observation, check: Checks) -> None:
    found = orders(track.packets)
    about = say(f"{len(track.packets)} 个包中的 SSRC 个数", f"number of SSRCs in {len(track.packets)} packets")
    check.equal("IF-RTP-29", len(found), 1, about)
    broken = [fault for order in found for fault in breaks(order)]
    if seen.lower == "tcp":
        check.equal("IF-RTP-29", shown(broken), [], say("序号间断", "breaks of the sequence"))


def _report(player: Player, track: Track, data: bytes) -> None:
    """To where the device takes RTCP: the channel, or its port."""
    if track.transport is not None and not track.transport.is_tcp and track.transport.server_port:
        host = urlsplit(player.url).hostname or ""
        track.sockets[1].send(data, (host, track.transport.server_port[-1]))
    else:
        player.client.send_interleaved(track.channels[1], data)


def _reports(track: Track) -> dict[str, bytes]:
    packet = track.packets[-1].packet
    name = SourceDescription(((OWN_SSRC, ((CNAME, b"kandian@bench"),)),))
    good = ReportBlock(packet.ssrc, 0, 0, packet.sequence, 0, 0, 0)
    bad = ReportBlock(packet.ssrc, HALF_LOST, 0x7FFFFF, packet.sequence, 0xFFFFFFFF, 0, 0)
    return {
        "RR": serialize_rtcp(ReceiverReport(OWN_SSRC), name),
        "RR, no loss": serialize_rtcp(ReceiverReport(OWN_SSRC, (good,)), name),
        "RR, heavy loss": serialize_rtcp(ReceiverReport(OWN_SSRC, (bad,)), name),
    }


def _broken() -> dict[str, bytes]:
    whole = serialize_rtcp(ReceiverReport(OWN_SSRC))
    return {
        "RTCP version 0": bytes((whole[0] & 0x3F,)) + whole[1:],
        "RTCP length beyond the packet": whole[:2] + b"\xff\xff" + whole[4:],
        "RTCP report count without blocks": bytes((whole[0] | 0x1F,)) + whole[1:],
        "RTCP cut short": whole[:3],
    }

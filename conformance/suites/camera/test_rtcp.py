"""IF-RTP-20 to 28: sender reports, names, counts and BYE of one observed play."""

from __future__ import annotations

from itertools import pairwise

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtcp import Compound, SenderReport, SourceDescription, looks_like_rtcp
from conformance.protocols.rtp import parse_rtp, timestamp_step
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import Observation, goodbyes, observation, sender_reports
from specs.model import Limit

TOGETHER = "observed play"
IP_UDP_HEADERS = 28
NTP_FRACTION = 1 << 32
SHOWN = 3
COUNTER = 1 << 32

NO_RTCP = say("没有收到 RTCP", "no RTCP came")


async def _heard(players: Players, check: Checks, limits: Limits) -> Observation | None:
    """The observation; without any RTCP in it every requirement but IF-RTP-20 is not applicable."""
    seen = await observation(players, check, limits)
    if seen is not None and not any(track.rtcp for track in seen.tracks):
        for requirement in check.requirements:
            if requirement != "IF-RTP-20":
                check.not_applicable(requirement, NO_RTCP)
        return None
    return seen


@verifies("IF-RTP-20")
async def test_reports_come(player: Players, check: Checks, limits: Limits) -> None:
    """Each stream has its first sender report in time."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    allowed = limits("IF-RTP-20").sr_within
    for track in seen.tracks:
        if not track.packets:
            continue
        reports = sender_reports(track)
        if not reports:
            expected = say("收到发送者报告", "a sender report")
            check.fail("IF-RTP-20", expected, say("没有", "none"), track.media.kind)
        else:
            check.within("IF-RTP-20", reports[0][0] - track.packets[0].at, allowed, f"{track.media.kind}: first SR")
    if not any(track.packets for track in seen.tracks):
        check.inconclusive("IF-RTP-20", say("没有媒体包", "there are no media packets"))


@verifies("IF-RTP-21", "IF-RTP-22", "IF-RTP-23", "IF-RTP-24")
async def test_compounds(player: Players, check: Checks, limits: Limits) -> None:
    """Compound packets begin with a report, name their source, and have the SSRC of the media."""
    seen = await _heard(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    broken, nameless, others = [], [], []
    names: dict[str, set[bytes]] = {}
    for track in seen.tracks:
        kind, own = track.media.kind, {arrived.packet.ssrc for arrived in track.packets}
        reduced = any(item.name == "rtcp-rsize" for item in track.media.attributes)
        for report in track.reports:
            if report.compound is None:
                broken.append(f"{kind}: {report.error}")
                continue
            faults = [v for v in report.compound.violations if v.rule not in (("rtcp.first",) if reduced else ())]
            broken += [f"{kind}: {v.explain}" for v in faults if v.rule != "rtcp.cname"]
            found = _name(report.compound)
            names.setdefault(kind, set()).update([found] if found else [])
            nameless += [] if found or reduced else [f"{kind}: {report.raw[:8].hex()}"]
        others += [f"{kind}: {p.ssrc:08X}" for _, p in sender_reports(track) if own and p.ssrc not in own]
    check.equal("IF-RTP-21", broken[:SHOWN], [], say("复合包问题", "faults of compounds"))
    check.equal("IF-RTP-22", nameless[:SHOWN], [], say("没有 CNAME 的复合包", "compounds without CNAME"))
    changed = {kind: sorted(found) for kind, found in names.items() if len(found) > 1}
    check.equal("IF-RTP-22", changed, {}, say("会话中改变的 CNAME", "a CNAME that changes"))
    if len([found for found in names.values() if found]) < 2:
        check.not_applicable("IF-RTP-23", say("没有两路带 CNAME 的流", "there are no two streams with a CNAME"))
    else:
        check.equal("IF-RTP-23", len(set().union(*names.values())), 1, say("CNAME 个数", "number of CNAMEs"))
    if any(sender_reports(track) for track in seen.tracks):
        check.equal("IF-RTP-24", others[:SHOWN], [], say("与媒体不同的 SSRC", "SSRCs other than that of the media"))
    else:
        check.not_applicable("IF-RTP-24", say("没有 SR", "there is no SR"))


def _name(compound: Compound) -> bytes | None:
    """The CNAME in a compound."""
    told = [chunk for p in compound.packets if isinstance(p, SourceDescription) for chunk in p.chunks]
    return next((name for chunk in told if (name := SourceDescription((chunk,)).cname(chunk[0]))), None)


@verifies("IF-RTP-25", "IF-RTP-26")
async def test_report_contents(player: Players, check: Checks, limits: Limits) -> None:
    """NTP and RTP time belong together; packets and octets are those that came."""
    seen = await _heard(player, check, limits)
    if seen is None:
        return
    tracks = [track for track in seen.tracks if track.packets and sender_reports(track)]
    if not tracks:
        for requirement in check.requirements:
            check.not_applicable(requirement, say("没有 SR", "there is no SR"))
        return
    check.step("s2")
    for track in tracks:
        _clock(track, check, limits)
    check.step("s3")
    pairs = [(track, a, b) for track in tracks for a, b in pairwise(_while_playing(track, seen.ended))]
    if not pairs:
        check.not_applicable("IF-RTP-26", say("没有两个 SR", "there are no two SR"))
    elif seen.lower == "udp":
        check.not_applicable("IF-RTP-26", say("仅 UDP：丢包与报告无法对应", "over UDP only: loss cannot be told apart"))
    else:
        for track, a, b in pairs:
            _counts(track, a, b, check, limits)


def _while_playing(track: Track, ended: float) -> list[tuple[int, SenderReport]]:
    """Sender reports of the play, each with the number of datagrams on the RTP path before it."""
    return [
        (report.after, packet)
        for report in track.reports
        if report.compound is not None and report.at <= ended
        for packet in report.compound.packets
        if isinstance(packet, SenderReport)
    ]


def _clock(track: Track, check: Checks, limits: Limits) -> None:
    kind, clock = track.media.kind, track.clock
    reports = sender_reports(track)
    lead = min((_lead(track, at, report) for at, report in reports), key=abs)
    about = say(f"{kind}: SR 与媒体时间戳之差", f"{kind}: SR against the media timestamps")
    check.within("IF-RTP-25", abs(lead), limits("IF-RTP-25").offset, about)
    (_, first), (_, last) = reports[0], reports[-1]
    if len(reports) < 2 or not (first.ntp or last.ntp):
        return
    seconds = (last.ntp - first.ntp) / NTP_FRACTION
    if seconds <= 0:
        check.fail("IF-RTP-25", say("NTP 时间前进", "NTP time runs on"), f"{seconds:.6f} s", kind)
        return
    drift = abs(timestamp_step(first.rtp_timestamp, last.rtp_timestamp) / clock / seconds - 1)
    about = say(f"{kind}: {seconds:.2f} 秒内 RTP 与 NTP 之差", f"{kind}: RTP against NTP over {seconds:.2f} s")
    check.within("IF-RTP-25", drift, limits("IF-RTP-25").rate, about)


def _lead(track: Track, at: float, report: SenderReport) -> float:
    """Seconds by which the RTP time of a report is ahead of the media that came with it."""
    near = min(track.packets, key=lambda arrived: abs(arrived.at - at))
    return timestamp_step(near.packet.timestamp, report.rtp_timestamp) / track.clock - (at - near.at)


def _counts(
    track: Track, earlier: tuple[int, SenderReport], later: tuple[int, SenderReport], check: Checks, limits: Limits
) -> None:
    """In a TCP connection the packets between two reports are those that were sent between them."""
    (begin, first), (end, last) = earlier, later
    payloads = _payloads(track, begin, end)
    packets, octets = len(payloads), sum(payloads)
    told = (last.packets - first.packets) % COUNTER, (last.octets - first.octets) % COUNTER
    slack, few = limits("IF-RTP-26").slack, limits("IF-RTP-26").slack_packets
    apart = abs(told[0] - packets)
    held = few.holds(apart) or slack.holds(apart / max(packets, 1))
    about = say(f"{track.media.kind}: 两个 SR 之间的包数", f"{track.media.kind}: packets between two SR")
    check.true("IF-RTP-26", held, f"{packets} ({_or(few, slack)})", told[0], about)
    largest = max(payloads, default=0)
    off = abs(told[1] - octets)
    held = (few.holds(apart) and off <= apart * largest) or slack.holds(off / max(octets, 1))
    about = say(f"{track.media.kind}: 两个 SR 之间的载荷字节", f"{track.media.kind}: payload bytes between two SR")
    check.true("IF-RTP-26", held, f"{octets} (+-{slack.number:g})", told[1], about)


def _payloads(track: Track, begin: int, end: int) -> list[int]:
    """Bytes of payload of the RTP packets with these numbers."""
    found = []
    for _, data in track.rtp[begin:end]:
        try:
            if not (looks_like_rtcp(data) and (data[1] & 0x7F) not in track.media.payload_types):
                found.append(len(parse_rtp(data).payload))
        except CodecError:
            continue
    return found


def _or(few: Limit, slack: Limit) -> str:
    return f"+-{few.number:g} packets or +-{slack.number:g}"


@verifies("IF-RTP-27", "IF-RTP-28")
async def test_share_and_end(player: Players, check: Checks, limits: Limits) -> None:
    """RTCP takes little of the bandwidth; BYE is its last word."""
    seen = await _heard(player, check, limits)
    if seen is None:
        return
    check.step("s1")
    header = IP_UDP_HEADERS
    reports = [data for track in seen.tracks for at, data in track.rtcp if at <= seen.ended]
    control = sum(len(data) + header for data in reports)
    media = sum(len(data) + header for track in seen.tracks for at, data in track.rtp if at <= seen.ended)
    about = say(f"{len(reports)} 个 RTCP 包", f"{len(reports)} RTCP packets")
    check.within("IF-RTP-27", control / max(control + media, 1), limits("IF-RTP-27").share, about)
    check.step("s2")
    speaking = [track for track in seen.tracks if sender_reports(track)]
    if not speaking or seen.teardown is None:
        check.not_applicable("IF-RTP-28", say("没有 SR 或没有 TEARDOWN 应答", "no SR, or no answer to TEARDOWN"))
        return
    within = limits("IF-RTP-28").bye_within
    for track in speaking:
        found = goodbyes(track)
        kind = track.media.kind
        if not found:
            check.fail("IF-RTP-28", say("收到 BYE", "a BYE"), say("没有", "none"), kind)
            continue
        check.within("IF-RTP-28", max(0.0, found[0][0] - seen.teardown.sent_at), within, f"{kind}: BYE")
        after = [report for report in track.reports if report.at > found[-1][0]]
        check.equal("IF-RTP-28", len(after), 0, say(f"{kind}: BYE 之后的 RTCP", f"{kind}: RTCP after BYE"))

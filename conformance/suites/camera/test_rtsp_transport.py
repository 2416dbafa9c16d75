"""IF-RTSP-25 to 29, 31: what SETUP offers and answers, and where the media then come from."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtcp import ReceiverReport, looks_like_rtcp, serialize_rtcp
from conformance.protocols.rtp import parse_rtp
from conformance.protocols.rtsp import Interleaved, serialize
from conformance.protocols.rtsp_headers import Transport, format_transport, parse_transport
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import UNSUPPORTED_TRANSPORT, plays_over_udp, stream_plays
from conformance.suites.camera.rtsp_steps import OK, described, goes_on, status_of
from conformance.wire import Wire

OTHER_LOOPBACK = "127.0.0.2"
CHANNELS = ((4, 5), (6, 7))


@verifies("IF-RTSP-25")
async def test_choice_of_transport(player: Players, check: Checks, limits: Limits) -> None:
    """Of two offers the answer names one, and the media come by it."""
    if not await stream_plays(player, check, limits):
        return
    one = await described(player, check)
    if one is None or one.video is None:
        return
    track = one.video
    check.step("s1")
    over_udp = await one.offer(track, "udp")
    over_tcp = await one.offer(track, "tcp")
    offers = f"{format_transport(over_tcp)},{format_transport(over_udp)}"
    answer = await one.request("SETUP", track.control, {"Transport": offers})
    check.step("s2")
    text = answer.response.headers.get("Transport")
    try:
        found = parse_transport(text)
    except CodecError:
        found = []
    chosen = len(found) == 1 and (found[0].is_tcp or found[0].client_port == over_udp.client_port)
    expected = say("200 且恰有一项所提供的传输", "200 with exactly one of the transports offered")
    if not check.true("IF-RTSP-25", answer.status == OK and chosen, expected, f"{answer.status}, {text or '-'}"):
        return
    check.step("s3")
    one.accept_setup(track, answer)
    await one.play()
    first = limits("IF-RTSP-25").first_packet_within
    came = await one.wait_packets(track, 1, first.seconds + first.uncertainty)
    by = "TCP" if not track.sources else "UDP"
    told = "TCP" if found[0].is_tcp else "UDP"
    check.true("IF-RTSP-25", came and by == told, say(f"媒体经 {told} 到达", f"media by {told}"), by if came else "-")


@verifies("IF-RTSP-26", "IF-RTSP-27")
async def test_interleaved_channels(player: Players, check: Checks, limits: Limits) -> None:
    """Channels of our choice; every block fits its channel; a report of ours and a request behind it are taken."""
    if not await stream_plays(player, check, limits):
        return
    one = await described(player, check)
    if one is None:
        return
    check.step("s1")
    for track, channels in zip(one.tracks, CHANNELS, strict=False):
        wanted = Transport("RTP/AVP/TCP", unicast=True, interleaved=channels)
        answer = await one.setup_raw(track, wanted)
        if answer.status == UNSUPPORTED_TRANSPORT:
            for requirement in check.requirements:
                check.not_applicable(requirement, say("设备不支持 TCP 交织 (461)", "no interleaved transport (461)"))
            return
        if not check.equal("IF-RTSP-26", answer.status, OK, f"SETUP interleaved={channels[0]}-{channels[1]}"):
            check.inconclusive("IF-RTSP-27", say("未能建立会话", "no session came about"))
            return
        one.accept_setup(track, answer)
    check.step("s2")
    await one.play()
    limit = limits("IF-RTSP-26")
    set_up = one.tracks[: len(CHANNELS)]
    assert one.video is not None
    plays = await one.wait_packets(one.video, 1, limit.first_packet_within.seconds)
    check.control(plays, say("播放后有媒体", "media come after PLAY"))
    await one.watch(limit.observe.seconds)
    check.step("s3")
    odd = [f"channel {channel}, {len(data)} bytes" for channel, data, _ in one.client.interleaved]
    odd += [fault for track in set_up for fault in _misplaced(track)]
    check.equal("IF-RTSP-26", odd, [], say("不合规的 $ 块", "blocks that do not fit"))
    await _report_and_request(one, check, limits)


def _misplaced(track: Track) -> list[str]:
    """Blocks of a track whose content does not fit the channel."""
    faults = []
    for _, data in track.rtp:
        if looks_like_rtcp(data) and (data[1] & 0x7F) not in track.media.payload_types:
            faults.append(f"RTCP on channel {track.channels[0]}")
            continue
        try:
            parse_rtp(data)
        except CodecError as error:
            faults.append(f"channel {track.channels[0]}: {error}")
    reports = [report for report in track.reports if report.error is not None]
    return faults + [f"channel {track.channels[1]}: {report.error}" for report in reports]


async def _report_and_request(one: Player, check: Checks, limits: Limits) -> None:
    track = one.video
    assert track is not None
    report = serialize_rtcp(ReceiverReport(0x4B414E44))
    client = one.client
    options = client.build("OPTIONS", one.url, {"Session": one.session, **one.credentials("OPTIONS", one.url)})
    client.send(serialize(Interleaved(track.channels[1], report)) + serialize(options))
    check.equal("IF-RTSP-27", await status_of(client), OK, say("报告之后的 OPTIONS", "OPTIONS behind a report"))
    on = await goes_on(one, limits("IF-RTSP-27").first_packet_within.seconds)
    check.true("IF-RTSP-27", on, say("媒体继续", "the media go on"), on)


@verifies("IF-RTSP-28", "IF-RTSP-29")
async def test_udp_ports(player: Players, check: Checks, limits: Limits) -> None:
    """client_port is repeated, server_port given, and RTP comes from there."""
    if not await plays_over_udp(player, check, limits):
        return
    check.step("s1")
    one = await described(player, check)
    if one is None or one.video is None:
        return
    track = one.video
    await one.setup(track, "udp")
    told = track.transport
    assert told is not None
    check.step("s2")
    ours = (track.sockets[0].local[1], track.sockets[1].local[1])
    held = told.unicast is True and told.client_port == ours and told.server_port is not None
    expected = f"unicast;client_port={ours[0]}-{ours[1]};server_port=..."
    check.true("IF-RTSP-28", held, expected, format_transport(told))
    await one.play()
    first = limits("IF-RTSP-29").first_packet_within
    if not await one.wait_packets(track, 1, first.seconds + first.uncertainty):
        check.fail(
            "IF-RTSP-29", say("经 UDP 的媒体", "media over UDP"), say("PLAY 200 之后没有", "none after PLAY 200")
        )
        return
    if told.server_port is None:
        check.not_applicable("IF-RTSP-29", say("应答中没有 server_port", "the answer names no server_port"))
        return
    source = (told.source or one.client.host, told.server_port[0])
    others = sorted(found for found in track.sources if found[1] not in told.server_port)
    about = say(f"其他来源，宣告为 {source}", f"other sources than {source}")
    check.equal("IF-RTSP-29", others, [], about)


@verifies("IF-RTSP-31")
async def test_third_address(player: Players, wire: Wire, check: Checks, limits: Limits) -> None:
    """`destination` other than the requester: nothing arrives there."""
    if not await plays_over_udp(player, check, limits):
        return
    one = await described(player, check)
    if one is None or one.video is None:
        return
    if not one.client.local_host.startswith("127."):
        check.inconclusive("IF-RTSP-31", say("测试台没有第二个地址", "the bench has no second address"))
        return
    check.step("s1")
    victim = await wire.datagram(OTHER_LOOPBACK, 0, label="third-address")
    try:
        offered = await one.offer(one.video, "udp")
        port = victim.local[1]
        answer = await one.setup_raw(
            one.video, Transport("RTP/AVP", unicast=True, client_port=(port, port + 1), destination=OTHER_LOOPBACK)
        )
        check.step("s2")
        if answer.status == OK:
            one.accept_setup(one.video, answer)
            await one.request("PLAY", one.aggregate)
        check.step("s3")
        await one.watch(limits("IF-RTSP-31").quiet_window.seconds)
        about = say(f"SETUP {answer.status}", f"SETUP {answer.status}, offered {format_transport(offered)}")
        check.equal("IF-RTSP-31", victim.received, 0, about)
    finally:
        victim.close()

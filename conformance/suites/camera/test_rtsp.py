"""IF-RTSP: methods, headers, states and errors of the RTSP server. Control leg everywhere: the stream plays."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.rtsp_client import RtspClient
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp import malformed, serialize
from conformance.protocols.rtsp_headers import parse_public, parse_rtp_info, parse_session
from conformance.suites.camera.stream_observation import observation, stream_plays

OK, NOT_FOUND, BAD_STATE = 200, 404, 455
ERROR = 400
SDP = {"Accept": "application/sdp"}
REQUIRED = {"OPTIONS", "SETUP", "PLAY", "TEARDOWN"}
TCP = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}


@verifies("IF-RTSP-01", "IF-RTSP-02", "IF-RTSP-04", "IF-RTSP-05", "IF-RTSP-06", "IF-RTSP-07", "IF-RTSP-36")
async def test_walk(player: Players, check: Checks, limits: Limits) -> None:
    """OPTIONS and DESCRIBE: statuses, grammar, CSeq, body, control URLs."""
    await stream_plays(player, check, limits("IF-RTP-01").observe)
    one = await player().connect()
    check.step("s1")
    options = await one.request("OPTIONS", one.url)
    check.equal("IF-RTSP-01", options.status, OK, "OPTIONS")
    public = set(parse_public(options.response.headers.get("Public")))
    check.true("IF-RTSP-02", public >= REQUIRED, say("列出必备方法", "the required methods"), ", ".join(sorted(public)))
    describe = await one.request("DESCRIBE", one.url, SDP)
    kind = describe.response.headers.get("Content-Type").partition(";")[0].strip().lower()
    check.equal("IF-RTSP-07", (describe.status, kind), (OK, "application/sdp"), "DESCRIBE")
    length = describe.response.headers.get("Content-Length")
    check.equal("IF-RTSP-06", length, str(len(describe.response.body)), "Content-Length")
    answers = {"OPTIONS": options, "DESCRIBE": describe}
    for name, answer in answers.items():
        faults = [f"{v.rule} {v.seen!r}" for v in answer.response.violations]
        check.equal("IF-RTSP-04", faults, [], name)
    check.equal("IF-RTSP-05", [a.response.cseq for a in answers.values()], [1, 2], "CSeq")
    await one.describe()
    if one.video is not None:
        setup = await one.request("SETUP", one.video.control, TCP)
        check.equal("IF-RTSP-36", setup.status, OK, f"SETUP {one.video.media.control}")
    else:
        check.inconclusive("IF-RTSP-36", say("没有视频轨", "there is no video track"))


@verifies("IF-RTSP-10", "IF-RTSP-11", "IF-RTSP-12", "IF-RTSP-13", "IF-RTSP-14", "IF-RTSP-24")
async def test_errors(player: Players, check: Checks, limits: Limits) -> None:
    """Unknown method, feature, version and transport; a malformed line; no CSeq."""
    await stream_plays(player, check, limits("IF-RTP-01").observe)
    one = await player().connect()
    check.step("s1")
    answer = await one.request("KANDIAN", one.url)
    check.equal("IF-RTSP-10", answer.status, 501, say("未知方法", "unknown method"))
    answer = await one.request("OPTIONS", one.url, {"Require": "x.kandian.nothing"})
    held = answer.status == 551 and "x.kandian.nothing" in answer.response.headers.get("Unsupported")
    expected = say("551 并列出 Unsupported", "551 with Unsupported")
    check.true("IF-RTSP-11", held, expected, f"{answer.status} {answer.response.headers.get('Unsupported')!r}")
    line = one.url.encode()
    await _raw(player, check, "IF-RTSP-12", b"OPTIONS " + line + b" RTSP/9.9", (b"CSeq: 1",), (505,))
    await _raw(player, check, "IF-RTSP-13", b"OPTIONS" + line, (b"CSeq: 1",), (400,))
    await _raw(player, check, "IF-RTSP-14", b"OPTIONS " + line + b" RTSP/1.0", (), (400,))
    two = await player().connect()
    await two.describe()
    if two.video is None:
        check.inconclusive("IF-RTSP-24", say("没有视频轨", "there is no video track"))
        return
    answer = await two.request("SETUP", two.video.control, {"Transport": "KANDIAN/XYZ;unicast"})
    check.equal("IF-RTSP-24", answer.status, 461, say("不支持的传输", "unsupported transport"))


async def _raw(
    player: Players, check: Checks, requirement: str, start: bytes, lines: tuple[bytes, ...], statuses: tuple[int, ...]
) -> None:
    one = await player().connect()
    one.client.send(malformed(start, lines))
    status = await _status(one.client)
    check.true(requirement, status in statuses, " / ".join(map(str, statuses)), status)


@verifies("IF-RTSP-09")
async def test_unknown_resource(player: Players, check: Checks, limits: Limits) -> None:
    """A path that does not exist is answered 404."""
    await stream_plays(player, check, limits("IF-RTP-01").observe)
    check.step("s1")
    one = await player().connect()
    host = one.url.partition("//")[2].partition("/")[0]
    answer = await one.request("DESCRIBE", f"rtsp://{host}/kandian/no/such/stream", SDP)
    check.equal("IF-RTSP-09", answer.status, NOT_FOUND)


@verifies("IF-RTSP-15", "IF-RTSP-16", "IF-RTSP-19", "IF-RTSP-20")
async def test_stream_of_requests(player: Players, check: Checks, limits: Limits) -> None:
    """Pipelined requests, split segments, other letter case, unknown headers."""
    await stream_plays(player, check, limits("IF-RTP-01").observe)
    one = await player().connect()
    client = one.client
    check.step("s1")
    count = int(limits("IF-RTSP-15").pipeline.number)
    requests = [client.build("OPTIONS", one.url) for _ in range(count)]
    client.send(b"".join(serialize(request) for request in requests))
    answers = [await client.response() for _ in requests]
    check.equal("IF-RTSP-15", [a.response.cseq for a in answers], [r.cseq for r in requests], "CSeq")
    answer = await one.request("OPTIONS", one.url, {"X-Kandian": "1"})
    check.equal("IF-RTSP-20", answer.status, OK, "X-Kandian")
    client.cseq += 1
    number = str(client.cseq).encode()
    client.send(malformed(b"OPTIONS " + one.url.encode() + b" RTSP/1.0", (b"cSeQ: " + number,)))
    check.equal("IF-RTSP-19", await _status(client), OK, "cSeQ")
    data = serialize(client.build("OPTIONS", one.url))
    for index in range(len(data) - 1):
        client.send_part(data[index : index + 1])
    client.send(data[-1:])
    check.equal("IF-RTSP-16", await _status(client), OK, say("逐字节发送的请求", "a request sent byte by byte"))


async def _status(client: RtspClient) -> int | str:
    """Status of the next response, or what came in its place."""
    try:
        return (await client.response()).status
    except DeviceFault as fault:
        return str(fault)


@verifies("IF-RTSP-21", "IF-RTSP-22", "IF-RTSP-23", "IF-RTSP-32", "IF-RTSP-33")
async def test_session_states(player: Players, check: Checks, limits: Limits) -> None:
    """Session ids, unknown sessions, PLAY before SETUP, no media before PLAY and after TEARDOWN."""
    await stream_plays(player, check, limits("IF-RTP-01").observe)
    quiet = limits("IF-RTSP-32").quiet_window.seconds
    early = await player().connect()
    await early.describe()
    answer = await early.request("PLAY", early.aggregate)
    await early.watch(quiet)
    held = answer.status >= ERROR and early.media_packets == 0
    observed = f"{answer.status}, {early.media_packets} media packets"
    check.true("IF-RTSP-23", held, say("错误状态，无媒体", "an error status, no media"), observed)
    one = await player().connect()
    await one.describe()
    track = one.video
    if track is None:
        for requirement in check.requirements:
            check.inconclusive(requirement, say("没有视频轨", "there is no video track"))
        return
    await one.setup(track, "tcp")
    check.step("s1")
    length = len(parse_session(one.session).id)
    check.within("IF-RTSP-21", length, limits("IF-RTSP-21").length, say("会话号长度", "length of the session id"))
    await one.watch(quiet)
    check.equal("IF-RTSP-32", one.media_packets, 0, say("PLAY 之前的媒体包", "media packets before PLAY"))
    answer = await one.request("PLAY", one.aggregate, {"Session": "kandian0000"}, session=False)
    check.equal("IF-RTSP-22", answer.status, 454, say("未知会话", "unknown session"))
    await one.play()
    plays = await one.wait_packets(track, 1, limits("IF-RTSP-32").first_packet_within.seconds)
    check.control(plays, say("PLAY 之后有媒体", "media after PLAY"))
    check.step("s2")
    answer = await one.teardown()
    settled = limits("IF-RTSP-33").settle.seconds
    await one.watch(settled)
    before = one.media_packets
    await one.watch(limits("IF-RTSP-33").quiet_window.seconds)
    observed = f"{answer.status}, {one.media_packets - before} media packets"
    held = answer.status == OK and one.media_packets == before
    check.true("IF-RTSP-33", held, say("200，随后无媒体", "200, then no media"), observed)


@verifies("IF-RTSP-30", "IF-RTSP-37", "IF-RTSP-38")
async def test_play_answer(player: Players, check: Checks, limits: Limits) -> None:
    """RTP-Info and ssrc of the answers fit the packets."""
    seen = await observation(player, check, limits("IF-RTP-01").observe)
    if seen is None:
        return
    check.step("s1")
    text = seen.play.response.headers.get("RTP-Info")
    infos = parse_rtp_info(text) if text else []
    check.true("IF-RTSP-37", bool(infos), "RTP-Info", text or "-")
    first = seen.video.packets[0].packet
    transport = seen.video.transport
    if transport is None or transport.ssrc is None:
        check.not_applicable("IF-RTSP-30", say("应答中没有 ssrc", "the answer names no ssrc"))
    else:
        check.equal("IF-RTSP-30", f"{first.ssrc:08X}", f"{transport.ssrc:08X}", "ssrc")
    track = seen.video.media.control or ""
    info = next((i for i in infos if i.url.endswith(track)), None)
    if info is None or info.seq is None:
        check.not_applicable("IF-RTSP-38", say("没有该轨的 seq", "no seq for this track"))
    else:
        check.equal("IF-RTSP-38", first.sequence, info.seq, say("首包序号", "sequence of the first packet"))

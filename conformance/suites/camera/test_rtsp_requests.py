"""IF-RTSP-10 to 20, 24: odd, split, pipelined and wrong requests. Control leg everywhere: the stream plays."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.rtsp_client import Answer, RtspClient
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp import malformed, serialize
from conformance.suites.camera.observed_play import UNSUPPORTED_TRANSPORT, stream_plays
from conformance.suites.camera.rtsp_steps import (
    BAD_REQUEST,
    NO_OPTION,
    NO_VERSION,
    NOT_ALLOWED,
    NOT_IMPLEMENTED,
    OK,
    SDP,
    described,
    raw_status,
    status_of,
)

UNKNOWN_FEATURE = "kandian-unknown-feature"
UNKNOWN_TRANSPORT = {"Transport": "RAW/RAW/UDP;unicast"}
UNKNOWN_HEADERS = {"X-Kandian": "1", "Kandian-Unknown": "a, b;c=d", "X-Empty": ""}
LIKE_A_REQUEST = b"OPTIONS rtsp://192.0.2.1/ RTSP/1.0\r\nCSeq: 90001\r\n\r\n"


async def reply(players: Players, method: str, uri: str = "", headers: Mapping[str, str] | None = None) -> Answer | str:
    """The answer on a connection of its own, or what came in its place."""
    one = await players().connect()
    try:
        return await one.request(method, uri or one.url, headers)
    except DeviceFault as fault:
        return str(fault)


def as_lines(headers: Mapping[str, str]) -> tuple[bytes, ...]:
    """Headers as raw lines."""
    return tuple(f"{name}: {value}".encode() for name, value in headers.items())


def shown(answer: Answer | str) -> int | str:
    """The status, or what came in its place."""
    return answer if isinstance(answer, str) else answer.status


@verifies("IF-RTSP-10")
async def test_unknown_method(player: Players, check: Checks, limits: Limits) -> None:
    """501, or 405 with Allow; the connection serves on."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    one = await player().connect()
    await one.describe()
    one.client.send(one.client.build("KANDIAN_PROBE", one.url, one.credentials("KANDIAN_PROBE", one.url)))
    try:
        answer = await one.client.response()
    except DeviceFault as fault:
        check.fail("IF-RTSP-10", "501", fault.text)
        return
    check.step("s2")
    held = answer.status == NOT_IMPLEMENTED or (answer.status == NOT_ALLOWED and "Allow" in answer.response.headers)
    check.true("IF-RTSP-10", held, say("501，或带 Allow 的 405", "501, or 405 with Allow"), answer.status)
    check.step("s3")
    one.client.send(one.client.build("OPTIONS", one.url, one.credentials("OPTIONS", one.url)))
    check.equal("IF-RTSP-10", await status_of(one.client), OK, say("随后的 OPTIONS", "OPTIONS after it"))


@verifies("IF-RTSP-11", "IF-RTSP-24")
async def test_unsupported_feature_and_transport(player: Players, check: Checks, limits: Limits) -> None:
    """551 with Unsupported, 461 without a session; the plain SETUP is answered 200."""
    if not await stream_plays(player, check, limits):
        return
    required, foreign, good = [await described(player, check) for _ in range(3)]
    if required is None or foreign is None or good is None or not (required.video and foreign.video and good.video):
        return
    check.step("s1")
    offer = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1,RTP/AVP;unicast;client_port=50000-50001"}
    answer = await required.request("SETUP", required.video.control, {**offer, "Require": UNKNOWN_FEATURE})
    named = answer.response.headers.get("Unsupported")
    expected = say(f"551 且 Unsupported 含 {UNKNOWN_FEATURE}", f"551, and Unsupported holds {UNKNOWN_FEATURE}")
    held = answer.status == NO_OPTION and UNKNOWN_FEATURE in named
    check.true("IF-RTSP-11", held, expected, f"{answer.status}, Unsupported: {named or '-'}")
    answer = await foreign.request("SETUP", foreign.video.control, UNKNOWN_TRANSPORT)
    check.step("s2")
    session = answer.response.headers.get("Session")
    expected = say("461，无 Session", "461, no Session")
    held = answer.status == UNSUPPORTED_TRANSPORT and not session
    check.true("IF-RTSP-24", held, expected, f"{answer.status}, Session: {session or '-'}")
    check.step("s3")
    answer = await good.request("SETUP", good.video.control, offer)
    check.control(answer.status == OK, say(f"普通 SETUP 应答 {answer.status}", f"plain SETUP gets {answer.status}"))
    if answer.status == OK:
        good.accept_setup(good.video, answer)


@verifies("IF-RTSP-12", "IF-RTSP-13", "IF-RTSP-14", "IF-RTSP-18")
async def test_wrong_lines(player: Players, check: Checks, limits: Limits) -> None:
    """Another version, broken request lines, no CSeq, LF alone."""
    if not await stream_plays(player, check, limits):
        return
    one = await described(player, check)
    if one is None or one.video is None:
        return
    check.step("s1")
    url = one.url.encode()
    cseq = (b"CSeq: 1", *as_lines(one.credentials("OPTIONS", one.url)))
    status = await raw_status(player, b"OPTIONS * RTSP/9.9", cseq)
    check.equal("IF-RTSP-12", status, NO_VERSION, "RTSP/9.9")
    for line in (b"OPTIONS " + url, b"OPTIONS RTSP/1.0", b"OPTIONS " + url + b" extra RTSP/1.0"):
        status = await raw_status(player, line, cseq)
        check.equal("IF-RTSP-13", status, BAD_REQUEST, line.decode(errors="replace"))
    status = await raw_status(player, b"OPTIONS " + url + b" RTSP/1.0", cseq, b"\n")
    check.equal("IF-RTSP-18", status, OK, "LF")
    check.step("s2")
    lines = (b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1", *as_lines(one.credentials("SETUP", one.video.control)))
    one.client.send(malformed(b"SETUP " + one.video.control.encode() + b" RTSP/1.0", lines))
    try:
        answer: Answer | str = await one.client.response()
    except DeviceFault as fault:
        answer = str(fault)
    session = "" if isinstance(answer, str) else answer.response.headers.get("Session")
    held = shown(answer) == BAD_REQUEST and not session
    expected = say("400，无 Session", "400, no Session")
    check.true("IF-RTSP-14", held, expected, f"{shown(answer)}, Session: {session or '-'}")
    check.step("s3")
    check.equal("IF-RTSP-12", shown(await reply(player, "OPTIONS")), OK, say("新连接", "a new connection"))


@verifies("IF-RTSP-15")
async def test_pipeline(player: Players, check: Checks, limits: Limits) -> None:
    """As many answers as requests, in their order."""
    if not await stream_plays(player, check, limits):
        return
    one = await player().connect()
    await one.request("DESCRIBE", one.url, SDP)
    check.step("s1")
    client, count = one.client, int(limits("IF-RTSP-15").pipeline.number)
    kinds = [("DESCRIBE", SDP) if number % 2 else ("OPTIONS", {}) for number in range(count)]
    requests = [client.build(name, one.url, {**more, **one.credentials(name, one.url)}) for name, more in kinds]
    client.send(b"".join(serialize(request) for request in requests))
    check.step("s2")
    seen: list[int | None] = []
    fault = ""
    try:
        seen.extend([(await client.response()).response.cseq for _ in requests])
    except DeviceFault as error:
        fault = str(error)
        seen.extend(response.cseq for response in client.waiting)
    check.step("s3")
    check.equal("IF-RTSP-15", seen, [request.cseq for request in requests], say(f"CSeq {fault}", f"CSeq {fault}"))


@verifies("IF-RTSP-16")
async def test_segments(player: Players, check: Checks, limits: Limits) -> None:
    """Cut in the middle of a header, and byte by byte with a pause, so that every byte is a segment of its own."""
    if not await stream_plays(player, check, limits):
        return
    gap = limits("IF-RTSP-16").segment_gap.seconds
    check.step("s1")
    halves = await player().connect()
    await halves.describe()
    data = serialize(halves.client.build("DESCRIBE", halves.url, {**SDP, **halves.credentials("DESCRIBE", halves.url)}))
    cut = data.index(b"Accept") + 3
    halves.client.send_part(data[:cut])
    await halves.watch(gap)
    halves.client.send(data[cut:])
    check.equal("IF-RTSP-16", await status_of(halves.client), OK, say("两段", "two parts"))
    check.step("s2")
    bytewise = await player().connect()
    await bytewise.describe()
    data = serialize(bytewise.client.build("OPTIONS", bytewise.url, bytewise.credentials("OPTIONS", bytewise.url)))
    for index in range(len(data) - 1):
        bytewise.client.send_part(data[index : index + 1])
        await bytewise.watch(gap)
    bytewise.client.send(data[-1:])
    check.step("s3")
    check.equal("IF-RTSP-16", await status_of(bytewise.client), OK, say("逐字节", "byte by byte"))


@verifies("IF-RTSP-17")
async def test_body_is_skipped(player: Players, check: Checks, limits: Limits) -> None:
    """A body that looks like a request is no request."""
    if not await stream_plays(player, check, limits):
        return
    one = await player().connect()
    await one.describe()
    check.step("s1")
    client = one.client
    asking = {"Content-Type": "text/parameters", **one.credentials("GET_PARAMETER", one.url)}
    with_body = client.build("GET_PARAMETER", one.url, asking, LIKE_A_REQUEST)
    after = client.build("OPTIONS", one.url, one.credentials("OPTIONS", one.url))
    client.send(serialize(with_body) + serialize(after))
    check.step("s2")
    answers = await _two(client)
    wanted = [with_body.cseq, after.cseq]
    check.equal("IF-RTSP-17", [a.response.cseq for a in answers], wanted, say("应答的 CSeq", "CSeq of the answers"))
    check.step("s3")
    last = answers[-1].status if answers else "-"
    check.equal("IF-RTSP-17", last, OK, say("随后的 OPTIONS", "OPTIONS after it"))


async def _two(client: RtspClient) -> list[Answer]:
    """Up to three answers, of which there should be two."""
    answers = []
    try:
        answers.append(await client.response())
        answers.append(await client.response())
        answers.append(await client.response(within=answers[-1].seconds))
    except DeviceFault:
        pass
    return answers


@verifies("IF-RTSP-19", "IF-RTSP-20")
async def test_header_names(player: Players, check: Checks, limits: Limits) -> None:
    """Letter case of header names does not matter; unknown headers are passed over."""
    if not await stream_plays(player, check, limits):
        return
    one = await described(player, check)
    if one is None or one.video is None:
        return
    check.step("s1")
    one.client.cseq += 1
    number = one.client.cseq
    transport = b"TRANSPORT: RTP/AVP/TCP;unicast;interleaved=0-1"
    lines = (b"cseq: %d" % number, transport, *as_lines(one.credentials("SETUP", one.video.control)))
    one.client.send(malformed(b"SETUP " + one.video.control.encode() + b" RTSP/1.0", lines))
    answer = await one.client.response()
    check.step("s2")
    allowed = (OK, UNSUPPORTED_TRANSPORT) if player.bench.loaded.features.get("tcp_interleaved") is False else (OK,)
    held = answer.status in allowed and answer.response.cseq == number
    check.true("IF-RTSP-19", held, f"200, CSeq {number}", f"{answer.status}, CSeq {answer.response.cseq}")
    if answer.status == OK:
        one.accept_setup(one.video, answer)
    plain, odd = [await reply(player, "DESCRIBE", headers={**SDP, **more}) for more in ({}, UNKNOWN_HEADERS)]
    check.equal("IF-RTSP-20", shown(odd), shown(plain), say("带未知首部的 DESCRIBE", "DESCRIBE with unknown headers"))

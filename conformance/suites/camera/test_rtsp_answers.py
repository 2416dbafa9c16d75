"""IF-RTSP-01 to 09, 36, 44: methods, grammar and headers of the answers. Control leg everywhere: the stream plays."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.rtsp_client import Answer
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.rtsp_headers import parse_public
from conformance.protocols.violation import CodecError
from conformance.suites.camera.observed_play import observation, stream_plays
from conformance.suites.camera.play_answer import judge_info, judge_range, judge_ssrc
from conformance.suites.camera.rtsp_steps import (
    FORBIDDEN,
    NOT_ACCEPTABLE,
    NOT_FOUND,
    NOT_IMPLEMENTED,
    OK,
    SDP,
    UNAUTHORIZED,
    described,
    goes_on,
    playing,
)

REQUIRED = {"SETUP", "PLAY", "TEARDOWN"}
LARGE_CSEQ = ("48213", "9000017")
TIMESTAMP = "4711.25"
NOT_SENT = {"ANNOUNCE", "RECORD", "REDIRECT", "SETUP", "PLAY", "TEARDOWN"}


def _public(answer: Answer) -> set[str] | None:
    """The methods of Public; None when it cannot be read."""
    try:
        return set(parse_public(answer.response.headers.get("Public")))
    except CodecError:
        return None


@verifies("IF-RTSP-01", "IF-RTSP-02", "IF-RTSP-44")
async def test_options(player: Players, check: Checks, limits: Limits) -> None:
    """OPTIONS for the URL, for the asterisk, and in the middle of a play."""
    if not await stream_plays(player, check, limits):
        return
    one = await playing(player, check, limits)
    if one is None:
        return
    for step, uri in (("s1", one.url), ("s2", "*")):
        check.step(step)
        other = await player().connect()
        answer = await other.request("OPTIONS", uri)
        check.equal("IF-RTSP-01", answer.status, OK, f"OPTIONS {uri}")
        check.within("IF-RTSP-01", answer.seconds, limits("IF-RTSP-01").answer_within)
        await other.close()
    check.step("s3")
    answer = await one.request("OPTIONS", one.url, {"Timestamp": TIMESTAMP})
    on = await goes_on(one, limits("IF-MED-01").first_packet_within.seconds)
    check.true("IF-RTSP-01", on, say("媒体继续", "the media go on"), on)
    echoed = answer.response.headers.get("Timestamp")
    held = echoed == TIMESTAMP or echoed.startswith(f"{TIMESTAMP} ")
    check.true("IF-RTSP-44", held, f"Timestamp: {TIMESTAMP} [delay]", echoed or "-")
    public = _public(answer)
    expected = REQUIRED | {"DESCRIBE"}
    shown = ", ".join(sorted(public)) if public else answer.response.headers.get("Public") or "-"
    check.true("IF-RTSP-02", public is not None and public >= expected, ", ".join(sorted(expected)), shown)


@verifies("IF-RTSP-03", "IF-RTSP-43")
async def test_listed_methods(player: Players, check: Checks, limits: Limits) -> None:
    """No method that Public lists is answered with 501; GET_PARAMETER without body is a ping."""
    if not await stream_plays(player, check, limits):
        return
    one = await playing(player, check, limits)
    if one is None:
        return
    check.step("s1")
    public = _public(await one.request("OPTIONS", one.url)) or set()
    check.step("s2")
    missing = []
    for method in sorted(public - NOT_SENT):
        uri = one.url if method in ("OPTIONS", "DESCRIBE") else one.aggregate
        answer = await one.request(method, uri, SDP if method == "DESCRIBE" else None)
        if answer.status == NOT_IMPLEMENTED:
            missing.append(method)
        if method == "GET_PARAMETER":
            check.equal("IF-RTSP-43", answer.status, OK, "GET_PARAMETER")
            on = await goes_on(one, limits("IF-RTSP-43").first_packet_within.seconds)
            check.true("IF-RTSP-43", on, say("媒体继续", "the media go on"), on)
    if not public:
        check.not_applicable("IF-RTSP-03", say("没有 Public", "there is no Public"))
    else:
        about = say(f"501 的方法，共列出 {len(public)} 个", f"methods answered with 501, of {len(public)} listed")
        check.equal("IF-RTSP-03", missing, [], about)
    if "GET_PARAMETER" not in public:
        _unlisted(player, check)


def _unlisted(players: Players, check: Checks) -> None:
    if players.bench.loaded.features.get("get_parameter"):
        expected = say("声明了 GET_PARAMETER，Public 应列出", "declared, so Public lists it")
        check.fail("IF-RTSP-43", expected, say("未列出", "not listed"))
    else:
        check.not_applicable("IF-RTSP-43", say("未列出 GET_PARAMETER", "GET_PARAMETER is not listed"))


@verifies("IF-RTSP-04", "IF-RTSP-05")
async def test_grammar(player: Players, check: Checks, limits: Limits) -> None:
    """Status line, headers and CSeq of good and bad answers."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    one = await described(player, check)
    if one is None or one.video is None:
        return
    answers = await _walk(one)
    check.step("s2")
    for name, (answer, cseq) in answers.items():
        faults = [f"{v.offset}: {v.rule} {v.seen!r}" for v in answer.response.violations if "cseq" not in v.rule]
        check.equal("IF-RTSP-04", faults, [], name)
        check.equal("IF-RTSP-05", answer.response.headers.get("CSeq"), cseq, name)
    check.true("IF-RTSP-04", not one.client.strays, say("没有多余的行", "no stray lines"), len(one.client.strays))


async def _walk(one: Player) -> dict[str, tuple[Answer, str]]:
    """Answers to a play that works and to a request that does not, with the CSeq that each was asked with."""
    assert one.video is not None
    found: dict[str, tuple[Answer, str]] = {}
    for number, (name, uri) in zip(LARGE_CSEQ, (("OPTIONS", one.url), ("DESCRIBE", one.url)), strict=True):
        found[name] = await one.request(name, uri, {**SDP, "CSeq": number}), number
    found["SETUP"] = await one.setup(one.video), str(one.client.cseq)
    found["PLAY"] = await one.play(), str(one.client.cseq)
    found["TEARDOWN"] = await one.teardown(), str(one.client.cseq)
    try:
        answer = await one.request("PLAY", one.aggregate, {"Session": "kandian0000"}, session=False)
        found["PLAY without session"] = answer, str(one.client.cseq)
    except DeviceFault:
        return found
    return found


@verifies("IF-RTSP-06", "IF-RTSP-07", "IF-RTSP-08")
async def test_describe(player: Players, check: Checks, limits: Limits) -> None:
    """DESCRIBE: type, length, and what comes behind the body."""
    if not await stream_plays(player, check, limits):
        return
    one = await player().connect()
    check.step("s1")
    client = one.client
    authorized = await one.request("DESCRIBE", one.url, SDP)
    again = await player().connect()
    first = await again.request("DESCRIBE", again.url, SDP)
    second = await again.request("OPTIONS", again.url)
    kind = authorized.response.headers.get("Content-Type").partition(";")[0].strip().lower()
    check.equal("IF-RTSP-07", (authorized.status, kind), (OK, "application/sdp"), "DESCRIBE")
    media = authorized.response.body.count(b"\nm=")
    check.true("IF-RTSP-07", media > 0, say("至少一个媒体行", "at least one media line"), media)
    check.step("s2")
    length = authorized.response.headers.get("Content-Length")
    held = length == str(len(authorized.response.body)) and authorized.response.body.endswith(b"\n")
    expected = say("等于消息体字节数，SDP 完整", "the bytes of the body, and a whole SDP")
    check.true("IF-RTSP-06", held, expected, f"{length}, body ends with {authorized.response.body[-4:]!r}")
    check.step("s3")
    strays = [stray.raw for stray in (*client.strays, *again.client.strays)]
    about = say(f"{first.status}, {second.status} 之外的行", f"lines besides {first.status}, {second.status}")
    check.equal("IF-RTSP-06", strays, [], about)
    refused = await again.request("DESCRIBE", again.url, {"Accept": "application/x-kandian-unknown"})
    check.equal("IF-RTSP-08", refused.status, NOT_ACCEPTABLE, "Accept: application/x-kandian-unknown")


@verifies("IF-RTSP-09")
async def test_unknown_resource(player: Players, check: Checks, limits: Limits) -> None:
    """A path that names no stream is answered 404, or 401 or 403."""
    if not await stream_plays(player, check, limits):
        return
    check.step("s1")
    one = await player().connect()
    host = one.url.partition("//")[2].partition("/")[0]
    answer = await one.request("DESCRIBE", f"rtsp://{host}/kandian/no/such/stream", SDP)
    check.step("s2")
    held = answer.status in (NOT_FOUND, UNAUTHORIZED, FORBIDDEN)
    check.true("IF-RTSP-09", held, "404 / 401 / 403", answer.status)


@verifies("IF-RTSP-36")
async def test_control_urls(player: Players, check: Checks, limits: Limits) -> None:
    """Every control attribute, resolved by the rules, can be set up."""
    check.step("s1")
    one = await described(player, check)
    if one is None:
        return
    check.step("s2")
    for track in one.tracks:
        transport = await one.offer(track, "tcp")
        answer = await one.setup_raw(track, transport)
        if answer.status == OK:
            one.accept_setup(track, answer)
        else:
            answer = await one.setup_raw(track, await one.offer(track, "udp"))
        check.equal("IF-RTSP-36", answer.status, OK, f"SETUP, a=control:{track.media.control}")


@verifies("IF-RTSP-30", "IF-RTSP-37", "IF-RTSP-38", "IF-RTSP-39")
async def test_play_answer(player: Players, check: Checks, limits: Limits) -> None:
    """RTP-Info, Range and ssrc of the answers fit the packets."""
    seen = await observation(player, check, limits)
    if seen is None:
        return
    check.step("s2")
    judge_info(seen, check, limits)
    judge_range(seen, check)
    judge_ssrc(seen, check)

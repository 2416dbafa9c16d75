"""IF-FRM-07, IF-FRM-08a to 08c: every request is answered, for the right device, and refusals hold nothing else."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.tykd_cases import unknown_command_codes, valid_cases, violation_cases
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.protocols.tykd_message import DECLARATION
from conformance.suites.camera.signalling_steps import ask, other_frame_rate, parameters
from specs.declaration import LoadedDeclaration

HARMFUL = frozenset({"REBOOT", "UPGRADE", "STORE_FORMAT", "FORMAT", "SET_WIFI"})
REFUSED = 255


@verifies("IF-FRM-07")
async def test_unknown_command_codes(province: Province, check: Checks, limits: Limits) -> None:
    """Codes that the table does not hold are answered 255 or not at all, and the link stays."""
    limit = limits("IF-FRM-07")
    link = await province.online()
    before = len(province.received)
    check.step("s1")
    for code in unknown_command_codes(province.table):
        body = DECLARATION + f"<X_REQ><DevID>{province.device_id}</DevID></X_REQ>".encode()
        link.send_raw(encode_frame(Frame(code, province.next_sequence(), body)))
    await province.wire.sleep(limit.quiet_window.seconds)
    check.step("s2")
    answers = [r for r in province.received[before:] if r.message.kind == "response"]
    wrong = [(r.received.frame.command, r.message.result) for r in answers if r.message.result != REFUSED]
    check.equal("IF-FRM-07", wrong, [], say("255 以外的应答", "answers other than 255"))
    check.step("s3")
    check.true("IF-FRM-07", link.open, say("链路保持", "the link stays up"), "open" if link.open else "closed")
    answer = await province.command("GET_CHANNEL", ChannelNo=0, StreamType=1)
    check.equal("IF-FRM-07", answer.result, 0, say("之后的查询", "a query afterwards"))


@verifies("IF-FRM-08a")
async def test_every_request_is_answered(
    province: Province, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """Each command of the table gets an answer, also those of abilities that were not declared."""
    limit = limits("IF-FRM-08a").answer_within
    check.step("s1")
    own = province.device_id
    queries = [
        case
        for case in valid_cases(province.table, declaration.features, device_id=own)
        if province.table.command(case.command).effect == "query"
    ]
    refused = violation_cases(province.table, declaration.features, device_id=own)
    unsupported = [case for case in refused if case.kind == "unsupported"]
    link = await province.online()
    check.step("s2")
    for case in {case.command: case for case in (*queries, *unsupported)}.values():
        command = province.table.command(case.command)
        if command.name in HARMFUL or command.code is None:
            continue
        frame = Frame(command.code, province.next_sequence(), case.encode(province.table))
        exchanged = await ask(province, frame, link, limit.seconds)
        if exchanged is None:
            check.fail("IF-FRM-08a", say("有应答", "an answer"), say("没有应答", "silence"), command.name)
            return
        check.step("s3")
        check.within("IF-FRM-08a", exchanged.seconds, limit, command.name)


@verifies("IF-FRM-08b")
async def test_requests_for_another_device(province: Province, check: Checks, limits: Limits) -> None:
    """A foreign DevID is answered Result 1 and changes nothing."""
    within = limits("IF-FRM-08b").answer_within.seconds
    before = await parameters(province)
    rate = other_frame_rate(before)
    check.step("s1")
    control = await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=before["FrameRate"])
    check.control(control.result == 0, say("以本机编号设置成功", "a setting under the own id works"))
    check.step("s2")
    foreign = "ZZZ" + province.device_id[3:]
    stream: dict[str, Any] = {"DevID": foreign, "ChannelNo": 0, "StreamType": 1}
    setting = await province.command("SET_CHANNEL", within=within, FrameRate=rate, **stream)
    check.equal("IF-FRM-08b", setting.result, 1, "SET_CHANNEL")
    query = await province.command("GET_CHANNEL", within=within, **stream)
    check.equal("IF-FRM-08b", query.result, 1, "GET_CHANNEL")
    check.step("s3")
    check.equal("IF-FRM-08b", await parameters(province), before, say("参数不变", "parameters unchanged"))


@verifies("IF-FRM-08c")
async def test_refusals_hold_nothing_else(province: Province, check: Checks, limits: Limits) -> None:
    """An answer with a Result other than 0 holds Result and DevID only."""
    within = limits("IF-FRM-08c").answer_within.seconds
    check.step("s1")
    for channel, stream in ((99, 1), (0, 9)):
        answer = await province.command(
            "GET_CHANNEL", within=within, breaking=True, ChannelNo=channel, StreamType=stream
        )
        check.step("s2")
        if check.true("IF-FRM-08c", answer.result != 0, say("结果不为 0", "a result other than 0"), answer.result):
            names = sorted(answer.message.values)
            check.equal("IF-FRM-08c", names, ["DevID", "Result"], say("应答的元素", "elements of the answer"))

"""IF-FRM: frames, digests, sequences, lengths and XML on the signalling connection."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from conformance.model.checks import Checks, say
from conformance.peers.answers import wrong_sequence
from conformance.peers.device_link import DeviceLink
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.tykd_frame import Frame, encode_frame
from conformance.protocols.tykd_message import DECLARATION
from conformance.suites.camera.signalling_steps import (
    ask,
    other_frame_rate,
    parameters,
    query_frame,
    react,
    request_frame,
    survives,
)
from conformance.wire import Stream, Wire
from specs.model import Limit

DIGEST_SIZE = 16


@verifies("IF-FRM-01", "IF-FRM-01a")
async def test_everything_the_device_sends_is_well_formed(province: Province, check: Checks, limits: Limits) -> None:
    """Frames and bodies of login, abilities, heartbeats and answers follow frame format and message table."""
    check.step("s1")
    await parameters(province)
    await province.command("STORE_QUERY")
    check.step("s2")
    seen = len(province.received)
    check.within("IF-FRM-01", seen, limits("IF-FRM-01").frames_seen, say("收到的帧数", "frames received"))
    broken = [unreadable for link in province.links for unreadable in link.unreadable]
    for unreadable in broken[:3]:
        check.fail("IF-FRM-01", say("可解析的帧", "a readable frame"), unreadable.error, say("原始字节", "raw bytes"))
    wrong = [r for r in province.received if r.received.violations or not r.received.digest_ok]
    shown = wrong[0].received.violations[0].explain if wrong and wrong[0].received.violations else "MD5"
    check.true("IF-FRM-01", not wrong, say("每一帧都符合帧格式", "every frame follows the frame format"), shown)
    check.step("s3")
    faulty = [(r.message.name, v) for r in province.received for v in r.message.violations]
    text = f"{faulty[0][0]}: {faulty[0][1].explain} ({faulty[0][1].seen!r})" if faulty else f"{seen} messages"
    check.true("IF-FRM-01a", not faulty, say("报文体符合报文表", "bodies follow the message table"), text)
    largest = max(len(r.received.frame.xml) for r in province.received)
    check.within("IF-FRM-01a", largest, limits("IF-FRM-01a").sent_xml, say("最大报文体", "largest body"))


@verifies("IF-FRM-01b")
async def test_root_that_does_not_fit_the_code(province: Province, check: Checks, limits: Limits) -> None:
    """A setting under the code of a query and a LOGIN from the platform change nothing."""
    limit = limits("IF-FRM-01b")
    check.step("s1")
    before = await parameters(province)
    link = await province.online()
    check.step("s2")
    setting = request_frame(province, "SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=other_frame_rate(before))
    query = query_frame(province)
    swapped = dataclasses.replace(setting, command=query.command)
    login = Frame(0x31, province.next_sequence(), DECLARATION + b"<LOGIN_REQ><DevID>X</DevID></LOGIN_REQ>")
    for frame in (swapped, login):
        reaction = await react(province, link, encode_frame(frame), limit.quiet_window)
        check.true(
            "IF-FRM-01b",
            0 not in reaction.results and not reaction.closed,
            say("不应答成功，链路保持", "no answer of success, the link stays"),
            f"results {reaction.results}, closed {reaction.closed}",
        )
    check.step("s3")
    await survives(province, check, "IF-FRM-01b", before, limit.answer_within.seconds)


@verifies("IF-FRM-01c")
async def test_text_is_taken_whole(province: Province, check: Checks, limits: Limits) -> None:
    """Character references are resolved; text behind a blank is not cut off."""
    within = limits("IF-FRM-01c").answer_within.seconds
    check.step("s1")
    plain = await parameters(province)
    check.step("s2")
    frame = query_frame(province)
    escaped = frame.xml.replace(b"<StreamType>1<", b"<StreamType>&#49;<")
    answer = await province.command("GET_CHANNEL", xml=escaped, within=within)
    found = {name: answer.message.get(name) for name in plain}
    check.equal("IF-FRM-01c", found, plain, say("字符引用", "character reference"))
    check.step("s3")
    device = province.device_id.encode()
    answer = await province.command("GET_CHANNEL", xml=frame.xml.replace(device, device + b" X"), within=within)
    check.true("IF-FRM-01c", answer.result != 0, say("结果不为 0", "a result other than 0"), answer.result)


@verifies("IF-FRM-02")
@pytest.mark.parametrize("field", ["xml", "sequence"])
async def test_wrong_digest(province: Province, check: Checks, limits: Limits, field: str) -> None:
    """A setting whose digest does not match is not carried out and not answered; the connection is closed."""
    limit = limits("IF-FRM-02")
    before = await parameters(province)
    check.step("s1")
    rate = other_frame_rate(before)
    control = await province.command("SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=rate)
    changed = await parameters(province)
    check.control(
        control.result == 0 and changed["FrameRate"] == str(rate), say("正确设置生效", "a good setting works")
    )
    check.step("s2" if field == "xml" else "s3")
    link = await province.online()
    setting = request_frame(province, "SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=int(before["FrameRate"]))
    raw = bytearray(encode_frame(setting))
    position = raw.index(b"<FrameRate>") + len(b"<FrameRate>") if field == "xml" else 4
    raw[position] ^= 1
    before_count = len(province.received)
    link.send_raw(bytes(raw))
    closed = await link.ended(_back(limit.close_within))
    answers = [r for r in province.received[before_count:] if r.link is link and r.message.kind == "response"]
    check.step("s4")
    check.true("IF-FRM-02", not answers, say("没有应答", "no answer"), f"{len(answers)} answers")
    check.true(
        "IF-FRM-02", closed, say("设备关闭连接", "the device closes the connection"), "closed" if closed else "open"
    )
    await survives(province, check, "IF-FRM-02", changed, _back(limit.reconnect_within))


@verifies("IF-FRM-03")
async def test_answers_echo_code_and_sequence(province: Province, check: Checks, limits: Limits) -> None:
    """Answers carry command code and sequence of their request, at the borders and after jumps."""
    within = limits("IF-FRM-03").answer_within.seconds
    link = await province.online()
    check.step("s1")
    for sequence in (0, 65535, 41, 40, 12345):
        frame = query_frame(province, sequence)
        link.send_raw(encode_frame(frame))
        received = await province.next_where(
            lambda r: r.message.kind == "response" and r.link is link, within, "answer"
        )
        check.step("s2")
        seen = (received.received.frame.command, received.sequence)
        check.equal("IF-FRM-03", seen, (frame.command, sequence), say("命令码与序号", "command code and sequence"))


@verifies("IF-FRM-03a")
async def test_answer_under_a_wrong_sequence(province: Province, check: Checks, limits: Limits) -> None:
    """A LOGIN answer under a sequence that nobody used does not complete the login."""
    limit = limits("IF-FRM-03a")
    check.step("s1")
    province.answers["LOGIN"] = wrong_sequence(77)
    (await province.online()).close()
    login = await province.next("LOGIN", within=province.limits["back_online_wait"].seconds)
    check.step("s2")
    await province.wire.sleep(limit.quiet_window.seconds)
    early = province.messages("ABILITYUP", since=login.at)
    check.true("IF-FRM-03a", not early, say("未上报能力", "no ability report"), f"{len(early)} reports")
    check.step("s3")
    province.answers.clear()
    await province.online(within=province.limits["back_online_wait"].seconds)
    exchanged = await province.command("STORE_QUERY", within=limit.answer_within.seconds)
    check.control(exchanged.result == 0, say("正确应答后设备上线", "answered properly the device is online"))


@verifies("IF-FRM-03b")
async def test_device_counts_its_own_requests(province: Province, check: Checks, limits: Limits) -> None:
    """Sequence numbers of the device's requests grow by one whatever the platform's numbers are."""
    step = int(limits("IF-FRM-03b").step.number)
    (await province.online()).close()
    wait = province.limits["back_online_wait"].seconds
    check.step("s1")
    login = await province.next("LOGIN", within=wait)
    link = await province.online(within=wait)
    check.step("s2")
    for sequence in (40000, 7):
        await province.command("STORE_QUERY", sequence=sequence, link=link)
    heartbeat = await province.next("HEARTBEAT", within=wait)
    check.step("s3")
    own = [r.sequence for r in province.received if r.link is link and r.message.kind == "request" and r.at >= login.at]
    steps = [(b - a) % 65536 for a, b in itertools.pairwise(own)]
    check.true("IF-FRM-03b", len(own) > 2 and set(steps) == {step}, say("每次加一", "each number one higher"), own)
    check.control(heartbeat.link is link, say("同一连接", "one connection"))


def _pieces(data: bytes, way: str) -> list[bytes]:
    """``data`` in one-byte pieces, or cut once inside header, XML or digest."""
    cut = {"header": 4, "xml": len(data) // 2, "digest": len(data) - DIGEST_SIZE // 2}.get(way)
    return [data[i : i + 1] for i in range(len(data))] if cut is None else [data[:cut], data[cut:]]


@verifies("IF-FRM-04")
@pytest.mark.parametrize("way", ["bytewise", "header", "xml", "digest"])
async def test_split_frames(province: Province, check: Checks, limits: Limits, way: str) -> None:
    """A request that arrives in pieces is answered exactly once."""
    limit = limits("IF-FRM-04")
    link = await province.online()
    check.step("s1")
    control = await ask(province, frame := query_frame(province), link, limit.answer_within.seconds)
    check.control(control is not None and control.result == 0, say("整帧查询成功", "the query in one piece works"))
    check.step("s2" if way == "bytewise" else "s3")
    frame = query_frame(province)
    pieces = _pieces(encode_frame(frame), way)
    link.hold()
    for piece in pieces[:-1]:
        link.send_raw(piece)
        await province.wire.sleep(0.0 if way == "bytewise" else limit.pause_inside.seconds)
    province.wire.arm(0.0, "the end of the frame", link.release)
    answer = await ask(province, frame, link, limit.answer_within.seconds, pieces[-1])
    check.step("s4")
    expected = say("恰好一个完整应答", "exactly one complete answer")
    check.true("IF-FRM-04", answer is not None and answer.result == 0, expected, answer.result if answer else "silence")


@verifies("IF-FRM-04a")
@pytest.mark.parametrize("way", ["joined", "one-and-a-half"])
async def test_joined_frames(province: Province, check: Checks, limits: Limits, way: str) -> None:
    """Every frame of a segment is answered under its own sequence."""
    limit = limits("IF-FRM-04a")
    link = await province.online()
    frames = [query_frame(province) for _ in range(int(limit.joined_frames.number) if way == "joined" else 2)]
    data = b"".join(encode_frame(frame) for frame in frames)
    before = len(province.received)
    check.step("s1" if way == "joined" else "s2")
    cut = len(data) if way == "joined" else len(data) * 3 // 4
    link.hold()
    link.send_raw(data[:cut])
    if cut < len(data):
        await province.wire.sleep(limits("IF-FRM-04").pause_inside.seconds)
    province.wire.arm(0.0, "the end of the frame", link.release)
    last = frames[-1]
    await ask(province, last, link, limit.answer_within.seconds, data[cut:] or encode_frame(query_frame(province)))
    check.step("s3")
    answered = [r.sequence for r in province.received[before:] if r.message.kind == "response"]
    expected = sorted(frame.sequence for frame in frames)
    found = sorted(number for number in answered if number in expected)
    check.equal("IF-FRM-04a", found, expected, say("应答的序号", "sequences answered"))


def _back(limit: Limit) -> float:
    """Longest time in which a device that closed is back, measurement uncertainty allowed for."""
    return limit.seconds + limit.uncertainty


def _setting(province: Province, before: dict[str, str]) -> Frame:
    return request_frame(province, "SET_CHANNEL", ChannelNo=0, StreamType=1, FrameRate=other_frame_rate(before))


def _oversized(province: Province, before: dict[str, str], size: int) -> bytes:
    """A setting whose XML is ``size`` bytes long by a comment in front of its last element."""
    xml = _setting(province, before).xml
    filler = b"<!--" + b"x" * (size - len(xml) - 7) + b"-->"
    end = xml.rindex(b"</")
    frame = _setting(province, before)
    return encode_frame(dataclasses.replace(frame, xml=xml[:end] + filler + xml[end:]))


async def _harmless(
    province: Province, check: Checks, requirement: str, data: bytes, before: dict[str, str], limits: Limits
) -> None:
    """Send bytes that must not be acted on; then the device answers and its settings are unchanged."""
    limit = limits(requirement)
    link: DeviceLink = await province.online()
    reaction = await react(province, link, data, _window(limits))
    expected = say("不应答成功", "no answer of success")
    check.true(
        requirement, 0 not in reaction.results, expected, f"results {reaction.results}, closed {reaction.closed}"
    )
    within = limit.liveness_within.seconds
    if reaction.closed:
        within = max(within, _back(limit.reconnect_within))
    elif not reaction.answers and requirement in _STALLING:
        link.close()
        within = max(within, _back(limit.reconnect_within))
    await survives(province, check, requirement, before, within)


_STALLING = {"IF-FRM-05a", "IF-FRM-05d"}


def _window(limits: Limits) -> Limit:
    return limits("IF-FRM-07").quiet_window


@verifies("IF-FRM-05")
@pytest.mark.parametrize("name", ["SET_CHANNEL", "ADD_RECORD_POLICY"])
async def test_length_zero(province: Province, check: Checks, limits: Limits, name: str) -> None:
    """A frame without XML does no harm."""
    before = await parameters(province)
    check.step("s1")
    code = province.table.command(name).code
    assert code is not None
    data = encode_frame(Frame(code, province.next_sequence(), b""))
    await _harmless(province, check, "IF-FRM-05", data, before, limits)


@verifies("IF-FRM-05a")
async def test_length_65535(province: Province, check: Checks, limits: Limits) -> None:
    """A frame of 65535 bytes of XML does no harm."""
    before = await parameters(province)
    check.step("s1")
    size = int(limits("IF-FRM-05a").length.number)
    await _harmless(province, check, "IF-FRM-05a", _oversized(province, before, size), before, limits)


@verifies("IF-FRM-05b")
@pytest.mark.parametrize("size", ["one-more", "oversize"])
async def test_body_longer_than_the_buffer(province: Province, check: Checks, limits: Limits, size: str) -> None:
    """A body over the receive limit is handled whole, refused, or ends the connection; never cut."""
    limit = limits("IF-FRM-05b")
    before = await parameters(province)
    check.step("s1")
    length = int(limit.oversize.number) if size == "oversize" else int(limit.device_xml.number) + 1
    link = await province.online()
    reaction = await react(province, link, _oversized(province, before, length), _window(limits))
    check.step("s2")
    expected = before
    if 0 in reaction.results:
        expected = {**before, "FrameRate": str(other_frame_rate(before))}
    check.step("s3")
    await survives(
        province, check, "IF-FRM-05b", expected, _back(limit.reconnect_within) + limit.liveness_within.seconds
    )


@verifies("IF-FRM-05c")
async def test_largest_body(province: Province, check: Checks, limits: Limits) -> None:
    """A valid query of exactly the largest size is answered."""
    limit = limits("IF-FRM-05c")
    check.step("s1")
    plain = await parameters(province)
    check.step("s2")
    xml = query_frame(province).xml
    end = xml.rindex(b"</")
    filler = b"<!--" + b"x" * (int(limit.device_xml.number) - len(xml) - 7) + b"-->"
    frame = dataclasses.replace(query_frame(province), xml=xml[:end] + filler + xml[end:])
    answer = await ask(province, frame, await province.online(), limit.answer_within.seconds)
    check.step("s3")
    found = {name: answer.message.get(name) for name in plain} if answer else None
    check.equal("IF-FRM-05c", found, plain, say("最长报文的应答", "answer to the longest body"))


@verifies("IF-FRM-05d")
@pytest.mark.parametrize("fault", ["short", "long", "start"])
async def test_false_length_and_wrong_start(province: Province, check: Checks, limits: Limits, fault: str) -> None:
    """Lengths that lie and a wrong start pair are not acted on."""
    before = await parameters(province)
    raw = bytearray(encode_frame(_setting(province, before)))
    length = int.from_bytes(raw[6:8], "big")
    check.step({"short": "s1", "long": "s2", "start": "s3"}[fault])
    if fault == "start":
        raw[0:2] = b"\xf5\xfa"
    else:
        raw[6:8] = (length - 9 if fault == "short" else length + 64).to_bytes(2, "big")
    await _harmless(province, check, "IF-FRM-05d", bytes(raw), before, limits)


_BOMB = (
    b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a [<!ENTITY a "1111111111">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 10) for i in range(8))
    + b"]>"
)
_QUADRATIC = b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a [<!ENTITY a "' + b"1" * 1500 + b'">]>'


def _body(xml: bytes) -> bytes:
    """The root element without the declaration."""
    return xml.split(b"?>", 1)[1]


def _hostile(province: Province, before: dict[str, str], kind: str, limits: Limits) -> bytes:
    """A setting turned into XML that must not be acted on."""
    xml = _setting(province, before).xml
    rate = b"<FrameRate>%d</FrameRate>" % other_frame_rate(before)
    text = _body(xml).decode()
    wrong = {
        "unclosed": xml.replace(b"</FrameRate>", b""),
        "cut-off": xml[: len(xml) * 2 // 3],
        "plain-text": b"SET FrameRate=%d" % other_frame_rate(before),
        "empty-root": DECLARATION + b"<SET_CHANNEL_REQ/>",
        "entity-bomb": _BOMB + _body(xml).replace(rate, b"<FrameRate>&i;</FrameRate>"),
        "quadratic": _QUADRATIC + _body(xml).replace(rate, b"<FrameRate>" + b"&a;" * 500 + b"</FrameRate>"),
        "utf-16": ('<?xml version="1.0" encoding="utf-16"?>' + text).encode("utf-16"),
        "gbk": xml.replace(rate, rate + "<Note>看店</Note>".encode("gbk")),
        "invalid-utf-8": xml.replace(rate, rate + b"<Note>\xff\xfe\x80</Note>"),
        "unknown-encoding": xml.replace(b'encoding="utf-8"', b'encoding="x-kandian"'),
    }
    if kind == "deep":
        depth = int(limits("IF-FRM-06c").depth.number)
        return xml.replace(rate, rate + b"<d>" * depth + b"</d>" * depth)
    return wrong[kind]


@pytest.mark.parametrize(
    "kind",
    [
        *(
            pytest.param(kind, marks=pytest.mark.verifies("IF-FRM-06"))
            for kind in ("unclosed", "cut-off", "plain-text", "empty-root")
        ),
        *(pytest.param(kind, marks=pytest.mark.verifies("IF-FRM-06a")) for kind in ("entity-bomb", "quadratic")),
        pytest.param("deep", marks=pytest.mark.verifies("IF-FRM-06c")),
        *(
            pytest.param(k, marks=pytest.mark.verifies("IF-FRM-06d"))
            for k in ("utf-16", "gbk", "invalid-utf-8", "unknown-encoding")
        ),
    ],
)
async def test_hostile_xml(province: Province, check: Checks, limits: Limits, kind: str) -> None:
    """XML that cannot be read must not be acted on, and the device lives on."""
    requirement = check.requirements[0]
    before = await parameters(province)
    check.step("s2" if requirement == "IF-FRM-06" else "s1")
    frame = dataclasses.replace(_setting(province, before), xml=_hostile(province, before, kind, limits))
    await _harmless(province, check, requirement, encode_frame(frame), before, limits)


@verifies("IF-FRM-06b")
async def test_external_entity(province: Province, wire: Wire, check: Checks, limits: Limits) -> None:
    """An external entity is not fetched."""
    visits: list[str] = []

    async def visited(stream: Stream) -> None:
        visits.append(f"{stream.peer[0]}:{stream.peer[1]}")
        stream.close()

    before = await parameters(province)
    check.step("s1")
    trap = await wire.listen(province.primary.host, 0, visited, label="entity-trap")
    check.step("s2")
    xml = _body(_setting(province, before).xml)
    for source in (f"http://{trap.host}:{trap.port}/x", "file:///etc/hostname"):
        head = f'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a [<!ENTITY x SYSTEM "{source}">]>'.encode()
        hostile = head + xml.replace(b"<ChannelNo>0<", b"<ChannelNo>0&x;<")
        frame = dataclasses.replace(_setting(province, before), xml=hostile)
        await _harmless(province, check, "IF-FRM-06b", encode_frame(frame), before, limits)
    check.step("s3")
    trap.close()
    check.equal("IF-FRM-06b", visits, [], say("对外部实体地址的访问", "visits to the entity's address"))


@verifies("IF-FRM-06e")
@pytest.mark.parametrize("bend", ["unknown-element", "reversed", "indented", "reserved-byte"])
async def test_tolerated_bends(province: Province, check: Checks, limits: Limits, bend: str) -> None:
    """Receivers skip unknown elements and take any order, white space and reserved byte."""
    within = limits("IF-FRM-06e").answer_within.seconds
    check.step("s1")
    plain = await parameters(province)
    check.step("s2")
    link = await province.online()
    frame = query_frame(province)
    device = f"<DevID>{province.device_id}</DevID>".encode()
    rest = b"<ChannelNo>0</ChannelNo><StreamType>1</StreamType>"
    bodies = {
        "unknown-element": device + b"<SpecVersion>9</SpecVersion>" + rest,
        "reversed": b"<StreamType>1</StreamType><ChannelNo>0</ChannelNo>" + device,
        "indented": (device + rest).replace(b"><", b">\r\n  <"),
        "reserved-byte": device + rest,
    }
    xml = DECLARATION + b"<GET_CHANNEL_REQ>" + bodies[bend] + b"</GET_CHANNEL_REQ>"
    reserved = 1 if bend == "reserved-byte" else 0
    answer = await ask(province, dataclasses.replace(frame, xml=xml, reserved=reserved), link, within)
    check.step("s3")
    found = {name: answer.message.get(name) for name in plain} if answer else None
    check.equal("IF-FRM-06e", found, plain, say("与对照相同的应答", "the same answer as the control"))


@verifies("IF-FRM-06f")
async def test_overlong_text(province: Province, check: Checks, limits: Limits) -> None:
    """An overlong element text is refused or dropped, not cut."""
    before = await parameters(province)
    check.step("s1")
    size = int(limits("IF-FRM-06f").text_length.number)
    frame = _setting(province, before)
    device = province.device_id.encode()
    xml = frame.xml.replace(b"<DevID>" + device, b"<DevID>" + device + b"A" * size)
    await _harmless(province, check, "IF-FRM-06f", encode_frame(dataclasses.replace(frame, xml=xml)), before, limits)

"""IF-LOG-03: what the device reports of itself must be what was declared and what it really does."""

from __future__ import annotations

from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_message import HttpRequest, HttpResponseParser, serialize_request
from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from conformance.suites.camera.registration_steps import longest, relogin
from conformance.suites.camera.signalling_steps import parameters
from conformance.suites.camera.stream_measure import picture_size
from conformance.wire import WireError
from specs.declaration import LoadedDeclaration

FLAGS = {
    "PTZFlag": "ptz",
    "EStoreFlag": "cloud_store",
    "LocalStoreFlag": "local_store",
    "MotionDetectionFlag": "motion",
    "InfraredDetectionFlag": "infrared",
    "ManualAlarmFlag": "manual_alarm",
    "DIDOAlarmFlag": "digital_input",
}
ALARM_FLAGS = {1: "MotionDetectionFlag", 2: "InfraredDetectionFlag", 3: "ManualAlarmFlag"}
DIGITAL_INPUT = 4
STOP, RIGHT = 0, 4
GET_TIME = (
    b'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>'
    b'<GetSystemDateAndTime xmlns="http://www.onvif.org/ver10/device/wsdl"/></s:Body></s:Envelope>'
)
ONVIF_PATH = "/onvif/device_service"


def report(province: Province) -> Message:
    """The present ability report."""
    found = province.abilities
    assert found is not None
    return found


def pairs(abilities: Message) -> set[str]:
    """Reported ``StreamType/FrameSize`` pairs."""
    return {f"{v.get('StreamType')}/{v.get('FrameSize')}" for v in abilities.items("Video")}


@verifies("IF-LOG-03")
async def test_report_equals_the_declaration(province: Province, declaration: LoadedDeclaration, check: Checks) -> None:
    """Flags, numbers and pairs as declared, and the same after a new login."""
    check.step("s1")
    abilities = report(province)
    broken = [violation.explain for violation in abilities.violations]
    expected = say("报文符合报文表", "a report as in the message table")
    check.true("IF-LOG-03", not broken, expected, broken[0] if broken else "ABILITYUP")
    check.step("s2")
    for element, declared in _declared(declaration).items():
        check.equal("IF-LOG-03", abilities.get(element), declared, element)
    streams = declaration.features.get("streams")
    if isinstance(streams, frozenset):
        check.equal("IF-LOG-03", sorted(pairs(abilities)), sorted(streams), "StreamType/FrameSize")
    check.step("s3")
    await relogin(province)
    await province.online(within=province.limits["back_online_wait"].seconds)
    same = report(province).values == abilities.values
    check.true("IF-LOG-03", same, say("重新登录后上报相同", "the same report after a new login"))


def _declared(declaration: LoadedDeclaration) -> dict[str, str]:
    """Elements of the report that the declaration fixes."""
    features = declaration.features
    found = {e: str(int(bool(features[f]))) for e, f in FLAGS.items() if features.get(f) is not None}
    if features.get("channels") is not None:
        found["ChannelNum"] = str(features["channels"])
    if features.get("digital_input") is False:
        found["DIDONum"] = "0"
    elif features.get("digital_inputs") is not None:
        found["DIDONum"] = str(features["digital_inputs"])
    return found


async def _judge_flag(
    province: Province,
    check: Checks,
    limits: Limits,
    requirement: str,
    flag: str,
    requests: list[tuple[str, dict[str, Any]]],
) -> None:
    """Requests that must succeed with the flag and be refused without it."""
    check.step("s1")
    has = report(province).get(flag) == "1"
    check.step("s2")
    within = longest(limits(requirement).answer_within)
    expected = say("结果为 0", "Result 0") if has else say("结果不为 0", "a Result other than 0")
    for name, values in requests:
        result = (await province.command(name, within=within, **values)).result
        shown = ", ".join(f"{key} {value}" for key, value in values.items())
        check.true(requirement, (result == 0) == has, expected, result, f"{flag} {int(has)}, {name} {shown}".strip())


@verifies("IF-LOG-03b")
async def test_ptz_flag(province: Province, check: Checks, limits: Limits) -> None:
    """PTZ commands work exactly when PTZFlag says so."""
    moves = [("VIDEO_PTZ", {"ChannelNo": 0, "PtzDirection": way}) for way in (STOP, RIGHT, STOP)]
    await _judge_flag(province, check, limits, "IF-LOG-03b", "PTZFlag", moves)


@verifies("IF-LOG-03c")
async def test_local_storage_flag(province: Province, check: Checks, limits: Limits) -> None:
    """Record plan and full-day recording can be asked exactly when LocalStoreFlag says so."""
    queries = [("QUERY_RECORD_POLICY", {"ChannelNo": 0}), ("GET_RECORD_FULL", {"ChannelNo": 0, "StorgeFlag": 0})]
    await _judge_flag(province, check, limits, "IF-LOG-03c", "LocalStoreFlag", queries)


@verifies("IF-LOG-03d")
async def test_cloud_storage_flag(province: Province, check: Checks, limits: Limits) -> None:
    """The cloud account can be asked exactly when EStoreFlag says so."""
    await _judge_flag(province, check, limits, "IF-LOG-03d", "EStoreFlag", [("GET_ESTORE", {})])


async def _arms(province: Province, within: float, values: dict[str, Any]) -> tuple[bool, str]:
    """Turn one alarm over, read it back, turn it back. Returns whether all of it worked, and what was seen."""
    before = await province.command("GET_ALARM", within=within, **values)
    armed = before.message.get("AlarmFlag") == "1"
    results, flags = [before.result], []
    for flag in (not armed, armed):
        results.append((await province.command("SET_ALARM", within=within, AlarmFlag=int(flag), **values)).result)
        now = await province.command("GET_ALARM", within=within, **values)
        flags.append(now.message.get("AlarmFlag"))
    worked = results == [0, 0, 0] and flags == [str(int(not armed)), str(int(armed))]
    return worked, f"results {results}, AlarmFlag {flags}"


async def _refuses(province: Province, within: float, values: dict[str, Any]) -> tuple[bool, str]:
    """Arm an alarm that does not exist."""
    result = (await province.command("SET_ALARM", within=within, breaking=True, AlarmFlag=1, **values)).result
    return result != 0, f"Result {result}"


ARMED = say("可布防并读回", "it can be armed and read back")
NOT_ARMED = say("布防被拒绝", "arming is refused")


@verifies("IF-LOG-03e")
async def test_alarm_flags(province: Province, check: Checks, limits: Limits) -> None:
    """Motion, infrared and manual alarms can be armed exactly when their flags say so."""
    check.step("s1")
    abilities = report(province)
    within = longest(limits("IF-LOG-03e").answer_within)
    for kind, flag in ALARM_FLAGS.items():
        check.step("s2")
        has = abilities.get(flag) == "1"
        held, seen = await (_arms if has else _refuses)(province, within, {"ChannelNo": 0, "AlarmType": kind})
        check.step("s3")
        check.true("IF-LOG-03e", held, ARMED if has else NOT_ARMED, seen, f"{flag} {int(has)}")


@verifies("IF-LOG-03f")
async def test_digital_inputs(
    province: Province, declaration: LoadedDeclaration, check: Checks, limits: Limits
) -> None:
    """As many digital inputs as reported and declared can be armed, and not one more."""
    check.step("s1")
    abilities = report(province)
    number = abilities.integer("DIDONum", 0)
    flag = abilities.get("DIDOAlarmFlag")
    expected = say("标志为 1 恰当数量大于 0", "flag 1 exactly when the number is above 0")
    check.true("IF-LOG-03f", (flag == "1") == (number > 0), expected, f"DIDOAlarmFlag {flag}, DIDONum {number}")
    declared = _declared(declaration).get("DIDONum")
    if declared is not None:
        check.equal("IF-LOG-03f", str(number), declared, "DIDONum")
    check.step("s2")
    within = longest(limits("IF-LOG-03f").answer_within)
    values = {"ChannelNo": 0, "AlarmType": DIGITAL_INPUT}
    seen = [(i, True, await _arms(province, within, {**values, "DIDONo": i})) for i in range(number)]
    seen.append((number, False, await _refuses(province, within, {**values, "DIDONo": number})))
    check.step("s3")
    for index, exists, (held, text) in seen:
        check.true("IF-LOG-03f", held, ARMED if exists else NOT_ARMED, text, f"DIDONo {index}")


@verifies("IF-LOG-03g")
async def test_stream_pairs(province: Province, player: Players, check: Checks, limits: Limits) -> None:
    """Every reported pair can be set and shows its size; pairs that were not reported are refused."""
    check.step("s1")
    reported = pairs(report(province))
    check.true("IF-LOG-03g", bool(reported), say("至少一个组合", "at least one pair"), ", ".join(sorted(reported)))
    streams = sorted({int(pair.partition("/")[0]) for pair in reported})
    before = {stream: await parameters(province, 0, stream) for stream in streams}
    check.step("s2")
    for pair in sorted(reported):
        await _judge_pair(province, player, check, limits, pair)
    check.step("s3")
    for stream in (value.value for value in province.table.enums["stream_type"]):
        for size in province.table.frame_sizes:
            if f"{stream}/{size}" not in reported:
                result = await _set_size(province, stream, size, limits)
                about = say(f"未上报的组合 {stream}/{size}", f"pair {stream}/{size}, not reported")
                check.true("IF-LOG-03g", result != 0, say("结果不为 0", "a Result other than 0"), result, about)
    check.step("s4")
    for stream, codes in before.items():
        await province.command("SET_CHANNEL", ChannelNo=0, StreamType=stream, **codes)  # type: ignore[arg-type]


async def _set_size(province: Province, stream: int, size: int, limits: Limits) -> int:
    within = longest(limits("IF-LOG-03g").answer_within)
    values: dict[str, Any] = {"ChannelNo": 0, "StreamType": stream, "FrameSize": size}
    return (await province.command("SET_CHANNEL", within=within, breaking=True, **values)).result


async def _judge_pair(province: Province, player: Players, check: Checks, limits: Limits, pair: str) -> None:
    """Set one reported pair and look at the size of the stream."""
    stream, size = (int(text) for text in pair.split("/"))
    result = await _set_size(province, stream, size, limits)
    if not check.equal("IF-LOG-03g", result, 0, say(f"设置 {pair} 的结果", f"result of setting {pair}")):
        return
    wanted = province.table.frame_sizes[size]
    found = await _size(province, player, stream, wanted, longest(limits("IF-LOG-03g").effect_within))
    check.equal("IF-LOG-03g", found, wanted, say(f"{pair} 的图像宽高", f"width and height with {pair}"))


async def _size(
    province: Province, player: Players, stream: int, wanted: tuple[int, int], within: float
) -> tuple[int, int]:
    """Size that the stream shows, as soon as it is the wanted one, or after ``within`` seconds."""
    deadline = province.wire.now() + within
    one = player(stream=stream)
    await one.start(kinds=("video",))
    track, found = one.video, (0, 0)
    while track is not None and found != wanted and (rest := deadline - province.wire.now()) > 0:
        await one.wait_packets(track, len(track.rtp) + 1, rest)
        found = picture_size(track.codec, [unit for _, unit in track.access_units()])
    await one.close()
    return found


@verifies("IF-LOG-03h")
async def test_onvif_port(province: Province, declaration: LoadedDeclaration, check: Checks, limits: Limits) -> None:
    """An ONVIF service answers at the reported port exactly when ONVIF is declared."""
    check.step("s1")
    groups = report(province).items("Onvif")
    port = groups[0].integer("Port", 0) if groups else 0
    declared = declaration.features.get("onvif")
    if declared is not None:
        expected = say("声明支持时端口非 0，否则为 0", "a port exactly when ONVIF is declared")
        check.true("IF-LOG-03h", bool(declared) == bool(port), expected, f"Port {port}")
    if not port:
        if declared is None:
            check.not_applicable("IF-LOG-03h", say("设备未上报 ONVIF", "the device reports no ONVIF"))
        return
    check.step("s2")
    try:
        status = await _ask_time(province, port, longest(limits("IF-LOG-03h").http_answer_within))
    except (WireError, CodecError, DeviceFault) as error:
        check.fail("IF-LOG-03h", say("HTTP 应答", "an HTTP answer"), str(error), f"Port {port}")
        return
    check.step("s3")
    check.true("IF-LOG-03h", status > 0, say("HTTP 应答", "an HTTP answer"), f"status {status}")


async def _ask_time(province: Province, port: int, within: float) -> int:
    """HTTP status of the device service. Raises WireError, CodecError."""
    host = province.messages("LOGIN")[-1].message.get("LocalIP")
    stream = await province.wire.connect(host, port, label="onvif", within=within)
    headers = {"Host": f"{host}:{port}", "Content-Type": "application/soap+xml; charset=utf-8"}
    stream.write(serialize_request(HttpRequest.build("POST", ONVIF_PATH, headers, GET_TIME)))
    parser = HttpResponseParser()
    try:
        while True:
            chunk = await stream.read(within=within)
            responses = parser.feed(chunk.data) if chunk.data else parser.finish()
            if responses or not chunk.data:
                return responses[0].status if responses else 0
    finally:
        stream.close()

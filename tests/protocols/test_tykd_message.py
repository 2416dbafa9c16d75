"""Messages: golden XML, refusals, every kind of violation with its place, round trips over the whole table."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocols.tykd_message import (
    Message,
    MessageError,
    check_values,
    decode_message,
    encode_message,
    encode_refusal,
    redacted,
)
from specs.messages import Command, Direction, Element, Kind, UnknownMessage, load_message_table

TABLE = load_message_table()
HEAD = b'<?xml version="1.0" encoding="utf-8"?>'
SET_CHANNEL = {"DevID": "KDN00000001", "ChannelNo": 0, "StreamType": 1, "FrameSize": 1, "AudioInput": True}
POLICY = {"StoreType": 0, "StreamType": 1, "Week": 7, "StartTime": "08:00", "EndTime": "24:00"}


def set_channel(body: str) -> Message:
    xml = HEAD + f"<SET_CHANNEL_REQ>{body}</SET_CHANNEL_REQ>".encode()
    return decode_message(TABLE, 0x60, "platform-to-device", xml)


def rules(message: Message) -> list[str]:
    return [violation.rule for violation in message.violations]


def test_golden_request() -> None:
    values = {"BitRate": 8, **SET_CHANNEL}
    assert encode_message(TABLE, "SET_CHANNEL", "request", values) == (
        HEAD + b"<SET_CHANNEL_REQ><DevID>KDN00000001</DevID><ChannelNo>0</ChannelNo><StreamType>1</StreamType>"
        b"<FrameSize>1</FrameSize><BitRate>8</BitRate><AudioInput>1</AudioInput></SET_CHANNEL_REQ>"
    )


def test_golden_groups() -> None:
    xml = encode_message(TABLE, "NVR_QUERY_IPCAM", "response", {
        "Result": 0, "DevID": "KDN00000001",
        "Channel": [{"ChannelNo": 0, "IpcamDevID": "KDN00000002"}, {"ChannelNo": 3, "IpcamDevID": "KDN00000003"}],
    })  # fmt: skip
    assert xml == (
        HEAD + b"<NVR_QUERY_IPCAM_RES><Result>0</Result><DevID>KDN00000001</DevID>"
        b"<Channel><ChannelNo>0</ChannelNo><IpcamDevID>KDN00000002</IpcamDevID></Channel>"
        b"<Channel><ChannelNo>3</ChannelNo><IpcamDevID>KDN00000003</IpcamDevID></Channel></NVR_QUERY_IPCAM_RES>"
    )
    message = decode_message(TABLE, 0x71, "device-to-platform", xml)
    assert message.violations == ()
    assert [(c.integer("ChannelNo"), c["IpcamDevID"]) for c in message.items("Channel")] == [
        (0, "KDN00000002"),
        (3, "KDN00000003"),
    ]


def test_golden_refusal() -> None:
    assert encode_refusal(TABLE, "GET_CHANNEL", 255, "KDN00000001") == (
        HEAD + b"<GET_CHANNEL_RES><Result>255</Result><DevID>KDN00000001</DevID></GET_CHANNEL_RES>"
    )


def test_a_register_answer_is_read() -> None:
    xml = (
        HEAD
        + b"<REGISTER_RES><Result>0</Result><DevID>KDN00000001</DevID><NatIP>192.0.2.7</NatIP><NatPort>9000</NatPort>"
        b"<BackupNatIP/><BackupNatPort></BackupNatPort><TurnIP/><TurnPort/><BackupTurnIP/><BackupTurnPort/>"
        b"<FtpIP>ftp.example</FtpIP><FtpPort>21</FtpPort><FtpAccount>a</FtpAccount><FtpPassword>p w</FtpPassword>"
        b"<Time>20130601120000</Time></REGISTER_RES>"
    )
    message = decode_message(TABLE, "REGISTER", "platform-to-device", xml)
    assert (message.name, message.kind, message.command, message.violations) == ("REGISTER", "response", None, ())
    assert (message.result, message["NatIP"], message.integer("NatPort")) == (0, "192.0.2.7", 9000)
    assert (message["BackupNatIP"], message.get("Missing", "-"), "TurnIP" in message) == ("", "-", True)
    assert message["FtpPassword"] == "p w"


def test_one_code_is_told_apart_by_its_direction() -> None:
    xml = HEAD + b"<HEARTBEAT_RES><DevID>KDN00000001</DevID><Time>20130601120000</Time></HEARTBEAT_RES>"
    answer = decode_message(TABLE, 0x33, "platform-to-device", xml)
    assert (answer.kind, answer.violations) == ("response", ())
    confused = decode_message(TABLE, 0x33, "device-to-platform", xml)
    assert confused.kind == "request"
    assert "tykd.root" in [fault.rule for fault in confused.faults]


def test_a_good_request_has_no_violations() -> None:
    message = set_channel("<DevID>KDN00000001</DevID><ChannelNo>0</ChannelNo><StreamType>2</StreamType>")
    assert message.violations == ()
    assert dict(message.values) == {"DevID": "KDN00000001", "ChannelNo": "0", "StreamType": "2"}


GOOD = "<DevID>KDN00000001</DevID><ChannelNo>0</ChannelNo><StreamType>1</StreamType>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<DevID>KDN00000001</DevID><StreamType>1</StreamType>", ["tykd.missing"]),
        (GOOD + "<Colour>red</Colour>", ["tykd.unknown"]),
        (GOOD + "<StreamType>1</StreamType>", ["tykd.duplicate"]),
        ("<ChannelNo>0</ChannelNo><DevID>KDN00000001</DevID><StreamType>1</StreamType>", ["tykd.order"]),
        (GOOD.replace(">0<", "><"), ["tykd.empty"]),
        (GOOD.replace(">0<", ">x<"), ["tykd.type.n"]),
        (GOOD.replace(">0<", "> 0<"), ["tykd.type.n"]),
        (GOOD.replace(">0<", ">-1<"), ["tykd.range"]),
        (GOOD.replace(">0<", ">99999999999999999999<"), ["tykd.type.n"]),
        (GOOD.replace(">0<", "><Deep/><"), ["tykd.nested"]),
        (GOOD.replace(">1</S", ">3</S"), ["tykd.enum"]),
        (GOOD.replace("KDN00000001", "KDN 0000001"), ["tykd.pattern"]),
        (GOOD + "<AudioInput>2</AudioInput>", ["tykd.type.b"]),
        (GOOD + "<FrameSize>2</FrameSize>", ["tykd.rule.pairs"]),
        (GOOD + "stray", ["tykd.stray_text"]),
        (GOOD + "\n  ", []),
    ],
)
def test_violations(body: str, expected: list[str]) -> None:
    assert sorted(rules(set_channel(body))) == expected


@pytest.mark.parametrize(
    ("name", "kind", "change", "expected"),
    [
        ("REDIRECT", "request", {"ManufacturerNo": "ABC"}, "tykd.rule.prefix"),
        ("REDIRECT", "request", {"Mode": "店店店店店x"}, "tykd.length"),
        ("REDIRECT", "request", {"DevType": "4"}, "tykd.enum"),
        ("LOGIN", "request", {"LocalIP": "192.0.2.300"}, "tykd.type.ip"),
        ("LOGIN", "response", {"Time": "20130229000000"}, "tykd.type.t14"),
        ("LOGIN", "response", {"Result": "4"}, "tykd.enum"),
        ("FILE_QUERY", "request", {"StartTime": "201306019900"}, "tykd.type.t12"),
        ("FILE_QUERY", "request", {"EndTime": "201305010000"}, "tykd.rule.ordered"),
        ("ALARM_NOTIFY", "request", {"DIDONo": "0"}, "tykd.rule.only-with"),
        ("ABILITYUP", "request", {"DIDOAlarmFlag": "1"}, "tykd.rule.agree"),
        ("ABILITYUP", "request", {"Onvif": {"Port": "70000", "Account": "", "Password": ""}}, "tykd.range"),
        ("ADD_RECORD_POLICY", "request", {"WeekPolicy": [POLICY] * 8}, "tykd.repeat"),
        ("ADD_RECORD_POLICY", "request", {"WeekPolicy": [{**POLICY, "StartTime": "24:00"}]}, "tykd.pattern"),
        ("ADD_RECORD_POLICY", "request", {"WeekPolicy": [{**POLICY, "EndTime": "08:00"}]}, "tykd.rule.ordered"),
        ("ADD_RECORD_POLICY", "request", {"WeekPolicy": [{**POLICY, "EndTime": "24:01"}]}, "tykd.type.hm"),
        ("ADD_RECORD_POLICY", "request", {"WeekPolicy": [{**POLICY, "StartTime": "8:00"}]}, "tykd.hm.padding"),
        ("REGISTER", "response", {"Result": "1"}, "tykd.refusal.extra"),
        ("REGISTER", "response", {"NatPort": None}, "tykd.missing"),
    ],
)
def test_values_are_judged_before_sending(name: str, kind: Kind, change: dict[str, Any], expected: str) -> None:
    values = {**sample(TABLE.command(name), kind), **change}
    assert expected in [violation.rule for violation in check_values(TABLE, name, kind, values)]
    with pytest.raises(MessageError) as caught:
        encode_message(TABLE, name, kind, values)
    assert expected in [violation.rule for violation in caught.value.violations]
    assert encode_message(TABLE, name, kind, values, check=False).startswith(HEAD)


def test_a_violation_points_at_its_element() -> None:
    xml = HEAD + b"\n<SET_CHANNEL_REQ>\n<DevID>KDN00000001</DevID>\n<ChannelNo>x</ChannelNo>\n</SET_CHANNEL_REQ>"
    message = decode_message(TABLE, 0x60, "platform-to-device", xml)
    wrong = next(violation for violation in message.violations if violation.rule == "tykd.type.n")
    assert (wrong.offset, wrong.line, wrong.seen) == (xml.index(b"<ChannelNo>"), 4, b"x")
    missing = next(violation for violation in message.violations if violation.rule == "tykd.missing")
    assert (missing.offset, missing.explain) == (39, "StreamType is missing in SET_CHANNEL_REQ")


def test_a_receiver_tolerates_what_binds_the_sender() -> None:
    body = "<Colour>red</Colour><ChannelNo>0</ChannelNo><DevID>KDN00000001</DevID><StreamType>1</StreamType>"
    message = set_channel(body)
    assert sorted(rules(message)) == ["tykd.order", "tykd.unknown"]
    assert message.faults == ()
    assert "Colour" not in message


def test_a_missing_declaration_is_a_violation_of_the_sender() -> None:
    xml = b"<GET_WIFI_REQ><DevID>KDN00000001</DevID></GET_WIFI_REQ>"
    message = decode_message(TABLE, 0x62, "platform-to-device", xml)
    assert (rules(message), message.faults) == (["tykd.declaration"], ())


def test_a_refusal_needs_nothing_but_result_and_id() -> None:
    xml = HEAD + b"<GET_CHANNEL_RES><Result>255</Result><DevID>KDN00000001</DevID></GET_CHANNEL_RES>"
    assert decode_message(TABLE, 0x61, "device-to-platform", xml).violations == ()
    talkative = xml.replace(b"</DevID>", b"</DevID><FrameSize>1</FrameSize>")
    assert rules(decode_message(TABLE, 0x61, "device-to-platform", talkative)) == ["tykd.refusal.extra"]


@pytest.mark.parametrize(("text", "result"), [("0", 0), ("3", 3), ("", 255), ("x", 255), (None, 255)])
def test_an_unreadable_result_counts_as_255(text: str | None, result: int) -> None:
    inside = b"" if text is None else f"<Result>{text}</Result>".encode()
    xml = HEAD + b"<VIDEO_PLAY_RES>" + inside + b"</VIDEO_PLAY_RES>"
    assert decode_message(TABLE, 0x35, "platform-to-device", xml).result == result


def test_either_spelling_of_the_space_is_read_as_the_observed_one() -> None:
    xml = encode_message(TABLE, "GET_ESTORE", "response", {**sample(TABLE.command("GET_ESTORE"), "response")})
    assert b"<StorgeSpace>1024</StorgeSpace>" in xml
    other = xml.replace(b"StorgeSpace>", b"EStorgeSpace>")
    message = decode_message(TABLE, 0x66, "device-to-platform", other)
    assert (message.violations, message["StorgeSpace"]) == ((), "1024")


def test_nothing_is_told_about_a_body_that_nobody_knows() -> None:
    xml = HEAD + b"<LOG_UPDATE_REQ><DevID>KDN00000001</DevID><Anything/></LOG_UPDATE_REQ>"
    assert decode_message(TABLE, 0x7E, "platform-to-device", xml).violations == ()


def test_an_open_enumeration_takes_other_codes() -> None:
    values = {"DevID": "KDN00000001", "ChannelNo": 0, "ExceptionType": 12, "ExceptionDesc": ""}
    assert check_values(TABLE, "EXCEPTION_NOTIFY", "request", values) == ()


def test_texts_are_escaped_and_kept_whole() -> None:
    values = {"DevID": "KDN00000001", "SSID": " 店 <a&b> ", "Security": 0, "Password": "a\r\nb"}
    xml = encode_message(TABLE, "SET_WIFI", "request", values)
    assert "<SSID> 店 &lt;a&amp;b&gt; </SSID>".encode() in xml
    message = decode_message(TABLE, "SET_WIFI", "platform-to-device", xml)
    assert (message["SSID"], message["Password"]) == (" 店 <a&b> ", "a\r\nb")


def test_secrets_stay_out_of_repr_redaction_and_violations() -> None:
    values = {**sample(TABLE.command("LOGIN"), "request"), "DevKey": "hidden-" + "x" * 30}
    xml = encode_message(TABLE, "LOGIN", "request", values, check=False)
    message = decode_message(TABLE, 0x31, "device-to-platform", xml)
    assert rules(message) == ["tykd.length"]
    assert "hidden" not in repr(message)
    assert redacted(TABLE, message) == {**message.values, "DevKey": "***"}
    nested = sample(TABLE.command("ABILITYUP"), "request")
    report = decode_message(TABLE, 0x32, "device-to-platform", encode_message(TABLE, "ABILITYUP", "request", nested))
    assert redacted(TABLE, report)["Onvif"] == {"Port": "554", "Account": "kandian", "Password": "***"}


@pytest.mark.parametrize(
    ("command", "xml", "rule"),
    [
        (0x60, b"", "xml.syntax"),
        (0x60, b"<a", "xml.syntax"),
        (0x60, b"<!DOCTYPE a><a/>", "xml.dtd"),
        (0x60, b"<a>" * 9, "xml.depth"),
        (0x6A, b"<a/>", "tykd.command"),
    ],
)
def test_what_cannot_be_read(command: int, xml: bytes, rule: str) -> None:
    with pytest.raises(MessageError) as caught:
        decode_message(TABLE, command, "platform-to-device", xml)
    assert caught.value.rule == rule


def test_what_cannot_be_sent() -> None:
    with pytest.raises(UnknownMessage):
        encode_message(TABLE, "SET_COLOUR", "request", {})
    with pytest.raises(MessageError, match="cannot be a refusal"):
        encode_refusal(TABLE, "HEARTBEAT", 255, "KDN00000001")
    with pytest.raises(MessageError, match="cannot be a refusal"):
        encode_refusal(TABLE, "REBOOT", 0, "KDN00000001")
    with pytest.raises(MessageError, match="U\\+0007"):
        encode_message(TABLE, "REBOOT", "request", {"DevID": "\x07"}, check=False)
    with pytest.raises(MessageError, match="no element name"):
        encode_message(TABLE, "REBOOT", "request", {"a b": "1"}, check=False)


def test_a_message_is_never_cut_but_refused_when_too_long() -> None:
    row = {"SSID": "x" * 32, "Signal": 80, "Security": 0, "InUse": 0}
    values: dict[str, Any] = {"Result": 0, "DevID": "KDN00000001", "WifiSSID": [row] * 60}
    with pytest.raises(MessageError) as caught:
        encode_message(TABLE, "GET_WIFI", "response", values)
    assert caught.value.rule == "tykd.xml_size"
    xml = encode_message(TABLE, "GET_WIFI", "response", values, check=False)
    assert rules(decode_message(TABLE, "GET_WIFI", "device-to-platform", xml)) == ["tykd.xml_size"]


def test_a_full_weekly_plan_fits() -> None:
    rows = [{"PolicyID": n, **POLICY, "Week": n % 7 + 1} for n in range(28)]
    xml = encode_message(
        TABLE, "QUERY_RECORD_POLICY", "response", {"Result": 0, "DevID": "KDN00000001", "WeekPolicy": rows}
    )
    assert len(xml) > 4072
    assert decode_message(TABLE, 0x68, "device-to-platform", xml).violations == ()


def test_typed_access_says_what_is_wrong() -> None:
    message = set_channel(GOOD + "<AudioInput>1</AudioInput><BitRate>x</BitRate>")
    assert message.flag("AudioInput")
    assert message.integer("BitRate", 8) == 8
    with pytest.raises(MessageError, match="BitRate holds no number"):
        message.integer("BitRate")
    with pytest.raises(MessageError, match="FrameRate is missing"):
        message.integer("FrameRate")
    with pytest.raises(MessageError, match="BitRate is neither 0 nor 1"):
        message.flag("BitRate")
    with pytest.raises(KeyError):
        message["FrameRate"]
    with pytest.raises(KeyError):
        message.group("Video")
    assert message.items("Video") == ()


# Round trips over the whole table


def sample(command: Command, kind: Kind) -> dict[str, Any]:
    """One valid message, built without the generator under test elsewhere."""
    return _sample(command.body(kind).elements)


def _sample(elements: tuple[Element, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for element in elements:
        if element.is_group:
            group = _sample(element.elements)
            values[element.name] = [group] if element.repeat is not None else group
        elif element.enum:
            values[element.name] = str(element.enum[0].value)
        elif element.name in ("DIDONo", "DIDONum", "ChannelNo"):
            values[element.name] = "0"
        else:
            values[element.name] = element.samples[0] if element.samples else "0"
    if values.get("AlarmType") == "1":
        values.pop("DIDONo", None)
    return values


def way(command: Command, kind: Kind) -> Direction:
    from_device = (command.direction == "device-to-platform") == (kind == "request")
    return "device-to-platform" if from_device else "platform-to-device"


KINDS: tuple[Kind, Kind] = ("request", "response")
EVERY_MESSAGE = [(command.name, kind) for command in TABLE.commands for kind in KINDS]


@pytest.mark.parametrize(("name", "kind"), EVERY_MESSAGE)
def test_every_message_round_trips(name: str, kind: Kind) -> None:
    command = TABLE.command(name)
    values = sample(command, kind)
    xml = encode_message(TABLE, name, kind, values)
    message = decode_message(TABLE, name, way(command, kind), xml)
    assert (message.name, message.kind, message.root) == (name, kind, command.body(kind).root)
    assert message.violations == ()
    assert dict(message.values) == values
    assert encode_message(TABLE, name, kind, message.values) == xml


@pytest.mark.parametrize(("name", "kind"), EVERY_MESSAGE)
def test_every_required_element_is_missed(name: str, kind: Kind) -> None:
    command = TABLE.command(name)
    values = sample(command, kind)
    for element in command.body(kind).elements:
        if element.optional or element.name == "Result":
            continue
        rest = {key: value for key, value in values.items() if key != element.name}
        missing = [v.explain for v in check_values(TABLE, name, kind, rest) if v.rule == "tykd.missing"]
        assert missing == [f"{element.name} is missing in {command.body(kind).root}"]


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@settings(max_examples=150)
@given(st.sampled_from(EVERY_MESSAGE), st.data())
def test_unchecked_values_come_back_or_are_refused(which: tuple[str, Kind], data: st.DataObject) -> None:
    name, kind = which
    command = TABLE.command(name)
    flat = [element.name for element in command.body(kind).elements if not element.is_group]
    values = {key: data.draw(texts) for key in data.draw(st.lists(st.sampled_from(flat), unique=True))}
    sendable = not any(re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]", text) for text in values.values())
    try:
        xml = encode_message(TABLE, name, kind, values, check=False)
    except MessageError:
        xml = b""
    assert sendable == bool(xml)
    if xml:
        message = decode_message(TABLE, name, way(command, kind), xml)
        assert dict(message.values) == values
        found = [v.rule for v in message.violations]
        assert sorted(found) == sorted(v.rule for v in check_values(TABLE, name, kind, values))


pieces = st.sampled_from(
    [b"<SET_CHANNEL_REQ>", b"</SET_CHANNEL_REQ>", b"<DevID>", b"</DevID>", b"1", b"<x/>", b"&amp;", b"\xff", HEAD]
)


@given(st.one_of(st.binary(max_size=100), st.lists(pieces, max_size=12).map(b"".join)))
def test_any_bytes_raise_nothing_but_a_message_error(xml: bytes) -> None:
    try:
        message = decode_message(TABLE, 0x60, "platform-to-device", xml)
    except MessageError:
        return
    assert message.violations

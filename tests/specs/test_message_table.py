"""The message table: what it says, how it is looked up, and what a fault in it is told as."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from specs.condition import parse_condition
from specs.messages import TABLE_PATH, MessageTable, UnknownMessage, load_message_table
from specs.yaml_source import SourceError, read_yaml

DEVICE_STARTS = {0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x74}
PLATFORM_STARTS = {*range(0x60, 0x6A), *range(0x6C, 0x73), *range(0x75, 0x81), 0x91}
SPECS = TABLE_PATH.parent.parent

ENUMS = """
kandian: message_table/1
id: sample
title: {zh: 样例, en: Sample}
frame:
  start: [0xFA, 0xF5]
  header_size: {value: 8, unit: bytes}
  digest_size: {value: 16, unit: bytes}
  reserved: {value: 0, unit: "1"}
limits: {}
outcomes: {ok: [0], refused: [255], foreign_device: [255], unidentified: [255]}
requirements: {refusal: IF-FRM-08, tolerance: IF-FRM-06, unknown_command: IF-FRM-07}
enums:
  result: [{value: 0, zh: 成功, en: ok}, {value: 255, zh: 其他, en: other}]
domains:
  result: {type: n, enum: result, title: {zh: 结果, en: Result}}
"""
COMMAND = """commands:
- code: 0x10
  name: PING
  title: {zh: 探测, en: Ping}
  direction: platform-to-device
  when: always
  evidence: active
  effect: query
  requirement: IF-FRM-01
  request: {root: PING_REQ, elements: [{name: First, domain: result}]}
  response: {root: PING_RES, refusal: [Result], elements: [{name: Result, domain: result}]}
"""
SMALL = ENUMS.lstrip("\n") + COMMAND


@pytest.fixture(scope="module")
def table() -> MessageTable:
    return load_message_table()


def _load(tmp_path: Path, text: str) -> MessageTable:
    path = tmp_path / "table.yaml"
    path.write_text(text, encoding="utf-8")
    return load_message_table(path)


def test_it_follows_its_schema() -> None:
    schema = json.loads((SPECS / "schema" / "message_table.schema.json").read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    found = [error.message for error in Draft202012Validator(schema).iter_errors(read_yaml(TABLE_PATH).data)]
    assert found == []


def test_the_schema_refuses_an_unknown_key() -> None:
    schema = json.loads((SPECS / "schema" / "message_table.schema.json").read_text(encoding="utf-8"))
    data = read_yaml(TABLE_PATH).data
    data["commands"][5]["colour"] = "red"
    [error] = Draft202012Validator(schema).iter_errors(data)
    assert list(error.absolute_path) == ["commands", 5]


def test_every_code_stands_on_its_side(table: MessageTable) -> None:
    device = {command.code for command in table.started_by("device-to-platform") if command.transport == "frame"}
    platform = {command.code for command in table.started_by("platform-to-device")}
    assert device == DEVICE_STARTS
    assert platform == PLATFORM_STARTS
    assert [command.name for command in table.commands if command.transport == "http"] == ["REDIRECT", "REGISTER"]


def test_a_command_is_found_by_name_code_and_root(table: MessageTable) -> None:
    assert table.command(0x60).name == "SET_CHANNEL"
    assert table.command("SET_CHANNEL").code == 0x60
    assert table.root("SET_CHANNEL_RES") == (table.command(0x60), "response")
    command, kind, body = table.lookup(0x31, "platform-to-device")
    assert (command.name, kind, body.root) == ("LOGIN", "response", "LOGIN_RES")


@pytest.mark.parametrize(("lookup", "named"), [(0x6A, "0x6a"), ("SET_COLOUR", "SET_COLOUR")])
def test_an_unknown_command_is_named(table: MessageTable, lookup: int | str, named: str) -> None:
    with pytest.raises(UnknownMessage, match=named):
        table.command(lookup)


def test_bit_rates_and_frame_sizes(table: MessageTable) -> None:
    assert table.bit_rates == {
        1: 96,
        2: 128,
        3: 196,
        4: 256,
        5: 384,
        6: 512,
        7: 768,
        8: 1024,
        9: 1536,
        10: 2048,
        11: 2560,
        12: 3072,
        13: 4096,
    }
    assert table.frame_sizes == {1: (1280, 720), 2: (704, 576), 3: (320, 192)}
    assert {size.value: size.goes_with for size in table.enums["frame_size"]} == {1: 1, 2: 2, 3: 2}


def test_result_codes_and_limits(table: MessageTable) -> None:
    assert sorted(table.results) == [0, 1, 2, 3, 255]
    assert (table.limits["device_xml"].number, table.limits["platform_xml"].number) == (4072, 65535)
    assert (table.limits["answer_wait"].max, table.limits["answer_wait"].unit) == (5.0, "s")
    assert table.frame.start == (0xFA, 0xF5)


def test_only_the_plan_answer_may_be_longer_than_a_device_buffer(table: MessageTable) -> None:
    long = [c.name for c in table.commands for kind in ("request", "response") if table.max_xml(c, kind) > 4072]
    assert long == ["QUERY_RECORD_POLICY"]


@pytest.mark.parametrize(
    ("root", "names"),
    [
        ("REGISTER_REQ", "ManufacturerNo Mode DevType DevID DevKey"),
        ("LOGIN_RES", "Result DevID EURL EAccount EPassword EStorgeSpace ERecordBucket EPictureBucket Time"),
        ("SET_CHANNEL_REQ", "DevID ChannelNo StreamType FrameSize FrameRate RateType BitRate AudioInput"),
        ("FILE_QUERY_RES", "Result DevID File TotalRecordNum"),
        ("HEARTBEAT_RES", "DevID Time"),
        ("GET_ESTORE_RES", "Result DevID URL Account Password StorgeSpace ERecordBucket EPictureBucket"),
        ("NVR_MODIFY_IPCAM_REQ", "DevID IpcamDevID IpcamLocalIP OnvifPort OnvifAccount OnvifPassword"),
    ],
)
def test_elements_stand_in_the_order_of_the_interface(table: MessageTable, root: str, names: str) -> None:
    command, kind = table.root(root)
    assert " ".join(element.name for element in command.body(kind).elements) == names


def test_elements_take_what_their_domain_says(table: MessageTable) -> None:
    channel = table.command("SET_CHANNEL").request.element("ChannelNo")
    assert (channel.type, channel.range and channel.range.min, channel.status) == ("n", 0, "proposed")
    local_port = table.command("LOGIN").request.element("RtspLocalPort")
    assert local_port.range is not None
    assert (local_port.range.min, local_port.range.max) == (1, 65535)
    assert table.command("GET_WIFI").response.elements[0].evidence == "disabled"


def test_refusals_carry_result_and_id_only(table: MessageTable) -> None:
    without = [command.name for command in table.commands if command.response.refusal != ("Result", "DevID")]
    assert without == ["HEARTBEAT"]
    assert not table.command("HEARTBEAT").has_result


def test_secrets_are_marked(table: MessageTable) -> None:
    def secrets(root: str) -> set[str]:
        command, kind = table.root(root)
        flat = [e for top in command.body(kind).elements for e in (top, *top.elements)]
        return {element.name for element in flat if element.secret}

    assert secrets("REGISTER_REQ") == {"DevKey"}
    assert secrets("REGISTER_RES") == {"FtpPassword"}
    assert secrets("LOGIN_RES") == {"EPassword"}
    assert secrets("ABILITYUP_REQ") == {"Password"}
    assert secrets("VIDEO_PLAY_REQ") == {"HashToken"}


def test_bodies_that_nobody_knows_are_marked(table: MessageTable) -> None:
    assert [command.code for command in table.commands if command.undefined_body] == [0x36, 0x7E]


def test_what_can_harm_a_device_is_marked(table: MessageTable) -> None:
    harmful = [command.name for command in table.commands if command.destructive]
    assert harmful == ["SET_WIFI", "REBOOT", "UPGRADE", "STORE_FORMAT", "FORMAT"]
    assert all(table.command(name).changes_state for name in harmful)


def test_refusal_requirements_are_filled_in(table: MessageTable) -> None:
    assert table.command("SET_CHANNEL").refusal_requirement == "IF-PAR-05"
    assert table.command("GET_CHANNEL").refusal_requirement == "IF-FRM-08"
    assert table.command("VIDEO_PTZ").unsupported_requirement == "BIZ-LIV-03a"
    assert table.command("GET_CHANNEL").unsupported_requirement == "IF-FRM-08"


def test_every_condition_speaks_of_known_features(table: MessageTable) -> None:
    known = set(read_yaml(SPECS / "features.yaml").data["features"])
    texts = [command.when for command in table.commands] + [v.when for values in table.enums.values() for v in values]
    assert set().union(*(parse_condition(text).features for text in texts)) <= known


def test_samples_and_counterexamples_are_what_they_claim(table: MessageTable) -> None:
    import re

    for name, domain in table.domains.items():
        if domain.pattern:
            assert all(re.fullmatch(domain.pattern, sample) for sample in domain.samples), name
            assert not any(re.fullmatch(domain.pattern, text) for text in domain.counterexamples), name
        if domain.max_length is not None:
            assert all(len(sample.encode()) <= domain.max_length for sample in domain.samples), name


def test_a_small_table_loads(tmp_path: Path) -> None:
    assert _load(tmp_path, SMALL).command("PING").request.root == "PING_REQ"


@pytest.mark.parametrize(
    ("old", "new", "line", "sentence"),
    [
        ("First, domain: result", "First, domain: colour", 25, "no domain named 'colour'"),
        (
            "First, domain: result}",
            "First, domain: result}, {name: First, domain: result}",
            25,
            "First stands here twice",
        ),
        ("{name: First, domain: result}", "{name: First}", 25, "neither domain, type nor elements"),
        ("  name: PING\n", "  name: PING\n  colour: red\n", 19, "colour"),
        ("direction: platform-to-device", "direction: sideways", 20, "sideways"),
        ("when: always", "when: feature.", 21, "condition"),
        ("requirement: IF-FRM-01", "requirement: FRM", 24, "'FRM' is not a requirement id"),
        ("refusal: [Result]", "refusal: [Reason]", 26, "no element Reason"),
        ("{type: n, enum: result,", "{type: n, enum: outcome,", 15, "no enum named 'outcome'"),
        ("{type: n, enum: result,", "{type: n, range: {min: 2, max: 1},", 15, "range is empty"),
        ("{type: n, enum: result,", "{type: n, pattern: '(',", 15, "pattern cannot be used"),
        ("root: PING_RES", "root: PING_REQ", 26, "root PING_REQ of PING is taken"),
        ("foreign_device: [255]", "foreign_device: [7]", 10, "7 is no Result"),
        ("code: 0x10", "code: 0x110", 17, "one byte"),
        ("- code: 0x10\n  name", "- name", 17, "a frame command has a code"),
    ],
)
def test_a_fault_is_told_with_its_line(tmp_path: Path, old: str, new: str, line: int, sentence: str) -> None:
    assert SMALL.count(old) == 1
    with pytest.raises(SourceError) as caught:
        _load(tmp_path, SMALL.replace(old, new))
    assert caught.value.line == line
    assert sentence in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "commands: 1", "commands: []", "commands: [1]\nenums: {}\ndomains: {}"])
def test_a_file_that_is_no_table_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(SourceError, match=r"table\.yaml:1: "):
        _load(tmp_path, text)

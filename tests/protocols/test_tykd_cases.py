"""Generated cases: what is generated for which declaration, and that each case breaks what it says."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.protocols.tykd_cases import (
    Case,
    optional_absent_cases,
    tolerance_cases,
    unknown_command_codes,
    valid_cases,
    violation_cases,
)
from conformance.protocols.tykd_message import Message, decode_message
from specs.messages import Direction, load_message_table

TABLE = load_message_table()
CAMERA: dict[str, Any] = {
    "tykd": True, "channels": 1, "type": "camera", "streams": ["1/1", "2/2", "2/3"], "audio": True, "ptz": False,
    "wifi": True, "local_store": True, "cloud_store": False, "motion": True, "infrared": False, "manual_alarm": False,
    "digital_input": True, "digital_inputs": 2, "snapshot": False, "upgrade": True, "anti_hotlink": True,
    "playback": True, "net_types": ["wired"],
}  # fmt: skip
NVR = {**CAMERA, "type": "nvr", "channels": 4, "ptz": True, "cloud_store": True, "snapshot": True}
DECLARATIONS = [CAMERA, NVR, {}, {"tykd": True, "streams": ["1/1"]}]
BOTH: list[Direction] = ["platform-to-device", "device-to-platform"]


def decoded(case: Case, direction: Direction = "platform-to-device") -> Message:
    return decode_message(TABLE, case.command, direction, case.encode(TABLE))


def by_id(cases: list[Case]) -> dict[str, Case]:
    return {case.id: case for case in cases}


def test_the_plain_request_comes_first() -> None:
    case = valid_cases(TABLE, CAMERA, device_id="ABC12345678")[0]
    assert case.id == "SET_CHANNEL-valid"
    assert dict(case.values) == {
        "DevID": "ABC12345678",
        "ChannelNo": "0",
        "StreamType": "1",
        "FrameSize": "1",
        "FrameRate": "15",
        "RateType": "1",
        "BitRate": "1",
        "AudioInput": "0",
    }
    assert (case.kind, case.requirement, case.expected, case.changes_state) == (
        "valid",
        "IF-PAR-02",
        frozenset({0}),
        True,
    )


def test_every_value_of_an_element_gets_a_case() -> None:
    ids = [case.id for case in valid_cases(TABLE, CAMERA) if case.command == "SET_CHANNEL"]
    assert ids == [
        "SET_CHANNEL-valid",
        "SET_CHANNEL-StreamType-2",
        "SET_CHANNEL-FrameSize-2",
        "SET_CHANNEL-FrameSize-3",
        "SET_CHANNEL-FrameRate-10",
        "SET_CHANNEL-FrameRate-25",
        "SET_CHANNEL-RateType-2",
        *(f"SET_CHANNEL-BitRate-{code}" for code in range(2, 14)),
        "SET_CHANNEL-AudioInput-1",
    ]


def test_a_size_brings_its_stream_along() -> None:
    case = by_id(valid_cases(TABLE, CAMERA))["SET_CHANNEL-FrameSize-3"]
    assert (case.values["StreamType"], case.values["FrameSize"]) == ("2", "3")


def test_what_is_not_declared_is_not_valid_but_refused() -> None:
    main_only = {"tykd": True, "streams": ["1/1"], "audio": False, "ptz": False}
    ids = [case.id for case in valid_cases(TABLE, main_only)]
    assert "SET_CHANNEL-StreamType-2" not in ids
    assert "SET_CHANNEL-AudioInput-1" not in ids
    assert "VIDEO_PTZ-valid" not in ids
    refused = by_id(violation_cases(TABLE, main_only))
    assert refused["GET_CHANNEL-StreamType-undeclared-2"].expected == {255}
    assert refused["SET_CHANNEL-AudioInput-undeclared-1"].rule == "tykd.context.undeclared"
    unsupported = refused["VIDEO_PTZ-unsupported"]
    assert (unsupported.kind, unsupported.requirement, unsupported.expected) == (
        "unsupported",
        "BIZ-LIV-03a",
        frozenset({255}),
    )
    assert decoded(unsupported).violations == ()


def test_channels_follow_the_declaration() -> None:
    assert "GET_CHANNEL-ChannelNo-3" in by_id(valid_cases(TABLE, NVR))
    case = by_id(violation_cases(TABLE, NVR))["GET_CHANNEL-ChannelNo-unknown-channel"]
    assert (case.values["ChannelNo"], case.expected, case.element) == ("4", frozenset({255}), "ChannelNo")
    assert "GET_CHANNEL-ChannelNo-3" not in by_id(valid_cases(TABLE, CAMERA))


@pytest.mark.parametrize(
    ("id_", "requirement", "expected", "rule"),
    [
        ("SET_CHANNEL-FrameRate-above-range", "IF-PAR-05", {255}, "tykd.range"),
        ("SET_CHANNEL-BitRate-unlisted-14", "IF-PAR-05", {255}, "tykd.enum"),
        ("SET_CHANNEL-StreamType-FrameSize-mismatch-1-2", "IF-PAR-05", {255}, "tykd.rule.pairs"),
        ("SET_CHANNEL-StreamType-missing", "IF-PAR-05", {255}, "tykd.missing"),
        ("GET_CHANNEL-DevID-foreign", "IF-FRM-08", {1}, "tykd.context.device"),
        ("GET_CHANNEL-DevID-missing", "IF-FRM-08", {1, 255}, "tykd.missing"),
        ("FILE_QUERY-PageNo-below-range", "IF-FRM-08", {255}, "tykd.range"),
        ("FILE_QUERY-StartTime-EndTime-reversed", "IF-FRM-08", {255}, "tykd.rule.ordered"),
        ("FILE_QUERY-StartTime-wrong-type-1", "IF-FRM-08", {255}, "tykd.type.t12"),
        ("ADD_RECORD_POLICY-WeekPolicy-too-many", "IF-FRM-08", {255}, "tykd.repeat"),
        ("ADD_RECORD_POLICY-WeekPolicy-Week-unlisted-0", "IF-FRM-08", {255}, "tykd.enum"),
        ("DEL_RECORD_POLICY-PolicyID-unknown-policy", "IF-FRM-08", {255}, "tykd.context.policy"),
        ("SET_ALARM-DIDONo-AlarmType-with-1", "IF-FRM-08", {255}, "tykd.rule.only-with"),
        ("SET_ALARM-DIDONo-unknown-input", "IF-FRM-08", {255}, "tykd.context.input"),
        ("SET_WIFI-SSID-too-long", "IF-FRM-08", {255}, "tykd.length"),
        ("REBOOT-DevID-foreign", "IF-FRM-08", {1}, "tykd.context.device"),
    ],
)
def test_violations_of_a_camera(id_: str, requirement: str, expected: set[int], rule: str) -> None:
    case = by_id(violation_cases(TABLE, CAMERA))[id_]
    assert (case.kind, case.requirement, case.expected, case.rule) == (
        "violation",
        requirement,
        frozenset(expected),
        rule,
    )


def test_nvr_refusals_prove_their_own_requirement() -> None:
    cases = by_id(violation_cases(TABLE, NVR))
    assert cases["NVR_MODIFY_IPCAM-IpcamDevID-unknown-camera"].requirement == "IF-NVR-02"
    assert cases["NVR_LINK_IPCAM-ChannelNo-unknown-channel"].values["ChannelNo"] == "4"


def test_optional_elements_are_left_out_one_by_one_and_together() -> None:
    cases = [case for case in optional_absent_cases(TABLE, CAMERA) if case.command == "SET_CHANNEL"]
    assert [case.id for case in cases] == [
        "SET_CHANNEL-without-FrameSize",
        "SET_CHANNEL-without-FrameRate",
        "SET_CHANNEL-without-RateType",
        "SET_CHANNEL-without-BitRate",
        "SET_CHANNEL-without-AudioInput",
        "SET_CHANNEL-without-optional",
    ]
    assert list(cases[-1].values) == ["DevID", "ChannelNo", "StreamType"]
    assert "FrameRate" not in cases[1].values


@pytest.mark.parametrize("features", DECLARATIONS)
@pytest.mark.parametrize("direction", BOTH)
def test_valid_cases_break_nothing(features: dict[str, Any], direction: Direction) -> None:
    cases = valid_cases(TABLE, features, direction=direction)
    cases += optional_absent_cases(TABLE, features, direction=direction)
    assert [(case.id, v) for case in cases for v in decoded(case, direction).violations] == []
    assert all(case.rule == "" and case.expected in ({0}, set()) for case in cases)


@pytest.mark.parametrize("features", DECLARATIONS)
@pytest.mark.parametrize("direction", BOTH)
def test_each_violation_breaks_what_it_says(features: dict[str, Any], direction: Direction) -> None:
    cases = [case for case in violation_cases(TABLE, features, direction=direction) if case.kind == "violation"]
    assert cases
    for case in cases:
        broken = {violation.rule for violation in decoded(case, direction).faults}
        if case.rule.startswith("tykd.context."):
            assert broken <= {"tykd.rule.pairs"}, case.id
        else:
            assert case.rule in broken, case.id
        assert 0 not in case.expected


@pytest.mark.parametrize("features", DECLARATIONS)
@pytest.mark.parametrize("direction", BOTH)
def test_tolerated_requests_have_no_faults(features: dict[str, Any], direction: Direction) -> None:
    for case in tolerance_cases(TABLE, features, direction=direction):
        message = decoded(case, direction)
        assert message.faults == (), case.id
        assert {violation.rule for violation in message.violations} == ({case.rule} if case.rule else set()), case.id
        assert (case.requirement, dict(message.values)) == (
            "IF-FRM-06e",
            {name: value for name, value in case.values.items() if name != "KandianUnknown"},
        )


@pytest.mark.parametrize("features", DECLARATIONS)
@pytest.mark.parametrize("direction", BOTH)
def test_ids_are_unique_readable_and_stable(features: dict[str, Any], direction: Direction) -> None:
    def ids() -> list[str]:
        makers = (valid_cases, optional_absent_cases, violation_cases, tolerance_cases)
        return [case.id for make in makers for case in make(TABLE, features, direction=direction)]

    found = ids()
    assert len(set(found)) == len(found)
    assert all(id_.replace("-", "").replace("_", "").replace(".", "").isalnum() and id_.isascii() for id_ in found)
    assert found == ids()


def test_bodies_that_nobody_knows_get_no_case() -> None:
    everything = [*valid_cases(TABLE, {}), *violation_cases(TABLE, {}), *tolerance_cases(TABLE, {})]
    assert "LOG_UPDATE" not in {case.command for case in everything}
    assert {case.command for case in everything} == {
        command.name for command in TABLE.started_by("platform-to-device")
    } - {"LOG_UPDATE"}


def test_what_has_to_be_set_up_is_named_for_valid_cases_only() -> None:
    assert by_id(valid_cases(TABLE, CAMERA))["DEL_RECORD_POLICY-valid"].prerequisite == "record_policy"
    assert by_id(violation_cases(TABLE, CAMERA))["DEL_RECORD_POLICY-PolicyID-empty"].prerequisite == ""


def test_harmful_commands_are_marked() -> None:
    harmful = {case.command for case in violation_cases(TABLE, CAMERA) if case.destructive and case.kind == "violation"}
    assert harmful == {"SET_WIFI", "REBOOT", "UPGRADE", "STORE_FORMAT", "FORMAT"}


def test_a_heartbeat_is_answered_without_result() -> None:
    case = by_id(valid_cases(TABLE, CAMERA, direction="device-to-platform"))["HEARTBEAT-valid"]
    assert case.expected == frozenset()


def test_unknown_codes_are_all_the_others() -> None:
    codes = unknown_command_codes(TABLE)
    assert len(codes) == 256 - 38
    assert {0x00, 0x30, 0x38, 0x6A, 0x6B, 0x73, 0x81, 0x90, 0x92, 0xFF} <= set(codes)
    assert not {0x31, 0x60, 0x7E, 0x91} & set(codes)

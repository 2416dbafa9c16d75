"""Requests from the operation tables: what they say, and that their faults are those of the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.onvif_cases import (
    NO_VALUE,
    NOWHERE,
    Case,
    NoToken,
    good_case,
    guarded_case,
    shape_flaws,
    wrong_cases,
)
from conformance.protocols.soap import Fault, element, envelope, read_envelope
from conformance.protocols.xml_names import Node
from specs.onvif_operations import OnvifOperation, OperationTables, ServiceTable, load_onvif_operations

TABLES = load_onvif_operations()
KINDS = {told.of for _, operation in TABLES.every() for told in operation.request if told.of}
TOKENS = {kind: f"a-{kind}" for kind in KINDS}


def found(service: str, name: str) -> tuple[ServiceTable, OnvifOperation]:
    return TABLES.services[service], TABLES.operation(service, name)


def cases(service: str, name: str, tokens: dict[str, str] | None = None) -> list[Case]:
    return wrong_cases(TABLES, *found(service, name), TOKENS if tokens is None else tokens)


def answer(text: str) -> Node:
    first = read_envelope(envelope(text)).first
    assert first is not None
    return first


def test_a_good_request_holds_what_has_to_be_there() -> None:
    assert good_case(*found("media", "GetProfiles"), {}).body == ""
    assert good_case(*found("media", "GetProfile"), {"profile": "a&b"}).body == (
        "<trt:ProfileToken>a&amp;b</trt:ProfileToken>"
    )
    stream = good_case(*found("media", "GetStreamUri"), {"profile": "main"})
    assert stream.body == (
        "<trt:StreamSetup><tt:Stream>RTP-Unicast</tt:Stream><tt:Transport><tt:Protocol>UDP</tt:Protocol></tt:Transport>"
        "</trt:StreamSetup><trt:ProfileToken>main</trt:ProfileToken>"
    )
    assert (stream.mistake, stream.faults, stream.about) == (None, (), "media GetStreamUri")


def test_a_good_request_needs_its_tokens() -> None:
    with pytest.raises(NoToken, match="profile"):
        good_case(*found("media", "GetProfile"), {})
    with pytest.raises(ValueError, match="SetVideoEncoderConfiguration"):
        good_case(*found("media", "SetVideoEncoderConfiguration"), TOKENS)


def test_mistakes_with_a_profile() -> None:
    made = {(case.mistake, case.at): case for case in cases("media", "GetProfile")}
    assert set(made) == {(mistake, "ProfileToken") for mistake in ("missing", "unknown", "surplus", "namespace")}
    unknown = made["unknown", "ProfileToken"]
    assert unknown.body == f"<trt:ProfileToken>{NOWHERE}</trt:ProfileToken>"
    assert unknown.faults == (("env:Sender", "ter:InvalidArgVal", "ter:NoProfile"),)
    assert unknown.exact
    assert unknown.harmless
    assert unknown.about == "media GetProfile: unknown ProfileToken"
    assert made["surplus", "ProfileToken"].body == "<trt:ProfileToken>a-profile</trt:ProfileToken>" * 2
    missing = made["missing", "ProfileToken"]
    assert (missing.body, missing.exact) == ("", False)
    assert ("env:Sender", "ter:InvalidArgs") in missing.faults


def test_an_optional_token_may_be_wrong_too() -> None:
    made = {(case.mistake, case.at): case.body for case in cases("media", "GetVideoEncoderConfigurationOptions")}
    assert made == {
        ("unknown", "ConfigurationToken"): f"<trt:ConfigurationToken>{NOWHERE}</trt:ConfigurationToken>",
        ("unknown", "ProfileToken"): f"<trt:ProfileToken>{NOWHERE}</trt:ProfileToken>",
    }


def test_mistakes_inside_a_structure() -> None:
    made = {(case.mistake, case.at): case.body for case in cases("media", "GetStreamUri")}
    assert made["out_of_list", "StreamSetup/Stream"].startswith(f"<trt:StreamSetup><tt:Stream>{NO_VALUE}</tt:Stream>")
    assert "tt:Transport" not in made["missing", "StreamSetup/Transport"]
    assert made["missing", "StreamSetup"] == "<trt:ProfileToken>a-profile</trt:ProfileToken>"


def test_types_and_lists() -> None:
    made = {(case.mistake, case.at): case.body for case in cases("device", "GetServices")}
    assert made["wrong_type", "IncludeCapability"] == "<tds:IncludeCapability>perhaps</tds:IncludeCapability>"
    assert made["empty", "IncludeCapability"] == "<tds:IncludeCapability/>"
    log = {case.mistake: case.body for case in cases("device", "GetSystemLog")}
    assert log["out_of_list"] == f"<tds:LogType>{NO_VALUE}</tds:LogType>"


def test_without_a_good_token_no_mistake_is_made_beside_it() -> None:
    assert cases("media", "AddVideoEncoderConfiguration", {}) == []
    made = cases("media", "AddVideoEncoderConfiguration", {"profile": "main"})
    assert {case.at for case in made} == {"ConfigurationToken"}


@pytest.mark.parametrize(
    ("codes", "allowed"),
    [
        (("env:Sender", "ter:InvalidArgVal", "ter:NoProfile"), True),
        (("env:Sender", "ter:InvalidArgVal", "ter:NoProfile", "ter:More"), True),
        (("env:Sender", "ter:InvalidArgVal"), False),
        (("env:Receiver", "ter:InvalidArgVal", "ter:NoProfile"), False),
        (("env:Sender",), False),
    ],
)
def test_a_fault_fits_when_it_begins_as_written(codes: tuple[str, ...], allowed: bool) -> None:
    case = next(case for case in cases("media", "GetProfile") if case.mistake == "unknown")
    assert case.allows(Fault(codes, {})) is allowed
    assert case.allows(None) is False
    assert case.expected == "env:Sender/ter:InvalidArgVal/ter:NoProfile"


def test_mistakes_that_change_something_are_not_called_harmless() -> None:
    assert {case.harmless for case in cases("device", "CreateUsers")} == {False}
    assert {case.harmless for case in cases("device", "SetSystemFactoryDefault")} == {False}
    assert {case.harmless for case in cases("media", "DeleteProfile")} == {True}
    assert {case.harmless for case in cases("media", "GetProfile")} == {True}


@pytest.mark.parametrize(
    ("service", "name", "body"),
    [
        ("device", "GetUsers", ""),
        ("media", "GetProfile", f"<trt:ProfileToken>{NOWHERE}</trt:ProfileToken>"),
        ("media", "DeleteProfile", f"<trt:ProfileToken>{NOWHERE}</trt:ProfileToken>"),
        ("media", "SetVideoEncoderConfiguration", "<trt:ForcePersistence>perhaps</trt:ForcePersistence>"),
        ("device", "SetDiscoveryMode", f"<tds:DiscoveryMode>{NO_VALUE}</tds:DiscoveryMode>"),
    ],
)
def test_requests_that_cannot_be_carried_out(service: str, name: str, body: str) -> None:
    case = guarded_case(*found(service, name))
    assert case is not None
    assert case.body == body


@pytest.mark.parametrize("name", ["SystemReboot", "SetSystemFactoryDefault", "SetHostname", "SetScopes", "SetDNS"])
def test_requests_that_could_be_carried_out_are_not_made(name: str) -> None:
    assert guarded_case(*found("device", name)) is None


def test_users_are_never_created_by_a_guarded_request() -> None:
    case = guarded_case(*found("device", "CreateUsers"))
    assert case is not None
    assert f"<tt:UserLevel>{NO_VALUE}</tt:UserLevel>" in case.body


def everything(tables: OperationTables) -> list[Case]:
    found = [case for table, op in tables.every() for case in wrong_cases(tables, table, op, TOKENS)]
    found += [case for table, op in tables.every() if (case := guarded_case(table, op)) is not None]
    return found + [good_case(table, op, TOKENS) for table, op in tables.every() if op.describable]


def test_every_request_is_an_envelope_of_its_operation() -> None:
    made = everything(TABLES)
    assert len(made) > 700
    for case in made:
        name = case.name if case.prefix else f"{TABLES.services[case.service].prefix}:{case.name}"
        node = answer(element(name, case.body))
        assert node.name.local == case.operation
        assert bool(case.faults) is (case.mistake is not None)


def test_a_wrong_request_differs_from_the_good_one() -> None:
    for table, operation in TABLES.every():
        if operation.describable:
            good = good_case(table, operation, TOKENS).body
            assert all(case.body != good for case in wrong_cases(TABLES, table, operation, TOKENS)), operation.name


@given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.text(st.characters(exclude_categories=["C"]), min_size=1)))
def test_any_token_comes_back_from_the_envelope(tokens: dict[str, str]) -> None:
    for name in ("GetProfile", "DeleteProfile"):
        table, operation = found("media", name)
        try:
            case = good_case(table, operation, tokens)
        except NoToken:
            assert "profile" not in tokens
            continue
        assert answer(element(f"trt:{name}", case.body)).value("ProfileToken") == tokens["profile"].strip()


@pytest.mark.parametrize(
    ("inside", "flaws"),
    [
        ("<tr2:Uri>rtsp://a/1</tr2:Uri>", []),
        ("", ["Uri: 0 of at least 1"]),
        ("<tr2:Uri/>", ["Uri: '' is no uri"]),
        ("<trt:Uri>rtsp://a/1</trt:Uri>", ["Uri: 0 of at least 1"]),
        ("<tr2:Uri>a</tr2:Uri><tr2:Uri>b</tr2:Uri>", ["Uri: 2 of at most 1"]),
    ],
)
def test_shapes_without_a_schema(inside: str, flaws: list[str]) -> None:
    node = answer(element("tr2:GetStreamUriResponse", inside))
    assert shape_flaws(*found("media2", "GetStreamUri"), node) == flaws


def test_the_answer_of_another_operation() -> None:
    table, operation = found("media2", "GetStreamUri")
    told = shape_flaws(table, operation, answer("<tr2:GetSnapshotUriResponse/>"))
    assert told == ["GetSnapshotUriResponse in place of GetStreamUriResponse"]


def test_shape_of_flags_and_lists() -> None:
    wrong = (
        "<tds:SetHostnameFromDHCPResponse><tds:RebootNeeded>maybe</tds:RebootNeeded></tds:SetHostnameFromDHCPResponse>"
    )
    assert shape_flaws(*found("device", "SetHostnameFromDHCP"), answer(wrong)) == [
        "RebootNeeded: 'maybe' is no boolean"
    ]
    wrong = "<tds:GetDiscoveryModeResponse><tds:DiscoveryMode>Shy</tds:DiscoveryMode></tds:GetDiscoveryModeResponse>"
    assert shape_flaws(*found("device", "GetDiscoveryMode"), answer(wrong)) == ["DiscoveryMode: 'Shy' is no choice"]


def encoder(inside: str, attributes: str = ' token="e1"') -> Node:
    told = f"<tr2:Configurations{attributes}>{inside}</tr2:Configurations>"
    return answer(element("tr2:GetVideoEncoderConfigurationsResponse", told))


ENCODER = (
    "<tt:Name>main</tt:Name>",
    "<tt:UseCount>1</tt:UseCount>",
    "<tt:Encoding>H265</tt:Encoding>",
    "<tt:Resolution><tt:Width>1920</tt:Width><tt:Height>1080</tt:Height></tt:Resolution>",
    "<tt:Quality>3.5</tt:Quality>",
)


@pytest.mark.parametrize(
    ("parts", "attributes", "flaws"),
    [
        (ENCODER, ' token="e1"', []),
        (ENCODER, "", ["Configurations: no attribute token"]),
        (ENCODER[1:], ' token="e1"', ["Configurations/Name: 0 of at least 1"]),
        ((*ENCODER[1:], ENCODER[0]), ' token="e1"', ["Configurations/UseCount: out of order"]),
        (
            (*ENCODER[:4], "<tt:Quality>best</tt:Quality>"),
            ' token="e1"',
            ["Configurations/Quality: 'best' is no decimal"],
        ),
        (
            (*ENCODER[:3], "<tt:Resolution><tt:Width>1920</tt:Width></tt:Resolution>", ENCODER[4]),
            ' token="e1"',
            ["Configurations/Resolution/Height: 0 of at least 1"],
        ),
        ((*ENCODER, "<tt:Later>1</tt:Later>"), ' token="e1"', []),
    ],
)
def test_shapes_inside_of_elements(parts: tuple[str, ...], attributes: str, flaws: list[str]) -> None:
    node = encoder("".join(parts), attributes)
    assert shape_flaws(*found("media2", "GetVideoEncoderConfigurations"), node) == flaws

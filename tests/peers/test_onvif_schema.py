"""Answers against the schemas of the services: our narrowed schemas agree with an XSD 1.1 processor."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import pytest
import xmlschema

from conformance.peers.onvif.schema import AnswerSchema, answer_schema, rewritten, schema_folder
from conformance.protocols.soap import element, envelope
from conformance.protocols.xml_names import Name

TDS = "http://www.onvif.org/ver10/device/wsdl"
TIMG = "http://www.onvif.org/ver20/imaging/wsdl"
TEV = "http://www.onvif.org/ver10/events/wsdl"
TT = "http://www.onvif.org/ver10/schema"
INFORMATION = "".join(
    element(f"tds:{name}", "x") for name in ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber", "HardwareId")
)


def user(level: str = "User", extra: str = "") -> str:
    inside = f"<tt:Username>a</tt:Username><tt:UserLevel>{level}</tt:UserLevel>{extra}"
    return f"<tds:GetUsersResponse><tds:User>{inside}</tds:User></tds:GetUsersResponse>"


def hostname(inside: str) -> str:
    told = element("tds:HostnameInformation", inside)
    return f"<tds:GetHostnameResponse>{told}</tds:GetHostnameResponse>"


VALID = {
    "information": f"<tds:GetDeviceInformationResponse>{INFORMATION}</tds:GetDeviceInformationResponse>",
    "users": user(),
    "no users": "<tds:GetUsersResponse/>",
    "hostname": hostname("<tt:FromDHCP>false</tt:FromDHCP><tt:Name>cam</tt:Name>"),
    "a vendor's element": user(extra='<tt:Extension><v:New xmlns:v="urn:vendor">1</v:New></tt:Extension>'),
}
INVALID = {
    "too little": ("<tds:GetDeviceInformationResponse/>", "GetDeviceInformationResponse"),
    "no such level": (user("Boss"), "GetUsersResponse/User/UserLevel"),
    "a vendor's element in between": (
        hostname('<tt:FromDHCP>0</tt:FromDHCP><v:New xmlns:v="urn:vendor">1</v:New>'),
        "GetHostnameResponse/HostnameInformation/New",
    ),
    "no boolean": (hostname("<tt:FromDHCP>maybe</tt:FromDHCP>"), "GetHostnameResponse/HostnameInformation/FromDHCP"),
    "twice": (user(extra="<tt:UserLevel>User</tt:UserLevel>"), "GetUsersResponse/User/UserLevel"),
    "wrong namespace": (
        "<tds:GetUsersResponse><tt:User/></tds:GetUsersResponse>",
        "GetUsersResponse/User",
    ),
}


@pytest.fixture
def schema() -> AnswerSchema:
    found = answer_schema()
    assert found is not None
    return found


@lru_cache
def oracle() -> Any:
    folder = schema_folder()
    assert folder is not None
    from lxml import etree

    wsdl = etree.parse(folder / "devicemgmt.wsdl").getroot()
    types = wsdl.find(".//{http://www.w3.org/2001/XMLSchema}schema")
    assert isinstance(types, etree._Element)
    return xmlschema.XMLSchema11(etree.tostring(types).decode(), base_url=str(folder), allow="sandbox")


def test_it_covers_what_the_package_holds(schema: AnswerSchema) -> None:
    for namespace, operation in ((TDS, "GetUsers"), (TIMG, "GetOptions"), (TEV, "PullMessages")):
        assert schema.covers(Name(namespace, f"{operation}Response"))
    assert not schema.covers(Name(TIMG, "GetCurrentPresetResponse"))
    assert not schema.covers(Name("http://www.onvif.org/ver20/media/wsdl", "GetProfilesResponse"))
    assert {"GetUsersResponse", "UserLevel", "NotificationMessage"} <= schema.names


def test_it_is_compiled_once(schema: AnswerSchema) -> None:
    assert answer_schema() is schema


@pytest.mark.parametrize("about", VALID)
def test_good_answers(schema: AnswerSchema, about: str) -> None:
    assert [str(flaw) for flaw in schema.flaws(envelope(VALID[about]))] == []


@pytest.mark.parametrize("about", INVALID)
def test_bad_answers(schema: AnswerSchema, about: str) -> None:
    text, path = INVALID[about]
    flaws = schema.flaws(envelope(text))
    assert flaws[0].path == path
    assert flaws[0].line == 2


def test_the_default_namespace_hides_nothing(schema: AnswerSchema) -> None:
    inside = f'<User><Username xmlns="{TT}">a</Username><UserLevel xmlns="{TT}">Boss</UserLevel></User>'
    flaws = schema.flaws(envelope(f'<GetUsersResponse xmlns="{TDS}">{inside}</GetUsersResponse>'))
    assert [flaw.path for flaw in flaws] == ["GetUsersResponse/User/UserLevel"]


def test_elements_of_later_releases_are_let_pass(schema: AnswerSchema) -> None:
    assert schema.flaws(envelope(user(extra="<tt:LaterElement>1</tt:LaterElement>"))) == []


def test_known_elements_in_a_wrong_place_are_not(schema: AnswerSchema) -> None:
    assert schema.flaws(envelope(user(extra="<tt:Username>b</tt:Username>"))) != []


def test_an_unknown_response_is_told(schema: AnswerSchema) -> None:
    assert [flaw.path for flaw in schema.flaws(envelope("<tds:NoSuchResponse/>"))] == ["NoSuchResponse"]


@pytest.mark.parametrize("raw", [b"", b"<", b"<a/>", envelope("")], ids=["empty", "broken", "foreign", "no body"])
def test_what_is_no_answer_has_no_flaws_here(schema: AnswerSchema, raw: bytes) -> None:
    assert schema.flaws(raw) == []


def test_a_document_with_a_dtd_is_left_to_the_reader_of_envelopes(schema: AnswerSchema) -> None:
    raw = b'<!DOCTYPE x [<!ENTITY a "Boss">]>' + envelope(user("&a;")).split(b"?>", 1)[1]
    assert schema.flaws(raw) == []


def test_no_wildcard_is_left_that_takes_its_own_namespace() -> None:
    folder = schema_folder()
    assert folder is not None
    texts, _, _ = rewritten(folder)
    assert len(texts) > 15
    assert not any(b'##any"' in text.replace(b'anyAttribute namespace="##any"', b"") for text in texts.values())


@pytest.mark.parametrize("about", [*VALID, *INVALID])
def test_an_xsd_1_1_processor_says_the_same(schema: AnswerSchema, about: str) -> None:
    from lxml import etree

    text = VALID.get(about) or INVALID[about][0]
    root = etree.fromstring(envelope(text))[0][0]
    assert oracle().is_valid(etree.fromstring(etree.tostring(root))) is (schema.flaws_of(root) == [])

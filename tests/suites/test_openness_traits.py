"""Other ways to write the same: the XML of a device, the HTTP and JSON of a client."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.tykd_message import decode_message, encode_message
from conformance.suites.platform.test_openness import (
    closing,
    large_names,
    other_writing,
    small_names,
    spaced_json,
    traits_of,
)
from specs.declared_platform import ProvisionedDevice
from specs.messages import load_message_table

TABLE = load_message_table()
BODY = b'{"phone": "13800000001", "password": "x"}'
REQUEST = RawRequest(
    "POST",
    "/api/v1/sessions",
    (
        ("Host", "x"),
        ("Authorization", "Bearer abc"),
        ("Content-Type", "application/json"),
        ("Content-Length", str(len(BODY))),
    ),
    BODY,
)


def test_another_xml_library_says_the_same() -> None:
    xml = b'<?xml version="1.0" encoding="utf-8"?><LOGIN_REQ><DevVer>V1</DevVer><UpnpIP></UpnpIP></LOGIN_REQ>'
    written = other_writing(xml)
    assert written == (
        b"<?xml version='1.0' encoding='UTF-8'?>\n<LOGIN_REQ>\n<DevVer>V1</DevVer>\n<UpnpIP/>\n</LOGIN_REQ>"
    )
    told = [[(node.tag, node.text or "") for node in ElementTree.fromstring(text)] for text in (xml, written)]
    assert told[0] == told[1] == [("DevVer", "V1"), ("UpnpIP", "")]


def test_the_table_reads_both() -> None:
    identity = DeviceIdentity("KDN00000001", "0123456789abcdef")
    xml = encode_message(TABLE, "ABILITYUP", "request", identity.abilities(TABLE), check=False)
    read = [decode_message(TABLE, "ABILITYUP", "device-to-platform", text) for text in (xml, other_writing(xml))]
    assert read[0].values == read[1].values
    assert read[1].violations == ()


def test_one_device_of_every_maker_and_model_then_other_habits() -> None:
    devices = (
        ProvisionedDevice("AAA1", "k", "M1", owner="o"),
        ProvisionedDevice("AAA2", "k", "M1", owner="o"),
        ProvisionedDevice("AAA3", "k", "M2", owner="o"),
        ProvisionedDevice("BBB1", "k", "M1", owner="p"),
        ProvisionedDevice("CCC1", "k", "M1"),
    )
    assert [(trait.device.dev_id, trait.sequence) for trait in traits_of(devices)] == [
        ("AAA1", 0),
        ("AAA3", 0),
        ("BBB1", 0),
        ("AAA1", 0),
        ("AAA1", 0xFFFC),
    ]
    assert traits_of(()) == []


def test_names_of_headers() -> None:
    assert [name for name, _ in small_names(REQUEST).headers[:4]] == [
        "host",
        "authorization",
        "content-type",
        "content-length",
    ]
    assert ("AUTHORIZATION", "bearer abc") in large_names(REQUEST).headers
    assert closing(REQUEST).headers[-1] == ("Connection", "close")


def test_json_written_otherwise() -> None:
    written = spaced_json(REQUEST)
    assert written.body == b'{\n  "\\u0070assword": "x",\n  "phone": "13800000001"\n}'
    assert json.loads(written.body) == json.loads(BODY)
    assert dict(written.headers)["Content-Length"] == str(len(written.body))
    assert dict(written.headers)["Content-Type"] == "application/json; charset=utf-8"
    assert spaced_json(RawRequest("GET", "/", (("Host", "x"),))).body == b""

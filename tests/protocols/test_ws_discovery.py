"""WS-Discovery: what is written can be read, and nothing but CodecError comes of other bytes."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conformance.protocols import ws_discovery
from conformance.protocols.violation import CodecError
from conformance.protocols.ws_discovery import DEVICE, TRANSMITTER, WSD, Target

SCOPES = ("onvif://www.onvif.org/hardware/GC-1", "onvif://www.onvif.org/name/a%20b")
TARGET = Target("urn:uuid:1", (TRANSMITTER, DEVICE), SCOPES, ("http://192.0.2.7/onvif/device_service",), 3)
MATCHES = b"""<?xml version="1.0" encoding="UTF-8"?>
<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://www.w3.org/2003/05/soap-envelope"
 xmlns:wsa="http://schemas.xmlsoap.org/ws/2004/08/addressing"
 xmlns:wsdd="http://schemas.xmlsoap.org/ws/2005/04/discovery" xmlns:n="http://www.onvif.org/ver10/network/wsdl">
<SOAP-ENV:Header><wsa:MessageID>uuid:b</wsa:MessageID><wsa:RelatesTo> uuid:a </wsa:RelatesTo>
<wsa:Action>http://schemas.xmlsoap.org/ws/2005/04/discovery/ProbeMatches</wsa:Action></SOAP-ENV:Header>
<SOAP-ENV:Body><wsdd:ProbeMatches>
<wsdd:ProbeMatch><wsa:EndpointReference><wsa:Address>urn:uuid:1</wsa:Address></wsa:EndpointReference>
<wsdd:Types>n:NetworkVideoTransmitter unbound:Thing</wsdd:Types><wsdd:Scopes>s1
 s2</wsdd:Scopes><wsdd:XAddrs>http://192.0.2.7/x http://192.0.2.8/x</wsdd:XAddrs>
<wsdd:MetadataVersion>7</wsdd:MetadataVersion></wsdd:ProbeMatch>
<wsdd:ProbeMatch><wsdd:MetadataVersion>seven</wsdd:MetadataVersion></wsdd:ProbeMatch>
</wsdd:ProbeMatches></SOAP-ENV:Body></SOAP-ENV:Envelope>"""


def test_a_probe_says_what_it_asks_for() -> None:
    data = ws_discovery.probe("urn:uuid:9", "dn:NetworkVideoTransmitter tds:Device", SCOPES, matching=f"{WSD}/strcmp0")
    found = ws_discovery.read(data)
    assert (found.kind, found.message_id, found.action) == ("Probe", "urn:uuid:9", f"{WSD}/Probe")
    assert found.to == "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
    assert (found.types, found.scopes, found.matching) == ((TRANSMITTER, DEVICE), SCOPES, f"{WSD}/strcmp0")
    assert not found.unknown_type


def test_an_empty_probe_asks_for_anything() -> None:
    found = ws_discovery.read(ws_discovery.probe("urn:uuid:9"))
    assert (found.types, found.scopes, found.matching, found.targets) == ((), (), "", ())


@pytest.mark.parametrize("kind", ["Hello", "Bye"])
def test_hello_and_bye_tell_of_one_device(kind: str) -> None:
    found = ws_discovery.read(ws_discovery.write(kind, ws_discovery.target_body(TARGET), "urn:uuid:2"))
    assert (found.kind, found.targets) == (kind, (TARGET,))


def test_matches_of_another_writer() -> None:
    found = ws_discovery.read(MATCHES)
    assert (found.kind, found.relates_to, found.unknown_type) == ("ProbeMatches", "uuid:a", False)
    addresses = ("http://192.0.2.7/x", "http://192.0.2.8/x")
    assert found.targets == (
        Target("urn:uuid:1", (TRANSMITTER,), ("s1", "s2"), addresses, 7),
        Target("", (), (), (), None),
    )


def test_a_type_whose_prefix_stands_for_nothing_is_told() -> None:
    data = ws_discovery.probe("urn:uuid:9", "dn:NetworkVideoTransmitter").replace(b">dn:", b">unbound:")
    found = ws_discovery.read(data)
    assert (found.types, found.unknown_type) == ((), True)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\xff",
        b"<Probe/>",
        ws_discovery.write("Probe", "", "urn:uuid:1").replace(b"d:Probe", b"d:Prob"),
        ws_discovery.probe("urn:uuid:1")[:200],
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(CodecError):
        ws_discovery.read(data)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, len(MATCHES) - 1), st.integers(0, 255))
def test_a_changed_byte_raises_nothing_else(place: int, value: int) -> None:
    changed = bytearray(MATCHES)
    changed[place] = value
    try:
        found = ws_discovery.read(bytes(changed))
    except CodecError:
        found = None
    if found is not None:
        assert found.kind in ("ProbeMatches", "Probe", "Hello", "Bye", "Resolve", "ResolveMatches")

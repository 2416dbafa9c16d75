"""Envelopes against bytes written by hand, and against whatever bytes come."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from conformance.protocols.safe_xml import XmlError
from conformance.protocols.soap import (
    SOAP_11,
    SOAP_12,
    SoapError,
    element,
    envelope,
    fault,
    long_name,
    read_envelope,
    short_name,
)
from conformance.protocols.xml_names import Name, parse_named

FOREIGN_FAULT = b"""<?xml version="1.0"?>
<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:e="http://www.onvif.org/ver10/error">
 <s:Body><s:Fault>
  <s:Code><s:Value>s:Sender</s:Value>
   <s:Subcode><s:Value>e:InvalidArgVal</s:Value><s:Subcode><s:Value>e:NoProfile</s:Value></s:Subcode></s:Subcode>
  </s:Code>
  <s:Reason><s:Text xml:lang="de">Nein</s:Text><s:Text xml:lang="en">No such profile</s:Text></s:Reason>
  <s:Detail><x xmlns="urn:x">1</x></s:Detail>
 </s:Fault></s:Body>
</s:Envelope>"""


def test_a_fault_is_read_with_every_subcode() -> None:
    fault = read_envelope(FOREIGN_FAULT).fault
    assert fault is not None
    assert fault.codes == ("env:Sender", "ter:InvalidArgVal", "ter:NoProfile")
    assert fault.code == "env:Sender"
    assert fault.reason == "No such profile"
    assert fault.detail is not None
    assert fault.detail.children[0].name == Name("urn:x", "x")
    assert str(fault) == "env:Sender/ter:InvalidArgVal/ter:NoProfile (No such profile)"


def test_what_is_written_is_read_again_and_lxml_agrees() -> None:
    body = fault(("env:Sender", "ter:NotAuthorized"), "a <b> & c", detail=element("tt:Text", "x"))
    data = envelope(body)
    read = read_envelope(data).fault
    assert read is not None
    assert (read.codes, read.reason) == (("env:Sender", "ter:NotAuthorized"), "a <b> & c")
    root = etree.fromstring(data)
    assert root.tag == "{http://www.w3.org/2003/05/soap-envelope}Envelope"
    assert root.nsmap == {
        "env": "http://www.w3.org/2003/05/soap-envelope",
        "ter": "http://www.onvif.org/ver10/error",
        "tt": "http://www.onvif.org/ver10/schema",
    }
    assert root.findtext(".//{*}Reason/{*}Text") == "a <b> & c"


def test_request_with_header() -> None:
    data = envelope(element("tds:GetScopes"), element("wsa:Action", "urn:a"))
    assert data == (
        b'<?xml version="1.0" encoding="utf-8"?>\n'
        b'<env:Envelope xmlns:env="http://www.w3.org/2003/05/soap-envelope" '
        b'xmlns:tds="http://www.onvif.org/ver10/device/wsdl" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
        b"<env:Header><wsa:Action>urn:a</wsa:Action></env:Header><env:Body><tds:GetScopes/></env:Body></env:Envelope>"
    )
    read = read_envelope(data)
    assert read.first is not None
    assert read.first.name == long_name("tds:GetScopes")
    assert short_name(read.first.name) == "tds:GetScopes"
    action = read.headed(Name("http://www.w3.org/2005/08/addressing", "Action"))
    assert action is not None
    assert action.value() == "urn:a"


def test_an_element_escapes_its_attributes() -> None:
    written = element("a", "", {"t": "x\"<&'"})
    assert parse_named(written.encode()).attribute("t") == "x\"<&'"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (b"<a/>", "soap.root"),
        (f'<e:Envelope xmlns:e="{SOAP_11}"><e:Body/></e:Envelope>'.encode(), "soap.root"),
        (f'<e:Envelope xmlns:e="{SOAP_12}"/>'.encode(), "soap.body"),
        (f'<e:Envelope xmlns:e="{SOAP_12}"><e:Body/><e:Body/></e:Envelope>'.encode(), "soap.body"),
        (f'<e:Envelope xmlns:e="{SOAP_12}"><e:Body/><e:Header/></e:Envelope>'.encode(), "soap.body"),
        (f'<e:Envelope xmlns:e="{SOAP_12}"><e:Body><e:Fault/></e:Body></e:Envelope>'.encode(), "soap.fault.code"),
        (
            f'<e:Envelope xmlns:e="{SOAP_12}"><e:Body><e:Fault><e:Code><e:Value>x:Sender</e:Value></e:Code>'
            "</e:Fault></e:Body></e:Envelope>".encode(),
            "soap.fault.value",
        ),
        (b"<x:a/>", "xml.namespace.prefix"),
        (b'<a xmlns:p="urn:1" xmlns:q="urn:1" p:x="1" q:x="2"/>', "xml.namespace.twice"),
        (b'<a xmlns:p=""/>', "xml.namespace.empty"),
        (b'<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', "xml.dtd"),
        (b"<a>" * 60, "xml.depth"),
        (b"", "xml.syntax"),
    ],
)
def test_what_is_no_envelope_is_refused(data: bytes, rule: str) -> None:
    with pytest.raises((SoapError, XmlError)) as caught:
        read_envelope(data)
    assert caught.value.rule == rule


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    try:
        read_envelope(data)
    except (SoapError, XmlError):
        return


def test_names_follow_their_scope() -> None:
    root = parse_named(b'<a xmlns="urn:1" x="1"><p:b xmlns:p="urn:2" xmlns="" p:y="2"> <c> p:v </c></p:b><b/></a>')
    assert root.name == Name("urn:1", "a")
    assert root.attributes == {Name("", "x"): "1"}
    first, second = root.children
    assert (first.name, second.name) == (Name("urn:2", "b"), Name("urn:1", "b"))
    assert first.attribute("y", "urn:2") == "2"
    leaf = root.at("b/c")
    assert leaf is not None
    assert leaf.name == Name("", "c")
    assert leaf.qname(leaf.text) == Name("urn:2", "v")
    assert leaf.qname("q:v") is None
    assert root.value("b/c") == "p:v"
    assert root.value("b/d") is None
    assert [node.name.local for node in root.walk()] == ["a", "b", "c", "b"]
    assert root.all("b", "urn:1") == [second]
    assert root.find("b", "urn:2") is first

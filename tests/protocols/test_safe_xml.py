"""Bounded XML reading: what it gives, what it refuses and where it points."""

from __future__ import annotations

import contextlib
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.safe_xml import XmlError, XmlLimits, parse_xml, text_content

BOMB = b'<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;">]><a>&y;</a>'
EXTERNAL = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
PARAMETER = b'<!DOCTYPE a [<!ENTITY % x SYSTEM "http://192.0.2.1/x.dtd"> %x;]><a/>'


def test_texts_positions_and_lines() -> None:
    document = parse_xml(b'<?xml version="1.0" encoding="utf-8"?>\n<A n="1"><B> x &amp; y </B>\n<C/></A>')
    root = document.root
    assert document.declared
    assert (root.name, root.attributes, root.offset, root.line) == ("A", {"n": "1"}, 39, 2)
    assert [(c.name, c.text, c.offset, c.line) for c in root.children] == [("B", " x & y ", 48, 2), ("C", "", 67, 3)]
    assert root.find("C") is root.children[1]
    assert root.find("D") is None


def test_cdata_references_and_chinese_text() -> None:
    document = parse_xml("<a><![CDATA[<b>]]>&#x5e97;店&lt;</a>".encode())
    assert document.root.text == "<b>店店<"
    assert not document.declared


@pytest.mark.parametrize("data", [b'\xef\xbb\xbf<?xml version="1.0"?><a/>', b"<a/>\r\n", b"<!-- x --><a/>"])
def test_harmless_surroundings_are_taken(data: bytes) -> None:
    assert parse_xml(data).root.name == "a"


@pytest.mark.parametrize(
    ("data", "rule"),
    [
        (BOMB, "xml.dtd"),
        (EXTERNAL, "xml.dtd"),
        (PARAMETER, "xml.dtd"),
        (b"<!DOCTYPE a><a/>", "xml.dtd"),
        (b"<a>&nbsp;</a>", "xml.syntax"),
        (b"", "xml.syntax"),
        (b"<a>", "xml.syntax"),
        (b"<a></b>", "xml.syntax"),
        (b"<a/><b/>", "xml.syntax"),
        (b"<a>\x00</a>", "xml.syntax"),
        (b"<a b='1' b='2'/>", "xml.syntax"),
        (b"\xff\xfe<\x00a\x00/\x00>\x00", "xml.encoding"),
        ("<a>店</a>".encode("gbk"), "xml.encoding"),
        (b'<?xml version="1.0" encoding="gb2312"?><a/>', "xml.encoding"),
        (b"<a>" * 17 + b"</a>" * 17, "xml.depth"),
        (b"<a>" * 20000, "xml.depth"),
        (b"<r>" + b"<a/>" * 4096 + b"</r>", "xml.elements"),
        (b"<a>" + b"x" * 65535 + b"</a>", "xml.size"),
        (b"<a " + b" ".join(b"a%d='1'" % n for n in range(33)) + b"/>", "xml.attributes"),
    ],
)
def test_refused(data: bytes, rule: str) -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(data)
    assert caught.value.rule == rule


def test_a_fault_points_at_its_byte_and_line() -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(b"<a>\n  <b></c>\n</a>")
    assert (caught.value.line, caught.value.offset) == (2, 11)
    assert caught.value.seen.startswith(b"c>")


def test_a_byte_that_is_not_utf8_is_pointed_at() -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(b"<a>ab\xe5</a>")
    assert caught.value.offset == 5


def test_long_text_in_pieces_is_counted_as_one() -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(b"<a>" + b"x&amp;" * 60 + b"</a>", XmlLimits(text=100))
    assert caught.value.rule == "xml.text"


def test_limits_are_inclusive() -> None:
    data = b"<a><b>xx</b></a>"
    assert parse_xml(data, XmlLimits(size=len(data), depth=2, elements=2, text=2)).root.children[0].text == "xx"


@pytest.mark.parametrize(
    ("text", "code"), [("a\x00", "U+0000"), ("\x1b", "U+001B"), ("\ud800", "U+D800"), ("￾", "U+FFFE")]
)
def test_characters_that_xml_cannot_carry(text: str, code: str) -> None:
    with pytest.raises(XmlError) as caught:
        text_content(text)
    assert code in str(caught.value)


xml_text = st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="￾￿"), max_size=60)


@given(xml_text, st.sampled_from(["", "\r", "\r\n", "\t \n"]))
def test_text_round_trips_and_another_parser_agrees(text: str, tail: str) -> None:
    data = f"<a>{text_content(text + tail)}</a>".encode()
    assert parse_xml(data).root.text == text + tail
    assert (ElementTree.fromstring(data).text or "") == text + tail


@given(st.one_of(st.binary(max_size=200), st.text("<>/&;!?[]aAx\"'= \n-", max_size=80).map(str.encode)))
def test_any_bytes_raise_nothing_but_an_xml_error(data: bytes) -> None:
    name = b""
    with contextlib.suppress(XmlError):
        name = parse_xml(data).root.name.encode()
    assert name in data


@given(st.binary(max_size=60))
def test_a_fault_lies_inside_the_input(tail: bytes) -> None:
    with pytest.raises(XmlError) as caught:
        parse_xml(b"<a><b><" + tail.replace(b"<", b""))
    assert 0 <= caught.value.offset <= len(tail) + 7

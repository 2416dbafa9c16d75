"""UsernameToken against the example that the application programmer's guide of ONVIF publishes."""

from __future__ import annotations

import base64

import pytest

from conformance.protocols.soap import envelope, read_envelope
from conformance.protocols.ws_security import (
    DIGEST,
    SECURITY,
    TEXT,
    TokenError,
    UsernameToken,
    digest_token,
    epoch_of,
    moment,
    password_digest,
    proves,
    read_token,
    security_header,
)
from conformance.protocols.xml_names import parse_named

NONCE = base64.b64decode("LKqI6G/AikKCQrN0zqZFlg==")
CREATED = "2010-09-16T07:50:45Z"


def test_published_vector() -> None:
    assert password_digest(NONCE, CREATED, "userpassword") == "tuOSpGlFlIXsozq4HFNeeGeFLEI="


def read_back(token: UsernameToken) -> UsernameToken:
    block = read_envelope(envelope("<x/>", security_header(token))).headed(SECURITY)
    assert block is not None
    return read_token(block)


def test_a_token_survives_the_wire_and_proves_its_password() -> None:
    token = digest_token("us<er", "userpassword", NONCE, CREATED)
    assert read_back(token) == token
    assert proves(token, "userpassword")
    assert not proves(token, "userpasswort")


@pytest.mark.parametrize(
    "token",
    [
        UsernameToken("u", "userpassword", DIGEST, NONCE, CREATED),
        UsernameToken("u", "tuOSpGlFlIXsozq4HFNeeGeFLEI=", DIGEST, None, CREATED),
        UsernameToken("u", "tuOSpGlFlIXsozq4HFNeeGeFLEI=", DIGEST, NONCE, None),
        UsernameToken("u", "tuOSpGlFlIXsozq4HFNeeGeFLEI=", TEXT, NONCE, CREATED),
        UsernameToken("u", "tuOSpGlFlIXsozq4HFNeeGeFLEI=", "urn:other", NONCE, CREATED),
    ],
)
def test_a_bent_token_proves_nothing(token: UsernameToken) -> None:
    assert read_back(token) == token
    assert not proves(token, "userpassword")


def test_plain_text_proves_itself() -> None:
    assert proves(UsernameToken("u", "secret", TEXT), "secret")


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(UsernameToken("u", "secret", TEXT))


@pytest.mark.parametrize(
    ("xml", "rule"),
    [
        (b"<Security/>", "wsse.token"),
        (
            b'<s:Security xmlns:s="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">'
            b"<s:UsernameToken><s:Username>a</s:Username><s:Nonce>***</s:Nonce></s:UsernameToken></s:Security>",
            "wsse.nonce",
        ),
    ],
)
def test_unreadable_headers(xml: bytes, rule: str) -> None:
    with pytest.raises(TokenError) as caught:
        read_token(parse_named(xml))
    assert caught.value.rule == rule


@pytest.mark.parametrize(
    ("text", "epoch"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10.250Z", 10.25),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01T00:00:10", 10.0),
        ("1970-13-01T00:00:10Z", None),
        ("10", None),
    ],
)
def test_moments(text: str, epoch: float | None) -> None:
    assert epoch_of(text) == epoch


def test_moment_is_written_in_milliseconds() -> None:
    assert moment(1284623445.1239) == "2010-09-16T07:50:45.123Z"

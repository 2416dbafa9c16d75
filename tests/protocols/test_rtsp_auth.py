"""Authentication: the worked examples of RFC 2617 and RFC 7616, both sides, faults."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.rtsp import RtspError
from conformance.protocols.rtsp_auth import (
    Challenge,
    Credentials,
    answer_challenge,
    digest_response,
    format_authorization,
    format_www_authenticate,
    parse_authorization,
    parse_www_authenticate,
    verify,
)

RFC_2617 = (
    'Digest realm="testrealm@host.com", qop="auth,auth-int", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
    'opaque="5ccc069c403ebaf9f0171e9517f40e41"'
)
RFC_7616 = (
    'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={}, '
    'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
)
PLAIN = Challenge("Digest", "cam", "abc")


def test_the_example_of_rfc_2617() -> None:
    (challenge,) = parse_www_authenticate(RFC_2617)
    credentials = answer_challenge(challenge, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", cnonce="0a4f113b")
    assert credentials.response == "6629fae49393a05397450978507c4ef1"
    assert format_authorization(credentials) == (
        'Digest username="Mufasa", realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093", '
        'uri="/dir/index.html", response="6629fae49393a05397450978507c4ef1", cnonce="0a4f113b", qop=auth, '
        'nc=00000001, opaque="5ccc069c403ebaf9f0171e9517f40e41"'
    )
    assert verify(credentials, challenge, "Mufasa", "Circle Of Life", "GET")


@pytest.mark.parametrize(
    "algorithm, response",
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_examples_of_rfc_7616(algorithm: str, response: str) -> None:
    (challenge,) = parse_www_authenticate(RFC_7616.format(algorithm))
    credentials = answer_challenge(
        challenge,
        "Mufasa",
        "Circle of Life",
        "GET",
        "/dir/index.html",
        cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    )
    assert credentials.response == response


def test_the_form_without_qop() -> None:
    credentials = Credentials("Digest", "Mufasa", "", "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093")
    credentials = replace(credentials, uri="/dir/index.html")
    assert digest_response(credentials, "CircleOfLife", "GET") == "1949323746fe6a43ef61f9606e7febea"


def test_the_basic_example_of_rfc_2617() -> None:
    credentials = parse_authorization("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
    assert (credentials.username, credentials.password) == ("Aladdin", "open sesame")
    assert format_authorization(credentials) == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    challenge = Challenge("Basic", "WallyWorld")
    assert format_www_authenticate(challenge) == 'Basic realm="WallyWorld"'
    assert verify(credentials, challenge, "Aladdin", "open sesame", "DESCRIBE")
    assert not verify(credentials, challenge, "Aladdin", "open", "DESCRIBE")
    assert answer_challenge(challenge, "Aladdin", "open sesame", "PLAY", "*").username == "Aladdin"


def test_several_challenges_in_one_and_in_several_headers() -> None:
    both = parse_www_authenticate('Digest realm="a, b", nonce="n=1", stale=TRUE, Basic realm="c"')
    assert both == [Challenge("Digest", "a, b", "n=1", stale=True), Challenge("Basic", "c")]
    assert parse_www_authenticate(['Basic realm="c"', 'Digest realm="a, b", nonce="n=1", stale=true'])[1] == both[0]


def test_verify_refuses_everything_that_is_not_the_answer() -> None:
    credentials = answer_challenge(PLAIN, "admin", "secret", "DESCRIBE", "rtsp://h/")
    assert verify(credentials, PLAIN, "admin", "secret", "DESCRIBE")
    assert not verify(credentials, PLAIN, "admin", "secret", "PLAY")
    assert not verify(credentials, PLAIN, "admin", "other", "DESCRIBE")
    assert not verify(credentials, PLAIN, "root", "secret", "DESCRIBE")
    assert not verify(credentials, replace(PLAIN, nonce="abd"), "admin", "secret", "DESCRIBE")
    assert not verify(credentials, replace(PLAIN, realm="x"), "admin", "secret", "DESCRIBE")
    assert not verify(credentials, replace(PLAIN, algorithm="SHA-256"), "admin", "secret", "DESCRIBE")
    assert not verify(replace(credentials, uri="rtsp://h/b"), PLAIN, "admin", "secret", "DESCRIBE")
    assert not verify(replace(credentials, response=""), PLAIN, "admin", "secret", "DESCRIBE")
    assert not verify(replace(credentials, algorithm="CRC"), replace(PLAIN, algorithm="CRC"), "admin", "secret", "PLAY")


def test_a_qop_needs_count_and_client_nonce_and_must_have_been_offered() -> None:
    challenge = replace(PLAIN, qop=("auth",))
    credentials = answer_challenge(challenge, "a", "b", "PLAY", "u", cnonce="c", count=17)
    assert credentials.nc == "00000011"
    assert verify(credentials, challenge, "a", "b", "PLAY")
    assert not verify(credentials, PLAIN, "a", "b", "PLAY")
    for broken in (replace(credentials, nc="1"), replace(credentials, cnonce="")):
        right = replace(broken, response=digest_response(broken, "b", "PLAY"))
        assert not verify(right, challenge, "a", "b", "PLAY")


def test_what_cannot_be_answered() -> None:
    for challenge in (replace(PLAIN, qop=("auth-int",)), replace(PLAIN, algorithm="SHA-512"), Challenge("Bearer")):
        with pytest.raises(RtspError):
            answer_challenge(challenge, "a", "b", "PLAY", "u")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "=",
        'Digest realm="a"',
        'realm="a"',
        'Digest realm="a", realm="b", nonce="c"',
        "Digest " + ",".join(["a=1"] * 65),
    ],
)
def test_unreadable_challenges(value: str) -> None:
    with pytest.raises(RtspError):
        parse_www_authenticate(value)


@pytest.mark.parametrize(
    "value", ["", "Basic ***", "Basic QQ==", 'Digest username="a"', "Bearer abc", "Digest secretword"]
)
def test_unreadable_credentials_are_never_shown(value: str) -> None:
    with pytest.raises(RtspError) as caught:
        parse_authorization(value)
    assert "secretword" not in str(caught.value)


safe = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=12)


@given(
    safe, safe, safe, st.sampled_from(["MD5", "SHA-256", "MD5-sess", "SHA-256-sess"]), st.sampled_from([(), ("auth",)])
)
def test_both_sides_agree(user: str, realm: str, nonce: str, algorithm: str, qop: tuple[str, ...]) -> None:
    challenge = Challenge("Digest", realm, nonce, algorithm, qop, opaque='o"\\')
    (read,) = parse_www_authenticate(format_www_authenticate(challenge))
    assert read == challenge
    credentials = answer_challenge(read, user, "p", "PLAY", "rtsp://h/a", cnonce="c")
    received = parse_authorization(format_authorization(credentials))
    assert received == credentials
    assert verify(received, challenge, user, "p", "PLAY")
    assert not verify(received, challenge, user, "q", "PLAY")


words = st.sampled_from(["Digest ", "Basic ", "realm=", "nonce=", '"', "\\", ",", "=", " ", "a"])


@given(st.lists(words | st.text(max_size=4), max_size=12).map("".join))
def test_noise_raises_nothing_else(text: str) -> None:
    for read in (parse_www_authenticate, parse_authorization):
        with suppress(RtspError):
            read(text)

"""Links of every scheme, good and forged: nothing forged is good by the scheme itself."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable
from typing import Any, cast

import pytest

from conformance.peers.streams.forged_links import (
    bare,
    changed_digests,
    detoured,
    detours,
    moved_times,
    repeated,
    rewritten_digests,
)
from conformance.peers.streams.forged_requests import METHODS, by_method, forwarded, in_headers
from conformance.peers.streams.http_fetcher import Asked
from conformance.peers.streams.signed_links import SignedLinks
from conformance.protocols.signed_url import UrlError, genuine, read_time
from conformance.wire import Wire
from specs.declared_streams import Streams
from specs.stream_urls import load_schemes

KEY = "a-key-of-the-tests"
PATH = "/live/gate/index.m3u8"
LIFE = 300.0
NOW = 1_800_000_000.5
SCHEMES = load_schemes()


class StillWire:
    """A clock that stands still, and no tape."""

    def __init__(self) -> None:
        self.random = random.Random(3)

    def epoch(self) -> float:
        return NOW

    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        return find()


def made(scheme: str) -> SignedLinks:
    return SignedLinks(cast("Wire", StillWire()), SCHEMES[scheme], KEY, Streams(life=LIFE))


def good(scheme: str, target: str) -> bool:
    try:
        return genuine(SCHEMES[scheme], target, KEY, address="127.0.0.1")
    except UrlError:
        return False


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_what_is_signed_is_genuine_and_can_be_taken_apart(scheme: str) -> None:
    links = made(scheme)
    link = links.link(PATH)
    assert good(scheme, link.target)
    assert links.read(link.target).target == link.target
    assert links.read(link.target).path == PATH
    assert KEY not in link.target


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
@pytest.mark.parametrize("left", [-60.0, 120.0])
def test_the_time_left_is_in_the_url(scheme: str, left: float) -> None:
    links = made(scheme)
    told = read_time(SCHEMES[scheme].time, links.link(PATH, left).time)
    ends = told + (LIFE if links.birth else 0.0)
    step = 60.0 if SCHEMES[scheme].time.form == "minute" else 1.0
    assert ends == pytest.approx(links.wire.epoch() + left, abs=step)


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_no_changed_signature_is_good(scheme: str) -> None:
    links = made(scheme)
    link = links.link(PATH)
    attempts = [
        *bare(link),
        *changed_digests(links, link),
        *rewritten_digests(link),
        *moved_times(links, PATH, 9e4),
    ]
    assert [attempt.about for attempt in attempts if good(scheme, attempt.asked.target)] == []
    assert len({attempt.about for attempt in attempts}) == len(attempts)
    assert len(attempts) > 20


def test_other_writings_of_a_base64_digest_mean_the_same_bytes() -> None:
    links = made("secure-link-any")
    link = links.link(PATH)
    (other,) = [a.asked.target for a in rewritten_digests(link) if a.about == "unused bits set"]
    told = other.partition("md5=")[2].partition("&")[0]
    assert told != link.digest
    assert base64.urlsafe_b64decode(told + "==") == base64.urlsafe_b64decode(link.digest + "==")


def test_a_changed_last_digit_of_base64_means_other_bytes() -> None:
    links = made("secure-link-any")
    link = links.link(PATH)
    for attempt in changed_digests(links, link):
        if attempt.about == f"digit {len(link.digest)} changed":
            told = attempt.asked.target.partition("md5=")[2].partition("&")[0]
            assert base64.urlsafe_b64decode(told + "==") != base64.urlsafe_b64decode(link.digest + "==")
            return
    pytest.fail("the last digit is not changed")


def test_detours_of_a_path() -> None:
    found = dict(detours("/vod/gate.ts"))
    assert found["double slash inside"] == "/vod//gate.ts"
    assert found["up and down"] == "/vod/x/../gate.ts"
    assert found["an encoded letter"] == "/vod/%67ate.ts"
    assert found["encoded twice"] == "/vod/%2567ate.ts"
    assert found["other case of the folder"] == "/VOD/gate.ts"
    assert found["another extension behind NUL"] == "/vod/gate.ts%00.jpg"
    assert "/vod/gate.ts" not in found.values()


@pytest.mark.parametrize("scheme", sorted(SCHEMES))
def test_no_detour_and_no_repetition_is_good(scheme: str) -> None:
    links = made(scheme)
    link, foreign = links.link("/vod/gate.ts"), links.link("/vod/yard.ts")
    attempts = [*detoured(link, foreign), *repeated(links, "/vod/gate.ts", 9e4)]
    assert [attempt.about for attempt in attempts if good(scheme, attempt.asked.target)] == []


def test_repeated_times_carry_a_good_one_beside_an_expired_one() -> None:
    links = made("secure-link-any")
    now = links.link(PATH).time
    targets = [attempt.asked.target for attempt in repeated(links, PATH, 9e4)]
    assert any(target.endswith(f"&expires={now}") and target.count("expires=") == 2 for target in targets)


def test_headers_carry_the_signature_and_the_url_does_not() -> None:
    links = made("secure-link-any")
    link = links.link(PATH)
    requests = list(in_headers(link, "http://127.0.0.1:8080"))
    assert any(link.digest in value for r in requests for _, value in r.asked.headers)
    assert all(r.asked.target.partition("#")[0].partition("%3F")[0] == PATH for r in requests)


def test_methods_and_forwarding_headers_never_carry_a_signature() -> None:
    requests = [*by_method(PATH, "http://h"), *forwarded(PATH)]
    assert {r.asked.method for r in requests} == {*METHODS, "GET"}
    assert not [r for r in requests if "md5" in r.asked.target]
    assert ("X-Forwarded-For", "127.0.0.1") in [header for r in requests for header in r.asked.headers]


def test_the_bytes_of_a_request() -> None:
    asked = Asked("/a?b", method="POST", headers=(("X", "1"),), body=b"k=v")
    assert (
        asked.to_bytes("h:1")
        == b"POST /a?b HTTP/1.1\r\nHost: h:1\r\nX: 1\r\nContent-Length: 3\r\nConnection: close\r\n\r\nk=v"
    )
    assert Asked("/", version="HTTP/1.0", host=None).to_bytes("h") == b"GET / HTTP/1.0\r\nConnection: close\r\n\r\n"

"""HTTP messages of the redirect and register steps: exact bytes, violations, any split, limits, chunked bodies."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.http_message import (
    HttpError,
    HttpRequest,
    HttpRequestParser,
    HttpResponse,
    HttpResponseParser,
    serialize_request,
    serialize_response,
)
from conformance.protocols.message_buffer import MessageLimits
from conformance.protocols.text_head import Headers

XML = b'<?xml version="1.0" encoding="utf-8"?><REDIRECT_RES><Result>0</Result></REDIRECT_RES>'
POST = (
    b"POST /register HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: text/xml;charset=UTF-8\r\n"
    b"Content-Length: 85\r\n\r\n" + XML
)
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml;charset=UTF-8\r\nContent-Length: 85\r\nConnection: close\r\n\r\n" + XML
SMALL = MessageLimits(head=120, body=90, headers=5)


def request(data: bytes) -> HttpRequest:
    (message,) = HttpRequestParser().feed(data)
    return message


def response(data: bytes) -> HttpResponse:
    (message,) = HttpResponseParser().feed(data)
    return message


def only(message: HttpRequest | HttpResponse) -> tuple[str, int]:
    (violation,) = message.violations
    return violation.rule, violation.offset


def test_a_register_request() -> None:
    message = request(POST)
    fields = (("Host", "127.0.0.1:8080"), ("Content-Type", "text/xml;charset=UTF-8"), ("Content-Length", "85"))
    assert message == HttpRequest("POST", "/register", "HTTP/1.1", Headers(fields), XML)
    assert (message.raw, message.violations) == (POST, ())


def test_an_answer() -> None:
    message = response(OK)
    assert (message.status, message.reason, message.version, message.body) == (200, "OK", "HTTP/1.1", XML)
    assert (message.raw, message.violations, message.headers.get("connection")) == (OK, (), "close")


def test_messages_are_written_exactly_like_this() -> None:
    headers = (("Content-Type", "text/xml;charset=UTF-8"), ("Connection", "close"))
    assert serialize_response(HttpResponse.build(400, "Bad Request", headers)) == (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/xml;charset=UTF-8\r\nConnection: close\r\n\r\n"
    )
    assert serialize_request(HttpRequest.build("POST", "/", {"Host": "h"}, b"abc")) == (
        b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
    )


def test_text_that_would_break_the_lines_is_refused() -> None:
    with pytest.raises(HttpError, match=r"http\.unwritable"):
        serialize_response(HttpResponse.build(200, "OK\r\nX: y"))


@pytest.mark.parametrize(
    "data, rule, offset",
    [
        (b"GET / HTTP/1.1\r\n\r\n", "http.host", 18),
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "http.host", 36),
        (b"GET / HTTP/1.1\nHost: a\n\n", "http.line.lf", 14),
        (b"GET / HTTP/3.7\r\nHost: a\r\n\r\n", "http.version", 6),
        (b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n", "http.request.line", 0),
        (b"POST / HTTP/1.1\r\nHost: a\r\n\r\n", "http.content_length.missing", 28),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1x\r\n\r\n", "http.content_length.invalid", 25),
        (b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", "http.header.space", 20),
    ],
)
def test_broken_requests(data: bytes, rule: str, offset: int) -> None:
    assert only(request(data)) == (rule, offset)


def test_http_1_0_needs_no_host() -> None:
    assert request(b"GET / HTTP/1.0\r\n\r\n").violations == ()


@pytest.mark.parametrize(
    "data, rule, offset",
    [
        (b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "http.status.line", 0),
        (b"HTTP/1.1 2xx OK\r\nContent-Length: 0\r\n\r\n", "http.status.code", 9),
        (b"RTSP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", "http.version", 0),
    ],
)
def test_broken_responses(data: bytes, rule: str, offset: int) -> None:
    assert only(response(data)) == (rule, offset)


def test_a_response_without_length_lasts_until_the_end() -> None:
    parser = HttpResponseParser()
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    assert parser.feed(head + XML[:10]) == []
    assert parser.feed(XML[10:]) == []
    (message,) = parser.finish()
    assert (message.body, message.raw) == (XML, head + XML)
    assert only(message) == ("http.content_length.missing", len(head))
    assert parser.finish() == []


def test_no_body_follows_204() -> None:
    first, second = HttpResponseParser().feed(b"HTTP/1.1 204 No Content\r\n\r\n" + OK)
    assert (first.status, first.body, second.body) == (204, b"", XML)


@pytest.mark.parametrize("parser", [HttpRequestParser(), HttpResponseParser()])
def test_chunked_bodies_are_refused(parser: HttpRequestParser | HttpResponseParser) -> None:
    with pytest.raises(HttpError) as caught:
        parser.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert (caught.value.rule, caught.value.offset) == ("http.chunked", 17)


@pytest.mark.parametrize(
    "data, rule",
    [
        (b"HTTP/1.1 200 OK\r\nA: " + b"b" * 200, "http.head.oversize"),
        (b"HTTP/1.1 200 OK\r\n" + b"A:b\r\n" * 6 + b"\r\n", "http.headers.count"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 91\r\n\r\n", "http.body.oversize"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"a" * 91, "http.body.oversize"),
    ],
)
def test_limits_end_the_stream_with_the_messages_before(data: bytes, rule: str) -> None:
    parser = HttpResponseParser(SMALL)
    with pytest.raises(HttpError) as caught:
        parser.feed(OK + data)
    assert (caught.value.rule, len(caught.value.messages)) == (rule, 1)
    with pytest.raises(HttpError) as again:
        parser.feed(OK)
    assert (again.value.rule, again.value.messages) == (rule, ())
    assert parser.finish() == []


def test_the_end_inside_a_message_is_an_error() -> None:
    parser = HttpRequestParser()
    assert parser.feed(POST[:-1]) == []
    with pytest.raises(HttpError, match=r"http\.truncated"):
        parser.finish()


def feed_in_pieces(data: bytes, cuts: list[int]) -> list[object]:
    seen: list[object] = []
    parser = HttpResponseParser(SMALL)
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    try:
        for start, end in itertools.pairwise(places):
            seen += [(message, message.raw, message.violations) for message in parser.feed(data[start:end])]
        seen += [(message, message.raw, message.violations) for message in parser.finish()]
    except HttpError as fault:
        seen += [(message, message.raw, message.violations) for message in fault.messages if hasattr(message, "status")]
        seen.append((fault.rule, fault.offset))
    return seen


fragments = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"HTTP/1.1 200 OK", b"Content-Length: 3", b":", b" ", b"A: b", OK, XML]
)


@given(
    st.lists(fragments | st.binary(max_size=5), max_size=14).map(b"".join), st.lists(st.integers(0, 999), max_size=8)
)
def test_noise_raises_nothing_else_and_splits_alike(data: bytes, cuts: list[int]) -> None:
    assert feed_in_pieces(data, cuts) == feed_in_pieces(data, [])


@given(st.binary(max_size=60), st.text("abc /?=", min_size=1, max_size=9).map(lambda text: f"/{text.replace(' ', '')}"))
def test_requests_round_trip(body: bytes, target: str) -> None:
    message = HttpRequest.build("POST", target, [("Host", "h"), ("Content-Length", str(len(body)))], body)
    (read,) = HttpRequestParser().feed(serialize_request(message))
    assert (read, read.violations) == (message, ())

"""One HTTP response in every framing, cut anywhere; what cannot be read is told with its clause."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.http_answer import HttpAnswer, HttpAnswerError, HttpAnswerReader

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n6;x=1\r\npedia \r\n0\r\nX-T: 1\r\n\r\n"
LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-A: b  \r\n\r\nwiki"


def read(data: bytes, method: str = "GET", step: int = 1) -> HttpAnswer:
    reader = HttpAnswerReader(method)
    for start in range(0, len(data), step):
        found = reader.feed(data[start : start + step])
        if found is not None:
            return found
    found = reader.end()
    assert found is not None
    return found


@pytest.mark.parametrize("step", [1, 3, 1000])
@pytest.mark.parametrize(
    ("data", "method", "body"),
    [
        (LENGTH, "GET", b"wiki"),
        (LENGTH, "HEAD", b""),
        (CHUNKED, "GET", b"wikipedia "),
        (b"HTTP/1.1 204 No Content\r\n\r\n", "DELETE", b""),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", "GET", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH, "PUT", b"wiki"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", "GET", b"until the end"),
    ],
)
def test_framings(data: bytes, method: str, body: bytes, step: int) -> None:
    found = read(data, method, step)
    assert (found.body, found.complete, found.violations) == (body, True, [])


def test_what_stands_in_the_head() -> None:
    found = read(b"HTTP/1.1 100 Continue\r\n\r\n" + LENGTH)
    assert (found.status, found.reason, found.header("x-a"), found.interim) == (200, "OK", "b", (100,))
    assert not found.closes


def test_a_body_that_ends_too_early() -> None:
    found = read(LENGTH[:-1])
    assert (found.body, found.complete, found.closes) == (b"wik", False, True)


@pytest.mark.parametrize(
    ("data", "rule", "clause"),
    [
        (b"HTTP/3.7 200 OK\r\n\r\n", "http.status", "RFC 9112 4"),
        (b"HTTP/1.1 200 OK\n\n", "http.line", "RFC 9112 2.2"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "http.length", "RFC 9112 6.3"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", "http.length", "RFC 9112 6.3"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "http.chunk", "RFC 9112 7.1"),
        (b"HTTP/1.1 200", "http.truncated", "RFC 9112 8"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000, "http.head.oversize", "RFC 9112 2"),
    ],
)
def test_what_cannot_be_read(data: bytes, rule: str, clause: str) -> None:
    with pytest.raises(HttpAnswerError) as caught:
        read(data, step=4096)
    assert (caught.value.rule, caught.value.clause) == (rule, clause)


def test_violations_do_not_stop_the_reader() -> None:
    both = b"HTTP/1.1 200 OK\r\nbad line\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    assert [v.rule for v in read(both).violations] == ["http.field", "http.length.twice"]


def test_an_endless_body_is_bounded() -> None:
    reader = HttpAnswerReader("GET", largest_body=10)
    with pytest.raises(HttpAnswerError, match="larger than the 10 bytes"):
        reader.feed(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 11)


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans())
def test_nothing_else_is_raised(pieces: list[bytes], with_head: bool) -> None:
    reader = HttpAnswerReader("GET")
    with contextlib.suppress(HttpAnswerError):
        if with_head:
            reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in pieces:
            if reader.feed(piece) is not None:
                return
        reader.end()

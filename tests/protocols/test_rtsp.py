"""RTSP messages: exact bytes, positions of violations, any split of the stream, limits, no foreign error."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.message_buffer import MessageLimits
from conformance.protocols.rtsp import (
    Interleaved,
    Message,
    Raw,
    Request,
    Response,
    RtspError,
    RtspParser,
    Stray,
    malformed,
    parse_message,
    serialize,
)
from conformance.protocols.text_head import Headers

DESCRIBE = (
    b"DESCRIBE rtsp://server.example.com/fizzle/foo RTSP/1.0\r\n"
    b"CSeq: 312\r\n"
    b"Accept: application/sdp, application/rtsl, application/mheg\r\n"
    b"\r\n"
)
"""The request of RFC 2326 10.2."""

SETUP_ANSWER = (
    b"RTSP/1.0 200 OK\r\n"
    b"CSeq: 302\r\n"
    b"Date: 23 Jan 1997 15:35:06 GMT\r\n"
    b"Session: 47112344\r\n"
    b"Transport: RTP/AVP;unicast;\r\n"
    b"  client_port=4588-4589;server_port=6256-6257\r\n"
    b"\r\n"
)
"""The answer of RFC 2326 10.4, with its folded line."""

SET_PARAMETER = (
    b"SET_PARAMETER rtsp://example.com/fizzle/foo RTSP/1.0\r\n"
    b"CSeq: 421\r\n"
    b"Content-length: 20\r\n"
    b"Content-type: text/parameters\r\n"
    b"\r\n"
    b"barparam: barstuff\r\n"
)
"""The request of RFC 2326 10.9; its body has 20 bytes."""

STREAM = (
    DESCRIBE + b"$\x00\x00\x03abc" + SETUP_ANSWER + b"\r\n" + SET_PARAMETER + b"$\x01\x00\x00" + b"v=0\r\n" + DESCRIBE
)


def rules(message: Message) -> list[str]:
    return [violation.rule for violation in message.violations]


def only(message: Message) -> tuple[str, int, bytes]:
    (violation,) = message.violations
    return violation.rule, violation.offset, violation.seen


def request(*lines: bytes) -> Request:
    message = parse_message(b"\r\n".join((b"OPTIONS * RTSP/1.0", *lines, b"", b"")))
    assert isinstance(message, Request)
    return message


def test_the_request_of_the_standard() -> None:
    message = parse_message(DESCRIBE)
    assert message == Request(
        "DESCRIBE",
        "rtsp://server.example.com/fizzle/foo",
        "RTSP/1.0",
        Headers((("CSeq", "312"), ("Accept", "application/sdp, application/rtsl, application/mheg"))),
    )
    assert (message.raw, message.violations) == (DESCRIBE, ())


def test_the_answer_of_the_standard() -> None:
    message = parse_message(SETUP_ANSWER)
    assert isinstance(message, Response)
    assert (message.status, message.reason, message.version, message.cseq) == (200, "OK", "RTSP/1.0", 302)
    assert message.headers.get("transport") == "RTP/AVP;unicast; client_port=4588-4589;server_port=6256-6257"
    assert only(message) == ("rtsp.header.folded", 108, b"  client_port=4588-4589;server_port=6256-6257")


def test_the_body_is_counted_by_content_length() -> None:
    message = parse_message(SET_PARAMETER)
    assert isinstance(message, Request)
    assert (message.body, message.violations) == (b"barparam: barstuff\r\n", ())


def test_everything_between_and_around_messages() -> None:
    kinds = [type(message) for message in RtspParser().feed(STREAM)]
    assert kinds == [Request, Interleaved, Response, Stray, Request, Interleaved, Stray, Request]


def test_interleaved_frame() -> None:
    frame = parse_message(b"$\x02\x00\x04\x80\x60\r\n")
    assert frame == Interleaved(2, b"\x80\x60\r\n")
    assert frame.raw == b"$\x02\x00\x04\x80\x60\r\n"


def test_sdp_behind_a_missing_content_length_does_not_swallow_the_next_message() -> None:
    head = b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Type: application/sdp\r\n\r\n"
    first, *strays, last = RtspParser().feed(head + b"v=0\r\ns=-\r\n" + b"RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n")
    assert only(first) == ("rtsp.content_length.missing", len(head), b"Content-Type: application/sdp")
    assert b"".join(stray.raw for stray in strays) == b"v=0\r\ns=-\r\n"
    assert [rules(stray) for stray in strays] == [["rtsp.stray.sdp"], ["rtsp.stray.sdp"]]
    assert isinstance(last, Response)
    assert last.cseq == 3


@pytest.mark.parametrize(
    "lines, rule, offset, seen",
    [
        ((b"Accept: x",), "rtsp.cseq.missing", 33, b""),
        ((b"CSeq: one",), "rtsp.cseq.invalid", 20, b"CSeq: one"),
        ((b"CSeq: 1", b"cseq: 2"), "rtsp.cseq.duplicate", 29, b"cseq: 2"),
        ((b"CSeq: 1", b"no colon here"), "rtsp.header.colon", 29, b"no colon here"),
        ((b"CSeq : 1",), "rtsp.header.space", 24, b"CSeq : 1"),
        ((b"CSeq: 1", b"\xc3\xbc: 1"), "rtsp.header.name", 29, b"\xc3\xbc: 1"),
        ((b" folded: 1", b"CSeq: 1"), "rtsp.header.fold_orphan", 20, b" folded: 1"),
        ((b"CSeq: 1", b"A: b\x00c"), "rtsp.header.control", 33, b" b\x00c"),
        ((b"CSeq: 1", b"A: b\xff"), "rtsp.header.charset", 33, b"\xff"),
        ((b"CSeq: 1", b"Content-Length: -1"), "rtsp.content_length.invalid", 29, b"Content-Length: -1"),
        (
            (b"CSeq: 1", b"Content-Length: 0", b"Content-Length: 0"),
            "rtsp.content_length.duplicate",
            48,
            b"Content-Length: 0",
        ),
    ],
)
def test_broken_headers(lines: tuple[bytes, ...], rule: str, offset: int, seen: bytes) -> None:
    assert only(request(*lines)) == (rule, offset, seen)


@pytest.mark.parametrize(
    "start, rule, offset",
    [
        (b"OPTIONS  * RTSP/1.0", "rtsp.request.line", 0),
        (b"OPT(IONS * RTSP/1.0", "rtsp.request.method", 0),
        (b"OPTIONS rtsp://h/\xe4 RTSP/1.0", "rtsp.request.uri", 8),
        (b"OPTIONS * RTSP/2.0", "rtsp.version", 10),
        (b"OPTIONS * rtsp/1.0", "rtsp.version", 10),
        (b"RTSP/1.0 200", "rtsp.status.line", 0),
        (b"RTSP/1.0 20 OK", "rtsp.status.code", 9),
        (b"RTSP/1.0 600 OK", "rtsp.status.code", 9),
        (b"RTSP/1.0 200 O\x01K", "rtsp.status.reason", 14),
        (b"HTTP/1.1 200 OK", "rtsp.version", 0),
    ],
)
def test_broken_start_lines(start: bytes, rule: str, offset: int) -> None:
    message = parse_message(start + b"\r\nCSeq: 1\r\n\r\n")
    assert only(message)[:2] == (rule, offset)


def test_an_unreadable_start_line_still_gives_a_request() -> None:
    message = parse_message(b"GARBAGE\r\nCSeq: 1\r\n\r\n")
    assert isinstance(message, Request)
    assert (message.method, message.uri, message.version) == ("GARBAGE", "", "")
    assert rules(message) == ["rtsp.request.line", "rtsp.version"]


def test_an_unreadable_status_is_zero() -> None:
    message = parse_message(b"RTSP/1.0 abc OK\r\nCSeq: 1\r\n\r\n")
    assert isinstance(message, Response)
    assert (message.status, message.reason) == (0, "OK")


def test_lf_alone_ends_lines_and_is_noted_once() -> None:
    message = parse_message(b"OPTIONS * RTSP/1.0\nCSeq: 1\nA: b\n\n")
    assert isinstance(message, Request)
    assert (message.cseq, message.headers.get("A")) == (1, "b")
    assert only(message) == ("rtsp.line.lf", 18, b"OPTIONS * RTSP/1.0\n")
    assert message.violations[0].line == 1


def test_cr_alone_ends_lines_without_waiting_for_more() -> None:
    (message,) = RtspParser().feed(b"OPTIONS * RTSP/1.0\rCSeq: 1\r\r")
    assert isinstance(message, Request)
    assert message.cseq == 1
    assert rules(message) == ["rtsp.line.cr"]


def test_differing_lengths_are_unreadable_and_the_body_counts_as_empty() -> None:
    (message,) = RtspParser().feed(b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n")
    assert rules(message) == ["rtsp.content_length.duplicate", "rtsp.content_length.invalid"]


def test_chinese_text_is_read_as_utf_8() -> None:
    message = request(b"CSeq: 1", "Server: 看店/1.0".encode())
    assert (message.headers.get("Server"), message.violations) == ("看店/1.0", ())


def test_headers_keep_order_case_and_repetitions() -> None:
    headers = Headers.of([("A", "1"), ("b", "2"), ("a", "3")])
    assert (headers.get("a"), headers.all("A"), headers.get("c"), "B" in headers) == ("1", ("1", "3"), "", True)
    assert headers.with_field("a", "4").items == (("a", "4"), ("b", "2"))
    assert headers.with_field("c", "4").items == (("A", "1"), ("b", "2"), ("a", "3"), ("c", "4"))


def test_serialize_writes_exactly_this() -> None:
    message = Request.build("PLAY", "rtsp://h/a", {"CSeq": "4", "Session": "12345678"})
    assert serialize(message) == b"PLAY rtsp://h/a RTSP/1.0\r\nCSeq: 4\r\nSession: 12345678\r\n\r\n"
    answer = Response.build(451, "Parameter Not Understood", [("CSeq", "4")], b"barparam\r\n")
    assert serialize(answer) == (
        b"RTSP/1.0 451 Parameter Not Understood\r\nCSeq: 4\r\nContent-Length: 10\r\n\r\nbarparam\r\n"
    )


def test_serialize_never_corrects_a_header_that_stands() -> None:
    message = Request.build("PLAY", "*", [("Content-Length", "99")], b"abc")
    assert serialize(message) == b"PLAY * RTSP/1.0\r\nContent-Length: 99\r\n\r\nabc"


def test_serialize_refuses_text_that_would_break_the_lines() -> None:
    with pytest.raises(RtspError, match=r"rtsp\.unwritable"):
        serialize(Request.build("PLAY", "rtsp://h/\r\nX: y"))


def test_bytes_on_purpose_are_sent_as_they_are() -> None:
    assert serialize(malformed(b"PLAY", (b"CSeq 1",), b"x", line_end=b"\n")) == b"PLAY\nCSeq 1\n\nx"
    assert serialize(Raw(b"\xff\x00")) == b"\xff\x00"


def test_interleaved_frames_that_do_not_fit_are_refused() -> None:
    with pytest.raises(RtspError, match=r"rtsp\.interleaved"):
        serialize(Interleaved(256, b""))
    with pytest.raises(RtspError, match=r"rtsp\.interleaved"):
        serialize(Interleaved(0, bytes(65536)))


@pytest.mark.parametrize(
    "data, rule, offset",
    [
        (b"OPTIONS * RTSP/1.0\r\nA: " + b"b" * 200, "rtsp.head.oversize", 105),
        (b"OPTIONS * RTSP/1.0\r\n" + b"A:b\r\n" * 6 + b"\r\n", "rtsp.headers.count", 150),
        (b"OPTIONS * RTSP/1.0\r\nContent-Length: 51\r\n\r\n", "rtsp.body.oversize", 147),
        (b"v=" + b"0" * 200, "rtsp.head.oversize", 105),
    ],
)
def test_limits_end_the_stream_with_the_messages_before(data: bytes, rule: str, offset: int) -> None:
    parser = RtspParser(MessageLimits(head=100, body=50, headers=5))
    with pytest.raises(RtspError) as caught:
        parser.feed(b"$\x00\x00\x65" + bytes(101) + data)
    assert (caught.value.rule, caught.value.offset) == (rule, offset)
    assert [type(message) for message in caught.value.messages] == [Interleaved]
    with pytest.raises(RtspError) as again:
        parser.feed(b"OPTIONS * RTSP/1.0\r\n\r\n")
    assert (again.value.rule, again.value.messages) == (rule, ())


def test_endless_empty_lines_end_the_stream() -> None:
    parser = RtspParser()
    assert len(parser.feed(b"\r\n" * 1024 + DESCRIBE)) == 1025
    with pytest.raises(RtspError) as caught:
        parser.feed(b"\r\n" * 1025)
    assert (caught.value.rule, len(caught.value.messages)) == ("rtsp.stray.count", 1024)


def test_the_end_inside_a_message_is_an_error() -> None:
    parser = RtspParser()
    parser.feed(DESCRIBE + b"OPTIONS * RTSP/1.0\r\nCS")
    assert (parser.pending, parser.offset) == (b"OPTIONS * RTSP/1.0\r\nCS", len(DESCRIBE))
    with pytest.raises(RtspError, match=r"rtsp\.truncated"):
        parser.finish()


def feed_in_pieces(data: bytes, cuts: list[int]) -> tuple[list[Message], str, bytes]:
    parser = RtspParser(MessageLimits(head=400, body=300, headers=12))
    messages: list[Message] = []
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    for start, end in itertools.pairwise(places):
        try:
            messages += parser.feed(data[start:end])
        except RtspError as fault:
            messages += fault.messages
            return messages, f"{fault.rule} {fault.offset}", b""
    return messages, "", parser.pending


def values(messages: list[Message]) -> list[tuple[Message, bytes, object]]:
    return [(message, message.raw, message.violations) for message in messages]


@given(st.lists(st.integers(0, 1000), max_size=12))
def test_any_split_of_the_stream_gives_the_same_messages(cuts: list[int]) -> None:
    messages, fault, pending = feed_in_pieces(STREAM, cuts)
    assert (fault, pending) == ("", b"")
    assert values(messages) == values(RtspParser().feed(STREAM))


def test_bytewise_feeding_gives_the_same_messages() -> None:
    messages, _, _ = feed_in_pieces(STREAM, list(range(len(STREAM))))
    assert values(messages) == values(RtspParser().feed(STREAM))


fragments = st.sampled_from(
    b"\r|\n|\r\n|$|$\x00\x00\x01|RTSP/1.0 200 OK|PLAY * RTSP/1.0|CSeq: 1| |:|v=0|Content-Length: 3|a=|\x00|\xff".split(
        b"|"
    )
)
noise = st.lists(fragments | st.binary(max_size=6), max_size=40).map(b"".join)


@given(noise, st.lists(st.integers(0, 400), max_size=8))
def test_noise_raises_nothing_else_and_splits_alike(data: bytes, cuts: list[int]) -> None:
    whole, fault, pending = feed_in_pieces(data, [])
    pieces, other_fault, other_pending = feed_in_pieces(data, cuts)
    assert (values(whole), fault, pending) == (values(pieces), other_fault, other_pending)
    if not fault:
        assert b"".join(message.raw for message in whole) + pending == data


tokens = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ_-", min_size=1, max_size=12)
texts = st.text(
    st.characters(min_codepoint=0x20, exclude_characters="\x7f", exclude_categories=["Cc", "Cs"]), max_size=20
)
fields = st.lists(
    st.tuples(tokens.filter(lambda name: name != "CONTENT-LENGTH"), texts.map(lambda text: text.strip(" ")))
)
bodies = st.binary(max_size=40)


@given(tokens.filter(lambda name: name != "RTSP"), fields, bodies)
def test_requests_round_trip(method: str, pairs: list[tuple[str, str]], body: bytes) -> None:
    length = [("Content-Length", str(len(body)))] if body else []
    message = Request.build(method, "rtsp://h/a?b=c", [*pairs, *length, ("CSeq", "1")], body)
    assert parse_message(serialize(message)) == message


@given(st.integers(100, 599).filter(lambda code: code >= 200 and code not in (204, 304)), texts, fields, bodies)
def test_responses_round_trip(status: int, reason: str, pairs: list[tuple[str, str]], body: bytes) -> None:
    length = [("Content-Length", str(len(body)))] if body else []
    message = Response.build(status, reason, [*pairs, *length, ("CSeq", "1")], body)
    assert parse_message(serialize(message)) == message

"""STUN and TURN: the vectors of RFC 5769, framing on TCP, faults, round trips."""

from __future__ import annotations

import itertools
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.protocols.stun import (
    MessageClass,
    Method,
    StunMessage,
    StunParser,
    StunStreamError,
    decode_message,
    encode_message,
    long_term_key,
    verify_fingerprint,
    verify_integrity,
)
from conformance.protocols.stun_attributes import (
    Address,
    Attribute,
    AttributeType,
    StunError,
    address_attribute,
    change_request,
    error_attribute,
    number_attribute,
    read_address,
    read_change_request,
    read_error,
    read_requested_transport,
    read_text,
    read_unknown_attributes,
    requested_address_family,
    requested_transport,
    text_attribute,
    unknown_attributes,
)

SAMPLE_REQUEST = bytes.fromhex(
    "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e207465737420636c69656e74002400046e0001ff80290008932ff9b1"
    "51263b36000600096576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a280280004e57a3bcf"
)
IPV4_RESPONSE = bytes.fromhex(
    "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000080001a147e112a643000800142b91f599"
    "fd9e90c38c7489f92af9ba53f06be7d780280004c07d4c96"
)
IPV6_RESPONSE = bytes.fromhex(
    "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563746f7220002000140002a1470113a9faa5d3f179bc25f4b5"
    "bed2b9d900080014a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c"
)
LONG_TERM_REQUEST = bytes.fromhex(
    "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383aae38383e382afe382b900000015001c662f2f343939"
    "6b39353464364f4c33346f4c394653547679363473410014000b6578616d706c652e6f72670000080014f67024656dd64a3e02b8e071"
    "2e85c9a28ca89666"
)
SHORT_TERM_KEY = b"VOkJxbRl1RmTxUk/WvJxBt"
TRANSACTION = bytes.fromhex("b7e7a701bc34d686fa87dfae")


def test_the_sample_request() -> None:
    message = decode_message(SAMPLE_REQUEST)
    assert (message.method, message.kind, message.transaction) == (Method.BINDING, MessageClass.REQUEST, TRANSACTION)
    assert message.text(AttributeType.SOFTWARE) == "STUN test client"
    assert message.text(AttributeType.USERNAME) == "evtj:h6vY"
    assert (message.raw, message.violations, message.classic) == (SAMPLE_REQUEST, (), False)


@pytest.mark.parametrize(
    "data, address", [(IPV4_RESPONSE, "192.0.2.1"), (IPV6_RESPONSE, "2001:db8:1234:5678:11:2233:4455:6677")]
)
def test_the_sample_responses(data: bytes, address: str) -> None:
    message = decode_message(data)
    assert (message.kind, message.violations) == (MessageClass.SUCCESS, ())
    assert message.address(AttributeType.XOR_MAPPED_ADDRESS) == Address(address, 32853)
    written = address_attribute(AttributeType.XOR_MAPPED_ADDRESS, Address(address, 32853), TRANSACTION)
    assert written == message.get(AttributeType.XOR_MAPPED_ADDRESS)


@pytest.mark.parametrize("data", [SAMPLE_REQUEST, IPV4_RESPONSE, IPV6_RESPONSE])
def test_integrity_and_fingerprint_of_the_samples(data: bytes) -> None:
    message = decode_message(data)
    assert verify_integrity(message, SHORT_TERM_KEY)
    assert not verify_integrity(message, SHORT_TERM_KEY[:-1])
    assert verify_fingerprint(message)


@pytest.mark.parametrize("place", [0, 8, 24, 40])
def test_one_changed_bit_breaks_both(place: int) -> None:
    changed = bytearray(IPV4_RESPONSE)
    changed[place] ^= 2
    message = decode_message(bytes(changed))
    assert not verify_integrity(message, SHORT_TERM_KEY)
    assert not verify_fingerprint(message)
    assert [(v.rule, v.offset) for v in message.violations] == [("stun.fingerprint", len(IPV4_RESPONSE) - 8)]


def test_the_sample_with_long_term_credentials() -> None:
    key = long_term_key("マトリックス", "example.org", "TheMatrIX")
    message = decode_message(LONG_TERM_REQUEST)
    assert message.text(AttributeType.USERNAME) == "マトリックス"
    assert message.text(AttributeType.NONCE) == "f//499k954d6OL34oL9FSTvy64sA"
    assert verify_integrity(message, key)
    assert not verify_fingerprint(message)
    bare = StunMessage(message.method, message.kind, message.transaction, message.attributes[:3])
    assert encode_message(bare, key=key) == LONG_TERM_REQUEST


def test_an_allocate_request_is_written_exactly_like_this() -> None:
    attributes = (requested_transport(), requested_address_family(), number_attribute(AttributeType.LIFETIME, 60))
    message = StunMessage(Method.ALLOCATE, MessageClass.REQUEST, bytes(12), attributes)
    assert encode_message(message).hex() == (
        "000300182112a44200000000000000000000000000190004060000000017000401000000000d00040000003c"
    )


@pytest.mark.parametrize(
    "method, kind, word",
    [
        (Method.BINDING, MessageClass.INDICATION, "0011"),
        (Method.ALLOCATE, MessageClass.ERROR, "0113"),
        (Method.CONNECTION_BIND, MessageClass.SUCCESS, "010b"),
        (Method.CONNECTION_ATTEMPT, MessageClass.INDICATION, "001c"),
        (0xFFF, MessageClass.ERROR, "3fff"),
        (0x080, MessageClass.REQUEST, "0200"),
        (0x010, MessageClass.REQUEST, "0020"),
    ],
)
def test_method_and_class_share_a_word(method: int, kind: MessageClass, word: str) -> None:
    data = encode_message(StunMessage(method, kind, TRANSACTION))
    assert data[:2].hex() == word
    assert (decode_message(data).method, decode_message(data).kind) == (method, kind)


def test_values_of_attributes() -> None:
    assert error_attribute(401, "Unauthorized").value == b"\x00\x00\x04\x01Unauthorized"
    assert read_error(error_attribute(438, "Stale Nonce")) == (438, "Stale Nonce")
    assert read_change_request(change_request(change_address=True, change_port=False)) == (True, False)
    assert change_request(change_address=True, change_port=True).value == b"\x00\x00\x00\x06"
    assert read_requested_transport(requested_transport()) == 6
    assert read_unknown_attributes(unknown_attributes((0x24, 0x8001))) == (0x24, 0x8001)
    assert read_address(address_attribute(AttributeType.MAPPED_ADDRESS, Address("192.0.2.1", 80))) == Address(
        "192.0.2.1", 80
    )
    assert address_attribute(AttributeType.MAPPED_ADDRESS, Address("192.0.2.1", 80)).value.hex() == "00010050c0000201"


def test_missing_attributes_are_none() -> None:
    message = StunMessage(Method.REFRESH, MessageClass.SUCCESS, TRANSACTION)
    assert message.get(AttributeType.REALM) is None
    assert message.text(AttributeType.REALM) is None
    assert message.number(AttributeType.LIFETIME) is None
    assert message.address(AttributeType.XOR_PEER_ADDRESS) is None
    assert message.error is None


def test_values_that_cannot_be_read_or_written() -> None:
    message = StunMessage(
        Method.ALLOCATE,
        MessageClass.ERROR,
        TRANSACTION,
        (
            Attribute(AttributeType.ERROR_CODE, b"\x00\x00\x02\x01"),
            Attribute(AttributeType.LIFETIME, b"\x00"),
            Attribute(AttributeType.XOR_MAPPED_ADDRESS, b"\x00\x03\x00\x00"),
        ),
    )
    with pytest.raises(StunError, match=r"stun\.error_code"):
        _ = message.error
    with pytest.raises(StunError, match=r"stun\.number"):
        message.number(AttributeType.LIFETIME)
    with pytest.raises(StunError, match=r"stun\.address"):
        message.address(AttributeType.XOR_MAPPED_ADDRESS)
    with pytest.raises(StunError, match=r"stun\.text"):
        read_text(Attribute(AttributeType.REALM, b"\xff"))
    with pytest.raises(StunError, match=r"stun\.address"):
        address_attribute(AttributeType.MAPPED_ADDRESS, Address("relay.example", 1))
    with pytest.raises(StunError, match=r"stun\.header"):
        encode_message(StunMessage(1, MessageClass.REQUEST, b"short"))
    with pytest.raises(StunError, match=r"stun\.length"):
        encode_message(StunMessage(1, MessageClass.REQUEST, TRANSACTION, (Attribute(1, bytes(65000)),) * 2))


def test_a_message_of_rfc_3489_has_no_cookie() -> None:
    message = decode_message(b"\x00\x01\x00\x08" + b"0123456789abcdef" + b"\x00\x03\x00\x04\x00\x00\x00\x06")
    assert (message.classic, message.cookie + message.transaction) == (True, b"0123456789abcdef")
    assert [item.kind for item in message.attributes] == [AttributeType.CHANGE_REQUEST]
    assert encode_message(message) == message.raw


@pytest.mark.parametrize(
    "data, rule, offset",
    [
        (b"\x00\x01\x00\x05" + SAMPLE_REQUEST[4:20] + b"\x80\x22\x00\x01a", "stun.length", 2),
        (b"\x00\x01\x00\x00" + SAMPLE_REQUEST[4:20] + b"abc", "stun.trailing", 20),
        (b"\x00\x01\x00\x08" + SAMPLE_REQUEST[4:20] + b"\x80\x22\x00\x05abcd", "stun.attribute.overrun", 20),
        (b"\x00\x01\x00\x08" + SAMPLE_REQUEST[4:20] + b"\x00\x08\x00\x04abcd", "stun.integrity.size", 20),
    ],
)
def test_broken_messages_are_read_and_noted(data: bytes, rule: str, offset: int) -> None:
    (violation,) = decode_message(data).violations
    assert (violation.rule, violation.offset) == (rule, offset)


def test_nothing_but_fingerprint_follows_integrity() -> None:
    signed = decode_message(encode_message(StunMessage(1, MessageClass.REQUEST, TRANSACTION), key=b"k"))
    more = StunMessage(1, MessageClass.REQUEST, TRANSACTION, (*signed.attributes, text_attribute(0x8022, "late")))
    (violation,) = decode_message(encode_message(more)).violations
    assert (violation.rule, violation.offset) == ("stun.attribute.order", 44)


@pytest.mark.parametrize("data", [b"", SAMPLE_REQUEST[:19], SAMPLE_REQUEST[:-1], b"\x40" + SAMPLE_REQUEST[1:]])
def test_no_message(data: bytes) -> None:
    with pytest.raises(StunError):
        decode_message(data)


STREAM = SAMPLE_REQUEST + IPV4_RESPONSE + LONG_TERM_REQUEST


@given(st.lists(st.integers(0, len(STREAM)), max_size=10))
def test_any_split_of_the_stream_gives_the_same_messages(cuts: list[int]) -> None:
    parser = StunParser()
    places = [0, *sorted(cuts), len(STREAM)]
    raw = [message.raw for start, end in itertools.pairwise(places) for message in parser.feed(STREAM[start:end])]
    assert raw == [SAMPLE_REQUEST, IPV4_RESPONSE, LONG_TERM_REQUEST]
    parser.finish()


def test_plain_data_follows_a_bound_connection() -> None:
    bound = encode_message(StunMessage(Method.CONNECTION_BIND, MessageClass.SUCCESS, TRANSACTION))
    parser = StunParser()
    (message,) = parser.feed(bound + b"OPTIONS * RTSP/1.0")
    assert (message.raw, parser.bound) == (bound, True)
    assert parser.feed(b"\r\n") == []
    assert parser.take_rest() == b"OPTIONS * RTSP/1.0\r\n"
    assert parser.take_rest() == b""


def test_a_stream_that_is_not_stun_ends_with_the_messages_before() -> None:
    parser = StunParser()
    with pytest.raises(StunStreamError) as caught:
        parser.feed(SAMPLE_REQUEST + b"RTSP/1.0 200 OK\r\n")
    assert (caught.value.rule, caught.value.offset) == ("stun.cookie", len(SAMPLE_REQUEST))
    assert [message.raw for message in caught.value.messages] == [SAMPLE_REQUEST]
    with pytest.raises(StunStreamError) as again:
        parser.feed(SAMPLE_REQUEST)
    assert (again.value.rule, again.value.messages) == ("stun.cookie", ())


def test_limits_and_the_end() -> None:
    with pytest.raises(StunStreamError, match=r"stun\.oversize"):
        StunParser(max_body=80).feed(SAMPLE_REQUEST[:20])
    parser = StunParser()
    parser.feed(SAMPLE_REQUEST[:30])
    with pytest.raises(StunStreamError, match=r"stun\.truncated"):
        parser.finish()


@given(st.binary(max_size=80) | st.binary(max_size=60).map(lambda data: SAMPLE_REQUEST[:20] + data))
def test_noise_raises_nothing_else(data: bytes) -> None:
    with suppress(StunStreamError):
        StunParser().feed(data)
    with suppress(StunError):
        message = decode_message(data)
        verify_integrity(message, b"key")
        for item in message.attributes:
            for read in (read_address, read_text, read_error, read_unknown_attributes, read_change_request):
                with suppress(StunError):
                    read(item)


attributes = st.builds(
    Attribute,
    st.integers(0, 0xFFFF).filter(
        lambda kind: kind not in (AttributeType.MESSAGE_INTEGRITY, AttributeType.FINGERPRINT)
    ),
    st.binary(max_size=30),
)
messages = st.builds(
    StunMessage,
    method=st.integers(0, 0xFFF),
    kind=st.sampled_from(MessageClass),
    transaction=st.binary(min_size=12, max_size=12),
    attributes=st.lists(attributes, max_size=5).map(tuple),
)


@given(messages)
def test_messages_round_trip(message: StunMessage) -> None:
    assert decode_message(encode_message(message)) == message


@given(messages, st.binary(max_size=20))
def test_signed_messages_verify(message: StunMessage, key: bytes) -> None:
    read = decode_message(encode_message(message, key=key, fingerprint=True))
    assert (read.attributes[:-2], read.violations) == (message.attributes, ())
    assert verify_integrity(read, key)
    assert not verify_integrity(read, key + b"x")
    assert verify_fingerprint(read)


@given(st.ip_addresses().map(str), st.integers(0, 65535), st.sampled_from([0x01, 0x12, 0x16, 0x20]))
def test_addresses_round_trip(host: str, port: int, kind: int) -> None:
    attribute = address_attribute(kind, Address(host, port), TRANSACTION)
    assert read_address(attribute, TRANSACTION) == Address(host, port)

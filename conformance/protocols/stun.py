"""STUN messages (RFC 5389) with the TURN methods of RFC 5766 and RFC 6062: bytes, integrity, framing on TCP.

Attribute values are in stun_attributes.py.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import IntEnum

from conformance.protocols.stun_attributes import (
    COOKIE_BYTES,
    Address,
    Attribute,
    AttributeType,
    StunError,
    read_address,
    read_error,
    read_number,
    read_text,
)
from conformance.protocols.violation import SEEN_BYTES, Violation

HEADER = struct.Struct(">HH4s12s")
HEADER_SIZE = HEADER.size
TRANSACTION_SIZE = 12
INTEGRITY_SIZE = 20
LARGEST_BODY = 0xFFFC
_ATTRIBUTE = struct.Struct(">HH")
_FINGERPRINT_MASK = 0x5354554E
_CLAUSE = "RFC 5389 6"


class Method(IntEnum):
    """Methods of STUN and TURN."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009
    CONNECT = 0x00A
    CONNECTION_BIND = 0x00B
    CONNECTION_ATTEMPT = 0x00C


class MessageClass(IntEnum):
    """What a message is."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class StunMessage:
    """One message. ``method``: see Method, unknown numbers are kept; ``transaction``: 12 bytes.

    ``cookie``: the magic cookie, or the first four of the 16 bytes of an RFC 3489 transaction. ``raw``: the exact bytes
    when received; violations carry positions in it.
    """

    method: int
    kind: MessageClass
    transaction: bytes
    attributes: tuple[Attribute, ...] = ()
    cookie: bytes = COOKIE_BYTES
    raw: bytes = field(default=b"", compare=False, repr=False)
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @property
    def classic(self) -> bool:
        """Whether it is a message of RFC 3489, without the magic cookie."""
        return self.cookie != COOKIE_BYTES

    def get(self, kind: int) -> Attribute | None:
        """The first attribute of a type; later ones of the same type do not count (RFC 5389 15)."""
        return next((item for item in self.attributes if item.kind == kind), None)

    def all(self, kind: int) -> tuple[Attribute, ...]:
        """Every attribute of a type."""
        return tuple(item for item in self.attributes if item.kind == kind)

    def text(self, kind: int) -> str | None:
        """The text of an attribute, None when it is missing. Raises StunError when it is not UTF-8."""
        found = self.get(kind)
        return None if found is None else read_text(found)

    def number(self, kind: int) -> int | None:
        """The number of an attribute, None when it is missing. Raises StunError unless it has four bytes."""
        found = self.get(kind)
        return None if found is None else read_number(found)

    def address(self, kind: int) -> Address | None:
        """The address of an attribute, None when it is missing. Raises StunError when it is malformed."""
        found = self.get(kind)
        return None if found is None else read_address(found, self.transaction)

    @property
    def error(self) -> tuple[int, str] | None:
        """Code and reason of ERROR-CODE, None when it is missing. Raises StunError when it is malformed."""
        found = self.get(AttributeType.ERROR_CODE)
        return None if found is None else read_error(found)


class StunStreamError(StunError):
    """A stream that is not STUN. ``messages``: those that stood before the fault in the same piece of input."""

    messages: tuple[StunMessage, ...] = ()


def encode_message(message: StunMessage, *, key: bytes | None = None, fingerprint: bool = False) -> bytes:
    """The bytes of a message. ``key``: MESSAGE-INTEGRITY is appended with it; then FINGERPRINT when asked for.

    Attributes of the message are written as they stand. Raises StunError when something does not fit its width.
    """
    if not 0 <= message.method <= 0xFFF or len(message.transaction) != TRANSACTION_SIZE or len(message.cookie) != 4:
        explain = "A method has 12 bits, a cookie 4 bytes and a transaction 12 bytes"
        raise StunError(0, "stun.header", message.transaction, explain, _CLAUSE)
    body = b"".join(_encode_attribute(item) for item in message.attributes)
    if key is not None:
        covered = _header(message, len(body) + _ATTRIBUTE.size + INTEGRITY_SIZE) + body
        digest = hmac.new(key, covered, hashlib.sha1).digest()
        body += _encode_attribute(Attribute(AttributeType.MESSAGE_INTEGRITY, digest))
    if fingerprint:
        covered = _header(message, len(body) + _ATTRIBUTE.size + 4) + body
        body += _encode_attribute(Attribute(AttributeType.FINGERPRINT, _fingerprint(covered)))
    return _header(message, len(body)) + body


def decode_message(data: bytes) -> StunMessage:
    """The one message that a datagram holds, with every violation. Raises StunError when it is no STUN message."""
    if len(data) < HEADER_SIZE:
        raise StunError(len(data), "stun.short", data, f"A message has at least {HEADER_SIZE} bytes", _CLAUSE)
    size = _announced(data)
    if size > len(data):
        explain = f"The header announces {size} bytes, {len(data)} are there"
        raise StunError(2, "stun.length", data[:HEADER_SIZE], explain, _CLAUSE)
    return _read(data[:size], trailing=data[size:])


def long_term_key(username: str, realm: str, password: str) -> bytes:
    """The key of the long-term credential mechanism: MD5 over user, realm and password (RFC 5389 15.4).

    The password is taken as it is; SASLprep is left to the caller.
    """
    text = f"{username}:{realm}:{password}".encode("utf-8", "replace")
    return hashlib.md5(text, usedforsecurity=False).digest()


def verify_integrity(message: StunMessage, key: bytes) -> bool:
    """Whether the received message carries a MESSAGE-INTEGRITY that fits ``key``; False when it carries none."""
    place, found = _find(message.raw, AttributeType.MESSAGE_INTEGRITY)
    if found is None:
        return False
    covered = _with_length(message.raw[:place], place + _ATTRIBUTE.size + INTEGRITY_SIZE - HEADER_SIZE)
    return hmac.compare_digest(hmac.new(key, covered, hashlib.sha1).digest(), found)


def verify_fingerprint(message: StunMessage) -> bool:
    """Whether the received message carries a FINGERPRINT that fits; False when it carries none."""
    place, found = _find(message.raw, AttributeType.FINGERPRINT)
    if found is None:
        return False
    covered = _with_length(message.raw[:place], place + _ATTRIBUTE.size + 4 - HEADER_SIZE)
    return hmac.compare_digest(_fingerprint(covered), found)


class StunParser:
    """Incremental reader of STUN on TCP (RFC 5389 7.2.2); takes any split of the stream.

    A connection that was bound to a peer carries plain data afterwards (RFC 6062 4.3): when ``until_bound``, the parser
    stops behind a successful answer to CONNECTION-BIND, and ``take_rest`` gives what follows. The side that sends
    that answer calls ``take_rest`` itself. After a StunStreamError every further call raises the same error.
    """

    def __init__(self, *, until_bound: bool = True, max_body: int = LARGEST_BODY) -> None:
        self._buffer = bytearray()
        self._position = 0
        self._until_bound = until_bound
        self._max_body = max_body
        self._fault: StunError | None = None
        self.bound = False

    @property
    def pending(self) -> bytes:
        """Bytes not taken yet."""
        return bytes(self._buffer)

    def feed(self, data: bytes | bytearray | memoryview) -> list[StunMessage]:
        """The messages that ``data`` completes. Raises StunStreamError for bytes that are not STUN."""
        if self._fault is not None:
            raise self._copy(self._fault, [])
        self._buffer += data
        messages: list[StunMessage] = []
        try:
            while not self.bound and (size := self._complete_size()):
                messages.append(self._take(size))
        except StunError as fault:
            self._fault = fault
            raise self._copy(fault, messages) from None
        return messages

    def take_rest(self) -> bytes:
        """Stop reading messages and give the bytes not taken: the beginning of the plain data."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._position += len(rest)
        self.bound = True
        return rest

    def finish(self) -> None:
        """Tell the parser that the stream has ended. Raises StunError when it ends inside a message."""
        if self._buffer and not self.bound and self._fault is None:
            explain = f"The connection ended inside a message, after {len(self._buffer)} of its bytes"
            raise StunStreamError(self._position, "stun.truncated", bytes(self._buffer), explain, _CLAUSE)

    @staticmethod
    def _copy(fault: StunError, messages: list[StunMessage]) -> StunStreamError:
        error = StunStreamError(fault.offset, fault.rule, fault.seen, fault.explain, fault.clause)
        error.messages = tuple(messages)
        return error

    def _take(self, size: int) -> StunMessage:
        message = _read(bytes(self._buffer[:size]))
        del self._buffer[:size]
        self._position += size
        answered = message.method == Method.CONNECTION_BIND and message.kind == MessageClass.SUCCESS
        self.bound = self._until_bound and answered
        return message

    def _complete_size(self) -> int:
        head = bytes(self._buffer[:HEADER_SIZE])
        wrong = bool(head) and head[0] >= 0x40
        if wrong or head[4:8] != COOKIE_BYTES[: len(head[4:8])]:
            explain = "A message begins with two zero bits and has the magic cookie at byte 4"
            raise StunError(self._position, "stun.cookie", head, explain, _CLAUSE)
        if len(head) < HEADER_SIZE:
            return 0
        size = _announced(head)
        if size - HEADER_SIZE > self._max_body:
            explain = f"The message is larger than the {self._max_body} bytes that are read"
            raise StunError(self._position + 2, "stun.oversize", head, explain, _CLAUSE)
        return size if len(self._buffer) >= size else 0


def _header(message: StunMessage, length: int) -> bytes:
    if length > LARGEST_BODY:
        raise StunError(2, "stun.length", b"", f"{length} bytes of attributes do not fit a message", _CLAUSE)
    method, kind = message.method, int(message.kind)
    word = (method & 0xF) | (method & 0x70) << 1 | (method & 0xF80) << 2 | (kind & 1) << 4 | (kind & 2) << 7
    return HEADER.pack(word, length, message.cookie, message.transaction)


def _announced(head: bytes) -> int:
    if head[0] >= 0x40:
        raise StunError(0, "stun.type", head[:HEADER_SIZE], "The first two bits of a message are zero", _CLAUSE)
    return HEADER_SIZE + int.from_bytes(head[2:4], "big")


def _read(raw: bytes, trailing: bytes = b"") -> StunMessage:
    word, length, cookie, transaction = HEADER.unpack_from(raw)
    method = (word & 0xF) | (word & 0xE0) >> 1 | (word & 0x3E00) >> 2
    kind = MessageClass((word & 0x10) >> 4 | (word & 0x100) >> 7)
    found: list[Violation] = []
    if length % 4:
        explain = "The length of a message is a multiple of four"
        found.append(_violation(2, "length", raw[2:4], explain, _CLAUSE))
    if trailing:
        explain = f"{len(trailing)} bytes follow the message"
        found.append(_violation(len(raw), "trailing", trailing, explain, _CLAUSE))
    attributes = []
    end = HEADER_SIZE
    for place, item in _attributes(raw):
        attributes.append(item)
        end = place + _ATTRIBUTE.size + len(item.value) + -len(item.value) % 4
    if end < len(raw):
        explain = "The last attribute is cut or longer than the message"
        found.append(_violation(end, "attribute.overrun", raw[end:], explain, "RFC 5389 15"))
    message = StunMessage(method, kind, transaction, tuple(attributes), cookie, raw)
    found += _check_order(message)
    return replace(message, violations=tuple(sorted(found, key=lambda violation: violation.offset)))


def _check_order(message: StunMessage) -> Iterator[Violation]:
    """FINGERPRINT is right and the last one; only FINGERPRINT follows MESSAGE-INTEGRITY."""
    last = ""
    for place, item in _attributes(message.raw):
        seen = message.raw[place : place + SEEN_BYTES]
        if last == "FINGERPRINT" or (last == "MESSAGE-INTEGRITY" and item.kind != AttributeType.FINGERPRINT):
            yield _violation(place, "attribute.order", seen, f"No such attribute follows {last}", "RFC 5389 15.4")
        if item.kind == AttributeType.MESSAGE_INTEGRITY:
            last = "MESSAGE-INTEGRITY"
            if len(item.value) != INTEGRITY_SIZE:
                yield _violation(place, "integrity.size", seen, "MESSAGE-INTEGRITY has 20 bytes", "RFC 5389 15.4")
        if item.kind == AttributeType.FINGERPRINT:
            last = "FINGERPRINT"
    if message.get(AttributeType.FINGERPRINT) is not None and not verify_fingerprint(message):
        place, _ = _find(message.raw, AttributeType.FINGERPRINT)
        explain = "FINGERPRINT does not fit the message"
        yield _violation(place, "fingerprint", message.raw[place : place + 8], explain, "RFC 5389 15.5")


def _attributes(raw: bytes) -> Iterator[tuple[int, Attribute]]:
    """Whole attributes with their positions; stops at the first that does not fit, its padding aside."""
    place = HEADER_SIZE
    while place + _ATTRIBUTE.size <= len(raw):
        kind, size = _ATTRIBUTE.unpack_from(raw, place)
        start = place + _ATTRIBUTE.size
        if start + size > len(raw):
            return
        yield place, Attribute(kind, raw[start : start + size])
        place = start + size + -size % 4


def _find(raw: bytes, kind: int) -> tuple[int, bytes | None]:
    for place, item in _attributes(raw):
        if item.kind == kind:
            return place, item.value
    return 0, None


def _encode_attribute(attribute: Attribute) -> bytes:
    size = len(attribute.value)
    if not 0 <= attribute.kind <= 0xFFFF or size > LARGEST_BODY:
        raise StunError(
            0, "stun.attribute", attribute.value, "An attribute has 16 bits of type and length", "RFC 5389 15"
        )
    return _ATTRIBUTE.pack(attribute.kind, size) + attribute.value + bytes(-size % 4)


def _with_length(head: bytes, length: int) -> bytes:
    return head[:2] + (length & 0xFFFF).to_bytes(2, "big") + head[4:]


def _fingerprint(covered: bytes) -> bytes:
    return (binascii.crc32(covered) ^ _FINGERPRINT_MASK).to_bytes(4, "big")


def _violation(offset: int, rule: str, seen: bytes, explain: str, clause: str) -> Violation:
    return Violation(offset, f"stun.{rule}", clause, seen[:SEEN_BYTES], explain)

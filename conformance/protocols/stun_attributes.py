"""STUN and TURN attributes and their values (RFC 5389 15, RFC 5766 14, RFC 6062 6.2, RFC 3489 11.2)."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from enum import IntEnum

from conformance.protocols.violation import CodecError

MAGIC_COOKIE = 0x2112A442
COOKIE_BYTES = MAGIC_COOKIE.to_bytes(4, "big")
TCP_TRANSPORT = 6
UDP_TRANSPORT = 17

_IPV4_FAMILY = 1
_IPV6_FAMILY = 2


class StunError(CodecError):
    """Bytes that are no STUN message, or an attribute that cannot be read."""


class AttributeType(IntEnum):
    """Attribute types; below 0x8000 a receiver must understand them."""

    MAPPED_ADDRESS = 0x0001
    RESPONSE_ADDRESS = 0x0002
    CHANGE_REQUEST = 0x0003
    SOURCE_ADDRESS = 0x0004
    CHANGED_ADDRESS = 0x0005
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_ADDRESS_FAMILY = 0x0017
    EVEN_PORT = 0x0018
    REQUESTED_TRANSPORT = 0x0019
    DONT_FRAGMENT = 0x001A
    XOR_MAPPED_ADDRESS = 0x0020
    RESERVATION_TOKEN = 0x0022
    CONNECTION_ID = 0x002A
    SOFTWARE = 0x8022
    ALTERNATE_SERVER = 0x8023
    FINGERPRINT = 0x8028


_XORED = frozenset(
    {AttributeType.XOR_PEER_ADDRESS, AttributeType.XOR_RELAYED_ADDRESS, AttributeType.XOR_MAPPED_ADDRESS}
)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute; ``value`` without padding. ``kind``: see AttributeType, unknown numbers are kept."""

    kind: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Address:
    """A transport address; ``host`` as IPv4 or IPv6 text."""

    host: str
    port: int


def text_attribute(kind: int, text: str) -> Attribute:
    """USERNAME, REALM, NONCE, SOFTWARE: UTF-8."""
    return Attribute(kind, text.encode("utf-8", "replace"))


def number_attribute(kind: int, number: int) -> Attribute:
    """LIFETIME (seconds), CONNECTION-ID: 32 bits. Raises StunError when it does not fit."""
    if not 0 <= number <= 0xFFFFFFFF:
        raise StunError(0, "stun.number", b"", f"{number} does not fit 32 bits", "RFC 5766 14")
    return Attribute(kind, number.to_bytes(4, "big"))


def requested_transport(protocol: int = TCP_TRANSPORT) -> Attribute:
    """REQUESTED-TRANSPORT: 6 for TCP, 17 for UDP (RFC 5766 14.7)."""
    return Attribute(AttributeType.REQUESTED_TRANSPORT, bytes((protocol, 0, 0, 0)))


def requested_address_family(version: int = 4) -> Attribute:
    """REQUESTED-ADDRESS-FAMILY for IP version 4 or 6 (RFC 6156 4.1.1)."""
    family = _IPV4_FAMILY if version == 4 else _IPV6_FAMILY
    return Attribute(AttributeType.REQUESTED_ADDRESS_FAMILY, bytes((family, 0, 0, 0)))


def change_request(*, change_address: bool, change_port: bool) -> Attribute:
    """CHANGE-REQUEST (RFC 3489 11.2.4)."""
    return Attribute(AttributeType.CHANGE_REQUEST, ((change_address << 2) | (change_port << 1)).to_bytes(4, "big"))


def error_attribute(code: int, reason: str) -> Attribute:
    """ERROR-CODE with a code 300..699 (RFC 5389 15.6). Raises StunError for another code."""
    if not 300 <= code <= 699:
        raise StunError(0, "stun.error_code", b"", f"The error code {code} is not in 300..699", "RFC 5389 15.6")
    return Attribute(
        AttributeType.ERROR_CODE, bytes((0, 0, code // 100, code % 100)) + reason.encode("utf-8", "replace")
    )


def unknown_attributes(kinds: tuple[int, ...]) -> Attribute:
    """UNKNOWN-ATTRIBUTES, two bytes for each type."""
    return Attribute(AttributeType.UNKNOWN_ATTRIBUTES, b"".join(kind.to_bytes(2, "big") for kind in kinds))


def address_attribute(kind: int, address: Address, transaction: bytes = b"") -> Attribute:
    """A plain or, by its kind, XORed address; IPv6 needs the 12 bytes of the transaction. Raises StunError."""
    try:
        host = ipaddress.ip_address(address.host)
    except ValueError:
        seen = address.host.encode("utf-8", "replace")
        raise StunError(0, "stun.address", seen, "The host is no IP address", "RFC 5389 15.1") from None
    if not 0 <= address.port <= 0xFFFF:
        raise StunError(0, "stun.address", b"", f"{address.port} is no port", "RFC 5389 15.1")
    packed, port = host.packed, address.port.to_bytes(2, "big")
    if kind in _XORED:
        packed, port = _xor(packed, COOKIE_BYTES + transaction), _xor(port, COOKIE_BYTES)
    return Attribute(kind, bytes((0, _IPV4_FAMILY if host.version == 4 else _IPV6_FAMILY)) + port + packed)


def read_text(attribute: Attribute) -> str:
    """The text of USERNAME, REALM, NONCE, SOFTWARE. Raises StunError when it is not UTF-8."""
    try:
        return attribute.value.decode()
    except UnicodeDecodeError as problem:
        raise _error("text", attribute, "The text is UTF-8", "RFC 5389 15", problem.start) from None


def read_number(attribute: Attribute) -> int:
    """The number of LIFETIME or CONNECTION-ID. Raises StunError unless it has four bytes."""
    if len(attribute.value) != 4:
        raise _error("number", attribute, "The value has four bytes", "RFC 5766 14")
    return int.from_bytes(attribute.value, "big")


def read_requested_transport(attribute: Attribute) -> int:
    """The protocol number of REQUESTED-TRANSPORT. Raises StunError unless it has four bytes."""
    return read_number(attribute) >> 24


def read_change_request(attribute: Attribute) -> tuple[bool, bool]:
    """Whether another address and another port are asked for. Raises StunError unless it has four bytes."""
    flags = read_number(attribute)
    return bool(flags & 4), bool(flags & 2)


def read_error(attribute: Attribute) -> tuple[int, str]:
    """Code and reason of ERROR-CODE. Raises StunError for a short value or a code outside 300..699."""
    value = attribute.value
    if len(value) < 4 or not 3 <= value[2] & 7 <= 6 or value[3] > 99:
        raise _error("error_code", attribute, "An error code is a class 3..6 and a number 0..99", "RFC 5389 15.6")
    return (value[2] & 7) * 100 + value[3], value[4:].decode("utf-8", "replace")


def read_unknown_attributes(attribute: Attribute) -> tuple[int, ...]:
    """The attribute types that the peer did not understand. Raises StunError for an odd size."""
    value = attribute.value
    if len(value) % 2:
        raise _error("unknown_attributes", attribute, "Every type has two bytes", "RFC 5389 15.9")
    return tuple(int.from_bytes(value[place : place + 2], "big") for place in range(0, len(value), 2))


def read_address(attribute: Attribute, transaction: bytes = b"") -> Address:
    """A plain or, by its kind, XORed address. Raises StunError."""
    value = attribute.value
    size = {_IPV4_FAMILY: 4, _IPV6_FAMILY: 16}.get(value[1] if len(value) > 1 else 0, 0)
    if not size or len(value) != 4 + size:
        raise _error("address", attribute, "An address is a family, a port and 4 or 16 bytes", "RFC 5389 15.1")
    port, packed = value[2:4], value[4:]
    if attribute.kind in _XORED:
        if size == 16 and len(transaction) != 12:
            raise _error("address", attribute, "A XORed IPv6 address needs the transaction", "RFC 5389 15.2")
        packed, port = _xor(packed, COOKIE_BYTES + transaction), _xor(port, COOKIE_BYTES)
    return Address(str(ipaddress.ip_address(packed)), int.from_bytes(port, "big"))


def _xor(data: bytes, mask: bytes) -> bytes:
    if len(mask) < len(data):
        raise StunError(0, "stun.address", data, "A XORed IPv6 address needs the transaction", "RFC 5389 15.2")
    return bytes(left ^ right for left, right in zip(data, mask, strict=False))


def _error(rule: str, attribute: Attribute, explain: str, clause: str, offset: int = 0) -> StunError:
    return StunError(offset, f"stun.{rule}", attribute.value, explain, clause)

"""Session descriptions (RFC 4566): strict about every line, lenient in going on; violations carry line numbers.

What the fmtp parameters of H.264, H.265 and AAC mean is in sdp_formats.py.
"""

from __future__ import annotations

from dataclasses import replace

from conformance.protocols.sdp_checks import check_description
from conformance.protocols.sdp_lines import LARGEST_SDP, SdpError, SdpNotes, split_lines
from conformance.protocols.sdp_reader import DescriptionReader
from conformance.protocols.sdp_values import (
    STATIC_PAYLOADS,
    Attribute,
    Bandwidth,
    Connection,
    Media,
    Origin,
    RtpMap,
    SessionDescription,
    Timing,
)

__all__ = [
    "LARGEST_SDP",
    "STATIC_PAYLOADS",
    "Attribute",
    "Bandwidth",
    "Connection",
    "Media",
    "Origin",
    "RtpMap",
    "SdpError",
    "SessionDescription",
    "Timing",
    "parse_sdp",
    "serialize_sdp",
]


def parse_sdp(data: bytes) -> SessionDescription:
    """The description with every violation, in order of lines.

    Raises SdpError when it is larger than LARGEST_SDP bytes or 1024 lines, or holds no line of SDP at all.
    """
    notes = SdpNotes()
    lines = split_lines(data, notes)
    reader = DescriptionReader(notes, len(data))
    for line in lines:
        reader.read(line)
    description = reader.finish()
    check_description(description, {line.number: line for line in lines}, notes)
    return replace(description, violations=notes.in_order())


def serialize_sdp(description: SessionDescription) -> bytes:
    """The bytes, with CR LF and lines in their order. Raises SdpError for text that would break a line."""
    lines = [f"v={description.version}"]
    if description.origin:
        o = description.origin
        lines.append(f"o={o.username} {o.session_id} {o.version} {o.network} {o.address_type} {o.address}")
    lines.append(f"s={description.name}")
    lines += _given("i", description.information) + _given("u", description.uri)
    lines += [f"e={text}" for text in description.emails] + [f"p={text}" for text in description.phones]
    lines += _connection(description.connection) + _bandwidths(description.bandwidths)
    for timing in description.times:
        lines += [f"t={timing.start} {timing.stop}", *(f"r={text}" for text in timing.repeats)]
    lines += _given("z", description.zones) + _given("k", description.key) + _attributes(description.attributes)
    for media in description.media:
        lines += _media(media)
    for number, line in enumerate(lines, start=1):
        if any(sign in line for sign in "\r\n\0"):
            seen = line.encode("utf-8", "replace")
            raise SdpError(0, "sdp.unwritable", seen, f"Line {number} holds CR, LF or NUL", "RFC 4566 5")
    return "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")


def _given(letter: str, text: str) -> list[str]:
    return [f"{letter}={text}"] if text else []


def _connection(connection: Connection | None) -> list[str]:
    if connection is None:
        return []
    text = f"c={connection.network} {connection.address_type} {connection.address}"
    if connection.ttl is not None:
        text += f"/{connection.ttl}"
    return [text + (f"/{connection.count}" if connection.count != 1 else "")]


def _bandwidths(bandwidths: tuple[Bandwidth, ...]) -> list[str]:
    return [f"b={item.kind}:{item.value}" for item in bandwidths]


def _attributes(attributes: tuple[Attribute, ...]) -> list[str]:
    return [f"a={item.name}" if item.value is None else f"a={item.name}:{item.value}" for item in attributes]


def _media(media: Media) -> list[str]:
    port = str(media.port) if media.port_count == 1 else f"{media.port}/{media.port_count}"
    return [
        " ".join((f"m={media.kind}", port, media.protocol, *media.formats)),
        *_given("i", media.title),
        *_connection(media.connection),
        *_bandwidths(media.bandwidths),
        *_given("k", media.key),
        *_attributes(media.attributes),
    ]

"""Session descriptions (RFC 4566): strict about every line, lenient in going on; violations carry line numbers.

The reader is in sdp_reader.py; what the fmtp parameters of H.264, H.265 and AAC mean is in sdp_formats.py.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conformance.protocols.sdp_lines import SdpError
from conformance.protocols.violation import Violation

STATIC_PAYLOADS: dict[int, tuple[str, int, int]] = {
    0: ("PCMU", 8000, 1),
    3: ("GSM", 8000, 1),
    4: ("G723", 8000, 1),
    5: ("DVI4", 8000, 1),
    6: ("DVI4", 16000, 1),
    7: ("LPC", 8000, 1),
    8: ("PCMA", 8000, 1),
    9: ("G722", 8000, 1),
    10: ("L16", 44100, 2),
    11: ("L16", 44100, 1),
    12: ("QCELP", 8000, 1),
    13: ("CN", 8000, 1),
    14: ("MPA", 90000, 1),
    15: ("G728", 8000, 1),
    16: ("DVI4", 11025, 1),
    17: ("DVI4", 22050, 1),
    18: ("G729", 8000, 1),
    25: ("CelB", 90000, 1),
    26: ("JPEG", 90000, 1),
    28: ("nv", 90000, 1),
    31: ("H261", 90000, 1),
    32: ("MPV", 90000, 1),
    33: ("MP2T", 90000, 1),
    34: ("H263", 90000, 1),
}
"""Payload types with a fixed meaning (RFC 3551 6): encoding, clock in Hz, channels."""

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


@dataclass(frozen=True, slots=True)
class Origin:
    """The o= line. ``session_id`` and ``version``: numbers as written."""

    username: str
    session_id: str
    version: str
    network: str
    address_type: str
    address: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A c= line. ``address``: without TTL and count; ``ttl`` None when not given; ``count``: of addresses."""

    network: str
    address_type: str
    address: str
    ttl: int | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class Timing:
    """A t= line with its r= lines. ``start``, ``stop``: NTP seconds, 0 for unbounded."""

    start: int
    stop: int
    repeats: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """A b= line. ``value``: kbit/s for CT and AS, bit/s for RS, RR and TIAS."""

    kind: str
    value: int


@dataclass(frozen=True, slots=True)
class Attribute:
    """An a= line; ``value`` None for a flag. ``line``: its number, 0 when not read."""

    name: str
    value: str | None = None
    line: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class RtpMap:
    """What a payload type means. ``clock``: Hz."""

    payload_type: int
    encoding: str
    clock: int
    channels: int = 1


def first_value(attributes: tuple[Attribute, ...], name: str) -> str | None:
    """The value of the first attribute of that name; an empty text for a flag, None when there is none."""
    return next((item.value or "" for item in attributes if item.name == name), None)


@dataclass(frozen=True, slots=True)
class Media:
    """One m= section. ``port``: of the first stream; ``port_count``: after the slash; ``line``: of m=."""

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    title: str = ""
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    key: str = ""
    attributes: tuple[Attribute, ...] = ()
    line: int = field(default=0, compare=False)

    @property
    def payload_types(self) -> tuple[int, ...]:
        """The formats as payload types, 0..127; empty unless the protocol is an RTP one."""
        if not self.protocol.upper().startswith("RTP/"):
            return ()
        return tuple(int(text) for text in self.formats if text.isascii() and text.isdigit() and int(text[:4]) < 128)

    @property
    def control(self) -> str | None:
        """The value of a=control, None when it is missing."""
        return first_value(self.attributes, "control")

    @property
    def range(self) -> str | None:
        """The text of a=range; ``rtsp_range.parse_range`` reads it."""
        return first_value(self.attributes, "range")

    @property
    def direction(self) -> str | None:
        """sendrecv, sendonly, recvonly or inactive; None when no such line stands here."""
        return next((item.name for item in self.attributes if item.name in DIRECTIONS), None)

    def rtpmap(self, payload_type: int) -> RtpMap | None:
        """The a=rtpmap of a payload type, else its fixed meaning (RFC 3551 6), else None."""
        for item in self.attributes:
            found = parse_rtpmap(item.value or "") if item.name == "rtpmap" else None
            if found is not None and found.payload_type == payload_type:
                return found
        fixed = STATIC_PAYLOADS.get(payload_type)
        return RtpMap(payload_type, *fixed) if fixed else None

    def fmtp(self, payload_type: int) -> dict[str, str]:
        """The parameters of the first a=fmtp of a payload type; names in lower case, empty when there is none."""
        for item in self.attributes:
            if item.name == "fmtp":
                number, _, text = (item.value or "").strip().partition(" ")
                if number == str(payload_type):
                    return dict(reversed(list(fmtp_pairs(text))))
        return {}


@dataclass(frozen=True, slots=True)
class SessionDescription:
    """A whole description. ``origin`` None when o= is missing or unreadable; ``times`` may be empty then, too."""

    version: int = 0
    origin: Origin | None = None
    name: str = "-"
    information: str = ""
    uri: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    connection: Connection | None = None
    bandwidths: tuple[Bandwidth, ...] = ()
    times: tuple[Timing, ...] = ()
    zones: str = ""
    key: str = ""
    attributes: tuple[Attribute, ...] = ()
    media: tuple[Media, ...] = ()
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @property
    def control(self) -> str | None:
        """The value of a=control of the session, None when it is missing."""
        return first_value(self.attributes, "control")

    @property
    def range(self) -> str | None:
        """The text of a=range of the session; ``rtsp_range.parse_range`` reads it."""
        return first_value(self.attributes, "range")

    def of_kind(self, kind: str) -> tuple[Media, ...]:
        """The media sections of a kind such as ``video``."""
        return tuple(media for media in self.media if media.kind == kind)

    def connection_of(self, media: Media) -> Connection | None:
        """The connection that holds for a media section: its own, else that of the session."""
        return media.connection or self.connection


def parse_rtpmap(value: str) -> RtpMap | None:
    """The parts of ``PT encoding/clock[/channels]``, None when the text is not of that form."""
    number, _, rest = value.strip().partition(" ")
    encoding, *numbers = rest.strip().split("/")
    texts = (number, *numbers)
    if not encoding or len(numbers) not in (1, 2) or not all(_is_number(text) for text in texts):
        return None
    if int(number) > 127 or int(numbers[0]) == 0:
        return None
    return RtpMap(int(number), encoding, int(numbers[0]), int(numbers[1]) if len(numbers) == 2 else 1)


def fmtp_pairs(text: str) -> Iterator[tuple[str, str]]:
    """The ``name=value`` pairs of fmtp parameters in order; a word without '=' has an empty value."""
    for piece in text.split(";"):
        name, _, value = piece.partition("=")
        if name.strip():
            yield name.strip().lower(), value.strip()


def parse_sdp(data: bytes) -> SessionDescription:
    """The description with every violation. Raises SdpError when it is too large or holds no line of SDP at all."""
    from conformance.protocols.sdp_reader import read_description

    return read_description(data)


def serialize_sdp(description: SessionDescription) -> bytes:
    """The bytes with CR LF and the lines in their prescribed order. Raises SdpError for text that would break a line."""
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


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10


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

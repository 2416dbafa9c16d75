"""The parts of a session description as frozen values (RFC 4566 5, RFC 3551 6)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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
        return tuple(int(text) for text in self.formats if _is_number(text) and int(text) < 128)

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
                    return _first_of_each(fmtp_pairs(text))
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


def _first_of_each(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    first: dict[str, str] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return first


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 10

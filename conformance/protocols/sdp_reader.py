"""Builds a session description from its lines, noting what each line breaks (RFC 4566 5)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from conformance.protocols.sdp_lines import SdpLine, SdpNotes
from conformance.protocols.sdp_values import (
    Attribute,
    Bandwidth,
    Connection,
    Media,
    Origin,
    SessionDescription,
    Timing,
)

KINDS = ("audio", "video", "text", "application", "message", "image")

_SESSION_ORDER = {letter: place for place, letter in enumerate("vosiuepcbtzka")} | {"r": "vosiuepcbtzka".index("t")}
_MEDIA_ORDER = {letter: place for place, letter in enumerate("micbka")}
_SINGLE_IN_SESSION = frozenset("vosiuczk")
_SINGLE_IN_MEDIA = frozenset("ik")
_NUMBER = re.compile(r"[0-9]{1,20}\Z")
_SHORT_NUMBER = re.compile(r"[0-9]{1,9}\Z")
_TOKEN = re.compile(r"[!#$%&'*+\-.^_`{|}~0-9A-Za-z]+\Z")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.\-]*\Z")
_BANDWIDTH = re.compile(r"([!#$%&'*+\-.^_`{|}~0-9A-Za-z]+):([0-9]{1,15})\Z")
_PORT = re.compile(r"([0-9]{1,5})(?:/([0-9]{1,5}))?\Z")
_LARGEST_PORT = 0xFFFF


@dataclass(slots=True)
class _Section:
    """One m= section while it is being read."""

    place: SdpLine
    connection_seen: bool = False
    kind: str = ""
    port: int = 0
    port_count: int = 1
    protocol: str = ""
    formats: tuple[str, ...] = ()
    title: str = ""
    connection: Connection | None = None
    key: str = ""
    bandwidths: list[Bandwidth] = field(default_factory=list)
    attributes: list[Attribute] = field(default_factory=list)

    def media(self) -> Media:
        return Media(
            self.kind,
            self.port,
            self.protocol,
            self.formats,
            self.port_count,
            self.title,
            self.connection,
            tuple(self.bandwidths),
            self.key,
            tuple(self.attributes),
            self.place.number,
        )


class DescriptionReader:
    """Takes the lines one by one; ``finish`` gives the description and notes the lines that are missing."""

    def __init__(self, notes: SdpNotes, size: int) -> None:
        self._notes = notes
        self._size = size
        self._version = 0
        self._origin: Origin | None = None
        self._texts: dict[str, str] = {}
        self._lists: dict[str, list[str]] = {"e": [], "p": []}
        self._times: list[tuple[int, int, list[str]]] = []
        self._session = _Section(SdpLine("", "", b"", 0, 0))
        self._sections: list[_Section] = []
        self._seen: set[str] = set()
        self._here: set[str] = set()
        self._place = -1
        self._last_line = 0
        self._readers: dict[str, Callable[[SdpLine], None]] = {
            "v": self._read_version,
            "o": self._read_origin,
            "c": self._read_connection,
            "b": self._read_bandwidth,
            "t": self._read_time,
            "r": self._read_repeat,
            "a": self._read_attribute,
            "m": self._read_media,
        }

    def read(self, line: SdpLine) -> None:
        """Take one line."""
        self._last_line = line.number
        letter = line.letter
        if letter not in _SESSION_ORDER and letter != "m":
            self._notes.add(line, "letter", f"RFC 4566 knows no line {letter}=")
            return
        self._check_order(line)
        self._seen.add(letter)
        reader = self._readers.get(letter, self._read_text)
        reader(line)

    def finish(self) -> SessionDescription:
        """The description of all lines."""
        end = SdpLine("", "", b"", self._size, self._last_line + 1)
        for letter, name in (("v", "version"), ("o", "origin"), ("s", "session name"), ("t", "time")):
            if letter not in self._seen:
                self._notes.add(end, f"missing.{letter}", f"The {name} line {letter}= is missing")
        for section in self._sections:
            if not section.connection_seen and not self._session.connection_seen:
                explain = "c= stands in the session or in every media section"
                self._notes.add(section.place, "connection.missing", explain, "RFC 4566 5.7")
        return SessionDescription(
            self._version,
            self._origin,
            self._texts.get("s", ""),
            self._texts.get("i", ""),
            self._texts.get("u", ""),
            tuple(self._lists["e"]),
            tuple(self._lists["p"]),
            self._session.connection,
            tuple(self._session.bandwidths),
            tuple(Timing(start, stop, tuple(repeats)) for start, stop, repeats in self._times),
            self._texts.get("z", ""),
            self._texts.get("k", ""),
            tuple(self._session.attributes),
            tuple(section.media() for section in self._sections),
        )

    @property
    def _section(self) -> _Section:
        return self._sections[-1] if self._sections else self._session

    def _check_order(self, line: SdpLine) -> None:
        letter = line.letter
        if letter == "m":
            self._place, self._here = 0, set()
            return
        order = _MEDIA_ORDER if self._sections else _SESSION_ORDER
        if letter not in order:
            self._notes.add(line, "order", f"{letter}= belongs to the session and stands before every m=")
            return
        if order[letter] < self._place:
            self._notes.add(line, "order", f"{letter}= stands too late; the order is {' '.join(order)}")
        self._place = max(self._place, order[letter])
        single = _SINGLE_IN_MEDIA if self._sections else _SINGLE_IN_SESSION
        if letter in single and letter in self._here:
            self._notes.add(line, "duplicate", f"{letter}= stands once only")
        self._here.add(letter)

    def _read_version(self, line: SdpLine) -> None:
        if line.value != "0":
            self._notes.add(line, "version", "The version is 0", "RFC 4566 5.1")
        if _SHORT_NUMBER.match(line.value):
            self._version = int(line.value)

    def _read_origin(self, line: SdpLine) -> None:
        parts = line.value.split(" ")
        if len(parts) != 6 or not all(parts):
            explain = "o= is user, session id, version, network, address type and address with one blank between them"
            self._notes.add(line, "origin", explain, "RFC 4566 5.2")
            return
        origin = Origin(*parts)
        if not (_NUMBER.match(origin.session_id) and _NUMBER.match(origin.version)):
            self._notes.add(line, "origin.number", "Session id and version in o= are numbers", "RFC 4566 5.2")
        if not _is_address(origin.network, origin.address_type, origin.address):
            explain = "The address in o= is IN, IP4 or IP6, and an address or host name of that type"
            self._notes.add(line, "origin.address", explain, "RFC 4566 5.2")
        self._origin = self._origin or origin

    def _read_text(self, line: SdpLine) -> None:
        if line.letter in self._lists:
            self._lists[line.letter].append(line.value)
            return
        if not line.value:
            clause = "RFC 4566 5.3" if line.letter == "s" else "RFC 4566 5"
            self._notes.add(line, "empty", f"{line.letter}= has a text; a session without a name says s=-", clause)
        if self._sections and line.letter in "ik":
            name = "title" if line.letter == "i" else "key"
            setattr(self._section, name, line.value)
            return
        self._texts.setdefault(line.letter, line.value)

    def _read_connection(self, line: SdpLine) -> None:
        self._section.connection_seen = True
        connection = _connection(line.value.split(" "))
        if connection is None:
            explain = "c= is network, address type and address, perhaps with a TTL and a count behind slashes"
            self._notes.add(line, "connection", explain, "RFC 4566 5.7")
            return
        if not _is_address(connection.network, connection.address_type, connection.address):
            explain = "The address in c= is IN, IP4 or IP6, and an address or host name of that type"
            self._notes.add(line, "connection.address", explain, "RFC 4566 5.7")
        if connection.ttl is None and _is_multicast(connection.address):
            explain = "A multicast IP4 address in c= has a TTL behind it"
            self._notes.add(line, "connection.ttl", explain, "RFC 4566 5.7")
        self._section.connection = self._section.connection or connection

    def _read_bandwidth(self, line: SdpLine) -> None:
        found = _BANDWIDTH.match(line.value)
        if not found:
            self._notes.add(line, "bandwidth", "b= is a type, a colon and a number", "RFC 4566 5.8")
            return
        self._section.bandwidths.append(Bandwidth(found[1], int(found[2])))

    def _read_time(self, line: SdpLine) -> None:
        parts = line.value.split(" ")
        if len(parts) != 2 or not all(_NUMBER.match(part) for part in parts):
            self._notes.add(line, "time", "t= is two numbers, start and stop", "RFC 4566 5.9")
            return
        start, stop = int(parts[0]), int(parts[1])
        if 0 < stop < start:
            self._notes.add(line, "time", "The stop of t= is not before its start", "RFC 4566 5.9")
        self._times.append((start, stop, []))

    def _read_repeat(self, line: SdpLine) -> None:
        if not self._times:
            self._notes.add(line, "order", "r= stands after its t=", "RFC 4566 5.10")
            return
        self._times[-1][2].append(line.value)

    def _read_attribute(self, line: SdpLine) -> None:
        name, colon, value = line.value.partition(":")
        if not _TOKEN.match(name):
            self._notes.add(line, "attribute", "a= is a name, or a name, a colon and a value", "RFC 4566 5.13")
        if name:
            self._section.attributes.append(Attribute(name, value if colon else None, line.number))

    def _read_media(self, line: SdpLine) -> None:
        section = _Section(line)
        self._sections.append(section)
        parts = line.value.split(" ")
        if len(parts) < 4 or not all(parts):
            explain = "m= is kind, port, protocol and at least one format with one blank between them"
            self._notes.add(line, "media", explain, "RFC 4566 5.14")
            parts = [*line.value.split(), "", "", ""]
        section.kind, section.protocol = parts[0], parts[2]
        section.formats = tuple(part for part in parts[3:] if part)
        if section.kind not in KINDS:
            self._notes.add(line, "media.kind", f"The kind in m= is one of {', '.join(KINDS)}", "RFC 4566 5.14")
        port = _PORT.match(parts[1])
        if not port or int(port[1]) > _LARGEST_PORT or port[2] == "0":
            explain = "The port in m= is 0 to 65535, perhaps with a slash and a count"
            self._notes.add(line, "media.port", explain, "RFC 4566 5.14")
        else:
            section.port, section.port_count = int(port[1]), int(port[2] or 1)


def _connection(parts: list[str]) -> Connection | None:
    if len(parts) != 3 or not all(parts):
        return None
    address, *numbers = parts[2].split("/")
    if not address or len(numbers) > 2 or not all(_SHORT_NUMBER.match(number) for number in numbers):
        return None
    values = [int(number) for number in numbers]
    if parts[1] == "IP6":
        return None if len(values) > 1 else Connection(parts[0], "IP6", address, None, values[0] if values else 1)
    return Connection(parts[0], parts[1], address, values[0] if values else None, values[1] if len(values) > 1 else 1)


def _is_multicast(address: str) -> bool:
    try:
        return ipaddress.IPv4Address(address).is_multicast
    except ValueError:
        return False


def _is_address(network: str, kind: str, address: str) -> bool:
    if network != "IN" or kind not in ("IP4", "IP6"):
        return False
    try:
        return ipaddress.ip_address(address).version == (4 if kind == "IP4" else 6)
    except ValueError:
        return bool(_NAME.match(address)) and not re.fullmatch(r"[0-9.]+", address)

"""RTSP headers with a structure of their own: Transport, Session, Public, RTP-Info, Scale, CSeq (RFC 2326 12).

Range and its times are in rtsp_range.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.protocols.quoted_text import quote, split_outside_quotes, unquote
from conformance.protocols.rtsp import RtspError
from conformance.protocols.violation import Violation

LARGEST_LIST = 32
DEFAULT_TIMEOUT = 60

_PROTOCOL = re.compile(r"[A-Za-z0-9]+/[A-Za-z0-9]+(/[A-Za-z0-9]+)?\Z")
_NUMBERS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?\Z")
_HEX = re.compile(r"[0-9A-Fa-f]{1,8}\Z")
_DECIMAL = re.compile(r"[0-9]{1,10}\Z")
_SCALE = re.compile(r"-?[0-9]{1,9}(\.[0-9]{0,9})?\Z")
_SESSION = re.compile(r"[A-Za-z0-9$\-_.+]+\Z")
_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_NEXT_URL = re.compile(r",\s*(?=url=)", re.IGNORECASE)
_INFO_PART = re.compile(r"\s*;\s*(?=(?:seq|rtptime|ssrc)\s*=)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Transport:
    """One transport of a Transport header (RFC 2326 12.39).

    protocol: as written, such as ``RTP/AVP`` or ``RTP/AVP/TCP``. unicast: None when neither word stands (the default
    is multicast). client_port, server_port, port, interleaved: (), (first,) or (first, last). ssrc: number or None.
    mode: methods, empty when not given. others: parameters not named here, with None for a word without value.
    """

    protocol: str
    unicast: bool | None = None
    client_port: tuple[int, ...] = ()
    server_port: tuple[int, ...] = ()
    port: tuple[int, ...] = ()
    interleaved: tuple[int, ...] = ()
    ssrc: int | None = None
    destination: str = ""
    source: str = ""
    ttl: int | None = None
    mode: tuple[str, ...] = ()
    others: tuple[tuple[str, str | None], ...] = ()
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @property
    def is_tcp(self) -> bool:
        """Whether the lower transport is TCP."""
        return self.protocol.upper().endswith("/TCP")


@dataclass(frozen=True, slots=True)
class Session:
    """A session identifier (RFC 2326 3.4, 12.37). ``timeout``: seconds, None when not given (60 then holds)."""

    id: str
    timeout: int | None = None
    violations: tuple[Violation, ...] = field(default=(), compare=False)

    @property
    def lifetime(self) -> int:
        """Seconds without a sign of life after which the server may close the session."""
        return DEFAULT_TIMEOUT if self.timeout is None else self.timeout


@dataclass(frozen=True, slots=True)
class RtpInfo:
    """One stream of RTP-Info (RFC 2326 12.33). ``seq``: of the first packet; ``rtptime``: its RTP clock for npt."""

    url: str
    seq: int | None = None
    rtptime: int | None = None
    ssrc: int | None = None


def parse_transport(value: str) -> list[Transport]:
    """Every transport of the header, in order of preference. Raises RtspError."""
    pieces = split_outside_quotes(value, ",")
    if len(pieces) > LARGEST_LIST:
        raise _error("transport.count", value, f"Transport lists more than {LARGEST_LIST} transports", "12.39")
    place = 0
    transports = []
    for piece in pieces:
        place = value.index(piece, place)
        transports.append(_transport(piece, place))
        place += len(piece)
    return transports


def format_transport(transport: Transport) -> str:
    """The text of one transport; join several with a comma."""
    parts = [transport.protocol]
    if transport.unicast is not None:
        parts.append("unicast" if transport.unicast else "multicast")
    texts = {"destination": transport.destination, "source": transport.source}
    parts += [f"{name}={text}" for name, text in texts.items() if text]
    numbers = {
        "interleaved": transport.interleaved,
        "ttl": () if transport.ttl is None else (transport.ttl,),
        "port": transport.port,
        "client_port": transport.client_port,
        "server_port": transport.server_port,
    }
    parts += [f"{name}={'-'.join(map(str, pair))}" for name, pair in numbers.items() if pair]
    if transport.ssrc is not None:
        parts.append(f"ssrc={transport.ssrc:08X}")
    parts += [name if text is None else f"{name}={text}" for name, text in transport.others]
    if transport.mode:
        parts.append(f"mode={quote(','.join(transport.mode))}")
    return ";".join(parts)


def parse_session(value: str) -> Session:
    """Identifier and timeout. Raises RtspError for an empty identifier or an unreadable timeout."""
    identifier, *parameters = [part.strip() for part in value.split(";")]
    if not identifier:
        raise _error("session.id", value, "A session identifier is not empty", "12.37")
    found = []
    if not _SESSION.match(identifier):
        found.append(_violation(0, "session.id", identifier, "An identifier has letters, digits and $ - _ . +", "3.4"))
    if len(identifier) < 8:
        found.append(_violation(0, "session.short", identifier, "An identifier has at least eight characters", "3.4"))
    timeout = None
    for parameter in parameters:
        name, _, text = parameter.partition("=")
        if name.strip().lower() != "timeout":
            place = value.index(parameter)
            found.append(_violation(place, "session.parameter", parameter, "Only timeout follows here", "12.37"))
        elif not _DECIMAL.match(text.strip()):
            raise _error("session.timeout", value, "The timeout is a number of seconds", "12.37")
        else:
            timeout = int(text)
    return Session(identifier, timeout, tuple(found))


def format_session(session: Session) -> str:
    """The text of a Session header."""
    return session.id if session.timeout is None else f"{session.id};timeout={session.timeout}"


def parse_public(value: str) -> tuple[str, ...]:
    """The methods of Public or Allow, in order. Raises RtspError for a word that cannot be a method."""
    methods = tuple(word for word in (word.strip() for word in value.split(",")) if word)
    for method in methods:
        if not _METHOD.match(method):
            raise _error("public.method", value, "Public lists methods with commas between them", "12.28")
    return methods


def format_public(methods: Iterable[str]) -> str:
    """The text of a Public or Allow header."""
    return ", ".join(methods)


def parse_rtp_info(value: str) -> list[RtpInfo]:
    """Every stream of the header. Commas and semicolons inside a URL are kept. Raises RtspError."""
    pieces = _NEXT_URL.split(value.strip())
    if len(pieces) > LARGEST_LIST:
        raise _error("rtp_info.count", value, f"RTP-Info lists more than {LARGEST_LIST} streams", "12.33")
    return [_rtp_info(piece, value) for piece in pieces]


def format_rtp_info(streams: Iterable[RtpInfo]) -> str:
    """The text of an RTP-Info header."""
    texts = []
    for stream in streams:
        parts = [f"url={stream.url}"]
        parts += [f"{name}={number}" for name in ("seq", "rtptime") if (number := getattr(stream, name)) is not None]
        if stream.ssrc is not None:
            parts.append(f"ssrc={stream.ssrc:08X}")
        texts.append(";".join(parts))
    return ",".join(texts)


def parse_scale(value: str) -> float:
    """The number of Scale or Speed: 1 is normal, negative is backwards. Raises RtspError."""
    if not _SCALE.match(value.strip()):
        raise _error("scale", value, "Scale is a decimal number such as 2 or -0.5", "12.34")
    return float(value)


def format_scale(scale: float) -> str:
    """The text of a Scale header, without an exponent."""
    return f"{scale:.3f}".rstrip("0").rstrip(".")


def parse_cseq(value: str) -> int:
    """The number of CSeq. Raises RtspError."""
    if not _DECIMAL.match(value.strip()):
        raise _error("cseq.invalid", value, "CSeq is one decimal number", "12.17")
    return int(value)


def _transport(piece: str, place: int) -> Transport:
    protocol, *parameters = split_outside_quotes(piece, ";")
    if not _PROTOCOL.match(protocol):
        raise _error("transport.protocol", piece, "A transport begins with protocol/profile[/lower]", "12.39", place)
    found: list[Violation] = []
    values: dict[str, str | None] = {}
    for parameter in parameters:
        name, equals, text = parameter.partition("=")
        name = name.strip().lower()
        if name in values:
            explain = f"{name[:32]} stands twice in one transport"
            found.append(_violation(place, "transport.duplicate", piece, explain, "12.39"))
            continue
        values[name] = text.strip() if equals else None
    if "" in values:
        found.append(_violation(place, "transport.empty", piece, "No parameter is empty", "12.39"))
        del values[""]
    return _from_parameters(protocol, values, piece, place, found)


def _from_parameters(
    protocol: str, values: dict[str, str | None], piece: str, place: int, found: list[Violation]
) -> Transport:
    numbers = {
        name: _numbers(name, values.pop(name), piece, 0xFF if name == "interleaved" else 0xFFFF)
        for name in ("client_port", "server_port", "port", "interleaved", "ttl")
        if name in values
    }
    ttl = numbers.get("ttl", ())
    unicast = None
    if "unicast" in values and "multicast" in values:
        found.append(_violation(place, "transport.delivery", piece, "Either unicast or multicast stands", "12.39"))
    for name in ("multicast", "unicast"):
        if name in values:
            del values[name]
            unicast = name == "unicast"
    ssrc = _ssrc(values.pop("ssrc"), piece, place, found) if "ssrc" in values else None
    mode = unquote(values.pop("mode", "") or "")
    return Transport(
        protocol,
        unicast,
        numbers.get("client_port", ()),
        numbers.get("server_port", ()),
        numbers.get("port", ()),
        numbers.get("interleaved", ()),
        ssrc,
        values.pop("destination", "") or "",
        values.pop("source", "") or "",
        ttl[0] if ttl else None,
        tuple(word.strip() for word in mode.split(",") if word.strip()),
        tuple(values.items()),
        tuple(found),
    )


def _numbers(name: str, text: str | None, piece: str, largest: int) -> tuple[int, ...]:
    found = _NUMBERS.match(text or "")
    pair = tuple(int(number) for number in found.groups() if number is not None) if found else ()
    if not pair or max(pair) > largest or pair[0] > pair[-1]:
        explain = f"{name} is a number or a rising pair of them, at most {largest}"
        raise _error(f"transport.{name}", piece, explain, "12.39")
    return pair


def _ssrc(text: str | None, piece: str, place: int, found: list[Violation]) -> int:
    if not _HEX.match(text or ""):
        raise _error("transport.ssrc", piece, "ssrc has eight hexadecimal digits", "12.39")
    if len(text or "") != 8:
        found.append(_violation(place, "transport.ssrc", piece, "ssrc has eight hexadecimal digits", "12.39"))
    return int(text or "", 16)


def _rtp_info(piece: str, value: str) -> RtpInfo:
    address, *parameters = _INFO_PART.split(piece)
    name, equals, url = address.partition("=")
    url = unquote(url.strip().rstrip(";"))
    if name.strip().lower() != "url" or not equals or not url:
        raise _error("rtp_info.url", value, "Every stream of RTP-Info begins with url=", "12.33")
    numbers: dict[str, int] = {}
    for parameter in parameters:
        key, _, text = parameter.rstrip("; \t").partition("=")
        key, text = key.strip().lower(), text.strip()
        pattern, base, largest = (_HEX, 16, 0xFFFFFFFF) if key == "ssrc" else (_DECIMAL, 10, 0xFFFFFFFF)
        if key == "seq":
            largest = 0xFFFF
        if not pattern.match(text) or int(text, base) > largest or key in numbers:
            raise _error(f"rtp_info.{key}", value, f"{key} is one number, at most {largest}", "12.33")
        numbers[key] = int(text, base)
    return RtpInfo(url, numbers.get("seq"), numbers.get("rtptime"), numbers.get("ssrc"))


def _error(rule: str, seen: str, explain: str, clause: str, offset: int = 0) -> RtspError:
    return RtspError(offset, f"rtsp.{rule}", seen.encode("utf-8", "replace"), explain, f"RFC 2326 {clause}")


def _violation(offset: int, rule: str, seen: str, explain: str, clause: str) -> Violation:
    return Violation(offset, f"rtsp.{rule}", f"RFC 2326 {clause}", seen.encode("utf-8", "replace")[:64], explain)

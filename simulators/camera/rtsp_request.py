"""Reads RTSP requests as the camera receives them, and writes its answers (RFC 2326).

The camera has a reader of its own, apart from the codec of the toolkit, so that neither can hide a
fault of the other. It forgives bare line feeds and folded headers and is bounded in every direction.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

MAX_HEAD = 16 << 10
MAX_BODY = 64 << 10
MAX_URL = 1024
MAX_HEADERS = 100

REASONS = {
    200: "OK", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 413: "Request Entity Too Large",
    414: "Request-URI Too Large", 415: "Unsupported Media Type", 451: "Parameter Not Understood",
    453: "Not Enough Bandwidth", 454: "Session Not Found", 455: "Method Not Valid in This State",
    456: "Header Field Not Valid for Resource", 457: "Invalid Range", 459: "Aggregate operation not allowed",
    460: "Only aggregate operation allowed", 461: "Unsupported transport", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable", 505: "RTSP Version not supported",
    551: "Option not supported",
}  # fmt: skip

_LINE = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) +(\S+) +(RTSP|HTTP)/([0-9]+)\.([0-9]+)\Z")
_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_OPTION = re.compile(r"\s*([^;=\s]+)\s*(?:=\s*(\"[^\"]*\"|[^;]*))?\s*\Z")
_NPT_CLOCK = re.compile(r"([0-9]+):([0-5]?[0-9]):([0-5]?[0-9](?:\.[0-9]*)?)\Z")
_NPT_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]*)?\Z")


@dataclass(frozen=True, slots=True)
class Request:
    """One request. headers: lower-case name to value, repeated ones joined by a comma.

    fault: 0, or the status with which this request has to be refused. close: the rest of the
    connection cannot be read any more.
    """

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: int = 0
    close: bool = False

    def header(self, name: str) -> str:
        """The value of a header, empty when it is missing."""
        return self.headers.get(name, "")

    @property
    def session(self) -> str:
        """The session identifier without its parameters."""
        return self.header("session").partition(";")[0].strip()


@dataclass(frozen=True, slots=True)
class Interleaved:
    """One packet that came between requests on an interleaved channel."""

    channel: int
    data: bytes


@dataclass(slots=True)
class Answer:
    """One answer; CSeq and Content-Length are added when it is written."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    reason: str = ""

    def encode(self) -> bytes:
        """The bytes on the wire."""
        reason = self.reason or REASONS.get(self.status, "Unknown")
        headers = dict(self.headers)
        if self.body:
            headers["Content-Length"] = str(len(self.body))
        lines = [f"RTSP/1.0 {self.status} {reason}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        return "\r\n".join(lines).encode("utf-8") + self.body


class RequestReader:
    """Incremental: feed it bytes as they come, take out requests and interleaved packets in order."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Request | Interleaved]:
        """Everything that is complete now."""
        self._buffer += data
        items: list[Request | Interleaved] = []
        while (item := self._next()) is not None:
            items.append(item)
            if isinstance(item, Request) and item.close:
                self._buffer.clear()
                break
        return items

    def _next(self) -> Request | Interleaved | None:
        buffer = self._buffer
        while buffer and buffer[0] in b"\r\n":
            del buffer[0]
        if buffer[:1] == b"$":
            if len(buffer) < 4 or len(buffer) < 4 + (buffer[2] << 8 | buffer[3]):
                return None
            size = 4 + (buffer[2] << 8 | buffer[3])
            packet = Interleaved(buffer[1], bytes(buffer[4:size]))
            del buffer[:size]
            return packet
        end = _HEAD_END.search(buffer, 0, MAX_HEAD)
        if end is None:
            if len(buffer) < MAX_HEAD:
                return None
            status = 414 if b"\n" not in buffer[:MAX_HEAD] and b"rtsp://" in buffer[:64] else 400
            return Request("", "", fault=status, close=True)
        request = _parse_head(bytes(buffer[: end.start()]))
        length = request.header("content-length") or "0"
        if not re.fullmatch("[0-9]{1,9}", length):
            return Request("", "", request.headers, fault=400, close=True)
        if int(length) > MAX_BODY:
            return Request("", "", request.headers, fault=413, close=True)
        total = end.end() + int(length)
        if len(buffer) < total:
            return None
        body = bytes(buffer[end.end() : total])
        del buffer[:total]
        return Request(request.method, request.url, request.headers, body, request.fault)


def _parse_head(head: bytes) -> Request:
    text = head.decode("utf-8", "replace")
    first, *rest = re.split(r"\r?\n", text)
    headers, sound = _parse_headers(rest)
    if first.startswith("RTSP/"):
        return Request("", "", headers, fault=-1)
    match = _LINE.match(first)
    if match is None or match[3] == "HTTP" or any(ord(c) < 32 or ord(c) == 127 for c in text if c not in "\r\n\t"):
        return Request("", "", headers, fault=400)
    method, url = match[1], match[2]
    if (match[4], match[5]) != ("1", "0"):
        return Request(method, url, headers, fault=505)
    if len(url) > MAX_URL:
        return Request(method, url, headers, fault=414)
    if not sound or not headers.get("cseq", "").isdecimal():
        return Request(method, url, headers, fault=400)
    return Request(method, url, headers)


def _parse_headers(lines: list[str]) -> tuple[dict[str, str], bool]:
    headers: dict[str, str] = {}
    name = ""
    sound = len(lines) <= MAX_HEADERS
    for line in lines[:MAX_HEADERS]:
        if line[:1] in (" ", "\t") and name:
            headers[name] += " " + line.strip()
            continue
        raw, colon, value = line.partition(":")
        if not colon or not _NAME.match(raw.strip()):
            sound = False
            continue
        name = raw.strip().lower()
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    return headers, sound


@dataclass(frozen=True, slots=True)
class TransportOption:
    """One alternative of a Transport header (RFC 2326 12.39). ports, channels: a pair, or None when absent."""

    tcp: bool
    multicast: bool
    ports: tuple[int, int] | None
    channels: tuple[int, int] | None
    destination: str
    mode: str


def parse_transport(text: str) -> list[TransportOption]:
    """The alternatives that speak of RTP, in the order of preference; malformed ones are left out."""
    found = []
    for alternative in text.split(","):
        spec, *options = alternative.strip().split(";")
        profile = spec.strip().upper()
        if profile not in ("RTP/AVP", "RTP/AVP/UDP", "RTP/AVP/TCP"):
            continue
        values: dict[str, str] = {}
        for option in options:
            match = _OPTION.match(option)
            if match is not None:
                values[match[1].lower()] = (match[2] or "").strip().strip('"')
        try:
            ports = _pair(values.get("client_port", ""), 65535)
            channels = _pair(values.get("interleaved", ""), 255)
        except ValueError:
            continue
        tcp = profile.endswith("/TCP")
        mode = values.get("mode", "PLAY").upper()
        found.append(TransportOption(tcp, "multicast" in values, ports, channels, values.get("destination", ""), mode))
    return found


def _pair(text: str, highest: int) -> tuple[int, int] | None:
    """``a-b`` or ``a`` (then b = a + 1). Raises ValueError."""
    if not text:
        return None
    low, dash, high = text.partition("-")
    first = int(low)
    second = int(high) if dash else first + 1
    if not 0 <= first <= highest or not 0 <= second <= highest or first == second:
        raise ValueError(text)
    return first, second


class RangeFault(Exception):
    """A Range header that cannot be followed; ``status`` is what to answer."""

    def __init__(self, status: int) -> None:
        self.status = status
        super().__init__(REASONS[status])


def parse_range(text: str) -> tuple[float | None, float | None]:
    """Start and end in seconds of ``npt=...`` (RFC 2326 3.6), None for ``now`` or an open side. Raises RangeFault."""
    unit, equals, span = text.partition(";")[0].strip().partition("=")
    if not equals:
        raise RangeFault(400)
    if unit.strip().lower() != "npt":
        raise RangeFault(457)
    start, dash, end = span.strip().partition("-")
    if not dash or not (start.strip() or end.strip()):
        raise RangeFault(400)
    first = None if start.strip().lower() == "now" else _npt(start.strip()) if start.strip() else 0.0
    last = _npt(end.strip()) if end.strip() else None
    if first is not None and last is not None and last < first:
        raise RangeFault(457)
    return first, last


def _npt(text: str) -> float:
    if _NPT_SECONDS.match(text):
        return float(text)
    match = _NPT_CLOCK.match(text)
    if match is None:
        raise RangeFault(400)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3])

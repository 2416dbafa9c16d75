"""Requests to an ONVIF device byte by byte, in chunks, several on one connection: below what a client would send."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.onvif.answer import Answer, read_answer
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.fixtures import Limits
from conformance.protocols.http_answer import HttpAnswerError, HttpAnswerReader
from conformance.protocols.soap import CONTENT_TYPE, SOAP_12, envelope
from conformance.wire import Closed, Expired, Refused, Reset, Stream
from specs.model import Text

LABEL = "onvif-raw"
SERVICE, QUESTION = "device", "GetSystemDateAndTime"
DEVICE = "http://www.onvif.org/ver10/device/wsdl"
#: A good question that needs no login.
GOOD = envelope(f"<tds:{QUESTION}/>")
ALIVE = say("设备仍在应答", "the device still answers")
END = b"\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a POST. ``more``: further header lines."""

    url: str
    method: str = "POST"
    content_type: str = CONTENT_TYPE
    more: tuple[str, ...] = ()

    def write(self, length: int | None) -> bytes:
        """With Content-Length, without it for None."""
        parts = urlsplit(self.url)
        lines = [f"{self.method} {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}", *self.more]
        if self.content_type:
            lines.append(f"Content-Type: {self.content_type}")
        if length is not None:
            lines.append(f"Content-Length: {length}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()


def posted(onvif: Onvif, body: bytes = GOOD) -> bytes:
    """A whole request."""
    return Head(onvif.url).write(len(body)) + body


def chunked(onvif: Onvif, pieces: Iterable[bytes]) -> bytes:
    """A whole request in these chunks (RFC 9112 7.1)."""
    coded = b"".join(f"{len(piece):x}\r\n".encode() + piece + END for piece in pieces if piece)
    return Head(onvif.url, more=("Transfer-Encoding: chunked",)).write(None) + coded + b"0\r\n\r\n"


class Line:
    """One connection to the device service."""

    def __init__(self, onvif: Onvif, within: float) -> None:
        self.onvif, self.within = onvif, within
        endpoint = Endpoint.of(onvif.url, onvif.client.ca_file)
        self._connections = Connections(onvif.wire, endpoint, onvif.limits, LABEL)
        self._stream: Stream | None = None
        self._surplus = b""

    async def open(self) -> bool:
        """Connect; False where the device does not take the connection."""
        try:
            self._stream = await self._connections.open()
        except (Refused, Expired):
            return False
        return True

    async def send(self, *pieces: bytes, pause: float = 0.0) -> bool:
        """Send pieces one after another; False once the device has dropped the connection."""
        assert self._stream is not None
        for number, piece in enumerate(pieces):
            if number and pause:
                await self.onvif.wire.sleep(pause)
            try:
                self._stream.write(piece)
                await self._stream.drain()
            except (Closed, Reset):
                return False
        return True

    async def receive(self, operation: str = QUESTION) -> Answer:
        """The next answer; ``why`` says why there is none."""
        assert self._stream is not None
        wire = self.onvif.wire
        reader = HttpAnswerReader("POST")
        try:
            found = reader.feed(self._surplus) if self._surplus else None
            http = found or await self._connections.read(self._stream, reader, self.within)
        except (NoResponse, HttpAnswerError) as failure:
            return Answer(SERVICE, operation, b"", wire.now(), why=str(failure))
        self._surplus = bytes(reader.surplus)
        return read_answer(SERVICE, operation, b"", wire.now(), http, DEVICE)

    def close(self) -> None:
        """Hang up."""
        if self._stream is not None:
            self._stream.close()


async def exchange(onvif: Onvif, within: float, *pieces: bytes, pause: float = 0.0) -> Answer:
    """Send pieces on a connection of their own and read the answer."""
    line = Line(onvif, within)
    try:
        if not await line.open():
            return Answer(SERVICE, QUESTION, b"", onvif.wire.now(), why="the connection is not taken")
        await line.send(*pieces, pause=pause)
        return await line.receive()
    finally:
        line.close()


async def judge_alive(onvif: Onvif, check: Checks, limits: Limits, requirement: str, about: str | Text) -> bool:
    """The oracle after each bad request: a good one is answered within the limit ``alive``."""
    limit = limits(requirement).alive
    until = onvif.wire.now() + limit.seconds
    answer = await exchange(onvif, limit.seconds, posted(onvif))
    while not answer.ok and onvif.wire.now() < until:
        await onvif.wire.sleep(onvif.limits["listening_step"].seconds)
        answer = await exchange(onvif, max(until - onvif.wire.now(), 0.1), posted(onvif))
    return check.true(requirement, answer.ok, ALIVE, answer.summary, about)


def other_forms(operation: str) -> dict[str, bytes]:
    """A request without arguments in forms that mean the same, by what is special about them."""
    soap, tds = SOAP_12, DEVICE
    forms = {
        "default namespaces": f'<Envelope xmlns="{soap}"><Body><{operation} xmlns="{tds}"/></Body></Envelope>',
        "odd prefixes": (
            f'<_.x:Envelope xmlns:_.x="{soap}" xmlns:Ünïcode-9="{tds}"><_.x:Body><Ünïcode-9:{operation}/></_.x:Body>'
            "</_.x:Envelope>"
        ),
        "one prefix for two": (
            f'<a:Envelope xmlns:a="{soap}"><a:Body><a:{operation} xmlns:a="{tds}"/></a:Body></a:Envelope>'
        ),
        "prefixes of others": (
            f'<tds:Envelope xmlns:tds="{soap}" xmlns:env="{tds}"><tds:Body><env:{operation}/></tds:Body></tds:Envelope>'
        ),
        "declarations nobody uses": (
            f'<e:Envelope xmlns:e="{soap}" xmlns:u="urn:unused" xmlns="urn:unused"><e:Body xmlns:v="urn:v">'
            f'<t:{operation} xmlns:t="{tds}"/></e:Body></e:Envelope>'
        ),
        "comments and space": (
            f"<!-- a --><e:Envelope\n xmlns:e='{soap}'\t>\n <!-- b --><e:Header/>\r\n<e:Body >\n<t:{operation}"
            f" xmlns:t='{tds}'></t:{operation} ></e:Body></e:Envelope>\n"
        ),
    }
    return {about: text.encode() for about, text in forms.items()}


def http_forms(onvif: Onvif) -> dict[str, bytes]:
    """The good question in forms of HTTP that mean the same (RFC 9110, RFC 9112)."""
    usual = posted(onvif)
    action = f'application/SOAP+XML;charset="UTF-8"; action="{DEVICE}/{QUESTION}"'
    expecting = Head(onvif.url, more=("Expect: 100-continue",)).write(len(GOOD)) + GOOD
    path = (urlsplit(onvif.url).path or "/").encode()
    return {
        "header names in small letters": usual.replace(b"Content-", b"content-").replace(b"Type", b"type"),
        "header names in capitals": usual.replace(b"Content-Length", b"CONTENT-LENGTH").replace(b"Host", b"HOST"),
        "no space after the colon": usual.replace(b"Content-Length: ", b"Content-Length:"),
        "much space after the colon": usual.replace(b"Content-Length: ", b"Content-Length: \t  "),
        "type with an action": Head(onvif.url, content_type=action).write(len(GOOD)) + GOOD,
        "an absolute target": usual.replace(b"POST " + path, b"POST " + onvif.url.encode(), 1),
        "unknown header fields": usual.replace(b"\r\n", b"\r\nX-Kandian: a, b\r\nX-Kandian: c\r\n", 1),
        "Expect: 100-continue": expecting,
    }


def xml_forms() -> dict[str, bytes]:
    """GetServices without capabilities in forms of XML that mean the same (XML 1.0; XML Schema Part 2)."""
    usual = envelope("<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>")

    def value(text: str) -> bytes:
        return usual.replace(b">false<", f">{text}<".encode())

    declared, _, rest = usual.partition(b"?>")
    return {
        "byte order mark": b"\xef\xbb\xbf" + usual,
        "no declaration": rest.lstrip(),
        "apostrophes": declared.replace(b'"', b"'") + b"?>" + rest.replace(b'"', b"'"),
        "CDATA": value("<![CDATA[false]]>"),
        "a character reference": value("&#102;alse"),
        "a comment": value("fal<!-- - -->se"),
        "white space": value("\n\t false \r\n"),
        "0": value("0"),
    }

"""A device service of a few lines: users by token or digest, a clock that is off, a log of what was asked."""

from __future__ import annotations

import asyncio
import datetime as dt
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from conformance.protocols.http_message import HttpRequest, HttpRequestParser
from conformance.protocols.rtsp_auth import (
    Challenge,
    digest_response,
    format_www_authenticate,
    parse_authorization,
)
from conformance.protocols.soap import element, envelope, fault, read_envelope
from conformance.protocols.ws_security import SECURITY, proves, read_token

PASSWORD = "tiny-password"
FREE = ("GetSystemDateAndTime", "GetServices", "GetCapabilities")
TDS = "http://www.onvif.org/ver10/device/wsdl"


@dataclass
class TinyDevice:
    """``tokens``, ``digests``: what it takes; ``ahead``: seconds by which its clock is off; ``closes``: it ends every
    connection after an answer without saying so before; ``silent``: it answers nothing."""

    tokens: bool = True
    digests: bool = True
    algorithms: tuple[str, ...] = ("MD5", "SHA-256")
    ahead: float = 0.0
    has_services: bool = True
    closes: bool = False
    port: int = 0
    requests: list[HttpRequest] = field(default_factory=list)
    nonces: int = 0

    @property
    def url(self) -> str:
        """Of the device service."""
        return f"http://127.0.0.1:{self.port}/onvif/device_service"

    def operations(self) -> list[str]:
        """Names of what was asked for, in order."""
        return [m[1].decode() for r in self.requests if (m := re.search(rb"<tds:(\w+)", r.body))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        parser = HttpRequestParser()
        while data := await reader.read(65536):
            for request in parser.feed(data):
                self.requests.append(request)
                writer.write(self.answer(request))
                await writer.drain()
                if self.closes:
                    writer.close()
                    return
        writer.close()

    def answer(self, request: HttpRequest) -> bytes:
        """The response."""
        name = self.operations()[-1]
        if name not in FREE and not self.known(request):
            return self.refusal()
        body = self.body(name)
        if body is None:
            return self.response(500, envelope(fault(("env:Receiver", "ter:ActionNotSupported"), "no")))
        return self.response(200, envelope(element(f"tds:{name}Response", body)))

    def body(self, name: str) -> str | None:
        """What stands inside the answer; None for an operation that does not exist."""
        if name == "GetSystemDateAndTime":
            return self.clock()
        if name == "GetServices":
            return self.services()
        if name == "GetCapabilities":
            media = element("tt:Media", element("tt:XAddr", "http://192.0.2.1:81/onvif/old_media"))
            return element("tds:Capabilities", media)
        return ""

    def known(self, request: HttpRequest) -> bool:
        """Whether the login holds."""
        header = request.headers.get("Authorization")
        if header and self.digests:
            told = parse_authorization(header)
            return told.response == digest_response(told, PASSWORD, request.method) and told.username == "admin"
        block = read_envelope(request.body).headed(SECURITY)
        return self.tokens and block is not None and proves(read_token(block), PASSWORD)

    def refusal(self) -> bytes:
        """401 with challenges, or the fault."""
        body = envelope(fault(("env:Sender", "ter:NotAuthorized"), "who are you"))
        if not self.digests:
            return self.response(400, body)
        self.nonces += 1
        made = [Challenge("Digest", "tiny", f"n{self.nonces}", name, ("auth",)) for name in self.algorithms]
        lines = [f"WWW-Authenticate: {format_www_authenticate(challenge)}" for challenge in made]
        return self.response(401, body, *lines)

    @staticmethod
    def response(status: int, body: bytes, *lines: str) -> bytes:
        """The bytes of a response."""
        head = [f"HTTP/1.1 {status} Told", f"Content-Length: {len(body)}", *lines]
        return ("\r\n".join(head) + "\r\n\r\n").encode() + body

    def clock(self) -> str:
        """The time, off by ``ahead``."""
        now = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=self.ahead)
        time = "".join(
            element(f"tt:{n}", str(v)) for n, v in zip(("Hour", "Minute", "Second"), now.timetuple()[3:6], strict=True)
        )
        date = "".join(
            element(f"tt:{n}", str(v)) for n, v in zip(("Year", "Month", "Day"), now.timetuple()[:3], strict=True)
        )
        utc = element("tt:UTCDateTime", element("tt:Time", time) + element("tt:Date", date))
        return element("tds:SystemDateAndTime", utc)

    def services(self) -> str | None:
        """The device service, and media on another host; None where the operation does not exist."""
        listed = {TDS: self.url, "http://www.onvif.org/ver10/media/wsdl": "http://192.0.2.1:81/onvif/media?x=1"}
        told = "".join(
            element("tds:Service", element("tds:Namespace", space) + element("tds:XAddr", address))
            for space, address in listed.items()
        )
        return told if self.has_services else None


@asynccontextmanager
async def running(device: TinyDevice) -> AsyncIterator[TinyDevice]:
    """The device, listening."""
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    device.port = server.sockets[0].getsockname()[1]
    try:
        yield device
    finally:
        server.close()

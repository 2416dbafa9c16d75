"""The ONVIF device service of the camera: it tells its time to anyone and everything else to nobody without a login.

Just enough of ONVIF Core 5.12.1 for the port in the ability report to be true.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import re
import secrets
from collections.abc import Callable

from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.violation import CodecError

_OPERATION = re.compile(rb"<(?:[\w.-]+:)?Body[^>]*>\s*<(?:[\w.-]+:)?(\w+)")
ACCOUNT = "admin"
_READ = 65536
_PATIENCE = 10.0
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"'
    ' xmlns:tt="http://www.onvif.org/ver10/schema" xmlns:tds="http://www.onvif.org/ver10/device/wsdl">'
    "<s:Body>%s</s:Body></s:Envelope>"
)


class OnvifService:
    """``port`` is 0 until `start`. ``clock``: epoch seconds of the device. ``password``: of the administrator."""

    def __init__(self, host: str, realm: str, clock: Callable[[], float]) -> None:
        self.host, self.realm, self.clock = host, realm, clock
        self.port = 0
        self.password = secrets.token_hex(6)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, self.host, 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            self._server = None

    def elements(self, *, secure: bool) -> dict[str, str | int]:
        """The Onvif group of ABILITYUP. ``secure``: the secure profile, in which the password is not told."""
        if not self.port:
            return {"Port": 0, "Account": "", "Password": ""}
        return {"Port": self.port, "Account": ACCOUNT, "Password": "" if secure else self.password}

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = HttpRequestParser()
        with contextlib.suppress(CodecError, OSError, TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                while data := await reader.read(_READ):
                    requests = parser.feed(data)
                    if requests:
                        writer.write(serialize_response(self.answer(requests[0])))
                        await writer.drain()
                        break
        writer.close()

    def answer(self, request: HttpRequest) -> HttpResponse:
        """The time for anyone; 401 for everything else."""
        found = _OPERATION.search(request.body)
        if request.method == "POST" and found is not None and found[1] == b"GetSystemDateAndTime":
            return self.respond(200, "OK", _ENVELOPE % self._time())
        return self.respond(401, "Unauthorized", "", WWW_Authenticate=f'Digest realm="{self.realm}", nonce="0"')

    def respond(self, status: int, reason: str, xml: str, **headers: str) -> HttpResponse:
        """A response that ends the connection."""
        body = xml.encode()
        own = {"Content-Type": "application/soap+xml; charset=utf-8", "Content-Length": str(len(body))}
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return HttpResponse.build(status, reason, {**own, **more, "Connection": "close"}, body)

    def _time(self) -> str:
        now = dt.datetime.fromtimestamp(self.clock(), dt.UTC)
        clock = f"<tt:Hour>{now.hour}</tt:Hour><tt:Minute>{now.minute}</tt:Minute><tt:Second>{now.second}</tt:Second>"
        day = f"<tt:Year>{now.year}</tt:Year><tt:Month>{now.month}</tt:Month><tt:Day>{now.day}</tt:Day>"
        moment = f"<tt:UTCDateTime><tt:Time>{clock}</tt:Time><tt:Date>{day}</tt:Date></tt:UTCDateTime>"
        told = f"<tt:DateTimeType>Manual</tt:DateTimeType>{moment}"
        return (
            f"<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime>{told}</tds:SystemDateAndTime>"
            "</tds:GetSystemDateAndTimeResponse>"
        )

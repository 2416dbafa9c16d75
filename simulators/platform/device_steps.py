"""The HTTP steps of a device before TCP: REDIRECT at the group, REGISTER at the province (tykd 1).

An answer is one write with its length, so that it arrives in one piece, and the connection is closed after it.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from simulators.platform.devices import OK, OTHER

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

REQUEST_WAIT = 10.0
MOST_AT_ONCE = 2048


class HttpStep:
    """One HTTP service for devices."""

    command = ""
    path = "/"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.address = ("127.0.0.1", 0)
        self.at_once = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """What a device is told."""
        return f"http://{self.address[0]}:{self.address[1]}{self.path}"

    async def start(self) -> None:
        """Listen; after a stop on the same port again."""
        self._server = await asyncio.start_server(self._serve, *self.address, backlog=1024)
        self.address = self._server.sockets[0].getsockname()[:2]

    async def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.close()
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        try:
            async with asyncio.timeout(REQUEST_WAIT):
                if self.at_once > MOST_AT_ONCE:
                    return
                request = await self._request(reader)
                if request is not None:
                    writer.write(serialize_response(self.respond(request)))
                    await writer.drain()
        except CodecError:
            writer.write(serialize_response(_response(400, "Bad Request", b"")))
        except (OSError, TimeoutError):
            pass
        finally:
            self.at_once -= 1
            with contextlib.suppress(OSError):
                writer.close()

    @staticmethod
    async def _request(reader: asyncio.StreamReader) -> HttpRequest | None:
        parser = HttpRequestParser()
        while data := await reader.read(4096):
            if found := parser.feed(data):
                return found[0]
        return None

    def respond(self, request: HttpRequest) -> HttpResponse:
        """The answer to one request."""
        if not (request.method.isalpha() and request.version.startswith("HTTP/1.")):
            return _response(400, "Bad Request", b"")
        if request.method != "POST":
            return _response(405, "Method Not Allowed", b"")
        if request.target.partition("?")[0] != self.path:
            return _response(404, "Not Found", b"")
        table = self.platform.table
        try:
            message = decode_message(table, self.command, "device-to-platform", request.body)
        except CodecError:
            return _response(400, "Bad Request", b"")
        result = OTHER if message.faults else self.verdict(message)
        values = self.granted(message) if result == OK else self.refused(message, result)
        return _response(200, "OK", encode_message(table, self.command, "response", values, check=False))

    def verdict(self, message: Message) -> int:
        """The Result code for this device."""
        devices = self.platform.devices
        result = devices.verdict(message.get("DevID"), message.get("DevKey"))
        if result == OK and not devices.registered_type(message.get("ManufacturerNo"), message.get("Mode")):
            result = OTHER
        if result != OK:
            self.platform.audit.note(
                "device", self.command.lower(), message.get("DevID")[:31], f"result-{result}", message.get("Mode")[:31]
            )
        return result

    def granted(self, message: Message) -> dict[str, Any]:
        """Element values of a success."""
        raise NotImplementedError

    def refused(self, message: Message, result: int) -> dict[str, Any]:
        """A refusal discloses nothing."""
        return {"Result": result, "DevID": message.get("DevID")}


class Group(HttpStep):
    """REDIRECT: tells a device its province."""

    command = "REDIRECT"

    def granted(self, message: Message) -> dict[str, Any]:
        """The province URL."""
        return {"Result": OK, "DevID": message.get("DevID"), "LcmsUrl": self.platform.registrar.url}

    def refused(self, message: Message, result: int) -> dict[str, Any]:
        """The empty address is there, because devices look for it."""
        return {**super().refused(message, result), "LcmsUrl": ""}


class Registrar(HttpStep):
    """REGISTER: tells a device its access servers."""

    command = "REGISTER"
    path = "/lcms"

    def granted(self, message: Message) -> dict[str, Any]:
        """Addresses of the access servers; there is neither relay nor FTP server, so those are empty."""
        names = ("TurnIP", "TurnPort", "BackupTurnIP", "BackupTurnPort", "FtpIP", "FtpPort", "FtpAccount")
        primary, backup = self.platform.primary.address, self.platform.backup.address
        return {
            "Result": OK,
            "DevID": message.get("DevID"),
            "NatIP": primary[0],
            "NatPort": primary[1],
            "BackupNatIP": backup[0],
            "BackupNatPort": backup[1],
            **dict.fromkeys((*names, "FtpPassword"), ""),
            "Time": self.platform.clock.device_text(),
        }


def _response(status: int, reason: str, body: bytes) -> HttpResponse:
    headers = (("Content-Type", "text/xml;charset=UTF-8"), ("Content-Length", str(len(body))), ("Connection", "close"))
    return HttpResponse.build(status, reason, headers, body)

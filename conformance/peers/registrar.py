"""The HTTP steps of the platform: REDIRECT at the group, REGISTER at the province (tykd 1)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.peers.answers import Answer, Reply, honest
from conformance.peers.history import History
from conformance.peers.province import Province
from conformance.protocols.http_message import HttpRequest, HttpRequestParser, HttpResponse, serialize_response
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Listener, Reset, Stream, Wire
from specs.messages import MessageTable

UNKNOWN_DEVICE = 1
WRONG_KEY = 2


@dataclass(frozen=True, slots=True)
class HttpReceived:
    """One HTTP request of the device. ``message`` is None when the body is no message of the table; see ``error``."""

    at: float
    request: HttpRequest
    message: Message | None
    error: CodecError | None


class HttpStep:
    """An HTTP server that answers one kind of message (REDIRECT or REGISTER) and remembers every request.

    ``accepting`` False drops every new connection at once, before anything is read.
    """

    command = ""
    label = ""
    path = "/"

    def __init__(self, wire: Wire, table: MessageTable) -> None:
        self.wire = wire
        self.table = table
        self.answer: Answer = honest
        self.accepting = True
        self.received: History[HttpReceived] = History(wire, f"{self.command}_REQ")
        self.attempts: History[float] = History(wire, f"connection to {self.label}")
        self.host = ""
        self.port = 0
        self._listener: Listener | None = None

    @property
    def url(self) -> str:
        """What the device is told."""
        return f"http://{self.host}:{self.port}{self.path}"

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises Refused when the address is taken."""
        self._listener = await self.wire.listen(host, port, self._serve, label=self.label)
        self.host, self.port = self._listener.host, self._listener.port

    async def stop(self) -> None:
        """Refuse connections from now on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    async def restart(self) -> None:
        """Listen again on the same port."""
        if self._listener is None:
            await self.start(self.host, self.port)

    def reset(self) -> None:
        """Honest again."""
        self.answer = honest
        self.accepting = True

    async def _serve(self, stream: Stream) -> None:
        self.attempts.note(self.wire.now())
        if not self.accepting:
            stream.abort()
            return
        parser = HttpRequestParser()
        try:
            while True:
                chunk = await stream.read(within=10.0)
                if not chunk.data:
                    break
                for request in parser.feed(chunk.data):
                    await self._handle(stream, request, chunk.at)
                    return
        except CodecError:
            self._send(stream, 400, "Bad Request", b"")
        except (Reset, Closed, TimeoutError):
            return
        finally:
            stream.close()

    async def _handle(self, stream: Stream, request: HttpRequest, at: float) -> None:
        message, error = None, None
        try:
            message = decode_message(self.table, self.command, "device-to-platform", request.body)
        except CodecError as problem:
            error = problem
        self.received.note(HttpReceived(at, request, message, error))
        if message is None:
            self._send(stream, 400, "Bad Request", b"")
            return
        for reply in self.answer(Reply(self.honest_values(message))):
            if reply.delay:
                await self.wire.sleep(reply.delay)
            if reply.raw is not None:
                stream.write(reply.raw)
                continue
            xml = encode_message(self.table, self.command, "response", reply.values, check=False)
            self._send(stream, 200, "OK", xml)
        await stream.drain()

    @staticmethod
    def _send(stream: Stream, status: int, reason: str, body: bytes) -> None:
        headers = (
            ("Content-Type", "text/xml;charset=UTF-8"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        )
        stream.write(serialize_response(HttpResponse.build(status, reason, headers, body)))

    def honest_values(self, message: Message) -> dict[str, str]:
        """What a good platform answers, as element values."""
        raise NotImplementedError


class Registrar(HttpStep):
    """The province's REGISTER service."""

    command = "REGISTER"
    label = "province-http"
    path = "/lcms"

    def __init__(self, wire: Wire, table: MessageTable, province: Province, device_key: str) -> None:
        super().__init__(wire, table)
        self.province = province
        self.device_key = device_key
        self.ftp: dict[str, str] = {}
        self.relay: dict[str, str] = {}

    def honest_values(self, message: Message) -> dict[str, str]:
        """Addresses for the known device with the right key; a coded refusal for anyone else."""
        device_id = self.province.device_id
        if message.get("DevID") != device_id:
            return {"Result": str(UNKNOWN_DEVICE), "DevID": message.get("DevID")}
        if self.device_key and message.get("DevKey") != self.device_key:
            return {"Result": str(WRONG_KEY), "DevID": device_id}
        primary, backup = self.province.primary, self.province.backup
        empty = dict.fromkeys(
            ("TurnIP", "TurnPort", "BackupTurnIP", "BackupTurnPort", "FtpIP", "FtpPort", "FtpAccount", "FtpPassword"),
            "",
        )
        return {
            "Result": "0",
            "DevID": device_id,
            "NatIP": primary.host,
            "NatPort": str(primary.port),
            "BackupNatIP": backup.host,
            "BackupNatPort": str(backup.port),
            **empty,
            **self.relay,
            **self.ftp,
            "Time": self.province.time_text(),
        }

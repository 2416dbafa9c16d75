"""The far end of an uplink (ONVIF Uplink): takes the connection that a device opens, then asks the device over it.

The device connects by TLS and asks for an upgrade to ``h2c-reverse``; after 101 this side is the client of an HTTP/2
connection (RFC 9113) and the device serves it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conformance.peers.onvif.answer import Answer, read_answer
from conformance.peers.onvif.services import SERVICES
from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.http_message import HttpRequest, HttpRequestParser
from conformance.protocols.soap import CONTENT_TYPE
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Expired, Listener, Reset, Stream, Wire
from specs.model import Limit

LABEL = "uplink"
PING = b"kandian."
UPGRADE = "h2c-reverse"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c-reverse\r\n\r\n"


def server_context(host: str) -> ssl.SSLContext:
    """A TLS context with a fresh certificate for that IP address, vouching for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Kandian bench")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=7))
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(host))])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    encoding, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    secret = key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, plain)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "both.pem"
        path.write_bytes(certificate.public_bytes(encoding) + secret)
        context.load_cert_chain(path)
    return context


@dataclass(slots=True)
class _Exchange:
    """A request under way and what has come of its response."""

    ended: asyncio.Future[None]
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Uplink:
    """One connection of the device. ``request``: its upgrade request, None when it could not be read; ``opened``,
    ``closed``: wire time, None while it is open; ``settings``: whether the device's HTTP/2 settings have come;
    ``flaw``: why the connection is of no use, empty when it is; ``ping_every``: seconds of silence after which we send
    a PING, unless we are to be ``quiet``, which sends nothing at all."""

    wire: Wire
    stream: Stream
    opened: float
    request: HttpRequest | None = None
    settings: bool = False
    closed: float | None = None
    flaw: str = ""
    ping_every: float = 1.0
    quiet: bool = False
    http2: h2.connection.H2Connection | None = None
    _exchanges: dict[int, _Exchange] = field(default_factory=dict)

    async def serve(self, within: float) -> None:
        """Take the upgrade and read until the device ends the connection."""
        try:
            if await self._upgrade(within):
                await self._read()
        except Reset as reset:
            self.flaw = self.flaw or str(reset)
        except (Expired, CodecError, h2.exceptions.ProtocolError) as failure:
            self.flaw = str(failure) or type(failure).__name__
        finally:
            self.closed = self.wire.now()
            self.stream.close()
            for exchange in self._exchanges.values():
                exchange.ended.cancel()

    async def _upgrade(self, within: float) -> bool:
        parser = HttpRequestParser()
        while self.request is None:
            chunk = await self.stream.read(within=within)
            if not chunk.data:
                self.flaw = "the device ended the connection without an upgrade request"
                return False
            self.request = next(iter(parser.feed(chunk.data)), None)
        if self.request.headers.get("Upgrade").lower() != UPGRADE:
            self.flaw = f"the request asks for the upgrade {self.request.headers.get('Upgrade')!r}"
            return False
        self.stream.write(SWITCHING)
        self.http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
        self.http2.initiate_connection()
        self._flush()
        return True

    async def _read(self) -> None:
        assert self.http2 is not None
        while True:
            try:
                chunk = (await self.stream.read(within=self.ping_every)).data
            except Expired:
                if not self.quiet:
                    self.http2.ping(PING)
                    self._flush()
                continue
            if not chunk:
                return
            for event in self.http2.receive_data(chunk):
                self._take(event)
            if not self.quiet:
                self._flush()

    def _take(self, event: h2.events.Event) -> None:
        assert self.http2 is not None
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self.settings = True
            return
        exchange = self._exchanges.get(getattr(event, "stream_id", None) or 0)
        if exchange is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            exchange.headers = [(str(name), str(value)) for name, value in event.headers or ()]
        elif isinstance(event, h2.events.DataReceived):
            exchange.body += event.data or b""
            self.http2.acknowledge_received_data(event.flow_controlled_length or 0, event.stream_id or 0)
        elif isinstance(event, h2.events.StreamEnded) and not exchange.ended.done():
            exchange.ended.set_result(None)
        elif isinstance(event, h2.events.StreamReset) and not exchange.ended.done():
            exchange.ended.cancel()

    def _flush(self) -> None:
        assert self.http2 is not None
        data = self.http2.data_to_send()
        if data and not self.stream.closed:
            self.stream.write(data)

    @property
    def usable(self) -> bool:
        """Whether requests can be sent."""
        return self.http2 is not None and self.closed is None

    async def post(self, path: str, data: bytes, *, service: str, operation: str, within: float) -> Answer:
        """Send a SOAP request, no larger than the device's first window (64 KiB), and read its answer. Never raises for
        what the device does."""
        assert self.http2 is not None
        number = self.http2.get_next_available_stream_id()
        exchange = self._exchanges[number] = _Exchange(self.wire.future())
        head = [(":method", "POST"), (":scheme", "https"), (":path", path), (":authority", "device")]
        rest = [("content-type", CONTENT_TYPE), ("content-length", str(len(data)))]
        try:
            self.http2.send_headers(number, [*head, *rest])
            size = self.http2.max_outbound_frame_size
            for start in range(0, len(data), size):
                self.http2.send_data(number, data[start : start + size])
            self.http2.end_stream(number)
            self._flush()
            await self.wire.wait(exchange.ended, within, f"the answer to {operation} over the uplink")
        except (Expired, Closed, Reset, h2.exceptions.ProtocolError) as failure:
            return Answer(service, operation, data, self.wire.now(), why=str(failure))
        except asyncio.CancelledError:
            if self.closed is None:
                raise
            return Answer(service, operation, data, self.wire.now(), why="the uplink was closed", dropped=True)
        finally:
            del self._exchanges[number]
        return read_answer(service, operation, data, self.wire.now(), response(exchange), SERVICES[service].namespace)

    def close(self) -> None:
        """End the connection."""
        self.stream.close()


def response(exchange: _Exchange) -> HttpAnswer:
    """A response of HTTP/2 in the form of any other."""
    status = next((value for name, value in exchange.headers if name == ":status"), "0")
    headers = tuple((name, value) for name, value in exchange.headers if not name.startswith(":"))
    return HttpAnswer(int(status) if status.isdecimal() else 0, "", headers, bytes(exchange.body), complete=True)


class UplinkListener:
    """Listens for uplinks. ``uplinks``: every connection that has come, in order; ``ping_every`` as of an Uplink."""

    def __init__(self, wire: Wire, host: str, limits: Mapping[str, Limit], ping_every: float) -> None:
        self.wire, self.host, self.limits, self.ping_every = wire, host, limits, ping_every
        self.uplinks: list[Uplink] = []
        self._listener: Listener | None = None

    async def start(self) -> None:
        """Listen on a free port. Raises Refused."""
        self._listener = await self.wire.listen(self.host, 0, self._serve, label=LABEL, tls=server_context(self.host))

    async def _serve(self, stream: Stream) -> None:
        uplink = Uplink(self.wire, stream, self.wire.now(), ping_every=self.ping_every)
        self.uplinks.append(uplink)
        await uplink.serve(self.limits["answer_wait"].seconds)

    @property
    def url(self) -> str:
        """The RemoteAddress of an uplink that leads here."""
        return f"https://{self.host}:{self._listener.port if self._listener else 0}/uplink"

    async def connected(self, within: float, *, after: int = 0) -> Uplink | None:
        """The first usable uplink from number ``after`` on; None when none comes in time."""
        until = self.wire.now() + within
        while True:
            found = next((one for one in self.uplinks[after:] if one.usable and one.settings), None)
            if found is not None or self.wire.now() >= until:
                return found
            await self.wire.sleep(self.limits["listening_step"].seconds)

    def stop(self) -> None:
        """Listen no more and end every uplink."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for uplink in self.uplinks:
            uplink.close()

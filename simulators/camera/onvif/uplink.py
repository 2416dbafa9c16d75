"""The uplink service and its connections (ONVIF Uplink): the camera connects, then serves HTTP/2 on it."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from conformance.protocols.http_message import HttpRequest
from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import SENDER, Call, OnvifFault, Service, flags, invalid
from simulators.camera.onvif.state import LEVELS, UplinkState, User

MOST = 2
CERTIFICATE = "device"
READ = 65536
SWITCHED = b"HTTP/1.1 101"
LARGEST_HEAD = 8192


class Tunnel:
    """One uplink that is kept up. ``status``: Offline, Connecting or Connected."""

    def __init__(self, service: UplinkService, state: UplinkState) -> None:
        self.service, self.state = service, state
        self.status = "Offline"
        self._bodies: dict[int, tuple[dict[str, str], bytearray]] = {}
        self._unsent: dict[int, bytes] = {}

    @property
    def user(self) -> User:
        """As whom the far end asks."""
        return User("uplink", "", self.state.level)

    async def run(self) -> None:
        """Connect, serve, connect again; the pauses grow."""
        timers = self.service.camera.timers
        pause = timers.seconds("uplink_retry")
        while True:
            self.status = "Connecting"
            with contextlib.suppress(OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ssl.SSLError):
                if await self.attempt():
                    pause = timers.seconds("uplink_retry")
            self.status = "Offline"
            await asyncio.sleep(pause)
            pause = min(2 * pause, timers.seconds("uplink_retry_cap"))

    def context(self) -> ssl.SSLContext:
        """TLS; without a policy for the path of certificates none is looked at."""
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    async def attempt(self) -> bool:
        """One connection. Returns whether it was ever up."""
        parts = urlsplit(self.state.address)
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port or 443, ssl=self.context(), limit=LARGEST_HEAD
        )
        try:
            writer.write(self.upgrade(parts.netloc, parts.path or "/"))
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), self.patience())
            if not head.startswith(SWITCHED):
                return False
            self.status = "Connected"
            await self.serve(reader, writer)
            return True
        finally:
            writer.close()

    def upgrade(self, host: str, path: str) -> bytes:
        """The request that turns the connection round."""
        lines = (f"GET {path} HTTP/1.1", f"Host: {host}", "Connection: Upgrade", "Upgrade: h2c-reverse")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def patience(self) -> float:
        """Seconds without a packet after which the connection is given up."""
        return self.service.camera.timers.seconds("uplink_silence")

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """HTTP/2 as its server, until the far end is silent or gone."""
        http2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        http2.initiate_connection()
        self._bodies, self._unsent = {}, {}
        writer.write(http2.data_to_send())
        with contextlib.suppress(h2.exceptions.ProtocolError):
            while data := await asyncio.wait_for(reader.read(READ), self.patience()):
                for event in http2.receive_data(data):
                    await self.take(http2, event)
                writer.write(http2.data_to_send())
                await writer.drain()

    async def take(self, http2: h2.connection.H2Connection, event: h2.events.Event) -> None:
        """One event of HTTP/2."""
        number = getattr(event, "stream_id", None) or 0
        if isinstance(event, h2.events.RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers or ()}
            self._bodies[number] = headers, bytearray()
        elif isinstance(event, h2.events.DataReceived):
            http2.acknowledge_received_data(event.flow_controlled_length or 0, number)
            if number in self._bodies:
                self._bodies[number][1].extend(event.data or b"")
        elif isinstance(event, h2.events.StreamReset):
            self._bodies.pop(number, None)
            self._unsent.pop(number, None)
        elif isinstance(event, h2.events.WindowUpdated):
            self.pump(http2)
        elif isinstance(event, h2.events.StreamEnded) and number in self._bodies:
            headers, body = self._bodies.pop(number)
            await self.respond(http2, number, headers, bytes(body))

    async def respond(
        self, http2: h2.connection.H2Connection, number: int, headers: dict[str, str], body: bytes
    ) -> None:
        """Answer one request as the face does, as the user of the uplink."""
        plain = [(name, value) for name, value in headers.items() if not name.startswith(":")]
        plain.append(("Host", headers.get(":authority", "")))
        request = HttpRequest.build(headers.get(":method", ""), headers.get(":path", "/"), plain, body)
        answer = await self.service.face.answer(request, self.user)
        told = [(name.lower(), value) for name, value in answer.headers if name.lower() != "content-length"]
        http2.send_headers(number, [(":status", str(answer.status)), *told])
        self._unsent[number] = answer.body
        self.pump(http2)

    def pump(self, http2: h2.connection.H2Connection) -> None:
        """Send of the answers what the windows of the far end let through."""
        for number, body in list(self._unsent.items()):
            while body and (size := min(http2.local_flow_control_window(number), http2.max_outbound_frame_size)):
                http2.send_data(number, body[:size])
                body = body[size:]
            self._unsent[number] = body
            if not body:
                http2.end_stream(number)
                del self._unsent[number]


class UplinkService(Service):
    """Configurations by their address, each with a connection of its own."""

    key, prefix = "uplink", "tup"
    version = ("22", "06")
    tunnel_class: type[Tunnel] = Tunnel
    _tunnels: dict[str, tuple[Tunnel, asyncio.Task[None]]]

    async def start(self) -> None:
        """Keep up what is configured."""
        self._tunnels = {}
        for uplink in self.state.uplinks:
            self.open(uplink)

    async def stop(self) -> None:
        """End every connection."""
        for address in list(self._tunnels):
            self.shut(address)

    def open(self, uplink: UplinkState) -> None:
        """Begin to keep an uplink up."""
        tunnel = self.tunnel_class(self, uplink)
        self._tunnels[uplink.address] = tunnel, self.camera.spawn(tunnel.run())

    def shut(self, address: str) -> None:
        """End an uplink."""
        found = self._tunnels.pop(address, None)
        if found is not None:
            found[1].cancel()

    def capabilities(self) -> str:
        """By HTTP/2 over TLS, with the camera's certificate."""
        told = flags(MaxUplinks=MOST, Protocols="https", AuthorizationModes="mTLS", StreamingOverUplink=False)
        return element("tup:Capabilities", "", told)

    async def on_GetUplinks(self, call: Call) -> str:
        """Each with its status."""
        return "".join(self._told(uplink) for uplink in self.state.uplinks)

    def _told(self, uplink: UplinkState) -> str:
        found = self._tunnels.get(uplink.address)
        inside = self.tag("RemoteAddress", uplink.address) + self.tag("CertificateID", uplink.certificate)
        inside += self.tag("UserLevel", uplink.level) + self.tag("Status", found[0].status if found else "Offline")
        return element("tup:Configuration", inside)

    async def on_SetUplink(self, call: Call) -> str:
        """A new one, or another content for an address."""
        node = call.node.find("Configuration")
        wanted = self.read(node if node is not None else call.node)
        others = [uplink for uplink in self.state.uplinks if uplink.address != wanted.address]
        if len(others) >= MOST:
            raise invalid("", f"At most {MOST} uplinks")
        self.state.uplinks = [*others, wanted]
        self.save()
        self.shut(wanted.address)
        self.open(wanted)
        return ""

    def read(self, node: Node) -> UplinkState:
        """A configuration that can be kept. Raises OnvifFault."""
        wanted = UplinkState(
            node.value("RemoteAddress") or "", node.value("UserLevel") or "", node.value("CertificateID") or ""
        )
        if urlsplit(wanted.address).scheme != "https":
            raise OnvifFault(SENDER, "ter:InvalidArgs", "ter:ProtocolNotSupported", reason="Only https is supported")
        if node.find("AuthorizationServer") is not None:
            raise OnvifFault(SENDER, "ter:InvalidArgVal", "ter:AuthorizationServerConfigurationToken", reason="None")
        if not wanted.certificate:
            raise OnvifFault(SENDER, "ter:InvalidArgs", "ter:MissingAuthentication", reason="Name a certificate")
        if wanted.certificate != CERTIFICATE:
            raise invalid("CertificateID", "There is no such certificate")
        if wanted.level not in LEVELS:
            raise invalid("", f"There is no level {wanted.level[:30]!r}")
        return wanted

    async def on_DeleteUplink(self, call: Call) -> str:
        """One less."""
        address = call.text("RemoteAddress")
        if all(uplink.address != address for uplink in self.state.uplinks):
            raise invalid("Address", "There is no such uplink")
        self.state.uplinks = [uplink for uplink in self.state.uplinks if uplink.address != address]
        self.save()
        self.shut(address)
        return ""

"""WS-Discovery of the ONVIF face: answers probes to the camera and to the group, says hello and goodbye."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import uuid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from conformance.protocols import ws_discovery
from conformance.protocols.soap import element
from conformance.protocols.violation import CodecError
from conformance.protocols.ws_discovery import DEVICE, GROUP, PORT, TRANSMITTER, WSD, Message, Target

if TYPE_CHECKING:
    from simulators.camera.onvif.server import OnvifService

Address = tuple[str, int]
STRCMP = f"{WSD}/strcmp0"
RULES = ("", f"{WSD}/rfc2396", STRCMP)


class _Socket(asyncio.DatagramProtocol):
    """Hands datagrams to the discovery."""

    def __init__(self, discovery: Discovery, *, group: bool) -> None:
        self.discovery, self.group = discovery, group

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """A probe, or anything else."""
        self.discovery.received(data, addr, group=self.group)


class Discovery:
    """``port``: on which the camera itself is probed, 0 until ``start``; that of before where it is free."""

    types = (TRANSMITTER, DEVICE)

    def __init__(self, face: OnvifService) -> None:
        self.face = face
        self.port = 0
        self.version = 1
        self._own: asyncio.DatagramTransport | None = None
        self._group: asyncio.DatagramTransport | None = None

    async def start(self) -> None:
        """Listen for probes, as far as the machine lets us, and say hello."""
        loop = asyncio.get_running_loop()
        own = self._bound(self.port)
        self._own, _ = await loop.create_datagram_endpoint(lambda: _Socket(self, group=False), sock=own)
        self.port = int(own.getsockname()[1])
        with contextlib.suppress(OSError):
            joined = self._joined()
            self._group, _ = await loop.create_datagram_endpoint(lambda: _Socket(self, group=True), sock=joined)
        self.announce("Hello")

    def _bound(self, port: int) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(self.face.host))
        try:
            made.bind((self.face.host, port))
        except OSError:
            made.bind((self.face.host, 0))
        return made

    def _joined(self) -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind((GROUP, PORT))
            member = socket.inet_aton(GROUP) + socket.inet_aton(self.face.host)
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
        except OSError:
            made.close()
            raise
        return made

    def stop(self) -> None:
        """Hear and say nothing more."""
        for transport in filter(None, (self._own, self._group)):
            transport.close()
        self._own = self._group = None

    @property
    def address(self) -> str:
        """host:port of the unicast side."""
        return f"{self.face.host}:{self.port}"

    # what is told

    def target(self) -> Target:
        """The camera as it is told of."""
        device = self.face.device
        return Target(device.guid, self.types, tuple(device.scopes()), (self.face.url,), self.version)

    def message_id(self) -> str:
        """A new one."""
        return f"urn:uuid:{uuid.uuid4()}"

    def announce(self, kind: str) -> None:
        """Say Hello or Bye to the group, where the camera may be discovered."""
        if self._own is not None and self.face.device.state.discoverable:
            body = ws_discovery.target_body(self.target())
            self._own.sendto(ws_discovery.write(kind, body, self.message_id()), (GROUP, PORT))

    # what is asked

    def received(self, data: bytes, source: Address, *, group: bool) -> None:
        """Answer a probe that fits; say nothing to anything else."""
        try:
            asked = self.read(data)
        except CodecError:
            return
        if asked is not None and self._own is not None and self.listens(group) and self.fits(asked):
            self._own.sendto(self.answer(asked), source)

    def read(self, data: bytes) -> Message | None:
        """The probe in a datagram, None for another message. Raises CodecError."""
        found = ws_discovery.read(data)
        whole = found.kind == "Probe" and found.action == f"{WSD}/Probe" and found.message_id
        return found if whole else None

    def listens(self, group: bool) -> bool:
        """Whether the mode lets it answer; a hidden camera answers nobody who asks the group."""
        return self.face.device.state.discoverable or not group

    def fits(self, asked: Message) -> bool:
        """Whether every type and every scope of a probe is one of the camera."""
        if asked.unknown_type or asked.matching not in RULES:
            return False
        if not set(asked.types) <= set(self.types):
            return False
        scopes = self.face.device.scopes()
        return all(any(self.covers(wanted, scope, asked.matching) for scope in scopes) for wanted in asked.scopes)

    def covers(self, wanted: str, scope: str, rule: str) -> bool:
        """Whether a wanted scope stands for a scope of the camera: the same, or by segments a beginning of it."""
        if rule == STRCMP:
            return wanted == scope
        ours, theirs = urlsplit(scope), urlsplit(wanted)
        if (ours.scheme.lower(), ours.netloc.lower()) != (theirs.scheme.lower(), theirs.netloc.lower()):
            return False
        parts, begun = ours.path.split("/"), theirs.path.rstrip("/").split("/")
        return parts[: len(begun)] == begun

    def answer(self, asked: Message) -> bytes:
        """ProbeMatches to a probe."""
        body = element("d:ProbeMatch", ws_discovery.target_body(self.target()))
        told = self.message_id()
        return ws_discovery.write("ProbeMatches", body, told, relates_to=asked.message_id, to=ws_discovery.ANONYMOUS)

"""Who searches for ONVIF devices (WS-Discovery): probes to one address or to the group, what answers, Hello and Bye."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from conformance.protocols import ws_discovery
from conformance.protocols.violation import CodecError
from conformance.protocols.ws_discovery import GROUP, PORT, Message, Target
from conformance.wire import Closed, Datagram, Expired, Wire

Address = tuple[str, int]
LABEL = "discovery"


@dataclass(frozen=True, slots=True)
class Heard:
    """One datagram. ``message``: None when it is no message of WS-Discovery, ``flaw`` then says why."""

    at: float
    source: Address
    data: bytes
    message: Message | None
    flaw: str = ""


@dataclass(slots=True)
class Replies:
    """What came in answer to one probe sent at ``sent``. ``to``: where it was sent."""

    message_id: str
    to: Address
    sent: float
    heard: list[Heard] = field(default_factory=list)

    @property
    def matches(self) -> list[Heard]:
        """The ProbeMatches that relate to the probe."""
        return [
            one
            for one in self.heard
            if one.message is not None
            and one.message.kind == "ProbeMatches"
            and one.message.relates_to == self.message_id
        ]

    @property
    def targets(self) -> list[Target]:
        """The devices that matched."""
        return [target for one in self.matches if one.message is not None for target in one.message.targets]

    @property
    def delay(self) -> float | None:
        """Seconds until the first match."""
        return self.matches[0].at - self.sent if self.matches else None

    @property
    def summary(self) -> str:
        """What came, in one line."""
        if not self.heard:
            return "-"
        return ", ".join(one.message.kind if one.message else f"? ({one.flaw})" for one in self.heard)


def never(replies: Replies) -> bool:
    """Nothing is enough: listen until the time is over."""
    return False


def heard(packet_data: bytes, at: float, source: Address) -> Heard:
    """A datagram as read."""
    try:
        return Heard(at, source, packet_data, ws_discovery.read(packet_data))
    except CodecError as flaw:
        return Heard(at, source, packet_data, None, flaw.explain)


@dataclass(slots=True)
class Searcher:
    """Sends probes from ``interface``, the address of this machine on the network of the devices."""

    wire: Wire
    interface: str = "0.0.0.0"

    def new_id(self) -> str:
        """A message id nobody has used."""
        return f"urn:uuid:{uuid.UUID(int=self.wire.random.getrandbits(128), version=4)}"

    async def probe(
        self,
        to: Address = (GROUP, PORT),
        types: str = "",
        scopes: Iterable[str] = (),
        *,
        matching: str = "",
        within: float,
        enough: Callable[[Replies], bool] = never,
    ) -> Replies:
        """Send a Probe and listen for ``within`` seconds, or until what came is ``enough``."""
        message_id = self.new_id()
        data = ws_discovery.probe(message_id, types, scopes, matching=matching)
        return await self.send(data, message_id, to, within=within, enough=enough)

    async def send(
        self,
        data: bytes,
        message_id: str,
        to: Address = (GROUP, PORT),
        *,
        within: float,
        enough: Callable[[Replies], bool] = never,
    ) -> Replies:
        """The same with any bytes."""
        socket = await self.wire.datagram(self.interface, 0, label=LABEL)
        try:
            replies = Replies(message_id, to, socket.send(data, to))
            until = replies.sent + within
            while not enough(replies):
                try:
                    packet = await socket.receive(max(0.0, until - self.wire.now()))
                except Expired:
                    break
                replies.heard.append(heard(packet.data, packet.at, packet.source))
            return replies
        finally:
            socket.close()


@dataclass(slots=True)
class Listener:
    """Listens to the group for Hello and Bye from `start` to `stop`."""

    wire: Wire
    interface: str
    heard: list[Heard] = field(default_factory=list)
    _socket: Datagram | None = None

    async def start(self) -> None:
        """Join the group. Raises Refused."""
        self._socket = await self.wire.datagram(self.interface, PORT, label=f"{LABEL} group", group=GROUP)
        self.wire.spawn(self._collect(self._socket), "discovery listener")

    async def _collect(self, socket: Datagram) -> None:
        while True:
            try:
                packet = await socket.receive()
            except Closed:
                return
            self.heard.append(heard(packet.data, packet.at, packet.source))

    def of(self, kind: str, endpoint: str) -> list[Heard]:
        """The messages of a kind that one device sent."""
        return [
            one
            for one in self.heard
            if one.message is not None
            and one.message.kind == kind
            and any(target.endpoint == endpoint for target in one.message.targets)
        ]

    def stop(self) -> None:
        """Leave the group."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

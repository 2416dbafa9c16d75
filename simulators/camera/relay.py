"""The camera behind a relay: TURN over TCP with TCP allocations (RFC 5766, RFC 6062; tykd 6)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any

from conformance.protocols.stun import Method, StunMessage
from conformance.protocols.stun_attributes import (
    Address,
    Attribute,
    AttributeType,
    StunError,
    address_attribute,
    number_attribute,
    requested_address_family,
    requested_transport,
)
from conformance.protocols.tykd_message import Message
from simulators.camera.turn_connection import TurnConnection, TurnRefused

if TYPE_CHECKING:
    from simulators.camera.camera import Camera
    from simulators.camera.rtsp_connection import RtspConnection

_LOG = logging.getLogger(__name__)
Server = tuple[str, int]
ANY_PEER = Address("0.0.0.0", 0)
SHORTEST, LONGEST = 60, 600
MAX_VIEWERS = 16
FAILURES = (OSError, EOFError, StunError, TurnRefused)


class Relay:
    """Keeps an allocation at the relay of the registration answer and serves viewers who come through it.

    ``address``: the relayed address, None without an allocation. ``lifetime``: seconds that are asked for.
    """

    lifetime = SHORTEST

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.address: Server | None = None
        self._servers: list[Server] = []
        self._task: asyncio.Task[Any] | None = None
        self._open: set[TurnConnection] = set()
        self._control: TurnConnection | None = None

    def registered(self, answer: Message) -> None:
        """Begin at the relays of a registration answer; the same ones again change nothing."""
        servers = self.servers(answer)
        if servers == self._servers and self._task is not None and not self._task.done():
            return
        self._servers = servers
        if self._task is not None:
            self._task.cancel()
        self._task = self.camera.spawn(self.run(servers)) if servers else None

    def servers(self, answer: Message) -> list[Server]:
        """Primary and backup relay."""
        pairs = [(answer.get(f"{kind}TurnIP"), answer.get(f"{kind}TurnPort")) for kind in ("", "Backup")]
        return [(host, int(port)) for host, port in pairs if host and port.isdigit()]

    def drop(self) -> None:
        """Reset every connection to the relay."""
        for connection in tuple(self._open):
            connection.abort()

    async def run(self, servers: list[Server]) -> None:
        """Allocate, hold, and allocate anew; three failures in a row lead to the other relay."""
        chosen = failures = 0
        timers = self.camera.timers
        while True:
            await self.camera.link_up.wait()
            held = False
            try:
                held = await self.hold(servers[chosen])
            except FAILURES as error:
                _LOG.info("relay %s: %r", servers[chosen], error)
            failures = 0 if held else failures + 1
            if self.switch_due(failures):
                chosen, failures = (chosen + 1) % len(servers), 0
            await asyncio.sleep(timers.seconds("relay_retry"))

    def switch_due(self, failures: int) -> bool:
        """Whether the other relay is next."""
        return failures >= self.camera.timers.counts["relay_failures"]

    async def hold(self, server: Server) -> bool:
        """Hold one allocation until it is lost; True when there was one. Raises FAILURES when there was none."""
        connection = await self._connect(server)
        connection.on_indication = lambda message: self.attempted(server, message)
        reading = asyncio.ensure_future(connection.run())
        held = False
        try:
            relayed, lifetime = await self.allocate(connection)
            held, self._control = True, connection
            self.moved(relayed)
            await self._until_lost(reading, self._refresh(connection, lifetime), self._permit(connection))
        except FAILURES as error:
            if not held:
                raise
            _LOG.info("relay %s lost: %r", server, error)
        finally:
            self.moved(None)
            reading.cancel()
            self._close(connection)
        return held

    async def _until_lost(self, *works: Any) -> None:
        tasks = [asyncio.ensure_future(work) for work in works]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()

    def moved(self, address: Server | None) -> None:
        """The relayed address is another one: a heartbeat says so at once."""
        if address != self.address:
            self.address = address
            self.camera.client.beat_now.set()

    async def allocate(self, connection: TurnConnection) -> tuple[Server, float]:
        """ALLOCATE for TCP over IPv4: relayed address and granted lifetime in seconds."""
        answer = await connection.request(
            Method.ALLOCATE, requested_transport(), requested_address_family(4), self._lifetime()
        )
        relayed = answer.address(AttributeType.XOR_RELAYED_ADDRESS)
        if relayed is None:
            raise TurnRefused(0, "no relayed address")
        return (relayed.host, relayed.port), self._granted(answer)

    def _lifetime(self) -> Attribute:
        return number_attribute(AttributeType.LIFETIME, min(max(self.lifetime, SHORTEST), LONGEST))

    def _granted(self, answer: StunMessage) -> float:
        return min(answer.number(AttributeType.LIFETIME) or self.lifetime, LONGEST)

    async def _refresh(self, connection: TurnConnection, lifetime: float) -> None:
        while True:
            await asyncio.sleep(self.refresh_after(lifetime))
            lifetime = self._granted(await connection.request(Method.REFRESH, self._lifetime()))

    def refresh_after(self, lifetime: float) -> float:
        """Seconds until the next REFRESH: half of what was granted."""
        return lifetime / 2

    async def _permit(self, connection: TurnConnection) -> None:
        """Permission for any peer, renewed before its 300 s are over (RFC 5766 8); a relay may do without it."""
        while True:
            peer = address_attribute(AttributeType.XOR_PEER_ADDRESS, ANY_PEER)
            try:
                await connection.request(Method.CREATE_PERMISSION, peer)
            except TurnRefused as error:
                _LOG.info("permission for any peer: %r", error)
            await asyncio.sleep(self.camera.timers.seconds("relay_permission"))

    def attempted(self, server: Server, message: StunMessage) -> None:
        """Somebody has connected to the relayed address (RFC 6062 4.4)."""
        number = message.get(AttributeType.CONNECTION_ID)
        if message.method == Method.CONNECTION_ATTEMPT and number is not None and len(self._open) <= MAX_VIEWERS:
            peer = message.address(AttributeType.XOR_PEER_ADDRESS) or ANY_PEER
            self.camera.spawn(self.serve_viewer(server, number, peer))

    async def serve_viewer(self, server: Server, number: Attribute, peer: Address) -> None:
        """Bind a data connection and serve RTSP on it, under the same rules as on the port."""
        connection: TurnConnection | None = None
        try:
            connection = await self._connect(server)
            if self._control is not None:
                connection.adopt_challenge(self._control)
            await connection.request_alone(Method.CONNECTION_BIND, number)
            await self._serve_rtsp(connection, peer)
        except FAILURES as error:
            _LOG.info("viewer %s through the relay: %r", peer, error)
        finally:
            if connection is not None:
                self._close(connection)

    async def _serve_rtsp(self, connection: TurnConnection, peer: Address) -> None:
        rtsp = self.camera.server
        viewer = rtsp.connection_class(rtsp, connection.reader, RelayedWriter(connection, peer))
        rtsp.connections.add(viewer)
        watching = asyncio.ensure_future(self._end_after_play(viewer))
        try:
            await viewer.run()
        finally:
            watching.cancel()
            rtsp.connections.discard(viewer)

    async def _end_after_play(self, viewer: RtspConnection) -> None:
        """Close the data connection when its play is over: nobody else can use it."""
        pause = self.camera.timers.seconds("relay_close") / 4
        while True:
            await asyncio.sleep(pause)
            playing = any(session.connection is viewer for session in viewer.server.sessions.values())
            if not playing and any(play.spent for play in viewer.plays.values()):
                viewer.close()
                return

    async def _connect(self, server: Server) -> TurnConnection:
        wait = self.camera.timers.seconds("relay_connect")
        async with asyncio.timeout(wait):
            reader, writer = await asyncio.open_connection(*server)
        connection = TurnConnection(reader, writer, self.camera.dev_id, self.camera.key, wait)
        self._open.add(connection)
        return connection

    def _close(self, connection: TurnConnection) -> None:
        self._open.discard(connection)
        with contextlib.suppress(OSError):
            connection.writer.close()


class RelayedWriter(asyncio.StreamWriter):
    """The writing end of a data connection; its peer is the viewer, not the relay."""

    def __init__(self, connection: TurnConnection, peer: Address) -> None:
        transport = connection.writer.transport
        super().__init__(transport, transport.get_protocol(), connection.reader, asyncio.get_running_loop())
        self._viewer = (peer.host, peer.port)

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        return self._viewer if name == "peername" else super().get_extra_info(name, default)

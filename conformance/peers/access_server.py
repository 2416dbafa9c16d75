"""A TCP access server of the province platform: accepts devices, hands their messages on."""

from __future__ import annotations

from collections.abc import Callable

from conformance.peers.device_link import DeviceLink, OnMessage
from conformance.peers.history import History
from conformance.wire import Listener, Stream, Wire
from specs.messages import MessageTable


class AccessServer:
    """One access server (primary or backup). ``accepting`` False drops every new connection at once."""

    def __init__(self, wire: Wire, table: MessageTable, name: str, on_message: OnMessage) -> None:
        self.name = name
        self.accepting = True
        self.links: list[DeviceLink] = []
        self.attempts: History[float] = History(wire, f"connection to the access server ({name})")
        self.on_link: Callable[[DeviceLink], None] | None = None
        self.host = ""
        self.port = 0
        self._wire = wire
        self._table = table
        self._on_message = on_message
        self._listener: Listener | None = None

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises Refused when the address is taken."""
        self._listener = await self._wire.listen(host, port, self._serve, label=f"access-{self.name}")
        self.host, self.port = self._listener.host, self._listener.port

    async def stop(self) -> None:
        """Refuse connections from now on (connection refused, as a dead server would)."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for link in self.links:
            if link.open:
                link.abort()

    async def restart(self) -> None:
        """Listen again on the same port."""
        if self._listener is None:
            await self.start(self.host, self.port)

    @property
    def running(self) -> bool:
        """Whether the server listens."""
        return self._listener is not None

    async def _serve(self, stream: Stream) -> None:
        self.attempts.note(self._wire.now())
        if not self.accepting:
            stream.abort()
            return
        link = DeviceLink(self._wire, stream, self._table, self.name)
        self.links.append(link)
        if self.on_link is not None:
            self.on_link(link)
        await link.serve(self._on_message)

"""An allocation at the relay of the bench: its public port, and the viewers who come there (RFC 5766 2.2, RFC 6062)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from conformance.peers.history import History
from conformance.protocols.stun import MessageClass, Method, StunMessage, encode_message
from conformance.protocols.stun_attributes import Address, AttributeType, address_attribute, number_attribute
from conformance.wire import Closed, Listener, Reset, Stream, Wire
from conformance.wire.timers import Timer

TRANSACTION_SIZE = 12


@dataclass
class RelayedViewer:
    """One peer connection. ``bound_at``, ``data_ended_at``: seconds on the wire clock; None until it has happened."""

    number: int
    stream: Stream
    opened_at: float
    data: Stream | None = None
    bound_at: float | None = None
    data_ended_at: float | None = None

    @property
    def bound(self) -> bool:
        """Whether the device holds a data connection for this viewer."""
        return self.bound_at is not None and self.data_ended_at is None


class Allocation:
    """What one ALLOCATE has got. ``address``: relayed host and port; ``ended_at`` None while it is held."""

    def __init__(self, wire: Wire, control: Stream, label: str, next_number: Callable[[], int]) -> None:
        self.control = control
        self.address = ("", 0)
        self.permitted: set[str] = set()
        self.lifetime = 0.0
        self.opened_at = wire.now()
        self.ended_at: float | None = None
        self.viewers: History[RelayedViewer] = History(wire, "viewer at the relay")
        self._wire = wire
        self._label = label
        self._next_number = next_number
        self._listener: Listener | None = None
        self._expiry: Timer | None = None
        self._ends: dict[int, asyncio.Event] = {}

    @property
    def held(self) -> bool:
        """Whether it still stands."""
        return self.ended_at is None

    async def open(self, host: str) -> None:
        """Listen for peers on a free port. Raises Refused."""
        self._listener = await self._wire.listen(host, 0, self._peer, label=f"{self._label}-peer")
        self.address = (self._listener.host, self._listener.port)

    def extend(self, seconds: float) -> None:
        """It is good for so many seconds from now."""
        self.lifetime = seconds
        if self._expiry is not None:
            self._expiry.cancel()
        self._expiry = self._wire.arm(seconds, "lifetime of the allocation", self.close)

    def close(self) -> None:
        """It is gone: no more peers, and those at hand are cut off. A second time does nothing."""
        if self.ended_at is not None:
            return
        self.ended_at = self._wire.now()
        if self._expiry is not None:
            self._expiry.cancel()
        if self._listener is not None:
            self._listener.close()
        for viewer in self.viewers:
            self._end(viewer)

    async def _peer(self, stream: Stream) -> None:
        """A peer has connected: tell the device, hold the connection until it is over."""
        if self.control.closed or not self.permitted:
            stream.abort()
            return
        viewer = RelayedViewer(self._next_number(), stream, self._wire.now())
        self._ends[viewer.number] = asyncio.Event()
        self.viewers.note(viewer)
        transaction = viewer.number.to_bytes(TRANSACTION_SIZE, "big")
        attributes = (
            number_attribute(AttributeType.CONNECTION_ID, viewer.number),
            address_attribute(AttributeType.XOR_PEER_ADDRESS, Address(*stream.peer), transaction),
        )
        attempt = StunMessage(Method.CONNECTION_ATTEMPT, MessageClass.INDICATION, transaction, attributes)
        try:
            self.control.write(encode_message(attempt))
        except (Closed, Reset):
            stream.abort()
            return
        await self._ends[viewer.number].wait()

    def waiting(self, number: int) -> RelayedViewer | None:
        """The viewer of that connection id for whom no data connection is there yet."""
        return next((v for v in self.viewers if v.number == number and v.bound_at is None), None)

    async def couple(self, viewer: RelayedViewer, data: Stream, rest: bytes) -> None:
        """Pass bytes between device and viewer until either ends. ``rest``: what the device sent behind its bind."""
        viewer.data, viewer.bound_at = data, self._wire.now()
        if rest:
            viewer.stream.write(rest)
        back = self._wire.spawn(self._pump(viewer.stream, data), "viewer to device")
        await self._pump(data, viewer.stream)
        viewer.data_ended_at = self._wire.now()
        self._end(viewer)
        await asyncio.wait([back])

    @staticmethod
    async def _pump(source: Stream, sink: Stream) -> None:
        try:
            while (chunk := await source.read()).data:
                sink.write(chunk.data)
                await sink.drain()
        except (Closed, Reset):
            return
        finally:
            sink.close()

    def _end(self, viewer: RelayedViewer) -> None:
        viewer.stream.close()
        if viewer.data is not None:
            viewer.data.close()
        self._ends[viewer.number].set()

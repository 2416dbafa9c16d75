"""The relay of the bench: TURN over TCP with TCP allocations (RFC 5766, RFC 6062), one device as its only user.

Every behaviour can be bent; `reset` makes the relay honest again, `Relays` is the primary and the backup one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from conformance.peers.faults import NoAnswer
from conformance.peers.history import History
from conformance.peers.relay_allocation import Allocation
from conformance.protocols.stun import (
    MessageClass,
    Method,
    StunMessage,
    StunParser,
    encode_message,
    long_term_key,
    verify_integrity,
)
from conformance.protocols.stun_attributes import (
    TCP_TRANSPORT,
    Address,
    Attribute,
    AttributeType,
    StunError,
    address_attribute,
    error_attribute,
    number_attribute,
    read_requested_transport,
    text_attribute,
)
from conformance.wire import Closed, Listener, Reset, Stream, Wire

REALM = "kandian"
DEFAULT_LIFETIME, LONGEST_LIFETIME = 600, 3600  # RFC 5766 2.2, 6.2
BAD_REQUEST, UNAUTHORIZED, MISMATCH, STALE_NONCE, UNSUPPORTED_TRANSPORT = 400, 401, 437, 438, 442
REASONS = {
    BAD_REQUEST: "Bad Request",
    UNAUTHORIZED: "Unauthorized",
    MISMATCH: "Allocation Mismatch",
    STALE_NONCE: "Stale Nonce",
    UNSUPPORTED_TRANSPORT: "Unsupported Transport Protocol",
}


@dataclass(frozen=True, slots=True)
class TurnRequest:
    """A request of the device and how it was answered. ``code``: error code, 0 for success; ``at``: wire clock."""

    at: float
    stream: Stream
    message: StunMessage
    code: int


class Refusal(Exception):
    """A request that is answered with an error code."""

    def __init__(self, code: int) -> None:
        self.code = code
        super().__init__(str(code))


class RelayServer:
    """One TURN server. ``user``, ``password``: the long-term credentials of the device.

    accepting: False drops every new connection. lifetime: seconds granted, None for what is asked. errors: error code
    by method, in place of an answer. forged: answers are signed with another key.
    """

    def __init__(self, wire: Wire, label: str, user: str, password: str, allocations: History[Allocation]) -> None:
        self.host, self.port = "", 0
        self.user = user
        self.attempts: History[float] = History(wire, f"connection to {label}")
        self.requests: History[TurnRequest] = History(wire, f"request at {label}")
        self.allocations = allocations
        self._wire, self._label = wire, label
        self._key = long_term_key(user, REALM, password)
        self._listener: Listener | None = None
        self._streams: set[Stream] = set()
        self._held: dict[Stream, Allocation] = {}
        self._nonces = self._numbers = 0
        self.reset()

    def reset(self) -> None:
        """Honest again; allocations stay."""
        self.accepting = True
        self.lifetime: int | None = None
        self.errors: dict[int, int] = {}
        self.forged = False

    async def start(self, host: str, port: int) -> None:
        """Listen. Raises Refused when the address is taken."""
        self._listener = await self._wire.listen(host, port, self._serve, label=self._label)
        self.host, self.port = self._listener.host, self._listener.port

    async def stop(self) -> None:
        """Drop everything and refuse connections from now on."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self.drop()

    async def restart(self) -> None:
        """Listen again on the same port."""
        if self._listener is None:
            await self.start(self.host, self.port)

    def drop(self) -> None:
        """Reset every connection: allocations are lost."""
        for allocation in tuple(self._held.values()):
            allocation.close()
        for stream in tuple(self._streams):
            stream.abort()

    def stale(self) -> None:
        """Nonces given so far are stale: the next request is answered with 438 and a new one."""
        self._nonces += 1

    @property
    def nonce(self) -> str:
        """The nonce that is good now."""
        return f"{self._label}-{self._nonces:04d}"

    def requests_for(self, method: int, since: float = 0.0) -> list[TurnRequest]:
        """Requests of that method received at or after ``since``."""
        return [r for r in self.requests if r.message.method == method and r.at >= since]

    async def _serve(self, stream: Stream) -> None:
        self.attempts.note(self._wire.now())
        if not self.accepting:
            stream.abort()
            return
        self._streams.add(stream)
        try:
            await self._converse(stream)
        except (StunError, Reset, Closed):
            return
        finally:
            self._streams.discard(stream)
            allocation = self._held.pop(stream, None)
            if allocation is not None:
                allocation.close()
            stream.close()

    async def _converse(self, stream: Stream) -> None:
        parser = StunParser()
        while (chunk := await stream.read()).data:
            for message in parser.feed(chunk.data):
                if message.kind is not MessageClass.REQUEST:
                    continue
                code = await self._answer(stream, message)
                self.requests.note(TurnRequest(chunk.at, stream, message, code))
                if message.method == Method.CONNECTION_BIND and code == 0:
                    await self._bind(stream, message, parser.take_rest())
                    return

    async def _bind(self, stream: Stream, message: StunMessage, rest: bytes) -> None:
        for allocation in tuple(self._held.values()):
            viewer = allocation.waiting(message.number(AttributeType.CONNECTION_ID) or 0)
            if viewer is not None:
                await allocation.couple(viewer, stream, rest)

    async def _answer(self, stream: Stream, message: StunMessage) -> int:
        """Carry out one request and answer it; the error code of the answer, 0 for success."""
        try:
            self._check_credentials(message)
            if message.method in self.errors:
                self._forget_mismatched(stream, self.errors[message.method])
                raise Refusal(self.errors[message.method])
            found = await self._carry_out(stream, message)
        except StunError:
            self._refuse(stream, message, BAD_REQUEST)
            return BAD_REQUEST
        except Refusal as refusal:
            self._refuse(stream, message, refusal.code)
            return refusal.code
        stream.write(self._sealed(StunMessage(message.method, MessageClass.SUCCESS, message.transaction, tuple(found))))
        if message.method == Method.ALLOCATE:
            self.allocations.note(self._held[stream])
        return 0

    def _sealed(self, answer: StunMessage) -> bytes:
        """The answer with its MESSAGE-INTEGRITY."""
        key = bytes(len(self._key)) if self.forged else self._key
        name = f"sealed {hashlib.sha256(encode_message(answer)).hexdigest()}"
        return bytes.fromhex(self._wire.fact(name, lambda: encode_message(answer, key=key).hex()))

    def _forget_mismatched(self, stream: Stream, code: int) -> None:
        """A relay that answers 437 knows of no allocation, so the device may ask for one on the same connection."""
        if code == MISMATCH and stream in self._held:
            self._held.pop(stream).close()

    def _check_credentials(self, message: StunMessage) -> None:
        """RFC 5389 10.2.2. Raises Refusal, StunError."""
        if message.get(AttributeType.MESSAGE_INTEGRITY) is None:
            raise Refusal(UNAUTHORIZED)
        names = (AttributeType.USERNAME, AttributeType.REALM, AttributeType.NONCE)
        user, realm, nonce = (message.text(name) for name in names)
        if user is None or realm is None or nonce is None:
            raise Refusal(BAD_REQUEST)
        if nonce != self.nonce:
            raise Refusal(STALE_NONCE)
        if user != self.user or realm != REALM or not self._made_with_key(message):
            raise Refusal(UNAUTHORIZED)

    def _made_with_key(self, message: StunMessage) -> bool:
        name = f"integrity {hashlib.sha256(message.raw).hexdigest()}"
        return bool(self._wire.fact(name, lambda: verify_integrity(message, self._key)))

    def _refuse(self, stream: Stream, message: StunMessage, code: int) -> None:
        attributes = [error_attribute(code, REASONS.get(code, "Refused"))]
        if code in (UNAUTHORIZED, STALE_NONCE):
            attributes.append(text_attribute(AttributeType.REALM, REALM))
            attributes.append(text_attribute(AttributeType.NONCE, self.nonce))
        answer = StunMessage(message.method, MessageClass.ERROR, message.transaction, tuple(attributes))
        stream.write(encode_message(answer))

    async def _carry_out(self, stream: Stream, message: StunMessage) -> list[Attribute]:
        """The attributes of the success answer. Raises Refusal, StunError."""
        allocation = self._held.get(stream)
        if message.method == Method.ALLOCATE:
            return await self._allocate(stream, message)
        if message.method == Method.CONNECTION_BIND:
            number = message.number(AttributeType.CONNECTION_ID) or 0
            if not any(held.waiting(number) for held in self._held.values()):
                raise Refusal(BAD_REQUEST)
            return []
        if allocation is None or not allocation.held:
            raise Refusal(MISMATCH)
        if message.method == Method.REFRESH:
            return self._refresh(allocation, message)
        if message.method == Method.CREATE_PERMISSION:
            return self._permit(allocation, message)
        raise Refusal(BAD_REQUEST)

    async def _allocate(self, stream: Stream, message: StunMessage) -> list[Attribute]:
        wanted = message.get(AttributeType.REQUESTED_TRANSPORT)
        if stream in self._held:
            raise Refusal(MISMATCH)
        if wanted is None:
            raise Refusal(BAD_REQUEST)
        if read_requested_transport(wanted) != TCP_TRANSPORT:
            raise Refusal(UNSUPPORTED_TRANSPORT)
        allocation = Allocation(self._wire, stream, self._label, self._next_number)
        await allocation.open(self.host)
        seconds = self._granted(message)
        allocation.extend(seconds)
        self._held[stream] = allocation
        kinds = (AttributeType.XOR_RELAYED_ADDRESS, AttributeType.XOR_MAPPED_ADDRESS)
        places = (Address(*allocation.address), Address(*stream.peer))
        found = [address_attribute(k, p, message.transaction) for k, p in zip(kinds, places, strict=True)]
        return [*found, number_attribute(AttributeType.LIFETIME, seconds)]

    def _refresh(self, allocation: Allocation, message: StunMessage) -> list[Attribute]:
        asked = message.number(AttributeType.LIFETIME)
        seconds = 0 if asked == 0 else self._granted(message)
        if seconds:
            allocation.extend(seconds)
        else:
            allocation.close()
        return [number_attribute(AttributeType.LIFETIME, seconds)]

    def _granted(self, message: StunMessage) -> int:
        asked = message.number(AttributeType.LIFETIME)
        return self.lifetime or min(asked or DEFAULT_LIFETIME, LONGEST_LIFETIME)

    @staticmethod
    def _permit(allocation: Allocation, message: StunMessage) -> list[Attribute]:
        peer = message.address(AttributeType.XOR_PEER_ADDRESS)
        if peer is None:
            raise Refusal(BAD_REQUEST)
        allocation.permitted.add(peer.host)
        return []

    def _next_number(self) -> int:
        self._numbers += 1
        return self._numbers


class Relays:
    """The ``relay`` fixture: primary and backup relay, and the allocations of both in the order of their making."""

    def __init__(self, wire: Wire, user: str, password: str) -> None:
        self.allocations: History[Allocation] = History(wire, "ALLOCATE")
        self.primary = RelayServer(wire, "relay", user, password, self.allocations)
        self.backup = RelayServer(wire, "relay-backup", user, password, self.allocations)

    @property
    def servers(self) -> tuple[RelayServer, RelayServer]:
        """Primary and backup."""
        return self.primary, self.backup

    @property
    def current(self) -> Allocation | None:
        """The newest allocation that is still held."""
        return next((one for one in reversed(self.allocations) if one.held), None)

    async def allocated(self, within: float) -> Allocation | None:
        """The allocation that is held now, or the next one; None when there is none in time."""
        found = self.current
        if found is not None:
            return found
        try:
            return await self.allocations.next(within)
        except NoAnswer:
            return None

    def reset(self) -> None:
        """Both honest again."""
        for server in self.servers:
            server.reset()

    def answer_values(self) -> dict[str, str]:
        """What the registration answer says of the relays."""
        return {
            "TurnIP": self.primary.host,
            "TurnPort": str(self.primary.port),
            "BackupTurnIP": self.backup.host,
            "BackupTurnPort": str(self.backup.port),
        }

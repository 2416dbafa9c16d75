"""The events of a tape: what crossed the wire, in one total order, with stamps in nanoseconds of the wire clock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

NS = 1_000_000_000
Address = tuple[str, int]


class Chunk(NamedTuple):
    """Bytes of a stream. ``at``: arrival, seconds on the wire clock. Empty data: end of stream."""

    data: bytes
    at: float


class Packet(NamedTuple):
    """One datagram. ``at``: arrival (kernel stamp where there is one), seconds on the wire clock."""

    data: bytes
    at: float
    source: Address


class Kind(StrEnum):
    """What an event is: an input (what the code sees next), an output (what it did), or told for people only."""

    BEGIN = "begin"
    END = "end"
    DIAL = "dial"
    CONNECT = "connect"
    REFUSED = "refused"
    LISTEN = "listen"
    ACCEPT = "accept"
    BIND = "bind"
    IN = "in"
    OUT = "out"
    EOF = "eof"
    RESET = "reset"
    CLOSE = "close"
    DRAIN = "drain"
    DRAINED = "drained"
    TIMER = "timer"
    TICK = "tick"
    DATAGRAM_IN = "datagram-in"
    DATAGRAM_OUT = "datagram-out"
    CALL = "call"
    EXCHANGE = "exchange"
    COMPUTED = "computed"
    FACT = "fact"
    NOTE = "note"
    STEP = "step"
    CARRY = "carry"


INPUTS = frozenset(
    {
        Kind.CONNECT,
        Kind.REFUSED,
        Kind.LISTEN,
        Kind.ACCEPT,
        Kind.BIND,
        Kind.IN,
        Kind.EOF,
        Kind.RESET,
        Kind.DRAINED,
        Kind.TICK,
        Kind.DATAGRAM_IN,
        Kind.EXCHANGE,
        Kind.COMPUTED,
    }
)
BARRIERS = frozenset({Kind.BEGIN, Kind.END})
STREAM_DATA = frozenset({Kind.IN, Kind.OUT})
DATAGRAM_DATA = frozenset({Kind.DATAGRAM_IN, Kind.DATAGRAM_OUT})


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the tape.

    n: global number, 1 for the first event of a session, without gaps over all files of the session.
    at: when it happened, ns on the wire clock (for inbound datagrams the kernel's receive stamp).
    release: what ``Wire.now()`` said while it was handled, ns; never decreases with n over inputs and timers.
    channel: the connection or socket, 0 for events without one.
    data: payload, with declared secrets masked; ``meta["masked"]`` lists the masked spans as [offset, length].
    """

    n: int
    kind: Kind
    at: int
    release: int
    channel: int = 0
    data: bytes = b""
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TlsInfo:
    """What TLS agreed on. ``peer_certificate`` is DER, empty when the peer showed none."""

    version: str
    cipher: str
    peer_certificate: bytes = b""

    def as_meta(self) -> dict[str, str]:
        return {"version": self.version, "cipher": self.cipher, "certificate": self.peer_certificate.hex()}

    @classmethod
    def from_meta(cls, meta: Mapping[str, str] | None) -> TlsInfo | None:
        if meta is None:
            return None
        return cls(meta["version"], meta["cipher"], bytes.fromhex(meta["certificate"]))


@dataclass(frozen=True, slots=True)
class Hop:
    """One request with its answer, raw as on the wire. ``started``/``finished``: seconds on the wire clock.

    ``response`` may be cut short or empty when the exchange failed. Under TLS these are the plaintext bytes.
    """

    url: str
    local: Address
    peer: Address
    request: bytes
    response: bytes
    started: float
    finished: float
    tls: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a blocking client did: every hop in order (redirects included), and the failure if there was one."""

    hops: tuple[Hop, ...]
    error: str = ""

    def shifted(self, seconds: float) -> Exchange:
        """The same exchange with all times moved by ``seconds``."""
        moved = (replace(hop, started=hop.started + seconds, finished=hop.finished + seconds) for hop in self.hops)
        return replace(self, hops=tuple(moved))

    def as_meta(self) -> dict[str, Any]:
        """Everything but the bytes, which travel as event data (request, response, request, ...)."""
        hops = [
            [
                hop.url,
                list(hop.local),
                list(hop.peer),
                len(hop.request),
                len(hop.response),
                hop.started,
                hop.finished,
                hop.tls,
            ]
            for hop in self.hops
        ]
        return {"hops": hops, "error": self.error}

    def payload(self) -> bytes:
        return b"".join(hop.request + hop.response for hop in self.hops)

    @classmethod
    def from_event(cls, event: Event) -> Exchange:
        hops = []
        position = 0
        for url, local, peer, sent, received, started, finished, tls in event.meta["hops"]:
            request = event.data[position : position + sent]
            response = event.data[position + sent : position + sent + received]
            position += sent + received
            hops.append(Hop(url, address(local), address(peer), request, response, started, finished, tls))
        return cls(tuple(hops), event.meta["error"])


def address(pair: Any) -> Address:
    """A (host, port) tuple from a socket name or a JSON list; IPv6 flow and scope are dropped."""
    return (str(pair[0]), int(pair[1]))


@dataclass(frozen=True, slots=True)
class Tape:
    """All events of a session (or of one file), sorted by number.

    end: the last instant the tape speaks of, ns. complete: False when a number is missing or a file is cut short;
    the events then stop before the gap.
    """

    events: tuple[Event, ...]
    epoch: int
    end: int
    seed: int = 0
    complete: bool = True

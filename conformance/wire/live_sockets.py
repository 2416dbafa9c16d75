"""The sockets below LiveWire: TCP and TLS through asyncio transports, UDP through recvmsg with kernel stamps."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import struct
import sys
import time
from typing import TYPE_CHECKING, Any, cast

from conformance.wire.streams import Listener
from conformance.wire.tape import Address, Event, Kind, TlsInfo, address

if TYPE_CHECKING:
    from conformance.wire.live import LiveWire

HIGH_WATER = 1024 * 1024
LOW_WATER = 256 * 1024
CONNECTIONS = 512
HANDSHAKE_SECONDS = 10.0
SO_TIMESTAMPNS = 35 if sys.platform == "linux" else 0
SO_RXQ_OVFL = 40 if sys.platform == "linux" else 0
RECEIVE_BUFFER = 4 * 1024 * 1024
DATAGRAM_SIZE = 65_536
DATAGRAMS_A_TURN = 64
LONGEST_AGE = 10_000_000_000


class Link(asyncio.Protocol):
    """One connection as asyncio sees it. ``channel`` is 0 until an accepted connection is released."""

    def __init__(self, wire: LiveWire, label: str, channel: int = 0) -> None:
        self.wire = wire
        self.label = label
        self.channel = channel
        self.dead = False
        self.writing_paused = False
        self.opening: dict[str, Any] = {}
        self.dialling: asyncio.Task[None] | None = None
        self.kind = Kind.CONNECT
        self.transport: asyncio.Transport | None = None
        self._unreleased = 0
        self._reading_paused = False
        self._lost = False
        self._announced = False
        self._early: list[tuple[Kind, bytes, dict[str, Any] | None]] = []
        self._eof = False
        self._drain_calls: list[int] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if self.dead:
            self.transport.abort()
            return
        self.announce()

    def announce(self) -> None:
        """Tell the wire that this connection stands."""
        assert self.transport is not None
        names: dict[str, Any] = {
            "label": self.label,
            "local": list(_name(self.transport, "sockname")),
            "peer": list(_name(self.transport, "peername")),
        }
        tls = _tls_info(self.transport)
        if tls is not None:
            names["tls"] = tls.as_meta()
        self.wire.arrive(self.kind, self, meta={**names, **self.opening})
        self._announced = True
        for kind, data, meta in self._early:
            self.wire.arrive(kind, self, data, meta)
        self._early.clear()

    def _arrive(self, kind: Kind, data: bytes = b"", meta: dict[str, Any] | None = None) -> None:
        """Hand on what came in; what came with the end of a handshake waits until the connection is announced."""
        if self._announced:
            self.wire.arrive(kind, self, data, meta)
        else:
            self._early.append((kind, data, meta))

    def data_received(self, data: bytes) -> None:
        if self.dead:
            return
        self._unreleased += len(data)
        self._arrive(Kind.IN, bytes(data))
        if self._unreleased > HIGH_WATER:
            self._pause()

    def eof_received(self) -> bool:
        self._end()
        return self.transport is not None and self.transport.get_extra_info("ssl_object") is None

    def connection_lost(self, error: Exception | None) -> None:
        self._lost = True
        if self.dead:
            return
        self.resume_writing()
        if error is not None:
            self._arrive(Kind.RESET, meta={"reason": _reason(error)})
        else:
            self._end()

    def _end(self) -> None:
        if not self._eof and not self.dead:
            self._eof = True
            self._arrive(Kind.EOF)

    def pause_writing(self) -> None:
        self.writing_paused = True

    def resume_writing(self) -> None:
        self.writing_paused = False
        calls, self._drain_calls = self._drain_calls, []
        for call in calls:
            self._arrive(Kind.DRAINED, meta={"label": str(self.channel), "call": call})

    def wants_drained(self, call: int) -> None:
        self._drain_calls.append(call)

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self._lost:
            self.transport.write(data)

    def released(self, event: Event) -> None:
        """The wire has released this event; the bytes now wait in the stream instead of here."""
        if event.kind is Kind.IN:
            self._unreleased -= len(event.data)
            stream = self.wire.stream(self.channel)
            if stream is not None and stream.buffered + len(event.data) + self._unreleased > HIGH_WATER:
                self._pause()

    def resume_if_room(self, buffered: int) -> None:
        if self._reading_paused and buffered + self._unreleased < LOW_WATER and self.transport is not None:
            self._reading_paused = False
            with contextlib.suppress(RuntimeError):
                self.transport.resume_reading()

    def _pause(self) -> None:
        if not self._reading_paused and self.transport is not None:
            self._reading_paused = True
            with contextlib.suppress(RuntimeError):
                self.transport.pause_reading()

    def close(self, abort: bool) -> None:
        self.dead = True
        if self.dialling is not None:
            self.dialling.cancel()
        if self.transport is None:
            return
        if abort:
            _drop_hard(self.transport)
        else:
            self.transport.close()


class AcceptedLink(Link):
    """A connection taken by a listener; under TLS it is announced when the handshake is done."""

    def __init__(self, wire: LiveWire, listener: Listener, tls: ssl.SSLContext | None) -> None:
        super().__init__(wire, listener.label)
        self.kind = Kind.ACCEPT
        self._listener = listener
        self._tls = tls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        if len(self.wire.accepted) >= CONNECTIONS or self._listener.closed:
            self.dead = True
            self.transport.abort()
            return
        self.wire.accepted.add(self)
        if self._tls is None:
            self.announce()
        else:
            self.transport.pause_reading()
            self.wire.chore(self._shake_hands(self._tls))

    def admit(self, meta: dict[str, Any]) -> None:
        """The accepted connection is about to be released: name its listener, or drop it when that is closed."""
        meta["listener"] = self._listener.channel
        if self._listener.closed:
            self.close(abort=True)

    async def _shake_hands(self, tls: ssl.SSLContext) -> None:
        assert self.transport is not None
        peer = _name(self.transport, "peername")
        try:
            self.transport = await asyncio.get_running_loop().start_tls(
                self.transport, self, tls, server_side=True, ssl_handshake_timeout=HANDSHAKE_SECONDS
            )
        except (OSError, ssl.SSLError) as error:
            self.dead = True
            self.wire.accepted.discard(self)
            self.wire.remark(f"{self.label}: TLS handshake with {peer[0]}:{peer[1]} failed: {_reason(error)}")
            return
        if self.transport is not None:
            self.announce()

    def connection_lost(self, error: Exception | None) -> None:
        self.wire.accepted.discard(self)
        super().connection_lost(error)


async def dial(link: Link, call: int, to: tuple[str, int], tls: ssl.SSLContext | None, source: str) -> None:
    """Connect; the outcome arrives at the wire as CONNECT or REFUSED."""
    link.opening = {"call": call}
    loop, (host, port) = asyncio.get_running_loop(), to
    local = (source, 0) if source else None
    try:
        await loop.create_connection(
            lambda: link, host, port, ssl=tls, server_hostname=host if tls else None, local_addr=local
        )
    except (OSError, ssl.SSLError) as error:
        meta: dict[str, Any] = {"label": link.label, "call": call, "for": Kind.CONNECT, "reason": _reason(error)}
        if isinstance(error, ssl.SSLError) or (tls and isinstance(error, (ConnectionResetError, BrokenPipeError))):
            meta["tls_failed"] = True
        link.wire.arrive(Kind.REFUSED, link, meta=meta)


async def open_listener(
    wire: LiveWire, listener: Listener, call: int, host: str, port: int, tls: ssl.SSLContext | None
) -> None:
    """Bind and listen; the outcome arrives at the wire as LISTEN or REFUSED."""
    meta: dict[str, Any] = {"label": listener.label, "call": call}
    try:
        server = await asyncio.get_running_loop().create_server(
            lambda: AcceptedLink(wire, listener, tls), host, port, start_serving=False
        )
        meta["local"] = list(address(server.sockets[0].getsockname()))
    except OSError as error:
        wire.arrive(Kind.REFUSED, None, meta={**meta, "for": Kind.LISTEN, "reason": _reason(error)})
        return
    wire.arrive(Kind.LISTEN, server, meta=meta)
    await server.start_serving()


class UdpSocket:
    """A bound UDP socket read with recvmsg. Stamps are the kernel's where it gives them."""

    def __init__(self, wire: LiveWire, label: str) -> None:
        self.wire = wire
        self.label = label
        self.channel = 0
        self.dead = False
        self._socket: socket.socket | None = None
        self._overflow = 0

    def bind(self, call: int, host: str, port: int, group: str = "") -> None:
        meta: dict[str, Any] = {"label": self.label, "call": call}
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM, flags=socket.AI_PASSIVE)[0]
            family, interface = found[0], str(found[4][0])
            self._socket = udp = socket.socket(family, socket.SOCK_DGRAM)
            udp.setblocking(False)
            if family == socket.AF_INET:
                udp.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(interface))
            if group:
                udp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.bind((group or host, port))
            if group:
                membership = socket.inet_aton(group) + socket.inet_aton(interface)
                udp.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        except OSError as error:
            self.close()
            self.wire.arrive(Kind.REFUSED, None, meta={**meta, "for": Kind.BIND, "reason": _reason(error)})
            return
        udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        if SO_TIMESTAMPNS:
            udp.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            udp.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
        self.wire.arrive(Kind.BIND, self, meta={**meta, "local": list(address(udp.getsockname()))})
        self.resume()

    def resume(self) -> None:
        if self._socket is not None and not self.dead:
            self.wire.loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        assert self._socket is not None
        for _ in range(DATAGRAMS_A_TURN):
            if self.wire.crowded:
                self.wire.loop.remove_reader(self._socket.fileno())
                self.wire.slowed(self)
                return
            try:
                data, ancillary, _, source = self._socket.recvmsg(DATAGRAM_SIZE, 128)
            except BlockingIOError:
                return
            except OSError as error:
                self.wire.remark(f"{self.label}: receiving failed: {_reason(error)}")
                return
            age, lost = self._ancillary(ancillary)
            meta: dict[str, Any] = {"peer": [source[0], source[1]]}
            if lost:
                meta["lost"] = lost
            self.wire.arrive(Kind.DATAGRAM_IN, self, data, meta, at=self.wire.real() - age)

    def _ancillary(self, messages: list[tuple[int, int, bytes]]) -> tuple[int, int]:
        """Age of the packet in ns, and how many packets the kernel dropped since the last one."""
        age = lost = 0
        for level, kind, value in messages:
            if level != socket.SOL_SOCKET:
                continue
            if kind == SO_TIMESTAMPNS and len(value) == 16:
                seconds, nanoseconds = struct.unpack("@qq", value)
                age = time.time_ns() - (seconds * 1_000_000_000 + nanoseconds)
            elif kind == SO_RXQ_OVFL and len(value) == 4:
                total = struct.unpack("@I", value)[0]
                lost, self._overflow = (total - self._overflow) & 0xFFFFFFFF, total
        return (age if 0 <= age < LONGEST_AGE else 0), lost

    def send(self, data: bytes, to: Address) -> str:
        """Send; returns what went wrong, or an empty string."""
        assert self._socket is not None
        try:
            self._socket.sendto(data, to)
        except OSError as error:
            return _reason(error)
        return ""

    def close(self) -> None:
        self.dead = True
        if self._socket is not None:
            with contextlib.suppress(RuntimeError, ValueError):
                self.wire.loop.remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None


def _name(transport: asyncio.BaseTransport, which: str) -> Address:
    pair = transport.get_extra_info(which)
    return address(pair) if pair else ("", 0)


def _tls_info(transport: asyncio.BaseTransport) -> TlsInfo | None:
    tls = transport.get_extra_info("ssl_object")
    if tls is None:
        return None
    cipher = tls.cipher()
    return TlsInfo(tls.version() or "", cipher[0] if cipher else "", tls.getpeercert(binary_form=True) or b"")


def _drop_hard(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN."""
    connection = transport.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
    transport.abort()


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and not isinstance(error, (ssl.SSLError, socket.gaierror)) and error.errno:
        return os.strerror(error.errno)
    return str(error) or type(error).__name__

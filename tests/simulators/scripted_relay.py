"""A TURN relay for TCP allocations on loopback (RFC 5766, RFC 6062), as small as the tests of the camera allow."""

from __future__ import annotations

import asyncio
import contextlib

from scripted_platform import DEVICE, KEY

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
    Address,
    Attribute,
    AttributeType,
    address_attribute,
    error_attribute,
    number_attribute,
    text_attribute,
)

REALM, NONCE = "kandian", "nonce-1"
CREDENTIALS = long_term_key(DEVICE, REALM, KEY)


class ScriptedRelay:
    """``lifetime``: seconds granted. ``methods``: every request that came with good credentials.

    ``strict``: a permission for every peer is refused, and a CONNECTION-BIND without credentials ends its connection.
    """

    def __init__(self, lifetime: int = 60, *, strict: bool = False) -> None:
        self.lifetime = lifetime
        self.strict = strict
        self.methods: list[int] = []
        self.controls: list[asyncio.StreamWriter] = []
        self.bound = 0
        self.unbound = 0
        self._viewers: dict[int, tuple[asyncio.StreamReader, asyncio.StreamWriter, asyncio.Event]] = {}
        self.public: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        self._server.close()
        self.drop()

    def drop(self) -> None:
        for writer in self.controls:
            writer.transport.abort()
        if self.public is not None:
            self.public.close()

    @property
    def public_port(self) -> int:
        assert self.public is not None
        return int(self.public.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        parser = StunParser()
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(4096):
                for message in parser.feed(data):
                    if await self._answer(message, writer):
                        await self._couple(message, reader, writer)
                        return

    async def _answer(self, message: StunMessage, writer: asyncio.StreamWriter) -> bool:
        if self.strict and message.method == Method.CONNECTION_BIND and message.get(AttributeType.NONCE) is None:
            writer.transport.abort()
            return False
        if message.text(AttributeType.NONCE) != NONCE:
            challenge = (
                error_attribute(401, "Unauthorized"),
                text_attribute(AttributeType.REALM, REALM),
                text_attribute(AttributeType.NONCE, NONCE),
            )
            writer.write(
                encode_message(StunMessage(message.method, MessageClass.ERROR, message.transaction, challenge))
            )
            return False
        assert message.text(AttributeType.USERNAME) == DEVICE
        assert verify_integrity(message, CREDENTIALS)
        self.methods.append(message.method)
        if self.strict and message.method == Method.CREATE_PERMISSION:
            refusal = (error_attribute(403, "Forbidden"),)
            writer.write(encode_message(StunMessage(message.method, MessageClass.ERROR, message.transaction, refusal)))
            return False
        found: list[Attribute] = []
        if message.method == Method.ALLOCATE:
            self.controls.append(writer)
            self.public = await asyncio.start_server(self._viewer, "127.0.0.1", 0)
            relayed = Address("127.0.0.1", self.public_port)
            found.append(address_attribute(AttributeType.XOR_RELAYED_ADDRESS, relayed, message.transaction))
        if message.method in (Method.ALLOCATE, Method.REFRESH):
            assert 60 <= (message.number(AttributeType.LIFETIME) or 0) <= 600
            found.append(number_attribute(AttributeType.LIFETIME, self.lifetime))
        answer = StunMessage(message.method, MessageClass.SUCCESS, message.transaction, tuple(found))
        writer.write(encode_message(answer, key=CREDENTIALS))
        return message.method == Method.CONNECTION_BIND

    async def _viewer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, done = len(self._viewers) + 1, asyncio.Event()
        self._viewers[number] = reader, writer, done
        transaction = number.to_bytes(12, "big")
        peer = Address(*writer.get_extra_info("peername")[:2])
        attributes = (
            number_attribute(AttributeType.CONNECTION_ID, number),
            address_attribute(AttributeType.XOR_PEER_ADDRESS, peer, transaction),
        )
        attempt = StunMessage(Method.CONNECTION_ATTEMPT, MessageClass.INDICATION, transaction, attributes)
        self.controls[-1].write(encode_message(attempt))
        await done.wait()

    async def _couple(self, message: StunMessage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.bound += 1
        number = message.number(AttributeType.CONNECTION_ID)
        viewer_reader, viewer_writer, done = self._viewers[number or 0]
        await asyncio.gather(_pump(reader, viewer_writer), _pump(viewer_reader, writer))
        self.unbound += 1
        done.set()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
    writer.close()

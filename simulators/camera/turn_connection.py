"""One TCP connection to a TURN relay: requests with long-term credentials, answers by transaction, indications."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable

from conformance.protocols.stun import (
    HEADER_SIZE,
    MessageClass,
    StunMessage,
    decode_message,
    encode_message,
    long_term_key,
    verify_integrity,
)
from conformance.protocols.stun_attributes import Attribute, AttributeType, StunError, text_attribute

UNAUTHORIZED, STALE_NONCE = 401, 438
LARGEST_BODY = 2048
TRANSACTION_SIZE = 12

Transact = Callable[[bytes, bytes], Awaitable[StunMessage]]


class TurnRefused(Exception):
    """The relay answered with an error. ``code``: its ERROR-CODE."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        super().__init__(f"{code} {reason}")


class TurnConnection:
    """Control or data connection. User and password: DevID and DevKey (tykd 6.2). ``wait``: seconds for an answer."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, user: str, password: str, wait: float
    ) -> None:
        self.reader, self.writer = reader, writer
        self.on_indication: Callable[[StunMessage], None] = lambda message: None
        self._user, self._password, self._wait = user, password, wait
        self._realm = self._nonce = ""
        self._waiting: dict[bytes, asyncio.Future[StunMessage]] = {}

    async def run(self) -> None:
        """Read until the connection ends. Raises OSError, EOFError, StunError."""
        while True:
            message = await self._read()
            if message.kind in (MessageClass.INDICATION, MessageClass.REQUEST):
                self.on_indication(message)
            elif (future := self._waiting.get(message.transaction)) is not None and not future.done():
                future.set_result(message)

    async def request(self, method: int, *attributes: Attribute) -> StunMessage:
        """The success answer, while ``run`` reads. Raises TurnRefused, OSError, TimeoutError, StunError."""
        return await self._authorised(self._transact, method, attributes)

    async def request_alone(self, method: int, *attributes: Attribute) -> StunMessage:
        """The same where ``run`` does not read; not a byte behind the answer is taken. Raises EOFError, too."""
        return await self._authorised(self._transact_alone, method, attributes)

    def adopt_challenge(self, control: TurnConnection) -> None:
        """Begin with the realm and nonce of the control connection: some relays challenge no data connection."""
        self._realm, self._nonce = control._realm, control._nonce

    def abort(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()

    async def _authorised(self, transact: Transact, method: int, attributes: tuple[Attribute, ...]) -> StunMessage:
        """At most one retry with the realm and nonce of a challenge (RFC 5389 10.2.2)."""
        code, reason = 0, ""
        for _ in range(2):
            transaction = secrets.token_bytes(TRANSACTION_SIZE)
            async with asyncio.timeout(self._wait):
                answer = await transact(self._build(method, transaction, attributes), transaction)
            if answer.kind == MessageClass.SUCCESS:
                if not verify_integrity(answer, self._key()):
                    raise TurnRefused(0, "the answer is not signed with the device key")
                return answer
            code, reason = answer.error or (0, "no error code")
            if code not in (UNAUTHORIZED, STALE_NONCE):
                break
            self._realm = answer.text(AttributeType.REALM) or self._realm
            self._nonce = answer.text(AttributeType.NONCE) or ""
        raise TurnRefused(code, reason)

    def _key(self) -> bytes:
        return long_term_key(self._user, self._realm, self._password)

    def _build(self, method: int, transaction: bytes, attributes: tuple[Attribute, ...]) -> bytes:
        if not self._realm:
            return encode_message(StunMessage(method, MessageClass.REQUEST, transaction, attributes))
        credentials = (
            text_attribute(AttributeType.USERNAME, self._user),
            text_attribute(AttributeType.REALM, self._realm),
            text_attribute(AttributeType.NONCE, self._nonce),
        )
        message = StunMessage(method, MessageClass.REQUEST, transaction, (*attributes, *credentials))
        return encode_message(message, key=self._key())

    async def _transact(self, data: bytes, transaction: bytes) -> StunMessage:
        future: asyncio.Future[StunMessage] = asyncio.get_running_loop().create_future()
        self._waiting[transaction] = future
        try:
            self.writer.write(data)
            return await future
        finally:
            del self._waiting[transaction]

    async def _transact_alone(self, data: bytes, transaction: bytes) -> StunMessage:
        self.writer.write(data)
        while (message := await self._read()).transaction != transaction:
            continue
        return message

    async def _read(self) -> StunMessage:
        head = await self.reader.readexactly(HEADER_SIZE)
        size = int.from_bytes(head[2:4], "big")
        if size > LARGEST_BODY:
            raise StunError(2, "stun.oversize", head, "The message is larger than a relay's messages are", "RFC 5389 6")
        return decode_message(head + await self.reader.readexactly(size))

"""The relay of the bench, tried with the TURN connection of the golden camera."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from conformance.peers.relay import Relays
from conformance.protocols.stun import MessageClass, Method, StunMessage, StunParser, encode_message
from conformance.protocols.stun_attributes import (
    Address,
    Attribute,
    AttributeType,
    address_attribute,
    number_attribute,
    requested_transport,
)
from conformance.wire import LiveWire, Wire
from simulators.camera.turn_connection import TurnConnection, TurnRefused

USER, PASSWORD = "KDN00000001", "9f2c41d07be35a68"
ANYONE = address_attribute(AttributeType.XOR_PEER_ADDRESS, Address("0.0.0.0", 0))
Script = Callable[["Lab"], Awaitable[None]]


class Lab:
    """A relay on loopback and connections to it."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.relays = Relays(wire, USER, PASSWORD)
        self.server = self.relays.primary
        self._writers: list[asyncio.StreamWriter] = []

    async def raw(self, port: int = 0) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port or self.server.port)
        self._writers.append(writer)
        return reader, writer

    async def client(self, user: str = USER, password: str = PASSWORD) -> TurnConnection:
        reader, writer = await self.raw()
        return TurnConnection(reader, writer, user, password, 2.0)

    async def allocate(self, lifetime: int = 60) -> tuple[TurnConnection, StunMessage]:
        client = await self.client()
        wanted = requested_transport(), number_attribute(AttributeType.LIFETIME, lifetime)
        return client, await client.request_alone(Method.ALLOCATE, *wanted)

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


def run(script: Script) -> None:
    """Run a script in a fresh lab; nothing of the relay may fail behind its back."""

    async def whole() -> None:
        async with LiveWire(seed=1) as wire:
            lab = Lab(wire)
            await lab.server.start("127.0.0.1", 0)
            try:
                await asyncio.wait_for(script(lab), 10)
            finally:
                lab.close()
                await lab.server.stop()
            assert wire.take_failures() == ()

    asyncio.run(whole())


async def code_of(request: Awaitable[StunMessage]) -> int:
    with pytest.raises(TurnRefused) as refused:
        await request
    return refused.value.code


def test_an_allocation_has_an_address_and_the_lifetime_that_was_asked_for() -> None:
    async def script(lab: Lab) -> None:
        _, answer = await lab.allocate(lifetime=77)
        relayed = answer.address(AttributeType.XOR_RELAYED_ADDRESS)
        held = lab.relays.current
        assert relayed is not None
        assert held is not None
        assert (relayed.host, relayed.port) == held.address
        assert answer.number(AttributeType.LIFETIME) == 77
        assert [request.code for request in lab.server.requests] == [401, 0]

    run(script)


@pytest.mark.parametrize(("user", "password"), [("KDN00000002", PASSWORD), (USER, "wrong")])
def test_other_credentials_are_refused(user: str, password: str) -> None:
    async def script(lab: Lab) -> None:
        client = await lab.client(user, password)
        assert await code_of(client.request_alone(Method.ALLOCATE, requested_transport())) == 401
        assert lab.relays.current is None

    run(script)


@pytest.mark.parametrize(("attributes", "code"), [((), 400), ((requested_transport(17),), 442)])
def test_an_allocation_that_is_not_for_tcp_is_refused(attributes: tuple[Attribute, ...], code: int) -> None:
    async def script(lab: Lab) -> None:
        client = await lab.client()
        assert await code_of(client.request_alone(Method.ALLOCATE, *attributes)) == code

    run(script)


def test_a_second_allocation_on_the_same_connection_and_a_refresh_without_one_do_not_match() -> None:
    async def script(lab: Lab) -> None:
        client, _ = await lab.allocate()
        assert await code_of(client.request_alone(Method.ALLOCATE, requested_transport())) == 437
        other = await lab.client()
        assert await code_of(other.request_alone(Method.REFRESH)) == 437

    run(script)


def test_a_refresh_prolongs_and_a_lifetime_of_zero_ends_the_allocation() -> None:
    async def script(lab: Lab) -> None:
        client, _ = await lab.allocate()
        held = lab.relays.current
        assert held is not None
        answer = await client.request_alone(Method.REFRESH, number_attribute(AttributeType.LIFETIME, 120))
        assert (answer.number(AttributeType.LIFETIME), held.lifetime) == (120, 120)
        await client.request_alone(Method.REFRESH, number_attribute(AttributeType.LIFETIME, 0))
        assert not held.held
        assert await code_of(client.request_alone(Method.REFRESH)) == 437

    run(script)


def test_an_allocation_that_is_not_refreshed_runs_out() -> None:
    async def script(lab: Lab) -> None:
        lab.server.lifetime = 1
        await lab.allocate()
        held = lab.relays.current
        assert held is not None
        await lab.wire.sleep(1.2)
        assert held.ended_at == pytest.approx(held.opened_at + 1.0, abs=0.15)
        assert lab.relays.current is None

    run(script)


def test_a_stale_nonce_costs_one_more_round() -> None:
    async def script(lab: Lab) -> None:
        client, _ = await lab.allocate()
        lab.server.stale()
        await client.request_alone(Method.CREATE_PERMISSION, ANYONE)
        assert [request.code for request in lab.server.requests] == [401, 0, 438, 0]

    run(script)


def test_a_viewer_is_announced_bound_and_coupled_in_both_directions() -> None:
    async def script(lab: Lab) -> None:
        client, _ = await lab.allocate()
        await client.request_alone(Method.CREATE_PERMISSION, ANYONE)
        held = lab.relays.current
        assert held is not None
        reader, writer = await lab.raw(held.address[1])
        writer.write(b"early")
        (attempt,) = StunParser().feed(await client.reader.read(1024))
        assert (attempt.method, attempt.kind) == (Method.CONNECTION_ATTEMPT, MessageClass.INDICATION)
        peer = attempt.address(AttributeType.XOR_PEER_ADDRESS)
        assert peer == Address(*writer.get_extra_info("sockname"))
        number = attempt.get(AttributeType.CONNECTION_ID)
        assert number is not None
        data = await lab.client()
        await data.request_alone(Method.CONNECTION_BIND, number)
        assert await data.reader.readexactly(5) == b"early"
        data.writer.write(b"late")
        assert await reader.readexactly(4) == b"late"
        assert held.viewers[0].bound
        data.writer.close()
        assert await reader.read(1) == b""
        await lab.wire.sleep(0.05)
        assert held.viewers[0].data_ended_at is not None

    run(script)


def test_an_unknown_connection_cannot_be_bound_and_a_peer_without_permission_is_dropped() -> None:
    async def script(lab: Lab) -> None:
        await lab.allocate()
        data = await lab.client()
        wrong = number_attribute(AttributeType.CONNECTION_ID, 99)
        assert await code_of(data.request_alone(Method.CONNECTION_BIND, wrong)) == 400
        held = lab.relays.current
        assert held is not None
        reader, _ = await lab.raw(held.address[1])
        with pytest.raises(ConnectionError):
            assert await reader.read(1) == b"never"
        assert len(held.viewers) == 0

    run(script)


def test_it_can_be_bent_and_is_honest_after_a_reset() -> None:
    async def script(lab: Lab) -> None:
        client, _ = await lab.allocate()
        lab.server.errors[Method.REFRESH] = 437
        assert await code_of(client.request_alone(Method.REFRESH)) == 437
        assert lab.relays.current is None
        lab.server.forged = True
        again = await lab.client()
        with pytest.raises(TurnRefused, match="not signed"):
            await again.request_alone(Method.ALLOCATE, requested_transport())
        lab.server.accepting = False
        reader, _ = await lab.raw()
        with pytest.raises(ConnectionError):
            assert await reader.read(1) == b"never"
        lab.relays.reset()
        await lab.allocate()
        assert lab.relays.current is not None
        lab.server.drop()
        assert lab.relays.current is None

    run(script)


def test_bytes_that_are_no_message_end_the_connection_and_nothing_else() -> None:
    async def script(lab: Lab) -> None:
        reader, writer = await lab.raw()
        writer.write(b"OPTIONS * RTSP/1.0\r\n\r\n")
        assert await reader.read(1) == b""
        _, answer = await lab.allocate()
        assert answer.kind is MessageClass.SUCCESS

    run(script)


def test_indications_are_left_unanswered() -> None:
    async def script(lab: Lab) -> None:
        reader, writer = await lab.raw()
        writer.write(encode_message(StunMessage(Method.SEND, MessageClass.INDICATION, bytes(12))))
        writer.write(encode_message(StunMessage(Method.ALLOCATE, MessageClass.REQUEST, bytes(12))))
        (answer,) = StunParser().feed(await reader.read(1024))
        assert (answer.method, answer.error) == (Method.ALLOCATE, (401, "Unauthorized"))

    run(script)

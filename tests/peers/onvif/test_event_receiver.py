"""The consumer of base notifications, and onvif-zeep as a client that blocks, on a live wire."""

from __future__ import annotations

import asyncio

from conformance.peers.onvif.event_receiver import EventReceiver
from conformance.peers.onvif.zeep_client import CONNECT, ZeepClient
from conformance.protocols.soap import envelope
from conformance.wire import LiveWire

MESSAGE = (
    "<wsnt:Notify><wsnt:NotificationMessage><wsnt:Topic>tns1:VideoSource/MotionAlarm</wsnt:Topic><wsnt:Message>"
    '<tt:Message UtcTime="2026-01-02T03:04:05Z" PropertyOperation="Changed"/></wsnt:Message>'
    "</wsnt:NotificationMessage></wsnt:Notify>"
)


async def _nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.close()


async def _post(url: str, body: bytes) -> bytes:
    host, port = url.removeprefix("http://").partition("/")[0].split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /notify HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return answer


def test_notifications_are_taken_and_nonsense_is_noted() -> None:
    async def scenario() -> None:
        device = await asyncio.start_server(_nothing, "127.0.0.1", 0)
        port = device.sockets[0].getsockname()[1]
        async with LiveWire() as wire:
            receiver = await EventReceiver(wire, 5.0).open(f"http://127.0.0.1:{port}/onvif/device_service", 5.0)
            assert receiver.url.startswith("http://127.0.0.1:")
            assert (await _post(receiver.url, envelope(MESSAGE))).startswith(b"HTTP/1.1 202 ")
            await _post(receiver.url, b"nonsense")
            first, second = await receiver.received.reach(1, 5.0), await receiver.received.reach(2, 5.0)
            assert [message.topic for message in receiver.messages] == ["tns1:VideoSource/MotionAlarm"]
            assert (first.flaw, first.messages[0].operation) == ("", "Changed")
            assert second.flaw
            receiver.close()
        device.close()

    asyncio.run(scenario())


def test_a_client_that_finds_nobody_ends_with_its_first_step() -> None:
    async def scenario() -> None:
        nobody = await asyncio.start_server(_nothing, "127.0.0.1", 0)
        port = nobody.sockets[0].getsockname()[1]
        nobody.close()
        await nobody.wait_closed()
        async with LiveWire() as wire:
            (only,) = await ZeepClient(f"http://127.0.0.1:{port}/onvif/device_service", "a", "b").run(wire)
        assert (only.step, only.value) == (CONNECT, "")
        assert only.error.startswith("ONVIFError")

    asyncio.run(scenario())

"""The live wire against foreign sockets on loopback."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct

import pytest
import trustme
from wire_recording import ForeignDevice, echo

from conformance.wire import (
    BackgroundFailure,
    CallFailed,
    Chunk,
    Closed,
    Exchange,
    Expired,
    LiveWire,
    Misuse,
    Packet,
    Refused,
    Reset,
    Stream,
    TlsFailed,
    Wire,
)
from conformance.wire.live_sockets import HIGH_WATER


def test_client_gets_back_what_it_sent() -> None:
    async def main() -> bytes:
        async with ForeignDevice(echo) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            assert stream.peer == ("127.0.0.1", device.port)
            stream.write(b"OPTIONS")
            return (await stream.read(within=5)).data

    assert asyncio.run(main()) == b"OPTIONS"


def test_read_gives_at_most_the_limit_and_keeps_the_arrival_time() -> None:
    async def main() -> list[Chunk]:
        async with ForeignDevice(echo) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            stream.write(b"abcdef")
            return [await stream.read(4, within=5), await stream.read(4, within=5)]

    first, second = asyncio.run(main())
    assert (first.data, second.data) == (b"abcd", b"ef")
    assert first.at == second.at


def test_server_serves_each_connection_as_a_task() -> None:
    async def serve(stream: Stream) -> None:
        stream.write(b"hello " + (await stream.read()).data)
        stream.close()

    async def main() -> list[bytes]:
        async with LiveWire() as wire:
            listener = await wire.listen("127.0.0.1", 0, serve, label="access")
            answers = []
            for name in (b"one", b"two"):
                reader, writer = await asyncio.open_connection(listener.host, listener.port)
                writer.write(name)
                answers.append(await reader.read())
                writer.close()
            return answers

    assert asyncio.run(main()) == [b"hello one", b"hello two"]


def test_end_of_stream_is_an_empty_chunk() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"bye")
        writer.close()

    async def main() -> list[bytes]:
        async with ForeignDevice(hang_up) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            return [(await stream.read(within=5)).data for _ in range(3)]

    assert asyncio.run(main()) == [b"bye", b"", b""]


def test_reset_tells_the_last_bytes() -> None:
    async def drop(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"half an ans")
        await writer.drain()
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("@ii", 1, 0))
        writer.transport.abort()

    async def main() -> None:
        async with ForeignDevice(drop) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            with pytest.raises(Reset) as reset:
                await _all(stream)
            assert b"half an ans".startswith(reset.value.last_bytes)
            assert reset.value.reason == "Connection reset by peer"
            with pytest.raises(Reset):
                stream.write(b"more")

    asyncio.run(main())


def test_refused_connection_and_taken_port() -> None:
    async def main() -> None:
        async with LiveWire() as wire:
            unheard = socket.socket()
            unheard.bind(("127.0.0.1", 0))
            port = unheard.getsockname()[1]
            with pytest.raises(Refused) as refused:
                await wire.connect("127.0.0.1", port, label="player", within=5)
            assert refused.value.reason == "Connection refused"
            with pytest.raises(Refused) as taken:
                await wire.listen("127.0.0.1", port, _nothing, label="access")
            assert taken.value.reason == "Address already in use"
            first = await wire.datagram(label="rtp")
            with pytest.raises(Refused):
                await wire.datagram("127.0.0.1", first.local[1], label="rtcp")
            unheard.close()

    asyncio.run(main())


async def _nothing(_: Stream) -> None:
    return


def test_waits_expire() -> None:
    async def main() -> None:
        async with ForeignDevice(echo) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            before = wire.now()
            with pytest.raises(Expired) as expired:
                await stream.read(within=0.02)
            assert expired.value.seconds == 0.02
            assert wire.now() == pytest.approx(before + 0.02, abs=1e-9)
            with pytest.raises(Expired, match="the verdict"):
                async with wire.timeout(0.02, "the verdict"):
                    await stream.read()
            with pytest.raises(Expired):
                async with wire.timeout(0.02, "inner"), wire.timeout(30, "outer"):
                    await wire.sleep(60)

    asyncio.run(main())


def test_tls_both_ways() -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    client = ssl.create_default_context()
    authority.configure_trust(client)

    async def serve(stream: Stream) -> None:
        stream.write(b"secret hello")
        assert stream.tls is not None
        stream.write(await _all(stream))
        stream.close()

    async def main() -> bytes:
        async with LiveWire() as wire:
            listener = await wire.listen("127.0.0.1", 0, serve, label="access", tls=server)
            stream = await wire.connect("127.0.0.1", listener.port, label="device", tls=client, within=5)
            assert stream.tls is not None
            assert stream.tls.version == "TLSv1.3"
            assert len(stream.tls.peer_certificate) > 100
            received = (await stream.read(within=5)).data
            with pytest.raises(TlsFailed, match="certificate verify failed"):
                await wire.connect(
                    "127.0.0.1", listener.port, label="other", tls=ssl.create_default_context(), within=5
                )
            return received

    assert asyncio.run(main()) == b"secret hello"


async def _all(stream: Stream) -> bytes:
    data = b""
    while chunk := (await stream.read()).data:
        data += chunk
    return data


def test_datagrams_have_kernel_stamps_and_sources() -> None:
    async def main() -> tuple[Packet, tuple[str, int], float]:
        async with LiveWire() as wire:
            here, there = await wire.datagram(label="rtp"), await wire.datagram(label="device")
            sent = there.send(b"\x80\x60", here.local)
            return await here.receive(within=5), there.local, sent

    packet, source, sent = asyncio.run(main())
    assert packet.data == b"\x80\x60"
    assert packet.source == source
    assert abs(packet.at - sent) < 5


def test_on_packet_sees_every_packet_in_order() -> None:
    async def main() -> list[bytes]:
        async with LiveWire() as wire:
            here, there = await wire.datagram(label="rtp"), await wire.datagram(label="device")
            seen: list[bytes] = []
            here.on_packet = lambda packet: seen.append(packet.data)
            for number in range(100):
                there.send(b"%03d" % number, here.local)
            async with wire.timeout(10, "100 packets"):
                while len(seen) < 100:
                    await wire.sleep(0.01)
            return seen

    assert asyncio.run(main()) == [b"%03d" % number for number in range(100)]


def test_flood_of_datagrams_is_bounded_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.wire.streams.QUEUE_PACKETS", 10)

    async def main() -> tuple[int, int]:
        async with LiveWire() as wire:
            here, there = await wire.datagram(label="rtp"), await wire.datagram(label="device")
            for _ in range(50):
                there.send(b"x", here.local)
            async with wire.timeout(10, "40 drops"):
                while here.dropped < 40:
                    await wire.sleep(0.01)
            count = 0
            try:
                while True:
                    await here.receive(within=0.01)
                    count += 1
            except Expired:
                return count, here.dropped

    assert asyncio.run(main()) == (10, 40)


def test_flood_on_a_stream_nobody_reads_is_held_back() -> None:
    sent = 0

    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        block = bytes(65_536)
        while sent < 256 * 1024 * 1024:
            writer.write(block)
            await writer.drain()
            sent += len(block)

    async def main() -> tuple[int, int]:
        async with ForeignDevice(flood) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            before = -1
            while sent != before:
                before = sent
                await wire.sleep(0.1)
            held = stream.buffered
            for _ in range(200):
                await stream.read(within=5)
            stream.abort()
            return held, sent

    held, sent_at_last = asyncio.run(main())
    assert held <= 2 * HIGH_WATER
    assert sent_at_last > held


def test_failure_of_a_background_task_is_reported() -> None:
    async def fails() -> None:
        raise ValueError("lost its way")

    async def main() -> None:
        async with LiveWire() as wire:
            wire.spawn(fails(), "heartbeat")
            await wire.sleep(0.01)

    with pytest.raises(BackgroundFailure, match="heartbeat: ValueError: lost its way"):
        asyncio.run(main())


def test_awaited_or_taken_failures_are_not_reported_twice() -> None:
    async def fails() -> None:
        raise ValueError("lost its way")

    async def main() -> tuple[tuple[str, BaseException], ...]:
        async with LiveWire() as wire:
            with pytest.raises(ValueError):
                await wire.spawn(fails(), "awaited")
            wire.spawn(fails(), "taken")
            await wire.sleep(0.01)
            return wire.take_failures()

    taken = asyncio.run(main())
    assert [name for name, _ in taken] == ["taken"]


def test_failing_packet_callback_is_reported_and_stops_nothing() -> None:
    async def main() -> tuple[int, tuple[tuple[str, BaseException], ...]]:
        async with LiveWire() as wire:
            here, there = await wire.datagram(label="rtp"), await wire.datagram(label="device")
            seen: list[float] = []

            def breaks(packet: Packet) -> None:
                seen.append(1 / len(packet.data))

            here.on_packet = breaks
            for data in (b"", b"x"):
                there.send(data, here.local)
            async with wire.timeout(5, "the second packet"):
                while not seen:
                    await wire.sleep(0.005)
            return len(seen), wire.take_failures()

    count, failures = asyncio.run(main())
    assert count == 1
    assert [(name, type(error)) for name, error in failures] == [("on_packet of rtp", ZeroDivisionError)]


def test_close_cancels_tasks_that_wait() -> None:
    ended: list[str] = []

    async def waits(wire: Wire) -> None:
        try:
            await wire.sleep(3600)
        finally:
            ended.append("heartbeat")

    async def main() -> None:
        async with LiveWire() as wire:
            wire.spawn(waits(wire), "heartbeat")
            await wire.sleep(0.01)

    asyncio.run(main())
    assert ended == ["heartbeat"]


def test_misuse_is_told() -> None:
    async def main() -> None:
        async with ForeignDevice(echo) as device, LiveWire() as wire:
            stream = await wire.connect("127.0.0.1", device.port, label="player", within=5)
            task = wire.spawn(stream.read(), "first reader")
            await wire.sleep(0.01)
            with pytest.raises(Misuse, match="two readers"):
                await stream.read()
            stream.close()
            assert (await task).data == b""
            with pytest.raises(Closed):
                stream.write(b"too late")

    asyncio.run(main())


def test_computation_and_failing_calls() -> None:
    def broken() -> Exchange:
        raise RuntimeError("no such bucket")

    async def main() -> int:
        async with LiveWire() as wire:
            with pytest.raises(CallFailed, match="no such bucket"):
                await wire.blocking("storage", broken)
            return await wire.compute("decode", lambda: sum(range(10)))

    assert asyncio.run(main()) == 45


def test_randomness_depends_on_seed_and_test_only() -> None:
    async def draws(seed: int, test_id: str) -> list[int]:
        async with LiveWire(seed=seed) as wire:
            wire.begin(None, test_id)
            return [wire.random.randrange(1000) for _ in range(5)]

    first = asyncio.run(draws(1, "a"))
    assert first == asyncio.run(draws(1, "a"))
    assert first != asyncio.run(draws(2, "a"))
    assert first != asyncio.run(draws(1, "b"))

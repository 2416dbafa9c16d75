"""The push gateway of the bench: whom a push is for, and how it is answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.push_sink import Manners, PushBox, PushSink
from conformance.wire import LiveWire
from simulators.platform.declarations import DEFAULT
from specs.client_api import load_client_api
from specs.declaration import load_declaration
from specs.loader import load_catalogue

PUSH: dict[str, Any] = {
    "token": "phone-1",
    "kind": "alarm",
    "terminal": "KDN00000001",
    "channel": 0,
    "time": "2013-08-01T00:00:00.250Z",
    "subject": "a1",
    "alarmType": 1,
    "link": "http://127.0.0.1/alarms/a1/clip",
}
WAIT = 10.0


def at_the_gateway(scenario: Callable[[PushSink], Awaitable[None]]) -> None:
    """Run a scenario with a gateway that listens."""

    async def run() -> None:
        async with LiveWire() as wire:
            sink = PushSink(wire)
            assert sink.url == ""
            await sink.start("127.0.0.1", 0)
            await scenario(sink)
            sink.stop()

    asyncio.run(run())


async def said(sink: PushSink, request: bytes) -> bytes:
    """What the gateway answers to these bytes, until it leaves."""
    reader, writer = await asyncio.open_connection(sink.host, sink.port)
    writer.write(request)
    try:
        return await asyncio.wait_for(reader.read(), WAIT)
    except ConnectionResetError:
        return b"reset"
    finally:
        writer.close()


def posted(url: str, content: Any, method: str = "POST") -> bytes:
    """A push as bytes."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    path = "/" + url.split("/", 3)[3]
    head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def status(answer: bytes) -> int:
    """The status of an answer."""
    return int(answer.split()[1])


def test_a_push_is_for_the_phone_of_its_address() -> None:
    async def scenario(sink: PushSink) -> None:
        one, two = sink.box(), sink.box()
        assert one.url != two.url
        assert one.token != two.token
        assert status(await said(sink, posted(one.url, PUSH))) == 200
        assert [pushed.content for pushed in one.taken] == [PUSH]
        assert one.about("alarm", "KDN00000001") == one.taken
        assert one.about("alarm", "KDN00000002") == one.about("offline") == []
        assert two.received == []

    at_the_gateway(scenario)


def test_the_common_address_goes_by_token() -> None:
    async def scenario(sink: PushSink) -> None:
        box = sink.box("phone-1")
        assert box.registration == {"token": "phone-1", "url": box.url}
        assert status(await said(sink, posted(sink.url, PUSH))) == 200
        assert status(await said(sink, posted(sink.url, {**PUSH, "token": "phone-2"}))) == 404
        assert len(box.received) == 1
        assert [pushed.told("token") for pushed in sink.strays] == ["phone-2"]

    at_the_gateway(scenario)


def test_refusals_are_counted() -> None:
    async def scenario(sink: PushSink) -> None:
        box = sink.box()
        box.manners.refusals = 2
        answers = [status(await said(sink, posted(box.url, PUSH))) for _ in range(3)]
        assert answers == [503, 503, 200]
        assert [pushed.status for pushed in box.received] == [503, 503, 200]
        assert len(box.taken) == 1

    at_the_gateway(scenario)


def test_a_dropping_gateway_gives_no_answer() -> None:
    async def scenario(sink: PushSink) -> None:
        box = sink.box()
        box.manners = Manners(dropping=True)
        assert await said(sink, posted(box.url, PUSH)) in (b"", b"reset")
        assert [pushed.status for pushed in box.received] == [0]
        assert box.taken == []

    at_the_gateway(scenario)


def test_a_hanging_gateway_holds_the_connection_until_the_test_is_over() -> None:
    async def scenario(sink: PushSink) -> None:
        box = sink.box()
        box.manners = Manners(hanging=True)
        asked = asyncio.create_task(said(sink, posted(box.url, PUSH)))
        assert await box.reach(1, WAIT)
        other = sink.box()
        assert status(await said(sink, posted(other.url, PUSH))) == 200
        assert not asked.done()
        sink.reset()
        assert await asked in (b"", b"reset")
        assert sink.boxes == []

    at_the_gateway(scenario)


def test_what_is_no_push() -> None:
    async def scenario(sink: PushSink) -> None:
        box = sink.box()
        assert status(await said(sink, posted(box.url, b"", "GET"))) == 405
        assert status(await said(sink, posted(box.url + "0", PUSH))) == 404
        head = b"POST /push HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        assert status(await said(sink, head)) == 411
        assert status(await said(sink, posted(box.url, b"[1]"))) == 200
        assert box.received[-1].content is None
        assert box.received[-1].flaws(load_client_api()) == ["the body is no JSON object"]

    at_the_gateway(scenario)


def test_flaws_of_a_push() -> None:
    api = load_client_api()

    async def scenario(sink: PushSink) -> None:
        box: PushBox = sink.box()
        await said(sink, posted(box.url, PUSH))
        await said(sink, posted(box.url, {name: value for name, value in PUSH.items() if name != "link"}))
        await said(sink, posted(box.url, {**PUSH, "kind": "offline", "time": "20130801080000"}))
        told = [pushed.flaws(api) for pushed in box.received]
        assert told[0] == []
        assert told[1] == ["$: 'link' is a required property"]
        assert len(told[2]) == 1
        assert told[2][0].startswith("$.time: ")

    at_the_gateway(scenario)


def test_nobody_comes() -> None:
    async def scenario(sink: PushSink) -> None:
        assert not await sink.box().reach(1, 0.01)

    at_the_gateway(scenario)


@pytest.mark.parametrize(
    ("client", "gateway", "reachable"),
    [
        ("http://127.0.0.1:8080/api/v1", "127.0.0.1", True),
        ("http://localhost/api/v1", "127.0.0.1", True),
        ("https://192.0.2.5/api/v1", "127.0.0.1", False),
        ("https://platform.example/api/v1", "::1", False),
        ("https://192.0.2.5/api/v1", "192.0.2.10", True),
        ("http://[::1]:8080/api/v1", "127.0.0.1", True),
    ],
)
def test_a_gateway_on_this_machine_is_for_platforms_on_it(client: str, gateway: str, reachable: bool) -> None:
    async def run() -> bool:
        async with LiveWire() as wire:
            catalogue = load_catalogue()
            bench = PlatformBench(wire, catalogue, load_declaration(DEFAULT, catalogue.vocabulary))
            bench.client_url, bench.push.host = client, gateway
            return bench.push_is_reachable

    assert asyncio.run(run()) is reachable

"""A platform with a client interface of its own, driven through an adapter."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from conformance.peers.faults import BenchFault
from conformance.peers.platform import adapter as adapters
from conformance.peers.platform.adapter import Neutral, load_adapter
from conformance.peers.platform.phone import Phone
from conformance.peers.platform.reply import flaws
from conformance.protocols.http_answer import HttpAnswer
from conformance.protocols.raw_request import RawRequest
from conformance.wire import LiveWire, Recorder
from specs.client_api import Operation, load_client_api
from specs.model import Limit

API = load_client_api()
LIMITS = {name: Limit(max=2.0, unit="s") for name in ("connect_wait", "answer_wait", "exchange_wait")}


class OneEndpoint:
    """The vendor takes every call at POST /rpc and wraps its answers."""

    def outgoing(self, operation: Operation, path: Mapping[str, str], request: RawRequest) -> RawRequest:
        """A call by name."""
        told = json.dumps({"call": operation.id, "of": dict(path)}).encode()
        kept = [pair for pair in request.headers if pair[0].lower() not in ("content-length", "content-type")]
        headers = (*kept, ("Content-Type", "application/json"), ("Content-Length", str(len(told))))
        return RawRequest("POST", "/rpc", headers, told)

    def incoming(self, operation: Operation, answer: HttpAnswer) -> HttpAnswer:
        """What is inside."""
        inside = json.loads(answer.body)
        return dataclasses.replace(answer, status=inside["status"], body=json.dumps(inside["data"]).encode())


async def vendor(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The vendor's server."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))[15:])
    asked = json.loads(await reader.readexactly(length))
    data = {"items": [{"id": asked["of"].get("terminal", "s1"), "name": asked["call"], "devices": 2}]}
    body = json.dumps({"status": 200, "data": data}).encode()
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


def test_operations_go_through_the_adapter(tmp_path: object) -> None:
    loop = asyncio.new_event_loop()
    wire = LiveWire(Recorder(tmp_path, application="test"), seed=1, loop=loop)  # type: ignore[arg-type]

    async def scenario() -> tuple[list[object], list[str]]:
        server = await asyncio.start_server(vendor, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/api"
        phone = Phone(wire, LIMITS, url, "", API, OneEndpoint)
        reply = await phone.call("shops", session="x")
        phone.close()
        server.close()
        return reply.items, flaws(API, reply)

    items, wrong = loop.run_until_complete(scenario())
    loop.run_until_complete(wire.close())
    loop.close()
    assert (items, wrong) == ([{"id": "s1", "name": "shops", "devices": 2}], [])


def test_adapters_are_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint("acme", f"{__name__}:OneEndpoint", adapters.GROUP)])
    monkeypatch.setattr(adapters, "entry_points", lambda group: points if group == adapters.GROUP else EntryPoints([]))
    assert load_adapter("acme").__name__ == "OneEndpoint"
    assert load_adapter("") is Neutral
    with pytest.raises(BenchFault, match=r"there is no client adapter other .*installed: acme"):
        load_adapter("other")


def test_an_adapter_that_cannot_be_loaded_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    points = EntryPoints([EntryPoint("acme", "nowhere_at_all:Adapter", adapters.GROUP)])
    monkeypatch.setattr(adapters, "entry_points", lambda group: points)
    with pytest.raises(BenchFault, match="cannot be loaded"):
        load_adapter("acme")

"""Exchanges of requests: every raw byte, redirects and failures, recorded and replayed."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme
from wire_recording import ForeignDevice, record

from conformance.wire import Exchange, Kind, LiveWire, Wire, replay
from conformance.wire.http_adapter import answer, http_exchange
from conformance.wire.packet_synthesis import payload_of
from conformance.wire.tape_reader import packets_of

REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 5\r\n\r\nmoved"
FOUND = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Odd:  two  \r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
SHORT = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"


async def _site(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1]
            if path == b"/here":
                writer.write(REDIRECT)
            elif path == b"/there":
                writer.write(FOUND)
            elif path == b"/short":
                writer.write(SHORT)
                writer.close()
                return
            elif path == b"/endless":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(200_000))
            else:
                writer.write(b"not http at all\r\n\r\n")
                writer.close()
                return
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
        writer.close()


def _get(path: str, **options: object) -> Exchange:
    async def main() -> Exchange:
        async with ForeignDevice(_site) as site, LiveWire() as wire:
            return await http_exchange(wire, "portal", "GET", f"http://127.0.0.1:{site.port}{path}", **options)

    return asyncio.run(main())


def test_redirect_gives_two_hops_with_raw_bytes() -> None:
    exchange = _get("/here", headers={"X-Token": "7"})
    assert exchange.error == ""
    assert [hop.response for hop in exchange.hops] == [REDIRECT, FOUND]
    assert exchange.hops[0].request.startswith(b"GET /here HTTP/1.1\r\n")
    assert b"X-Token: 7\r\n" in exchange.hops[1].request
    last = answer(exchange.hops[1])
    assert last is not None
    assert (last.status, last.body, last.complete, last.header("x-odd")) == (200, b"abcde", True, "two")


def test_redirects_can_be_left_alone() -> None:
    assert [hop.response for hop in _get("/here", redirects=False).hops] == [REDIRECT]


def test_short_answer_is_kept_and_told() -> None:
    exchange = _get("/short")
    assert exchange.hops[0].response == SHORT
    assert "IncompleteRead" in exchange.error
    partial = answer(exchange.hops[0])
    assert partial is not None
    assert (partial.body, partial.complete) == (b"only this", False)


def test_no_http_at_all() -> None:
    exchange = _get("/nonsense")
    assert exchange.error.startswith("ConnectionError")
    assert exchange.hops[0].response == b"not http at all\r\n\r\n"
    assert answer(exchange.hops[0]) is None


def test_endless_answers_are_bounded() -> None:
    exchange = _get("/endless", limit=50_000)
    assert "answer larger than 50000 bytes" in exchange.error
    assert 50_000 < len(exchange.hops[0].response) < 150_000


def test_nobody_there() -> None:
    async def main() -> Exchange:
        async with LiveWire() as wire:
            return await http_exchange(wire, "portal", "GET", "http://127.0.0.1:1/")

    exchange = asyncio.run(main())
    assert exchange.error.startswith("ConnectionError")
    assert exchange.hops[0].request == b""


def test_environment_proxies_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert _get("/there").hops[0].response == FOUND


def test_exchange_is_on_the_tape_and_replays(tmp_path: Path) -> None:
    ports: list[int] = []

    async def script(wire: Wire, port: int) -> tuple[Exchange, float]:
        return await http_exchange(wire, "portal", "POST", f"http://127.0.0.1:{port}/here", body=b"a=1"), wire.now()

    async def main(wire: Wire) -> tuple[Exchange, float]:
        async with ForeignDevice(_site) as site:
            ports.append(site.port)
            return await script(wire, site.port)

    outcome, tape = record(tmp_path, main)
    assert [event.kind for event in tape.events] == [Kind.CALL, Kind.EXCHANGE]
    assert 0 < outcome[0].hops[0].started <= outcome[0].hops[0].finished < outcome[1]
    assert replay(tape, lambda wire: script(wire, ports[0])) == outcome
    payloads = [payload_of(frame) for _, _, frame, _ in packets_of(tmp_path / "session" / "wire.pcapng")]
    assert b"".join(payloads) == outcome[0].payload()


def test_https_is_recorded_in_the_clear(tmp_path: Path) -> None:
    authority = trustme.CA()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(server)
    bundle = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))

    async def main() -> Exchange:
        site = await asyncio.start_server(_site, "127.0.0.1", 0, ssl=server)
        async with LiveWire() as wire:
            port = site.sockets[0].getsockname()[1]
            exchange = await http_exchange(wire, "portal", "GET", f"https://127.0.0.1:{port}/there", verify=str(bundle))
        site.close()
        return exchange

    exchange = asyncio.run(main())
    assert exchange.error == ""
    assert exchange.hops[0].tls
    assert exchange.hops[0].response == FOUND

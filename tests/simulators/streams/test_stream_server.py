"""The golden stream server: what it lets in, and what it serves."""

from __future__ import annotations

import asyncio
import itertools
import time
from pathlib import Path

import aiohttp
import pytest
import yarl

from conformance.protocols.flv import FlvReader
from conformance.protocols.hls import parse_playlist
from conformance.protocols.mpeg_ts import parse_transport_stream
from conformance.protocols.signed_url import sign_url
from simulators.streams.declarations import SHIPPED
from simulators.streams.gate import Gate, Refused, Visitor
from simulators.streams.server import StreamServer
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.stream_urls import load_schemes

NOW = 1_800_000_000.0
DEATH = Gate(load_schemes()["secure-link-any"], "k", 300.0, 0.0)
BIRTH = Gate(load_schemes()["query-a"], "k", 300.0, 5.0)


def admitted(gate: Gate, target: str, now: float = NOW) -> str | None:
    try:
        return gate.admit(Visitor("GET", target, "127.0.0.1", {}), now)
    except Refused:
        return None


@pytest.mark.parametrize("gate", [DEATH, BIRTH])
def test_the_gate_admits_what_it_signed_until_its_end(gate: Gate) -> None:
    target = gate.sign("/live/a.ts", NOW, "127.0.0.1")
    assert admitted(gate, target) == "/live/a.ts"
    assert admitted(gate, target, NOW + 299.0) == "/live/a.ts"
    assert admitted(gate, target, NOW + 306.0) is None
    assert admitted(gate, target.replace("/a.ts", "/b.ts")) is None


def test_a_birth_in_the_future_is_refused_beyond_the_skew() -> None:
    assert admitted(BIRTH, sign_url(BIRTH.scheme, "/a.ts", "k", NOW + 4)) == "/a.ts"
    assert admitted(BIRTH, sign_url(BIRTH.scheme, "/a.ts", "k", NOW + 7)) is None


@pytest.mark.parametrize("path", ["//a.ts", "/./a.ts", "/x/../a.ts", "/%61.ts", "/a.ts/", "/a.ts;b", "/a b.ts"])
def test_a_signed_path_that_is_not_plain_is_refused(path: str) -> None:
    assert admitted(DEATH, sign_url(DEATH.scheme, path, "k", NOW + 100)) is None


@pytest.mark.parametrize("declaration", SHIPPED, ids=lambda path: path.stem)
def test_playlist_segments_and_flv(declaration: Path, tmp_path: Path) -> None:
    asyncio.run(watch(declaration, tmp_path))


async def watch(declaration: Path, folder: Path) -> None:
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    server = StreamServer(loaded, folder)
    await server.start()
    told = server.declared
    try:
        async with aiohttp.ClientSession() as session:
            # aiohttp would otherwise write the path in its own way
            def at(target: str) -> yarl.URL:
                return yarl.URL(server.url + target, encoded=True)

            target = server.gate.sign(told.playlist, time.time(), "127.0.0.1")
            async with session.get(at(target)) as answer:
                playlist = parse_playlist(await answer.read())
            assert playlist.violations == []
            assert [segment.duration for segment in playlist.segments] == [1.0] * 5
            found = []
            for segment in playlist.segments:
                async with session.get(at(segment.uri)) as answer:
                    found.append(parse_transport_stream(await answer.read()))
            for before, after in itertools.pairwise(found):
                assert after.first_counters[256] == (before.last_counters[256] + 1) % 16
            assert all(stream.violations == [] for stream in found)
            reader = FlvReader()
            flv = server.gate.sign(told.flv, time.time(), "127.0.0.1")
            async with session.get(at(flv)) as answer:
                tags = reader.feed(await answer.content.readany())
            assert [tag.kind for tag in tags[:2]] == [18, 9]
            assert reader.violations == []
            async with session.get(at(told.playlist)) as answer:
                assert answer.status == (403 if told.scheme else 200)
            async with session.delete(at(target)) as answer:
                assert answer.status == 405
    finally:
        await server.stop()

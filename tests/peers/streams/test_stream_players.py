"""The players against a small server that answers from a script."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import pytest

from conformance.peers.http_connection import Endpoint
from conformance.peers.streams.flv_player import FlvPlay, FlvPlayer
from conformance.peers.streams.hls_player import HlsPlayer
from conformance.peers.streams.http_fetcher import Asked, Fetched, Fetcher, is_media
from conformance.protocols.flv import FlvTag, write_header, write_tag
from conformance.wire import LiveWire, Stream, Wire
from specs.model import Limit

LIMITS = {name: Limit(unit="s", max=2.0) for name in ("connect_wait", "answer_wait", "exchange_wait")}
LIVE = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MEDIA-SEQUENCE:{n}\n#EXTINF:1,\n{n}.ts\n#EXTINF:1,\n{m}.ts\n"
MASTER = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\nlow/list.m3u8?t=1\n"


def response(body: bytes, kind: str = "video/mp2t", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def serving(wire: Wire, answer: Callable[[str], bytes], asked: list[str]) -> Endpoint:
    async def serve(stream: Stream) -> None:
        head = (await stream.read(within=2.0)).data.decode()
        found = re.match(r"(\w+) (\S+) HTTP", head)
        assert found is not None
        asked.append(found[2])
        stream.write(answer(found[2]))
        stream.close()

    listener = await wire.listen("127.0.0.1", 0, serve, label="server")
    return Endpoint("http", "127.0.0.1", listener.port)


def play(answer: Callable[[str], bytes], use: Callable[[Fetcher], object]) -> tuple[object, list[str]]:
    asked: list[str] = []

    async def run() -> object:
        async with LiveWire(seed=1) as wire:
            fetcher = Fetcher(wire, await serving(wire, answer, asked), LIMITS)
            found = use(fetcher)
            return await found if asyncio.iscoroutine(found) else found

    return asyncio.run(run()), asked


def test_a_player_follows_a_live_playlist() -> None:
    loads = iter(range(100))

    def answer(target: str) -> bytes:
        if target.endswith(".ts"):
            return response(b"\x47" + bytes(187))
        number = next(loads)
        return response(LIVE.format(n=number // 2, m=number // 2 + 1).encode())

    async def use(fetcher: Fetcher) -> list[int]:
        player = HlsPlayer(fetcher, "/live/x.m3u8")
        return [found.segment.sequence for found in await player.segments(4)]

    numbers, asked = play(answer, use)
    assert numbers == [0, 1, 2, 3]
    assert [target for target in asked if target.endswith(".ts")] == [f"/live/{n}.ts" for n in range(4)]


def test_a_master_playlist_leads_to_its_first_variant() -> None:
    def answer(target: str) -> bytes:
        return response((MASTER if "master" in target else LIVE.format(n=3, m=4)).encode())

    async def use(fetcher: Fetcher) -> list[int]:
        return (await HlsPlayer(fetcher, "/a/master.m3u8").load()).numbers

    assert play(answer, use) == ([3, 4], ["/a/master.m3u8", "/a/low/list.m3u8?t=1"])


def test_what_is_no_playlist_is_told() -> None:
    async def use(fetcher: Fetcher) -> str:
        loaded = await HlsPlayer(fetcher, "/x").load()
        assert loaded.error is not None
        return loaded.error.rule

    assert play(lambda target: response(b"hello"), use)[0] == "hls.header"


@pytest.mark.parametrize(
    ("uri", "target"),
    [
        ("1.ts", "/live/1.ts"),
        ("/v/1.ts?a=b#c", "/v/1.ts?a=b"),
        ("../1.ts", "/1.ts"),
        ("http://elsewhere/1.ts", "http://elsewhere/1.ts"),
    ],
)
def test_addresses(uri: str, target: str) -> None:
    assert play(lambda _: b"", lambda fetcher: HlsPlayer(fetcher, "/live/x.m3u8?k=1").address(uri))[0] == target


def test_an_flv_player_reads_tags_as_they_come() -> None:
    tags = [FlvTag(18, 0, b"\x02"), FlvTag(9, 0, b"\x17\x00\x00\x00\x00\x01"), FlvTag(9, 40, b"\x17\x01\x00\x00\x00")]
    body = write_header(has_audio=False, has_video=True) + b"".join(map(write_tag, tags))
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in (body[:20], body[20:]))

    async def use(fetcher: Fetcher) -> FlvPlay:
        return await FlvPlayer(fetcher, "/x.flv").play(1.0)

    found, _ = play(lambda target: head + pieces, use)
    assert isinstance(found, FlvPlay)
    assert [(tag.kind, tag.timestamp) for tag in found.tags] == [(18, 0), (9, 0), (9, 40)]
    assert found.fetched.media_type == "video/x-flv"
    assert found.reader.violations == []


def test_an_flv_player_that_is_refused() -> None:
    async def use(fetcher: Fetcher) -> FlvPlay:
        return await FlvPlayer(fetcher, "/x.flv").play(1.0)

    found, _ = play(lambda target: response(b"no", "text/plain", "403 Forbidden"), use)
    assert isinstance(found, FlvPlay)
    assert (found.fetched.status, found.tags, found.error) == (403, [], None)


def test_an_endless_answer_is_read_up_to_the_limit() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: video/x-flv\r\n\r\n"

    async def use(fetcher: Fetcher) -> Fetched:
        return await fetcher.fetch(Asked("/x"), most=100)

    found, _ = play(lambda target: head + b"FLV\x01" + bytes(1000), use)
    assert isinstance(found, Fetched)
    assert found.ok
    assert found.media >= 100


def test_no_answer_is_a_failure_and_no_status() -> None:
    async def use(fetcher: Fetcher) -> Fetched:
        return await fetcher.get("/x")

    found, _ = play(lambda target: b"", use)
    assert isinstance(found, Fetched)
    assert (found.status, found.failure) == (0, "closed without a response")


@pytest.mark.parametrize(
    ("body", "media"),
    [
        (b"#EXTM3U\n", True),
        (b"FLV\x01\x05", True),
        (b"\x47" + bytes(187), True),
        ((b"\x47" + bytes(187)) * 2, True),
        (b"\x00\x00\x00\x18ftypisom", True),
        (b"G" + b"x" * 300, False),
        (b"<html>", False),
        (b"", False),
    ],
)
def test_what_counts_as_media(body: bytes, media: bool) -> None:
    assert is_media(body) is media

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import pytest
from raw_rtsp_client import Reply
from rtsp_bench import CONFIG, TCP, Bench, serve


@pytest.mark.parametrize(
    ("path", "status", "asked"),
    [
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=bad", 401, 1),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=good%00", 401, 1),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=", 401, 0),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1", 401, 0),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&HashToken=good", 401, 0),
        (f"/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken={'a' * 65}", 401, 0),
        ("/realplay?devid=KDN00000001&channelno=2&streamtype=1&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=-1&streamtype=1&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=00&streamtype=1&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=1&streamtype=2&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=0&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000002&channelno=0&streamtype=1&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=0&filename=x.mp4&hashtoken=good", 404, 0),
        ("/realplay?devid=KDN00000001&channelno=0&hashtoken=good", 400, 0),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=good&hashtoken=bad", 400, 0),
        ("/realplay?devid=KDN00000001&channelno=0&streamtype=1&admin=1&hashtoken=good", 400, 0),
        ("//realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=good", 404, 0),
        ("/./realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=good", 404, 0),
        ("/%72ealplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=good", 404, 0),
        ("/ch1_1.h264", 404, 0),
        ("/live/0/1", 404, 0),
        ("/", 404, 0),
    ],
)
def test_urls_that_do_not_play(path: str, status: int, asked: int) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        answer = await client.ask("DESCRIBE", f"rtsp://{bench.host}:{bench.port}{path}")
        assert answer.status == status
        assert len(bench.asked) == asked
        assert answer.body == b""
        assert ("WWW-Authenticate" in answer.headers) == (status == 401)
        assert (await client.ask("DESCRIBE", bench.url())).status == 200

    serve(scenario)


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"DESCRIBE rtsp://h/ RTSP/2.0\r\nCSeq: 1\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nCSeq: 1\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: one\r\n\r\n", 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nno colon\r\n\r\n", 400),
        (b"OPTIONS\r\nCSeq: 1\r\n\r\n", 400),
        (b"OPTIONS rtsp://h/\x01 RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        (b"OPTIONS http://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
        (b"OPTIONS rtsp://h/" + b"a" * 2000 + b" RTSP/1.0\r\nCSeq: 1\r\n\r\n", 414),
        (b"RECORD rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 501),
        (b"REDIRECT rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 501),
        (b"FLY rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 501),
        (b"options * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 501),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nRequire: com.example.fly\r\n\r\n", 551),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nSession: 123\r\n\r\n", 454),
        (b"PAUSE rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nSession: 123\r\n\r\n", 454),
        (b"TEARDOWN rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 454),
        (b"SETUP rtsp://h/x/trackID=0 RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP\r\n\r\n", 401),
        (b"DESCRIBE rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\nAccept: text/html, application/sdp;q=0\r\n\r\n", 406),
        (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\n\r\n", 200),
        (b"GET_PARAMETER * RTSP/1.0\nCSeq: 1\n\n", 200),
        (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Type: text/parameters\r\nContent-Length: 4\r\n\r\na: 1", 451),
        (b"SET_PARAMETER * RTSP/1.0\r\nCSeq: 1\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na: 1", 415),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_general_faults_are_answered_and_the_connection_goes_on(request_bytes: bytes, status: int) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        answer = await client.send(request_bytes)
        assert answer.status == status
        if b"CSeq: 1" in request_bytes:
            assert answer.headers["CSeq"] == "1"
        if status == 551:
            assert answer.headers["Unsupported"] == "com.example.fly"
        assert (await client.ask("OPTIONS", "*")).status == 200

    serve(scenario)


def test_requests_split_at_every_byte_and_interleaved_noise() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        for byte in b"$\x09\x00\x02\r\n" + client.text("OPTIONS", "*"):
            client.writer.write(bytes([byte]))
            await client.writer.drain()
        assert (await client.reply()).status == 200

    serve(scenario)


@pytest.mark.parametrize(
    ("flood", "status"),
    [
        (b"OPTIONS rtsp://h/" + b"a" * 70000, 414),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + b"a" * 70000, 400),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n", 413),
        (b"OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n", 400),
        (bytes(range(128, 256)) * 200, 400),
    ],
    ids=["endless-url", "endless-header", "huge-body", "negative-length", "binary"],
)
def test_floods_end_the_connection_and_nothing_else(flood: bytes, status: int) -> None:
    async def scenario(bench: Bench) -> None:
        watcher = await bench.client()
        session, base, _ = await watcher.setup_all(bench.url(channel="1"), tracks=1)
        assert (await watcher.ask("PLAY", base, Session=session)).status == 200
        client = await bench.client()
        assert (await client.send(flood)).status == status
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.ask("OPTIONS", "*")
        before = len(watcher.packets)
        await watcher.receive(10)
        assert len(watcher.packets) == before + 10

    serve(scenario)


@pytest.mark.parametrize(
    ("transport", "status"),
    [
        ("RTP/AVP;unicast;client_port=5000-5001;destination=192.0.2.1", 461),
        ("RTP/AVP;multicast;client_port=5000-5001", 461),
        ("RTP/AVP;unicast", 461),
        ("RTP/SAVP;unicast;client_port=5000-5001", 461),
        ("RTP/AVP/TCP;unicast;interleaved=0-1;mode=RECORD", 461),
        ("RTP/AVP;unicast;client_port=5000-99999", 461),
        ("nonsense", 461),
        ("RTP/SAVP;unicast;client_port=1-2,RTP/AVP/TCP;unicast;interleaved=4-5", 200),
        ("RTP/AVP;unicast;client_port=50000-50001;destination=127.0.0.1", 200),
        ('RTP/AVP/TCP;unicast;interleaved=6-7;mode="PLAY"', 200),
    ],
)
def test_transports(transport: str, status: int) -> None:
    async def scenario(bench: Bench) -> Reply:
        client = await bench.client()
        base = (await client.ask("DESCRIBE", bench.url(channel="1"))).headers["Content-Base"]
        assert (await client.ask("SETUP", f"{base}trackID=0")).status == 400
        return await client.ask("SETUP", f"{base}trackID=0", Transport=transport)

    answer = serve(scenario)
    assert answer.status == status
    if "interleaved=4-5" in transport:
        assert "interleaved=4-5;" in answer.headers["Transport"]
    if "client_port=50000" in transport and status == 200:
        low, high = re.search(r"server_port=(\d+)-(\d+);", answer.headers["Transport"]).groups()
        assert (int(low) % 2, int(high) - int(low)) == (0, 1)


@pytest.mark.parametrize("missing", ["PAUSE", "GET_PARAMETER"])
def test_a_method_that_is_not_declared_is_neither_listed_nor_served(missing: str) -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        assert missing not in (await client.ask("OPTIONS", "*")).headers["Public"].split(", ")
        assert (await client.ask(missing, bench.url())).status == 501

    serve(scenario, replace(CONFIG, **{missing.lower(): False}))


@pytest.mark.parametrize(("missing", "statuses"), [("udp", [461, 200]), ("tcp", [200, 461])])
def test_a_transport_that_is_not_declared_is_refused(missing: str, statuses: list[int]) -> None:
    async def scenario(bench: Bench) -> list[int]:
        answers = []
        for wanted in ("RTP/AVP;unicast;client_port=50000-50001", TCP):
            client = await bench.client()
            base = (await client.ask("DESCRIBE", bench.url(channel="1"))).headers["Content-Base"]
            answers.append((await client.ask("SETUP", f"{base}trackID=0", Transport=wanted)).status)
        return answers

    assert serve(scenario, replace(CONFIG, **{missing: False})) == statuses

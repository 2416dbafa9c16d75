from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import re
import struct
from dataclasses import replace
from typing import Any

import av
import pytest
from raw_rtsp_client import RawRtsp, rtcp_types, rtp
from rtsp_bench import CONFIG, STREAMS, TCP, Bench, serve

from conformance.media.burned_in_label import read_label
from simulators.camera.encoder import EncoderBank
from simulators.camera.media_feed import LiveOnlySource
from simulators.camera.media_format import StreamSettings
from simulators.camera.rtsp_server import RtspServer


def test_one_viewer_from_options_to_teardown() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        options = await client.ask("OPTIONS", "*")
        assert options.headers["Public"] == (
            "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, TEARDOWN, GET_PARAMETER, SET_PARAMETER"
        )
        session, base, transports = await client.setup_all(bench.url())
        assert bench.asked == [("live", "0", "1", "good")]
        assert bench.server.viewers == 0
        ssrcs = [int(re.search(r";ssrc=([0-9A-F]{8});", transport)[1], 16) for transport in transports]
        assert transports[0].startswith("RTP/AVP/TCP;unicast;interleaved=0-1;")
        played = await client.ask("PLAY", base, Session=session, Range="npt=0-")
        assert played.status == 200
        assert played.headers["Range"] == "npt=now-"
        assert played.headers["Session"] == f"{session};timeout=120"
        assert bench.server.viewers == 1
        await client.receive(60)
        info = re.findall(r"trackID=(\d);seq=(\d+);rtptime=(\d+)", played.headers["RTP-Info"])
        assert [entry[0] for entry in info] == ["0", "1"]
        for track in (0, 1):
            packets = [rtp(data) for channel, data in client.packets if channel == 2 * track]
            assert (packets[0].sequence, packets[0].ssrc) == (int(info[track][1]), ssrcs[track])
            assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
            assert {packet.payload_type for packet in packets} == {(96, 8)[track]}
        video = [rtp(data) for channel, data in client.packets if channel == 0]
        assert video[0].timestamp == int(info[0][2])
        first = [packet.payload[0] & 31 for packet in video if packet.timestamp == video[0].timestamp]
        assert first[:2] == [7, 8]
        assert first[-1] in (5, 28)
        times = [packet.timestamp for packet in video if packet.marker]
        assert {(b - a) % 3600 for a, b in itertools.pairwise(times)} == {0}
        report = next(data for channel, data in client.packets if channel == 1)
        assert rtcp_types(report) == [200, 202]
        assert struct.unpack(">I", report[4:8])[0] == ssrcs[0]
        gone = await client.ask("TEARDOWN", base, Session=session)
        assert gone.status == 200
        assert rtcp_types([data for channel, data in client.packets if channel == 1][-1]) == [200, 202, 203]
        assert (await client.ask("PLAY", base, Session=session)).status == 454
        await bench.idle()

    serve(scenario)


def test_sdp_describes_the_stream() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        described = await client.ask("DESCRIBE", bench.url())
        lines = described.body.decode().split("\r\n")
        assert described.headers["Content-Type"] == "application/sdp"
        assert re.fullmatch(
            rf"rtsp://{bench.host}:{bench.port}/play/[0-9a-f]{{16}}/", described.headers["Content-Base"]
        )
        assert lines[0] == "v=0"
        assert "m=video 0 RTP/AVP 96" in lines
        assert "a=rtpmap:96 H264/90000" in lines
        assert "m=audio 0 RTP/AVP 8" in lines
        assert "a=rtpmap:8 PCMA/8000" in lines
        assert lines[-1] == ""
        fmtp = next(line for line in lines if line.startswith("a=fmtp:96 "))
        assert "packetization-mode=1;profile-level-id=4D" in fmtp
        sps, pps = fmtp.partition("sprop-parameter-sets=")[2].split(",")
        assert base64.b64decode(sps)[0] & 31 == 7
        assert base64.b64decode(pps)[0] & 31 == 8
        h265 = (await client.ask("DESCRIBE", bench.url(stream="2"))).body.decode()
        assert "a=rtpmap:97 H265/90000" in h265
        assert re.search("a=fmtp:97 profile-space=0;profile-id=1;tier-flag=0;level-id=60;sprop-vps=", h265)
        silent = (await client.ask("DESCRIBE", bench.url(channel="1"))).body.decode()
        assert "m=audio" not in silent

    serve(scenario)


def test_silence_of_the_platform_refuses_and_disturbs_nobody() -> None:
    async def scenario(bench: Bench) -> None:
        waiting, other = await bench.client(), await bench.client()
        question = asyncio.create_task(waiting.ask("DESCRIBE", bench.url("silent")))
        assert (await other.ask("DESCRIBE", bench.url())).status == 200
        assert not question.done()
        assert (await question).status == 401

    serve(scenario, replace(CONFIG, token_wait=0.3))


def test_setup_and_play_need_the_verified_connection_session_and_url() -> None:
    async def scenario(bench: Bench) -> None:
        owner, thief = await bench.client(), await bench.client()
        base = (await owner.ask("DESCRIBE", bench.url())).headers["Content-Base"]
        assert (await thief.ask("SETUP", f"{base}trackID=0", Transport=TCP)).status == 401
        assert (await thief.ask("SETUP", f"{bench.url()}/trackID=0", Transport=TCP)).status == 401
        assert (await owner.ask("SETUP", f"{bench.url(channel='1')}/trackID=0", Transport=TCP)).status == 401
        assert (await owner.ask("PLAY", base)).status == 454
        assert (await owner.ask("SETUP", base, Transport=TCP)).status == 459
        assert (await owner.ask("SETUP", f"{base}trackID=7", Transport=TCP)).status == 404
        answer = await owner.ask("SETUP", f"{base}trackID=0", Transport=TCP)
        session = answer.headers["Session"].split(";")[0]
        other = (await owner.ask("DESCRIBE", bench.url(channel="1"))).headers["Content-Base"]
        assert (await owner.ask("SETUP", f"{other}trackID=0", Transport=TCP, Session=session)).status == 459
        assert (await owner.ask("PLAY", other, Session=session)).status == 404
        assert (await owner.ask("PLAY", base, Session=session)).status == 200
        assert (await owner.ask("SETUP", f"{base}trackID=1", Transport=TCP, Session=session)).status == 455
        assert (await owner.ask("TEARDOWN", base, Session=session)).status == 200
        assert (await owner.ask("SETUP", f"{base}trackID=0", Transport=TCP)).status == 401
        assert bench.asked == [("live", "0", "1", "good"), ("live", "1", "1", "good")]

    serve(scenario)


def test_pipelined_play_waits_for_the_verdict() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        url = bench.url("bad")
        batch = client.text("DESCRIBE", url) + client.text("SETUP", f"{url}/trackID=0", Transport=TCP)
        batch += client.text("PLAY", url, Session="12345678") + client.text("OPTIONS", "*")
        client.writer.write(batch)
        replies = [await client.reply() for _ in range(4)]
        assert [reply.status for reply in replies] == [401, 401, 454, 200]
        assert [reply.headers["CSeq"] for reply in replies] == ["1", "2", "3", "4"]
        assert client.packets == []

    serve(scenario)


def test_a_viewer_over_the_limit_is_refused_and_a_place_becomes_free() -> None:
    async def scenario(bench: Bench) -> None:
        first, second = await bench.client(), await bench.client()
        session, base, _ = await first.setup_all(bench.url(channel="1"), tracks=1)
        await first.ask("PLAY", base, Session=session)
        wanted = (await second.ask("DESCRIBE", bench.url())).headers["Content-Base"]
        assert (await second.ask("SETUP", f"{wanted}trackID=0", Transport=TCP)).status == 453
        await first.receive(5)
        first.close()
        await bench.idle()
        assert (await second.ask("SETUP", f"{wanted}trackID=0", Transport=TCP)).status == 200

    serve(scenario, replace(CONFIG, max_viewers=1))


def test_pause_stops_live_media_and_play_goes_on_with_an_idr_picture() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        session, base, _ = await client.setup_all(bench.url(channel="1"), tracks=1)
        assert (await client.ask("PAUSE", base, Session=session)).status == 455
        await client.ask("PLAY", base, Session=session)
        await client.receive(10)
        assert (await client.ask("PAUSE", base, Session=session)).status == 200
        assert (await client.ask("PAUSE", base, Session=session)).status == 455
        assert not bench.bank.encoders[1, 1].running
        before = len(client.packets)
        last = rtp([data for channel, data in client.packets if channel == 0][-1])
        again = await client.ask("PLAY", base, Session=session)
        assert len(client.packets) == before
        await client.receive(4)
        fresh = [rtp(data) for channel, data in client.packets[before:] if channel == 0]
        sequence, rtptime = map(int, re.search(r"seq=(\d+);rtptime=(\d+)", again.headers["RTP-Info"]).groups())
        assert (fresh[0].sequence, fresh[0].timestamp) == (sequence, rtptime)
        assert fresh[0].sequence == (last.sequence + 1) & 0xFFFF
        assert 0 < (fresh[0].timestamp - last.timestamp) & 0xFFFFFFFF < 90000 * 60
        assert fresh[0].payload[0] & 31 == 7

    serve(scenario)


def test_a_silent_session_ends_with_bye_and_a_heard_one_does_not() -> None:
    async def scenario(bench: Bench) -> None:
        silent, heard = await bench.client(), await bench.client()
        session, base, _ = await silent.setup_all(bench.url(channel="1"), tracks=1)
        answer = await silent.ask("PLAY", base, Session=session)
        assert answer.headers["Session"].endswith(";timeout=1")
        other, elsewhere, _ = await heard.setup_all(bench.url(channel="1"), tracks=1)
        await heard.ask("PLAY", elsewhere, Session=other)
        goodbye = asyncio.create_task(silent.until(1, 203))
        rounds = 0
        while not goodbye.done():
            assert (await heard.ask("GET_PARAMETER", elsewhere, Session=other)).status == 200
            await asyncio.sleep(0.1)
            rounds += 1
        assert rounds >= 2
        assert list(bench.server.sessions) == [other]
        assert (await silent.ask("GET_PARAMETER", base, Session=session)).status == 454

    serve(scenario, replace(CONFIG, timer_scale=0.005))


def test_udp_media_reach_the_viewer_and_rtcp_keeps_the_session() -> None:
    class Port(asyncio.DatagramProtocol):
        def __init__(self) -> None:
            self.packets: list[tuple[bytes, tuple[str, int]]] = []

        def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
            self.packets.append((data, addr))

    async def scenario(bench: Bench) -> None:
        loop = asyncio.get_running_loop()
        media, _ = await loop.create_datagram_endpoint(Port, local_addr=("127.0.0.1", 0))
        control, _ = await loop.create_datagram_endpoint(Port, local_addr=("127.0.0.1", 0))
        ports = [transport.get_extra_info("sockname")[1] for transport in (media, control)]
        client = await bench.client()
        base = (await client.ask("DESCRIBE", bench.url(channel="1"))).headers["Content-Base"]
        wanted = f"RTP/AVP;unicast;client_port={ports[0]}-{ports[1]}"
        answer = await client.ask("SETUP", f"{base}trackID=0", Transport=wanted)
        session = answer.headers["Session"].split(";")[0]
        server_ports = [int(n) for n in re.search(r"server_port=(\d+)-(\d+)", answer.headers["Transport"]).groups()]
        await client.ask("PLAY", base, Session=session)
        client.close()
        began = loop.time()
        while loop.time() - began < 1.6:
            control.sendto(struct.pack(">BBHI", 0x80, 201, 1, 7), ("127.0.0.1", server_ports[1]))
            await asyncio.sleep(0.1)
        assert list(bench.server.sessions) == [session]
        video = media.get_protocol().packets
        assert {addr[1] for _, addr in video} == {server_ports[0]}
        assert max(len(data) for data, _ in video) <= 1460
        assert {(rtp(b).sequence - rtp(a).sequence) & 0xFFFF for (a, _), (b, _) in itertools.pairwise(video)} == {1}
        await bench.idle()
        async with asyncio.timeout(10):
            while rtcp_types(control.get_protocol().packets[-1][0]) != [200, 202, 203]:
                await asyncio.sleep(0.01)
        assert {addr[1] for _, addr in control.get_protocol().packets} == {server_ports[1]}
        media.close()
        control.close()

    serve(scenario, replace(CONFIG, timer_scale=0.005))


def test_a_viewer_who_does_not_read_loses_whole_pictures_and_stalls_nobody() -> None:
    async def scenario(bench: Bench) -> None:
        encoder = bench.bank.encoders[1, 1]
        encoder.change(StreamSettings("h264", 320, 192, 25, "constant", 80_000, audio=False))
        lazy, keen = await bench.client(), await bench.client()
        for client in (lazy, keen):
            session, base, _ = await client.setup_all(bench.url(channel="1"), tracks=1)
            await client.ask("PLAY", base, Session=session)
        while not any(s.skipping for s in bench.server.sessions.values()):
            await keen.receive(50)
        await keen.receive(2000)
        await lazy.receive(2000)
        for client in (lazy, keen):
            packets = [rtp(data) for channel, data in client.packets if channel == 0]
            assert {(b.sequence - a.sequence) & 0xFFFF for a, b in itertools.pairwise(packets)} == {1}
            complete = [list(group) for _, group in itertools.groupby(packets, lambda packet: packet.timestamp)][:-1]
            assert all([packet.marker for packet in group] == [0] * (len(group) - 1) + [1] for group in complete)

    serve(scenario)


def test_missing_pictures_give_503_and_a_changed_codec_ends_the_session() -> None:
    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        encoder = bench.bank.encoders[1, 1]
        encoder.video_present = False
        assert (await client.ask("DESCRIBE", bench.url(channel="1"))).status == 503
        encoder.video_present = True
        session, base, _ = await client.setup_all(bench.url(channel="1"), tracks=1)
        await client.ask("PLAY", base, Session=session)
        await client.receive(5)
        encoder.change(replace(encoder.settings, codec="h265"))
        await client.until(1, 203)
        assert bench.server.sessions == {}

    serve(scenario)


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    ("channel", "stream", "codec", "size"), [(0, 1, "h264", (704, 576)), (0, 2, "hevc", (320, 192))]
)
def test_ffmpeg_plays_live(transport: str, channel: int, stream: int, codec: str, size: tuple[int, int]) -> None:
    def watch(url: str) -> tuple[list[str], list[Any], int]:
        labels, sounds = [], 0
        with av.open(url, options={"rtsp_transport": transport}, timeout=10) as container:
            names = [stream.codec_context.name for stream in container.streams]
            for packet in container.demux():
                sounds += packet.stream.type == "audio"
                if packet.stream.type == "video":
                    labels += [
                        (frame.width, frame.height, read_label(frame.to_ndarray()[: frame.height]))
                        for frame in packet.decode()
                    ]
                if len(labels) >= 12:
                    return names, labels, sounds
        return names, labels, sounds

    async def scenario(bench: Bench) -> None:
        url = bench.url(channel=str(channel), stream=str(stream))
        names, labels, sounds = await asyncio.to_thread(watch, url)
        assert names == [codec, "pcm_alaw"]
        assert {label[:2] for label in labels} == {size}
        assert {(label[2].channel, label[2].stream) for label in labels} == {(channel, stream)}
        times = [label[2].time_ms for label in labels]
        assert times == sorted(set(times))
        assert sounds >= 5
        await bench.idle()

    serve(scenario)


@pytest.mark.parametrize("scheme", ["digest", "basic"])
def test_login_of_a_stream_only_device(scheme: str) -> None:
    config = replace(CONFIG, token_guard=False, auth=scheme, user="admin", password="secret")

    def play(url: str) -> str:
        with av.open(url, options={"rtsp_transport": "tcp"}, timeout=10) as container:
            return container.streams.video[0].codec_context.name

    async def scenario(bench: Bench) -> None:
        client = await bench.client()
        url = f"rtsp://{bench.host}:{bench.port}/live/1/1"
        refused = await client.ask("DESCRIBE", url)
        assert refused.status == 401
        challenge = refused.headers["WWW-Authenticate"]
        assert challenge.startswith(scheme.title() + ' realm="KDN00000001"')
        if scheme == "digest":
            nonce = re.search('nonce="([0-9a-f]+)"', challenge)[1]
            ha1 = hashlib.md5(b"admin:KDN00000001:secret").hexdigest()
            ha2 = hashlib.md5(f"DESCRIBE:{url}".encode()).hexdigest()
            right = hashlib.md5(f"{ha1}:{nonce}:{ha2}".encode()).hexdigest()
            login = f'Digest username="admin", realm="KDN00000001", nonce="{nonce}", uri="{url}", response="{right}"'
            wrong = login.replace(right, right[::-1])
        else:
            login, wrong = "Basic YWRtaW46c2VjcmV0", "Basic YWRtaW46cHVibGlj"
        assert (await client.ask("DESCRIBE", url, Authorization=wrong)).status == 401
        assert (await client.ask("DESCRIBE", url, Authorization=login)).status == 200
        assert (await client.ask("SETUP", f"{url}/trackID=0", Transport=TCP)).status == 401
        with_login = f"rtsp://admin:secret@{bench.host}:{bench.port}/live/1/1"
        assert await asyncio.to_thread(play, with_login) == "h264"
        assert bench.asked == []

    serve(scenario, config)


def test_a_rule_can_be_broken_by_overriding_one_method() -> None:
    class PlaysWithoutAsking(RtspServer):
        async def token_accepted(self, target: Any) -> bool:
            return True

    async def run() -> int:
        async def verify(*question: str) -> bool:
            return False

        bank = EncoderBank("KDN00000001", STREAMS)
        server = PlaysWithoutAsking(CONFIG, LiveOnlySource(bank), verify)
        host, port = await server.start()
        client = await RawRtsp.connect(host, port)
        url = f"rtsp://{host}:{port}/realplay?devid=KDN00000001&channelno=0&streamtype=1&hashtoken=bad"
        status = (await client.ask("DESCRIBE", url)).status
        await server.cut()
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.ask("OPTIONS", "*")
        return status

    assert asyncio.run(run()) == 200

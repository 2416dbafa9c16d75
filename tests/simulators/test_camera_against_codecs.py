"""What the camera writes with code of its own, read by the strict codecs of the toolkit."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from rtsp_bench import Bench, serve

from conformance.protocols import h264, h264_sps, h265, h265_sps
from conformance.protocols.rtcp import Goodbye, SenderReport, parse_rtcp
from conformance.protocols.rtp import parse_rtp
from conformance.protocols.rtsp import Interleaved, Request, Response, RtspParser, serialize
from conformance.protocols.sdp import parse_sdp

TCP = "RTP/AVP/TCP;unicast;interleaved={}-{}"


class Tap:
    """A connection that keeps every message the camera sent."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer, self.parser = reader, writer, RtspParser()
        self.messages: list[Any] = []
        self.cseq = 0

    async def ask(self, method: str, url: str, **headers: str) -> Response:
        self.cseq += 1
        self.writer.write(serialize(Request.build(method, url, {"CSeq": str(self.cseq), **headers})))
        return await self.until(lambda message: isinstance(message, Response) and message.cseq == self.cseq)

    async def until(self, wanted: Any) -> Any:
        seen = 0
        async with asyncio.timeout(10):
            while True:
                for message in self.messages[seen:]:
                    if wanted(message):
                        return message
                seen = len(self.messages)
                self.messages += self.parser.feed(await self.reader.read(65536))

    def packets(self, channel: int) -> list[bytes]:
        return [m.data for m in self.messages if isinstance(m, Interleaved) and m.channel == channel]


async def watch(bench: Bench, url: str, pictures: int) -> tuple[Tap, Response]:
    tap = Tap(*await asyncio.open_connection(bench.host, bench.port))
    await tap.ask("OPTIONS", "*")
    described = await tap.ask("DESCRIBE", url, Accept="application/sdp")
    base = described.headers.get("Content-Base")
    session = (await tap.ask("SETUP", f"{base}trackID=0", Transport=TCP.format(0, 1))).headers.get("Session")
    await tap.ask("SETUP", f"{base}trackID=1", Transport=TCP.format(2, 3), Session=session)
    await tap.ask("PLAY", base, Session=session, Range="npt=0-")
    await tap.until(lambda message: sum(data[1] >> 7 for data in tap.packets(0)) >= pictures)
    await tap.ask("GET_PARAMETER", base, Session=session)
    await tap.ask("PAUSE", base, Session=session)
    await tap.ask("TEARDOWN", base, Session=session)
    return tap, described


@pytest.mark.parametrize(
    ("stream", "codec", "size", "rate"), [("1", h264, (704, 576), 25), ("2", h265, (320, 192), 15)]
)
def test_no_codec_finds_a_broken_rule(stream: str, codec: Any, size: tuple[int, int], rate: int) -> None:
    async def scenario(bench: Bench) -> None:
        tap, described = await watch(bench, bench.url(stream=stream), 20)
        assert [violation for message in tap.messages for violation in message.violations] == []
        assert parse_sdp(described.body).violations == ()
        depacketizer, units, sound = codec.Depacketizer(), [], []
        for data in tap.packets(0):
            packet = parse_rtp(data)
            assert packet.violations == ()
            units += depacketizer.push(packet)
        assert all(unit.complete and unit.marker and unit.violations == () for unit in units)
        assert len(units) >= 20
        assert codec.is_idr(units[0])
        sps_reader = h264_sps if codec is h264 else h265_sps
        sps = sps_reader.parse_sps(units[0].nals[0 if codec is h264 else 1])
        assert ((sps.width, sps.height), sps.frame_rate) == (size, rate)
        sound = [parse_rtp(data) for data in tap.packets(2)]
        assert {len(packet.payload) for packet in sound} == {320}
        assert all(packet.violations == () for packet in sound)
        for channel, clock in ((1, 90000), (3, 8000)):
            compounds = [parse_rtcp(data) for data in tap.packets(channel)]
            assert all(compound.violations == () for compound in compounds)
            first, last = compounds[0].packets[0], compounds[-1].packets[0]
            assert isinstance(first, SenderReport)
            assert isinstance(last, SenderReport)
            assert any(isinstance(packet, Goodbye) for packet in compounds[-1].packets)
            assert last.packets == len(tap.packets(channel - 1))
            assert last.octets == sum(len(data) - 12 for data in tap.packets(channel - 1))
            ticks = (last.rtp_timestamp - first.rtp_timestamp) & 0xFFFFFFFF
            assert ticks / clock == pytest.approx(last.unix_time - first.unix_time, abs=0.02)

    serve(scenario)

"""A simulated camera on loopback for tests of its RTSP server: streams, a verifier that takes the token ``good``."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from raw_rtsp_client import RawRtsp

from simulators.camera.encoder import EncoderBank
from simulators.camera.media_feed import LiveOnlySource
from simulators.camera.media_format import StreamSettings
from simulators.camera.rtsp_server import RtspConfig, RtspServer

STREAMS = {
    (0, 1): StreamSettings("h264", 704, 576, 25, "variable", 512),
    (0, 2): StreamSettings("h265", 320, 192, 15, "variable", 256),
    (1, 1): StreamSettings("h264", 320, 192, 15, "variable", 128, audio=False),
}
CONFIG = RtspConfig("KDN00000001")
TCP = "RTP/AVP/TCP;unicast;interleaved=0-1"


class Bench:
    def __init__(self, server: RtspServer, bank: EncoderBank, asked: list[tuple[str, ...]]) -> None:
        self.server, self.bank, self.asked = server, bank, asked
        self.host, self.port = server.address

    def url(self, token: str = "good", channel: str = "0", stream: str = "1", dev_id: str = "KDN00000001") -> str:
        query = f"devid={dev_id}&channelno={channel}&streamtype={stream}&hashtoken={token}"
        return f"rtsp://{self.host}:{self.port}/realplay?{query}"

    async def client(self) -> RawRtsp:
        return await RawRtsp.connect(self.host, self.port)

    async def idle(self) -> None:
        async with asyncio.timeout(10):
            while self.server.sessions or any(encoder.running for encoder in self.bank.encoders.values()):
                await asyncio.sleep(0.01)


def serve(scenario: Callable[[Bench], Awaitable[Any]], config: RtspConfig = CONFIG) -> Any:
    async def run() -> Any:
        asked: list[tuple[str, ...]] = []

        async def verify(*question: str) -> bool:
            asked.append(question)
            if question[3] == "silent":
                await asyncio.sleep(3600)
            return question[3] == "good"

        bank = EncoderBank(config.dev_id, STREAMS)
        server = RtspServer(config, LiveOnlySource(bank), verify)
        await server.start()
        try:
            return await scenario(Bench(server, bank, asked))
        finally:
            await server.stop()
            await bank.close()

    return asyncio.run(run())

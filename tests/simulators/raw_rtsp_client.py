"""A bare RTSP client for tests of the simulated camera: strings out, bytes in, nothing checked."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass, field
from typing import NamedTuple


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes


@dataclass
class RawRtsp:
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    packets: list[tuple[int, bytes]] = field(default_factory=list)
    cseq: int = 0

    @classmethod
    async def connect(cls, host: str, port: int) -> RawRtsp:
        return cls(*await asyncio.open_connection(host, port))

    def text(self, method: str, url: str, **headers: str) -> bytes:
        self.cseq += 1
        lines = [f"{method} {url} RTSP/1.0", f"CSeq: {self.cseq}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()

    async def ask(self, method: str, url: str, **headers: str) -> Reply:
        return await self.send(self.text(method, url, **headers))

    async def send(self, data: bytes) -> Reply:
        self.writer.write(data)
        return await self.reply()

    async def reply(self) -> Reply:
        async with asyncio.timeout(10):
            while (first := await self.reader.readexactly(1)) == b"$":
                await self._packet()
            head = (first + await self.reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines if line)
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
            return Reply(int(status.split()[1]), headers, body)

    async def receive(self, count: int) -> None:
        """Wait for this many more interleaved packets."""
        async with asyncio.timeout(10):
            for _ in range(count):
                assert await self.reader.readexactly(1) == b"$"
                await self._packet()

    async def until(self, channel: int, kind: int) -> bytes:
        """Wait for an RTCP packet that contains a part of this type."""
        seen = 0
        while True:
            await self.receive(1)
            for at, data in self.packets[seen:]:
                if at == channel and kind in rtcp_types(data):
                    return data
            seen = len(self.packets)

    async def _packet(self) -> None:
        channel, size = struct.unpack(">BH", await self.reader.readexactly(3))
        self.packets.append((channel, await self.reader.readexactly(size)))

    async def setup_all(self, url: str, tracks: int = 2) -> tuple[str, str, list[str]]:
        """DESCRIBE and SETUP over TCP: the session, the base URL, the Transport answers."""
        described = await self.ask("DESCRIBE", url, Accept="application/sdp")
        assert described.status == 200
        base = described.headers["Content-Base"]
        session, transports = "", []
        for track in range(tracks):
            headers = {"Transport": f"RTP/AVP/TCP;unicast;interleaved={2 * track}-{2 * track + 1}"}
            if session:
                headers["Session"] = session
            answer = await self.ask("SETUP", f"{base}trackID={track}", **headers)
            assert answer.status == 200
            session = answer.headers["Session"].split(";")[0]
            transports.append(answer.headers["Transport"])
        return session, base, transports

    def close(self) -> None:
        self.writer.close()


def rtcp_types(data: bytes) -> list[int]:
    kinds, offset = [], 0
    while offset + 4 <= len(data):
        kinds.append(data[offset + 1])
        offset += 4 * (struct.unpack(">H", data[offset + 2 : offset + 4])[0] + 1)
    return kinds


class Rtp(NamedTuple):
    marker: int
    payload_type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


def rtp(data: bytes) -> Rtp:
    first, second, sequence, timestamp, ssrc = struct.unpack(">BBHII", data[:12])
    assert first == 0x80
    return Rtp(second >> 7, second & 127, sequence, timestamp, ssrc, data[12:])

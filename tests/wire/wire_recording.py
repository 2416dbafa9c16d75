"""Runs a script on a live wire with evidence, and gives back its outcome and its tape."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from conformance.wire import LiveWire, Recorder, Tape, Wire, read_tape

T = TypeVar("T")
Script = Callable[[Wire], Coroutine[Any, Any, T]]
Device = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def record(directory: Path, script: Script[T], **options: Any) -> tuple[T, Tape]:
    """Outcome of the script and the tape it left under ``directory``."""

    async def whole() -> T:
        async with LiveWire(Recorder(directory, **options), seed=7) as wire:
            return await script(wire)

    outcome = asyncio.run(whole())
    return outcome, read_tape(directory)


class ForeignDevice:
    """A TCP server that is no part of the wire, as a device under test would be."""

    def __init__(self, serve: Device) -> None:
        self._device = serve
        self._writers: list[asyncio.StreamWriter] = []
        self.port = 0

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        await self._device(reader, writer)

    async def __aenter__(self) -> ForeignDevice:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0)
        await asyncio.sleep(0)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers everything with itself, ends when the peer ends."""
    while data := await reader.read(65_536):
        writer.write(data)
        await writer.drain()
    writer.close()

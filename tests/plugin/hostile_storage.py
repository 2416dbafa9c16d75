"""Storages that misbehave, on a loop of their own: the golden storage with one answer replaced."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from aiohttp import web

from simulators.cloud_storage.declarations import DEFAULT
from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.server import StorageServer
from simulators.cloud_storage.storage import CloudStorage
from specs.declaration import load_declaration
from specs.loader import load_catalogue

BLOCK = bytes(65536)


class Dying(CloudStorage):
    """Stops when it is asked to delete a sub-resource that nobody knows; ``lives``: how often it may come back."""

    listener: ClassVar[Listener]
    lives: ClassVar[int] = 0

    async def handle(self, received: web.BaseRequest) -> web.StreamResponse:
        if received.method == "DELETE" and "kandianUnknown" in received.raw_path:
            await self.listener.die(comes_back=type(self).lives > 0)
            type(self).lives -= 1
            raise ConnectionError("gone")
        return await super().handle(received)


class Coming(Dying):
    """Comes back after each death."""

    lives = 10


class Answering(CloudStorage):
    """Answers GET of an object in its own way."""

    def is_read(self, asked: Asked) -> bool:
        return asked.method == "GET" and bool(asked.key)


class Redirecting(Answering):
    """Sends the reader elsewhere, for ever."""

    async def judged(self, asked: Asked) -> Reply:
        if self.is_read(asked):
            return Reply(307, [("Location", asked.request.target)])
        return await super().judged(asked)


class HtmlPages(Answering):
    """Success is an HTML page."""

    async def judged(self, asked: Asked) -> Reply:
        if self.is_read(asked):
            return Reply(200, [("Content-Type", "text/html")], b"<html>Service temporarily unavailable</html>")
        return await super().judged(asked)


class Gzipping(Answering):
    """Compresses what nobody asked to be compressed."""

    async def judged(self, asked: Asked) -> Reply:
        reply = await super().judged(asked)
        if self.is_read(asked) and reply.status == 200:
            body = gzip.compress(b"".join(reply.stream or ()))
            return Reply(200, [*reply.headers, ("Content-Encoding", "gzip")], body)
        return reply


class Endless(Answering):
    """A body without an end."""

    async def send(self, asked: Asked, reply: Reply) -> web.StreamResponse:
        if not self.is_read(asked):
            return await super().send(asked, reply)
        response = web.StreamResponse()
        await response.prepare(asked.received)
        while True:
            await response.write(BLOCK)


class Listener:
    """One storage that listens on a free port of loopback."""

    def __init__(self, storage_class: type[CloudStorage], state: Path) -> None:
        self.storage_class, self.state = storage_class, state
        self.storage: CloudStorage | None = None
        self.port = 0
        self._runner: web.ServerRunner | None = None
        self._back: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen, again on the same port after a death."""
        if self.storage is None:
            self.storage = self.storage_class(load_declaration(DEFAULT, load_catalogue().vocabulary), self.state)
        self._runner = web.ServerRunner(StorageServer(self.storage), handle_signals=False, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close everything."""
        if self._runner is not None:
            for site in list(self._runner.sites):
                await site.stop()
            for connection in self._runner.server.connections if self._runner.server else ():
                if connection.transport is not None:
                    connection.transport.abort()

    async def end(self) -> None:
        """Close the storage as well."""
        await self.stop()
        if self.storage is not None:
            self.storage.close()

    async def die(self, *, comes_back: bool) -> None:
        """Break every connection and refuse new ones; come back after a while."""
        await self.stop()
        if comes_back:
            self._back = asyncio.create_task(self._return())

    async def _return(self) -> None:
        await asyncio.sleep(3.0)
        await self.start()


@contextmanager
def served(storage_class: type[CloudStorage], state: Path) -> Iterator[str]:
    """The endpoint of a running storage."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    listener = Listener(storage_class, state)
    if issubclass(storage_class, Dying):
        storage_class.listener = listener
    asyncio.run_coroutine_threadsafe(listener.start(), loop).result(20)
    try:
        yield f"http://127.0.0.1:{listener.port}"
    finally:
        asyncio.run_coroutine_threadsafe(listener.end(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(20)

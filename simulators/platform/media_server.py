"""The HTTP side of streams: playlists, segments and FLV, each behind the same check of the signed target."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.platform.flv import FlvHub
from simulators.platform.plays import Play
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

HOST = "127.0.0.1"
FIRST_WAIT = 15.0
HEADERS = {"Cache-Control": "no-store", "Access-Control-Allow-Origin": "*"}
PLAYLIST = "application/vnd.apple.mpegurl"


class MediaServer:
    """Streams over HTTP."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.url = ""
        self.port = 0
        self._runner: web.ServerRunner | None = None

    async def start(self) -> None:
        """Listen; after a stop on the same port again."""
        self._runner = web.ServerRunner(
            web.Server(self.handle, access_log=None), handle_signals=False, shutdown_timeout=0.5
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, ssl_context=self.platform.tls).start()
        self.port = self._runner.addresses[0][1]
        scheme = "https" if self.platform.tls else "http"
        self.url = f"{scheme}://{HOST}:{self.port}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        try:
            play, name = self.admit(request)
            return await self.serve(request, play, name)
        except Refused as refused:
            status = {"forbidden": 403, "not_found": 404}.get(refused.code, 503)
            return web.Response(status=status, text="", headers=HEADERS)

    def admit(self, request: web.BaseRequest) -> tuple[Play, str]:
        """The play behind the target exactly as it came. Raises Refused."""
        return self.platform.plays.admit(request.raw_path)

    async def serve(self, request: web.BaseRequest, play: Play, name: str) -> web.StreamResponse:
        """One file of a play. Raises Refused."""
        if play.kind == "record":
            return await self.platform.playback.serve(play, name)
        stream = self.platform.live.stream(play.device, play.channel, play.stream)
        if name == "stream.flv":
            return await self.serve_flv(request, play, stream.flv)
        if name == "index.m3u8":
            async with self._patience():
                if not await stream.hls.filled():
                    raise Refused("device_offline")
            text = stream.hls.playlist(lambda file: self.platform.plays.sign(play, file))
            return web.Response(text=text, content_type=PLAYLIST, headers=HEADERS)
        number = name.removesuffix(".ts")
        segment = stream.hls.find(int(number)) if number.isdecimal() and number.isascii() else None
        if segment is None:
            raise Refused("not_found")
        return web.Response(body=segment.data, content_type="video/mp2t", headers=HEADERS)

    @staticmethod
    @contextlib.asynccontextmanager
    async def _patience() -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(FIRST_WAIT):
                yield
        except TimeoutError:
            raise Refused("device_timeout") from None

    async def serve_flv(self, request: web.BaseRequest, play: Play, hub: FlvHub) -> web.StreamResponse:
        """The stream until the viewer leaves, the camera ends or the play is ended."""
        async with self._patience():
            await hub.ready.wait()
        if not hub.recent:
            raise Refused("device_offline")
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": "video/x-flv"})
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        viewer = hub.join()
        pumping = asyncio.ensure_future(self._pump(response, viewer))
        ended = asyncio.ensure_future(play.ended.wait())
        both: set[asyncio.Future[Any]] = {pumping, ended}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in both:
                task.cancel()
            hub.viewers.discard(viewer)
        return response

    @staticmethod
    async def _pump(response: web.StreamResponse, viewer: asyncio.Queue[bytes | None]) -> None:
        with contextlib.suppress(ConnectionError):
            while (data := await viewer.get()) is not None:
                await response.write(data)

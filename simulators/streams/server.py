"""The golden stream server: a live stream as HLS and HTTP-FLV and two files, each behind the check of its target."""

from __future__ import annotations

import asyncio
import contextlib
import time
from pathlib import Path

from aiohttp import web

from simulators.platform.flv import FlvHub
from simulators.streams.gate import Gate, NotFound, OpenGate, Refused, Visitor
from simulators.streams.live_stream import LiveStream
from simulators.streams.pictures import coded_loop
from specs.declaration import LoadedDeclaration
from specs.declared_streams import Streams
from specs.stream_urls import load_schemes

HOST = "127.0.0.1"
PLAYLIST, SEGMENT, FLV = "application/vnd.apple.mpegurl", "video/mp2t", "video/x-flv"
HEADERS = {"Cache-Control": "no-store"}
FIRST_WAIT = 10.0
METHODS = ("GET", "HEAD")


class StreamServer:
    """One server."""

    role = "streams"
    gate_class: type[Gate] = Gate
    live_class: type[LiveStream] = LiveStream

    def __init__(self, loaded: LoadedDeclaration, state: Path) -> None:
        self.declared = loaded.declaration.streams or Streams()
        self.gate = self._gate(loaded.stream_key)
        self.live = self.live_class(coded_loop())
        self.files: dict[str, bytes] = {}
        self.url = ""
        self._runner = web.ServerRunner(
            web.Server(self.handle, access_log=None), handle_signals=False, shutdown_timeout=0.2
        )
        self._second = web.ServerRunner(
            web.Server(self.handle_other, access_log=None), handle_signals=False, shutdown_timeout=0.2
        )
        self._task: asyncio.Task[None] | None = None

    def _gate(self, key: str) -> Gate | OpenGate:
        scheme = load_schemes().get(self.declared.scheme)
        if scheme is None:
            return OpenGate()
        return self.gate_class(scheme, key, self.declared.life, self.declared.skew)

    async def start(self, port: int = 0) -> None:
        """Listen and go live."""
        self.live.begin()
        first = self.live.hls.segments[0].data
        self.files = {self.declared.file: first, self.declared.other: self.live.hls.segments[1].data}
        await self._runner.setup()
        await self._second.setup()
        await web.TCPSite(self._runner, HOST, port).start()
        self.url = f"http://{HOST}:{self._runner.addresses[0][1]}"
        for port in self.declared.ports:
            await web.TCPSite(self._second, HOST, port).start()
        self._task = asyncio.ensure_future(self.live.run())

    async def stop(self) -> None:
        """Stop everything."""
        if self._task is not None:
            self._task.cancel()
        self.live.flv.end()
        await self._runner.cleanup()
        await self._second.cleanup()

    @property
    def ports(self) -> list[int]:
        """The other ports on which it listens."""
        return [int(address[1]) for address in self._second.addresses]

    async def handle_other(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request on another port: as on the first."""
        return await self.handle(request)

    def visitor(self, request: web.BaseRequest) -> Visitor:
        """What the gate is told of a request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        return Visitor(request.method, request.raw_path, request.remote or "", headers)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if request.method not in METHODS:
            return web.Response(status=405, headers={"Allow": ", ".join(METHODS)})
        try:
            visitor = self.visitor(request)
            return await self.serve(request, self.gate.admit(visitor, time.time()), visitor.address)
        except Refused:
            return self.refusal(request)
        except NotFound:
            return web.Response(status=404, headers=HEADERS)

    def refusal(self, request: web.BaseRequest) -> web.StreamResponse:
        """The answer to whoever has no right."""
        return web.Response(status=403, headers=HEADERS)

    async def serve(self, request: web.BaseRequest, path: str, address: str) -> web.StreamResponse:
        """The file of a path. Raises NotFound."""
        if path == self.declared.playlist:
            return await self.serve_playlist(path, address)
        if path == self.declared.flv:
            return await self.serve_flv(request, self.live.flv)
        if path in self.files:
            return self.serve_bytes(request, self.files[path])
        return self.serve_segment(request, path)

    def serve_segment(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        """A segment of the live stream. Raises NotFound."""
        folder, _, name = path.rpartition("/")
        number = name.removesuffix(".ts")
        known = folder == self.declared.playlist.rpartition("/")[0] and number.isascii() and number.isdecimal()
        segment = self.live.hls.find(int(number)) if known else None
        if segment is None:
            raise NotFound
        return self.serve_bytes(request, segment.data)

    def serve_bytes(self, request: web.BaseRequest, data: bytes) -> web.StreamResponse:
        """A transport stream, or the range of it that is asked for."""
        status, headers = 200, {**HEADERS, "Accept-Ranges": "bytes"}
        with contextlib.suppress(ValueError):
            wanted = request.http_range
            if wanted.start is not None:
                start, stop, _ = wanted.indices(len(data))
                headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(data)}"
                status, data = 206, data[start:stop]
        return web.Response(status=status, body=data, content_type=SEGMENT, headers=headers)

    async def serve_playlist(self, path: str, address: str) -> web.StreamResponse:
        """The live playlist."""
        text = self.live.hls.playlist(lambda name: self.segment_address(path, name, address))
        return web.Response(text=text, content_type=PLAYLIST, headers=HEADERS)

    def segment_address(self, path: str, name: str, address: str) -> str:
        """What the playlist names a segment."""
        return self.gate.sign(f"{path.rpartition('/')[0]}/{name}", time.time(), address)

    async def serve_flv(self, request: web.BaseRequest, hub: FlvHub) -> web.StreamResponse:
        """The stream until the viewer leaves."""
        async with asyncio.timeout(FIRST_WAIT):
            await hub.ready.wait()
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": FLV})
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        viewer = hub.join()
        try:
            with contextlib.suppress(ConnectionError):
                while (data := await viewer.get()) is not None:
                    await response.write(data)
        finally:
            hub.viewers.discard(viewer)
        return response

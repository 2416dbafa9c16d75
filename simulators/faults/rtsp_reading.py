"""Faults in how the RTSP server reads requests: pieces, bodies, names, sizes, nonsense."""

from __future__ import annotations

import re

from simulators.camera.camera import Camera
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Interleaved, Request, RequestReader
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

ROOM = 8192


def reading_with(reader: type[RequestReader]) -> type:
    """A server whose connections read this way."""
    return server_with(connection=type("BrokenConnection", (RtspConnection,), {"reader_class": reader}))


class _OnePerRead(RequestReader):
    def feed(self, data: bytes) -> list[Request | Interleaved]:
        items = super().feed(data)
        requests = [item for item in items if isinstance(item, Request)]
        return [item for item in items if isinstance(item, Interleaved)] + requests[:1]


@mutant(violates="IF-RTSP-15")
class OneRequestPerRead(Camera):
    """Of the requests that come in one read only the first is answered."""

    zh = "一次读取中到达的多个请求只应答第一个。"
    server_class = reading_with(_OnePerRead)


class _WholeOrNothing(RequestReader):
    def feed(self, data: bytes) -> list[Request | Interleaved]:
        items = super().feed(data)
        if not items:
            self._buffer.clear()
        return items


@mutant(violates="IF-RTSP-16")
class RequestInOneSegment(Camera):
    """A request is expected in one segment; pieces of one are thrown away."""

    zh = "要求请求在一个报文段内到达，不完整的部分被丢弃。"
    server_class = reading_with(_WholeOrNothing)


class _BodiesAreRequests(RequestReader):
    def feed(self, data: bytes) -> list[Request | Interleaved]:
        return super().feed(re.sub(rb"(?i)content-length:[^\r]*\r\n", b"", data))


@mutant(violates="IF-RTSP-17")
class BodiesAreReadAsRequests(Camera):
    """Content-Length of a request is not read; its body is taken for the next request."""

    zh = "不读取请求的 Content-Length，消息体被当作下一个请求。"
    server_class = reading_with(_BodiesAreRequests)


class _ExactNames(RequestReader):
    def feed(self, data: bytes) -> list[Request | Interleaved]:
        return super().feed(re.sub(rb"\n(cseq|TRANSPORT):", rb"\nX-Unknown:", data))


@mutant(violates="IF-RTSP-19")
class HeaderNamesByLetter(Camera):
    """Header names are compared letter by letter."""

    zh = "首部名称区分大小写。"
    server_class = reading_with(_ExactNames)


class _ChokesOnReports(RequestReader):
    def feed(self, data: bytes) -> list[Request | Interleaved]:
        items = super().feed(data)
        if any(isinstance(item, Interleaved) for item in items):
            return [item for item in items if isinstance(item, Interleaved)]
        return items


@mutant(violates="IF-RTSP-27")
class RequestBehindReportIsLost(Camera):
    """What comes in one read with an interleaved report is thrown away."""

    zh = "与交织报告同时到达的请求被丢弃。"
    server_class = reading_with(_ChokesOnReports)


class _StuckOnHeaders(RequestReader):
    stuck = False

    def feed(self, data: bytes) -> list[Request | Interleaved]:
        self.stuck = self.stuck or len(self._buffer) + len(data) > ROOM
        return [] if self.stuck else super().feed(data)


@mutant(violates="IF-RTSP-49")
class StuckOnLongHeaders(Camera):
    """A header that does not fit the buffer is neither answered nor is the connection closed."""

    zh = "首部超出缓冲区时既不应答也不关闭连接。"
    server_class = reading_with(_StuckOnHeaders)


class _Unguarded(RtspConnection):
    async def run(self) -> None:
        self.reader_class = type("Reader", (RequestReader,), {"server": self.server, "feed": _feed_unguarded})
        await super().run()


def _feed_unguarded(self: RequestReader, data: bytes) -> list[Request | Interleaved]:
    if b"Content-Length: -1" in data:
        server = self.server  # type: ignore[attr-defined]
        for connection in tuple(server.connections):
            connection.close(abruptly=True)
    return RequestReader.feed(self, data)


@mutant(violates="IF-RTSP-50")
class NegativeLengthCrashes(Camera):
    """A negative Content-Length brings the RTSP process down; it starts again, but every play is lost."""

    zh = "负的 Content-Length 使 RTSP 进程崩溃重启，所有播放中断。"
    server_class = server_with(connection=_Unguarded)


class _FewAtATime(RtspConnection):
    async def run(self) -> None:
        if len(self.server.connections) > 8:
            self._writer.transport.pause_reading()  # type: ignore[attr-defined]
            await self._reader.read()
            return
        await super().run()


@mutant(violates="IF-RTSP-51")
class ConnectionsAreNeverFreed(Camera):
    """Eight connections are served at a time; unfinished requests hold theirs for ever."""

    zh = "同时只服务八个连接，未完成的请求一直占用连接。"
    server_class = server_with(connection=_FewAtATime)

"""Mutants of the stream server whose FLV is wrong."""

from __future__ import annotations

import asyncio

from aiohttp import web

from simulators.faults.registry import mutant
from simulators.platform.flv import FILE_HEADER, TAG_HEADER, FlvHub, Tag
from simulators.streams.live_stream import LiveStream
from simulators.streams.server import StreamServer

SIZE = 4


class _Rewriting(FlvHub):
    """Changes what viewers get."""

    def header_of(self, header: bytes) -> bytes:
        """The file header that is sent."""
        return header

    def tags_of(self, tags: list[Tag]) -> list[bytes]:
        """The tags that a new viewer gets first."""
        return [self.tag_of(tag.data) for tag in tags]

    def tag_of(self, data: bytes) -> bytes:
        """One tag, with its trailing size."""
        return data

    def join(self) -> asyncio.Queue[bytes | None]:
        """The changed beginning."""
        viewer = super().join()
        viewer.get_nowait()
        first = self.tags_of([*self.setup, *self.recent])
        viewer.put_nowait(self.header_of(self.header) + b"".join(first))
        return viewer

    def _hand(self, viewer: asyncio.Queue[bytes | None], data: bytes) -> None:
        super()._hand(viewer, self.tag_of(data))


def served_by(hub: type[FlvHub]) -> type[LiveStream]:
    """A live stream with that hub."""
    return type("Live", (LiveStream,), {"hub_class": hub})


@mutant(violates="IF-FLV-01")
class TheHeaderAnnouncesNoPictures(StreamServer):
    """The header says that there is sound and no picture."""

    zh = "文件头声明只有音频。"

    class _Deaf(_Rewriting):
        def header_of(self, header: bytes) -> bytes:
            """With the wrong flag."""
            return header[:4] + b"\x04" + header[5:FILE_HEADER]

    live_class = served_by(_Deaf)


@mutant(violates="IF-FLV-02")
class SizesOfTagsAreZero(StreamServer):
    """PreviousTagSize is always 0."""

    zh = "PreviousTagSize 始终为 0。"

    class _Sizeless(_Rewriting):
        def tag_of(self, data: bytes) -> bytes:
            """With 0 behind it."""
            return data[:-SIZE] + bytes(SIZE)

    live_class = served_by(_Sizeless)


@mutant(violates="IF-FLV-03")
class TagsHaveAStreamId(StreamServer):
    """StreamID is 1, as in RTMP."""

    zh = "StreamID 为 1，如同 RTMP。"

    class _Numbered(_Rewriting):
        def tag_of(self, data: bytes) -> bytes:
            """With the number."""
            return data[:8] + b"\x00\x00\x01" + data[TAG_HEADER:]

    live_class = served_by(_Numbered)


@mutant(violates="IF-FLV-04")
class TimesAreThoseOfTheServer(StreamServer):
    """The first tag carries the time since the server's start."""

    zh = "首个标签的时间戳为服务器运行时间。"

    class _Late(_Rewriting):
        def tag_of(self, data: bytes) -> bytes:
            """An hour later."""
            later = int.from_bytes(data[4:7], "big") + 3_600_000
            return data[:4] + later.to_bytes(3, "big") + data[7:]

    live_class = served_by(_Late)


@mutant(violates="IF-FLV-04a")
class TimesGoBack(StreamServer):
    """Times of pictures go back now and then."""

    zh = "画面时间戳时有后退。"

    class _Unsteady(_Rewriting):
        def tag_of(self, data: bytes) -> bytes:
            """Every third tenth of a second is told as one before."""
            time = int.from_bytes(data[4:7], "big")
            back = 150 if time and time // 100 % 3 == 0 else 0
            return data[:4] + (time - back).to_bytes(3, "big") + data[7:]

    live_class = served_by(_Unsteady)


@mutant(violates="IF-FLV-05")
class TheSequenceHeaderIsMissing(StreamServer):
    """A viewer who comes later gets no AVC sequence header."""

    zh = "后来的观看者得不到 AVC 序列头。"

    class _Bare(_Rewriting):
        def tags_of(self, tags: list[Tag]) -> list[bytes]:
            """Without those of the decoder."""
            return [tag.data for tag in tags if not (tag.is_setup and tag.kind == 9)]

    live_class = served_by(_Bare)


@mutant(violates="IF-FLV-06")
class UnitsHaveStartCodes(StreamServer):
    """NAL units have Annex B start codes in the place of lengths."""

    zh = "NAL 单元用 Annex B 起始码代替长度前缀。"

    class _AnnexB(_Rewriting):
        def tag_of(self, data: bytes) -> bytes:
            """Start codes in the place of lengths."""
            tag = Tag(data)
            if tag.kind != 9 or tag.is_setup:
                return data
            body = bytearray(data[TAG_HEADER + 5 : -SIZE])
            at = 0
            while at + SIZE <= len(body):
                size = int.from_bytes(body[at : at + SIZE], "big")
                body[at : at + SIZE] = b"\x00\x00\x00\x01"
                at += SIZE + size
            return data[: TAG_HEADER + 5] + bytes(body) + data[-SIZE:]

    live_class = served_by(_AnnexB)


@mutant(violates="IF-FLV-07")
class ViewersBeginInTheMiddle(StreamServer):
    """A new viewer gets what comes next, key picture or not."""

    zh = "新观看者从任意画面开始。"

    class _Impatient(_Rewriting):
        def tags_of(self, tags: list[Tag]) -> list[bytes]:
            """Without the key picture."""
            return [tag.data for tag in tags if not tag.is_key]

    live_class = served_by(_Impatient)


@mutant(violates="IF-FLV-08")
class FlvIsBinary(StreamServer):
    """FLV is served as application/octet-stream."""

    zh = "FLV 以 application/octet-stream 给出。"

    async def serve_flv(self, request: web.BaseRequest, hub: FlvHub) -> web.StreamResponse:
        """Of another type."""
        viewer = hub.join()
        response = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        await response.prepare(request)
        try:
            while (data := await viewer.get()) is not None:
                await response.write(data)
        except ConnectionError:
            return response
        finally:
            hub.viewers.discard(viewer)
        return response

"""Mutants of the stream server whose playlists are wrong."""

from __future__ import annotations

import re
from collections.abc import Callable

from aiohttp import web

from simulators.faults.registry import mutant
from simulators.platform.hls import WINDOW, HlsWindow
from simulators.platform.transport_stream import Segment
from simulators.streams.live_stream import LiveStream
from simulators.streams.server import HEADERS, StreamServer

HELD_BACK = 4


class _Rewriting(StreamServer):
    """Changes the text of every playlist."""

    def rewritten(self, text: str) -> str:
        """The text that is served."""
        raise NotImplementedError

    async def serve_playlist(self, path: str, address: str) -> web.StreamResponse:
        """The playlist, rewritten."""
        answer = await super().serve_playlist(path, address)
        assert isinstance(answer, web.Response)
        text = self.rewritten(answer.text or "")
        return web.Response(body=text.encode(), content_type=answer.content_type, headers=HEADERS)


def windowed(window: type[HlsWindow]) -> type[LiveStream]:
    """A live stream with windows of that class."""
    return type("Live", (LiveStream,), {"window_class": window})


@mutant(violates="IF-HLS-01")
class PlaylistsBeginWithAMark(_Rewriting):
    """A byte order mark stands before #EXTM3U."""

    zh = "#EXTM3U 之前有字节序标记。"

    def rewritten(self, text: str) -> str:
        """With the mark."""
        return "\ufeff" + text


@mutant(violates="IF-HLS-02a")
class PlaylistsAreTextPlain(StreamServer):
    """Playlists are served as text/plain."""

    zh = "播放列表以 text/plain 给出。"

    async def serve_playlist(self, path: str, address: str) -> web.StreamResponse:
        """Of another type."""
        answer = await super().serve_playlist(path, address)
        answer.content_type = "text/plain"
        return answer


@mutant(violates="IF-HLS-02", declaration="streams_plain")
class PlaylistsWithoutANameAreTextPlain(PlaylistsAreTextPlain):
    """A playlist whose path does not end with .m3u8 is served as text/plain."""

    zh = "路径不以 .m3u8 结尾的播放列表以 text/plain 给出。"


@mutant(violates="IF-HLS-03")
class DurationsLackTheComma(_Rewriting):
    """EXTINF is written without its comma."""

    zh = "EXTINF 缺少逗号。"

    def rewritten(self, text: str) -> str:
        """Without commas."""
        return re.sub(r"(#EXTINF:[0-9.]+),", r"\1", text)


@mutant(violates="IF-HLS-04")
class TheTargetIsHalfADuration(_Rewriting):
    """EXT-X-TARGETDURATION is below the durations of segments."""

    zh = "EXT-X-TARGETDURATION 小于分片时长。"

    def rewritten(self, text: str) -> str:
        """Longer segments."""
        return re.sub(r"#EXTINF:[0-9.]+,", "#EXTINF:1.600,", text)


@mutant(violates="IF-HLS-05")
class TheVersionIsTooLow(_Rewriting):
    """The playlist says version 2 and has fractions of seconds."""

    zh = "声明版本 2 却使用小数时长。"

    def rewritten(self, text: str) -> str:
        """An old version with a fraction."""
        return text.replace("#EXT-X-VERSION:3", "#EXT-X-VERSION:2").replace(":1.000,", ":0.999,")


@mutant(violates="IF-HLS-06")
class TheSequenceStandsStill(_Rewriting):
    """EXT-X-MEDIA-SEQUENCE does not change while segments are removed."""

    zh = "分片移除后 EXT-X-MEDIA-SEQUENCE 不变。"

    def rewritten(self, text: str) -> str:
        """Always the same number."""
        return re.sub(r"#EXT-X-MEDIA-SEQUENCE:[0-9]+", "#EXT-X-MEDIA-SEQUENCE:1", text)


@mutant(violates="IF-HLS-07")
class TheTargetChanges(_Rewriting):
    """EXT-X-TARGETDURATION differs from version to version."""

    zh = "EXT-X-TARGETDURATION 随版本改变。"

    def rewritten(self, text: str) -> str:
        """1 or 2 seconds, as the last number is even or odd."""
        target = 1 + self.live.hls.next_number % 2
        return re.sub(r"#EXT-X-TARGETDURATION:[0-9]+", f"#EXT-X-TARGETDURATION:{target}", text)


@mutant(violates="IF-HLS-08")
class SegmentsComeInBatches(StreamServer):
    """New segments are listed four at a time."""

    zh = "新分片每四个一批列出。"

    class _Batches(HlsWindow):
        def playlist(self, address: Callable[[str], str]) -> str:
            """Up to the last whole batch."""
            last = self.next_number // HELD_BACK * HELD_BACK
            shown = [segment for segment in self.segments if segment.number < last]
            kept = self.segments
            self.segments = type(kept)(shown, maxlen=kept.maxlen)
            try:
                return super().playlist(address)
            finally:
                self.segments = kept

    live_class = windowed(_Batches)


@mutant(violates="IF-HLS-09")
class TheWindowIsShort(StreamServer):
    """Only the last two segments are listed."""

    zh = "只列出最后两个分片。"

    class _Short(HlsWindow):
        def playlist(self, address: Callable[[str], str]) -> str:
            """Of two segments."""
            kept = self.segments
            self.segments = type(kept)(list(kept)[-2:], maxlen=kept.maxlen)
            try:
                return super().playlist(address)
            finally:
                self.segments = kept

    live_class = windowed(_Short)


@mutant(violates="IF-HLS-17")
class DiscontinuitiesAreNotCounted(_Rewriting):
    """EXT-X-DISCONTINUITY-SEQUENCE is missing."""

    zh = "缺少 EXT-X-DISCONTINUITY-SEQUENCE。"

    def rewritten(self, text: str) -> str:
        """Without it."""
        return re.sub(r"#EXT-X-DISCONTINUITY-SEQUENCE:[0-9]+\n", "", text)


@mutant(violates="IF-HLS-16")
class RemovedSegmentsAreGone(StreamServer):
    """A segment is deleted as soon as it leaves the playlist."""

    zh = "分片一移出列表即被删除。"

    class _Forgetful(HlsWindow):
        def find(self, number: int) -> Segment | None:
            """Only what is in the window."""
            return super().find(number) if number >= self.next_number - WINDOW else None

    live_class = windowed(_Forgetful)

"""Mutants of a platform whose HLS or FLV is not as the standards have it."""

from __future__ import annotations

import asyncio
from typing import Any

from simulators.faults.registry import mutant
from simulators.platform.flv import FlvHub
from simulators.platform.hls import HlsWindow
from simulators.platform.live import Live, LiveStream
from simulators.platform.platform import Platform
from simulators.platform.transport_stream import Cutter


class _Uncounted(Cutter):
    def counted(self, data: bytes) -> bytes:
        return data


class _UncountedStream(LiveStream):
    cutter_class = _Uncounted


class _UncountedLive(Live):
    stream_class = _UncountedStream


@mutant(violates="IF-MED-06a")
class EverySegmentCountsFromZero(Platform):
    """The continuity counters begin anew with each segment."""

    zh = "每个分片的连续计数从头开始。"
    live_class = _UncountedLive


class _Headless(HlsWindow):
    def playlist(self, address: Any) -> str:
        return super().playlist(address).removeprefix("#EXTM3U\n")


class _HeadlessStream(LiveStream):
    window_class = _Headless


class _HeadlessLive(Live):
    stream_class = _HeadlessStream


@mutant(violates="IF-MED-06a")
class PlaylistsHaveNoFirstLine(Platform):
    """The playlist does not begin with #EXTM3U."""

    zh = "播放列表首行不是 #EXTM3U。"
    live_class = _HeadlessLive


class _NoSetup(FlvHub):
    def join(self) -> asyncio.Queue[bytes | None]:
        setup, self.setup = self.setup, []
        try:
            return super().join()
        finally:
            self.setup = setup


class _NoSetupStream(LiveStream):
    hub_class = _NoSetup


class _NoSetupLive(Live):
    stream_class = _NoSetupStream


@mutant(violates="IF-MED-06b")
class LateViewersGetNoSequenceHeader(Platform):
    """Whoever joins a running FLV stream gets pictures without their parameters."""

    zh = "后加入的 FLV 观看者得不到序列头。"
    live_class = _NoSetupLive

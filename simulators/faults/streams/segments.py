"""Mutants of the stream server whose segments are wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from simulators.faults.registry import mutant
from simulators.platform.live_ingest import TICKS, Piece
from simulators.platform.transport_stream import PACKET, Cutter, Segment
from simulators.streams.live_stream import LiveStream
from simulators.streams.server import StreamServer

PAT, PMT = 0, 4096
NULL = 0x1FFF


def cut_by(cutter: type[Cutter]) -> type[LiveStream]:
    """A live stream that is cut by that class."""
    return type("Live", (LiveStream,), {"cutter_class": cutter})


class _Changing(Cutter):
    """Changes each segment before it is published."""

    def __init__(self, target: float, publish: Callable[[Segment], None]) -> None:
        super().__init__(target, lambda segment: publish(self.changed(segment)))

    def changed(self, segment: Segment) -> Segment:
        """What is published."""
        raise NotImplementedError


def packet_id(data: bytes | bytearray, at: int) -> int:
    """The pid of the packet at a byte."""
    return (data[at + 1] & 0x1F) << 8 | data[at + 2]


@mutant(violates="IF-HLS-10")
class OnlyTheFirstSegmentHasTables(StreamServer):
    """PAT and PMT are missing in most segments."""

    zh = "多数分片缺少 PAT 与 PMT。"

    class _Bare(_Changing):
        def changed(self, segment: Segment) -> Segment:
            """Tables become null packets, save in every fourth segment."""
            data = bytearray(segment.data)
            for at in range(0, len(data), PACKET):
                if packet_id(data, at) in (PAT, PMT) and segment.number % 4:
                    data[at + 1 : at + 3] = (NULL | 0x4000).to_bytes(2, "big")
            return replace(segment, data=bytes(data))

    live_class = cut_by(_Bare)


@mutant(violates="IF-HLS-11")
class TablesHaveNoCrc(StreamServer):
    """The CRC of the PAT is 0 where a table is repeated."""

    zh = "重复的 PAT 的 CRC 为 0。"

    class _Unchecked(_Changing):
        def changed(self, segment: Segment) -> Segment:
            """The second PAT is spoilt."""
            data = bytearray(segment.data)
            tables = [at for at in range(0, len(data), PACKET) if packet_id(data, at) == PAT]
            if len(tables) > 1:
                data[tables[1] + 17 : tables[1] + 21] = bytes(4)
            return replace(segment, data=bytes(data))

    live_class = cut_by(_Unchecked)


@mutant(violates="IF-HLS-11")
class PacketsAreLostWithinASegment(StreamServer):
    """A packet in the middle of each segment is missing."""

    zh = "每个分片中间缺一个包。"

    class _Losing(_Changing):
        def changed(self, segment: Segment) -> Segment:
            """Without one packet."""
            middle = len(segment.data) // PACKET // 2 * PACKET
            return replace(segment, data=segment.data[:middle] + segment.data[middle + PACKET :])

    live_class = cut_by(_Losing)


@mutant(violates="IF-HLS-12")
class CountersBeginAnew(StreamServer):
    """Continuity counters begin at 0 in each segment."""

    zh = "连续计数在每个分片从 0 开始。"

    class _Fresh(Cutter):
        def counted(self, data: bytes) -> bytes:
            """As the muxer, new for each segment, has them."""
            return data

    live_class = cut_by(_Fresh)


@mutant(violates="IF-HLS-12")
class TimesBeginAnew(StreamServer):
    """Time stamps begin at 0 in each segment."""

    zh = "时间戳在每个分片从 0 开始。"

    class _Timeless(Cutter):
        def take(self, piece: Piece) -> None:
            """With times within their second."""
            super().take(piece)
            if piece.key and self._output is not None:
                self._zero = piece.dts

        def _open(self, at: int) -> None:
            super()._open(at)
            real = self._output
            self._output = _Shifted(real, at)

    live_class = cut_by(_Timeless)


class _Shifted:
    """An output whose times begin at 0."""

    def __init__(self, output: object, origin: int) -> None:
        self._output, self._origin = output, origin

    def mux(self, packet: object) -> None:
        """With other times."""
        packet.pts -= self._origin  # type: ignore[attr-defined]
        packet.dts -= self._origin  # type: ignore[attr-defined]
        self._output.mux(packet)  # type: ignore[attr-defined]

    def close(self) -> None:
        """The end."""
        self._output.close()  # type: ignore[attr-defined]


@mutant(violates="IF-HLS-13")
class DurationsAreRounded(StreamServer):
    """EXTINF tells 0.6 s for segments of 1 s."""

    zh = "时长 1 s 的分片 EXTINF 为 0.6 s。"

    class _Wrong(_Changing):
        def changed(self, segment: Segment) -> Segment:
            """A wrong duration."""
            return replace(segment, duration=segment.duration * 0.6)

    live_class = cut_by(_Wrong)


@mutant(violates="IF-HLS-14")
class SegmentsBeginAnywhere(StreamServer):
    """Segments are cut between key pictures."""

    zh = "在两个关键帧之间切片。"

    class _Anywhere(Cutter):
        def take(self, piece: Piece) -> None:
            """Each fifth picture after a key picture counts as the key picture."""
            at = piece.dts % TICKS
            super().take(replace(piece, key=at == TICKS // 2 or (piece.key and self._output is None)))

    live_class = cut_by(_Anywhere)


@mutant(violates="IF-HLS-15")
class SegmentsAreListedWithoutSignatures(StreamServer):
    """The playlist names segments without signatures, which are then refused."""

    zh = "播放列表给出的分片地址没有签名，因而被拒绝。"

    def segment_address(self, path: str, name: str, address: str) -> str:
        """The bare name."""
        return name

"""The sound of a camera as AAC, which a transport stream can carry; G.711 and its like it cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulators.platform.live_ingest import TICKS, Piece

RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
FRAME = 1024
BIT_RATE = 32_000
LOW_COMPLEXITY = 1
HEADER = 7


def adts(rate: int, channels: int, data: bytes) -> bytes:
    """An AAC frame with its ADTS header (ISO/IEC 13818-7 6.2)."""
    size = HEADER + len(data)
    head = 0xFFF1 << 40 | LOW_COMPLEXITY << 38 | RATES.index(rate) << 34 | channels << 30 | size << 13 | 0x7FF << 2
    return head.to_bytes(HEADER, "big") + data


class AacSound:
    """Sound pieces of one stream as AAC pieces. Used in one thread."""

    def __init__(self, stream: Any) -> None:
        import av

        given = stream.codec_context
        self.rate = int(given.sample_rate)
        self._copied = given.name == "aac"
        self.channels = int(given.layout.nb_channels) if self._copied else 1
        self._decoder: Any = None if self._copied else self._like(given)
        self._encoder: Any = av.CodecContext.create("aac", "w")
        self._encoder.sample_rate, self._encoder.layout, self._encoder.format = self.rate, "mono", "fltp"
        self._encoder.bit_rate = BIT_RATE
        self._resampler = av.AudioResampler(format="fltp", layout="mono", rate=self.rate, frame_size=FRAME)
        self._start: int | None = None
        self._sent = 0

    @staticmethod
    def _like(given: Any) -> Any:
        import av

        decoder: Any = av.CodecContext.create(given.name, "r")
        decoder.sample_rate, decoder.layout = given.sample_rate, given.layout
        return decoder

    def pieces(self, piece: Piece) -> Iterator[Piece]:
        """What a piece of sound becomes."""
        if self._copied:
            yield Piece("audio", adts(self.rate, self.channels, piece.data), piece.pts, piece.dts, key=True)
            return
        if self._start is None:
            self._start = piece.pts
        for data in self._encoded(piece.data):
            at = self._start + self._sent * FRAME * TICKS // self.rate
            self._sent += 1
            yield Piece("audio", adts(self.rate, self.channels, data), at, at, key=True)

    def _encoded(self, data: bytes) -> Iterator[bytes]:
        import av

        for frame in self._decoder.decode(av.Packet(data)):
            frame.pts = None
            for whole in self._resampler.resample(frame):
                for packet in self._encoder.encode(whole):
                    yield bytes(packet)

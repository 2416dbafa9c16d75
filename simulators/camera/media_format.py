"""What one stream of the camera looks like: the values a platform can set and a viewer can measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Codec = Literal["h264", "h265"]
RateType = Literal["constant", "variable"]
AudioCodec = Literal["pcma", "g726", "aac"]

VIDEO_CLOCK = 90_000
AUDIO_CLOCK = 8_000
AAC_CLOCK = 16_000


def audio_codec(stream: int, declared: frozenset[str]) -> AudioCodec:
    """What a stream sounds in: the main stream in G.711, as recordings do; the sub stream in another codec where one is
    declared."""
    if stream == 1:
        return "pcma"
    return "aac" if "aac" in declared else "g726" if "g726" in declared else "pcma"


def audio_clock(codec: AudioCodec) -> int:
    """Samples a second, which is the RTP clock too."""
    return AAC_CLOCK if codec == "aac" else AUDIO_CLOCK


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Settings of one stream.

    width, height: pixels, even. fps: whole frames per second. kbit_s: video bit rate in kbit/s, the
    rate itself when ``rate_type`` is constant, a cap when it is variable. audio: sound accompanies the
    video, in ``audio_codec``: G.711 A or G.726 (32 kbit/s) at 8000 Hz, or AAC-LC at 16000 Hz, mono. key_interval_s:
    seconds from one IDR picture to the next.
    """

    codec: Codec = "h264"
    width: int = 1280
    height: int = 720
    fps: int = 25
    rate_type: RateType = "variable"
    kbit_s: int = 2048
    audio: bool = True
    key_interval_s: float = 1.0
    audio_codec: AudioCodec = "pcma"

    @property
    def key_interval(self) -> int:
        """Frames from one IDR picture to the next, at least 1."""
        return max(1, round(self.fps * self.key_interval_s))


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture, or one audio packet.

    kind: ``video`` or ``audio``. nals: NAL units without start codes (video), or one item of coded
    sound (audio). at: monotonic capture time in seconds, on the grid of the frame rate. epoch:
    device wall clock at that time. key: a decoder can start here. settings: what was in force.
    """

    kind: Literal["video", "audio"]
    nals: tuple[bytes, ...]
    at: float
    epoch: float
    key: bool
    settings: StreamSettings

    @property
    def size(self) -> int:
        """Bytes of the unit in Annex B form with four-byte start codes (video) or of the samples (audio)."""
        return sum(map(len, self.nals)) + (4 * len(self.nals) if self.kind == "video" else 0)

"""What a stream really is: its size by the parameter sets, frame rate by time stamps, bit rate by bytes."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.protocols import h264_sps, h265_sps
from conformance.protocols.access_unit import AccessUnit
from conformance.protocols.violation import CodecError
from specs.messages import MessageTable

H264_SPS = 7
H265_SPS = 33
TIMESTAMPS = 1 << 32


@dataclass(frozen=True, slots=True)
class Measured:
    """One play over a window. ``size``: (width, height) in px, (0, 0) when unknown; ``fps``; ``kbit_s``: video payload
    in kbit/s; ``audio_packets``: count."""

    size: tuple[int, int]
    fps: float
    kbit_s: float
    audio_packets: int

    def __str__(self) -> str:
        width, height = self.size
        return f"{width}x{height}, {self.fps:.4g} fps, {self.kbit_s:.4g} kbit/s, {self.audio_packets} audio packets"


def picture_size(codec: str, units: list[AccessUnit]) -> tuple[int, int]:
    """Width and height in px by the last sequence parameter set, cropping included; (0, 0) without one."""
    for nal in (nal for unit in reversed(units) for nal in unit.nals):
        try:
            if codec == "h264" and nal[0] & 0x1F == H264_SPS:
                avc = h264_sps.parse_sps(nal)
                return avc.width, avc.height
            if codec == "h265" and (nal[0] >> 1) & 0x3F == H265_SPS:
                hevc = h265_sps.parse_sps(nal)
                return hevc.width, hevc.height
        except CodecError:
            continue
    return 0, 0


def _rates(track: Track) -> tuple[float, float]:
    """Frames and payload kbit a second, both by RTP time stamps."""
    sizes: dict[int, int] = {}
    for arrived in track.packets:
        stamp = arrived.packet.timestamp
        sizes[stamp] = sizes.get(stamp, 0) + len(arrived.packet.payload)
    stamps = list(sizes)
    span = (stamps[-1] - stamps[0]) % TIMESTAMPS / track.clock if len(stamps) > 1 else 0.0
    if not span:
        return 0.0, 0.0
    octets = sum(sizes[stamp] for stamp in stamps[:-1])
    return (len(stamps) - 1) / span, octets * 8 / span / 1000


def judge_track(player: Player) -> Measured:
    """What a player has received so far."""
    video, audio = player.video, player.audio
    if video is None:
        return Measured((0, 0), 0.0, 0.0, 0)
    fps, kbit_s = _rates(video)
    size = picture_size(video.codec, [unit for _, unit in video.access_units()])
    return Measured(size, fps, kbit_s, len(audio.packets) if audio is not None else 0)


async def measure(players: Players, window: float, *streams: int, channel: int = 0) -> list[Measured]:
    """Play these streams of a channel at once for ``window`` seconds. Raises DeviceFault."""
    playing = [players(channel=channel, stream=stream) for stream in streams]
    await asyncio.gather(*(player.start() for player in playing))
    await asyncio.gather(*(player.watch(window) for player in playing))
    found = [judge_track(player) for player in playing]
    await asyncio.gather(*(player.close() for player in playing))
    return found


def percentile(values: list[float], percent: float) -> float:
    """The smallest value that at least so many percent of all do not exceed."""
    return sorted(values)[math.ceil(len(values) * percent / 100) - 1]


def deviation(measured: float, told: float) -> float:
    """Percent by which a measurement lies off."""
    return abs(measured - told) / told * 100 if told else 100.0


def excess(measured: float, told: float) -> float:
    """Percent by which a measurement lies above; 0 when it does not."""
    return max(0.0, (measured - told) / told * 100) if told else 100.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Codes of the message table that a stream should have, as numbers."""

    size: tuple[int, int]
    fps: int
    kbit_s: int
    constant: bool
    audio: bool

    def shows(self, measured: Measured, rate_tolerance: float, bit_tolerance: float) -> bool:
        """Whether the stream already has what was set."""
        off = deviation if self.constant else excess
        return (
            deviation(measured.fps, self.fps) <= rate_tolerance
            and off(measured.kbit_s, self.kbit_s) <= bit_tolerance
            and bool(measured.audio_packets) is self.audio
        )


def wanted(table: MessageTable, codes: dict[str, str]) -> Wanted:
    """Codes as a query returns them, in px, fps and kbit/s. Unknown codes count as 0."""
    number = {name: int(text) if text.isdigit() else 0 for name, text in codes.items()}
    return Wanted(
        tuple(table.frame_sizes.get(number["FrameSize"], (0, 0))),  # type: ignore[arg-type]
        number["FrameRate"],
        table.bit_rates.get(number["BitRate"], 0),
        number["RateType"] == 1,
        number["AudioInput"] == 1,
    )

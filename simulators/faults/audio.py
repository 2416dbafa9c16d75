"""Faults of audio: description, packets and clock."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.protocols.audio import AAC_LC, AdtsHeader, write_adts
from simulators.camera.camera import Camera
from simulators.camera.media_feed import Description
from simulators.camera.media_format import AAC_CLOCK, AccessUnit
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_server import RtspServer
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

WIDE_BAND = 16_000
MILLISECONDS = 1_000
SECONDS_BEHIND = 3.0
ADTS_HEADER = 7


class _WideBandOnEight(RtspServer):
    def audio_lines(self, description: Description) -> list[str]:
        return [line.replace("PCMA/8000", f"PCMA/{WIDE_BAND}") for line in super().audio_lines(description)]


@mutant(violates="IF-AUD-01")
class WideBandOnStaticType(Camera):
    """The SDP gives payload type 8 a clock of 16000 Hz."""

    zh = "SDP 将载荷类型 8 的时钟写为 16000 Hz。"
    server_class = _WideBandOnEight


def _at_clock(clock: int) -> type[RtpSender]:
    class Sender(RtpSender):
        def __init__(self, *arguments: Any, **more: Any) -> None:
            super().__init__(*arguments, **more)
            self.clock_rate = clock if self.kind == "audio" else self.clock_rate

    return Sender


@mutant(violates="IF-AUD-02")
class AudioTimeInMilliseconds(Camera):
    """Audio timestamps count milliseconds."""

    zh = "音频时间戳以毫秒计。"
    server_class = server_with(_at_clock(MILLISECONDS))


class _PacketsOverlap(RtpSender):
    _count = 0

    def timestamp(self, at: float) -> int:
        self._count += self.kind == "audio"
        return super().timestamp(at) - (self._count % 4 == 0) * 8 & 0xFFFFFFFF


@mutant(violates="IF-AUD-02")
class AudioTimeOfTheMoment(Camera):
    """Audio timestamps are those of the moment of sending: now and then a packet is a millisecond early."""

    zh = "音频时间戳取发送时刻，偶尔提前一毫秒。"
    server_class = server_with(_PacketsOverlap)


class _LongPackets(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._saved: list[bytes] = []
        self._since = 0.0

    def payloads(self, unit: AccessUnit) -> list[bytes]:
        return [b"".join(self._saved)] if unit.kind == "audio" else super().payloads(unit)

    def timestamp(self, at: float) -> int:
        return super().timestamp(self._since if self.kind == "audio" and self._saved else at)

    def send(self, unit: AccessUnit) -> None:
        if unit.kind == "audio":
            self._since = unit.at if not self._saved else self._since
            self._saved += unit.nals
            if len(self._saved) < 6:
                return
        super().send(unit)
        self._saved.clear()


@mutant(violates="IF-AUD-03")
class LongAudioPackets(Camera):
    """An audio packet holds 240 ms, the SDP says 40."""

    zh = "音频每包 240 毫秒，SDP 声明 40 毫秒。"
    server_class = server_with(_LongPackets)


class _TwiceTheSamples(RtpSender):
    def payloads(self, unit: AccessUnit) -> list[bytes]:
        found = super().payloads(unit)
        return (
            [bytes(b for byte in payload for b in (byte, byte)) for payload in found] if unit.kind == "audio" else found
        )

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.clock_rate = WIDE_BAND if self.kind == "audio" else self.clock_rate


@mutant(violates="IF-AUD-04")
class SampledTwiceAsFast(Camera):
    """Audio is sampled at 16000 Hz and declared as 8000 Hz."""

    zh = "音频以 16000 Hz 采样，却声明为 8000 Hz。"
    server_class = server_with(_TwiceTheSamples)


class _AudioClockBehind(RtpSender):
    def report(self, at: float, epoch: float) -> None:
        super().report(at, epoch - SECONDS_BEHIND if self.kind == "audio" else epoch)


@mutant(violates="IF-AUD-09")
class AudioReportsOfAnotherClock(Camera):
    """The sender reports of audio take a clock three seconds behind."""

    zh = "音频 SR 取自慢三秒的时钟。"
    server_class = server_with(_AudioClockBehind)


class _OtherName(RtspServer):
    def audio_lines(self, description: Description) -> list[str]:
        return [line.replace("G726-32", "G726-16") for line in super().audio_lines(description)]


@mutant(violates="IF-AUD-05", declaration="nvr")
class G726OfAnotherRate(Camera):
    """G.726 at 32 kbit/s goes by the name G726-16."""

    zh = "32 kbit/s 的 G.726 以 G726-16 为名。"
    server_class = _OtherName


class _OtherConfig(RtspServer):
    def audio_lines(self, description: Description) -> list[str]:
        return [line.replace("config=1408", "config=1208") for line in super().audio_lines(description)]


@mutant(violates="IF-AUD-07", declaration="h265")
class AacConfigOfAnotherRate(Camera):
    """The AudioSpecificConfig says 44100 Hz, the rtpmap 16000."""

    zh = "AudioSpecificConfig 为 44100 Hz，rtpmap 为 16000 Hz。"
    server_class = _OtherConfig


class _NoHeaderLengths(RtspServer):
    def audio_lines(self, description: Description) -> list[str]:
        return [line.partition(";sizelength")[0] for line in super().audio_lines(description)]


@mutant(violates="IF-AUD-07", declaration="h265")
class AacWithoutHeaderLengths(Camera):
    """sizelength, indexlength and indexdeltalength are left out of fmtp."""

    zh = "fmtp 缺少 sizelength、indexlength 与 indexdeltalength。"
    server_class = _NoHeaderLengths


class _WithAdts(RtpSender):
    def payloads(self, unit: AccessUnit) -> list[bytes]:
        if unit.kind == "audio" and unit.settings.audio_codec == "aac":
            header = AdtsHeader(AAC_LC, AAC_CLOCK, 1, len(unit.nals[0]) + ADTS_HEADER, ADTS_HEADER)
            unit = replace(unit, nals=(write_adts(header) + unit.nals[0],))
        return super().payloads(unit)


@mutant(violates="IF-AUD-08", declaration="h265")
class AdtsInsidePackets(Camera):
    """The ADTS header stays before each AAC unit."""

    zh = "每个 AAC 单元前保留 ADTS 首部。"
    server_class = server_with(_WithAdts)


class _SizeInBits(RtpSender):
    def payloads(self, unit: AccessUnit) -> list[bytes]:
        found = super().payloads(unit)
        if unit.kind == "video" or unit.settings.audio_codec != "aac":
            return found
        return [payload[:2] + (len(payload) - 5 << 3).to_bytes(2, "big") + payload[4:] for payload in found]


@mutant(violates="IF-AUD-08", declaration="h265")
class AacSizeOffByOne(Camera):
    """The AU header counts one byte too few."""

    zh = "AU 首部的大小少计一字节。"
    server_class = server_with(_SizeInBits)

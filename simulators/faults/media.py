"""Faults of the RTSP sequence and of the stream as a whole."""

from __future__ import annotations

import secrets
import time
from dataclasses import replace

from simulators.camera.camera import Camera
from simulators.camera.media_feed import Description
from simulators.camera.media_format import AccessUnit, StreamSettings
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_request import TransportOption
from simulators.camera.rtsp_server import RtspServer
from simulators.camera.rtsp_session import RtspSession
from simulators.camera.settings import StreamParameters
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

KEY_AFTER = 3.6
NEW_SOURCE_AFTER = 20
SLOW_RATE = 10
PARAMETER_SETS = (7, 8)


class _UdpOnly(RtspServer):
    async def transport_allowed(self, option: TransportOption, peer: str) -> bool:
        return not option.tcp and await super().transport_allowed(option, peer)


@mutant(violates="IF-MED-01")
class NoInterleavedTransport(Camera):
    """SETUP for RTP inside the RTSP connection is answered 461."""

    zh = "不支持 TCP 交织传输，SETUP 应答 461。"
    server_class = _UdpOnly


class _TcpOnly(RtspServer):
    async def transport_allowed(self, option: TransportOption, peer: str) -> bool:
        return option.tcp and await super().transport_allowed(option, peer)


@mutant(violates="IF-MED-01a")
class NoUdpTransport(Camera):
    """SETUP for UDP is answered 461."""

    zh = "不支持 UDP 传输，SETUP 应答 461。"
    server_class = _TcpOnly


class _LateKey(RtspSession):
    begun_at = 0.0

    def take(self, unit: AccessUnit) -> None:
        self.begun_at = self.begun_at or time.monotonic()
        late = time.monotonic() - self.begun_at < KEY_AFTER
        super().take(replace(unit, key=False) if late and unit.kind == "video" else unit)


@mutant(violates="IF-MED-02")
class WaitsForTheNextKeyFrame(Camera):
    """PLAY asks for no key frame; the next one comes some seconds later."""

    zh = "PLAY 时不请求关键帧，数秒后才有下一个。"
    server_class = server_with(session=_LateKey)


class _NoSprop(RtspServer):
    def video_lines(self, description: Description) -> list[str]:
        return [line.partition(";sprop")[0] for line in super().video_lines(description)]


@mutant(violates="IF-MED-02a")
class NoParameterSetsInSdp(Camera):
    """The fmtp holds no parameter sets."""

    zh = "SDP 的 fmtp 不含参数集。"
    server_class = _NoSprop


class _SetsOnce(RtpSender):
    shown = False

    def payloads(self, unit: AccessUnit) -> list[bytes]:
        if unit.kind == "video" and unit.key:
            if self.shown:
                unit = replace(unit, nals=tuple(nal for nal in unit.nals if nal[0] & 0x1F not in PARAMETER_SETS))
            self.shown = True
        return super().payloads(unit)


@mutant(violates="IF-MED-02b")
class ParameterSetsOnlyOnce(Camera):
    """Parameter sets stand before the first key frame only."""

    zh = "仅首个关键帧之前有参数集。"
    server_class = server_with(_SetsOnce)


class _Mute(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        if self.kind == "video":
            super().deliver(packets)


@mutant(violates="IF-MED-03")
class AnnouncedAudioIsNotSent(Camera):
    """The SDP announces audio that is never sent."""

    zh = "SDP 声明音频而从不发送。"
    server_class = server_with(_Mute)


@mutant(violates="IF-MED-03a")
class DeclaredAudioIsMissing(Camera):
    """A device that declares audio has none in its streams."""

    zh = "声明了音频，而码流中没有音频。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        return replace(super().stream_settings(stream, parameters), audio=False)


class _NewSource(RtpSender):
    restarted = False

    def next_sequence(self) -> int:
        if self.kind == "video" and self.packets >= NEW_SOURCE_AFTER and not self.restarted:
            self.restarted = True
            self.sequence = (self.sequence + 1) & 0xFFFF
            self.ssrc = secrets.randbits(32)
        return super().next_sequence()


@mutant(violates="IF-MED-04")
class EncoderRestartsDuringPlay(Camera):
    """Some packets into a play the sequence number jumps and the source changes."""

    zh = "播放一段时间后序号跳变、SSRC 改变。"
    server_class = server_with(_NewSource)


@mutant(violates="IF-MED-10")
class TenFramesASecond(Camera):
    """The main stream has ten frames a second."""

    zh = "主码流每秒仅十帧。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        return replace(super().stream_settings(stream, parameters), fps=SLOW_RATE)

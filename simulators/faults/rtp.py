"""Faults of RTP: headers, sequence numbers, sources, timestamps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.media_format import AccessUnit
from simulators.camera.rtp_sender import RtpSender, UdpSink, open_udp_pair
from simulators.camera.rtsp_server import RtspServer
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

WRONG_CLOCK = 96_000
LOST_ONE_IN = 20
SAVED_UP = 8
TOO_LARGE = 3000


class _OldVersion(RtpSender):
    def packet(self, payload: bytes, marker: bool, timestamp: int) -> bytes:
        found = super().packet(payload, marker, timestamp)
        return bytes((0x40,)) + found[1:] if self.kind == "audio" else found


@mutant(violates="IF-RTP-01")
class VersionOne(Camera):
    """Audio packets say version 1."""

    zh = "音频包的版本号为 1。"
    server_class = server_with(_OldVersion)


class _PaddingUncounted(RtpSender):
    def packet(self, payload: bytes, marker: bool, timestamp: int) -> bytes:
        found = super().packet(payload, marker, timestamp)
        return bytes((found[0] | 0x20,)) + found[1:] + bytes(4) if self.kind == "audio" else found


@mutant(violates="IF-RTP-02")
class PaddingWithoutCount(Camera):
    """Audio packets are padded with zeros, and the last byte does not count them."""

    zh = "音频包以零填充，末字节未给出填充数。"
    server_class = server_with(_PaddingUncounted)


class _OtherType(RtpSender):
    def payload_type(self) -> int:
        return 0 if self.kind == "audio" else super().payload_type()


@mutant(violates="IF-RTP-03")
class AudioOfAnotherPayloadType(Camera):
    """The SDP says A-law on 8, the packets say 0."""

    zh = "SDP 声明 A 律（8），包中载荷类型为 0。"
    server_class = server_with(_OtherType)


class _SkipsNumbers(RtpSender):
    def send(self, unit: AccessUnit) -> None:
        if unit.key:
            self.next_sequence()
        super().send(unit)


@mutant(violates="IF-RTP-04")
class SequenceSkipsBeforeKeyPictures(Camera):
    """A sequence number is used up for nothing before each IDR picture."""

    zh = "每个 IDR 图像之前空耗一个序号。"
    server_class = server_with(_SkipsNumbers)


class _Swaps(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        super().deliver([*packets[:-2], *reversed(packets[-2:])] if len(packets) > 2 else packets)


@mutant(violates="IF-RTP-04")
class LastPacketsOfPictureSwapped(Camera):
    """Two threads write one session, and the last two packets of a picture change places."""

    zh = "两个线程写同一会话，图像末两包次序颠倒。"
    server_class = server_with(_Swaps)


class _Repeats(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        super().deliver([*packets, packets[-1]] if self.kind == "audio" else packets)


@mutant(violates="IF-RTP-05")
class AudioPacketsTwice(Camera):
    """Each audio packet is written twice."""

    zh = "每个音频包发送两次。"
    server_class = server_with(_Repeats)


class _RepeatsLater(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        super().deliver([*packets, packets[0]] if len(packets) > 1 else packets)


@mutant(violates="IF-RTP-05")
class FirstPacketAgainBehindPicture(Camera):
    """The first packet of a picture is sent again behind its last."""

    zh = "在图像末包之后重发其首包。"
    server_class = server_with(_RepeatsLater)


class _NewSource(RtpSender):
    def send(self, unit: AccessUnit) -> None:
        if unit.key:
            self.ssrc = (self.ssrc + 1) & 0xFFFFFFFF
        super().send(unit)


@mutant(violates="IF-RTP-06")
class SourceChangesAtKeyPictures(Camera):
    """The RTP sender is made anew at each IDR picture, and with it the SSRC."""

    zh = "每个 IDR 图像处重建 RTP 发送器，SSRC 随之改变。"
    server_class = server_with(_NewSource)


class _FastClock(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.clock_rate = WRONG_CLOCK if self.kind == "video" else self.clock_rate


@mutant(violates="IF-RTP-07")
class VideoClockTooFast(Camera):
    """Video timestamps count 96000 a second."""

    zh = "视频时间戳每秒前进 96000。"
    server_class = server_with(_FastClock)


class _RunsBack(RtpSender):
    _key = False

    def send(self, unit: AccessUnit) -> None:
        self._key = unit.key
        super().send(unit)

    def timestamp(self, at: float) -> int:
        return super().timestamp(at - 0.5 if self._key else at)


@mutant(violates="IF-RTP-08")
class TimestampOfKeyPicturesRunsBack(Camera):
    """IDR pictures carry the time at which they were asked for, half a second ago."""

    zh = "IDR 图像的时间戳取自半秒之前的请求时刻。"
    server_class = server_with(_RunsBack)


class _FromZero(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.sequence = 0


@mutant(violates="IF-RTP-09")
class SequenceFromZero(Camera):
    """Each session begins with sequence number 0."""

    zh = "每个会话的序号均从 0 开始。"
    server_class = server_with(_FromZero)


class _ConstantSource(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.ssrc = 0x12345678 if self.kind == "video" else 0x87654321


@mutant(violates="IF-RTP-10")
class ConstantSource(Camera):
    """The SSRC is a constant of the firmware."""

    zh = "SSRC 为固件中的常量。"
    server_class = server_with(_ConstantSource)


class _ReportsAmongMedia(RtpSender):
    def report(self, at: float, epoch: float) -> None:
        self.sink.send_frame([self.sender_report(at, epoch) + self.description()])


@mutant(violates="IF-RTP-11")
class ReportsOnMediaChannel(Camera):
    """Sender reports go out on the channel of the media."""

    zh = "发送者报告从媒体通道发出。"
    server_class = server_with(_ReportsAmongMedia)


class _OddFirst(RtspServer):
    async def udp_pair(self, host: str, heard: Callable[[bytes, tuple[str, int]], None]) -> UdpSink:
        return await open_udp_pair(host, heard, odd=True)


@mutant(violates="IF-RTP-12")
class OddPortFirst(Camera):
    """RTP leaves from an odd port, RTCP from the even one above it."""

    zh = "RTP 使用奇数端口，RTCP 使用其上的偶数端口。"
    server_class = _OddFirst


class _LargePackets(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self.mtu = TOO_LARGE


@mutant(violates="IF-RTP-13")
class PacketsBeyondThePath(Camera):
    """RTP packets of up to 3000 bytes are left to IP to fragment."""

    zh = "RTP 包最长 3000 字节，由 IP 分片。"
    server_class = server_with(_LargePackets)


class _Loses(RtpSender):
    def deliver(self, packets: list[bytes]) -> None:
        if isinstance(self.sink, UdpSink):
            packets = [packet for packet in packets if int.from_bytes(packet[2:4], "big") % LOST_ONE_IN]
        super().deliver(packets)


@mutant(violates="IF-RTP-14")
class LosesOverUdp(Camera):
    """The send buffer is too small: one UDP packet in twenty is lost."""

    zh = "发送缓冲区过小，每二十个 UDP 包丢失一个。"
    server_class = server_with(_Loses)


class _SavesUp(RtpSender):
    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._saved: list[list[bytes]] = []

    def deliver(self, packets: list[bytes]) -> None:
        self._saved.append(packets)
        if self.kind == "audio" or len(self._saved) >= SAVED_UP:
            for saved in self._saved:
                super().deliver(saved)
            self._saved.clear()


@mutant(violates="IF-RTP-15")
class PicturesSavedUp(Camera):
    """Eight pictures are saved up and sent together."""

    zh = "攒满八帧一起发送。"
    server_class = server_with(_SavesUp)

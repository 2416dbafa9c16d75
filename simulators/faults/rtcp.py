"""Faults of RTCP: sender reports, names, counts, the end, and what viewers report."""

from __future__ import annotations

import struct

from simulators.camera.camera import Camera
from simulators.camera.media_format import AccessUnit
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.rtsp_session import RtspSession
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

RTP_HEADER = 12
MILLISECONDS = 1000


class _NoReports(RtpSender):
    def report(self, at: float, epoch: float) -> None:
        return


@mutant(violates="IF-RTP-20")
class NoSenderReports(Camera):
    """Sender reports are never sent, though RTCP is declared."""

    zh = "声明了 RTCP，但从不发送发送者报告。"
    server_class = server_with(_NoReports)


class _NameFirst(RtpSender):
    def report(self, at: float, epoch: float) -> None:
        self.sink.send_report(self.description() + self.sender_report(at, epoch))


@mutant(violates="IF-RTP-21")
class DescriptionBeforeReport(Camera):
    """A compound begins with SDES, the sender report stands behind it."""

    zh = "复合包以 SDES 开头，SR 在其后。"
    server_class = server_with(_NameFirst)


class _LengthInBytes(RtpSender):
    def sender_report(self, at: float, epoch: float) -> bytes:
        found = super().sender_report(at, epoch)
        return found[:2] + struct.pack(">H", len(found)) + found[4:]


@mutant(violates="IF-RTP-21")
class ReportLengthInBytes(Camera):
    """The length of a sender report counts bytes."""

    zh = "SR 的长度字段以字节计。"
    server_class = server_with(_LengthInBytes)


class _Nameless(RtpSender):
    def description(self) -> bytes:
        return b""


@mutant(violates="IF-RTP-22")
class ReportsWithoutName(Camera):
    """Sender reports come without SDES."""

    zh = "SR 不带 SDES。"
    server_class = server_with(_Nameless)


class _NameOfTheMoment(RtpSender):
    def description(self) -> bytes:
        self.cname = f"{self.packets}@camera"
        return super().description()


@mutant(violates="IF-RTP-22")
class NameChanges(Camera):
    """The CNAME is made anew for each report."""

    zh = "每个报告使用新的 CNAME。"
    server_class = server_with(_NameOfTheMoment)


class _NameOfTrack(RtpSender):
    def description(self) -> bytes:
        self.cname = f"{self.kind}@camera"
        return super().description()


@mutant(violates="IF-RTP-23")
class NameOfTheTrack(Camera):
    """Audio and video have CNAMEs of their own."""

    zh = "音频与视频各有自己的 CNAME。"
    server_class = server_with(_NameOfTrack)


class _OwnSource(RtpSender):
    def sender_report(self, at: float, epoch: float) -> bytes:
        found = super().sender_report(at, epoch)
        return found[:4] + struct.pack(">I", self.ssrc ^ 1) + found[8:]


@mutant(violates="IF-RTP-24")
class ReportsOfAnotherSource(Camera):
    """RTCP has an SSRC of its own."""

    zh = "RTCP 使用自己的 SSRC。"
    server_class = server_with(_OwnSource)


class _TimeFromZero(RtpSender):
    def sender_report(self, at: float, epoch: float) -> bytes:
        found = super().sender_report(at, epoch)
        return found[:16] + struct.pack(">I", round(at * self.clock_rate) & 0xFFFFFFFF) + found[20:]


@mutant(violates="IF-RTP-25")
class ReportTimeWithoutOffset(Camera):
    """The RTP time of sender reports lacks the random offset of the media."""

    zh = "SR 的 RTP 时间未加媒体的随机起点。"
    server_class = server_with(_TimeFromZero)


class _TimeInMilliseconds(RtpSender):
    _first: float | None = None

    def sender_report(self, at: float, epoch: float) -> bytes:
        self._first = at if self._first is None else self._first
        stamp = self.timestamp(self._first) + round((at - self._first) * MILLISECONDS)
        found = super().sender_report(at, epoch)
        return found[:16] + struct.pack(">I", stamp & 0xFFFFFFFF) + found[20:]


@mutant(violates="IF-RTP-25")
class ReportTimeInMilliseconds(Camera):
    """The RTP time of sender reports runs in milliseconds."""

    zh = "SR 的 RTP 时间以毫秒前进。"
    server_class = server_with(_TimeInMilliseconds)


class _CountsHeaders(RtpSender):
    def count(self, payloads: list[bytes]) -> None:
        super().count(payloads)
        self.octets += RTP_HEADER * len(payloads)


@mutant(violates="IF-RTP-26")
class OctetsWithHeaders(Camera):
    """The octet count takes the RTP headers in."""

    zh = "字节数计入了 RTP 首部。"
    server_class = server_with(_CountsHeaders)


class _CountsPictures(RtpSender):
    def count(self, payloads: list[bytes]) -> None:
        super().count(payloads)
        self.packets -= len(payloads) - 1


@mutant(violates="IF-RTP-26")
class PacketCountOfPictures(Camera):
    """The packet count counts pictures."""

    zh = "包数统计的是图像数。"
    server_class = server_with(_CountsPictures)


class _ReportsAlways(RtspSession):
    def take(self, unit: AccessUnit) -> None:
        super().take(unit)
        for _ in range(8):
            self.report()


@mutant(violates="IF-RTP-27")
class ReportsWithEveryUnit(Camera):
    """Sender reports go out with every picture and every audio packet."""

    zh = "每帧、每个音频包都发送多个 SR。"
    server_class = server_with(session=_ReportsAlways)


class _NoFarewell(RtpSender):
    def bye(self, at: float, epoch: float) -> None:
        return


@mutant(violates="IF-RTP-28")
class EndsWithoutFarewell(Camera):
    """A session ends without BYE."""

    zh = "会话结束时不发送 BYE。"
    server_class = server_with(_NoFarewell)


class _StopsAtReports(RtspSession):
    def hear_report(self) -> None:
        self.pause()


@mutant(violates="IF-RTP-29")
class StopsAtReceiverReports(Camera):
    """Anything on the RTCP channel stops the media."""

    zh = "收到 RTCP 即停止发送媒体。"
    server_class = server_with(session=_StopsAtReports)


class _BeginsAnew(RtspSession):
    def hear_report(self) -> None:
        super().hear_report()
        for sender in self.senders.values():
            sender.ssrc = (sender.ssrc + 1) & 0xFFFFFFFF


@mutant(violates="IF-RTP-29")
class ReportsChangeTheSource(Camera):
    """A receiver report is taken for a collision: the SSRC changes."""

    zh = "把接收者报告当作冲突，更换 SSRC。"
    server_class = server_with(session=_BeginsAnew)

"""Faults of H.264: payloads, parameter sets, pictures."""

from __future__ import annotations

from dataclasses import replace

from simulators.camera.camera import Camera
from simulators.camera.media_format import AccessUnit, StreamSettings
from simulators.camera.rtp_sender import RtpSender
from simulators.camera.settings import StreamParameters
from simulators.faults.coded_units import (
    ONE_PICTURE_CUT_TO,
    HalfClock,
    Nals,
    as_it_is,
    saying,
    sender_of_payloads,
    sender_of_units,
    sender_with_early_marker,
    server_saying,
    with_start_codes,
    without,
)
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

IDR, SPS, PPS, STAP_A, FU_A = 5, 7, 8, 24, 28
LOWEST_LEVEL = 10
SETS = (SPS, PPS)


def _type(nal: bytes) -> int:
    return nal[0] & 0x1F


@mutant(violates="IF-H264-01")
class FragmentsInSingleMode(Camera):
    """The SDP says packetization-mode 0, and large pictures come in FU-A."""

    zh = "SDP 声明 packetization-mode=0，大图像却用 FU-A 分片。"
    server_class = server_saying("h264", saying("packetization-mode", "0"))


def _disposable_sets(nals: Nals) -> Nals:
    return tuple(bytes((nal[0] & 0x9F,)) + nal[1:] if _type(nal) in SETS else nal for nal in nals)


@mutant(violates="IF-H264-02")
class ParameterSetsDisposable(Camera):
    """SPS and PPS have nal_ref_idc 0."""

    zh = "SPS 与 PPS 的 nal_ref_idc 为 0。"
    server_class = server_with(sender_of_units("h264", _disposable_sets))


def _without_end(payloads: list[bytes]) -> list[bytes]:
    return [p[:1] + bytes((p[1] & 0xBF,)) + p[2:] if _type(p) == FU_A else p for p in payloads]


@mutant(violates="IF-H264-03")
class FragmentsWithoutEnd(Camera):
    """The last fragment of a NAL unit lacks the end bit."""

    zh = "末片未置 E 位。"
    server_class = server_with(sender_of_payloads("h264", _without_end))


def _later_disposable(payloads: list[bytes]) -> list[bytes]:
    return [bytes((p[0] & 0x9F,)) + p[1:] if _type(p) == FU_A and not p[1] & 0x80 else p for p in payloads]


@mutant(violates="IF-H264-03")
class LaterFragmentsOfOtherPriority(Camera):
    """All fragments but the first have NRI 0."""

    zh = "除首片外各片的 NRI 为 0。"
    server_class = server_with(sender_of_payloads("h264", _later_disposable))


def _aggregated(payloads: list[bytes], head: int, extra: int) -> list[bytes]:
    sets = [p for p in payloads if _type(p) in SETS]
    if not sets:
        return payloads
    body = b"".join((len(nal) + extra).to_bytes(2, "big") + nal for nal in sets)
    return [bytes((head,)) + body, *(p for p in payloads if _type(p) not in SETS)]


@mutant(violates="IF-H264-04")
class AggregateOfNoPriority(Camera):
    """SPS and PPS come in a STAP-A with NRI 0."""

    zh = "SPS 与 PPS 聚合为 NRI 为 0 的 STAP-A。"
    server_class = server_with(sender_of_payloads("h264", lambda payloads: _aggregated(payloads, STAP_A, 0)))


@mutant(violates="IF-H264-04")
class AggregateSizesCountThemselves(Camera):
    """The sizes in a STAP-A count their own two bytes."""

    zh = "STAP-A 的长度字段计入了自身两字节。"
    server_class = server_with(sender_of_payloads("h264", lambda payloads: _aggregated(payloads, STAP_A | 0x60, 2)))


@mutant(violates="IF-H264-05")
class MarkerBehindParameterSets(Camera):
    """The first packet of an IDR picture, the SPS, has the marker."""

    zh = "IDR 图像的首包（SPS）置了标志位。"
    server_class = server_with(sender_with_early_marker("h264"))


class _NoMarker(RtpSender):
    def marker(self, index: int, count: int) -> bool:
        return False


@mutant(violates="IF-H264-05")
class NoMarkerAtAll(Camera):
    """No packet has the marker."""

    zh = "所有包均不置标志位。"
    server_class = server_with(_NoMarker)


class _SetsBefore(RtpSender):
    def packet(self, payload: bytes, marker: bool, timestamp: int) -> bytes:
        early = self.kind == "video" and _type(payload) in SETS
        return super().packet(payload, marker, (timestamp - 1) & 0xFFFFFFFF if early else timestamp)


@mutant(violates="IF-H264-06")
class ParameterSetsOfAnotherTime(Camera):
    """SPS and PPS carry a timestamp of their own."""

    zh = "SPS 与 PPS 使用自己的时间戳。"
    server_class = server_with(_SetsBefore)


class _PairsOfPictures(RtpSender):
    _even = False
    _last = 0.0

    def timestamp(self, at: float) -> int:
        return super().timestamp(self._last if self._even else at)

    def send(self, unit: AccessUnit) -> None:
        self._even = self.kind == "video" and not self._even
        super().send(unit)
        self._last = unit.at


@mutant(violates="IF-H264-06")
class TwoPicturesShareATimestamp(Camera):
    """Every second picture has the timestamp of the one before."""

    zh = "每两帧共用一个时间戳。"
    server_class = server_with(_PairsOfPictures)


def _without_sets(nals: Nals) -> Nals:
    return tuple(nal for nal in nals if _type(nal) not in SETS)


@mutant(violates="IF-H264-07")
class NoParameterSetsAnywhere(Camera):
    """Neither SDP nor stream holds SPS and PPS."""

    zh = "SDP 与码流均不含 SPS、PPS。"
    server_class = server_saying("h264", without("sprop-parameter-sets"), sender_of_units("h264", _without_sets))


@mutant(violates="IF-H264-08")
class DeclaredSetsWithStartCodes(Camera):
    """sprop-parameter-sets is made of Annex B units, start codes and all."""

    zh = "sprop-parameter-sets 连同起始码一起编码。"
    server_class = server_saying("h264", with_start_codes("sprop-parameter-sets"))


def _stale(sets: Nals) -> Nals:
    return tuple(nal[:3] + bytes((nal[3] + 1,)) + nal[4:] if _type(nal) == SPS else nal for nal in sets)


@mutant(violates="IF-H264-09")
class DeclaredSetsAreStale(Camera):
    """The SDP is made from parameter sets of an earlier configuration."""

    zh = "SDP 取自旧配置的参数集。"
    server_class = server_saying("h264", as_it_is, sets=_stale)


@mutant(violates="IF-H264-10")
class DeclaredLevelTooLow(Camera):
    """profile-level-id is a constant: Baseline at level 1.1."""

    zh = "profile-level-id 为常量：Baseline 1.1 级。"
    server_class = server_saying("h264", saying("profile-level-id", "42000B"))


def _with_start_codes(nals: Nals) -> Nals:
    return tuple(b"\0\0\0\1" + nal if _type(nal) in SETS else nal for nal in nals)


@mutant(violates="IF-H264-11")
class StartCodesInPackets(Camera):
    """SPS and PPS keep their start codes in RTP."""

    zh = "SPS、PPS 连同起始码放入 RTP。"
    server_class = server_with(sender_of_units("h264", _with_start_codes))


def _zero_behind(nals: Nals) -> Nals:
    return tuple(nal + b"\0" for nal in nals)


@mutant(violates="IF-H264-11")
class ZeroByteBehindUnits(Camera):
    """The zero byte of the next start code stays at the end of each NAL unit."""

    zh = "下一起始码的零字节留在 NAL 单元末尾。"
    server_class = server_with(sender_of_units("h264", _zero_behind))


def _cut(nals: Nals) -> Nals:
    return tuple(nal[:ONE_PICTURE_CUT_TO] + b"\x80" if _type(nal) == IDR else nal for nal in nals)


@mutant(violates="IF-H264-12")
class KeyPicturesCut(Camera):
    """The send buffer takes only the beginning of an IDR slice."""

    zh = "发送缓冲区只装下 IDR 片的开头。"
    server_class = server_with(sender_of_units("h264", _cut))


class _DropsPictures(RtpSender):
    _count = 0

    def send(self, unit: AccessUnit) -> None:
        self._count += self.kind == "video"
        if self.kind == "audio" or unit.key or self._count % 7:
            super().send(unit)


@mutant(violates="IF-H264-13")
class SinglePicturesDropped(Camera):
    """Under congestion single P pictures are dropped."""

    zh = "拥塞时丢弃单个 P 帧。"
    server_class = server_with(_DropsPictures)


def _lowest_level(sets: Nals) -> Nals:
    return tuple(nal[:3] + bytes((LOWEST_LEVEL,)) + nal[4:] if _type(nal) == SPS else nal for nal in sets)


@mutant(violates="IF-H264-14")
class LevelOne(Camera):
    """The SPS says level 1, whatever the size."""

    zh = "SPS 始终声明级别 1。"
    server_class = server_saying("h264", as_it_is, sender_of_units("h264", _lowest_level), sets=_lowest_level)


@mutant(violates="IF-H264-16")
class EndlessGop(Camera):
    """IDR pictures come at the beginning only."""

    zh = "仅在开始时有 IDR 图像。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        return replace(super().stream_settings(stream, parameters), key_interval_s=600.0)


def _with_more(nals: Nals) -> Nals:
    return tuple(nal + b"\x55" if _type(nal) in SETS else nal for nal in nals)


@mutant(violates="IF-H264-17")
class BytesBehindParameterSets(Camera):
    """A byte of the buffer is sent behind each parameter set."""

    zh = "参数集之后多发了缓冲区中的一个字节。"
    server_class = server_with(sender_of_units("h264", _with_more))


@mutant(violates="IF-H264-15")
class PicturesTwiceAsOften(Camera):
    """By their timestamps pictures come twice as often as the VUI says."""

    zh = "时间戳使帧率看似 VUI 所示的两倍。"
    server_class = server_with(HalfClock)

"""Faults of H.265: payloads, parameter sets, pictures. They show under the declaration with an H.265 stream."""

from __future__ import annotations

import struct
from dataclasses import replace

from simulators.camera.camera import Camera
from simulators.camera.media_format import StreamSettings
from simulators.camera.settings import StreamParameters
from simulators.faults.coded_units import (
    HalfClock,
    Nals,
    as_it_is,
    escaped,
    saying,
    sender_of_payloads,
    sender_of_units,
    sender_with_early_marker,
    server_saying,
    unescaped,
    with_start_codes,
    without,
)
from simulators.faults.parts import server_with
from simulators.faults.registry import mutant

VPS, SPS, PPS, AP, FU = 32, 33, 34, 48, 49
SETS = (VPS, SPS, PPS)
FIRST_IRAP, LAST_IRAP, LAST_SLICE = 16, 23, 31
LEVEL_OF_SPS, LOWEST_LEVEL = 14, 30
SLICE_CUT_TO = 80
NO_ORDER = b"\0\0"


def _type(nal: bytes) -> int:
    return nal[0] >> 1 & 0x3F


@mutant(violates="IF-H265-01", declaration="h265")
class NamedHevc(Camera):
    """The rtpmap calls H.265 HEVC."""

    zh = "rtpmap 将 H.265 写作 HEVC。"
    server_class = server_saying("h265", lambda line: line.replace("H265/90000", "HEVC/90000"))


@mutant(violates="IF-H265-01", declaration="h265")
class TierOutOfRange(Camera):
    """tier-flag of fmtp is 2."""

    zh = "fmtp 的 tier-flag 为 2。"
    server_class = server_saying("h265", saying("tier-flag", "2"))


def _of_no_layer(nals: Nals) -> Nals:
    return tuple(nal[:1] + bytes((nal[1] & 0xF8,)) + nal[2:] if _type(nal) <= LAST_SLICE else nal for nal in nals)


@mutant(violates="IF-H265-02", declaration="h265")
class TemporalIdNotPlusOne(Camera):
    """TID of the slices is the temporal id itself, 0."""

    zh = "片的 TID 字段填写了时域编号本身（0）。"
    server_class = server_with(sender_of_units("h265", _of_no_layer))


def _without_end(payloads: list[bytes]) -> list[bytes]:
    return [p[:2] + bytes((p[2] & 0xBF,)) + p[3:] if _type(p) == FU else p for p in payloads]


@mutant(violates="IF-H265-03", declaration="h265")
class HevcFragmentsWithoutEnd(Camera):
    """The last fragment of a NAL unit lacks the end bit."""

    zh = "末片未置 E 位。"
    server_class = server_with(sender_of_payloads("h265", _without_end))


def _aggregate_of_layer_two(payloads: list[bytes]) -> list[bytes]:
    return [p[:1] + b"\2" + p[2:] if _type(p) == AP else p for p in payloads]


@mutant(violates="IF-H265-04", declaration="h265")
class AggregateOfHigherLayer(Camera):
    """The header of an aggregation packet has a TID above that of its units."""

    zh = "聚合包首部的 TID 高于所含单元。"
    server_class = server_with(sender_of_payloads("h265", _aggregate_of_layer_two))


def _aggregates_of_one(payloads: list[bytes]) -> list[bytes]:
    alone = [p for p in payloads if _type(p) <= LAST_SLICE]
    packed = {p: bytes((AP << 1, 1)) + struct.pack(">H", len(p)) + p for p in alone}
    return [packed.get(p, p) for p in payloads]


@mutant(violates="IF-H265-04", declaration="h265")
class AggregateOfOneUnit(Camera):
    """A single slice is sent in an aggregation packet."""

    zh = "单个片放在聚合包中发送。"
    server_class = server_with(sender_of_payloads("h265", _aggregates_of_one))


def _with_order(payloads: list[bytes]) -> list[bytes]:
    found = []
    for p in payloads:
        if _type(p) == FU:
            found.append(p[:3] + (NO_ORDER if p[2] & 0x80 else b"") + p[3:])
        else:
            found.append(p[:2] + NO_ORDER + p[2:])
    return found


@mutant(violates="IF-H265-05", declaration="h265")
class UndeclaredOrderNumbers(Camera):
    """Payloads carry DONL though sprop-max-don-diff is absent."""

    zh = "未声明 sprop-max-don-diff，载荷却带 DONL。"
    server_class = server_with(sender_of_payloads("h265", _with_order))


@mutant(violates="IF-H265-06", declaration="h265")
class HevcMarkerBehindParameterSets(Camera):
    """The packet with VPS, SPS and PPS has the marker."""

    zh = "VPS、SPS、PPS 的包置了标志位。"
    server_class = server_with(sender_with_early_marker("h265"))


def _without_sets(nals: Nals) -> Nals:
    return tuple(nal for nal in nals if _type(nal) not in SETS)


@mutant(violates="IF-H265-07", declaration="h265")
class NoHevcSetsAnywhere(Camera):
    """Neither SDP nor stream holds parameter sets."""

    zh = "SDP 与码流均不含参数集。"
    server_class = server_saying(
        "h265", without("sprop-vps", "sprop-sps", "sprop-pps"), sender_of_units("h265", _without_sets)
    )


@mutant(violates="IF-H265-08", declaration="h265")
class HevcSetsWithStartCodes(Camera):
    """sprop-vps holds an Annex B unit, start code and all."""

    zh = "sprop-vps 连同起始码一起编码。"
    server_class = server_saying("h265", with_start_codes("sprop-vps"))


@mutant(violates="IF-H265-10", declaration="h265")
class HevcLevelTooLow(Camera):
    """level-id of fmtp is a constant: level 1."""

    zh = "fmtp 的 level-id 为常量：1 级。"
    server_class = server_saying("h265", saying("level-id", "30"))


@mutant(violates="IF-H265-10", declaration="h265")
class OtherHevcProfile(Camera):
    """profile-id of fmtp is that of the still picture profile."""

    zh = "fmtp 的 profile-id 写为静止图像档次。"
    server_class = server_saying("h265", saying("profile-id", "3"))


def _zero_behind(nals: Nals) -> Nals:
    return tuple(nal + b"\0" for nal in nals)


@mutant(violates="IF-H265-11", declaration="h265")
class ZeroByteBehindHevcUnits(Camera):
    """The zero byte of the next start code stays at the end of each NAL unit."""

    zh = "下一起始码的零字节留在 NAL 单元末尾。"
    server_class = server_with(sender_of_units("h265", _zero_behind))


def _unescaped_sets(nals: Nals) -> Nals:
    return tuple(unescaped(nal) if _type(nal) in SETS else nal for nal in nals)


@mutant(violates="IF-H265-11", declaration="h265")
class HevcSetsWithoutEscapes(Camera):
    """Emulation prevention bytes are taken out of the parameter sets."""

    zh = "参数集去掉了防竞争字节。"
    server_class = server_with(sender_of_units("h265", _unescaped_sets))


def _cut(nals: Nals) -> Nals:
    return tuple(nal[:SLICE_CUT_TO] + b"\x80" if FIRST_IRAP <= _type(nal) <= LAST_IRAP else nal for nal in nals)


@mutant(violates="IF-H265-12", declaration="h265")
class HevcKeyPicturesCut(Camera):
    """The send buffer takes only the beginning of an IRAP slice."""

    zh = "发送缓冲区只装下 IRAP 片的开头。"
    server_class = server_with(sender_of_units("h265", _cut))


def _lowest_level(sets: Nals) -> Nals:
    found = []
    for nal in sets:
        if _type(nal) == SPS:
            data = bytearray(unescaped(nal))
            data[LEVEL_OF_SPS] = LOWEST_LEVEL
            nal = escaped(bytes(data))
        found.append(nal)
    return tuple(found)


@mutant(violates="IF-H265-13", declaration="h265")
class HevcLevelOne(Camera):
    """The SPS says level 1, whatever the size."""

    zh = "SPS 始终声明 1 级。"
    server_class = server_saying("h265", as_it_is, sender_of_units("h265", _lowest_level), sets=_lowest_level)


@mutant(violates="IF-H265-09", declaration="h265")
class HevcDeclaredSetsAreStale(Camera):
    """The SDP is made from parameter sets of an earlier configuration."""

    zh = "SDP 取自旧配置的参数集。"
    server_class = server_saying("h265", as_it_is, sets=_lowest_level)


@mutant(violates="IF-H265-15", declaration="h265")
class EndlessHevcGop(Camera):
    """IRAP pictures come at the beginning only."""

    zh = "仅在开始时有 IRAP 图像。"

    def stream_settings(self, stream: int, parameters: StreamParameters) -> StreamSettings:
        return replace(super().stream_settings(stream, parameters), key_interval_s=600.0)


@mutant(violates="IF-H265-14", declaration="h265")
class HevcPicturesTwiceAsOften(Camera):
    """By their timestamps pictures come twice as often as the parameter sets say."""

    zh = "时间戳使帧率看似参数集所示的两倍。"
    server_class = server_with(HalfClock)

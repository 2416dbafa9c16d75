"""H.264 parameter sets (H.264 7.3.2.1, 7.3.2.2, Annex E) and what a level allows (Table A-1)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.bit_reader import BitReader, unescape
from conformance.protocols.h264 import PPS, SPS, H264Error, nal_type

LONGEST_PARAMETER_SET = 4096
HIGH_PROFILES = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))
INTRA_ONLY_PROFILES = frozenset((44, 86, 100, 110, 122, 244))
EXTENDED_ASPECT_RATIO = 255


@dataclass(frozen=True, slots=True)
class LevelLimits:
    """One level: macroblocks per second, macroblocks per picture, bit rate in kbit/s (Baseline, Main), DPB in MBs."""

    level: str
    max_mbps: int
    max_fs: int
    max_br: int
    max_dpb_mbs: int


LEVELS: dict[int, LevelLimits] = {
    10: LevelLimits("1", 1_485, 99, 64, 396),
    9: LevelLimits("1b", 1_485, 99, 128, 396),
    11: LevelLimits("1.1", 3_000, 396, 192, 900),
    12: LevelLimits("1.2", 6_000, 396, 384, 2_376),
    13: LevelLimits("1.3", 11_880, 396, 768, 2_376),
    20: LevelLimits("2", 11_880, 396, 2_000, 2_376),
    21: LevelLimits("2.1", 19_800, 792, 4_000, 4_752),
    22: LevelLimits("2.2", 20_250, 1_620, 4_000, 8_100),
    30: LevelLimits("3", 40_500, 1_620, 10_000, 8_100),
    31: LevelLimits("3.1", 108_000, 3_600, 14_000, 18_000),
    32: LevelLimits("3.2", 216_000, 5_120, 20_000, 20_480),
    40: LevelLimits("4", 245_760, 8_192, 20_000, 32_768),
    41: LevelLimits("4.1", 245_760, 8_192, 50_000, 32_768),
    42: LevelLimits("4.2", 522_240, 8_704, 50_000, 34_816),
    50: LevelLimits("5", 589_824, 22_080, 135_000, 110_400),
    51: LevelLimits("5.1", 983_040, 36_864, 240_000, 184_320),
    52: LevelLimits("5.2", 2_073_600, 36_864, 240_000, 184_320),
    60: LevelLimits("6", 4_177_920, 139_264, 240_000, 696_320),
    61: LevelLimits("6.1", 8_355_840, 139_264, 480_000, 696_320),
    62: LevelLimits("6.2", 16_711_680, 139_264, 800_000, 696_320),
}
_BIT_RATE_FACTOR = {100: 1.25, 110: 3.0, 122: 4.0, 244: 4.0, 44: 4.0}


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """A sequence parameter set.

    width, height: picture as shown, after cropping, in luma samples.
    constraint_flags: the byte between profile_idc and level_idc, constraint_set0_flag in its highest bit.
    frame_rate: frames a second from the VUI timing, None without it. fixed_frame_rate: fixed_frame_rate_flag.
    max_reorder: frames that may precede a frame in decoding and follow it in output; None when the VUI says nothing.
    coded_width, coded_height: before cropping. sar: sample aspect ratio, None when not given.
    frame_number_bits: length of frame_num in slice headers. gaps_allowed: gaps_in_frame_num_value_allowed_flag.
    """

    width: int
    height: int
    profile_idc: int
    constraint_flags: int
    level_idc: int
    sps_id: int
    frame_rate: float | None
    fixed_frame_rate: bool
    interlaced: bool
    max_reorder: int | None
    reference_frames: int
    coded_width: int
    coded_height: int
    chroma_format: int = 1
    bit_depth: int = 8
    sar: tuple[int, int] | None = None
    full_range: bool | None = None
    frame_number_bits: int = 4
    gaps_allowed: bool = False
    separate_planes: bool = False

    @property
    def macroblocks(self) -> int:
        """Macroblocks of one frame."""
        return self.coded_width * self.coded_height // 256

    @property
    def level(self) -> str:
        """The level as people write it, such as ``3.1`` or ``1b``."""
        limits = level_limits(self)
        return limits.level if limits else f"{self.level_idc / 10:g}"


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """A picture parameter set, up to the fields a receiver has to know."""

    pps_id: int
    sps_id: int
    cabac: bool
    slice_groups: int
    weighted_prediction: bool
    initial_qp: int


@dataclass(frozen=True, slots=True)
class _Vui:
    frame_rate: float | None = None
    fixed_frame_rate: bool = False
    max_reorder: int | None = None
    sar: tuple[int, int] | None = None
    full_range: bool | None = None


def profile_level_id(nal: bytes) -> str:
    """profile-level-id of RFC 6184 8.1: six hex digits in lower case, bytes 1 to 3 of the SPS. Raises H264Error."""
    if nal_type(nal) != SPS or len(nal) < 4:
        raise H264Error(0, "h264.sps", nal, "This is no sequence parameter set", "H.264 7.3.2.1")
    return nal[1:4].hex()


def parse_sps(nal: bytes) -> SequenceParameters:
    """Read an SPS with its NAL unit header. Raises H264Error."""
    return read_sequence(_reader(nal, SPS, "h264.sps", "H.264 7.3.2.1"))


def sps_is_complete(nal: bytes) -> bool:
    """Whether nothing but the trailing bits stands behind the last field of an SPS (7.3.2.11). Raises H264Error."""
    reader = _reader(nal, SPS, "h264.sps", "H.264 7.3.2.1")
    read_sequence(reader)
    return ends_here(reader)


def ends_here(reader: BitReader) -> bool:
    """Whether only rbsp_trailing_bits are left: a one, and zeros to the end of the byte."""
    left = reader.left
    return 1 <= left <= 8 and reader.bits(left) == 1 << (left - 1)


def read_sequence(reader: BitReader) -> SequenceParameters:
    """seq_parameter_set_data, the reader standing behind the NAL unit header. Raises the error of the reader."""
    profile, flags, level = reader.bits(8), reader.bits(8), reader.bits(8)
    sps_id = reader.ue(largest=31)
    chroma, depth, apart = _chroma_and_depth(reader) if profile in HIGH_PROFILES else (1, 8, False)
    number_bits = 4 + reader.ue(largest=12)
    _picture_order(reader)
    references = reader.ue(largest=16)
    gaps_allowed = reader.flag()
    width_mbs = 1 + reader.ue(largest=1055)
    map_units = 1 + reader.ue(largest=1055)
    frames_only = reader.flag()
    if not frames_only:
        reader.skip(1)
    reader.skip(1)
    height_mbs = map_units * (1 if frames_only else 2)
    width, height = _cropped(reader, 16 * width_mbs, 16 * height_mbs, chroma, frames_only)
    vui = _vui(reader) if reader.flag() else _Vui()
    intra_only = profile in INTRA_ONLY_PROFILES and bool(flags & 0x10)
    return SequenceParameters(
        width=width,
        height=height,
        profile_idc=profile,
        constraint_flags=flags,
        level_idc=level,
        sps_id=sps_id,
        frame_rate=vui.frame_rate,
        fixed_frame_rate=vui.fixed_frame_rate,
        interlaced=not frames_only,
        max_reorder=_reorder(vui, profile, intra_only),
        reference_frames=references,
        coded_width=16 * width_mbs,
        coded_height=16 * height_mbs,
        chroma_format=chroma,
        bit_depth=depth,
        sar=vui.sar,
        full_range=vui.full_range,
        frame_number_bits=number_bits,
        gaps_allowed=gaps_allowed,
        separate_planes=apart,
    )


def parse_pps(nal: bytes) -> PictureParameters:
    """Read the front of a PPS with its NAL unit header. Raises H264Error."""
    reader = _reader(nal, PPS, "h264.pps", "H.264 7.3.2.2")
    pps_id = reader.ue(largest=255)
    sps_id = reader.ue(largest=31)
    cabac = reader.flag()
    reader.skip(1)
    groups = 1 + reader.ue(largest=7)
    if groups > 1:
        return PictureParameters(pps_id, sps_id, cabac, groups, False, 26)
    reader.ue(largest=31)
    reader.ue(largest=31)
    weighted = reader.flag() | (reader.bits(2) > 0)
    return PictureParameters(pps_id, sps_id, cabac, groups, weighted, 26 + reader.se())


def level_limits(sps: SequenceParameters) -> LevelLimits | None:
    """The row of Table A-1 for this SPS; None for a level that does not exist. Level 1b by flag counts (A.3.1)."""
    by_flag = sps.level_idc == 11 and sps.profile_idc in (66, 77, 88) and sps.constraint_flags & 0x10
    return LEVELS.get(9 if by_flag else sps.level_idc)


def level_allows(sps: SequenceParameters, frame_rate: float, bit_rate: float = 0.0) -> bool:
    """Whether the level covers picture size, reference memory, macroblock rate at ``frame_rate`` (1/s), and
    ``bit_rate`` (bit/s)."""
    limits = level_limits(sps)
    if limits is None or frame_rate < 0:
        return False
    factor = _BIT_RATE_FACTOR.get(sps.profile_idc, 1.0)
    longest_side = 16 * (8 * limits.max_fs) ** 0.5
    return (
        sps.macroblocks <= limits.max_fs
        and sps.macroblocks * sps.reference_frames <= limits.max_dpb_mbs
        and max(sps.coded_width, sps.coded_height) <= longest_side
        and sps.macroblocks * frame_rate <= limits.max_mbps
        and bit_rate <= 1000 * factor * limits.max_br
    )


def _reader(nal: bytes, kind: int, rule: str, clause: str) -> BitReader:
    if nal_type(nal) != kind or not 2 <= len(nal) <= LONGEST_PARAMETER_SET:
        raise H264Error(0, rule, nal, f"This is no NAL unit of type {kind}, or it is far too long", clause)
    reader = BitReader(unescape(nal), H264Error, f"{rule}.bits")
    reader.skip(8)
    return reader


def _chroma_and_depth(reader: BitReader) -> tuple[int, int, bool]:
    chroma = reader.ue(largest=3)
    apart = chroma == 3 and reader.flag()
    depth = 8 + reader.ue(largest=6)
    reader.ue(largest=6)
    reader.skip(1)
    if reader.flag():
        for index in range(12 if chroma == 3 else 8):
            if reader.flag():
                scaling_list(reader, 16 if index < 6 else 64)
    return chroma, depth, apart


def scaling_list(reader: BitReader, size: int) -> None:
    """Pass over a scaling list (7.3.2.1.1.1)."""
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + reader.se()) % 256
        last = following or last


def _picture_order(reader: BitReader) -> None:
    kind = reader.ue(largest=2)
    if kind == 0:
        reader.ue()
    elif kind == 1:
        reader.skip(1)
        reader.se()
        reader.se()
        for _ in range(reader.ue(largest=255)):
            reader.se()


def _cropped(reader: BitReader, width: int, height: int, chroma: int, frames_only: bool) -> tuple[int, int]:
    if not reader.flag():
        return width, height
    left, right, top, bottom = (reader.ue() for _ in range(4))
    across = 2 if chroma in (1, 2) else 1
    down = (2 if chroma == 1 else 1) * (1 if frames_only else 2)
    width -= across * (left + right)
    height -= down * (top + bottom)
    if width <= 0 or height <= 0:
        raise reader.broken("The cropping leaves no picture")
    return width, height


_ASPECT_RATIOS = (
    (1, 1), (12, 11), (10, 11), (16, 11), (40, 33), (24, 11), (20, 11), (32, 11),
    (80, 33), (18, 11), (15, 11), (64, 33), (160, 99), (4, 3), (3, 2), (2, 1),
)  # fmt: skip


def aspect_ratio(reader: BitReader) -> tuple[int, int] | None:
    """aspect_ratio_info_present_flag and what follows it (Table E-1)."""
    if not reader.flag():
        return None
    number = reader.bits(8)
    if number == EXTENDED_ASPECT_RATIO:
        return reader.bits(16), reader.bits(16)
    return _ASPECT_RATIOS[number - 1] if 1 <= number <= len(_ASPECT_RATIOS) else None


def video_signal(reader: BitReader) -> bool | None:
    """overscan and video_signal_type of the VUI; the full range flag, None when absent."""
    if reader.flag():
        reader.skip(1)
    if not reader.flag():
        return None
    reader.skip(3)
    full_range = reader.flag()
    if reader.flag():
        reader.skip(24)
    return full_range


def _vui(reader: BitReader) -> _Vui:
    sar = aspect_ratio(reader)
    full_range = video_signal(reader)
    if reader.flag():
        reader.ue()
        reader.ue()
    rate, fixed = _timing(reader) if reader.flag() else (None, False)
    hrd = [_hrd(reader) for _ in range(2) if reader.flag()]
    if hrd:
        reader.skip(1)
    reader.skip(1)
    return _Vui(rate, fixed, _restriction(reader) if reader.flag() else None, sar, full_range)


def _timing(reader: BitReader) -> tuple[float | None, bool]:
    tick, scale = reader.bits(32), reader.bits(32)
    fixed = reader.flag()
    return (scale / (2 * tick) if tick and scale else None), fixed


def _hrd(reader: BitReader) -> bool:
    count = 1 + reader.ue(largest=31)
    reader.skip(8)
    for _ in range(count):
        reader.ue()
        reader.ue()
        reader.skip(1)
    reader.skip(20)
    return True


def _restriction(reader: BitReader) -> int:
    reader.skip(1)
    for _ in range(4):
        reader.ue()
    reorder = reader.ue()
    reader.ue()
    return reorder


def _reorder(vui: _Vui, profile: int, intra_only: bool) -> int | None:
    """What the VUI says; Baseline has no B slices, intra-only profiles reorder nothing (E.2.1)."""
    if vui.max_reorder is not None:
        return vui.max_reorder
    return 0 if profile == 66 or intra_only else None

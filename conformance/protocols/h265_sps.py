"""H.265 parameter sets (H.265 7.3.2.1 to 7.3.2.3, Annex E) and what a level allows (Tables A.8, A.9)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.protocols.bit_reader import BitReader, unescape
from conformance.protocols.h264_sps import aspect_ratio, video_signal
from conformance.protocols.violation import CodecError

VPS, SPS, PPS = 32, 33, 34
LONGEST_PARAMETER_SET = 8192
LARGEST_SIDE = 16_888
MAX_LAYER_SETS = 1024


class H265Error(CodecError):
    """Bytes that are no H.265 parameter set, or NAL units that no payload can carry."""


@dataclass(frozen=True, slots=True)
class ProfileTierLevel:
    """general_* of profile_tier_level(). constraints: the 48 bits that follow the compatibility flags."""

    profile_idc: int
    high_tier: bool
    level_idc: int
    compatibility: int
    constraints: int

    @property
    def level(self) -> str:
        """The level as people write it, such as ``4.1``."""
        return f"{self.level_idc / 30:g}"


@dataclass(frozen=True, slots=True)
class LevelLimits:
    """One level: luma samples a second, luma samples a picture, bit rate in kbit/s of the main and the high tier."""

    level: str
    max_luma_rate: int
    max_luma_size: int
    max_br: int
    max_br_high: int


LEVELS: dict[int, LevelLimits] = {
    30: LevelLimits("1", 552_960, 36_864, 128, 128),
    60: LevelLimits("2", 3_686_400, 122_880, 1_500, 1_500),
    63: LevelLimits("2.1", 7_372_800, 245_760, 3_000, 3_000),
    90: LevelLimits("3", 16_588_800, 552_960, 6_000, 6_000),
    93: LevelLimits("3.1", 33_177_600, 983_040, 10_000, 10_000),
    120: LevelLimits("4", 66_846_720, 2_228_224, 12_000, 30_000),
    123: LevelLimits("4.1", 133_693_440, 2_228_224, 20_000, 50_000),
    150: LevelLimits("5", 267_386_880, 8_912_896, 25_000, 100_000),
    153: LevelLimits("5.1", 534_773_760, 8_912_896, 40_000, 160_000),
    156: LevelLimits("5.2", 1_069_547_520, 8_912_896, 60_000, 240_000),
    180: LevelLimits("6", 1_069_547_520, 35_651_584, 60_000, 240_000),
    183: LevelLimits("6.1", 2_139_095_040, 35_651_584, 120_000, 480_000),
    186: LevelLimits("6.2", 4_278_190_080, 35_651_584, 240_000, 800_000),
}


@dataclass(frozen=True, slots=True)
class VideoParameters:
    """A video parameter set. frame_rate: frames a second from its timing, None without it."""

    vps_id: int
    sub_layers: int
    profile: ProfileTierLevel
    frame_rate: float | None


@dataclass(frozen=True, slots=True)
class SequenceParameters:
    """A sequence parameter set.

    width, height: picture as shown, after the conformance window, in luma samples; coded_*: before it.
    frame_rate: pictures a second from the VUI timing, None without it. fixed_frame_rate: the HRD says the rate of the
    highest sub-layer is constant. interlaced: field_seq_flag, each picture is a field. max_reorder, reference_frames:
    sps_max_num_reorder_pics and sps_max_dec_pic_buffering_minus1 of the highest sub-layer.
    """

    width: int
    height: int
    profile: ProfileTierLevel
    sps_id: int
    vps_id: int
    frame_rate: float | None
    fixed_frame_rate: bool
    interlaced: bool
    max_reorder: int
    reference_frames: int
    coded_width: int
    coded_height: int
    sub_layers: int
    chroma_format: int = 1
    bit_depth: int = 8
    sar: tuple[int, int] | None = None
    full_range: bool | None = None

    @property
    def profile_idc(self) -> int:
        """general_profile_idc."""
        return self.profile.profile_idc

    @property
    def level_idc(self) -> int:
        """general_level_idc, 30 times the level."""
        return self.profile.level_idc

    @property
    def level(self) -> str:
        """The level as people write it."""
        return self.profile.level


@dataclass(frozen=True, slots=True)
class PictureParameters:
    """A picture parameter set, up to the fields a receiver has to know."""

    pps_id: int
    sps_id: int
    dependent_slices: bool
    initial_qp: int


@dataclass(frozen=True, slots=True)
class _Vui:
    frame_rate: float | None = None
    fixed_frame_rate: bool = False
    interlaced: bool = False
    sar: tuple[int, int] | None = None
    full_range: bool | None = None


def nal_type(nal: bytes) -> int:
    """nal_unit_type (H.265 7.4.2.2), -1 for no bytes."""
    return nal[0] >> 1 & 0x3F if nal else -1


def parse_vps(nal: bytes) -> VideoParameters:
    """Read a VPS with its NAL unit header, up to its timing. Raises H265Error."""
    reader = _reader(nal, VPS, "h265.vps")
    vps_id = reader.bits(4)
    reader.skip(2 + 6)
    sub_layers = 1 + reader.bits(3)
    reader.skip(1 + 16)
    profile = _profile(reader, sub_layers)
    _ordering(reader, sub_layers)
    layers = 1 + reader.bits(6)
    sets = reader.ue(largest=MAX_LAYER_SETS - 1)
    reader.skip(sets * layers)
    rate = _timing(reader) if reader.flag() else None
    return VideoParameters(vps_id, sub_layers, profile, rate)


def parse_sps(nal: bytes) -> SequenceParameters:
    """Read an SPS of the base layer with its NAL unit header. Raises H265Error."""
    reader = _reader(nal, SPS, "h265.sps")
    vps_id, sub_layers = reader.bits(4), 1 + reader.bits(3)
    reader.skip(1)
    profile = _profile(reader, sub_layers)
    sps_id = reader.ue(largest=15)
    chroma = reader.ue(largest=3)
    planes_apart = chroma == 3 and reader.flag()
    coded = reader.ue(largest=LARGEST_SIDE), reader.ue(largest=LARGEST_SIDE)
    width, height = _shown(reader, coded, 0 if planes_apart else chroma)
    depth = 8 + reader.ue(largest=8)
    reader.ue(largest=8)
    order_bits = 4 + reader.ue(largest=12)
    references, reorder = _ordering(reader, sub_layers)
    _coding_tools(reader, order_bits)
    vui = _vui(reader, sub_layers) if reader.flag() else _Vui()
    return SequenceParameters(
        width=width,
        height=height,
        profile=profile,
        sps_id=sps_id,
        vps_id=vps_id,
        frame_rate=vui.frame_rate,
        fixed_frame_rate=vui.fixed_frame_rate,
        interlaced=vui.interlaced,
        max_reorder=reorder,
        reference_frames=references,
        coded_width=coded[0],
        coded_height=coded[1],
        sub_layers=sub_layers,
        chroma_format=chroma,
        bit_depth=depth,
        sar=vui.sar,
        full_range=vui.full_range,
    )


def parse_pps(nal: bytes) -> PictureParameters:
    """Read the front of a PPS with its NAL unit header. Raises H265Error."""
    reader = _reader(nal, PPS, "h265.pps")
    pps_id, sps_id = reader.ue(largest=63), reader.ue(largest=15)
    dependent = reader.flag()
    reader.skip(1 + 3 + 2)
    reader.ue(largest=14)
    reader.ue(largest=14)
    return PictureParameters(pps_id, sps_id, dependent, 26 + reader.se())


def level_limits(sps: SequenceParameters) -> LevelLimits | None:
    """The row of Tables A.8 and A.9 for this SPS; None for a level that does not exist."""
    return LEVELS.get(sps.level_idc)


def level_allows(sps: SequenceParameters, frame_rate: float, bit_rate: float = 0.0) -> bool:
    """Whether the level covers picture size, sample rate at ``frame_rate`` (1/s), and ``bit_rate`` (bit/s)."""
    limits = level_limits(sps)
    if limits is None or frame_rate < 0:
        return False
    samples = sps.coded_width * sps.coded_height
    return (
        samples <= limits.max_luma_size
        and max(sps.coded_width, sps.coded_height) <= (8 * limits.max_luma_size) ** 0.5
        and samples * frame_rate <= limits.max_luma_rate
        and bit_rate <= 1100 * (limits.max_br_high if sps.profile.high_tier else limits.max_br)
    )


def _reader(nal: bytes, kind: int, rule: str) -> BitReader:
    if nal_type(nal) != kind or not 3 <= len(nal) <= LONGEST_PARAMETER_SET:
        raise H265Error(0, rule, nal, f"This is no NAL unit of type {kind}, or it is far too long", "H.265 7.3.2")
    reader = BitReader(unescape(nal), H265Error, f"{rule}.bits")
    reader.skip(16)
    return reader


def _profile(reader: BitReader, sub_layers: int) -> ProfileTierLevel:
    """profile_tier_level( 1, sub_layers - 1 ), 7.3.3."""
    reader.skip(2)
    tier, profile = reader.flag(), reader.bits(5)
    compatibility, constraints, level = reader.bits(32), reader.bits(48), reader.bits(8)
    present = [(reader.flag(), reader.flag()) for _ in range(sub_layers - 1)]
    if sub_layers > 1:
        reader.skip(2 * (8 - (sub_layers - 1)))
    for with_profile, with_level in present:
        reader.skip(88 * with_profile + 8 * with_level)
    return ProfileTierLevel(profile, tier, level, compatibility, constraints)


def _ordering(reader: BitReader, sub_layers: int) -> tuple[int, int]:
    """Reference pictures and reordering of the highest sub-layer."""
    references = reorder = 0
    for _ in range(sub_layers if reader.flag() else 1):
        references, reorder = reader.ue(largest=15), reader.ue(largest=15)
        reader.ue()
    return references, reorder


def _shown(reader: BitReader, coded: tuple[int, int], chroma: int) -> tuple[int, int]:
    if not reader.flag():
        return coded
    left, right, top, bottom = (reader.ue(largest=LARGEST_SIDE) for _ in range(4))
    width = coded[0] - (2 if chroma in (1, 2) else 1) * (left + right)
    height = coded[1] - (2 if chroma == 1 else 1) * (top + bottom)
    if width <= 0 or height <= 0:
        raise reader.broken("the conformance window leaves no picture")
    return width, height


def _coding_tools(reader: BitReader, order_bits: int) -> None:
    """Everything between the picture buffers and the VUI flag (7.3.2.2.1)."""
    for _ in range(6):
        reader.ue()
    if reader.flag() and reader.flag():
        _scaling_lists(reader)
    reader.skip(2)
    if reader.flag():
        reader.skip(8)
        reader.ue()
        reader.ue()
        reader.skip(1)
    _reference_sets(reader)
    if reader.flag():
        for _ in range(reader.ue(largest=32)):
            reader.skip(order_bits + 1)
    reader.skip(2)


def _scaling_lists(reader: BitReader) -> None:
    """scaling_list_data(), 7.3.4."""
    for size in range(4):
        for _ in range(2 if size == 3 else 6):
            if not reader.flag():
                reader.ue()
                continue
            if size > 1:
                reader.se()
            for _ in range(min(64, 1 << (4 + 2 * size))):
                reader.se()


def _reference_sets(reader: BitReader) -> None:
    """All st_ref_pic_set() of the SPS, 7.3.7. A predicted set is as long as the set before it makes it."""
    offsets: list[int] = []
    for index in range(reader.ue(largest=64)):
        offsets = _predicted_set(reader, offsets) if index and reader.flag() else _written_set(reader)


def _written_set(reader: BitReader) -> list[int]:
    before, after = reader.ue(largest=16), reader.ue(largest=16)
    offsets = []
    for count, sign in ((before, -1), (after, 1)):
        offset = 0
        for _ in range(count):
            offset += sign * (1 + reader.ue(largest=32_767))
            reader.skip(1)
            offsets.append(offset)
    return offsets


def _predicted_set(reader: BitReader, offsets: list[int]) -> list[int]:
    """Picture order offsets of a set predicted from ``offsets`` (7-61, 7-62); the picture itself is no reference."""
    negative = reader.flag()
    shift = 1 + reader.ue(largest=32_767)
    kept = []
    for offset in [*offsets, 0]:
        used = reader.flag()
        moved = offset + (-shift if negative else shift)
        if (used or reader.flag()) and moved:
            kept.append(moved)
    return sorted((o for o in kept if o < 0), reverse=True) + sorted(o for o in kept if o > 0)


def _vui(reader: BitReader, sub_layers: int) -> _Vui:
    """vui_parameters(), E.2.1; the bitstream restriction at its end is not needed."""
    sar = aspect_ratio(reader)
    full_range = video_signal(reader)
    if reader.flag():
        reader.ue()
        reader.ue()
    reader.skip(1)
    fields = reader.flag()
    reader.skip(1)
    if reader.flag():
        for _ in range(4):
            reader.ue()
    vui = _Vui(None, False, fields, sar, full_range)
    if reader.flag():
        rate = _timing(reader)
        fixed = reader.flag() and _fixed_rate(reader, sub_layers)
        vui = replace(vui, frame_rate=rate, fixed_frame_rate=fixed)
    return vui


def _timing(reader: BitReader) -> float | None:
    tick, scale = reader.bits(32), reader.bits(32)
    if reader.flag():
        reader.ue()
    return scale / tick if tick and scale else None


def _fixed_rate(reader: BitReader, sub_layers: int) -> bool:
    """hrd_parameters( 1, ... ) up to the flags of the highest sub-layer (E.2.2, E.2.3)."""
    buffers = reader.flag(), reader.flag()
    parts = False
    if any(buffers):
        parts = reader.flag()
        reader.skip(19 if parts else 0)
        reader.skip(8 + (4 if parts else 0) + 15)
    fixed = False
    for _ in range(sub_layers):
        fixed = _sub_layer(reader, sum(buffers), parts)
    return fixed


def _sub_layer(reader: BitReader, descriptions: int, parts: bool) -> bool:
    general = reader.flag()
    fixed = general or reader.flag()
    low_delay = False
    if fixed:
        reader.ue()
    else:
        low_delay = reader.flag()
    count = 1 if low_delay else 1 + reader.ue(largest=31)
    for _ in range(descriptions * count):
        for _ in range(4 if parts else 2):
            reader.ue()
        reader.skip(1)
    return fixed

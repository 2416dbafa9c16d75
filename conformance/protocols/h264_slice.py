"""The front of H.264 slice headers (7.3.3), and picture parameter sets to their last bit (7.3.2.2)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.bit_reader import BitReader, unescape
from conformance.protocols.h264 import IDR, PPS, SLICE, H264Error, nal_type
from conformance.protocols.h264_sps import SequenceParameters, ends_here, scaling_list

SLICES = (SLICE, IDR)
FRONT = 40
MAX_MAP_UNITS = 1 << 20


@dataclass(frozen=True, slots=True)
class SliceHead:
    """first_mb: address of its first macroblock. frame_num: None when the SPS is not known. reference: nal_ref_idc."""

    first_mb: int
    slice_type: int
    pps_id: int
    frame_num: int | None
    reference: int
    idr: bool


def parse_slice_head(nal: bytes, sps: SequenceParameters | None) -> SliceHead:
    """Read the front of a slice of type 1 or 5. Raises H264Error."""
    if nal_type(nal) not in SLICES or len(nal) < 2:
        raise H264Error(0, "h264.slice", nal, "This is no slice", "H.264 7.3.3")
    reader = BitReader(unescape(nal[:FRONT]), H264Error, "h264.slice.bits")
    reader.skip(8)
    first, kind, pps_id = reader.ue(), reader.ue(largest=9), reader.ue(largest=255)
    number = None
    if sps is not None:
        if sps.separate_planes:
            reader.skip(2)
        number = reader.bits(sps.frame_number_bits)
    return SliceHead(first, kind, pps_id, number, nal[0] >> 5 & 3, nal_type(nal) == IDR)


def pps_is_complete(nal: bytes, chroma_format: int) -> bool:
    """Whether nothing but the trailing bits stands behind the last field of a PPS. Raises H264Error."""
    if nal_type(nal) != PPS or len(nal) < 2:
        raise H264Error(0, "h264.pps", nal, "This is no picture parameter set", "H.264 7.3.2.2")
    data = unescape(nal)
    reader = BitReader(data, H264Error, "h264.pps.bits")
    reader.skip(8)
    reader.ue(largest=255)
    reader.ue(largest=31)
    reader.skip(2)
    groups = 1 + reader.ue(largest=7)
    if groups > 1:
        _slice_groups(reader, groups)
    reader.ue(largest=31)
    reader.ue(largest=31)
    reader.skip(3)
    for _ in range(3):
        reader.se()
    reader.skip(3)
    if _more(data, reader):
        _high_part(reader, chroma_format)
    return ends_here(reader)


def _more(data: bytes, reader: BitReader) -> bool:
    """more_rbsp_data (7.2): whether the last one bit, which begins the trailing bits, lies further on."""
    number = int.from_bytes(data, "big")
    last_one = len(data) * 8 - 1 - ((number & -number).bit_length() - 1) if number else 0
    return reader.position < last_one


def _high_part(reader: BitReader, chroma_format: int) -> None:
    eight = reader.flag()
    if reader.flag():
        for index in range(6 + (2 if chroma_format != 3 else 6) * eight):
            if reader.flag():
                scaling_list(reader, 16 if index < 6 else 64)
    reader.se()


def _slice_groups(reader: BitReader, groups: int) -> None:
    kind = reader.ue(largest=6)
    if kind == 0:
        for _ in range(groups):
            reader.ue()
    elif kind == 2:
        for _ in range(2 * (groups - 1)):
            reader.ue()
    elif kind in (3, 4, 5):
        reader.skip(1)
        reader.ue()
    elif kind == 6:
        units = 1 + reader.ue(largest=MAX_MAP_UNITS)
        reader.skip(units * (groups - 1).bit_length())

"""The front of H.265 slice segment headers (7.3.6.1)."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.protocols.bit_reader import BitReader, unescape
from conformance.protocols.h265_sps import H265Error, nal_type

FIRST_IRAP, LAST_IRAP, LAST_SLICE = 16, 23, 31
FRONT = 32


@dataclass(frozen=True, slots=True)
class SegmentHead:
    """first: first_slice_segment_in_pic_flag. pps_id: slice_pic_parameter_set_id."""

    first: bool
    pps_id: int


def parse_segment_head(nal: bytes) -> SegmentHead:
    """Read the front of a slice segment with its NAL unit header. Raises H265Error."""
    kind = nal_type(nal)
    if not 0 <= kind <= LAST_SLICE or len(nal) < 3:
        raise H265Error(0, "h265.slice", nal, "This is no slice segment", "H.265 7.3.6.1")
    reader = BitReader(unescape(nal[:FRONT]), H265Error, "h265.slice.bits")
    reader.skip(16)
    first = reader.flag()
    if FIRST_IRAP <= kind <= LAST_IRAP:
        reader.skip(1)
    return SegmentHead(first, reader.ue(largest=63))

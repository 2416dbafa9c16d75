"""Parameter sets of a track: those of the SDP, and those in the stream."""

from __future__ import annotations

from conformance.peers.media_track import Track
from conformance.protocols import h264, h264_sps, h265
from conformance.protocols.h264 import nal_type as avc_type
from conformance.protocols.h264_slice import SLICES, parse_slice_head, pps_is_complete
from conformance.protocols.h264_sps import parse_pps, parse_sps, sps_is_complete
from conformance.protocols.h265_slice import LAST_SLICE, parse_segment_head
from conformance.protocols.h265_sps import nal_type as hevc_type
from conformance.protocols.sdp_formats import H264Format, H265Format, read_h264_format, read_h265_format
from conformance.protocols.sdp_lines import SdpError
from conformance.protocols.violation import CodecError

AVC_SETS = (7, 8)
HEVC_SETS = (32, 33, 34)


def kind_of(codec: str, nal: bytes) -> int:
    """nal_unit_type, -1 for no bytes."""
    return hevc_type(nal) if codec == "h265" else avc_type(nal)


def declared_h264(track: Track) -> H264Format:
    """fmtp of the first payload type. Raises SdpError."""
    return read_h264_format(track.media.fmtp(track.media.payload_types[0]))


def declared_h265(track: Track) -> H265Format:
    """fmtp of the first payload type. Raises SdpError."""
    return read_h265_format(track.media.fmtp(track.media.payload_types[0]))


def sdp_sets(track: Track) -> tuple[bytes, ...]:
    """Parameter sets of the SDP; none when they cannot be read."""
    try:
        if track.codec == "h264":
            return declared_h264(track).parameter_sets
        found = declared_h265(track)
    except SdpError:
        return ()
    return (*found.vps, *found.sps, *found.pps)


def stream_sets(track: Track) -> list[bytes]:
    """Parameter sets in the stream, in the order of arrival."""
    wanted = AVC_SETS if track.codec == "h264" else HEVC_SETS
    return [nal for _, unit in track.access_units() for nal in unit.nals if nal and kind_of(track.codec, nal) in wanted]


def set_number(codec: str, nal: bytes) -> tuple[int, int, int] | None:
    """(type, id, id of the set it refers to, -1 for none); None for what is no parameter set or cannot be read."""
    kind = kind_of(codec, nal)
    try:
        if codec == "h264":
            if kind == h264.PPS:
                avc = h264_sps.parse_pps(nal)
                return kind, avc.pps_id, avc.sps_id
            return (kind, h264_sps.parse_sps(nal).sps_id, -1) if kind == h264.SPS else None
        if kind == h265.PPS:
            hevc = h265.parse_pps(nal)
            return kind, hevc.pps_id, hevc.sps_id
        if kind == h265.SPS:
            sps = h265.parse_sps(nal)
            return kind, sps.sps_id, sps.vps_id
        return (kind, h265.parse_vps(nal).vps_id, -1) if kind == h265.VPS else None
    except CodecError:
        return None


def changed_sets(track: Track) -> list[str]:
    """Sets that come first in the stream with the type and id of one in the SDP, and another content."""
    told = {found[:2]: nal for nal in sdp_sets(track) if (found := set_number(track.codec, nal))}
    first: dict[tuple[int, int], bytes] = {}
    for nal in stream_sets(track):
        if found := set_number(track.codec, nal):
            first.setdefault(found[:2], nal)
    return [f"type {kind} id {n}" for (kind, n), nal in first.items() if told.get((kind, n), nal) != nal]


def active_sps(track: Track) -> bytes | None:
    """The SPS that the first slice of the stream refers to, as the stream has it, else the SDP; without a readable
    slice the first SPS there is."""
    sets: dict[tuple[int, int], tuple[int, bytes]] = {}
    for nal in (*stream_sets(track), *sdp_sets(track)):
        if found := set_number(track.codec, nal):
            sets.setdefault(found[:2], (found[2], nal))
    sps_type, pps_type = (h264.SPS, h264.PPS) if track.codec == "h264" else (h265.SPS, h265.PPS)
    used = next(
        (n for _, unit in track.access_units() for nal in unit.nals if (n := used_pps(track.codec, nal)) >= 0), -1
    )
    number = sets.get((pps_type, used), (-1, b""))[0]
    if (sps_type, number) in sets:
        return sets[sps_type, number][1]
    return next((nal for (kind, _), (_, nal) in sets.items() if kind == sps_type), None)


def used_pps(codec: str, nal: bytes) -> int:
    """The PPS that a slice refers to; -1 for anything but a readable slice of the base layer."""
    try:
        if codec == "h264":
            return parse_slice_head(nal, None).pps_id if h264.nal_type(nal) in SLICES else -1
        return parse_segment_head(nal).pps_id if is_base_segment(nal) else -1
    except CodecError:
        return -1


def is_base_segment(nal: bytes) -> bool:
    """Whether this is a slice segment of H.265 with nuh_layer_id 0."""
    return len(nal) > h265.HEADER and h265.nal_type(nal) <= LAST_SLICE and not (nal[0] & 1 or nal[1] >> 3)


def known_sets(track: Track) -> list[bytes]:
    """All of them, each once, those of the SDP first."""
    return list(dict.fromkeys((*sdp_sets(track), *stream_sets(track))))


def incomplete_sets(sets: list[bytes]) -> list[str]:
    """H.264 sets that are cut, have something behind their end, or refer to an SPS that there is not."""
    faults = []
    sequences = {}
    for nal in sets:
        if avc_type(nal) == AVC_SETS[0]:
            try:
                parsed = parse_sps(nal)
                sequences[parsed.sps_id] = parsed
                faults += [] if sps_is_complete(nal) else [f"SPS {parsed.sps_id}: bits left over"]
            except CodecError as error:
                faults.append(str(error))
    for nal in sets:
        if avc_type(nal) == AVC_SETS[1]:
            try:
                number, parent = (found := parse_pps(nal)).pps_id, sequences.get(found.sps_id)
                if parent is None:
                    faults.append(f"PPS {number}: there is no SPS {found.sps_id}")
                elif not pps_is_complete(nal, parent.chroma_format):
                    faults.append(f"PPS {number}: bits left over")
            except CodecError as error:
                faults.append(str(error))
    return faults

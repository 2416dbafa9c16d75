"""Parameter sets of a track: those of the SDP, and those in the stream."""

from __future__ import annotations

from conformance.peers.media_track import Track
from conformance.protocols.h264 import nal_type as avc_type
from conformance.protocols.h264_slice import pps_is_complete
from conformance.protocols.h264_sps import parse_pps, parse_sps, sps_is_complete
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

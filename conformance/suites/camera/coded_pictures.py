"""What is wrong with the coded pictures of a stream: start codes, parameter sets, frame numbers, key frames."""

from __future__ import annotations

import re
from itertools import pairwise

from conformance.media.decoding import decode_units
from conformance.peers.media_track import Track
from conformance.protocols import h264, h265
from conformance.protocols.access_unit import START_CODE, AccessUnit
from conformance.protocols.h264_slice import SLICES, SliceHead, parse_slice_head
from conformance.protocols.h264_sps import SequenceParameters, parse_pps, parse_sps
from conformance.protocols.h265_slice import parse_segment_head
from conformance.protocols.rtp import timestamp_step
from conformance.protocols.violation import CodecError

FORBIDDEN = re.compile(rb"\x00\x00[\x00-\x02]")
MOST_DECODED = 4
HEVC_SLICES = range(32)


def escaped(nals: list[bytes]) -> list[str]:
    """NAL units that hold what only start codes may, or that end in a zero byte."""
    faults = []
    for nal in nals:
        if found := FORBIDDEN.search(nal):
            faults.append(f"{found[0].hex()} at {found.start()} of {len(nal)} bytes")
        elif nal.endswith(b"\0"):
            faults.append(f"{len(nal)} bytes end in 00")
    return faults


def _number_of_set(codec: str, nal: bytes) -> tuple[int, int, int] | None:
    """(type, id, id of the set it refers to, -1 for none); None for what is no parameter set or cannot be read."""
    try:
        if codec == "h264":
            if h264.nal_type(nal) == h264.PPS:
                pps = parse_pps(nal)
                return h264.PPS, pps.pps_id, pps.sps_id
            return (h264.SPS, parse_sps(nal).sps_id, -1) if h264.nal_type(nal) == h264.SPS else None
        kind = h265.nal_type(nal)
        if kind == h265.PPS:
            found = h265.parse_pps(nal)
            return kind, found.pps_id, found.sps_id
        if kind == h265.SPS:
            sps = h265.parse_sps(nal)
            return kind, sps.sps_id, sps.vps_id
        return (kind, h265.parse_vps(nal).vps_id, -1) if kind == h265.VPS else None
    except CodecError:
        return None


def _reference(codec: str, nal: bytes) -> int | None:
    """The PPS that a slice refers to; None for anything but a readable slice."""
    try:
        if codec == "h264":
            return parse_slice_head(nal, None).pps_id if h264.nal_type(nal) in SLICES else None
        return parse_segment_head(nal).pps_id if h265.nal_type(nal) in HEVC_SLICES and nal else None
    except CodecError:
        return None


def missing_sets(codec: str, units: list[AccessUnit], told: tuple[bytes, ...]) -> list[str]:
    """Slices of complete units that refer to a set which neither the SDP nor the stream has given before."""
    chain = {h264.PPS: h264.SPS} if codec == "h264" else {h265.PPS: h265.SPS, h265.SPS: h265.VPS}
    first = h264.PPS if codec == "h264" else h265.PPS
    known: dict[tuple[int, int], int] = {}
    faults = []
    for nal in told:
        if found := _number_of_set(codec, nal):
            known[found[0], found[1]] = found[2]
    for unit in units:
        for nal in unit.nals:
            if found := _number_of_set(codec, nal):
                known[found[0], found[1]] = found[2]
                continue
            number = _reference(codec, nal)
            kind: int | None = first
            while kind is not None and number is not None and unit.complete:
                if (kind, number) not in known:
                    faults.append(f"timestamp {unit.timestamp}: type {kind} id {number}")
                    break
                number, kind = known[kind, number], chain.get(kind)
    return faults


def _heads(unit: AccessUnit, sps: SequenceParameters | None) -> list[SliceHead]:
    heads = []
    for nal in unit.nals:
        if h264.nal_type(nal) in SLICES:
            try:
                heads.append(parse_slice_head(nal, sps))
            except CodecError:
                continue
    return heads


def split_pictures(units: list[AccessUnit]) -> list[str]:
    """Timestamps with two H.264 pictures, and pictures over two timestamps, by the first macroblocks of the slices."""
    faults = []
    for unit in units:
        heads = _heads(unit, None)
        if not unit.complete or not heads:
            continue
        begun = sum(head.first_mb == 0 for head in heads)
        if begun > 1:
            faults.append(f"timestamp {unit.timestamp}: {begun} pictures")
        elif begun == 0:
            faults.append(f"timestamp {unit.timestamp}: begins at macroblock {heads[0].first_mb}")
    return faults


def gaps_of_frame_num(units: list[AccessUnit], sps: SequenceParameters) -> list[str]:
    """Frame numbers that do not follow the one before (H.264 7.4.3), from the first IDR picture on."""
    modulus = 1 << sps.frame_number_bits
    before: int | None = None
    faults = []
    for unit in units:
        heads = _heads(unit, sps)
        if not unit.complete or not heads:
            before = None
            continue
        head = heads[0]
        number = head.frame_num or 0
        if head.idr:
            if number:
                faults.append(f"timestamp {unit.timestamp}: frame_num {number} in an IDR picture")
        elif before is not None and number not in (before, (before + 1) % modulus):
            faults.append(f"timestamp {unit.timestamp}: frame_num {number} after {before}")
        if head.reference or head.idr:
            before = number
    return faults


def undecodable(
    codec: str, units: list[AccessUnit], told: tuple[bytes, ...], size: tuple[int, int]
) -> tuple[list[str], int]:
    """Faults of the first random access pictures, each decoded alone, and how many were tried."""
    module = h265 if codec == "h265" else h264
    sets = {_number_of_set(codec, nal): nal for nal in told}
    faults: list[str] = []
    tried = 0
    for unit in units:
        sets |= {found: nal for nal in unit.nals if (found := _number_of_set(codec, nal))}
        if not unit.complete or not module.is_idr(unit) or tried >= MOST_DECODED:
            continue
        tried += 1
        before = b"".join(START_CODE + nal for nal in sets.values())
        decoded = decode_units(codec, [unit.annex_b()], parameter_sets=before)
        shapes = {(p.luma.shape[1], p.luma.shape[0]) for p in decoded.pictures}
        if decoded.errors or not shapes:
            faults.append(f"timestamp {unit.timestamp}: {'; '.join(decoded.errors) or 'no picture'}")
        elif shapes != {size}:
            faults.append(f"timestamp {unit.timestamp}: {sorted(shapes)} instead of {size}")
    return faults, tried


def key_frame_gaps(track: Track, ended: float) -> tuple[float, int]:
    """Largest distance of random access pictures in seconds by timestamps, the rest of the play included when it is
    longer; and how many there were."""
    units = track.access_units()
    keys = [(at, unit.timestamp) for at, unit in units if track.is_random_access(unit)]
    if not keys:
        return (ended - units[0][0] if units else 0.0), 0
    steps = [timestamp_step(a, b) / track.clock for (_, a), (_, b) in pairwise(keys)]
    return max([*steps, ended - keys[-1][0]]), len(keys)

"""What is wrong with the coded pictures of a stream: start codes, parameter sets, frame numbers, key frames."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import groupby, pairwise

from conformance.media.decoding import Decoded, decode_units
from conformance.peers.media_track import Track
from conformance.protocols import h264, h265
from conformance.protocols.access_unit import START_CODE, AccessUnit
from conformance.protocols.h264_slice import SLICES, SliceHead, parse_slice_head
from conformance.protocols.h264_sps import SequenceParameters
from conformance.protocols.rtp import timestamp_step
from conformance.protocols.violation import CodecError
from conformance.suites.camera.parameter_sets import is_base_segment, set_number, used_pps

FORBIDDEN = re.compile(rb"\x00\x00[\x00-\x02]")
MOST_DECODED = 4
BEHIND = b"\xaa" * 64
FIRST_SEGMENT = 0x80


def escaped(nals: list[bytes]) -> list[str]:
    """NAL units that hold what only start codes may, or that end in a zero byte."""
    faults = []
    for nal in nals:
        if found := FORBIDDEN.search(nal):
            faults.append(f"{found[0].hex()} at {found.start()} of {len(nal)} bytes")
        elif nal.endswith(b"\0"):
            faults.append(f"{len(nal)} bytes end in 00")
    return faults


def missing_sets(codec: str, units: list[AccessUnit], told: tuple[bytes, ...]) -> list[str]:
    """Slices of complete units that refer to a set which neither the SDP nor the stream has given before."""
    chain = {h264.PPS: h264.SPS} if codec == "h264" else {h265.PPS: h265.SPS, h265.SPS: h265.VPS}
    first = h264.PPS if codec == "h264" else h265.PPS
    known: dict[tuple[int, int], int] = {}
    faults = []
    for nal in told:
        if found := set_number(codec, nal):
            known[found[0], found[1]] = found[2]
    for unit in units:
        for nal in unit.nals:
            if found := set_number(codec, nal):
                known[found[0], found[1]] = found[2]
                continue
            number = used_pps(codec, nal)
            kind: int | None = first
            while kind is not None and number >= 0 and unit.complete:
                if (kind, number) not in known:
                    faults.append(f"timestamp {unit.timestamp}: type {kind} id {number}")
                    break
                number, kind = known[kind, number], chain.get(kind)
    return faults


def _heads(nals: tuple[bytes, ...], sps: SequenceParameters | None) -> list[SliceHead]:
    heads = []
    for nal in nals:
        if h264.nal_type(nal) in SLICES:
            try:
                heads.append(parse_slice_head(nal, sps))
            except CodecError:
                continue
    return heads


def split_pictures(units: list[AccessUnit]) -> list[str]:
    """Timestamps with two H.264 pictures, and pictures over two timestamps, by the first macroblocks of the slices."""

    def starts(nals: tuple[bytes, ...]) -> list[bool]:
        return [head.first_mb == 0 for head in _heads(nals, None)]

    return _split(units, starts, [h264.SEI, h264.SPS, h264.PPS, h264.DELIMITER], h264.nal_type)


def split_segments(units: list[AccessUnit]) -> list[str]:
    """Timestamps with two H.265 pictures, and pictures over two timestamps, by the first slice segments."""

    def starts(nals: tuple[bytes, ...]) -> list[bool]:
        return [bool(nal[2] & FIRST_SEGMENT) for nal in nals if is_base_segment(nal)]

    return _split(units, starts, [h265.VPS, h265.SPS, h265.PPS, h265.DELIMITER, h265.PREFIX_SEI], h265.nal_type)


def _split(
    units: list[AccessUnit],
    starts: Callable[[tuple[bytes, ...]], list[bool]],
    before_pictures: list[int],
    nal_type: Callable[[bytes], int],
) -> list[str]:
    """``starts``: for each slice whether a picture begins with it; ``before_pictures``: what needs a picture behind."""
    faults = []
    stamped = [list(group) for _, group in groupby(units, key=lambda unit: unit.timestamp)]
    for group in stamped[:-1]:
        nals = tuple(nal for unit in group for nal in unit.nals)
        if not all(unit.complete for unit in group) or not nals:
            continue
        found, stamp = starts(nals), group[0].timestamp
        if sum(found) > 1:
            faults.append(f"timestamp {stamp}: {sum(found)} pictures")
        elif found and not any(found):
            faults.append(f"timestamp {stamp}: begins inside a picture")
        elif all(nal_type(nal) in before_pictures for nal in nals):
            faults.append(f"timestamp {stamp}: parameter sets or SEI without a picture")
    return faults


def gaps_of_frame_num(units: list[AccessUnit], sps: SequenceParameters) -> list[str]:
    """Frame numbers that do not follow the one before (H.264 7.4.3), from the first IDR picture on.

    A picture after memory_management_control_operation 5 counts from 0 again, so that 1 is always allowed; the second
    field of a frame has the number of the first.
    """
    modulus = 1 << sps.frame_number_bits
    before: int | None = None
    faults = []
    for unit in units:
        heads = _heads(unit.nals, sps)
        if not unit.complete or not heads:
            before = None
            continue
        head = heads[0]
        number = head.frame_num or 0
        if head.idr:
            if number:
                faults.append(f"timestamp {unit.timestamp}: frame_num {number} in an IDR picture")
        elif before is not None:
            allowed = {(before + 1) % modulus, 1, *([before] if sps.interlaced else [])}
            if number not in allowed:
                faults.append(f"timestamp {unit.timestamp}: frame_num {number} after {before}")
        if head.reference or head.idr:
            before = number
    return faults


def undecodable(
    codec: str, units: list[AccessUnit], told: tuple[bytes, ...], size: tuple[int, int]
) -> tuple[list[str], int]:
    """Faults of the first random access pictures, each decoded alone, and how many were tried."""
    module = h265 if codec == "h265" else h264
    sets = {set_number(codec, nal): nal for nal in told}
    faults: list[str] = []
    tried = 0
    for unit in units:
        sets |= {found: nal for nal in unit.nals if (found := set_number(codec, nal))}
        if not unit.complete or not module.is_idr(unit) or tried >= MOST_DECODED:
            continue
        tried += 1
        before = b"".join(START_CODE + nal for nal in sets.values())
        slices = [START_CODE + nal for nal in unit.nals if used_pps(codec, nal) >= 0]
        decoded = decode_units(codec, [b"".join(slices)], parameter_sets=before, strict=True)
        shapes = {(p.luma.shape[1], p.luma.shape[0]) for p in decoded.pictures}
        if decoded.errors or not shapes:
            faults.append(f"timestamp {unit.timestamp}: {'; '.join(decoded.errors) or 'no picture'}")
        elif shapes != {size}:
            faults.append(f"timestamp {unit.timestamp}: {sorted(shapes)} instead of {size}")
        elif codec == "h265" and _goes_on(slices, before, decoded):
            faults.append(f"timestamp {unit.timestamp}: a slice ends too early")
    return faults, tried


def _goes_on(slices: list[bytes], before: bytes, decoded: Decoded) -> bool:
    """Whether bytes behind the slices change the picture. They do where a slice was cut, which the decoder of H.265
    does not tell; a whole slice says itself where it ends."""
    longer = decode_units("h265", [b"".join(nal + BEHIND for nal in slices)], parameter_sets=before)
    return [p.luma.tobytes() for p in longer.pictures] != [p.luma.tobytes() for p in decoded.pictures]


def key_frame_gaps(track: Track, ended: float) -> tuple[float, int]:
    """Largest distance of random access pictures in seconds by timestamps, the rest of the play included when it is
    longer; and how many there were."""
    units = track.access_units()
    keys = [(at, unit.timestamp) for at, unit in units if track.is_random_access(unit)]
    if not keys:
        return (ended - units[0][0] if units else 0.0), 0
    steps = [timestamp_step(a, b) / track.clock for (_, a), (_, b) in pairwise(keys)]
    return max([*steps, ended - keys[-1][0]]), len(keys)

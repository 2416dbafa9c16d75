"""Rules of HLS and HTTP-FLV that hold for every role that gives such streams: a stream server, a platform."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.media.decoding import decode_units
from conformance.model.checks import Checks, say
from conformance.peers.streams.flv_player import FlvPlay
from conformance.peers.streams.hls_player import FetchedSegment
from conformance.protocols.flv import AVC, AvcRecord, FlvError, FlvTag, annex_b, read_avc_record
from conformance.protocols.hls import Playlist, Segment
from conformance.protocols.mpeg_ts import CLOCK, NULL_PID, unwrap


def sequence_faults(before: Playlist, after: Playlist, address_of: Callable[[Segment], str]) -> list[str]:
    """What one version of a playlist breaks of the rules for the media sequence, compared with the one
    before. ``address_of``: what names a segment, whatever its signature."""
    faults = []
    if after.media_sequence < before.media_sequence:
        faults.append(f"EXT-X-MEDIA-SEQUENCE {after.media_sequence} after {before.media_sequence}")
    known = {segment.sequence: address_of(segment) for segment in before.segments}
    faults += [
        f"number {segment.sequence} was {known[segment.sequence]} and is {address_of(segment)}"
        for segment in after.segments
        if known.get(segment.sequence, address_of(segment)) != address_of(segment)
    ]
    last_before = before.media_sequence + len(before.segments)
    if after.media_sequence + len(after.segments) < last_before:
        faults.append(f"the list ends at {after.media_sequence + len(after.segments) - 1}, before at {last_before - 1}")
    return faults


def counter_faults(before: FetchedSegment, after: FetchedSegment) -> list[str]:
    """PIDs whose continuity counter does not go on from one segment to the next."""
    assert before.stream is not None
    assert after.stream is not None
    faults = []
    for pid, first in after.stream.first_counters.items():
        last = before.stream.last_counters.get(pid)
        if last is None or pid == NULL_PID or pid in after.stream.marked:
            continue
        if first != (last + 1) % 16:
            faults.append(f"pid {pid}: {first} after {last}")
    return faults


def time_gap(before: FetchedSegment, after: FetchedSegment) -> float | None:
    """Seconds by which the pictures of a segment begin later than those before lead one to expect."""
    assert before.stream is not None
    assert after.stream is not None
    pid = after.stream.video_pid
    old = sorted(unwrap([pes.pts for pes in before.stream.of(before.stream.video_pid) if pes.pts is not None]))
    new = [pes.pts for pes in after.stream.of(pid) if pes.pts is not None]
    if len(old) < 2 or not new:
        return None
    step = (old[-1] - old[0]) / (len(old) - 1)
    begins = min(unwrap([old[-1], *new])[1:])
    return (begins - old[-1] - step) / CLOCK


def decodes(codec: str, units: Sequence[bytes], sets: bytes = b"") -> tuple[bool, str]:
    """Whether every access unit (Annex B) decodes to a picture, and what is told of it."""
    decoded = decode_units(codec, units, parameter_sets=sets)
    seen = f"{len(decoded.pictures)} of {len(units)}" + (f", {decoded.errors[0]}" if decoded.errors else "")
    return len(decoded.pictures) == len(units) and not decoded.errors, seen


def pictures(play: FlvPlay) -> list[FlvTag]:
    """Tags with H.264 pictures, in order."""
    return [tag for tag in play.tags if tag.is_picture]


def setup(play: FlvPlay) -> AvcRecord | None:
    """The decoder configuration. Raises FlvError where the first sequence header cannot be read."""
    first = next((tag for tag in play.tags if tag.is_setup and tag.codec == AVC), None)
    return read_avc_record(first.units) if first else None


def judge_decoding(check: Checks, requirement: str, record: AvcRecord, shown: list[FlvTag]) -> None:
    """The units fill their tags, and decode from the first key picture on."""
    units: list[bytes] = []
    for tag in shown:
        try:
            picture = annex_b(tag, record.length_size)
        except FlvError as error:
            check.fail(
                requirement, say("单元恰好填满标签", "the units fill the tag"), error.explain, f"{tag.timestamp} ms"
            )
            return
        if tag.is_key or units:
            units.append(picture)
    if not units:
        check.inconclusive(requirement, say("没有关键帧", "there was no key picture"))
        return
    whole, seen = decodes("h264", units, record.annex_b)
    check.true(requirement, whole, say("每个画面均可解码", "every picture decodes"), seen)

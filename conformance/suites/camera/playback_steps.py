"""Steps of the playback suites: which recording, playing it by name, what the answers and pictures say of the place."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.media.decoding import decode_units
from conformance.model.checks import Checks, say
from conformance.peers.media_track import Track
from conformance.peers.player import Player
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.rtsp_client import Answer
from conformance.protocols.rtp import timestamp_step
from conformance.protocols.rtsp_headers import parse_rtp_info
from conformance.protocols.rtsp_range import NptRange, parse_range
from conformance.protocols.violation import CodecError
from conformance.suites.camera.record_steps import Recording, Records, some_recordings
from specs.model import Limit

OK = 200


async def longest_recording(province: Province, check: Checks) -> Recording | None:
    """The longest finished recording of channel 0; None, noted as inconclusive, when there is none."""
    files = await some_recordings(Records(province, province.limits["answer_wait"].seconds), check)
    return max(files, key=lambda file: file.seconds, default=None)


async def start_recording_play(
    players: Players, check: Checks, file: Recording, first: Limit, start: float | None = None
) -> Player | None:
    """A player of the recording that receives video, from ``start`` seconds on; None (a failed control leg) else."""
    one = players(players.record_url(file.name))
    await one.connect()
    await one.describe()
    for track in one.tracks:
        if track.media.kind in ("video", "audio"):
            await one.setup(track, "tcp")
    await one.play({} if start is None else {"Range": f"npt={start:.3f}-"})
    came = one.video is not None and await one.wait_idr(one.video, first.seconds + first.uncertainty) is not None
    check.control(came, say("录像可以播放", "the recording plays"))
    return one if came else None


def told_range(answer: Answer) -> NptRange | None:
    """The Range of an answer in npt; None when there is none that can be read."""
    try:
        found = parse_range(answer.response.headers.get("Range"))
    except CodecError:
        return None
    return found if isinstance(found, NptRange) else None


def told_start(answer: Answer) -> float | None:
    """Where the answer to PLAY says that media begin, in seconds from the beginning of the recording."""
    found = told_range(answer)
    return None if found is None else found.start


def told_rtptime(answer: Answer, track: Track) -> int | None:
    """rtptime of a track in RTP-Info; None when there is none that can be read."""
    text = answer.response.headers.get("RTP-Info")
    try:
        infos = parse_rtp_info(text) if text else []
    except CodecError:
        return None
    control = (track.media.control or track.control).rstrip("/")
    found = next((info for info in infos if info.url.rstrip("/").endswith(control)), None)
    return None if found is None else found.rtptime


@dataclass(frozen=True, slots=True)
class Place:
    """Where a play stands. ``burned_in``: seconds into the recording by the label in the picture, None without one;
    ``off``: seconds between rtptime of the answer and the first packet after it, None where RTP-Info says nothing."""

    at: float
    burned_in: float | None
    off: float | None


async def place_after(one: Player, answer: Answer, file: Recording, within: float) -> Place | None:
    """The first key frame that comes after an answer; None when none comes in time."""
    track = one.video
    assert track is not None
    first = len(track.since(answer.at))
    until = answer.at + within
    while one.now() < until:
        units = [(at, unit) for at, unit in track.access_units(answer.at) if unit.complete]
        key = next(((at, unit) for at, unit in units if track.is_random_access(unit)), None)
        if key is not None:
            break
        first += 1
        await one.wait_packets(track, len(track.rtp) + 1, until - one.now())
    else:
        return None
    rtptime, after = told_rtptime(answer, track), track.since(answer.at)
    off = None if rtptime is None else abs(timestamp_step(rtptime, after[0].packet.timestamp)) / track.clock
    pictures = decode_units(track.codec, [key[1].annex_b()]).pictures if track.codec in ("h264", "h265") else ()
    label = pictures[0].label if pictures else None
    burned = None if label is None else label.time_ms / 1000 - file.start.timestamp()
    return Place(key[0], burned, off)


def media_seconds(track: Track, since: float) -> float:
    """Seconds of media in the packets after ``since``, by their timestamps."""
    packets = track.since(since)
    return timestamp_step(packets[0].packet.timestamp, packets[-1].packet.timestamp) / track.clock if packets else 0.0


def speed_shown(track: Track, since: float) -> float | None:
    """Seconds in the pictures for each second of receiving them, by the burned-in times; None where they show none.

    For a play from the beginning: what still came of an earlier play, with later times in it, is left out.
    """
    units = [(at, unit) for at, unit in track.access_units(since) if unit.complete]
    begin = next((n for n, (_, unit) in enumerate(units) if track.is_random_access(unit)), len(units))
    taken = units[begin:]
    if track.codec not in ("h264", "h265") or not taken:
        return None
    pictures = decode_units(track.codec, [unit.annex_b() for _, unit in taken]).pictures
    shown = [(p.label.time_ms / 1000, taken[p.index][0]) for p in pictures if p.label and p.index < len(taken)]
    shown = shown[shown.index(min(shown)) :] if shown else []
    if len(shown) < 2 or shown[-1][1] <= shown[0][1]:
        return None
    return (shown[-1][0] - shown[0][0]) / (shown[-1][1] - shown[0][1])

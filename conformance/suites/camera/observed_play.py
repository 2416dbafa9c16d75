"""Plays of the stream, watched once a run each, of which many requirements are judged.

A device that never plays gives no observation: everything judged of it is then INCONCLUSIVE, never PASS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from conformance.model.checks import Checks, say
from conformance.peers.bench import Bench
from conformance.peers.faults import DeviceFault
from conformance.peers.media_track import Track
from conformance.peers.player import Lower, Player, PlayRefused
from conformance.peers.players import Players
from conformance.peers.rtsp_client import Answer
from conformance.plugin.fixtures import Limits
from conformance.protocols.rtcp import Goodbye, SenderReport
from conformance.protocols.sdp_values import SessionDescription
from conformance.protocols.violation import CodecError
from specs.model import Text

SUB_STREAM = 2
UNSUPPORTED_TRANSPORT = 461
OTHER_NAMES = {"h264": ("h.264", "avc"), "h265": ("h.265", "hevc")}


@dataclass(frozen=True, slots=True)
class Observation:
    """A stream that played and was torn down. ``lower``: transport; ``video``: first video track; ``ended``: wire time
    of TEARDOWN; ``setups``: SETUP answers in the order of the tracks; ``teardown`` None when it was not answered."""

    player: Player
    lower: Lower
    description: SessionDescription
    video: Track
    setups: tuple[Answer, ...]
    play: Answer
    ended: float
    teardown: Answer | None

    @property
    def tracks(self) -> list[Track]:
        """Every track that was set up, in the order of the description."""
        return self.player.tracks

    @property
    def audio(self) -> Track | None:
        """The first audio track."""
        return self.player.audio


@dataclass
class _Kept:
    """What was found in this run, by (stream, transport)."""

    found: dict[tuple[int, Lower], Observation | Text] = field(default_factory=dict)


_RUNS: WeakKeyDictionary[Bench, _Kept] = WeakKeyDictionary()


async def observation(
    players: Players, check: Checks, limits: Limits, *, stream: int = 1, lower: Lower = "tcp"
) -> Observation | None:
    """The observation of this run, made by the first test that asks; None (and a failed control leg) without media.

    A device that answers 461 to TCP is watched over UDP.
    """
    kept = _RUNS.setdefault(players.bench, _Kept()).found
    key = (stream, lower)
    if key not in kept:
        kept[key] = await _observe(players, limits, stream, lower)
    found = kept[key]
    if isinstance(found, Text):
        check.control(False, found)
        return None
    check.control(True, say("码流可以播放", "the stream plays"))
    return found


async def stream_plays(players: Players, check: Checks, limits: Limits) -> bool:
    """Control leg for tests of errors and refusals: this device plays at all."""
    return await observation(players, check, limits) is not None


async def plays_over_udp(players: Players, check: Checks, limits: Limits) -> bool:
    """Control leg for tests over UDP; every requirement is not applicable when SETUP for UDP is answered with 461."""
    if not await stream_plays(players, check, limits):
        return False
    probe = players()
    try:
        await probe.connect()
        await probe.describe()
        if probe.video is not None:
            await probe.setup(probe.video, "udp")
    except PlayRefused as refusal:
        if refusal.answer.status != UNSUPPORTED_TRANSPORT:
            raise
        for requirement in check.requirements:
            check.not_applicable(requirement, say("设备不支持 UDP 传输 (461)", "the device has no UDP transport (461)"))
        return False
    finally:
        await probe.close()
    return True


async def coded_stream(players: Players, check: Checks, limits: Limits, codec: str) -> Observation | None:
    """The observation of a stream in this codec, by whatever name the description has for it. None when nothing plays,
    or when the device has no such stream: then every requirement of the test is not applicable."""
    names = (codec, *OTHER_NAMES.get(codec, ()))
    seen = await observation(players, check, limits)
    if seen is None or seen.video.codec in names:
        return seen
    declared = players.bench.loaded.features.get("video_codecs")
    if players.tokens_needed and isinstance(declared, frozenset) and codec in declared:
        seen = await observation(players, check, limits, stream=SUB_STREAM)
        if seen is None or seen.video.codec in names:
            return seen
    for requirement in check.requirements:
        check.not_applicable(requirement, say(f"没有 {codec.upper()} 码流", f"there is no {codec.upper()} stream"))
    return None


async def _observe(players: Players, limits: Limits, stream: int, lower: Lower) -> Observation | Text:
    try:
        player, setups, used = await _begin(players, lower, stream)
        track = player.video
        if track is None or player.description is None or player.play_answer is None:
            return say("没有视频轨", "there is no video track")
        first = limits("IF-MED-01").first_packet_within
        if not await player.wait_packets(track, 1, first.seconds + first.uncertainty):
            return say("播放后没有媒体包", "no media packet after PLAY")
        await _watch(players, player, track, limits)
        ended = players.bench.wire.now()
        teardown = await _end(players, player, limits)
    except DeviceFault as fault:
        return fault.text
    except CodecError as error:
        return say(f"应答无法解析: {error}", f"an answer cannot be read: {error}")
    return Observation(player, used, player.description, track, setups, player.play_answer, ended, teardown)


async def _begin(players: Players, lower: Lower, stream: int) -> tuple[Player, tuple[Answer, ...], Lower]:
    """Play; over UDP when TCP is answered with 461. Raises DeviceFault."""
    player = players(stream=stream)
    try:
        return player, await start_all(player, lower), lower
    except PlayRefused as refusal:
        if lower == "udp" or refusal.method != "SETUP" or refusal.answer.status != UNSUPPORTED_TRANSPORT:
            raise
    player = players(stream=stream)
    return player, await start_all(player, "udp"), "udp"


async def start_all(player: Player, lower: Lower) -> tuple[Answer, ...]:
    """Connect, DESCRIBE, SETUP of every track, PLAY; the SETUP answers. Raises DeviceFault."""
    await player.connect()
    await player.describe()
    setups = [await player.setup(track, lower) for track in player.tracks]
    await player.play()
    return tuple(setups)


async def _watch(players: Players, player: Player, track: Track, limits: Limits) -> None:
    """As long as the spec says, and on until what is judged by repetition has come, or is late."""
    window = max(limits("IF-RTP-01").observe.seconds, players.bench.limits["shortest_watch"].seconds)
    await player.watch(window)
    keys, wanted = limits("IF-H264-16").idr_interval, limits("IF-H264-16").pictures.number
    few = limits("IF-RTP-04").packets.number

    def enough() -> bool:
        found = sum(track.is_random_access(unit) for _, unit in track.access_units())
        return found >= wanted and len(track.packets) >= few

    await listen_until(players, player, enough, keys.seconds + 2 * keys.uncertainty - window)
    if sender_reports(track):
        within, count = limits("IF-RTP-20").sr_within, limits("IF-RTP-25").reports.number
        late = within.seconds + within.uncertainty
        await listen_until(players, player, lambda: len(sender_reports(track)) >= count, late)


async def listen_until(players: Players, player: Player, seen: Callable[[], bool], within: float) -> bool:
    """Receive until ``seen`` or for ``within`` seconds; whether it was seen."""
    step = players.bench.limits["listening_step"].seconds
    for _ in range(max(0, round(within / step))):
        if seen():
            return True
        await player.watch(step)
    return seen()


async def _end(players: Players, player: Player, limits: Limits) -> Answer | None:
    """TEARDOWN, then listen for BYE where there was RTCP."""
    try:
        answer = await player.teardown()
    except DeviceFault:
        return None
    tracks = [track for track in player.tracks if sender_reports(track)]
    bye = limits("IF-RTP-28").bye_within
    late = bye.seconds + bye.uncertainty
    await listen_until(players, player, lambda: all(goodbyes(track) for track in tracks), late)
    return answer


def sender_reports(track: Track) -> list[tuple[float, SenderReport]]:
    """Sender reports and when they came, in seconds on the wire clock."""
    return [
        (report.at, packet)
        for report in track.reports
        if report.compound is not None
        for packet in report.compound.packets
        if isinstance(packet, SenderReport)
    ]


def goodbyes(track: Track) -> list[tuple[float, Goodbye]]:
    """BYE packets and when they came, in seconds on the wire clock."""
    return [
        (report.at, packet)
        for report in track.reports
        if report.compound is not None
        for packet in report.compound.packets
        if isinstance(packet, Goodbye)
    ]

"""Steps that tests with several viewers share: start many, try one more, count what the others lost."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from conformance.model.checks import Checks, say
from conformance.peers.faults import DeviceFault
from conformance.peers.media_track import Track
from conformance.peers.player import Player, PlayRefused
from conformance.peers.players import Players
from conformance.protocols.violation import CodecError
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.model import Limit, Text

SEQUENCES = 1 << 16


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of one more viewer. ``status``: of the refusal, 200 for media, 0 for anything else; ``seconds``: from
    the refused request to its answer; ``packets``: media packets."""

    status: int
    seconds: float
    packets: int
    fault: Text | str = ""

    @property
    def played(self) -> bool:
        """Whether there were media."""
        return self.status == 200 and self.packets > 0

    def __str__(self) -> str:
        return f"status {self.status}, {self.packets} media packets{f', {self.fault}' if self.fault else ''}"


def declared_viewers(declaration: LoadedDeclaration, check: Checks) -> int:
    """max_viewers of the declaration; without one every requirement is not applicable, and 0 is returned."""
    number = declaration.features.get("max_viewers")
    if isinstance(number, int) and not isinstance(number, bool):
        return number
    for requirement in check.requirements:
        check.not_applicable(requirement, say("未声明 max_viewers", "max_viewers is not declared"))
    return 0


async def try_one(player: Player, within: float, quiet: float, wire: Wire) -> Tried:
    """Play the video: until the first packet for at most ``within`` seconds; a refused one is listened to for
    ``quiet`` seconds. Never raises for what the device does."""
    try:
        await player.start(kinds=("video",))
    except PlayRefused as refusal:
        await wire.sleep(quiet)
        seconds = refusal.answer.at - refusal.answer.sent_at
        return Tried(refusal.answer.status, seconds, player.media_packets)
    except (DeviceFault, CodecError) as fault:
        await wire.sleep(quiet)
        return Tried(0, 0.0, player.media_packets, getattr(fault, "text", str(fault)))
    if player.video is not None:
        await player.wait_packets(player.video, 1, within)
    return Tried(200, 0.0, player.media_packets)


async def play_until(players: Players, within: Limit, first: float, wire: Wire) -> tuple[Player, Tried, float]:
    """Try again and again until a viewer has media or ``within`` is over; the last try and seconds since the start."""
    started, step = wire.now(), players.bench.limits["listening_step"].seconds
    while True:
        player = players()
        tried = await try_one(player, first, 0.0, wire)
        spent = wire.now() - started
        if tried.played or spent > within.seconds + within.uncertainty:
            return player, tried, spent
        await player.close()
        await wire.sleep(step)


def loss_and_gap(track: Track, since: float, until: float) -> tuple[float, float]:
    """Share of video packets lost between two moments, and the longest time in seconds without a frame's end."""
    packets = [arrived for arrived in track.packets if since <= arrived.at <= until]
    steps = [(b.packet.sequence - a.packet.sequence) % SEQUENCES for a, b in itertools.pairwise(packets)]
    expected = sum(steps) + 1 if packets else 0
    ends = [since, *(arrived.at for arrived in packets if arrived.packet.marker), until]
    lost = (expected - len(packets)) / expected if expected else 1.0
    return lost, max(b - a for a, b in itertools.pairwise(ends))

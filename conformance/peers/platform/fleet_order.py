"""What a fleet is told when it is made, as data that goes to its process."""

from __future__ import annotations

from typing import Any

import msgspec


class FleetOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who the members are and how they behave. ``province_url``: where they register; times in seconds.

    ``members``: how many there can be; ``interval``: between two heartbeats of one member; ``answer_wait``: what counts
    as no answer; ``unanswered``: heartbeats in a row after which a member connects again. ``lost_pause``: bounds of the
    random wait after a lost connection, doubled with each failure up to ``longest_pause``; ``registration_pause``,
    ``refusal_pause``: bounds of the wait after a registration that did not come about, or was refused.
    ``connections``: most registrations at once; ``seed`` of everything random.
    """

    members: int
    prefix: str
    digits: int
    key: str
    model: str
    version: str
    province_url: str
    interval: float
    answer_wait: float
    unanswered: int
    lost_pause: tuple[float, float]
    longest_pause: float
    registration_pause: tuple[float, float]
    refusal_pause: tuple[float, float]
    connections: int = 64
    seed: int = 0

    def without_secret(self) -> dict[str, Any]:
        """The order as it may be written down."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        return told | {"key": "***"}


class FleetState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a fleet says after each command. ``now``: seconds since it began; ``cpu``: seconds of processor time spent
    so far; ``memory``: largest resident size in MB; ``lost``: connections that ended unasked since it began;
    ``late``: answers that came after their time; ``beats``: heartbeats that came due, also those not sent because the
    one before was still unanswered; ``away``: some members that should be online and are not."""

    now: float
    cpu: float
    memory: float
    attached: int
    online: int
    silent: int
    lost: int
    late: int
    beats: int
    away: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether everybody who should be online is."""
        return self.online + self.silent == self.attached

"""The engine of a fleet: one epoll, one timer wheel, ten thousand members."""

from __future__ import annotations

import random
import resource
import select
import time
from collections.abc import Callable
from typing import Protocol

from conformance.peers.platform.fleet_frames import FrameBuilder, Identity
from conformance.peers.platform.fleet_member import Member, Stage
from conformance.peers.platform.fleet_order import FleetOrder, FleetState
from conformance.peers.platform.fleet_registration import Registry
from conformance.peers.platform.fleet_samples import RECORD, Outcome, What
from conformance.peers.platform.timer_wheel import TimerWheel
from specs.messages import MessageTable, load_message_table

LOOKS_PER_SECOND = 4
MOST_EVENTS = 1024
SHOWN = 20
KILOBYTES = 1024
_PACK = RECORD.pack
_SETTLED = (Stage.ONLINE, Stage.SILENT, Stage.AWAY)
_WAITING = (Stage.CONNECTING, Stage.ENTERING, Stage.ONLINE)


class Watched(Protocol):
    """Whoever has a socket."""

    def ready(self, events: int, now: float) -> None:
        """The socket can be read or written, or has failed."""


class Engine:
    """Runs the members. Nothing happens but in ``turn``; samples gather in ``samples`` until they are taken."""

    def __init__(self, order: FleetOrder, clock: Callable[[], float] = time.monotonic) -> None:
        self.order = order
        self.interval = order.interval
        self.table: MessageTable = load_message_table()
        self.identity = Identity(order.prefix, order.digits, order.key, order.model, order.version)
        self.frames = FrameBuilder(self.table, self.identity)
        self.names_of_codes = {code: name for name, code in self.frames.codes.items()}
        self.beat_code = self.frames.codes["HEARTBEAT"]
        self.random = random.Random(order.seed)
        self.online = self.lost = self.late = self.beats = 0
        self.samples = bytearray()
        self._clock = clock
        self.began = clock()
        self.wheel: TimerWheel[tuple[Member, int]] = TimerWheel(self.began)
        self._epoll = select.epoll()
        self._watched: dict[int, Watched] = {}
        self._looked_at = self.began
        self.registry = Registry(self, order.province_url, order.connections)
        self.members = [Member(self, number) for number in range(order.members)]

    def now(self) -> float:
        """Seconds of the fleet's clock."""
        return self._clock()

    # for members

    def record(self, member: int, what: What, outcome: Outcome, start: float, end: float) -> None:
        """Keep one sample."""
        self.samples += _PACK(member, what, outcome, start - self.began, end - start)

    def set_timer(self, member: Member, now: float, seconds: float) -> None:
        """Have the member called when so much time has passed; it takes the place of its timer before."""
        member.ticket += 1
        self.wheel.set(now, seconds, (member, member.ticket))

    def watch(self, descriptor: int, who: Watched, events: int) -> None:
        """Tell ``who`` of these events on its socket."""
        if descriptor in self._watched:
            self._epoll.modify(descriptor, events)
        else:
            self._epoll.register(descriptor, events)
        self._watched[descriptor] = who

    def unwatch(self, descriptor: int) -> None:
        """Tell nobody of that socket any more."""
        if self._watched.pop(descriptor, None) is not None:
            self._epoll.unregister(descriptor)

    # running

    def turn(self, longest: float | None = None) -> None:
        """Handle what has happened; wait for it at most a tick of the wheel, or ``longest`` seconds."""
        events = self._epoll.poll(self.wheel.tick if longest is None else longest, MOST_EVENTS)
        now = self._clock()
        watched = self._watched
        for descriptor, mask in events:
            who = watched.get(descriptor)
            if who is not None:
                who.ready(mask, now)
        for member, ticket in self.wheel.turn(now):
            if member.ticket == ticket:
                member.due(now)
        if now - self._looked_at >= 1 / LOOKS_PER_SECOND:
            self._looked_at = now
            self.look_for_overdue(now)

    def look_for_overdue(self, now: float) -> None:
        """Give up what has waited for too long."""
        earliest = now - self.order.answer_wait
        for member in self.members:
            waits = member.asked or member.stage is Stage.CONNECTING
            if waits and member.asked_at < earliest and member.stage in _WAITING:
                member.overdue(now)
        for connection in list(self.registry.busy):
            if connection.member is not None and connection.member.asked_at < earliest:
                connection.overdue(now)

    # commands

    def chosen(self, first: int, count: int) -> list[Member]:
        """Members ``first`` to ``first + count - 1``."""
        return self.members[first : first + count]

    def attach(self, first: int, count: int, per_second: float) -> None:
        """Let these members register and log in, one after the other at that rate."""
        now = self.now()
        for place, member in enumerate(self.chosen(first, count)):
            if member.stage in (Stage.IDLE, Stage.LEFT):
                member.stage, member.lost_at = Stage.IDLE, None
                self.set_timer(member, now, place / per_second)

    def pace(self, interval: float) -> None:
        """From now on a heartbeat of each member every ``interval`` seconds, evenly spread."""
        self.interval, now = interval, self.now()
        online = [member for member in self.members if member.stage is Stage.ONLINE]
        for place, member in enumerate(online):
            self.set_timer(member, now, interval * place / len(online))

    @property
    def attached(self) -> list[Member]:
        """Everybody who should be there, the silent ones too."""
        return [
            member
            for member in self.members
            if member.stage is not Stage.LEFT and (member.stage is not Stage.IDLE or member.ticket)
        ]

    @property
    def settled(self) -> bool:
        """Whether every attempt has ended: everybody is online or waits to try again."""
        return all(member.stage in _SETTLED for member in self.attached)

    def answered(self, since: float) -> bool:
        """Whether nothing that was asked before that moment still waits for its answer."""
        return not any(m.asked and m.asked_at < since for m in self.members)

    def state(self) -> FleetState:
        """How the fleet stands."""
        attached = self.attached
        away = [m.dev_id for m in attached if m.stage not in (Stage.ONLINE, Stage.SILENT)]
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return FleetState(
            now=round(self.now() - self.began, 6),
            cpu=round(usage.ru_utime + usage.ru_stime, 3),
            memory=round(usage.ru_maxrss / KILOBYTES, 1),
            attached=len(attached),
            online=self.online,
            silent=sum(member.stage is Stage.SILENT for member in attached),
            lost=self.lost,
            late=self.late,
            beats=self.beats,
            away=tuple(away[:SHOWN]),
        )

    def take_samples(self) -> bytes:
        """The samples since the last call."""
        taken = bytes(self.samples)
        self.samples.clear()
        return taken

    def close(self) -> None:
        """Drop every connection."""
        for member in self.members:
            member.leave()
        self.registry.close()
        self._epoll.close()

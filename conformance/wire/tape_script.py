"""What a recording says the code sent: checked byte for byte while the code sends it again."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from conformance.wire.errors import Diverged, NotOnTape
from conformance.wire.tape import Address, Event, Kind, Tape, address

SHOWN = 200


@dataclass(slots=True)
class ChannelScript:
    """The outbound side of one channel. ``produced``: bytes (streams) or datagrams sent again so far."""

    outputs: list[Event] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    drains: deque[int] = field(default_factory=deque)
    produced: int = 0
    position: int = 0

    def add(self, event: Event) -> None:
        size = 1 if event.kind is Kind.DATAGRAM_OUT else len(event.data)
        self.outputs.append(event)
        self.ends.append((self.ends[-1] if self.ends else 0) + size)

    def align(self, n: int) -> None:
        """Go to what is recorded after event ``n``."""
        self.position = bisect_left(self.outputs, n, key=lambda event: event.n)
        self.produced = self.ends[self.position - 1] if self.position else 0
        while self.drains and self.drains[0] < self.produced:
            self.drains.popleft()

    def write(self, label: str, data: bytes) -> int:
        """The code writes to a stream. Returns the recorded stamp of the first of these bytes."""
        stamp = None
        view = memoryview(data)
        while view:
            if self.position == len(self.outputs):
                raise NotOnTape(f"bytes from {self.produced} on sent on {label}: {bytes(view[:SHOWN])!r}")
            event = self.outputs[self.position]
            end = self.ends[self.position]
            start = self.produced - (end - len(event.data))
            part = bytes(view[: end - self.produced])
            recorded = event.data[start : start + len(part)]
            difference = _first_difference(recorded, part, start, event.meta.get("masked", ()))
            if difference is not None:
                raise Diverged(label, self.produced + difference, recorded, part)
            stamp = event.at if stamp is None else stamp
            self.produced += len(part)
            self.position += self.produced == end
            view = view[len(part) :]
        return stamp or 0

    def send(self, label: str, data: bytes, to: Address) -> int:
        """The code sends a datagram. Returns its recorded stamp."""
        if self.position == len(self.outputs):
            raise NotOnTape(f"datagram {self.produced} sent on {label}: {data[:SHOWN]!r}")
        event = self.outputs[self.position]
        target = address(event.meta["peer"])
        if target != to:
            raise Diverged(f"{label}, datagram {self.position}, target", 0, _written(target), _written(to))
        difference = _first_difference(event.data, data, 0, event.meta.get("masked", ()))
        if difference is None and len(event.data) != len(data):
            difference = min(len(event.data), len(data))
        if difference is not None:
            raise Diverged(f"{label}, datagram {self.position}", difference, event.data, data)
        self.position += 1
        self.produced += 1
        return event.at

    def missing(self) -> bytes:
        """What is recorded next and has not been sent again."""
        event = self.outputs[self.position]
        if event.kind is Kind.DATAGRAM_OUT:
            return event.data
        return event.data[self.produced - (self.ends[self.position] - len(event.data)) :]


class TapeScript:
    """All channels of a tape, and the numbers its calls have."""

    def __init__(self, tape: Tape) -> None:
        self.channels: defaultdict[int, ChannelScript] = defaultdict(ChannelScript)
        self.dials: dict[tuple[str, int], Event] = {}
        self._needs: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._calls: defaultdict[tuple[Kind, str], deque[Event]] = defaultdict(deque)
        self._facts: defaultdict[str, deque[tuple[int, Any]]] = defaultdict(deque)
        for event in tape.events:
            if event.kind in (Kind.OUT, Kind.DATAGRAM_OUT):
                script = self.channels[event.channel]
                script.add(event)
                self._needs[event.n] = script.ends[-1]
            elif event.kind is Kind.DRAIN:
                script = self.channels[event.channel]
                script.drains.append(script.ends[-1] if script.ends else 0)
            elif event.kind is Kind.DIAL:
                self.dials[event.meta["label"], event.meta["call"]] = event
            elif event.kind in (Kind.CLOSE, Kind.RESET):
                self._ends.setdefault(event.channel, event.n)
            elif event.kind is Kind.FACT:
                self._facts[event.meta["name"]].append((event.n, event.meta["value"]))
            named = _call_of(event)
            if named is not None:
                self._calls[named, event.meta["label"]].append(event)

    def next_call(self, kind: Kind, label: str) -> Event:
        """The recorded call that answers the code's next call of this kind with this label. Raises NotOnTape."""
        calls = self._calls[kind, label]
        if not calls:
            raise NotOnTape(f"another {kind} {label!r}")
        return calls.popleft()

    def fact(self, name: str) -> Any:
        """The next recorded fact of this name; the last one of a name holds for ever. Raises NotOnTape."""
        facts = self._facts.get(name)
        if not facts:
            raise NotOnTape(f"the fact {name!r}")
        return (facts.popleft() if len(facts) > 1 else facts[0])[1]

    def align(self, n: int) -> None:
        """As if everything recorded before event ``n`` had been sent again: what follows is compared from there."""
        for script in self.channels.values():
            script.align(n)

    def closed_before(self, n: int) -> list[int]:
        """The channels that ended before event ``n``."""
        return [channel for channel, end in self._ends.items() if end < n]

    def seek(self, n: int) -> None:
        """Calls and facts recorded before event ``n`` are over."""
        for facts in self._facts.values():
            while len(facts) > 1 and facts[0][0] < n:
                facts.popleft()
        for calls in self._calls.values():
            while calls and calls[0].n < n:
                calls.popleft()

    def unsent(self, outputs: Sequence[Event]) -> Event | None:
        """The first of these recorded outputs that the code has not produced again."""
        for event in outputs:
            need = self._needs.get(event.n)
            if need is not None and self.channels[event.channel].produced < need:
                return event
        return None


def _call_of(event: Event) -> Kind | None:
    match event.kind:
        case Kind.DIAL | Kind.LISTEN | Kind.BIND:
            return event.kind
        case Kind.DRAIN:
            return Kind.DRAINED
        case Kind.CALL:
            return Kind(event.meta["for"])
        case Kind.REFUSED if event.meta["for"] != Kind.CONNECT:
            return Kind(event.meta["for"])
        case _:
            return None


def _first_difference(recorded: bytes, produced: bytes, start: int, masked: Sequence[Sequence[int]]) -> int | None:
    """Where two byte strings differ outside masked spans; ``start``: offset of ``recorded`` in its event."""
    if recorded == produced:
        return None
    hidden = {offset - start + step for offset, length in masked for step in range(length)}
    for position, (old, new) in enumerate(zip(recorded, produced, strict=False)):
        if old != new and position not in hidden:
            return position
    return None


def _written(target: Address) -> bytes:
    return f"{target[0]}:{target[1]}".encode()

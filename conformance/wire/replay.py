"""The recorded wire: the same code runs again, fed from the tape, without sockets and without waiting."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from ssl import SSLContext
from typing import Any, NoReturn, TypeVar

from conformance.wire.errors import Diverged, NotOnTape, WireError
from conformance.wire.replay_loop import ReplayLoop
from conformance.wire.streams import Datagram, Listener, Stream
from conformance.wire.tape import BARRIERS, INPUTS, NS, Address, Event, Exchange, Kind, Tape
from conformance.wire.tape_script import TapeScript
from conformance.wire.timers import Timer
from conformance.wire.wire import Wire

T = TypeVar("T")
LOOK_AHEAD = 1_000


class ReplayWire(Wire):
    """Releases the recorded inputs in recorded order.

    The next input is released when everyone waits, and only after all recorded outputs before it have been produced
    again. Timers fire by virtual time: every timer due not later than the next input (or than the end of the tape)
    fires before it. So a changed limit is judged correctly as far as the recording reaches; beyond it, NotOnTape.
    """

    def __init__(self, tape: Tape, loop: ReplayLoop, *, seed: int | None = None) -> None:
        super().__init__(seed=tape.seed if seed is None else seed)
        self.tape = tape
        self._epoch = tape.epoch
        self._event_loop = loop
        self._script = TapeScript(tape)
        self._cursor = 0
        loop.attach(self)

    # the clock

    @property
    def virtual(self) -> int:
        """The wire clock in ns, for the loop."""
        return self._now

    def _loop(self) -> asyncio.AbstractEventLoop:
        return self._event_loop

    def _timer_added(self, timer: Timer) -> None:
        pass

    def _catch_up(self) -> None:
        """Where the recording moved the clock to the present before this timer was armed, do the same."""
        position = self._next_input()
        if position is None:
            return
        event = self.tape.events[position]
        if event.kind is Kind.TICK and event.meta["arm"] == self._timers.armed and self._unsent(position) is None:
            self._cursor = position + 1
            self._now = event.release

    # everyone waits

    def idle(self, loop_deadline: int | None) -> None:
        """For the loop: release what comes next. ``loop_deadline``: the next timer of asyncio itself, ns."""
        if loop_deadline is None and self._overdue():
            return
        position = self._next_input()
        horizon = self.tape.end if position is None else self.tape.events[position].release
        deadline = self._timers.next_deadline()
        if loop_deadline is not None and loop_deadline <= horizon and (deadline is None or loop_deadline < deadline):
            self._now = max(self._now, loop_deadline)
            return
        timer = self._timers.pop_due(horizon)
        if timer is not None:
            self._now = max(self._now, timer.deadline)
            self._pass_timer(timer)
            timer.callback()
        elif position is None or self.tape.events[position].kind in BARRIERS:
            self._exhausted()
        else:
            self._release_at(position)

    def _overdue(self) -> bool:
        """Break when the recorded code sent something here, with no event in between, and this code waits instead.

        Else a code that forgot to ask would take the silence that follows for a device that does not answer.
        """
        for event in self.tape.events[self._cursor : self._cursor + LOOK_AHEAD]:
            if event.kind in INPUTS or event.kind in BARRIERS or event.kind is Kind.TIMER:
                return False
            if self._script.unsent((event,)) is not None:
                self._unsent_error(event)
                return True
        return False

    def _pass_timer(self, timer: Timer) -> None:
        """Go past the recorded firing of this timer, if it is the one recorded next."""
        for position in range(self._cursor, len(self.tape.events)):
            event = self.tape.events[position]
            if event.kind in INPUTS or event.kind in BARRIERS:
                return
            if event.kind is Kind.TIMER:
                if event.at == timer.deadline and self._unsent(position) is None:
                    self._cursor = position + 1
                return

    def _unsent_error(self, unsent: Event) -> None:
        script = self._script.channels[unsent.channel]
        stream = self._streams.get(unsent.channel) or self._datagrams.get(unsent.channel)
        label = stream.label if stream is not None else "closed"
        where = f"{label} (channel {unsent.channel}, event {unsent.n})"
        self._stop(Diverged(where, script.produced, script.missing(), b""))

    def _stop(self, error: WireError) -> None:
        """Everyone who waits for the wire gets the error; if nobody does, the loop itself."""
        self._break(error)
        if not self._waiting:
            raise error

    def _next_input(self) -> int | None:
        for position in range(self._cursor, len(self.tape.events)):
            kind = self.tape.events[position].kind
            if kind in INPUTS or kind in BARRIERS:
                return position
        return None

    def _unsent(self, position: int) -> Event | None:
        return self._script.unsent(self.tape.events[self._cursor : position])

    def _release_at(self, position: int) -> None:
        event = self.tape.events[position]
        unsent = self._unsent(position)
        if unsent is not None:
            self._unsent_error(unsent)
        elif not self._awaited(event):
            self._stop(Diverged(f"event {event.n}", 0, f"{event.kind} on channel {event.channel}".encode(), b""))
        else:
            self._cursor = position + 1
            self._release(event)

    def _awaited(self, event: Event) -> bool:
        """True when the code has what this event is for."""
        match event.kind:
            case Kind.IN | Kind.EOF | Kind.RESET:
                return event.channel in self._streams
            case Kind.DATAGRAM_IN:
                return event.channel in self._datagrams
            case Kind.ACCEPT:
                return event.meta["listener"] in self._listeners
            case Kind.TICK:
                return True
            case _:
                kind = event.meta["for"] if event.kind is Kind.REFUSED else event.kind
                return (Kind(kind), event.meta["label"], event.meta["call"]) in self._pending

    def _exhausted(self) -> None:
        """The tape has ended and everyone waits: whoever waits for the wire learns it, and if nobody does, the loop."""
        what = f"what happens after {self._now / NS:.3f} s"
        waiting = [future for future in self._waiting if not future.done()]
        if not waiting:
            raise NotOnTape(what)
        for future in waiting:
            future.set_exception(NotOnTape(what))

    def remaining(self) -> tuple[int, int]:
        """(recorded inputs not released, recorded writes and datagrams not produced again)."""
        rest = self.tape.events[self._cursor :]
        unsent = sum(1 for event in self.tape.events if self._script.unsent((event,)) is not None)
        return sum(1 for event in rest if event.kind in INPUTS), unsent

    # tests

    def begin(self, directory: Path | None, test_id: str) -> None:
        self._seek(Kind.BEGIN, test_id)
        self._seed_random(test_id)

    def end(self) -> None:
        self._seek(Kind.END, "")

    def _seek(self, kind: Kind, test_id: str) -> None:
        for position in range(self._cursor, len(self.tape.events)):
            event = self.tape.events[position]
            if event.kind is kind and event.meta["test"] == test_id:
                self._cursor = position + 1
                self._now = max(self._now, event.release)
                self._script.seek(event.n)
                return
        raise NotOnTape(f"{kind} of test {test_id!r}")

    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        return self._script.fact(name)

    def step(self, step_id: str) -> None:
        self.check()

    def note(self, text: str) -> None:
        self.check()

    # calls

    def _number(self, kind: Kind, label: str) -> int:
        self.check()
        return int(self._script.next_call(kind, label).meta["call"])

    def _dial(self, stream: Stream, call: int, to: tuple[str, int], tls: SSLContext | None, source: str) -> None:
        host, port = to
        event = self._script.dials[stream.label, call]
        recorded = f"{event.meta['host']}:{event.meta['port']}"
        if recorded != f"{host}:{port}":
            self._diverge(Diverged(f"connect {stream.label}", 0, recorded.encode(), f"{host}:{port}".encode()))
        stream.channel = event.channel
        self._streams[event.channel] = stream

    def _open_listener(self, listener: Listener, call: int, host: str, port: int, tls: SSLContext | None) -> None:
        pass

    def _bind(self, socket: Datagram, call: int, host: str, port: int, group: str) -> None:
        pass

    def _run_blocking(self, label: str, number: int, call: Callable[[], Exchange]) -> None:
        pass

    def _run_compute(self, label: str, number: int, call: Callable[[], T]) -> Awaitable[T]:
        return self._event_loop.run_in_executor(None, call)

    # sending

    def transmit(self, stream: Stream, data: bytes) -> int:
        self.check()
        try:
            return self._script.channels[stream.channel].write(stream.label, data)
        except WireError as error:
            self._diverge(error)

    def send_datagram(self, socket: Datagram, data: bytes, to: Address) -> int:
        self.check()
        try:
            return self._script.channels[socket.channel].send(socket.label, data, to)
        except WireError as error:
            self._diverge(error)

    def _diverge(self, error: WireError) -> NoReturn:
        """From here on the recording says nothing about this code."""
        self._break(error)
        raise error

    async def drained(self, stream: Stream) -> None:
        self.check()
        script = self._script.channels[stream.channel]
        if not script.drains or script.drains[0] != script.produced:
            return
        script.drains.popleft()
        label = str(stream.channel)
        call = self._number(Kind.DRAINED, label)
        await self.wait(self._expect(Kind.DRAINED, label, call))

    def consumed(self, stream: Stream) -> None:
        pass

    def hang_up(self, stream: Stream, abort: bool) -> None:
        self._streams.pop(stream.channel, None)

    def stop_listening(self, listener: Listener) -> None:
        self._listeners.pop(listener.channel, None)

    def close_datagram(self, socket: Datagram) -> None:
        self._datagrams.pop(socket.channel, None)

    async def _shut_down(self) -> None:
        pass


def replay(tape: Tape, main: Callable[[Wire], Coroutine[Any, Any, T]]) -> T:
    """Run ``main(wire)`` against a tape on a loop of its own and return what it returns."""
    loop = ReplayLoop()
    wire = ReplayWire(tape, loop)

    async def whole() -> T:
        async with wire:
            return await main(wire)

    try:
        return loop.run_until_complete(whole())
    finally:
        loop.close()

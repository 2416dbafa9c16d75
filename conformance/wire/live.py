"""The wire over real sockets, on the running event loop, with everything recorded."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar

from conformance.wire.errors import Closed, WireError
from conformance.wire.live_sockets import AcceptedLink, Link, UdpSocket, dial, open_listener
from conformance.wire.recorder import Recorder
from conformance.wire.streams import Datagram, Listener, Stream
from conformance.wire.tape import NS, Address, Event, Exchange, Kind
from conformance.wire.timers import Timer
from conformance.wire.wire import Wire

T = TypeVar("T")
PATIENCE = 1_000
BATCH = 128
INBOX_LIMIT = 2_048
LAG = 10_000_000
NOTED_LAG = 100_000_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that came in and waits for its turn. ``owner``: the link, socket or call it belongs to."""

    at: int
    kind: Kind
    owner: Any
    data: bytes
    meta: dict[str, Any]


class LiveWire(Wire):
    """Real sockets on the running loop. Without a recorder nothing is written (for tests of peers).

    One wire per loop: two would wait for each other's turns. ``worst_lag``: by how many seconds a timer was ever late
    because the loop was busy; more than 0.1 s is also told on the tape (``late``).
    """

    def __init__(
        self, recorder: Recorder | None = None, *, seed: int = 0, loop: asyncio.AbstractEventLoop | None = None
    ) -> None:
        super().__init__(seed=seed)
        self.recorder = recorder
        self._event_loop = loop or asyncio.get_running_loop()
        self._base = time.monotonic_ns()
        self._epoch = time.time_ns()
        self._events = 0
        self._channels = 0
        self._inbox: deque[Arrival] = deque()
        self._pump_due = False
        self._patience = PATIENCE
        self._clock: asyncio.TimerHandle | None = None
        self._clock_deadline = 0
        self._horizon = 0
        self._links: dict[int, Link] = {}
        self._udp: dict[int, UdpSocket] = {}
        self._servers: dict[int, asyncio.Server] = {}
        self.accepted: set[AcceptedLink] = set()
        self._chores: set[asyncio.Task[None]] = set()
        self._slowed: set[UdpSocket] = set()
        if recorder is not None:
            recorder.start(self._epoch, seed)

    # the clock

    def real(self) -> int:
        """Nanoseconds since the session began, by the kernel's monotonic clock."""
        return time.monotonic_ns() - self._base

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop everything runs on."""
        return self._event_loop

    def _loop(self) -> asyncio.AbstractEventLoop:
        return self._event_loop

    def _catch_up(self) -> None:
        """When long work has left ``now()`` behind, move it to the present, on the tape."""
        real = self.real()
        if real - self._now > LAG:
            self._tell(Kind.TICK, at=real, release=real, meta={"arm": self._timers.armed})
            self._now = real

    def _timer_added(self, timer: Timer) -> None:
        self._set_clock()

    def _set_clock(self) -> None:
        deadline = self._timers.next_deadline()
        if deadline is None or (self._clock is not None and self._clock_deadline <= deadline):
            return
        if self._clock is not None:
            self._clock.cancel()
        self._clock_deadline = deadline
        self._clock = self._event_loop.call_at((self._base + deadline) / NS, self._clock_rang)

    def _clock_rang(self) -> None:
        self._clock = None
        self._horizon = self.real()
        self._pump()

    # one event at a time

    def arrive(
        self, kind: Kind, owner: Any, data: bytes = b"", meta: dict[str, Any] | None = None, at: int | None = None
    ) -> None:
        """For sockets: something came in; it is released when its turn comes."""
        self._inbox.append(Arrival(self.real() if at is None else at, kind, owner, data, meta or {}))
        self._call_pump()

    @property
    def crowded(self) -> bool:
        """For sockets: so much waits for its turn that reading should pause."""
        return len(self._inbox) > INBOX_LIMIT

    def slowed(self, socket: UdpSocket) -> None:
        """For sockets: this one stopped reading until the inbox is shorter."""
        self._slowed.add(socket)

    def _call_pump(self) -> None:
        if not self._pump_due:
            self._pump_due = True
            self._event_loop.call_soon(self._pump_turn)

    def _pump_turn(self) -> None:
        self._pump_due = False
        self._pump()

    def _pump(self) -> None:
        """Release events while nobody else has anything to do."""
        for _ in range(BATCH):
            if self._broken is not None:
                return
            if not self._quiet():
                break
            try:
                if not self._release_next():
                    self._set_clock()
                    return
            except WireError as error:
                self._break(error)
                return
        self._call_pump()

    def _quiet(self) -> bool:
        """True when no callback waits to run. asyncio has no public way to ask; a loop without ``_ready`` is quiet.

        A loop that is never quiet must not stop the wire: after a thousand turns the next event is released anyway.
        """
        loop = self._event_loop
        if getattr(loop, "_stopping", False):
            return False
        if getattr(loop, "_ready", None) and self._patience > 0:
            self._patience -= 1
            return False
        self._patience = PATIENCE
        return True

    def _release_next(self) -> bool:
        """Fire the next timer or release the next arrival, whichever is earlier. False: nothing to do."""
        horizon = max(self._now, self._inbox[0].at) if self._inbox else self._horizon
        timer = self._timers.pop_due(horizon)
        if timer is not None:
            self._fire(timer)
            return True
        if not self._inbox:
            return False
        arrival = self._inbox.popleft()
        self._release_arrival(arrival)
        if self._slowed and len(self._inbox) < INBOX_LIMIT // 2:
            for socket in list(self._slowed):
                socket.resume()
            self._slowed.clear()
        return True

    def _fire(self, timer: Timer) -> None:
        late = self.real() - timer.deadline
        self._now = max(self._now, timer.deadline)
        meta = {"what": timer.what, "seconds": timer.seconds}
        if late > NOTED_LAG:
            meta["late"] = late / NS
            self.worst_lag = max(self.worst_lag, late / NS)
        self._record(Kind.TIMER, at=timer.deadline, release=self._now, meta=meta)
        timer.callback()

    def _release_arrival(self, arrival: Arrival) -> None:
        channel = 0
        owner = arrival.owner
        if isinstance(owner, (Link, UdpSocket)):
            if isinstance(owner, AcceptedLink) and arrival.kind is Kind.ACCEPT:
                owner.admit(arrival.meta)
            if owner.dead:
                return
            if not owner.channel:
                self._channels += 1
                self._adopt(owner, self._channels)
            channel = owner.channel
        elif arrival.kind is Kind.LISTEN:
            self._channels += 1
            channel = self._channels
            self._servers[channel] = owner
        if self._abandoned(arrival):
            return
        release = max(self._now, arrival.at)
        event = self._record(arrival.kind, arrival.at, release, channel, arrival.data, arrival.meta)
        if isinstance(owner, Link):
            owner.released(event)
        self._release(event)
        if isinstance(owner, Link) and arrival.kind in (Kind.RESET, Kind.REFUSED):
            owner.dead = True
            self._links.pop(channel, None)

    def _adopt(self, owner: Link | UdpSocket, channel: int) -> None:
        owner.channel = channel
        if isinstance(owner, Link):
            self._links[channel] = owner
        else:
            self._udp[channel] = owner

    def _abandoned(self, arrival: Arrival) -> bool:
        """True for the answer to a call that nobody waits for any more."""
        if "call" not in arrival.meta:
            return False
        kind = Kind(arrival.meta["for"]) if arrival.kind is Kind.REFUSED else arrival.kind
        return (kind, arrival.meta["label"], arrival.meta["call"]) not in self._pending

    def _record(
        self,
        kind: Kind,
        at: int | None = None,
        release: int | None = None,
        channel: int = 0,
        data: bytes = b"",
        meta: dict[str, Any] | None = None,
    ) -> Event:
        at = self.real() if at is None else at
        event = Event(self._events + 1, kind, at, self._now if release is None else release, channel, data, meta or {})
        if self.recorder is not None:
            self.recorder.append(event)
        self._events += 1
        return event

    def _tell(self, kind: Kind, channel: int = 0, data: bytes = b"", **facts: Any) -> int:
        """Record what the code did. What cannot be recorded is not done: the wire is broken from then on."""
        self.check()
        try:
            return self._record(kind, channel=channel, data=data, **facts).at
        except WireError as error:
            self._break(error)
            raise

    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        value = find()
        self._tell(Kind.FACT, meta={"name": name, "value": value})
        return value

    def step(self, step_id: str) -> None:
        if self.recorder is not None:
            self.recorder.step = step_id
        self._tell(Kind.STEP, meta={"step": step_id})

    def note(self, text: str) -> None:
        self._tell(Kind.NOTE, meta={"text": text})

    def begin(self, directory: Path | None, test_id: str) -> None:
        if self.recorder is not None and directory is not None:
            self.recorder.begin(directory, test_id)
        self._mark(Kind.BEGIN, test_id)
        self._seed_random(test_id)

    def end(self) -> None:
        try:
            self._mark(Kind.END, "")
        finally:
            if self.recorder is not None:
                self.recorder.step = ""
                self.recorder.end()

    def _mark(self, kind: Kind, test_id: str) -> None:
        self._now = max(self._now, self.real())
        self._tell(kind, at=self._now, meta={"test": test_id, "armed": self._timers.armed})

    # streams

    def _dial(self, stream: Stream, call: int, to: tuple[str, int], tls: SSLContext | None, source: str) -> None:
        host, port = to
        self._channels += 1
        stream.channel = self._channels
        self._streams[stream.channel] = stream
        link = Link(self, stream.label, stream.channel)
        self._links[stream.channel] = link
        meta = {"label": stream.label, "call": call, "host": host, "port": port, "tls": tls is not None}
        self._tell(Kind.DIAL, stream.channel, meta=meta | ({"source": source} if source else {}))
        link.dialling = self.chore(dial(link, call, to, tls, source))

    def transmit(self, stream: Stream, data: bytes) -> int:
        at = self._tell(Kind.OUT, stream.channel, data)
        self._links[stream.channel].write(data)
        return at

    async def drained(self, stream: Stream) -> None:
        self.check()
        link = self._links.get(stream.channel)
        if link is None or not link.writing_paused:
            return
        call = self._number(Kind.DRAINED, str(stream.channel))
        future = self._expect(Kind.DRAINED, str(stream.channel), call)
        self._tell(Kind.DRAIN, stream.channel, meta={"label": str(stream.channel), "call": call})
        link.wants_drained(call)
        await self.wait(future, what=f"{stream.label} to take what was written")

    def consumed(self, stream: Stream) -> None:
        link = self._links.get(stream.channel)
        if link is not None:
            link.resume_if_room(stream.buffered)

    def hang_up(self, stream: Stream, abort: bool) -> None:
        self._streams.pop(stream.channel, None)
        link = self._links.pop(stream.channel, None)
        if link is None:
            return
        link.close(abort)
        if self._recording():
            self._tell_end(stream.channel, abort)

    def _tell_end(self, channel: int, abort: bool) -> None:
        try:
            self._record(Kind.CLOSE, channel=channel, meta={"abort": True} if abort else {})
        except WireError as error:
            self._break(error)

    def _recording(self) -> bool:
        return self._broken is None or isinstance(self._broken, Closed)

    # listeners and datagrams

    def _open_listener(self, listener: Listener, call: int, host: str, port: int, tls: SSLContext | None) -> None:
        self.chore(open_listener(self, listener, call, host, port, tls))

    def stop_listening(self, listener: Listener) -> None:
        server = self._servers.pop(listener.channel, None)
        self._listeners.pop(listener.channel, None)
        if server is not None:
            server.close()
            if self._recording():
                self._tell_end(listener.channel, abort=False)

    def _bind(self, socket: Datagram, call: int, host: str, port: int, group: str) -> None:
        UdpSocket(self, socket.label).bind(call, host, port, group)

    def send_datagram(self, socket: Datagram, data: bytes, to: Address) -> int:
        at = self._tell(Kind.DATAGRAM_OUT, socket.channel, data, meta={"peer": [to[0], to[1]]})
        problem = self._udp[socket.channel].send(data, to)
        if problem:
            self.note(f"{socket.label}: datagram to {to[0]}:{to[1]} was not sent: {problem}")
        return at

    def close_datagram(self, socket: Datagram) -> None:
        self._datagrams.pop(socket.channel, None)
        udp = self._udp.pop(socket.channel, None)
        if udp is not None:
            udp.close()
            if self._recording():
                self._tell_end(socket.channel, abort=False)

    # executors

    def _run_blocking(self, label: str, number: int, call: Callable[[], Exchange]) -> None:
        self._tell(Kind.CALL, meta={"label": label, "call": number, "for": Kind.EXCHANGE})
        work = self._event_loop.run_in_executor(None, call)

        def finished(done: asyncio.Future[Exchange]) -> None:
            if done.cancelled():
                return
            error = done.exception()
            exchange = Exchange(()) if error is not None else done.result().shifted(-self._base / NS)
            meta = {"label": label, "call": number, **exchange.as_meta()}
            if error is not None:
                meta["raised"] = repr(error)
            self.arrive(Kind.EXCHANGE, None, exchange.payload(), meta)

        work.add_done_callback(finished)

    def _run_compute(self, label: str, number: int, call: Callable[[], T]) -> Awaitable[T]:
        meta = {"label": label, "call": number}
        self._tell(Kind.CALL, meta={**meta, "for": Kind.COMPUTED})
        work = self._event_loop.run_in_executor(None, call)
        work.add_done_callback(lambda _: self.arrive(Kind.COMPUTED, None, meta=meta))
        return work

    def chore(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """For sockets: run a part of the plumbing as a task of the loop."""
        task = self._event_loop.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chores.discard)
        return task

    def stream(self, channel: int) -> Stream | None:
        """For sockets: the stream of a channel while it is open."""
        return self._streams.get(channel)

    def remark(self, text: str) -> None:
        """For sockets: a note that may come too late to be written."""
        with contextlib.suppress(WireError):
            self.note(text)

    async def _shut_down(self) -> None:
        if self._clock is not None:
            self._clock.cancel()
        for chore in list(self._chores):
            chore.cancel()
        if self._chores:
            await asyncio.wait(self._chores)
        for server in self._servers.values():
            server.close()
        for link in list(self.accepted):
            if not link.channel:
                link.close(abort=True)
        self._inbox.clear()
        await asyncio.sleep(0)
        if self.recorder is not None:
            self.recorder.close()

"""The wire as suites and peers see it. What is common to the live and the replayed wire stands here, once."""

from __future__ import annotations

import asyncio
import hashlib
import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from ssl import SSLContext
from typing import Any, TypeVar

from conformance.wire.errors import (
    BackgroundFailure,
    CallFailed,
    Closed,
    Expired,
    NotOnTape,
    Refused,
    TlsFailed,
    WireError,
)
from conformance.wire.streams import Datagram, Listener, Serve, Stream
from conformance.wire.tape import NS, Event, Exchange, Kind, Packet, TlsInfo, address
from conformance.wire.timers import Timer, TimerHeap, WireTimeout

T = TypeVar("T")
Target = Stream | Listener | Datagram | None


class Wire(ABC):
    """One event loop, one total order of events, one clock.

    An event (bytes, connection, timer ...) is released only when everything woken by the event before has run as far
    as it can. That is why a recording replays exactly: live and replayed wire share this class, they differ only in
    where events come from. Await nothing but the wire and pure asyncio (locks, queues, tasks, events).
    """

    def __init__(self, *, seed: int = 0) -> None:
        self.seed = seed
        self.random = random.Random(seed)
        self.worst_lag = 0.0
        self._now = 0
        self._epoch = 0
        self._timers = TimerHeap()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._waiting: dict[asyncio.Future[Any], None] = {}
        self._calls: Counter[tuple[Kind, str]] = Counter()
        self._broken: WireError | None = None
        self._streams: dict[int, Stream] = {}
        self._listeners: dict[int, Listener] = {}
        self._datagrams: dict[int, Datagram] = {}
        self._failed: list[asyncio.Task[Any]] = []
        self._callback_failures: list[tuple[str, BaseException]] = []
        self._pending: dict[tuple[Kind, str, int], tuple[asyncio.Future[Event], Target]] = {}

    # the clock

    def now(self) -> float:
        """Seconds since the session began, as of the event being handled. Never decreases."""
        return self._now / NS

    def epoch(self) -> float:
        """Unix time of ``now()``."""
        return (self._epoch + self._now) / NS

    async def sleep(self, seconds: float) -> None:
        """Wait on the wire clock."""
        future = self.future()
        timer = self.arm(seconds, "sleep", lambda: _resolve(future))
        try:
            await self.wait(future)
        finally:
            timer.cancel()

    def timeout(self, seconds: float, what: str = "") -> WireTimeout:
        """``async with wire.timeout(4.0, "the verdict"):`` raises Expired when the block takes longer."""
        return WireTimeout(self, seconds, what)

    def arm(self, seconds: float, what: str, callback: Callable[[], None]) -> Timer:
        """Have ``callback`` called ``seconds`` from now unless the timer is cancelled."""
        self.check()
        self._catch_up()
        timer = Timer(self._now + max(0, round(seconds * NS)), seconds, what, callback)
        self._timers.add(timer)
        self._timer_added(timer)
        return timer

    # the world

    async def connect(
        self, host: str, port: int, *, label: str, tls: SSLContext | None = None, within: float, source: str = ""
    ) -> Stream:
        """Open a TCP (or TLS) connection, from the local address ``source`` where it is given.

        Raises Refused (TlsFailed under TLS), also for a ``source`` that this machine does not have, or Expired after
        ``within`` seconds.
        """
        stream = Stream(self, label, 0, (host, port))
        call = self._number(Kind.DIAL, label)
        future = self._expect(Kind.CONNECT, label, call, stream)
        try:
            self._dial(stream, call, (host, port), tls, source)
            event = await self.wait(future, within, f"the connection {label} to {host}:{port}")
        except BaseException:
            self._forget(Kind.CONNECT, label, call)
            stream.abort()
            raise
        if event.kind is Kind.REFUSED:
            stream.closed = True
            raise _refusal(event, label, host, port)
        return stream

    async def listen(
        self, host: str, port: int, serve: Serve, *, label: str, tls: SSLContext | None = None
    ) -> Listener:
        """Listen on host:port (0 = any free port); ``serve(stream)`` runs as a task per connection.

        The stream stays open until someone closes it; it is aborted when ``serve`` fails. Raises Refused when the
        address cannot be bound.
        """
        listener = Listener(self, label, serve)
        call = self._number(Kind.LISTEN, label)
        future = self._expect(Kind.LISTEN, label, call, listener)
        self._open_listener(listener, call, host, port, tls)
        event = await self.wait(future)
        if event.kind is Kind.REFUSED:
            raise _refusal(event, label, host, port)
        return listener

    async def datagram(self, host: str = "127.0.0.1", port: int = 0, *, label: str, group: str = "") -> Datagram:
        """Bind a UDP socket (0 = any free port). ``group``: IPv4 multicast group to listen to on the interface that has
        the address ``host``, beside others on this machine. What is sent to a group leaves by that interface.

        Raises Refused when the address cannot be bound.
        """
        socket = Datagram(self, label)
        call = self._number(Kind.BIND, label)
        future = self._expect(Kind.BIND, label, call, socket)
        self._bind(socket, call, host, port, group)
        event = await self.wait(future)
        if event.kind is Kind.REFUSED:
            raise _refusal(event, label, host, port)
        return socket

    async def blocking(self, label: str, call: Callable[[], Exchange]) -> Exchange:
        """Run a blocking client in an executor; its exchange goes on the tape and comes from there in a replay.

        ``call`` reports failures of the network in ``Exchange.error``; when it raises, this raises CallFailed.
        """
        number = self._number(Kind.EXCHANGE, label)
        future = self._expect(Kind.EXCHANGE, label, number)
        self._run_blocking(label, number, call)
        event = await self.wait(future)
        if event.meta.get("raised"):
            raise CallFailed(label, event.meta["raised"])
        return Exchange.from_event(event)

    async def compute(self, label: str, call: Callable[[], T]) -> T:
        """Run pure computation (decoding) in an executor. Its end is an event, so that a replay has the same order."""
        number = self._number(Kind.COMPUTED, label)
        future = self._expect(Kind.COMPUTED, label, number)
        work = self._run_compute(label, number, call)
        await self.wait(future)
        return await work

    def spawn(self, coroutine: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        """Run a coroutine as a task that is cancelled at close; an exception nobody awaits is in ``take_failures``."""
        task = self._loop().create_task(coroutine, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_done)
        return task

    def take_failures(self) -> tuple[tuple[str, BaseException], ...]:
        """Failures of background tasks since the last call: (task name, exception). Whoever takes them must tell."""
        unseen = [task for task in self._failed if getattr(task, "_log_traceback", True)]
        self._failed.clear()
        failures = [(task.get_name(), task.exception()) for task in unseen] + [*self._callback_failures]
        self._callback_failures.clear()
        return tuple(
            (name, error)
            for name, error in failures
            if error is not None and not isinstance(error, NotOnTape) and error is not self._broken
        )

    @abstractmethod
    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        """What ``find`` returns (JSON data), something that no packet tells: the address of a simulator, the result of
        a computation with a secret. Live it is found and goes on the tape; a replay takes it from there."""

    @abstractmethod
    def step(self, step_id: str) -> None:
        """Comment the packets that follow with the procedure step, such as ``IF-AHL-02 s2``; "" ends it."""

    @abstractmethod
    def note(self, text: str) -> None:
        """Put a remark on the tape, next to the packets."""

    @abstractmethod
    def begin(self, directory: Path | None, test_id: str) -> None:
        """A test begins: its evidence goes to ``directory``/wire.pcapng, ``random`` is seeded for it."""

    @abstractmethod
    def end(self) -> None:
        """The test ends: its evidence file is finished."""

    async def close(self) -> None:
        """Cancel all tasks, close everything. Raises BackgroundFailure when failures were not taken."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        self._break(Closed("wire"))
        if tasks:
            await asyncio.wait(tasks)
        for stream in list(self._streams.values()):
            stream.close()
        for listener in list(self._listeners.values()):
            listener.close()
        for socket in list(self._datagrams.values()):
            socket.close()
        await self._shut_down()
        failures = self.take_failures()
        if failures:
            raise BackgroundFailure(failures)

    async def __aenter__(self) -> Wire:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        try:
            await self.close()
        except BackgroundFailure:
            if error is None:
                raise

    # for streams and sockets

    def call_back(self, name: str, callback: Callable[[Packet], None], packet: Packet) -> None:
        """Call code of a suite from within the wire; what it raises is a failure like that of a background task."""
        try:
            callback(packet)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and must not stop the wire
            self._callback_failures.append((name, error))

    def future(self) -> asyncio.Future[Any]:
        return self._loop().create_future()

    def check(self) -> None:
        """Raise what broke the wire, if something did."""
        if self._broken is not None:
            raise self._broken

    async def wait(self, future: asyncio.Future[T], within: float | None = None, what: str = "") -> T:
        """Wait for a released event, at most ``within`` seconds."""
        self.check()
        timer = None
        if within is not None:
            timer = self.arm(within, what, lambda: _fail(future, Expired(within, what)))
        self._waiting[future] = None
        try:
            return await future
        finally:
            self._waiting.pop(future, None)
            if timer is not None:
                timer.cancel()

    def free_drains(self, stream: Stream) -> None:
        """Whoever waits for this stream to drain need not wait any longer: it is closed."""
        for key in [key for key in self._pending if key[:2] == (Kind.DRAINED, str(stream.channel))]:
            _resolve(self._pending.pop(key)[0])

    @abstractmethod
    def transmit(self, stream: Stream, data: bytes) -> int: ...

    @abstractmethod
    async def drained(self, stream: Stream) -> None: ...

    @abstractmethod
    def consumed(self, stream: Stream) -> None: ...

    @abstractmethod
    def hang_up(self, stream: Stream, abort: bool) -> None: ...

    @abstractmethod
    def stop_listening(self, listener: Listener) -> None: ...

    @abstractmethod
    def send_datagram(self, socket: Datagram, data: bytes, to: tuple[str, int]) -> int: ...

    @abstractmethod
    def close_datagram(self, socket: Datagram) -> None: ...

    # where live and replayed wire differ

    @abstractmethod
    def _loop(self) -> asyncio.AbstractEventLoop: ...

    @abstractmethod
    def _catch_up(self) -> None: ...

    @abstractmethod
    def _timer_added(self, timer: Timer) -> None: ...

    @abstractmethod
    def _dial(self, stream: Stream, call: int, to: tuple[str, int], tls: SSLContext | None, source: str) -> None: ...

    @abstractmethod
    def _open_listener(self, listener: Listener, call: int, host: str, port: int, tls: SSLContext | None) -> None: ...

    @abstractmethod
    def _bind(self, socket: Datagram, call: int, host: str, port: int, group: str) -> None: ...

    @abstractmethod
    def _run_blocking(self, label: str, number: int, call: Callable[[], Exchange]) -> None: ...

    @abstractmethod
    def _run_compute(self, label: str, number: int, call: Callable[[], T]) -> Awaitable[T]: ...

    @abstractmethod
    async def _shut_down(self) -> None: ...

    # releasing events

    def _release(self, event: Event) -> None:
        """Let the code see one event."""
        self._now = event.release
        match event.kind:
            case Kind.IN:
                self._streams[event.channel].feed(event)
            case Kind.DATAGRAM_IN:
                self._datagrams[event.channel].feed(event)
            case Kind.EOF:
                self._streams[event.channel].feed_eof(event)
            case Kind.RESET:
                stream = self._streams.pop(event.channel)
                stream.feed_reset(event.meta["reason"])
                self.free_drains(stream)
            case Kind.ACCEPT:
                self._accepted(event)
            case Kind.REFUSED:
                self._settle(Kind(event.meta["for"]), event)
            case Kind.CONNECT | Kind.LISTEN | Kind.BIND | Kind.EXCHANGE | Kind.COMPUTED | Kind.DRAINED:
                self._settle(event.kind, event)
            case _:
                pass

    def _accepted(self, event: Event) -> None:
        listener = self._listeners[event.meta["listener"]]
        stream = Stream(self, listener.label, event.channel)
        self._describe(stream, event)
        self._streams[event.channel] = stream
        self.spawn(_serve(listener.serve, stream), f"{listener.label} #{event.channel}")

    def _settle(self, kind: Kind, event: Event) -> None:
        future, target = self._pending.pop((kind, event.meta["label"], event.meta["call"]))
        if event.kind is Kind.REFUSED:
            self._streams.pop(event.channel, None)
        elif isinstance(target, Stream) and kind is Kind.CONNECT:
            self._describe(target, event)
            self._streams[event.channel] = target
        elif isinstance(target, Listener):
            target.channel = event.channel
            target.host, target.port = address(event.meta["local"])
            self._listeners[event.channel] = target
        elif isinstance(target, Datagram):
            target.channel = event.channel
            target.local = address(event.meta["local"])
            self._datagrams[event.channel] = target
        _resolve(future, event)

    @staticmethod
    def _describe(stream: Stream, event: Event) -> None:
        stream.channel = event.channel
        stream.local = address(event.meta["local"])
        stream.peer = address(event.meta["peer"])
        stream.tls = TlsInfo.from_meta(event.meta.get("tls"))

    def _number(self, kind: Kind, label: str) -> int:
        """The how-manieth call of this kind with this label; live and replay count alike."""
        self.check()
        self._calls[kind, label] += 1
        return self._calls[kind, label]

    def _expect(self, kind: Kind, label: str, call: int, target: Target = None) -> asyncio.Future[Event]:
        future: asyncio.Future[Event] = self._loop().create_future()
        self._pending[kind, label, call] = (future, target)
        return future

    def _forget(self, kind: Kind, label: str, call: int) -> None:
        self._pending.pop((kind, label, call), None)

    def _seed_random(self, test_id: str) -> None:
        digest = hashlib.sha256(f"{self.seed}:{test_id}".encode()).digest()
        self.random.seed(int.from_bytes(digest[:8], "big"))

    def _break(self, error: WireError) -> None:
        """Nothing can go on: everyone who waits gets this error, and everyone who asks afterwards."""
        self._broken = self._broken or error
        for future in list(self._waiting):
            _fail(future, error)

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and getattr(task, "_log_traceback", True):
            self._failed.append(task)


async def _serve(serve: Serve, stream: Stream) -> None:
    try:
        await serve(stream)
    except Closed:
        stream.abort()
    except BaseException:
        stream.abort()
        raise


def _resolve(future: asyncio.Future[Any], value: object = None) -> None:
    if not future.done():
        future.set_result(value)


def _fail(future: asyncio.Future[Any], error: BaseException) -> None:
    if not future.done():
        future.set_exception(error)


def _refusal(event: Event, label: str, host: str, port: int) -> Refused:
    kind = TlsFailed if event.meta.get("tls_failed") else Refused
    return kind(label, host, port, event.meta["reason"])

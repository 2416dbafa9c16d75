"""A replay of many tests that survives each of them: where one leaves the recording, the next begins anew.

From the moment at which a test asks for something that the recording does not hold, nothing more is judged of it: its
coroutine is cancelled, and the rest of its recording is fed to the parties of the bench as well as it fits, so that
they know their connections when the next test begins.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from conformance.wire.errors import NotOnTape, TapeError, WireError
from conformance.wire.replay import ReplayWire
from conformance.wire.replay_loop import ReplayLoop
from conformance.wire.streams import Datagram, Stream
from conformance.wire.tape import BARRIERS, INPUTS, NS, Address, Event, Kind, Tape

T = TypeVar("T")


class ResumingReplay(ReplayWire):
    """``undecided``: what the present test asked for in vain, None while it follows the recording.

    ``left_over``: after `end`, the test had ended before everything that it once sent was sent again.
    """

    def __init__(self, tape: Tape, loop: ReplayLoop) -> None:
        super().__init__(tape, loop)
        self.undecided: WireError | None = None
        self.left_over = False
        self._main: asyncio.Task[Any] | None = None
        self._draining: asyncio.Future[None] | None = None
        self._doubtful: set[int] = set()

    def carry_out(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the loop of the tape. Raises what it raises, or what left it undecided."""
        self._main = task = self._event_loop.create_task(coroutine)
        try:
            return self._event_loop.run_until_complete(task)
        except asyncio.CancelledError:
            if self.undecided is None:
                raise
            raise self.undecided from None
        finally:
            self._main = None

    # tests

    def begin(self, directory: Path | None, test_id: str) -> None:
        if self.undecided is not None or self.left_over:
            self._doubtful |= {channel for channel, stream in self._streams.items() if stream.buffered}
        self.undecided = None
        self.left_over = False
        super().begin(directory, test_id)
        beginning = self.tape.events[self._cursor - 1]
        self._timers.armed = int(beginning.meta.get("armed", self._timers.armed))
        self._script.align(beginning.n)
        self._drop_ended(beginning.n)

    def end(self) -> None:
        """Feed what is left of this test's recording to whoever still listens."""
        decided = self.undecided
        if self._rest_of_test():
            self._event_loop.run_until_complete(self._drain())
        self.left_over = decided is None and (self.undecided is not None or self._rest_of_test())
        self.undecided = decided
        super().end()

    def pass_over(self, test_id: str) -> None:
        """This test is not judged; the bench sees its traffic all the same."""
        self.begin(None, test_id)
        self.undecided = NotOnTape(f"the whole test {test_id!r}")
        self.end()

    def _rest_of_test(self) -> bool:
        for event in self.tape.events[self._cursor :]:
            if event.kind in BARRIERS:
                return False
            if event.kind in INPUTS or self._script.unsent((event,)) is not None:
                return True
        return False

    async def _drain(self) -> None:
        self._draining = self.future()
        try:
            await self._draining
        finally:
            self._draining = None

    def _drop_ended(self, n: int) -> None:
        """Streams and sockets that had been closed before event ``n`` in the recording are closed."""
        for channel in self._script.closed_before(n):
            found: Stream | Datagram | None = self._streams.get(channel) or self._datagrams.get(channel)
            if found is not None:
                found.close()

    # leaving the recording

    def idle(self, loop_deadline: int | None) -> None:
        """For the loop: release what comes next. An event that makes no sense is left out, and decides nothing."""
        with self._sense():
            super().idle(loop_deadline)

    def _catch_up(self) -> None:
        with self._sense():
            super()._catch_up()

    @contextmanager
    def _sense(self) -> Iterator[None]:
        """Leave out the next event when it cannot be made sense of."""
        cursor = self._cursor
        try:
            yield
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            self._cursor = max(self._cursor, cursor + 1)
            self._undecide(TapeError("tape", f"event {cursor}: {error!r}"))

    def _undecide(self, error: WireError) -> None:
        self.undecided = self.undecided or error
        if self._main is not None and not self._main.done():
            self._main.cancel()

    def _stop(self, error: WireError) -> None:
        self._undecide(error)

    def _diverge(self, error: WireError) -> NoReturn:
        self._undecide(error)
        raise error

    def _exhausted(self) -> None:
        if self._draining is not None:
            if not self._draining.done():
                self._draining.set_result(None)
            return
        self._undecide(NotOnTape(f"what happens after {self._now / NS:.3f} s"))

    def _overdue(self) -> bool:
        return self.undecided is None and super()._overdue()

    def _release_at(self, position: int) -> None:
        if self.undecided is None:
            super()._release_at(position)
            return
        event = self.tape.events[position]
        self._cursor = position + 1
        self._now = max(self._now, event.release)
        if self._awaited(event):
            self._release(event)

    def _awaited(self, event: Event) -> bool:
        if event.kind is Kind.REFUSED and event.channel:
            return event.channel in self._streams and super()._awaited(event)
        return super()._awaited(event)

    def consumed(self, stream: Stream) -> None:
        """What an earlier test has left unread is not what this one read when it was recorded."""
        if stream.channel in self._doubtful:
            self._undecide(NotOnTape(f"what {stream.label} has to read after a test that left the recording"))

    def _number(self, kind: Kind, label: str) -> int:
        try:
            return super()._number(kind, label)
        except NotOnTape as error:
            self._undecide(error)
            raise

    def fact(self, name: str, find: Callable[[], Any]) -> Any:
        try:
            return super().fact(name, find)
        except NotOnTape as error:
            self._undecide(error)
            raise

    def transmit(self, stream: Stream, data: bytes) -> int:
        if self.undecided is None:
            try:
                return self._script.channels[stream.channel].write(stream.label, data)
            except WireError as error:
                self._undecide(error)
        return self._now

    def send_datagram(self, socket: Datagram, data: bytes, to: Address) -> int:
        if self.undecided is None:
            try:
                return self._script.channels[socket.channel].send(socket.label, data, to)
            except WireError as error:
                self._undecide(error)
        return self._now

"""The suites run again on recorded traffic: the same tests in the recorded order, no sockets, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from conformance.model.checks import Checks, Judgement, say
from conformance.model.verdict import Verdict
from conformance.peers.faults import BenchFault
from conformance.plugin.hooks import RUN, RUN_KIND, requirement_ids
from conformance.plugin.progress import silence_pytest
from conformance.plugin.run import Run, test_id
from conformance.plugin.settings import GIVEN_SETTINGS, Settings
from conformance.wire import Kind, ReplayLoop, ResumingReplay, Tape, WireError, mend_files, read_tape_file
from specs.model import Text

T = TypeVar("T")
#: Verdicts that a test may not get by doing less than it did before the device.
_HARMLESS = {Verdict.PASS, Verdict.WARN, Verdict.NOT_APPLICABLE}


def needs_device(why: WireError | None) -> Text:
    """The reason of everything that a recording cannot decide."""
    if why is None:
        return say(
            "需要真实设备: 测试比记录中提前结束", "needs the device: the test ends earlier than the recorded one"
        )
    return say(f"需要真实设备: {why.explain('zh')}", f"needs the device: {why}")


class _Lines:
    """Result lines that stay in memory."""

    def __init__(self) -> None:
        self.written: list[Mapping[str, Any]] = []

    def write(self, line: Mapping[str, Any]) -> None:
        self.written.append(line)


class RejudgingRun(Run):
    """A run on tapes, one session after the other. ``lines``: the test lines."""

    wire: ResumingReplay

    def __init__(self, settings: Settings, start_device: Callable[[dict[str, Any]], dict[str, Any] | None]) -> None:
        super().__init__(settings, start_device)
        self._lines = _Lines()
        self.results = self._lines  # type: ignore[assignment]

    @property
    def lines(self) -> list[Mapping[str, Any]]:
        """What was judged so far."""
        return self._lines.written

    def start(self) -> None:
        """Nothing is begun before there is a tape."""

    def finish(self, *, interrupted: bool) -> int:
        """Nothing is left to be ended."""
        return 0

    @contextmanager
    def session(self, tape: Tape) -> Iterator[None]:
        """Bench and wire of one recorded session, as they were when its first test began."""
        self.blocked = None
        self.loop = loop = ReplayLoop()
        self.wire = ResumingReplay(tape, loop)
        self.bench = self._new_bench()
        try:
            self._replay_opening()
            yield
        finally:
            self._replay_closing()
            loop.close()

    def _replay_opening(self) -> None:
        try:
            self.run(self._open())
        except BenchFault as fault:
            self.blocked = fault.text
        except WireError as error:
            if self.wire.undecided is None:
                self.blocked = say(error.explain("zh"), error.explain("en"))
        if self.wire.undecided is not None:
            self.blocked = None

    def _replay_closing(self) -> None:
        with suppress(WireError):
            self.wire.carry_out(self.wire.close())

    def run(self, coroutine: Coroutine[Any, Any, T], seconds: float | None = None) -> T:
        """Run a coroutine on the loop of the tape."""

        async def bounded() -> T:
            if seconds is None:
                return await coroutine
            async with self.wire.timeout(seconds, "the end of the test"):
                return await coroutine

        return self.wire.carry_out(bounded())

    def keep(self, name: str, data: bytes) -> str:
        """Where the live run kept such bytes; nothing is written."""
        return str((self._folder / name).relative_to(self.settings.out))

    def record(
        self, nodeid: str, name: str, checks: Checks | None, judgement: Judgement, duration: float, started: float
    ) -> None:
        """Note a test line. What the tape cannot decide needs the device, whatever the suite made of it."""
        less = self.blocked is None and self.wire.left_over and judgement.verdict in _HARMLESS
        if self.blocked is None and (self.wire.undecided is not None or less):
            reason = needs_device(self.wire.undecided)
            judgement = Judgement(
                Verdict.INCONCLUSIVE, dict.fromkeys(judgement.requirements, Verdict.INCONCLUSIVE), reason
            )
        super().record(nodeid, name, checks, judgement, duration, started)


@dataclass(frozen=True, slots=True)
class Session:
    """The files of one recorded session: one process against one device."""

    paths: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(path.stat().st_size for path in self.paths)

    def tape(self) -> Tape:
        """Its tests as far as they are there. Raises TapeError."""
        return mend_files([read_tape_file(path) for path in self.paths])


class Rejudging:
    """A pytest plugin that makes the run one on tapes. After it, ``lines`` has the test lines, in recorded order, and
    ``collected`` the requirements of every test that the plan asks for, by id of the test.

    ``failure``: why the suites could not be read, empty when they could.
    """

    def __init__(self, settings: Settings, sessions: Sequence[Session]) -> None:
        self._settings = settings
        self._sessions = sessions
        self.lines: list[Mapping[str, Any]] = []
        self.collected: dict[str, tuple[str, ...]] = {}
        self.failure = ""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Hand in the settings."""
        config.stash[GIVEN_SETTINGS] = self._settings
        config.stash[RUN_KIND] = RejudgingRun
        silence_pytest(config)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of the suites that cannot be read is told."""
        if report.failed:
            self.failure = report.longreprtext

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's loop: the recorded tests, session by session."""
        run = session.config.stash.get(RUN, None)
        if not isinstance(run, RejudgingRun):
            return True
        items = {test_id(item.nodeid): item for item in session.items}
        self.collected = {name: requirement_ids(item) for name, item in items.items()}
        self.lines = run.lines
        for recorded in self._sessions:
            try:
                self._judge(run, recorded.tape(), items)
            except Exception as error:  # noqa: BLE001 - a tape that is not one of ours decides nothing, whatever it does
                self.failure = f"{type(error).__name__}: {error}"
        return True

    @staticmethod
    def _judge(run: RejudgingRun, tape: Tape, items: Mapping[str, pytest.Item]) -> None:
        begun = [event for event in tape.events if event.kind is Kind.BEGIN]
        if not begun:
            return
        with run.session(tape):
            for event in begun:
                name = event.meta["test"]
                item = items.get(name)
                if item is None or event.meta.get("damaged"):
                    run.wire.pass_over(name)
                else:
                    item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)

"""Live progress: on a terminal a rich line with counts, elsewhere one plain line a test. NO_COLOR is honoured."""

from __future__ import annotations

import os
import sys
from types import TracebackType
from typing import Any, Self

import pytest
from rich.console import Console
from rich.markup import escape

_COLOURS = {
    "PASS": "green",
    "WARN": "yellow",
    "FAIL": "red",
    "ERROR": "red",
    "INCONCLUSIVE": "magenta",
    "BLOCKED": "magenta",
    "NOT_APPLICABLE": "dim",
}
_LONGEST_REASON = 400


class Progress:
    """Prints each verdict as it falls, and keeps a line of counts at the bottom of a terminal. Use as a context."""

    def __init__(self, language: str = "en", total: int = 0) -> None:
        self._console = Console(file=sys.stderr, highlight=False, no_color="NO_COLOR" in os.environ or None)
        self._language = language
        self._counts: dict[str, int] = {}
        self._total = total
        self._status = self._console.status("…") if self._console.is_terminal else None

    def __enter__(self) -> Self:
        if self._status is not None:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._status is not None:
            self._status.stop()

    def at_work(self, name: str) -> None:
        """A test begins."""
        if self._status is not None:
            done = sum(self._counts.values())
            place = f"[{done}/{self._total}] " if self._total else f"[{done}] "
            counts = "  ".join(f"{v} {n}" for v, n in self._counts.items())
            self._status.update(escape(f"{place}{name}  {counts}"))

    def verdict(self, name: str, verdict: str, reason: dict[str, str], seconds: float) -> None:
        """A verdict fell; ``reason`` in both languages, empty for none."""
        self._counts[verdict] = self._counts.get(verdict, 0) + 1
        colour = _COLOURS.get(verdict, "default")
        text = f"[{colour}]{verdict:<14}[/] {escape(name)} ({seconds:.1f} s)"
        if told := reason.get(self._language):
            text += f"\n{'':<15}{escape(told[:_LONGEST_REASON])}"
        self._console.print(text, soft_wrap=True)
        self.at_work("")


class ProgressPlugin:
    """The progress of one run of pytest, in place of pytest's own."""

    def __init__(self, config: pytest.Config) -> None:
        self._language = str(config.option.lang)
        self._progress: Progress | None = None

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The number of tests is known."""
        if session.items:
            self._progress = Progress(self._language, len(session.items)).__enter__()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        if self._progress is not None:
            self._progress.at_work(nodeid.rpartition("::")[2])

    def verdict(self, name: str, verdict: str, reason: dict[str, str], seconds: float) -> None:
        """A verdict fell."""
        if self._progress is not None:
            self._progress.verdict(name, verdict, reason, seconds)

    def pytest_sessionfinish(self) -> None:
        """The run is over."""
        if self._progress is not None:
            self._progress.__exit__(None, None, None)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ProgressPlugin(config), "kandian-progress")
    silence_pytest(config)


def silence_pytest(config: pytest.Config) -> None:
    """Take pytest's own reporter away."""
    terminal: Any = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.unregister(terminal)

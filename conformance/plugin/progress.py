"""Live progress: on a terminal a rich line with counts, elsewhere one plain line a test. NO_COLOR is honoured."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

from conformance.model.verdict import Verdict

_COLOURS = {
    "PASS": "green",
    "WARN": "yellow",
    "FAIL": "red",
    "ERROR": "red",
    "INCONCLUSIVE": "magenta",
    "BLOCKED": "magenta",
    "NOT_APPLICABLE": "dim",
}


class Progress:
    """Prints each verdict as it falls, and keeps a line of counts at the bottom of a terminal."""

    def __init__(self, config: pytest.Config) -> None:
        from rich.console import Console

        self._console = Console(file=sys.stderr, highlight=False, no_color="NO_COLOR" in os.environ or None)
        self._counts: dict[str, int] = {}
        self._total = 0
        self._done = 0
        self._status: Any = None
        self._config = config

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The number of tests is known."""
        self._total = len(session.items)
        if self._total and self._console.is_terminal:
            self._status = self._console.status("…")
            self._status.start()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """A test begins."""
        if self._status is not None:
            counts = " ".join(f"{v} {n}" for v, n in self._counts.items())
            self._status.update(f"[{self._done}/{self._total}] {nodeid.rpartition('::')[2]}  {counts}")

    def verdict(self, name: str, verdict: Verdict, reason: str, seconds: float) -> None:
        """A verdict fell."""
        self._done += 1
        self._counts[str(verdict)] = self._counts.get(str(verdict), 0) + 1
        colour = _COLOURS.get(str(verdict), "default")
        from rich.markup import escape

        text = f"[{colour}]{verdict:<14}[/] {escape(name)} ({seconds:.1f} s)"
        self._console.print(text + (f"\n               {escape(reason[:400])}" if reason else ""), soft_wrap=True)

    def pytest_sessionfinish(self) -> None:
        """The run is over."""
        if self._status is not None:
            self._status.stop()


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Progress(config), "kandian-progress")
    terminal = config.pluginmanager.getplugin("terminalreporter")
    if terminal is not None:
        config.pluginmanager.unregister(terminal)

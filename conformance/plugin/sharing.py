"""Several runs side by side, each with a device of its own: a test function goes to the run that claims it first."""

from __future__ import annotations

import hashlib
import sys
from itertools import groupby
from pathlib import Path

import pytest


class Sharing:
    """Runs only what this process claims. ``folder``: where claims are made, one file a test function; the functions of
    modules that name the same ``TOGETHER`` go to one run, because they judge something made only once a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: set[str] = set()

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of the suites that cannot be read is told by one of the runs."""
        if report.failed and self._claim(report.nodeid):
            print(report.longreprtext, file=sys.stderr)  # noqa: T201

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's loop: long tests first, and everything is torn down after each."""
        if session.testsfailed:
            raise session.Interrupted("collection failed")
        in_order = sorted(session.items, key=lambda item: item.get_closest_marker("long") is None)
        for function, items in groupby(in_order, _unit):
            if not self._claim(function):
                continue
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    def _claim(self, name: str) -> bool:
        if name in self._own:
            return True
        try:
            (self._folder / hashlib.sha256(name.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        self._own.add(name)
        return True


def _unit(item: pytest.Item) -> str:
    """What is claimed as a whole: a group of functions, or one function with all its parameters."""
    module = item.getparent(pytest.Module)
    group = str(getattr(module.obj, "TOGETHER", "")) if module else ""
    return group or item.nodeid.partition("[")[0]

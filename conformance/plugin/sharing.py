"""Several runs side by side, each with a device of its own: a test function goes to the run that claims it first."""

from __future__ import annotations

import hashlib
import sys
from itertools import groupby
from pathlib import Path

import pytest


class Sharing:
    """Runs only what this process claims. ``folder``: where claims are made, one file a test function."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A file of the suites that cannot be read is told by one of the runs."""
        if report.failed and self._claim(report.nodeid):
            print(report.longreprtext, file=sys.stderr)  # noqa: T201

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """In place of pytest's loop; everything is torn down after each test."""
        if session.testsfailed:
            raise session.Interrupted("collection failed")
        for function, items in groupby(session.items, lambda item: item.nodeid.partition("[")[0]):
            if not self._claim(function):
                continue
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
                if session.shouldstop:
                    raise session.Interrupted(session.shouldstop)
        return True

    def _claim(self, function: str) -> bool:
        try:
            (self._folder / hashlib.sha256(function.encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

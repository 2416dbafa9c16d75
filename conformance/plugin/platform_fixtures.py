"""Fixtures of the platform suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.peers.platform.bench import PlatformBench
from conformance.plugin.run import Run


@pytest.fixture
def platform(run: Run) -> Iterator[PlatformBench]:
    """The parties around the platform under test."""
    assert isinstance(run.bench, PlatformBench)
    yield run.bench
    run.bench.reset()

"""Fixtures of the stream suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.peers.streams.bench import StreamBench
from conformance.plugin.run import Run


@pytest.fixture
def streams(run: Run) -> Iterator[StreamBench]:
    """Players of the streams under test."""
    assert isinstance(run.bench, StreamBench)
    yield run.bench
    run.bench.reset()

"""Fixtures of the storage suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.peers.storage.bench import StorageBench
from conformance.peers.storage.storage import Storage
from conformance.plugin.run import Run


@pytest.fixture
def storage(run: Run) -> Iterator[Storage]:
    """The storage under test. It answers when the test begins; what the test made is removed afterwards."""
    assert isinstance(run.bench, StorageBench)
    storage = run.bench.storage
    run.run(storage.settle())
    yield storage
    run.run(storage.clear())
    run.bench.reset()

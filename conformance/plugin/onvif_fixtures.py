"""Fixtures of the ONVIF suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.peers.bench import Bench
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.run import Run


@pytest.fixture
def onvif(run: Run) -> Iterator[Onvif]:
    """The ONVIF device under test. It answers when the test begins; what the test changed is put back afterwards."""
    assert isinstance(run.bench, Bench)
    device = run.bench.onvif
    run.bench.reset()
    run.run(device.settle())
    yield device
    run.run(device.unwind())
    run.bench.reset()

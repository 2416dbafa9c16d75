"""Fixtures of the suites. Each is a view on the one run; every test begins with an honest bench and a device online."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from conformance.model.checks import Checks
from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.peers.ftp_server import FtpServer
from conformance.peers.group import GroupPlatform
from conformance.peers.players import Players
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.peers.relay import Relays
from conformance.plugin.hooks import CHECKS, RUN
from conformance.plugin.run import Run
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.messages import MessageTable
from specs.model import Limit


class Limits:
    """``limits("IF-AHL-03").verdict_wait``: limits of a requirement as attributes, already scaled."""

    def __init__(self, run: Run, requirement_id: str = "") -> None:
        self._run = run
        self._requirement_id = requirement_id

    def __call__(self, requirement_id: str) -> Limits:
        """The limits of that requirement."""
        return Limits(self._run, requirement_id)

    def __getattr__(self, name: str) -> Limit:
        return self._run.limit(self._requirement_id, name)


@pytest.fixture
def run(request: pytest.FixtureRequest) -> Run:
    """The run; suites should ask for something narrower."""
    return request.config.stash[RUN]


@pytest.fixture
def check(request: pytest.FixtureRequest) -> Checks:
    """Collects the checks of this test."""
    checks: Checks = request.node.stash[CHECKS]
    return checks


@pytest.fixture
def limits(run: Run) -> Limits:
    """Numbers of the spec."""
    return Limits(run)


@pytest.fixture
def wire(run: Run) -> Wire:
    """The only way to sockets, time and randomness."""
    return run.wire


@pytest.fixture
def declaration(run: Run) -> LoadedDeclaration:
    """What the vendor declares."""
    return run.settings.loaded


@pytest.fixture
def bench(run: Run) -> Iterator[Bench]:
    """All parties; honest at the beginning and again at the end."""
    assert isinstance(run.bench, Bench)
    run.bench.reset()
    yield run.bench
    run.bench.reset()


@pytest.fixture
def table(bench: Bench) -> MessageTable:
    """The message table of tykd."""
    return bench.table


@pytest.fixture
def province(bench: Bench, run: Run) -> Province:
    """The province platform, with the device online."""
    run.run(bench.settle())
    return bench.province


@pytest.fixture
def registrar(bench: Bench) -> Registrar:
    """The province's REGISTER service."""
    return bench.registrar


@pytest.fixture
def group(bench: Bench) -> GroupPlatform:
    """The group's REDIRECT service."""
    return bench.group


@pytest.fixture
def player(bench: Bench, run: Run) -> Iterator[Players]:
    """Makes players; all are closed after the test. The device is online where it speaks tykd."""
    run.run(bench.settle())
    players = Players(bench)
    yield players
    run.run(players.close())


@pytest.fixture
def relay(bench: Bench, run: Run) -> Relays:
    """Primary and backup relay, with the device online."""
    run.run(bench.settle())
    return bench.relays


@pytest.fixture
def control(run: Run) -> DeviceControl:
    """What the bench can do to the device."""
    return run.bench.control


@pytest.fixture
def ftp(bench: Bench, run: Run) -> FtpServer:
    """The FTP server that registration names, running, with nothing noted yet; honest again after the test."""
    if bench.speaks_tykd:
        run.run(bench.ftp.restart())
        run.run(bench.ftp.collect())
    bench.ftp.forget()
    return bench.ftp


@pytest.fixture
def run_async(run: Run) -> Callable[[Awaitable[Any]], Any]:
    """For tests that drive Hypothesis: run one coroutine on the session loop."""

    async def awaited(coroutine: Awaitable[Any]) -> Any:
        return await coroutine

    return lambda coroutine: run.run(awaited(coroutine))

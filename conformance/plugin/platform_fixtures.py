"""Fixtures of the platform suites."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from conformance.peers.faults import BenchFault, DeviceFault
from conformance.peers.platform.bench import PlatformBench
from conformance.peers.platform.phone import Phone, Phones
from conformance.peers.platform.push_sink import PushSink
from conformance.plugin.run import Run


@pytest.fixture
def platform(run: Run) -> Iterator[PlatformBench]:
    """The parties around the platform under test."""
    assert isinstance(run.bench, PlatformBench)
    yield run.bench
    run.bench.reset()


@pytest.fixture
def phones(platform: PlatformBench) -> Phones:
    """Makes phones; all are closed after the test."""
    return platform.phones


@pytest.fixture
def push(platform: PlatformBench) -> PushSink:
    """The gateway that takes the pushes of the platform."""
    if not platform.push_is_reachable:
        raise BenchFault(
            f"推送网关只在本机 {platform.push.host} 监听，平台无法到达；请声明 bench.host 与 bench.push_port",
            f"the push gateway listens at {platform.push.host}, out of reach of the platform; "
            "declare bench.host and bench.push_port",
        )
    return platform.push


@pytest.fixture
def owner(run: Run, phones: Phones) -> Phone:
    """A phone on which the first declared owner is logged in."""
    user = phones.of_role("owner")
    if user is None:
        raise BenchFault("声明中没有 owner 角色的用户", "the declaration names no user of the role owner")
    phone = phones.new()
    reply = run.run(phone.login(user))
    if not reply.ok:
        raise DeviceFault(f"登录失败: {reply.summary}", f"the login fails: {reply.summary}")
    return phone

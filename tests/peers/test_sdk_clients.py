"""Off-the-shelf clients: what they say is kept step by step and goes on the tape."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from conformance.peers.http_connection import Endpoint
from conformance.peers.storage.sdk_clients import RESOLUTION, Differs, SdkClient, StepResult, Target, same
from conformance.protocols.s3_credentials import Credentials
from conformance.wire import LiveWire

TARGET = Target(Endpoint.of("http://127.0.0.1:1"), Credentials("k", "s"), "cn", "v4", "bucket", 1.0)
NOWHERE = Target(Endpoint("http", "x" * 64, 1), Credentials("k", "s"), "cn", "v4", "bucket", 1.0, True)


class Scripted(SdkClient):
    """A client whose second step fails."""

    def steps(self) -> dict[str, Callable[[], None]]:
        return {"put": lambda: None, "get": lambda: same(b"new", b"old"), "delete": self.delete, "list": lambda: None}

    def delete(self) -> None:
        """Fails without a word."""
        raise TimeoutError


def run(target: Target) -> list[StepResult]:
    async def main() -> list[StepResult]:
        async with LiveWire(seed=1) as wire:
            return await Scripted(target).run(wire, "client")

    return asyncio.run(main())


def test_each_step_tells_how_it_went() -> None:
    assert run(TARGET) == [
        StepResult("put"),
        StepResult("get", "Differs: b'old' in place of b'new'"),
        StepResult("delete", "TimeoutError: "),
        StepResult("list"),
    ]


def test_a_bucket_without_an_address_is_all_that_is_told() -> None:
    (result,) = run(NOWHERE)
    assert result.step == RESOLUTION == "getaddrinfo"
    assert result.error.startswith("UnicodeError: ")


def test_secrets_do_not_show() -> None:
    assert "'s'" not in repr(TARGET)
    assert TARGET.url == "http://127.0.0.1:1"


def test_what_differs_is_shown_short() -> None:
    with pytest.raises(Differs) as found:
        same("x" * 500, "y" * 500)
    assert len(str(found.value)) == 120 + len(" in place of ") + 120

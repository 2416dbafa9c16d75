"""The ONVIF client: logins, clock, addresses, what it says of an answer; everything again from the tape."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from tiny_device import PASSWORD, TinyDevice, running

from conformance.peers.faults import BenchFault
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.client import OnvifClient
from conformance.peers.onvif.onvif import Onvif, OnvifDown
from conformance.peers.onvif.services import reachable
from conformance.wire import LiveWire, Recorder, Wire, read_tape, replay
from specs.model import Limit
from specs.onvif_target import onvif_declaration

T = TypeVar("T")
LIMITS = {
    "connect_wait": Limit(unit="s", value=5.0),
    "answer_wait": Limit(unit="s", value=5.0),
    "exchange_wait": Limit(unit="s", value=5.0),
    "death_wait": Limit(unit="s", value=0.1),
    "listening_step": Limit(unit="s", value=0.02),
}
USERS = ("device", "GetUsers")


def with_client(device: TinyDevice, script: Callable[[OnvifClient], Awaitable[T]], password: str = PASSWORD) -> T:
    """What a script finds with a client of the device."""

    async def main() -> T:
        async with running(device), LiveWire(seed=1) as wire:
            client = OnvifClient(wire, device.url, "admin", password, LIMITS)
            try:
                return await script(client)
            finally:
                client.close()

    return asyncio.run(main())


def onvif(wire: Wire, url: str, password: str = PASSWORD) -> Onvif:
    """The device as the bench holds it."""
    host = url.removeprefix("http://")
    return Onvif(wire, onvif_declaration(f"http://admin:{password}@{host}", None), LIMITS)


@pytest.mark.parametrize("auth", ["token", "digest", "both", "auto"])
def test_the_right_login_is_taken(auth: str) -> None:
    answer = with_client(TinyDevice(), lambda client: client.call(*USERS, auth=auth))  # type: ignore[arg-type]
    assert (answer.ok, answer.summary) == (True, "200 GetUsersResponse")


@pytest.mark.parametrize("auth", ["token", "digest", "none"])
def test_a_login_that_does_not_hold_is_refused(auth: str) -> None:
    device = TinyDevice()
    answer = with_client(device, lambda client: client.call(*USERS, auth=auth), "wrong")  # type: ignore[arg-type]
    assert (answer.ok, answer.unauthorized, answer.status) == (False, True, 401)
    assert answer.summary == "401 env:Sender/ter:NotAuthorized (who are you)"
    assert len(device.requests) == (2 if auth == "digest" else 1)


def test_a_digest_is_used_again_with_a_higher_count() -> None:
    device = TinyDevice(tokens=False)

    async def script(client: OnvifClient) -> None:
        for _ in range(3):
            assert (await client.call(*USERS, auth="digest")).ok

    with_client(device, script)
    counts = [re.findall(r"nc=(\w+)", request.headers.get("Authorization") or "") for request in device.requests]
    assert counts == [[], ["00000001"], ["00000002"], ["00000003"]]


@pytest.mark.parametrize(("algorithm", "chosen"), [("", "SHA-256"), ("MD5", "MD5")])
def test_the_better_algorithm_is_chosen_unless_one_is_named(algorithm: str, chosen: str) -> None:
    device = TinyDevice(tokens=False)

    async def script(client: OnvifClient) -> Answer:
        data = client.envelope(*USERS, auth="none")
        return await client.post(data, auth="digest", algorithm=algorithm)

    assert with_client(device, script).status == 200
    told = device.requests[-1].headers.get("Authorization") or ""
    assert ("algorithm=SHA-256" in told) == (chosen == "SHA-256")


def test_an_algorithm_that_is_not_offered_is_not_answered() -> None:
    device = TinyDevice(algorithms=("MD5",))

    async def script(client: OnvifClient) -> Answer:
        return await client.post(client.envelope(*USERS, auth="none"), auth="digest", algorithm="SHA-256")

    assert with_client(device, script).status == 401
    assert len(device.requests) == 1


def test_tokens_follow_the_clock_of_the_device() -> None:
    device = TinyDevice(ahead=86_400)

    async def script(client: OnvifClient) -> tuple[float, str]:
        await client.synchronize()
        return client.clock_offset, client.token(at=1371081600.5).created or ""

    offset, created = with_client(device, script)
    assert abs(offset - 86_400) <= 2
    assert created == "2013-06-13T00:00:00.500Z"


@pytest.mark.parametrize(("has_services", "path"), [(True, "/onvif/media?x=1"), (False, "/onvif/old_media")])
def test_addresses_lead_through_the_target(has_services: bool, path: str) -> None:
    device = TinyDevice(has_services=has_services)

    async def script(client: OnvifClient) -> tuple[str, str]:
        await client.find_services()
        return client.address("media"), client.target("media")

    assert with_client(device, script) == (f"http://127.0.0.1:{device.port}{path}", path)


def test_an_address_on_the_same_host_stays_as_it_is() -> None:
    assert reachable("http://192.0.2.7:8080/x", "http://192.0.2.7/onvif") == "http://192.0.2.7:8080/x"
    assert reachable("https://10.0.0.2/x", "http://192.0.2.7:81/onvif") == "http://192.0.2.7:81/x"


def test_a_connection_that_was_ended_is_replaced() -> None:
    device = TinyDevice(closes=True)

    async def script(client: OnvifClient) -> list[bool]:
        return [(await client.call(*USERS)).ok for _ in range(4)]

    assert with_client(device, script) == [True] * 4


def test_no_device_is_said_in_words() -> None:
    async def script(client: OnvifClient) -> Answer:
        return await client.call(*USERS, url="http://127.0.0.1:1/onvif")

    answer = with_client(TinyDevice(), script)
    assert (answer.status, answer.ok, answer.raw) == (0, False, b"")
    assert "127.0.0.1:1" in answer.summary


@pytest.mark.parametrize(
    ("device", "preferred", "mechanisms"),
    [
        (TinyDevice(), "token", {"token": True, "digest": True}),
        (TinyDevice(tokens=False), "digest", {"token": False, "digest": True}),
        (TinyDevice(digests=False), "token", {"token": True, "digest": False}),
    ],
)
def test_the_preflight_finds_out_how_to_log_in(device: TinyDevice, preferred: str, mechanisms: dict[str, bool]) -> None:
    async def main() -> Onvif:
        async with running(device), LiveWire(seed=1) as wire:
            found = onvif(wire, device.url)
            await found.preflight()
            await found.close()
            return found

    found = asyncio.run(main())
    assert (found.client.preferred, found.mechanisms) == (preferred, mechanisms)
    assert (found.has("media"), found.has("ptz"), found.has("device")) == (True, False, True)


def test_wrong_credentials_block_with_the_words_of_the_device() -> None:
    async def main() -> None:
        async with running(TinyDevice()) as device, LiveWire(seed=1) as wire:
            await onvif(wire, device.url, "wrong").preflight()

    with pytest.raises(BenchFault, match=r"refuses the ONVIF user 'admin'.*ter:NotAuthorized \(who are you\)"):
        asyncio.run(main())


def test_a_wrong_address_blocks() -> None:
    async def main() -> None:
        async with LiveWire(seed=1) as wire:
            await onvif(wire, "http://127.0.0.1:1/onvif/device_service").preflight()

    with pytest.raises(BenchFault, match=r"no ONVIF device service at http://127\.0\.0\.1:1"):
        asyncio.run(main())


def test_everything_is_undone_in_reverse_even_after_a_failure() -> None:
    order: list[str] = []

    async def main() -> None:
        async with LiveWire(seed=1) as wire:
            device = onvif(wire, "http://127.0.0.1:1/onvif/device_service")

            async def first() -> None:
                order.append("first")

            async def second() -> None:
                order.append("second")
                raise OnvifDown("gone")

            device.undo(first)
            device.undo(second)
            await device.close()
            await device.close()

    asyncio.run(main())
    assert order == ["second", "first"]


def test_a_run_is_the_same_from_its_tape(tmp_path: Path) -> None:
    device = TinyDevice(ahead=50.0)

    async def script(wire: Wire, url: str, password: str) -> list[str]:
        found = onvif(wire, url, password)
        await found.preflight()
        answers = [await found.call(*USERS, auth=auth) for auth in ("token", "digest", "none")]
        await found.close()
        return [answer.summary for answer in answers]

    async def live() -> list[str]:
        async with running(device), LiveWire(Recorder(tmp_path / "tape"), seed=1) as wire:
            return await script(wire, device.url, PASSWORD)

    first = asyncio.run(live())
    assert first == ["200 GetUsersResponse", "200 GetUsersResponse", "401 env:Sender/ter:NotAuthorized (who are you)"]
    assert replay(read_tape(tmp_path / "tape"), lambda wire: script(wire, device.url, "unknown")) == first

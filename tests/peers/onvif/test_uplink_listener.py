"""The far end of an uplink: upgrade, requests over HTTP/2, silence, and devices that do it wrong."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

import pytest

from conformance.peers.onvif.uplink_listener import UplinkListener
from conformance.protocols.http_message import HttpRequest, HttpResponse
from conformance.protocols.soap import envelope
from conformance.wire import LiveWire
from simulators.camera.onvif.state import UplinkState, User
from simulators.camera.onvif.uplink import Tunnel
from specs.model import Limit

T = TypeVar("T")
LIMITS = {
    "answer_wait": Limit(unit="s", value=5.0),
    "listening_step": Limit(unit="s", value=0.02),
}
LARGE = "x" * 100_000


class Face:
    """Answers with what it was asked, and as whom."""

    async def answer(self, request: HttpRequest, user: User) -> HttpResponse:
        """The answer."""
        text = f"<tds:GetUsersResponse>{user.level} {request.target} {len(request.body)} {LARGE}</tds:GetUsersResponse>"
        return HttpResponse.build(200, "OK", {"Content-Type": "application/soap+xml"}, envelope(text))


def tunnel(address: str, silence: float = 30.0) -> Tunnel:
    """A device's side with a stub behind it."""
    seconds = {"uplink_retry": 0.01, "uplink_retry_cap": 0.02, "uplink_silence": silence}
    camera = SimpleNamespace(timers=SimpleNamespace(seconds=seconds.__getitem__))
    service: Any = SimpleNamespace(camera=camera, face=Face())
    return Tunnel(service, UplinkState(address, "Operator", "device"))


def with_listener(script: Callable[[UplinkListener], Awaitable[T]], ping_every: float = 5.0) -> T:
    """What a script finds with a listener."""

    async def main() -> T:
        async with LiveWire(seed=1) as wire:
            listener = UplinkListener(wire, "127.0.0.1", LIMITS, ping_every)
            await listener.start()
            try:
                return await script(listener)
            finally:
                listener.stop()

    return asyncio.run(main())


async def raw(listener: UplinkListener, data: bytes) -> bytes:
    """What comes back for these bytes over TLS, until the end."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    host, port = listener.url.removeprefix("https://").removesuffix("/uplink").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), ssl=context)
    writer.write(data)
    if not data:
        writer.write_eof() if writer.can_write_eof() else writer.close()
    told = await reader.read() if data else b""
    writer.close()
    return told


def test_requests_are_answered_over_the_connection_of_the_device() -> None:
    async def script(listener: UplinkListener) -> tuple[str, list[str]]:
        device = asyncio.create_task(tunnel(listener.url).run())
        uplink = await listener.connected(5.0)
        assert uplink is not None
        assert uplink.request is not None
        asked = {"service": "device", "operation": "GetUsers", "within": 5.0}
        answers = await asyncio.gather(*(uplink.post("/onvif/x", b"y" * n, **asked) for n in (1, 40_000)))  # type: ignore[arg-type]
        device.cancel()
        return uplink.request.target, [(answer.value("") or "")[:40] for answer in answers if answer.ok]

    target, texts = with_listener(script)
    assert target == "/uplink"
    assert [text.split(" x")[0] for text in texts] == ["Operator /onvif/x 1", "Operator /onvif/x 40000"]


def test_pings_keep_it_up_and_silence_ends_it() -> None:
    async def script(listener: UplinkListener) -> tuple[bool, bool, int]:
        device = asyncio.create_task(tunnel(listener.url, silence=0.3).run())
        uplink = await listener.connected(5.0)
        assert uplink is not None
        await listener.wire.sleep(0.6)
        kept = uplink.usable
        uplink.quiet = True
        again = await listener.connected(5.0, after=1)
        device.cancel()
        return kept, again is not None, len(listener.uplinks)

    kept, again, count = with_listener(script, ping_every=0.05)
    assert (kept, again) == (True, True)
    assert count >= 2


def test_an_answer_that_the_end_cuts_off_is_told() -> None:
    class Leaving(Tunnel):
        async def respond(self, *given: Any) -> None:
            raise EOFError

    async def script(listener: UplinkListener) -> tuple[int, bool]:
        made = tunnel(listener.url)
        device = asyncio.create_task(Leaving(made.service, made.state).run())
        uplink = await listener.connected(5.0)
        assert uplink is not None
        answer = await uplink.post("/x", b"", service="device", operation="GetUsers", within=5.0)
        device.cancel()
        return answer.status, answer.dropped

    assert with_listener(script) == (0, True)


@pytest.mark.parametrize(
    ("data", "flaw"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "asks for the upgrade 'h2c'"),
        (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "asks for the upgrade ''"),
    ],
)
def test_a_device_that_does_it_wrong_is_told(data: bytes, flaw: str) -> None:
    async def script(listener: UplinkListener) -> tuple[str, bool]:
        told = asyncio.create_task(raw(listener, data))
        async with listener.wire.timeout(5.0, "the end of the uplink"):
            while not listener.uplinks or listener.uplinks[0].closed is None:
                await listener.wire.sleep(0.02)
        await told
        return listener.uplinks[0].flaw, listener.uplinks[0].usable

    found, usable = with_listener(script)
    assert (flaw in found, usable) == (True, False)


def test_nobody_comes() -> None:
    assert with_listener(lambda listener: listener.connected(0.1)) is None


def test_the_status_follows_the_connection() -> None:
    async def script(listener: UplinkListener) -> list[str]:
        made = tunnel(listener.url)
        states = [made.status]
        device = asyncio.create_task(made.run())
        assert await listener.connected(5.0) is not None
        states.append(made.status)
        device.cancel()
        return states

    assert with_listener(script) == ["Offline", "Connected"]


def test_a_device_behind_a_closed_port_tries_again() -> None:
    async def main() -> str:
        made = tunnel("https://127.0.0.1:1/x")
        device = asyncio.create_task(made.run())
        await asyncio.sleep(0)
        state = made.status
        device.cancel()
        return state

    assert asyncio.run(main()) == "Connecting"

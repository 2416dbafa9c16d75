"""Who searches: answers by RelatesTo, noise beside them, Hello and Bye from the group; the golden camera's side."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.peers.onvif.discovery import Listener, Searcher
from conformance.protocols import ws_discovery
from conformance.protocols.ws_discovery import WSD, Message
from conformance.wire import LiveWire
from simulators.camera.onvif.discovery import Discovery

SCOPES = ("onvif://www.onvif.org/type/video_encoder", "onvif://www.onvif.org/name/Front%20door")


def golden(*, discoverable: bool = True) -> Discovery:
    """The camera's side with a stub behind it."""
    state = SimpleNamespace(discoverable=discoverable)
    device = SimpleNamespace(guid="urn:uuid:1", scopes=lambda: list(SCOPES), state=state)
    face: Any = SimpleNamespace(host="127.0.0.1", url="http://127.0.0.1:80/onvif/device_service", device=device)
    return Discovery(face)


def asked(types: str = "", *scopes: str, matching: str = "") -> Message:
    """A Probe as read."""
    return ws_discovery.read(ws_discovery.probe("urn:uuid:9", types, scopes, matching=matching))


@pytest.mark.parametrize(
    ("message", "fits"),
    [
        (asked(), True),
        (asked("dn:NetworkVideoTransmitter"), True),
        (asked("tds:Device dn:NetworkVideoTransmitter"), True),
        (asked("dn:NetworkVideoDisplay"), False),
        (asked("", *SCOPES), True),
        (asked("", SCOPES[0], "onvif://www.onvif.org/hardware/x"), False),
        (asked("", "onvif://www.onvif.org/type"), True),
        (asked("", "onvif://www.onvif.org/"), True),
        (asked("", "onvif://www.onvif.org"), True),
        (asked("", "onvif://www.onvif.org/typ"), False),
        (asked("", "ONVIF://WWW.ONVIF.ORG/type"), True),
        (asked("", "onvif://www.onvif.org/TYPE"), False),
        (asked("", "onvif://www.onvif.org/type", matching=f"{WSD}/strcmp0"), False),
        (asked("", SCOPES[1], matching=f"{WSD}/strcmp0"), True),
        (asked("", SCOPES[1], matching=f"{WSD}/ldap"), False),
    ],
)
def test_a_probe_fits_by_type_and_by_segments_of_scopes(message: Message, fits: bool) -> None:
    assert golden().fits(message) is fits


def test_a_probe_is_answered_and_noise_is_not() -> None:
    async def main() -> tuple[list[str], str, str]:
        device = golden()
        await device.start()
        try:
            async with LiveWire(seed=1) as wire:
                searcher, to = Searcher(wire, "127.0.0.1"), ("127.0.0.1", device.port)
                found = await searcher.probe(to, within=5.0, enough=lambda replies: bool(replies.matches))
                silent = await searcher.send(b"\x00noise", "urn:uuid:none", to, within=0.2)
                return [target.endpoint for target in found.targets], found.summary, silent.summary
        finally:
            device.stop()

    assert asyncio.run(main()) == (["urn:uuid:1"], "ProbeMatches", "-")


def test_answers_to_others_do_not_count() -> None:
    async def main() -> tuple[int, int, float | None]:
        async with LiveWire(seed=1) as wire:
            other = await wire.datagram("127.0.0.1", label="other")

            async def answer() -> None:
                packet = await other.receive(5.0)
                told = ws_discovery.read(packet.data)
                for relates_to in ("urn:uuid:else", told.message_id):
                    other.send(ws_discovery.write("ProbeMatches", "", "urn:x", relates_to=relates_to), packet.source)

            wire.spawn(answer(), "answer")
            to = ("127.0.0.1", other.local[1])
            found = await Searcher(wire, "127.0.0.1").probe(to, within=5.0, enough=lambda r: len(r.heard) == 2)
            return len(found.heard), len(found.matches), found.delay

    heard, matches, delay = asyncio.run(main())
    assert (heard, matches) == (2, 1)
    assert delay is not None


def test_hello_and_bye_are_heard_by_the_group() -> None:
    async def main() -> list[int]:
        async with LiveWire(seed=1) as wire:
            listener = Listener(wire, "127.0.0.1")
            await listener.start()
            device = golden()
            await device.start()
            device.announce("Bye")
            async with wire.timeout(5.0, "Hello and Bye"):
                while not (listener.of("Hello", "urn:uuid:1") and listener.of("Bye", "urn:uuid:1")):
                    await wire.sleep(0.02)
            device.stop()
            listener.stop()
            return [len(listener.of(kind, "urn:uuid:nobody")) for kind in ("Hello", "Bye")]

    assert asyncio.run(main()) == [0, 0]


def test_a_hidden_camera_announces_nothing_and_hears_no_group() -> None:
    device = golden(discoverable=False)
    assert (device.listens(group=True), device.listens(group=False)) == (False, True)

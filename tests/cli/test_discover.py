"""`kandian discover`: who answers is listed once, by address; nobody is an exit code."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner, Result

from conformance.cli.discover import command
from conformance.protocols import ws_discovery
from conformance.protocols.soap import element
from conformance.protocols.ws_discovery import DEVICE, TRANSMITTER, Target

SCOPES = ("onvif://www.onvif.org/name/Front%20door", "onvif://www.onvif.org/hardware/GC-1")
NEAR = Target("urn:uuid:2", (TRANSMITTER, DEVICE), SCOPES, ("http://192.0.2.7/onvif/device_service",), 1)
FAR = Target("urn:uuid:1", (DEVICE,), (), ("http://192.0.2.9/onvif/device_service",), 1)


@contextmanager
def answering(*targets: Target) -> Iterator[int]:
    """The port of somebody who answers one Probe with these devices, one datagram each, and noise before them."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind(("127.0.0.1", 0))
        own.settimeout(5)

        def serve() -> None:
            data, source = own.recvfrom(65536)
            asked = ws_discovery.read(data)
            own.sendto(b"noise", source)
            for target in targets:
                body = element("d:ProbeMatch", ws_discovery.target_body(target))
                own.sendto(ws_discovery.write("ProbeMatches", body, "urn:x", relates_to=asked.message_id), source)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield own.getsockname()[1]
        finally:
            thread.join()


def discover(*words: str) -> Result:
    """What the command says."""
    return CliRunner().invoke(command, ["--interface", "127.0.0.1", "--wait", "0.3", "--lang", "en", *words])


def test_devices_are_listed_once_in_order_of_their_addresses() -> None:
    with answering(FAR, NEAR, NEAR) as port:
        result = discover("--host", f"127.0.0.1:{port}")
    assert (result.exit_code, result.stdout.splitlines()) == (
        0,
        [
            "http://192.0.2.7/onvif/device_service  Front door  GC-1  urn:uuid:2",
            "http://192.0.2.9/onvif/device_service      urn:uuid:1",
        ],
    )


def test_json_has_everything() -> None:
    with answering(NEAR) as port:
        result = discover("--host", f"127.0.0.1:{port}", "--json")
    assert json.loads(result.stdout) == {
        "endpoint": "urn:uuid:2",
        "addresses": ["http://192.0.2.7/onvif/device_service"],
        "name": "Front door",
        "hardware": "GC-1",
        "types": ["NetworkVideoTransmitter", "Device"],
        "scopes": list(SCOPES),
    }


def test_nobody_answers() -> None:
    with answering() as port:
        result = discover("--host", f"127.0.0.1:{port}")
    assert (result.exit_code, result.stdout, result.stderr) == (5, "", "no device answers\n")


def test_an_interface_that_is_not_there() -> None:
    result = discover("--interface", "192.0.2.1")
    assert result.exit_code == 10
    assert "192.0.2.1" in result.stderr


@pytest.mark.parametrize("host", ["127.0.0.1:x", "127.0.0.1:0", ":3702", "127.0.0.1:70000"])
def test_a_host_that_is_none(host: str) -> None:
    result = discover("--host", host)
    assert result.exit_code != 0
    assert "HOST:PORT" in result.output

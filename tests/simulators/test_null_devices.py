"""Null devices do what their names say."""

from __future__ import annotations

import socket

import pytest

from simulators.faults.null_devices import NullDevice

REQUEST = b"OPTIONS * RTSP/1.0\r\nCSeq: 7\r\n\r\n"


@pytest.mark.parametrize(
    ("kind", "expected"), [("silent", b""), ("echo", REQUEST), ("yes", b"RTSP/1.0 200 OK\r\nCSeq: 7\r\n\r\n")]
)
def test_what_they_say(kind: str, expected: bytes) -> None:
    device = NullDevice(kind)
    try:
        with socket.create_connection(("127.0.0.1", device.port), timeout=5) as client:
            client.sendall(REQUEST)
            client.settimeout(0.3 if kind == "silent" else 5)
            try:
                said = client.recv(1000)
            except TimeoutError:
                said = b""
        assert said == expected
    finally:
        device.stop()


def test_closed_refuses() -> None:
    device = NullDevice("closed")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", device.port), timeout=5)

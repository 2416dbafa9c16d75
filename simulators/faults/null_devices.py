"""Devices that do nothing useful: a suite that passes one of them proves nothing.

closed: nobody listens. silent: connections are taken, nothing is ever said. echo: everything comes back.
yes: every request is answered with success: ``RTSP/1.0 200 OK`` with its CSeq, or ``HTTP/1.1 200 OK``.
"""

from __future__ import annotations

import re
import socket
import socketserver
import threading

KINDS = ("closed", "silent", "echo", "yes")
_HTTP_HEAD = re.compile(rb"(?m)^[A-Z]+ [^ ]+ HTTP/1\.1\r$")
_CSEQ = re.compile(rb"(?im)^cseq:[ \t]*([0-9]+)")


class _Handler(socketserver.BaseRequestHandler):
    kind = "silent"

    def handle(self) -> None:
        while data := self.request.recv(65536):
            if self.kind == "echo":
                self.request.sendall(data)
            elif self.kind == "yes":
                for number in _CSEQ.findall(data):
                    self.request.sendall(b"RTSP/1.0 200 OK\r\nCSeq: " + number + b"\r\n\r\n")
                for _ in _HTTP_HEAD.findall(data):
                    self.request.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A peer that resets is no concern of ours."""


class NullDevice:
    """One null device on a free loopback port; also a pytest plugin, so that a run stops it."""

    def __init__(self, kind: str, scheme: str = "rtsp") -> None:
        self.kind, self.scheme = kind, scheme
        self._server: _Server | None = None
        if kind == "closed":
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port = int(probe.getsockname()[1])
            return
        handler = type("Handler", (_Handler,), {"kind": kind})
        self._server = _Server(("127.0.0.1", 0), handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self) -> str:
        """What a player or a storage client is told."""
        path = "/live" if self.scheme == "rtsp" else ""
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def pytest_kandian_stop_device(self) -> None:
        """The run is over."""
        self.stop()

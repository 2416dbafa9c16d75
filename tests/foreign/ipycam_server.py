"""ipycam (PyPI), a virtual ONVIF camera: H.264 at rtsp://127.0.0.1:PORT/video_main and /video_sub, ONVIF beside it.

Prints the RTSP port and the ONVIF port that it got, then serves until its standard input ends. ipycam listens on every
address and announces itself by multicast; here its two servers are held on the loopback and it announces nothing.
"""

from __future__ import annotations

import functools
import socketserver
import sys
import threading
from typing import Any

import numpy as np
from ipycam import CameraConfig, IPCamera, camera, rtsp
from numpy.typing import NDArray

WIDTH, HEIGHT, FPS = 320, 240, 15
LOOPBACK = "127.0.0.1"
CLOSED_PORT = 9


class Unannounced:
    """Stands where ipycam's WS-Discovery server would: a test bench is not to be found by others."""

    def __init__(self, service: object) -> None:
        self.service = service

    def start(self) -> None:
        """Announce nothing."""

    def stop(self) -> None:
        """Nothing to take back."""


class LoopbackServer(socketserver.ThreadingTCPServer):
    """ipycam's HTTP server, on the loopback only."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: Any) -> None:
        super().__init__((LOOPBACK, address[1]), handler)


def pictures(number: int) -> NDArray[np.uint8]:
    """A moving grey gradient with a bright block (height x width x BGR), so that every frame differs."""
    row = (np.arange(WIDTH, dtype=np.uint16) + 2 * number) % 256
    picture = np.repeat(np.repeat(row[None, :, None], HEIGHT, axis=0), 3, axis=2).astype(np.uint8)
    left = (7 * number) % (WIDTH - 40)
    picture[100:140, left : left + 40] = (40, 220, 240)
    return picture


def started() -> IPCamera:
    """The camera, serving; its configuration holds the ports that it got."""
    camera.WSDiscoveryServer = Unannounced
    camera.ReusableThreadingTCPServer = LoopbackServer
    camera.NativeRTSPServer = functools.partial(rtsp.NativeRTSPServer, host=LOOPBACK)
    config = CameraConfig(
        local_ip=LOOPBACK, onvif_port=0, rtsp_port=0, go2rtc_api_port=CLOSED_PORT,
        main_width=WIDTH, main_height=HEIGHT, main_fps=FPS, main_bitrate="300K",
        sub_width=WIDTH // 2, sub_height=HEIGHT // 2, sub_fps=FPS, sub_bitrate="100K",
    )  # fmt: skip
    device = IPCamera(config)
    device.start()
    config.rtsp_port = device.rtsp_server._server_socket.getsockname()[1]
    config.onvif_port = device._http_server.server_address[1]
    return device


def main() -> None:
    """Serve."""
    device = started()
    over = threading.Event()

    def wait() -> None:
        sys.stdin.read()
        over.set()

    threading.Thread(target=wait, daemon=True).start()
    device.stream(pictures(0))
    print(device.config.rtsp_port, device.config.onvif_port, flush=True)  # noqa: T201
    number = 1
    while not over.is_set():
        device.stream(pictures(number))
        number += 1
    device.stop()


if __name__ == "__main__":
    main()

"""The golden camera, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.control import ControlServer
from simulators.camera.declarations import DEFAULT
from specs.declaration import load_declaration
from specs.loader import load_catalogue

START_WAIT = 30.0
STOP_WAIT = 5.0


async def serve(
    declaration: Path,
    state: Path,
    *,
    group_url: str,
    province_url: str = "",
    fault: str = "",
    watch_stdin: bool = False,
) -> None:
    """Run one camera until SIGINT or SIGTERM (or the end of standard input). Prints one JSON line when it is ready."""
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    camera = camera_class(fault)(loaded, state, group_url, province_url)
    control = ControlServer(camera)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), stop.set)
    await camera.start()
    endpoint = await control.start()
    host, port = camera.server.address
    print(json.dumps({"controls": endpoint, "rtsp": f"{host}:{port}"}), flush=True)  # noqa: T201
    await stop.wait()
    await control.stop()
    await camera.stop()


def camera_class(fault: str) -> type[Camera]:
    """The golden camera, or the mutant of that id. Raises KeyError."""
    if not fault:
        return Camera
    return importlib.import_module("simulators.faults.registry").load_mutants()[fault].camera  # type: ignore[no-any-return]


def group_url_of(declaration: Path) -> str:
    """Where the bench of this declaration listens as group platform."""
    bench = load_declaration(declaration, load_catalogue().vocabulary).declaration.bench
    return f"http://{bench.host}:{bench.group_port}/"


class CameraProcess:
    """A camera as a child process; it ends with its parent, because it watches its standard input."""

    def __init__(self, declaration: Path, fault: str = "") -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kandian-camera-")
        self._declaration, self._fault = declaration, fault
        self._process: subprocess.Popen[str] | None = None

    def start(self, group_url: str, province_url: str = "") -> dict[str, Any]:
        """Start it and wait until it is ready; returns what it says of itself. Raises RuntimeError."""
        command = [sys.executable, "-m", "simulators.camera.embedded", str(self._declaration), self._folder.name]
        command += ["--group", group_url, "--province", province_url, "--fault", self._fault]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the simulated camera did not start (exit {self._process.wait(STOP_WAIT)})")
        ready: dict[str, Any] = json.loads(line)
        return ready

    def stop(self) -> None:
        """End it."""
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.close()
            try:
                process.wait(STOP_WAIT)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
        self._folder.cleanup()


class EmbeddedCamera:
    """A pytest plugin: the device under test is the golden camera, or one of its mutants."""

    def __init__(self, declaration: Path = DEFAULT, fault: str = "") -> None:
        self.declaration = declaration
        self.process = CameraProcess(declaration, fault)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the camera."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start the camera; it knows the group address only."""
        return self.process.start(str(addresses["group_url"]))

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()


def main() -> None:
    """Entry of the child process."""
    parser = argparse.ArgumentParser()
    parser.add_argument("declaration", type=Path)
    parser.add_argument("state", type=Path)
    for name in ("--group", "--province", "--fault"):
        parser.add_argument(name, default="")
    chosen = parser.parse_args()
    logging.basicConfig(level=os.environ.get("KANDIAN_CAMERA_LOG", "ERROR"), stream=sys.stderr)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(
            serve(
                chosen.declaration,
                chosen.state,
                group_url=chosen.group,
                province_url=chosen.province,
                fault=chosen.fault,
                watch_stdin=True,
            )
        )


if __name__ == "__main__":
    main()

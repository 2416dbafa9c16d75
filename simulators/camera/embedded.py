"""The golden camera, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import importlib
import logging
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.control import ControlServer
from simulators.camera.declarations import DEFAULT
from simulators.camera.firmware import write_images
from specs.declaration import load_declaration
from specs.loader import load_catalogue

START_WAIT = 30.0
STOP_WAIT = 5.0
Ready = Callable[[dict[str, Any]], None]


async def serve(
    declaration: Path, state: Path, ready: Ready, *, group_url: str, province_url: str = "", fault: str = ""
) -> None:
    """Run one camera until it is cancelled. ``ready`` is told the addresses of the camera once it can be reached."""
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    camera = camera_class(fault)(loaded, state, group_url, province_url)
    control = ControlServer(camera)
    await camera.start()
    try:
        endpoint = await control.start()
        host, port = camera.server.address
        told: dict[str, Any] = {"controls": endpoint, "rtsp": f"{host}:{port}"}
        if camera.has("upgrade"):
            told["images"] = write_images(state / "images", camera.model, camera.settings.version)
        if not camera.has("tykd"):
            told["media_url"] = f"rtsp://{host}:{port}/live/0/1"
        ready(told)
        await asyncio.Event().wait()
    finally:
        await control.stop()
        await camera.stop()


def run_until_stopped(serving: Any, stopped_by: int | None = None) -> None:
    """Run until SIGTERM or SIGINT; with ``stopped_by``, a file descriptor, until that can be read."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(serving)
        loop.add_signal_handler(signal.SIGTERM, task.cancel)
        if stopped_by is None:
            loop.add_signal_handler(signal.SIGINT, task.cancel)
        else:
            loop.add_reader(stopped_by, task.cancel)
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()

    asyncio.run(run())


def camera_class(fault: str) -> type[Camera]:
    """The golden camera, or the mutant of that id. Raises KeyError."""
    if not fault:
        return Camera
    return importlib.import_module("simulators.faults.registry").load_mutants()[fault].simulator  # type: ignore[no-any-return]


def group_url_of(declaration: Path) -> str:
    """Where the bench of this declaration listens as group platform."""
    bench = load_declaration(declaration, load_catalogue().vocabulary).declaration.bench
    return f"http://{bench.host}:{bench.group_port}/"


class CameraProcess:
    """A camera as a child process; it ends with its parent, because it watches the pipe to it.

    ``fork``: it is forked from this very process, which must have no threads, and at once, before sockets are opened.
    """

    def __init__(self, declaration: Path, fault: str = "", *, fork: bool = False) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="kandian-camera-")
        context = multiprocessing.get_context("fork") if fork else multiprocessing.get_context("forkserver")
        self._pipe, theirs = context.Pipe()
        arguments = (theirs, self._pipe if fork else None, declaration, Path(self._folder.name), fault)
        self._process = context.Process(target=_camera_process, args=arguments)
        self._process.start()
        theirs.close()

    def start(self, group_url: str, province_url: str = "") -> dict[str, Any]:
        """Start the camera and wait until it is ready; returns what it says of itself. Raises RuntimeError."""
        try:
            self._pipe.send((group_url, province_url))
            if self._pipe.poll(START_WAIT):
                ready: dict[str, Any] = self._pipe.recv()
                return ready
        except (EOFError, OSError):
            pass
        self.stop()
        raise RuntimeError("the simulated camera did not start")

    def stop(self) -> None:
        """End it; a second time does nothing."""
        self._pipe.close()
        self._process.join(STOP_WAIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._folder.cleanup()


def _camera_process(pipe: Connection, other_end: Connection | None, declaration: Path, state: Path, fault: str) -> None:
    if other_end is not None:
        other_end.close()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(level=os.environ.get("KANDIAN_SIMULATOR_LOG", "ERROR"), stream=sys.stderr, force=True)
    try:
        group_url, province_url = pipe.recv()
    except EOFError:
        return
    serving = serve(declaration, state, pipe.send, group_url=group_url, province_url=province_url, fault=fault)
    run_until_stopped(serving, pipe.fileno())


class EmbeddedCamera:
    """A pytest plugin: the device under test is the golden camera, or one of its mutants."""

    def __init__(self, declaration: Path = DEFAULT, fault: str = "", *, fork: bool = False) -> None:
        self.declaration = declaration
        self.process = CameraProcess(declaration, fault, fork=fork)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the camera."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start the camera; it knows the group address only."""
        return self.process.start(str(addresses.get("group_url", "")))

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()

    def pytest_unconfigure(self) -> None:
        """Stop it where no run came to be."""
        self.process.stop()


EMBEDDED = EmbeddedCamera

"""The golden camera, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import importlib
from pathlib import Path
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.control import ControlServer
from simulators.camera.declarations import DEFAULT
from simulators.camera.firmware import write_images
from simulators.process import Ready, SimulatorProcess
from specs.declaration import load_declaration
from specs.loader import load_catalogue


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


def camera_class(fault: str) -> type[Camera]:
    """The golden camera, or the mutant of that id. Raises KeyError."""
    if not fault:
        return Camera
    return importlib.import_module("simulators.faults.registry").load_mutants()[fault].simulator  # type: ignore[no-any-return]


def group_url_of(declaration: Path) -> str:
    """Where the bench of this declaration listens as group platform."""
    bench = load_declaration(declaration, load_catalogue().vocabulary).declaration.bench
    return f"http://{bench.host}:{bench.group_port}/"


class EmbeddedCamera:
    """A pytest plugin: the device under test is the golden camera, or one of its mutants."""

    def __init__(self, declaration: Path = DEFAULT, fault: str = "", *, fork: bool = False) -> None:
        self.declaration = declaration
        self.process = SimulatorProcess(serve, declaration, fault, fork=fork)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the camera."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start the camera; it knows the group address only."""
        return self.process.start(group_url=str(addresses.get("group_url", "")))

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()

    def pytest_unconfigure(self) -> None:
        """Stop it where no run came to be."""
        self.process.stop()


EMBEDDED = EmbeddedCamera

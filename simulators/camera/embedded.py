"""The golden camera, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from simulators.camera.camera import Camera
from simulators.camera.control import ControlServer
from simulators.camera.firmware import write_images
from simulators.embedded import Embedded, simulator_class
from simulators.process import Ready
from specs.declaration import load_declaration
from specs.loader import load_catalogue


async def serve(
    declaration: Path, state: Path, ready: Ready, *, group_url: str = "", province_url: str = "", fault: str = ""
) -> None:
    """Run one camera until it is cancelled. ``ready`` is told the addresses of the camera once it can be reached."""
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    camera = simulator_class(Camera, fault)(loaded, state, group_url, province_url)
    control = ControlServer(camera)
    await camera.start()
    try:
        endpoint = await control.start()
        host, port = camera.server.address
        told: dict[str, Any] = {"controls": endpoint, "rtsp": f"{host}:{port}"}
        if camera.has("onvif"):
            told |= {"onvif_url": camera.onvif.url, "discovery": camera.onvif.discovery.address}
        if camera.has("upgrade"):
            told["images"] = write_images(state / "images", camera.model, camera.settings.version)
        if not camera.has("tykd"):
            told["media_url"] = f"rtsp://{host}:{port}/live/0/1"
        ready(told)
        await asyncio.Event().wait()
    finally:
        await control.stop()
        await camera.stop()


def group_url_of(declaration: Path) -> str:
    """Where the bench of this declaration listens as group platform."""
    bench = load_declaration(declaration, load_catalogue().vocabulary).declaration.bench
    return f"http://{bench.host}:{bench.group_port}/"


class EmbeddedCamera(Embedded):
    """The golden camera, or one of its mutants."""

    serve = staticmethod(serve)
    taken = ("group_url",)


EMBEDDED = EmbeddedCamera

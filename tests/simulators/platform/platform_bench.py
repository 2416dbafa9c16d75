"""The golden platform on loopback for its tests, with the golden camera in front of it where one is wanted."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from simulators.camera.camera import Camera
from simulators.camera.declarations import DEFAULT as CAMERA
from simulators.platform.declarations import DEFAULT
from simulators.platform.platform import Platform
from specs.declaration import load_declaration
from specs.loader import load_catalogue

DEVICE = "KDN00000001"
KEY = "9f2c41d07be35a68"
WAIT = 15.0
Scenario = Callable[[Platform], Awaitable[None]]
WithCamera = Callable[[Platform, Camera], Awaitable[None]]


async def until(found: Callable[[], object], what: str = "what is waited for") -> None:
    """Wait until something is the case."""
    try:
        async with asyncio.timeout(WAIT):
            while not found():
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} did not happen") from None


@asynccontextmanager
async def a_platform(
    folder: Path, addresses: Mapping[str, str] | None = None, kind: type[Platform] = Platform
) -> AsyncIterator[Platform]:
    """A platform that runs."""
    platform = kind(load_declaration(DEFAULT, load_catalogue().vocabulary), folder / "platform", addresses)
    await platform.start()
    try:
        yield platform
    finally:
        await platform.stop()


@asynccontextmanager
async def a_camera(folder: Path, platform: Platform) -> AsyncIterator[Camera]:
    """A golden camera that is online."""
    camera = Camera(load_declaration(CAMERA, load_catalogue().vocabulary), folder / "camera", platform.group.url)
    camera.simulator["history"] = {}
    await camera.start()
    try:
        both = lambda: platform.presence.online(camera.dev_id) and camera.client.online  # noqa: E731
        await until(both, "the camera going online")
        yield camera
    finally:
        await platform.live.stop()
        with contextlib.suppress(OSError):
            await camera.stop()


def play(scenario: Scenario, folder: Path, addresses: Mapping[str, str] | None = None) -> None:
    """Run a scenario with a platform."""

    async def run() -> None:
        async with a_platform(folder, addresses) as platform:
            await scenario(platform)

    asyncio.run(run())


def play_with_camera(scenario: WithCamera, folder: Path, addresses: Mapping[str, str] | None = None) -> None:
    """Run a scenario with a platform and a camera that is online."""

    async def run() -> None:
        async with a_platform(folder, addresses) as platform, a_camera(folder, platform) as camera:
            await scenario(platform, camera)

    asyncio.run(run())

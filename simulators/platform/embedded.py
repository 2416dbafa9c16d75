"""The golden platform, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
from pathlib import Path
from typing import Any

from simulators.platform.control import ControlServer
from simulators.platform.declarations import DEFAULT
from simulators.platform.own_storage import own_storage
from simulators.platform.platform import Platform
from simulators.process import Ready, SimulatorProcess
from specs.declaration import load_declaration
from specs.loader import load_catalogue

TAKEN = ("push_url", "sms_url", "storage_endpoint", "storage_access_key", "storage_secret_key", "storage_bucket")


async def serve(declaration: Path, state: Path, ready: Ready, *, fault: str = "", **addresses: str) -> None:
    """Run one platform until it is cancelled. ``ready`` is told its addresses once it can be reached."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it reports every client that goes away
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    async with contextlib.AsyncExitStack() as stack:
        if not addresses.get("storage_endpoint"):
            addresses |= await stack.enter_async_context(own_storage(state / "storage"))
        platform = platform_class(fault)(loaded, state, addresses)
        control = ControlServer(platform)
        await platform.start()
        try:
            storage = {name: addresses[name] for name in ("storage_endpoint", "storage_bucket")}
            ready({**platform.told(), **storage, "controls": await control.start()})
            await asyncio.Event().wait()
        finally:
            await control.stop()
            await platform.stop()


def platform_class(fault: str) -> type[Platform]:
    """The golden platform, or the mutant of that id. Raises KeyError."""
    if not fault:
        return Platform
    return importlib.import_module("simulators.faults.registry").load_mutants()[fault].simulator  # type: ignore[no-any-return]


class EmbeddedPlatform:
    """A pytest plugin: the platform under test is the golden platform, or one of its mutants."""

    def __init__(self, declaration: Path = DEFAULT, fault: str = "", *, fork: bool = False) -> None:
        self.declaration = declaration
        self.process = SimulatorProcess(serve, declaration, fault, fork=fork)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the platform."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start the platform; it is told where gateways and storage of the bench are."""
        return self.process.start(**{name: str(addresses[name]) for name in TAKEN if addresses.get(name)})

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()

    def pytest_unconfigure(self) -> None:
        """Stop it where no run came to be."""
        self.process.stop()


EMBEDDED = EmbeddedPlatform

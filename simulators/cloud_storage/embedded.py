"""The golden storage, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import importlib
import logging
from pathlib import Path
from typing import Any

from aiohttp import web

from simulators.cloud_storage.control import ControlServer
from simulators.cloud_storage.declarations import DEFAULT
from simulators.cloud_storage.server import StorageServer
from simulators.cloud_storage.storage import CloudStorage
from simulators.process import Ready, SimulatorProcess
from specs.declaration import load_declaration
from specs.loader import load_catalogue

HOST = "127.0.0.1"


async def serve(declaration: Path, state: Path, ready: Ready, *, port: str = "0", fault: str = "") -> None:
    """Run one storage until it is cancelled. ``ready`` is told its address once it can be reached."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it reports every client that goes away
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    storage = storage_class(fault)(loaded, state)
    control = ControlServer(storage)
    runner = web.ServerRunner(StorageServer(storage), handle_signals=False)
    await runner.setup()
    sweeping = asyncio.create_task(storage.lifecycle.keep_running())
    try:
        transport = storage.transport_class(state) if loaded.declaration.simulator.get("tls") else None
        context = transport.context() if transport else None
        site = web.TCPSite(runner, HOST, int(port), shutdown_timeout=1.0, ssl_context=context)
        await site.start()
        told = {"ca_file": str(transport.ca_file)} if transport else {}
        url = f"{'https' if transport else 'http'}://{HOST}:{runner.addresses[0][1]}"
        ready({"endpoint": url, "controls": await control.start(), **told})
        await sweeping
    finally:
        sweeping.cancel()
        await control.stop()
        await runner.cleanup()
        storage.close()


def storage_class(fault: str) -> type[CloudStorage]:
    """The golden storage, or the mutant of that id. Raises KeyError."""
    if not fault:
        return CloudStorage
    return importlib.import_module("simulators.faults.registry").load_mutants()[fault].simulator  # type: ignore[no-any-return]


class EmbeddedStorage:
    """A pytest plugin: the storage under test is the golden storage, or one of its mutants."""

    def __init__(self, declaration: Path = DEFAULT, fault: str = "", *, fork: bool = False) -> None:
        self.declaration = declaration
        self.process = SimulatorProcess(serve, declaration, fault, fork=fork)

    def pytest_kandian_declaration(self, config: Any) -> Path:
        """The declaration that comes with the storage."""
        return self.declaration

    def pytest_kandian_start_device(self, addresses: dict[str, Any]) -> dict[str, Any]:
        """Start the storage."""
        return self.process.start()

    def pytest_kandian_stop_device(self) -> None:
        """Stop it."""
        self.process.stop()

    def pytest_unconfigure(self) -> None:
        """Stop it where no run came to be."""
        self.process.stop()


EMBEDDED = EmbeddedStorage

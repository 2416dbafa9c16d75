"""The golden storage, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from aiohttp import web

from simulators.cloud_storage.control import ControlServer
from simulators.cloud_storage.server import StorageServer
from simulators.cloud_storage.storage import CloudStorage
from simulators.embedded import Embedded, simulator_class
from simulators.process import Ready
from specs.declaration import load_declaration
from specs.loader import load_catalogue

HOST = "127.0.0.1"


async def serve(declaration: Path, state: Path, ready: Ready, *, port: str = "0", fault: str = "") -> None:
    """Run one storage until it is cancelled. ``ready`` is told its address once it can be reached."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it reports every client that goes away
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    storage = simulator_class(CloudStorage, fault)(loaded, state)
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


class EmbeddedStorage(Embedded):
    """The golden storage, or one of its mutants."""

    serve = staticmethod(serve)


EMBEDDED = EmbeddedStorage

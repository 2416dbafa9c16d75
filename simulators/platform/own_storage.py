"""A golden cloud storage inside the platform's process, for a bench that brings none."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from simulators.cloud_storage.declarations import DEFAULT
from simulators.cloud_storage.server import StorageServer
from simulators.cloud_storage.storage import CloudStorage
from specs.declaration import load_declaration
from specs.loader import load_catalogue

HOST = "127.0.0.1"
BUCKET = "recordings"


@asynccontextmanager
async def own_storage(state: Path) -> AsyncIterator[dict[str, str]]:
    """The addresses that a platform needs to use it."""
    loaded = load_declaration(DEFAULT, load_catalogue().vocabulary)
    storage = CloudStorage(loaded, state)
    runner = web.ServerRunner(StorageServer(storage), handle_signals=False, shutdown_timeout=0.5)
    await runner.setup()
    sweeping = asyncio.create_task(storage.lifecycle.keep_running())
    try:
        await web.TCPSite(runner, HOST, 0).start()
        owner = loaded.accounts[0]
        yield {
            "storage_endpoint": f"http://{HOST}:{runner.addresses[0][1]}",
            "storage_access_key": owner.access_key,
            "storage_secret_key": owner.secret_key,
            "storage_bucket": BUCKET,
        }
    finally:
        sweeping.cancel()
        await runner.cleanup()
        storage.close()

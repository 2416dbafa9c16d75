"""The golden platform, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from pathlib import Path

from simulators.embedded import Embedded, simulator_class
from simulators.platform.control import ControlServer
from simulators.platform.own_storage import own_storage
from simulators.platform.platform import Platform
from simulators.process import Ready
from specs.declaration import load_declaration
from specs.loader import load_catalogue

#: With ten thousand devices a full collection stops everything for half a second: there are few of them.
COLLECTIONS = (20_000, 20, 50)
TAKEN = ("push_url", "sms_url", "storage_endpoint", "storage_access_key", "storage_secret_key", "storage_bucket")


async def serve(declaration: Path, state: Path, ready: Ready, *, fault: str = "", **addresses: str) -> None:
    """Run one platform until it is cancelled. ``ready`` is told its addresses once it can be reached."""
    gc.set_threshold(*COLLECTIONS)
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it reports every client that goes away
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    async with contextlib.AsyncExitStack() as stack:
        if not addresses.get("storage_endpoint"):
            addresses |= await stack.enter_async_context(own_storage(state / "storage"))
        platform = simulator_class(Platform, fault)(loaded, state, addresses)
        control = ControlServer(platform)
        await platform.start()
        try:
            storage = {name: addresses[name] for name in ("storage_endpoint", "storage_bucket")}
            ready({**platform.told(), **storage, "controls": await control.start()})
            await asyncio.Event().wait()
        finally:
            await control.stop()
            await platform.stop()


class EmbeddedPlatform(Embedded):
    """The golden platform, or one of its mutants."""

    serve = staticmethod(serve)
    taken = TAKEN


EMBEDDED = EmbeddedPlatform

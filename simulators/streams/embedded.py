"""The golden stream server, or a mutant of it, beside a run of the suites: in a process of its own."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from simulators.embedded import Embedded, simulator_class
from simulators.process import Ready
from simulators.streams.server import StreamServer
from specs.declaration import load_declaration
from specs.loader import load_catalogue


async def serve(declaration: Path, state: Path, ready: Ready, *, port: str = "0", fault: str = "") -> None:
    """Run one server until it is cancelled. ``ready`` is told its address once it can be reached."""
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)  # it reports every client that goes away
    loaded = load_declaration(declaration, load_catalogue().vocabulary)
    server = simulator_class(StreamServer, fault)(loaded, state)
    await server.start(int(port))
    try:
        ready({"url": server.url, "ports": server.ports})
        await asyncio.Event().wait()
    finally:
        await server.stop()


class EmbeddedStreams(Embedded):
    """The golden stream server, or one of its mutants."""

    serve = staticmethod(serve)


EMBEDDED = EmbeddedStreams

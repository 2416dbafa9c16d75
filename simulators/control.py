"""The control endpoint of a simulator: what hands, plugs and thumbs do to a real device. One JSON object a line, one
answer a line: ``{"do": "clock", ...}`` is carried out by the method ``do_clock``."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class ControlEndpoint:
    """Serves the ``do_`` methods of its subclass."""

    def __init__(self) -> None:
        self._server: asyncio.Server | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen; returns the endpoint URL."""
        self._server = await asyncio.start_server(self._serve, host, port)
        bound = self._server.sockets[0].getsockname()
        return f"tcp://{bound[0]}:{bound[1]}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                answer = await self.answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def answer(self, line: bytes) -> dict[str, Any]:
        """Carry out one request."""
        try:
            request = json.loads(line)
            action = getattr(self, f"do_{request.pop('do')}")
            found = await action(**request)
        except (ValueError, KeyError, AttributeError, TypeError, OSError, OverflowError) as error:
            return {"ok": False, "error": repr(error)}
        return {"ok": True, **(found or {})}

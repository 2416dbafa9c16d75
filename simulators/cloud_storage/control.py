"""The control endpoint of the golden storage: one JSON object a line, one answer a line.

``clock`` reads or moves the retention clock (signatures are always checked by the real time), ``lifecycle`` carries out
the rules at once, ``status`` tells the inner state.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from typing import Any

from simulators.cloud_storage.storage import CloudStorage


class ControlServer:
    """Serves the endpoint for one storage."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage = storage
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
                answer = await self._answer(line)
                writer.write(json.dumps(answer).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            action = getattr(self, f"do_{request.pop('do')}")
            return {"ok": True, **await action(**request)}
        except (ValueError, KeyError, AttributeError, TypeError, OSError, OverflowError) as error:
            return {"ok": False, "error": repr(error)}

    async def do_clock(self, set: str | None = None, advance: float | None = None) -> dict[str, Any]:
        """Read or move the retention clock. ``set``: ISO 8601; ``advance``: seconds."""
        storage = self.storage
        if set is not None:
            at = dt.datetime.fromisoformat(set)
            storage.retention_offset = at.replace(tzinfo=at.tzinfo or dt.UTC).timestamp() - storage.now()
        storage.retention_offset += float(advance or 0.0)
        return {"time": self.time_text()}

    async def do_lifecycle(self) -> dict[str, Any]:
        """Carry out the lifecycle rules now."""
        swept = await self.storage.lifecycle.run()
        return {"expired": swept.objects, "aborted": swept.uploads}

    async def do_status(self) -> dict[str, Any]:
        """The inner state; bytes by name of the account."""
        storage = self.storage
        usage = {name: storage.disk.usage(key) for key, name in storage.names.items()}
        return {
            "time": self.time_text(),
            "dialect": storage.dialect.name,
            "region": storage.region,
            "quota": storage.quota.quota,
            "usage": usage,
            "requests_at_once": storage.at_once,
        }

    def time_text(self) -> str:
        """The retention clock, ISO 8601."""
        return dt.datetime.fromtimestamp(self.storage.retention_now(), dt.UTC).isoformat(timespec="milliseconds")

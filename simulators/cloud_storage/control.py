"""The control endpoint of the golden storage: one JSON object a line, one answer a line.

``clock`` reads or moves the retention clock (signatures are always checked by the real time), ``lifecycle`` carries out
the rules at once, ``status`` tells the inner state.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from simulators.cloud_storage.storage import CloudStorage
from simulators.control import ControlEndpoint


class ControlServer(ControlEndpoint):
    """Serves the endpoint for one storage."""

    def __init__(self, storage: CloudStorage) -> None:
        super().__init__()
        self.storage = storage

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

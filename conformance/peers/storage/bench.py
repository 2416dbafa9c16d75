"""The parties of one run against a cloud storage: its clients, and what the bench can do to the server."""

from __future__ import annotations

from typing import Any

from conformance.peers.bench import bench_limits
from conformance.peers.device_control import DeviceControl
from conformance.peers.storage.storage import Storage
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.loader import Catalogue


class StorageBench:
    """Clients of both tenants and the server's controls; nothing listens."""

    def __init__(self, wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> None:
        self.wire = wire
        self.loaded = loaded
        self.limits = bench_limits(catalogue, loaded.declaration.timers.scale)
        self.control = DeviceControl(wire, loaded.declaration.controls, self.limits)
        self.storage = Storage(wire, loaded, self.limits)
        self.addresses: dict[str, Any] = {}

    async def start(self) -> None:
        """Nothing to open."""

    def reset(self) -> None:
        """Nothing is bent between tests; a kept control connection belongs to one test."""
        self.control.close()

    def attach(self, device: dict[str, Any]) -> None:
        """Take note of what the started simulator says of itself (``controls``, ``endpoint``, ``ca_file``)."""
        self.control.endpoint = device.get("controls", self.control.endpoint)
        self.storage.attach(device["endpoint"], device.get("ca_file", ""))

    async def preflight(self) -> None:
        """Address and keys. Raises BenchFault."""
        await self.storage.preflight()

    async def stop(self) -> None:
        """Close every connection."""
        await self.storage.close()
        self.control.close()

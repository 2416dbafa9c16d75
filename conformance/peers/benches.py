"""The bench of each role under test, and what every bench can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from conformance.peers.bench import Bench
from conformance.peers.device_control import DeviceControl
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.loader import Catalogue
from specs.model import Limit


class OtherBench(Protocol):
    """A bench that knows by itself whether it can begin. ``addresses``: what the device under test must know of it."""

    control: DeviceControl

    @property
    def limits(self) -> Mapping[str, Limit]: ...

    @property
    def addresses(self) -> dict[str, Any]: ...

    async def start(self) -> None:
        """Listen everywhere. Raises Refused when an address is taken."""

    def attach(self, device: dict[str, Any]) -> None:
        """Take note of what the started device says of itself."""

    async def preflight(self) -> None:
        """Is it the lab or the device? Raises BenchFault."""

    def reset(self) -> None:
        """Everyone is honest again."""

    async def stop(self) -> None:
        """Stop listening and drop every connection."""


AnyBench = Bench | OtherBench


def _camera(wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> AnyBench:
    return Bench(wire, catalogue, loaded)


def _cloud_storage(wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> AnyBench:
    from conformance.peers.storage.bench import StorageBench

    return StorageBench(wire, catalogue, loaded)


def _platform(wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> AnyBench:
    from conformance.peers.platform.bench import PlatformBench

    return PlatformBench(wire, catalogue, loaded)


def _streams(wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> AnyBench:
    from conformance.peers.streams.bench import StreamBench

    return StreamBench(wire, catalogue, loaded)


#: A run needs the modules of one role; those of the others would delay its first verdict.
BENCHES: dict[str, Callable[[Wire, Catalogue, LoadedDeclaration], AnyBench]] = {
    "camera": _camera,
    "cloud_storage": _cloud_storage,
    "platform": _platform,
    "streams": _streams,
}

"""The parties of one run against HTTP streams: players and fetchers, and what they know of the signed-URL scheme."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conformance.peers.bench import bench_limits
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault
from conformance.peers.http_connection import Endpoint
from conformance.peers.streams.flv_player import FlvPlayer
from conformance.peers.streams.hls_player import HlsPlayer
from conformance.peers.streams.http_fetcher import Fetcher
from conformance.peers.streams.signed_links import SignedLinks
from conformance.wire import Expired, Refused, Wire
from specs.declaration import LoadedDeclaration
from specs.declared_streams import Streams
from specs.loader import Catalogue
from specs.stream_urls import load_schemes


class StreamBench:
    """Players of one server's streams. ``links``: signs paths as the declaration says; None where nothing is signed."""

    def __init__(self, wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> None:
        self.wire = wire
        self.loaded = loaded
        self.limits = bench_limits(catalogue, loaded.declaration.timers.scale)
        self.declared = loaded.declaration.streams or Streams()
        self.control = DeviceControl(wire, loaded.declaration.controls, self.limits)
        self.addresses: dict[str, Any] = {}
        folder = loaded.path.parent if loaded.path else None
        ca_file = str(folder / self.declared.ca_file) if folder and self.declared.ca_file else ""
        self.fetcher = Fetcher(wire, Endpoint.of(self.declared.url, ca_file), self.limits)
        self.ports = self.declared.ports
        scheme = load_schemes().get(self.declared.scheme)
        self.links = SignedLinks(wire, scheme, loaded.stream_key, self.declared) if scheme else None

    async def start(self) -> None:
        """Nothing to open."""

    def attach(self, device: dict[str, Any]) -> None:
        """Take note of what the started simulator says of itself (``controls``, ``url``)."""
        self.control.endpoint = device.get("controls", self.control.endpoint)
        self.fetcher = Fetcher(self.wire, Endpoint.of(device["url"], device.get("ca_file", "")), self.limits)
        self.ports = tuple(device.get("ports", self.ports))

    async def preflight(self) -> None:
        """The address can be reached; from which of our own, some schemes sign. Raises BenchFault."""
        endpoint = self.fetcher.endpoint
        try:
            stream = await self.fetcher.open()
        except (Refused, Expired) as error:
            raise BenchFault(
                f"无法连接 {endpoint.host}:{endpoint.port}: {error.explain('zh')}",
                f"cannot reach {endpoint.host}:{endpoint.port}: {error}",
            ) from None
        if self.links is not None:
            self.links.address = stream.local[0]
        stream.close()

    def target(self, path: str, kind: str) -> str:
        """What to ask for: signed where files of that kind are."""
        if self.links is None or kind not in self.declared.signed:
            return path
        return self.links.sign(path)

    def hls_player(self) -> HlsPlayer:
        """A player of the declared playlist."""
        return HlsPlayer(self.fetcher, self.target(self.declared.playlist, "playlist"))

    def flv_player(self) -> FlvPlayer:
        """A player of the declared FLV stream."""
        return FlvPlayer(self.fetcher, self.target(self.declared.flv, "flv"))

    def at_port(self, port: int) -> Fetcher:
        """Requests to another port of the same host, by plain HTTP."""
        endpoint = replace(self.fetcher.endpoint, scheme="http", port=port)
        return Fetcher(self.wire, endpoint, self.limits, label=f"port {port}")

    def reset(self) -> None:
        """Nothing is bent between tests; a kept control connection belongs to one test."""
        self.control.close()
        self.fetcher.close()

    async def stop(self) -> None:
        """Close every connection."""
        self.fetcher.close()
        self.control.close()

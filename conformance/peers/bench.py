"""The test bench: every party that the device under test can meet, in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from conformance.peers.device_control import DeviceControl
from conformance.peers.firmware_images import FirmwareImages
from conformance.peers.ftp_server import FtpServer
from conformance.peers.group import GroupPlatform
from conformance.peers.onvif.onvif import Onvif
from conformance.peers.province import Province
from conformance.peers.registrar import Registrar
from conformance.peers.relay import Relays
from conformance.wire import Wire
from specs.declaration import LoadedDeclaration
from specs.loader import Catalogue, decode
from specs.messages import load_message_table
from specs.model import Limit
from specs.yaml_source import read_yaml


def bench_limits(catalogue: Catalogue, scale: float) -> dict[str, Limit]:
    """Numbers of the bench itself, under the declared timer scale. Raises SourceError."""
    numbers = decode(read_yaml(catalogue.root / "test_plan" / "bench.yaml"), ("limits",), dict[str, Limit])
    return {name: limit.scaled(scale) for name, limit in numbers.items()}


class Bench:
    """Group platform, province platform, FTP, relay, ONVIF client and device controls of one run."""

    def __init__(self, wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> None:
        self.wire = wire
        self.catalogue = catalogue
        self.loaded = loaded
        self.table = load_message_table()
        self.limits = bench_limits(catalogue, loaded.declaration.timers.scale)
        device = loaded.declaration.device
        self.province = Province(wire, self.table, device.dev_id, self.limits)
        self.registrar = Registrar(wire, self.table, self.province, loaded.key)
        self.group = GroupPlatform(wire, self.table, self.registrar)
        self.relays = Relays(wire, device.dev_id, loaded.key)
        self.ftp = FtpServer(wire)
        self.control = DeviceControl(wire, loaded.declaration.controls, self.limits)
        folder = loaded.path.parent if loaded.path else Path()
        self.images = FirmwareImages(wire, loaded.declaration.images, folder)
        self.onvif = Onvif(wire, loaded, self.limits)
        media = loaded.declaration.media
        self.media_url = media.url if media else ""

    @property
    def speaks_tykd(self) -> bool:
        """Whether the device is expected to register."""
        return self.loaded.features.get("tykd") is not False

    @property
    def has_relay(self) -> bool:
        """Whether the device may use a relay: where it does not say that it has none."""
        return self.speaks_tykd and self.loaded.features.get("relay") is not False

    async def start(self) -> None:
        """Listen everywhere. Raises Refused when an address is taken."""
        if not self.speaks_tykd:
            return
        bench = self.loaded.declaration.bench
        await self.province.primary.start(bench.host, bench.access_port)
        await self.province.backup.start(bench.host, bench.backup_port)
        await self.ftp.start(bench.host, bench.ftp_port)
        self.registrar.ftp = self.ftp.elements
        await self.registrar.start(bench.host, bench.province_port)
        await self.group.start(bench.host, bench.group_port)
        if self.has_relay:
            await self.relays.primary.start(bench.host, bench.relay_port)
            await self.relays.backup.start(bench.host, 0)
            self.registrar.relay = self.relays.answer_values()

    def reset(self) -> None:
        """Everyone is honest again."""
        self.province.sequence = self.wire.fact("sequence", lambda: self.province.sequence)
        self.province.reset()
        self.registrar.reset()
        self.group.reset()
        self.ftp.reset()
        self.relays.reset()
        self.control.close()

    async def settle(self) -> None:
        """All servers run and the device is online. Raises Offline."""
        if self.speaks_tykd:
            for server in (self.group, self.registrar, self.province.primary, self.province.backup):
                await server.restart()
            for relay in self.relays.servers if self.has_relay else ():
                await relay.restart()
            link = await self.province.online(within=self.limits["back_online_wait"].seconds)
            await self.province.at_ease(link)

    async def stop(self) -> None:
        """Stop listening, drop the device."""
        await self.onvif.close()
        if self.speaks_tykd:
            await self.group.stop()
            await self.registrar.stop()
            await self.ftp.stop()
            await self.province.primary.stop()
            await self.province.backup.stop()
            await self.relays.primary.stop()
            await self.relays.backup.stop()
        self.control.close()

    @property
    def addresses(self) -> dict[str, Any]:
        """What a device must know to find the bench."""
        if not self.speaks_tykd:
            return {}
        return {"group_url": self.group.url, "province_url": self.registrar.url}

    def attach(self, device: dict[str, Any]) -> None:
        """Take note of what the started device says of itself (``controls``, ``media_url``, ``images`` ...)."""
        if "controls" in device:
            self.control.endpoint = device["controls"]
        if "media_url" in device:
            self.media_url = device["media_url"]
        if "onvif_url" in device and self.loaded.declaration.onvif is not None:
            self.onvif.attach(device)
        if "images" in device:
            self.images.hand_over(device["images"])

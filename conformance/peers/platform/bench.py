"""The parties of one run against a platform: devices before it, phones behind it, and what the bench can do to it."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from conformance.peers.bench import bench_limits
from conformance.peers.cloud_store import Bends, CloudStore
from conformance.peers.device_control import DeviceControl
from conformance.peers.faults import BenchFault
from conformance.peers.platform.adapter import load_adapter
from conformance.peers.platform.device import DevicePeers
from conformance.peers.platform.phone import Phones
from conformance.peers.platform.push_sink import PushSink
from conformance.wire import Expired, Refused, Wire
from specs.client_api import load_client_api
from specs.declaration import LoadedDeclaration
from specs.declared_platform import Platform
from specs.loader import Catalogue
from specs.messages import load_message_table

EXPECTED_PORT = {"http": 80, "https": 443}


class PlatformBench:
    """Everything that faces the platform. ``group_url``, ``province_url``, ``client_url``, ``media_url``: where it
    listens, empty where nobody says so; ``ca_file``: certificate that vouches for its https addresses."""

    def __init__(self, wire: Wire, catalogue: Catalogue, loaded: LoadedDeclaration) -> None:
        self.wire = wire
        self.catalogue = catalogue
        self.loaded = loaded
        self.table = load_message_table()
        self.limits = bench_limits(catalogue, loaded.declaration.timers.scale)
        self.declared = loaded.declaration.platform or Platform()
        self.control = DeviceControl(wire, loaded.declaration.controls, self.limits)
        self.group_url, self.province_url = self.declared.group_url, self.declared.province_url
        self.client_url, self.media_url = self.declared.client_url, ""
        folder = loaded.path.parent if loaded.path else None
        self.ca_file = str(folder / self.declared.ca_file) if folder and self.declared.ca_file else ""
        self.told: dict[str, Any] = {}
        self.phones = Phones(wire, self.limits, loaded.users, load_client_api())
        self.devices = DevicePeers(wire, self.table, self.limits)
        self.push = PushSink(wire)
        bench = loaded.declaration.bench
        self.storage = CloudStore(wire, bench.host, self.limits, bench.storage_port)
        self._equip()

    def _equip(self) -> None:
        self.phones.url, self.phones.ca_file = self.client_url, self.ca_file
        self.devices.group_url, self.devices.province_url = self.group_url, self.province_url

    async def start(self) -> None:
        """The gateway of the phones listens; nothing else before a test asks for it. Raises Refused."""
        bench = self.loaded.declaration.bench
        await self.push.start(bench.host, bench.push_port)
        if (account := self.declared.recording) is not None:
            self.storage.accounts[account.access_key] = self.loaded.recording_secret
            self.storage.buckets.add(account.bucket)
            await self.storage.start()

    @property
    def addresses(self) -> dict[str, Any]:
        """What a platform must know to find the bench."""
        account = self.declared.recording
        if account is None:
            return {"push_url": self.push.url}
        return {
            "push_url": self.push.url,
            "storage_endpoint": self.storage.url,
            "storage_access_key": account.access_key,
            "storage_secret_key": self.loaded.recording_secret,
            "storage_bucket": account.bucket,
        }

    @property
    def push_is_reachable(self) -> bool:
        """Whether the platform can reach the gateway of the phones: not where only this machine can."""
        return _on_this_machine(urlsplit(self.client_url).hostname or "") or not _on_this_machine(self.push.host)

    def attach(self, device: dict[str, Any]) -> None:
        """Take note of what the started simulator says of itself."""
        self.told = device
        self.control.endpoint = device.get("controls", self.control.endpoint)
        self.group_url = device.get("group_url", self.group_url)
        self.province_url = device.get("province_url", self.province_url)
        self.client_url = device.get("client_url", self.client_url)
        self.media_url = device.get("media_url", self.media_url)
        self.ca_file = device.get("ca_file", self.ca_file)
        self._equip()

    async def preflight(self) -> None:
        """Every address that is known can be reached, and the first declared user can log in. Raises BenchFault."""
        self.phones.adapter = load_adapter(self.declared.adapter)
        for url in filter(None, (self.client_url, self.province_url, self.group_url)):
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or EXPECTED_PORT.get(parts.scheme, 0)
            try:
                stream = await self.wire.connect(
                    host, port, label="preflight", within=self.limits["connect_wait"].seconds
                )
            except (Refused, Expired) as error:
                raise BenchFault(f"无法连接平台 {url}: {error.explain('zh')}", f"cannot reach {url}: {error}") from None
            stream.close()
        if self.client_url and self.loaded.users:
            reply = await self.phones.new().login(self.loaded.users[0])
            if not reply.ok:
                raise BenchFault(
                    f"声明的用户 {self.loaded.users[0].name} 无法登录: {reply.summary}",
                    f"the declared user {self.loaded.users[0].name} cannot log in: {reply.summary}",
                )

    async def platform_now(self) -> float:
        """Unix time on the platform's clock, which tests move; without a control for it that of the bench."""
        if "clock" not in self.loaded.declaration.controls.available:
            return self.wire.epoch()
        return datetime.fromisoformat(str((await self.control.do("clock"))["time"])).timestamp()

    def reset(self) -> None:
        """Devices, phones and the control connection belong to one test."""
        self.devices.close()
        self.phones.close()
        self.push.reset()
        self.storage.bends = Bends()
        self.control.close()

    async def stop(self) -> None:
        """Drop every connection."""
        self.push.stop()
        self.storage.stop()
        self.phones.close()
        self.control.close()


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"

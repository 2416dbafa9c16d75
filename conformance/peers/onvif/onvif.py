"""The ONVIF device under test as the suites see it: its administrator's client, and what has to be put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from conformance.peers.faults import BenchFault, DeviceFault
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.client import Auth, OnvifClient
from conformance.peers.onvif.discovery import Searcher
from conformance.protocols.ws_discovery import PORT
from conformance.wire import Wire, WireError
from specs.declaration import LoadedDeclaration
from specs.declared_onvif import Onvif as Declared
from specs.model import Limit

ANY = "0.0.0.0"
Undo = Callable[[], Awaitable[object]]
#: What only a user may ask, harmless and in every device.
PROBE = ("device", "GetDeviceInformation")


def _loops(host: str) -> bool:
    return host == "localhost" or host.startswith("127.")


class OnvifDown(DeviceFault):
    """The device does not answer any more."""

    def __init__(self, why: str) -> None:
        super().__init__(f"ONVIF 服务没有响应: {why}", f"the ONVIF service does not answer: {why}")


class Onvif:
    """``client``: of the declared administrator; ``mechanisms``: ``token`` and ``digest``, whether the device takes
    them, known after the preflight."""

    def __init__(self, wire: Wire, loaded: LoadedDeclaration, limits: Mapping[str, Limit]) -> None:
        self.wire, self.limits, self.loaded = wire, limits, loaded
        self.declared = loaded.declaration.onvif or Declared()
        self.mechanisms: dict[str, bool] = {}
        self.discovery = self.declared.discovery
        self.clients: list[OnvifClient] = []
        self._undo: list[Undo] = []
        self.attach({})

    @property
    def there(self) -> bool:
        """Whether the address of a device service is known."""
        return bool(self.url)

    def attach(self, device: Mapping[str, Any]) -> None:
        """Take note of what the started device says of itself (``onvif_url``, ``discovery``)."""
        self.url = str(device.get("onvif_url", self.declared.url))
        self.discovery = str(device.get("discovery", self.discovery))
        folder = self.loaded.path.parent if self.loaded.path else None
        ca_file = str(folder / self.declared.ca_file) if folder and self.declared.ca_file else ""
        password = self.loaded.onvif_password
        self.client = OnvifClient(self.wire, self.url, self.declared.username, password, self.limits, ca_file)
        self.clients = [self.client]

    # asking

    async def call(self, service: str, operation: str, body: str = "", **options: Any) -> Answer:
        """``OnvifClient.call`` of the administrator."""
        return await self.client.call(service, operation, body, **options)

    def as_user(self, username: str, password: str) -> OnvifClient:
        """A client of another user; closed after the test."""
        client = self.client.as_user(username, password)
        self.clients.append(client)
        return client

    def has(self, service: str) -> bool:
        """Whether the device names an address for a service."""
        return service == "device" or service in self.client.addresses

    # discovery

    @property
    def discovery_address(self) -> tuple[str, int]:
        """Where the device answers unicast probes."""
        if self.discovery:
            host, _, port = self.discovery.rpartition(":")
            return host.strip("[]"), int(port)
        return self.host, PORT

    @property
    def host(self) -> str:
        """The host of the device service."""
        return urlsplit(self.url).hostname or ""

    @property
    def interface(self) -> str:
        """The address of this machine from which devices are searched."""
        here = self.loaded.declaration.bench.host
        return self.declared.interface or (ANY if _loops(here) and not _loops(self.host) else here)

    @property
    def searcher(self) -> Searcher:
        """Who looks for the device."""
        return Searcher(self.wire, self.interface)

    # beginning and end

    async def preflight(self) -> None:
        """Address, credentials, clock, services. Raises BenchFault with the device's own words."""
        client = self.client
        answer = await client.synchronize()
        if answer.http is None or (answer.envelope is None and answer.status != 401):
            raise BenchFault(
                f"ONVIF 设备服务 {self.url} 没有应答，请检查地址: {answer.summary}",
                f"no ONVIF device service at {self.url}, check the address: {answer.summary}",
            )
        await self._choose_mechanism()
        await client.find_services()

    async def _choose_mechanism(self) -> None:
        if not self.client.username:
            self.client.preferred = "none"
        tried: dict[Auth, Answer] = {}
        for mechanism in ("token", "digest") if self.client.username else ("none",):
            tried[mechanism] = await self.client.call(*PROBE, auth=mechanism)
            self.mechanisms[mechanism] = tried[mechanism].ok
        for mechanism, answer in tried.items():
            if answer.ok:
                self.client.preferred = mechanism
                return
        words = "; ".join(f"{mechanism}: {answer.summary}" for mechanism, answer in tried.items())
        user = self.client.username or "-"
        raise BenchFault(
            f"设备不接受 ONVIF 用户 {user!r}，请检查声明中的 onvif.username 与 onvif.password，"
            f"或 KANDIAN_ONVIF_USER 与 KANDIAN_ONVIF_PASSWORD: {words}",
            f"the device refuses the ONVIF user {user!r}, check onvif.username and onvif.password in the declaration"
            f" or KANDIAN_ONVIF_USER and KANDIAN_ONVIF_PASSWORD: {words}",
        )

    async def alive(self) -> Answer:
        """A probe without credentials: any response at all will do."""
        return await self.client.call("device", "GetSystemDateAndTime", auth="none")

    async def settle(self, within: float | None = None) -> None:
        """The device answers. Raises OnvifDown after ``within`` seconds (default: `death_wait`)."""
        seconds = self.limits["death_wait"].seconds if within is None else within
        until = self.wire.now() + seconds
        while (answer := await self.alive()).http is None:
            if self.wire.now() >= until:
                raise OnvifDown(answer.why)
            await self.wire.sleep(self.limits["listening_step"].seconds)

    def undo(self, action: Undo) -> None:
        """Have something done after the test, whatever becomes of it; the last said is done first."""
        self._undo.append(action)

    async def unwind(self) -> None:
        """Put everything back; one failure does not keep the others from being tried."""
        while self._undo:
            action = self._undo.pop()
            try:
                await action()
            except (WireError, DeviceFault) as failure:
                self.wire.note(f"not put back: {failure}")
        for client in self.clients[1:]:
            client.close()
        del self.clients[1:]

    async def close(self) -> None:
        """Put back what an interrupted test left, close every connection."""
        if self._undo:
            await self.unwind()
        self.client.close()

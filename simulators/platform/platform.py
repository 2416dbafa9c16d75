"""The golden platform, put together from parts that a mutant may replace."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import ssl
from collections.abc import Coroutine, Mapping
from pathlib import Path
from typing import Any

from simulators.platform.access_server import AccessServer
from simulators.platform.accounts import Accounts
from simulators.platform.alarms import Alarms
from simulators.platform.audit import Audit
from simulators.platform.certificate import server_context
from simulators.platform.client_api import ClientApi
from simulators.platform.clock import PlatformClock
from simulators.platform.database import Database
from simulators.platform.device_commands import DeviceCommands
from simulators.platform.device_steps import Group, HttpStep, Registrar
from simulators.platform.devices import Devices
from simulators.platform.live import Live
from simulators.platform.media_server import MediaServer
from simulators.platform.messages import Messages
from simulators.platform.playback import Playback
from simulators.platform.plays import Plays
from simulators.platform.presence import Presence
from simulators.platform.push import Push
from simulators.platform.recorder import Recorder
from simulators.platform.rights import Rights
from simulators.platform.tokens import Tokens
from simulators.platform.upgrades import Upgrades
from specs.declaration import LoadedDeclaration
from specs.declared_platform import Platform as Declared
from specs.messages import load_message_table

_LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"


class Platform:
    """One platform. ``folder``: where its state lives; ``addresses``: of the push gateway, the SMS gateway and the
    cloud storage. Loop-bound; use ``start`` and ``stop``."""

    role = "platform"
    database_class: type[Database] = Database
    audit_class: type[Audit] = Audit
    devices_class: type[Devices] = Devices
    accounts_class: type[Accounts] = Accounts
    rights_class: type[Rights] = Rights
    tokens_class: type[Tokens] = Tokens
    plays_class: type[Plays] = Plays
    presence_class: type[Presence] = Presence
    commands_class: type[DeviceCommands] = DeviceCommands
    alarms_class: type[Alarms] = Alarms
    messages_class: type[Messages] = Messages
    push_class: type[Push] = Push
    upgrades_class: type[Upgrades] = Upgrades
    recorder_class: type[Recorder] = Recorder
    live_class: type[Live] = Live
    playback_class: type[Playback] = Playback
    client_class: type[ClientApi] = ClientApi
    media_class: type[MediaServer] = MediaServer
    group_class: type[HttpStep] = Group
    registrar_class: type[HttpStep] = Registrar
    access_class: type[AccessServer] = AccessServer

    def __init__(self, loaded: LoadedDeclaration, folder: Path, addresses: Mapping[str, str] | None = None) -> None:
        self.loaded = loaded
        self.declared = loaded.declaration.platform or Declared()
        self.simulator = loaded.declaration.simulator
        self.addresses = dict(addresses or {})
        self.tls: ssl.SSLContext | None = None
        self.ca_file = ""
        if self.simulator.get("tls"):
            self.tls, certificate = server_context(folder / "tls", HOST)
            self.ca_file = str(certificate)
        self.table = load_message_table()
        self.clock = PlatformClock(loaded.declaration.timers.scale)
        self.database = self.database_class(folder)
        self.audit = self.audit_class(self)
        self.devices = self.devices_class(self)
        self.accounts = self.accounts_class(self)
        self.rights = self.rights_class(self)
        self.tokens = self.tokens_class(self)
        self.plays = self.plays_class(self)
        self.presence = self.presence_class(self)
        self.commands = self.commands_class(self)
        self.alarms = self.alarms_class(self)
        self.messages = self.messages_class(self)
        self.push = self.push_class(self, self.addresses.get("push_url", ""))
        self.upgrades = self.upgrades_class(self)
        self.recorder = self.recorder_class(self)
        self.live = self.live_class(self)
        self.playback = self.playback_class(self)
        self.media = self.media_class(self)
        self.client = self.client_class(self)
        self.group = self.group_class(self)
        self.registrar = self.registrar_class(self)
        self.primary = self.access_class(self, "primary")
        self.backup = self.access_class(self, "backup")
        self._tasks: set[asyncio.Task[Any]] = set()

    @staticmethod
    def new_id() -> str:
        """A fresh identity that tells nothing."""
        return secrets.token_hex(8)

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something beside; it ends with the platform."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)
        return task

    def _finished(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _LOG.error("a task of the platform failed", exc_info=error)

    async def start(self) -> None:
        """Provision what is declared, listen."""
        self.accounts.provision()
        self.devices.provision()
        for server in (self.client, self.media, self.primary, self.backup, self.registrar, self.group):
            await server.start()
        self.spawn(self.presence.keep_sweeping())
        self.spawn(self.live.keep_sweeping())
        self.spawn(self.recorder.keep_running())
        self.spawn(self.recorder.keep_uploading())

    async def stop(self) -> None:
        """End everything."""
        await self.live.stop()
        await self.recorder.stop()
        for server in (self.client, self.media, self.group, self.registrar, self.primary, self.backup):
            await server.stop()
        for task in list(self._tasks):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task
        await self.push.stop()
        self.database.close()

    async def restart_access(self) -> None:
        """The access servers die and come back on the same ports."""
        await self._restart(self.primary, self.backup)

    async def restart_all(self) -> None:
        """Every server dies and comes back on its port; plays over HTTP are lost, sessions are not."""
        self.plays.end_all()
        await self._restart(self.client, self.media, self.group, self.registrar, self.primary, self.backup)

    @staticmethod
    async def _restart(*servers: HttpStep | AccessServer | ClientApi | MediaServer) -> None:
        for server in servers:
            await server.stop()
        for server in servers:
            await server.start()

    def device_online(self, dev_id: str) -> None:
        """A device has come online: what waits for that goes on."""
        device = self.devices.find(dev_id)
        if device is not None:
            self.upgrades.logged_in(dev_id, str(device["version"]))

    @property
    def client_url(self) -> str:
        """Base of the client interface."""
        return self.client.url

    def release(self, dev_id: str) -> None:
        """Take a device from its owner, with everything that belonged to its old life."""
        self.plays.end(device=dev_id)
        self.devices.release(dev_id)
        self.spawn(self.recorder.forget(dev_id))

    def told(self) -> dict[str, Any]:
        """Where the platform can be reached."""
        access = {s.name: f"{s.address[0]}:{s.address[1]}" for s in (self.primary, self.backup)}
        urls = {"group_url": self.group.url, "province_url": self.registrar.url, "client_url": self.client_url}
        urls["media_url"] = self.media.url
        if self.ca_file:
            urls["ca_file"] = self.ca_file
        return {**urls, "access": access["primary"], "backup": access["backup"]}

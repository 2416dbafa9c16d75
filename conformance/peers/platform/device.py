"""A device in front of a platform: registers, logs in, beats, answers commands; well-behaved unless told otherwise."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.platform.device_connection import DeviceConnection, Dress, Heard, plain
from conformance.peers.platform.device_identity import DeviceIdentity
from conformance.peers.platform.device_state import DeviceState
from conformance.protocols.http_answer import HttpAnswer, HttpAnswerError
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from conformance.wire import Expired, Refused, Wire
from specs.messages import MessageTable
from specs.model import Limit

ACCESS = (("NatIP", "NatPort"), ("BackupNatIP", "BackupNatPort"))
NO_RESULT = -1


@dataclass(frozen=True, slots=True)
class StepAnswer:
    """What an HTTP step gave. ``message``: None where no readable one came, ``why`` tells the reason then."""

    http: HttpAnswer | None
    message: Message | None
    why: str = ""

    @property
    def result(self) -> int:
        """The Result, -1 for no answer."""
        return self.message.result if self.message else NO_RESULT

    @property
    def body(self) -> bytes:
        """The body as it came."""
        return self.http.body if self.http else b""

    @property
    def summary(self) -> str:
        """One line."""
        return f"Result {self.result}" if self.message else self.why

    def servers(self) -> list[tuple[str, int]]:
        """Primary and backup access server of a REGISTER_RES; those that are there."""
        if self.message is None:
            return []
        found = [(self.message.get(host), self.message.get(port)) for host, port in ACCESS]
        return [(host, int(port)) for host, port in found if host and port.isdigit()]


class DevicePeer:
    """One device. ``automatic`` False leaves commands unanswered; ``refusing``: the Result to refuse them with, 0 to
    carry them out; ``connection``: the present one, None before; ``dress``: how it writes its XML;
    ``first_sequence``: of its requests on a connection, less one.

    What it does to itself (restart) it does at once, so that a test takes no longer than the platform.
    """

    def __init__(
        self,
        wire: Wire,
        table: MessageTable,
        limits: Mapping[str, Limit],
        identity: DeviceIdentity,
        urls: tuple[str, str],
    ) -> None:
        self.wire, self.table, self.limits, self.identity = wire, table, limits, identity
        self.group_url, self.province_url = urls
        self.state = DeviceState(identity.dev_id, identity.channels)
        self.automatic = True
        self.refusing = 0
        self.dress: Dress = plain
        self.first_sequence = 0
        self.connection: DeviceConnection | None = None
        self.connections: list[DeviceConnection] = []
        self.servers: list[tuple[str, int]] = []
        self._beats: asyncio.Task[None] | None = None

    @property
    def label(self) -> str:
        """How its connections are called on the tape."""
        return f"device {self.identity.dev_id}"

    @property
    def answer_wait(self) -> float:
        """Seconds it waits for an answer."""
        return self.limits["answer_wait"].seconds

    # HTTP

    async def redirect(self) -> StepAnswer:
        """Ask the group for the province."""
        return await self.post(self.group_url, "REDIRECT", self.identity.registration())

    async def register(self) -> StepAnswer:
        """Ask the province for the access servers; they are kept."""
        answer = await self.post(self.province_url, "REGISTER", self.identity.registration())
        self.servers = answer.servers() or self.servers
        return answer

    async def post(self, url: str, name: str, values: Mapping[str, Any] | bytes) -> StepAnswer:
        """One HTTP step; ``values`` may be the bytes of a body."""
        body = values if isinstance(values, bytes) else b""
        if not isinstance(values, bytes):
            body = self.dress(encode_message(self.table, name, "request", values, check=False))
        endpoint = Endpoint.of(url)
        headers = (
            ("Host", endpoint.authority),
            ("Content-Length", str(len(body))),
            ("Content-Type", "text/xml;charset=UTF-8"),
            ("Connection", "Keep-Alive"),
            ("Cache-Control", "no-cache"),
        )
        request = RawRequest("POST", urlsplit(url).path or "/", headers, body)
        connections = Connections(self.wire, endpoint, self.limits, f"{self.label} {name.lower()}")
        try:
            http = await connections.exchange(request)
            return StepAnswer(http, decode_message(self.table, name, "platform-to-device", http.body))
        except (NoResponse, Refused, Expired, HttpAnswerError) as error:
            return StepAnswer(None, None, str(error))
        except CodecError as error:
            return StepAnswer(http, None, f"HTTP {http.status}: {error.explain}")
        finally:
            connections.close()

    # TCP

    async def connect(self, number: int = 0) -> bool:
        """Connect to an access server (0 primary, 1 backup); False when nobody listens."""
        if number >= len(self.servers):
            return False
        host, port = self.servers[number]
        try:
            stream = await self.wire.connect(host, port, label=self.label, within=self.limits["connect_wait"].seconds)
        except (Refused, Expired):
            return False
        self.connection = DeviceConnection(self.wire, self.table, stream, self._on_command, self.dress)
        self.connection.sequence = self.first_sequence
        self.connections.append(self.connection)
        return True

    async def ask(self, name: str, values: dict[str, Any]) -> Heard | None:
        """Send a request on the present connection; None when no answer comes."""
        if self.connection is None:
            return None
        return await self.connection.ask(name, values, self.answer_wait)

    async def login(self, **changes: Any) -> Heard | None:
        """LOGIN, with other elements where they are given."""
        return await self.ask("LOGIN", {**self.identity.login(), **changes})

    async def report(self) -> Heard | None:
        """ABILITYUP."""
        return await self.ask("ABILITYUP", self.identity.abilities(self.table))

    async def heartbeat(self) -> Heard | None:
        """HEARTBEAT."""
        return await self.ask("HEARTBEAT", self.identity.heartbeat())

    async def come_online(self, server: int = 0) -> bool:
        """Register, connect, log in, report abilities, and send a heartbeat."""
        if not self.servers and (await self.register()).result != 0:
            return False
        if not await self.connect(server):
            return False
        for step in (self.login, self.report):
            answer = await step()
            if answer is None or answer.message.result != 0:
                return False
        return await self.heartbeat() is not None

    def beat(self, interval: float) -> None:
        """Send heartbeats from now on, whatever happens."""
        self.rest()
        self._beats = self.wire.spawn(self._keep_beating(interval), f"{self.label} heartbeats")

    def rest(self) -> None:
        """Send no heartbeats any more."""
        if self._beats is not None:
            self._beats.cancel()
            self._beats = None

    async def _keep_beating(self, interval: float) -> None:
        while self.connection is not None and self.connection.open:
            await self.wire.sleep(interval)
            self.connection.send(self.connection.frame("HEARTBEAT", self.identity.heartbeat()))

    async def verdict(self, name: str, **values: Any) -> int:
        """Ask whether a token is good, by VIDEO_PLAY or RECORD_PLAY; -1 for no answer."""
        answer = await self.ask(name, {"DevID": self.identity.dev_id, **values})
        return NO_RESULT if answer is None else answer.message.result

    # commands

    def _on_command(self, connection: DeviceConnection, heard: Heard) -> None:
        if not self.automatic:
            return
        refusal = {"Result": self.refusing, "DevID": self.identity.dev_id}
        values = refusal if self.refusing else self.state.answer(heard.message)
        connection.send(connection.frame(heard.name, values, kind="response", sequence=heard.sequence))
        if heard.name == "REBOOT" and values["Result"] == 0:
            self.rest()
            connection.close()

    async def command(self, name: str, *, after: int = 0) -> Heard | None:
        """The first command of that name on the present connection; None when none comes in time."""
        if self.connection is None:
            return None
        return await self.connection.command(name, self.answer_wait, after=after)

    @property
    def heard(self) -> list[Heard]:
        """Every command on every connection."""
        return [heard for connection in self.connections for heard in connection.commands]

    # ends

    def leave(self) -> None:
        """Close the connection."""
        self.rest()
        if self.connection is not None:
            self.connection.close()

    def close(self) -> None:
        """Close everything."""
        self.rest()
        for connection in self.connections:
            connection.close()


class DevicePeers:
    """Makes devices for one platform, and closes them."""

    def __init__(self, wire: Wire, table: MessageTable, limits: Mapping[str, Limit]) -> None:
        self.wire, self.table, self.limits = wire, table, limits
        self.group_url = self.province_url = ""
        self._made: list[DevicePeer] = []

    def new(self, identity: DeviceIdentity) -> DevicePeer:
        """A device that has not done anything yet."""
        urls = self.group_url, self.province_url
        device = DevicePeer(self.wire, self.table, self.limits, identity, urls)
        self._made.append(device)
        return device

    def close(self) -> None:
        """Close every device."""
        for device in self._made:
            device.close()
        self._made.clear()

"""A phone: calls the operations of the client interface over the wire and remembers its session."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.platform.adapter import Adapter, Neutral
from conformance.peers.platform.reply import Reply
from conformance.protocols.http_answer import HttpAnswerError
from conformance.protocols.raw_request import RawRequest
from conformance.wire import Expired, Refused, Wire
from specs.client_api import ClientApi, Operation
from specs.declared_platform import Application, User
from specs.model import Limit

Headers = Sequence[tuple[str, str]]
#: What a body is when it is not JSON made from a value.
Raw = bytes


class Phone:
    """One phone. ``session`` and ``refresh``: of the last login, empty before; ``user``: whose it is."""

    def __init__(
        self,
        wire: Wire,
        limits: Mapping[str, Limit],
        url: str,
        ca_file: str,
        api: ClientApi,
        adapter: type[Adapter] = Neutral,
    ) -> None:
        self.wire, self.api = wire, api
        self.adapter = adapter()
        parts = urlsplit(url)
        self.base = parts.path.rstrip("/")
        self.endpoint = Endpoint.of(url, ca_file)
        self.connections = Connections(wire, self.endpoint, limits, "client")
        self.session = self.refresh = ""
        self.user: User | None = None

    async def call(
        self,
        operation_id: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        session: str | None = None,
        headers: Headers = (),
        **path: str,
    ) -> Reply:
        """Call an operation. ``body``: a JSON value, or bytes to be sent as they are; ``session``: another than the
        phone's own, empty for none; ``path``: the parameters of the path."""
        operation = self.api.named(operation_id)
        told = self.session if session is None else session
        login = [("Authorization", f"Bearer {told}")] if told else []
        return await self.send(operation, self.target(operation, path, query), body, [*login, *headers], path)

    def target(self, operation: Operation, path: Mapping[str, str], query: Mapping[str, Any] | None = None) -> str:
        """The request target of an operation."""
        found = self.base + operation.path
        for name, value in path.items():
            found = found.replace("{" + name + "}", quote(value, safe=""))
        return f"{found}?{urlencode(query)}" if query else found

    async def send(
        self, operation: Operation, target: str, body: Any, headers: Headers, path: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request as it is given, through the adapter."""
        data = body if isinstance(body, Raw) else b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        named = {name.lower() for name, _ in headers}
        more = [("Content-Type", "application/json")] if data and "content-type" not in named else []
        length = [("Content-Length", str(len(data)))] if data or operation.method in ("POST", "PUT", "PATCH") else []
        own = [("Host", self.endpoint.authority), ("Accept", "application/json"), *more, *length]
        request = self.adapter.outgoing(
            operation, path or {}, RawRequest(operation.method, target, (*own, *headers), data)
        )
        try:
            answer = self.adapter.incoming(operation, await self.connections.exchange(request))
        except (NoResponse, Refused, Expired, HttpAnswerError) as error:
            return Reply(operation, None, data, f"{operation.id}: {error}")
        return Reply(operation, answer, data)

    # sessions

    async def login(self, user: User) -> Reply:
        """Log in by password and keep the session."""
        self.user = user
        return self.keep(await self.call("login", {"phone": user.phone, "password": user.password}, session=""))

    async def renew(self) -> Reply:
        """Renew the session and keep the new one."""
        return self.keep(await self.call("renew", {"refresh": self.refresh}, session=""))

    def keep(self, reply: Reply) -> Reply:
        """Take note of the session that an answer gives."""
        if reply.ok:
            self.session, self.refresh = (str(reply.at(name) or "") for name in ("session", "refresh"))
        return reply

    # the third-party form

    def signature(self, application: Application, nonce: str, at: float) -> list[tuple[str, str]]:
        """The headers that sign a request for an application at Unix time ``at``."""
        parts = {"Nonce": nonce, "AppSecret": application.secret, "CurTime": str(int(at))}
        message = "".join(parts[name] for name in self.api.check_sum.message)
        found = self.wire.fact(f"check sum {nonce}", lambda: self._digest(message))
        return [
            ("AppKey", application.app_key),
            ("Nonce", nonce),
            ("CurTime", parts["CurTime"]),
            ("CheckSum", str(found)),
        ]

    def _digest(self, message: str) -> str:
        return hashlib.new(self.api.check_sum.digest, message.encode(), usedforsecurity=False).hexdigest()

    def nonce(self) -> str:
        """A text that was not used before."""
        return f"{self.wire.random.getrandbits(96):024x}"

    def move(self, address: str) -> None:
        """The phone is in another network: its connections are gone, new ones come from another address."""
        self.connections.close()
        self.connections.source = address

    def close(self) -> None:
        """Close its connections."""
        self.connections.close()


class Phones:
    """Makes phones for one platform, and closes them."""

    def __init__(self, wire: Wire, limits: Mapping[str, Limit], users: Sequence[User], api: ClientApi) -> None:
        self.wire, self.limits, self.users, self.api = wire, limits, users, api
        self.url = self.ca_file = ""
        self.adapter: type[Adapter] = Neutral
        self._made: list[Phone] = []

    def user(self, name: str) -> User | None:
        """The declared user of that name."""
        return next((user for user in self.users if user.name == name), None)

    def of_role(self, role: str) -> User | None:
        """The first declared user of a role."""
        return next((user for user in self.users if user.role == role), None)

    def new(self) -> Phone:
        """A phone that nobody has logged in on."""
        phone = Phone(self.wire, self.limits, self.url, self.ca_file, self.api, self.adapter)
        self._made.append(phone)
        return phone

    async def logged_in(self, user: User) -> Phone:
        """A phone with a session of a user; without one where the login was refused."""
        phone = self.new()
        await phone.login(user)
        return phone

    def close(self) -> None:
        """Close every phone."""
        for phone in self._made:
            phone.close()
        self._made.clear()

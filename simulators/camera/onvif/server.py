"""The HTTP side of the ONVIF face: one port for all services, logins, faults, snapshots and uploads."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from conformance.protocols.http_message import HttpRequest, HttpResponse
from conformance.protocols.safe_xml import XmlError, text_content
from conformance.protocols.soap import (
    CONTENT_TYPE,
    PREFIXES,
    SOAP_12,
    Envelope,
    SoapError,
    element,
    envelope,
    fault,
    read_envelope,
)
from conformance.protocols.ws_security import SECURITY
from conformance.protocols.xml_names import Name, Node, parse_named
from simulators.camera.onvif.accounts import NOT_AUTHORIZED, Accounts, Unauthorized
from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.discovery import Discovery
from simulators.camera.onvif.requests import check_request
from simulators.camera.onvif.service import RECEIVER, SENDER, Call, OnvifFault, Service
from simulators.camera.onvif.services import SERVICES
from simulators.camera.onvif.snapshot import SNAPSHOT_PATH, snapshot
from simulators.camera.onvif.state import User
from specs.onvif_operations import OnvifOperation, OperationTables, load_onvif_operations

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

ACCOUNT = "admin"
#: What clients send wrong is told to them, not on the terminal.
_QUIET = logging.getLogger(f"{__name__}.http")
_QUIET.addHandler(logging.NullHandler())
_QUIET.propagate = False
LARGEST = 4 << 20
LARGEST_UPLOAD = 64 << 20
WSA = PREFIXES["wsa"]
MEDIA_TYPES = ("application/soap+xml", "text/xml")
#: Blocks of the header that must be understood and are.
UNDERSTOOD = {SECURITY, *(Name(WSA, n) for n in ("To", "Action", "MessageID", "ReplyTo", "From", "FaultTo"))}


class OnvifService:
    """``port`` is 0 until ``start``. ``password``: of the administrator when the declaration names no user."""

    accounts_class: type[Accounts] = Accounts
    service_classes: dict[str, type[Service]] = SERVICES
    discovery_class: type[Discovery] = Discovery
    free_snapshots = False

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self.host, self.port = camera.address, 0
        self.password = secrets.token_hex(6)
        self.accounts = self.accounts_class(camera, camera.dev_id, lambda: camera.now())
        self.tables: OperationTables = load_onvif_operations()
        self.services = {key: made(self) for key, made in self.service_classes.items()}
        self.discovery = self.discovery_class(self)
        self.discovery.port = camera.discovery_port
        self.uploads: dict[str, Callable[[bytes], Any]] = {}
        self._runner: web.ServerRunner | None = None

    # life

    async def start(self) -> None:
        """Listen on a port, the one of before where it is free."""
        if not self.accounts.users:
            self.accounts.users.extend(self.camera.onvif_users(ACCOUNT, self.password))
        server = web.Server(self._serve, logger=_QUIET)
        self._runner = web.ServerRunner(server, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        try:
            await self._listen(self.camera.onvif_port)
        except OSError:
            await self._listen(0)
        self.camera.onvif_port = self.port
        for service in self.services.values():
            await service.start()
        await self.discovery.start()
        self.camera.discovery_port = self.discovery.port

    async def _listen(self, port: int) -> None:
        assert self._runner is not None
        site = web.TCPSite(self._runner, self.host, port, reuse_address=True)
        await site.start()
        self.port = int(self._runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more and drop every connection."""
        runner, self._runner = self._runner, None
        if runner is not None:
            self.discovery.stop()
            for service in self.services.values():
                await service.stop()
            await runner.cleanup()

    @property
    def device(self) -> DeviceService:
        """The device service."""
        found = self.services["device"]
        assert isinstance(found, DeviceService)
        return found

    def announce(self, kind: str) -> None:
        """Say Hello or Bye to the group."""
        if self._runner is not None:
            self.discovery.announce(kind)

    @property
    def url(self) -> str:
        """Address of the device service."""
        return f"http://{self.host}:{self.port}/onvif/device_service"

    def elements(self, *, secure: bool) -> dict[str, str | int]:
        """The Onvif group of ABILITYUP. ``secure``: the secure profile, in which the password is not told."""
        if not self.port:
            return {"Port": 0, "Account": "", "Password": ""}
        first = self.accounts.users[0]
        return {"Port": self.port, "Account": first.name, "Password": "" if secure else first.password}

    def sensed(self, kind: int, channel: int, number: int, on: bool) -> None:
        """A sensor of the camera fired or calmed down."""
        for service in self.services.values():
            service.sensed(kind, channel, number, on)

    # HTTP

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        limit = LARGEST_UPLOAD if request.path in self.uploads else LARGEST
        if self.too_large(request.content_length or 0, limit):
            return web.Response(status=413, headers={"Connection": "close"})
        body = await self.body_of(request, limit)
        if len(body) > limit:
            return web.Response(status=413, headers={"Connection": "close"})
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.raw_headers]
        answer = await self.answer(HttpRequest.build(request.method, request.raw_path, headers, body))
        response = web.Response(status=answer.status, reason=answer.reason, body=answer.body)
        for name, value in answer.headers:
            if name.lower() != "content-length":
                response.headers.add(name, value)
        return response

    async def body_of(self, request: web.BaseRequest, limit: int) -> bytes:
        """The body of a request, in as many pieces as it comes; a little more than ``limit`` for one that is longer."""
        body = bytearray()
        async for chunk in request.content.iter_any():
            body += chunk
            if len(body) > limit:
                break
        return bytes(body)

    def too_large(self, length: int, limit: int) -> bool:
        """Whether a request is refused by the length that it announces."""
        return length > limit

    async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
        """The response to one request. ``user``: as whom an uplink lets it be asked, without a login."""
        path = request.target.partition("?")[0]
        try:
            if path in self.uploads and request.method in ("POST", "PUT"):
                return await self._upload(path, request)
            if request.method == "GET" and path.startswith(SNAPSHOT_PATH):
                return await self._snapshot(request)
            if request.method != "POST":
                return HttpResponse.build(405, "Method Not Allowed", {"Allow": "POST"})
            return await self._soap(request, user)
        except Unauthorized:
            return self._challenge()

    def _challenge(self) -> HttpResponse:
        headers = [("WWW-Authenticate", told) for told in self.accounts.digest.challenges()]
        body = envelope(fault(NOT_AUTHORIZED, "Log in first"))
        return HttpResponse.build(401, "Unauthorized", [*headers, ("Content-Type", CONTENT_TYPE)], body)

    async def _upload(self, path: str, request: HttpRequest) -> HttpResponse:
        status, text = await self.uploads[path](request.body)
        return HttpResponse.build(status, text, {"Content-Type": "text/plain"}, text.encode())

    async def _snapshot(self, request: HttpRequest) -> HttpResponse:
        if not self.free_snapshots and self.accounts.caller(request, None) is None:
            raise Unauthorized
        return await snapshot(self.camera, request.target)

    # SOAP

    #: Content types that are read; that of SOAP 1.1 gets as far as the fault for its envelope.
    media_types: tuple[str, ...] = MEDIA_TYPES

    async def _soap(self, request: HttpRequest, user: User | None) -> HttpResponse:
        given = request.headers.get("Content-Type")
        if given and given.partition(";")[0].strip().lower() not in self.media_types:
            return HttpResponse.build(415, "Unsupported Media Type")
        try:
            found = self.read(request.body)
            body = await self.carry_out(request, found, user)
        except OnvifFault as refused:
            body = fault(refused.codes, refused.reason)
            status = 500 if refused.codes[0] == RECEIVER else 400
            reason = "Internal Server Error" if status == 500 else "Bad Request"
            return HttpResponse.build(status, reason, {"Content-Type": CONTENT_TYPE}, envelope(body))
        return HttpResponse.build(200, "OK", {"Content-Type": CONTENT_TYPE}, envelope(body, self.header(found)))

    def read(self, data: bytes) -> Envelope:
        """The envelope of a request. Raises OnvifFault."""
        try:
            found = read_envelope(data)
        except SoapError as error:
            raise OnvifFault(*self._why_no_envelope(data), reason=error.explain) from None
        except XmlError as error:
            raise OnvifFault(SENDER, "ter:WellFormed", reason=error.explain) from None
        for block in found.header:
            must = block.attribute("mustUnderstand", SOAP_12) in ("true", "1")
            if must and block.name not in UNDERSTOOD:
                raise OnvifFault("env:MustUnderstand", reason=f"{block.name} is not understood")
        return found

    @staticmethod
    def _why_no_envelope(data: bytes) -> tuple[str, ...]:
        root = parse_named(data)
        if root.name.local == "Envelope" and root.name.namespace != SOAP_12:
            return ("env:VersionMismatch",)
        return (SENDER, "ter:WellFormed")

    def header(self, asked: Envelope) -> str:
        """WS-Addressing in the answer where the request has a MessageID."""
        told = asked.headed(Name(WSA, "MessageID"))
        return element("wsa:RelatesTo", text_content(told.text.strip())) if told is not None else ""

    async def carry_out(self, request: HttpRequest, asked: Envelope, tunnelled: User | None = None) -> str:
        """The answer's body. Raises OnvifFault and Unauthorized."""
        node = asked.first
        if node is None:
            raise OnvifFault(SENDER, "ter:WellFormed", reason="The body is empty")
        service, operation = self.find(node)
        user = tunnelled or self.accounts.caller(request, asked)
        self.permit(operation, user)
        self.check(node, operation, service)
        handler = service.handler(operation.name)
        if handler is None:
            raise OnvifFault(RECEIVER, "ter:ActionNotSupported", reason=f"{operation.name} is not implemented")
        authority = request.headers.get("Host") or f"{self.host}:{self.port}"
        inside = await handler(Call(node, asked, user, authority, request.target))
        prefix = operation.prefix or service.prefix
        return element(f"{prefix}:{operation.name}Response", inside)

    def find(self, node: Node) -> tuple[Service, OnvifOperation]:
        """Service and operation of a request by its name and namespace. Raises OnvifFault."""
        spaces = set()
        for key, table in self.tables.services.items():
            if key not in self.services:
                continue
            for operation in table.operations:
                namespace = PREFIXES[operation.prefix] if operation.prefix else table.namespace
                spaces.add(namespace)
                if Name(namespace, operation.name) == node.name:
                    return self.services[key], operation
        if node.name.namespace not in spaces:
            raise OnvifFault(SENDER, "ter:Namespace", reason=f"No service has the namespace {node.name.namespace[:90]}")
        raise OnvifFault(SENDER, "ter:UnknownAction", reason=f"There is no {node.name.local[:90]}")

    def permit(self, operation: OnvifOperation, user: User | None) -> None:
        """Whether the user's level opens the access class. Raises Unauthorized, OnvifFault."""
        level = user.level if user is not None else "Anonymous"
        if self.tables.may(level, operation):  # type: ignore[arg-type]
            return
        if user is None:
            raise Unauthorized
        raise OnvifFault(*NOT_AUTHORIZED, reason=f"{operation.name} is not for a user of the level {user.level}")

    def check(self, node: Node, operation: OnvifOperation, service: Service) -> None:
        """Whether the request has the form of its operation. Raises OnvifFault."""
        check_request(node, operation, service.prefix)

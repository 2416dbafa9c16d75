"""A thin ONVIF client: SOAP 1.2 over HTTP, exactly the bytes that a test wants."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal
from urllib.parse import urlsplit

from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.onvif.answer import Answer, read_answer
from conformance.peers.onvif.http_login import HttpLogin
from conformance.peers.onvif.services import (
    KNOWN_PREFIXES,
    SERVICES,
    capable_services,
    listed_services,
    reachable,
)
from conformance.protocols.http_answer import HttpAnswer, HttpAnswerError
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.rtsp import RtspError
from conformance.protocols.soap import CONTENT_TYPE, element, envelope
from conformance.protocols.ws_security import UsernameToken, moment, password_digest, security_header
from conformance.protocols.xml_names import Name
from conformance.wire import Expired, Refused, Wire
from specs.model import Limit

Auth = Literal["auto", "none", "token", "digest", "both"]
Pairs = Iterable[tuple[str, str]]
LABEL = "onvif"
NONCE_BYTES = 16


class _NoHttp(Exception):
    """No response came; the reason is the text. ``dropped``: the device ended the connection."""

    def __init__(self, why: str, *, dropped: bool = False) -> None:
        super().__init__(why)
        self.dropped = dropped


@dataclass(slots=True)
class OnvifClient:
    """One user's client; it never raises for what the device does. ``url``: of the device service; ``username``: empty
    for a device without users; ``preferred``: the mechanism of ``auth="auto"``; ``clock_offset``: seconds by which the
    device's clock is ahead; ``addresses``: of the services, by the keys of ``SERVICES``, as the device told them."""

    wire: Wire
    url: str
    username: str
    password: str = field(repr=False)
    limits: Mapping[str, Limit]
    ca_file: str = ""
    preferred: Auth = "token"
    clock_offset: float = 0.0
    addresses: dict[str, str] = field(default_factory=dict)
    login: HttpLogin = field(init=False, repr=False)
    _pools: dict[str, Connections] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self.login = HttpLogin(self.wire, self.username, self.password)

    def as_user(self, username: str, password: str) -> OnvifClient:
        """A client of another user of the same device, with connections of its own."""
        return replace(self, username=username, password=password, addresses=dict(self.addresses), _pools={})

    # what is sent

    @property
    def device_now(self) -> float:
        """Unix seconds of the device's clock, as far as it is known."""
        return self.wire.epoch() + self.clock_offset

    def token(self, *, at: float | None = None, nonce: bytes | None = None) -> UsernameToken:
        """A token with a password digest. ``at``: Unix seconds of its Created, default now on the device's clock."""
        nonce = self._new_nonce() if nonce is None else nonce
        created = moment(self.device_now if at is None else at)
        digest = self.wire.fact("password digest", lambda: password_digest(nonce, created, self.password))
        return UsernameToken(self.username, str(digest), nonce=nonce, created=created)

    def _new_nonce(self) -> bytes:
        """A nonce that no other run uses, whatever its seed: a device may remember those that it has seen."""
        return bytes.fromhex(self.wire.fact("nonce", lambda: secrets.token_hex(NONCE_BYTES)))

    def token_of(self, *, with_nonce: bool, with_created: bool) -> UsernameToken:
        """A token that lacks a part; its digest is made of what is left."""
        nonce = self._new_nonce() if with_nonce else b""
        created = moment(self.device_now) if with_created else ""
        digest = self.wire.fact("password digest", lambda: password_digest(nonce, created, self.password))
        return UsernameToken(self.username, str(digest), nonce=nonce or None, created=created or None)

    def envelope(
        self,
        service: str,
        operation: str,
        body: str = "",
        *,
        auth: Auth = "token",
        header: str = "",
        token: UsernameToken | None = None,
    ) -> bytes:
        """A request envelope. ``body``: XML text of what stands inside the element of the operation, ``header``: of
        further header blocks, both with the prefixes of the ONVIF books; ``operation`` may carry a prefix of its own
        (``wsnt:Renew``). A token is in it for auth ``token`` and ``both`` or where one is given."""
        mechanism = self.preferred if auth == "auto" else auth
        if token is None and self.username and mechanism in ("token", "both"):
            token = self.token()
        named = operation if ":" in operation else f"{SERVICES[service].prefix}:{operation}"
        security = security_header(token) if token else ""
        return envelope(element(named, body), security + header, prefixes=KNOWN_PREFIXES)

    async def call(
        self,
        service: str,
        operation: str,
        body: str = "",
        *,
        auth: Auth = "auto",
        header: str = "",
        headers: Pairs = (),
        token: UsernameToken | None = None,
        url: str = "",
        within: float | None = None,
    ) -> Answer:
        """Ask for an operation; arguments as for ``envelope`` and ``post``. ``url``: instead of the service's."""
        mechanism = self.preferred if auth == "auto" else auth
        data = self.envelope(service, operation, body, auth=mechanism, header=header, token=token)
        prefix, _, local = operation.rpartition(":")
        namespace = KNOWN_PREFIXES[prefix] if prefix else SERVICES[service].namespace
        http_auth: Auth = "digest" if mechanism in ("digest", "both") else "none"
        address = url or self.address(service)
        answer = await self.post(data, url=address, auth=http_auth, headers=headers, within=within)
        return replace(answer, service=service, operation=local, expected=Name(namespace, f"{local}Response"))

    async def post(
        self,
        data: bytes,
        *,
        service: str = "device",
        url: str = "",
        auth: Auth = "none",
        headers: Pairs = (),
        content_type: str = CONTENT_TYPE,
        within: float | None = None,
        algorithm: str = "",
    ) -> Answer:
        """Exactly these bytes as a POST. ``auth``: ``digest`` logs in by HTTP; ``algorithm``: of the challenge to
        answer; ``within``: seconds for the answer."""
        given = {"Content-Type": content_type} if content_type else {}
        try:
            http = await self._request(
                "POST",
                url or self.address(service),
                data,
                headers=(*given.items(), *headers),
                digest=auth in ("digest", "both"),
                within=within,
                algorithm=algorithm,
            )
        except _NoHttp as none:
            return Answer("", "", data, self.wire.now(), why=str(none), dropped=none.dropped)
        return read_answer("", "", data, self.wire.now(), http, "")

    async def fetch(
        self,
        method: str,
        url: str,
        data: bytes = b"",
        *,
        headers: Pairs = (),
        within: float | None = None,
        length: int | None = None,
    ) -> Answer:
        """Any HTTP request (a snapshot, a firmware image), with HTTP digest where the device asks for it. ``length``:
        a Content-Length that is not that of ``data``."""
        given = tuple(headers)
        try:
            http = await self._request(
                method, url, data, headers=given, digest=bool(self.username), within=within, length=length
            )
        except _NoHttp as none:
            return Answer("", "", data, self.wire.now(), why=str(none), dropped=none.dropped)
        return Answer("", "", data, self.wire.now(), http)

    async def _request(
        self,
        method: str,
        url: str,
        data: bytes,
        *,
        headers: Pairs = (),
        digest: bool = False,
        within: float | None = None,
        algorithm: str = "",
        length: int | None = None,
    ) -> HttpAnswer:
        """One exchange, two where a digest is to be answered. Raises _NoHttp."""
        target = _target(url)
        fixed = (
            ("Host", urlsplit(url).netloc.rpartition("@")[2]),
            *headers,
            ("Content-Length", str(len(data) if length is None else length)),
        )
        login = self.login
        try:
            for attempt in range(2):
                given = fixed
                if digest and self.username and login.challenge is not None:
                    given = (*fixed, ("Authorization", login.authorize(method, target)))
                answer = await self._pool(url).exchange(RawRequest(method, target, given, data), within)
                if answer.status != 401 or not digest or attempt or not login.learn(answer, algorithm):
                    return answer
            return answer
        except NoResponse as failure:
            raise _NoHttp(str(failure), dropped=failure.dropped) from None
        except (HttpAnswerError, RtspError) as failure:
            raise _NoHttp(str(failure)) from None
        except (Refused, Expired) as failure:
            raise _NoHttp(failure.explain("en")) from None

    def _pool(self, url: str) -> Connections:
        endpoint = Endpoint.of(url, self.ca_file)
        key = f"{endpoint.scheme}://{endpoint.authority}"
        if key not in self._pools:
            self._pools[key] = Connections(self.wire, endpoint, self.limits, LABEL, resend=True)
        return self._pools[key]

    def close(self) -> None:
        """Close every connection."""
        for pool in self._pools.values():
            pool.close()

    # what is known of the device

    def address(self, service: str) -> str:
        """Where a service is reached: as told, on the way that leads to the device; the device service when unknown."""
        told = self.addresses.get(service, "")
        return reachable(told, self.url) if told and service != "device" else self.url

    def target(self, service: str) -> str:
        """The request target of a service, as a digest signs it."""
        return _target(self.address(service))

    async def synchronize(self) -> Answer:
        """Learn the device's clock from GetSystemDateAndTime, which needs no credentials."""
        answer = await self.call("device", "GetSystemDateAndTime", auth="none")
        told = clock_of(answer)
        if told is not None:
            self.clock_offset = round(told - self.wire.epoch())
        return answer

    async def find_services(self) -> Answer:
        """Learn the addresses from GetServices, from GetCapabilities where there is no GetServices."""
        answer = await self.call("device", "GetServices", "<tds:IncludeCapability>false</tds:IncludeCapability>")
        if answer.ok and answer.body is not None:
            self.addresses = listed_services(answer.body)
            return answer
        older = await self.call("device", "GetCapabilities", "<tds:Category>All</tds:Category>")
        if older.ok and older.body is not None:
            self.addresses = capable_services(older.body)
            return older
        return answer


def _target(url: str) -> str:
    parts = urlsplit(url)
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def clock_of(answer: Answer) -> float | None:
    """The UTC time in an answer of GetSystemDateAndTime as Unix seconds; None where there is none."""
    utc = answer.body.at("SystemDateAndTime/UTCDateTime") if answer.body is not None else None
    if utc is None:
        return None
    names = ("Date/Year", "Date/Month", "Date/Day", "Time/Hour", "Time/Minute", "Time/Second")
    try:
        year, month, day, hour, minute, second = (int(utc.value(name) or "") for name in names)
        return dt.datetime(year, month, day, hour, minute, min(second, 59), tzinfo=dt.UTC).timestamp()
    except ValueError:
        return None

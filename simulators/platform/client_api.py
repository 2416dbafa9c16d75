"""The client interface: routes, sessions, errors. What the operations do stands in their own files."""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from aiohttp import web

from simulators.platform.client_account import AccountOperations
from simulators.platform.client_call import Call
from simulators.platform.client_control import ControlOperations
from simulators.platform.client_errors import error_body, error_status
from simulators.platform.client_events import EventOperations
from simulators.platform.client_jobs import JobOperations
from simulators.platform.client_terminals import TerminalOperations
from simulators.platform.client_watching import WatchingOperations
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

_LOG = logging.getLogger(__name__)
HOST = "127.0.0.1"
BASE = "/api/v1"
LARGEST_BODY = 64 << 10
Handler = Callable[[Call], Awaitable[Any]]
_VERSION = re.compile(r"[0-9]{1,4}(\.[0-9]{1,4}){0,3}\Z")

# method, path, part of the interface, operation, status of a success; a star: no session needed
ROUTES = (
    ("GET", "/version", "account", "version*", 200),
    ("POST", "/sms-codes", "account", "send_code*", 202),
    ("POST", "/sessions", "account", "login*", 201),
    ("POST", "/sessions/sms", "account", "login_by_code*", 201),
    ("POST", "/sessions/renewal", "account", "renew*", 201),
    ("DELETE", "/sessions/current", "account", "logout", 204),
    ("PUT", "/account/password", "account", "change_password", 204),
    ("GET", "/shops", "terminals", "shops", 200),
    ("GET", "/terminals", "terminals", "listed", 200),
    ("POST", "/terminals", "terminals", "bind", 201),
    ("GET", "/terminals/{terminal}", "terminals", "show", 200),
    ("PATCH", "/terminals/{terminal}", "terminals", "change", 200),
    ("DELETE", "/terminals/{terminal}", "terminals", "release", 204),
    ("GET", "/terminals/{terminal}/shares", "terminals", "shares", 200),
    ("POST", "/terminals/{terminal}/shares", "terminals", "share", 201),
    ("DELETE", "/terminals/{terminal}/shares/{share}", "terminals", "unshare", 204),
    ("POST", "/terminals/{terminal}/play", "watching", "play", 200),
    ("GET", "/terminals/{terminal}/history", "watching", "history", 200),
    ("POST", "/terminals/{terminal}/playback", "watching", "playback", 200),
    ("POST", "/terminals/{terminal}/ptz", "control", "ptz", 204),
    ("GET", "/terminals/{terminal}/video", "control", "video", 200),
    ("PUT", "/terminals/{terminal}/video", "control", "set_video", 204),
    ("POST", "/terminals/{terminal}/reboot", "control", "reboot", 202),
    ("POST", "/terminals/{terminal}/format", "control", "format", 202),
    ("GET", "/terminals/{terminal}/record-plan", "control", "record_plan", 200),
    ("PUT", "/terminals/{terminal}/record-plan", "control", "set_record_plan", 204),
    ("GET", "/terminals/{terminal}/arming", "control", "arming", 200),
    ("PUT", "/terminals/{terminal}/arming", "control", "set_arming", 204),
    ("GET", "/terminals/{terminal}/storage", "control", "storage", 200),
    ("GET", "/terminals/{terminal}/alarm-switch", "control", "alarm_switch", 200),
    ("PUT", "/terminals/{terminal}/alarm-switch", "control", "set_alarm_switch", 204),
    ("GET", "/alarms", "events", "alarms", 200),
    ("GET", "/alarms/{alarm}", "events", "alarm", 200),
    ("GET", "/alarms/{alarm}/clip", "events", "clip", 200),
    ("GET", "/messages", "events", "messages", 200),
    ("POST", "/messages/{message}/read", "events", "read", 204),
    ("PUT", "/push", "events", "register_push", 204),
    ("DELETE", "/push", "events", "forget_push", 204),
    ("POST", "/upgrade-jobs", "jobs", "start", 201),
    ("GET", "/upgrade-jobs", "jobs", "listed", 200),
    ("GET", "/upgrade-jobs/{job}", "jobs", "show", 200),
    ("DELETE", "/upgrade-jobs/{job}", "jobs", "stop", 204),
    ("GET", "/audit", "jobs", "audit", 200),
)


class ClientApi:
    """The interface of phones, web portal and third parties."""

    account_class: type[AccountOperations] = AccountOperations
    terminals_class: type[TerminalOperations] = TerminalOperations
    watching_class: type[WatchingOperations] = WatchingOperations
    control_class: type[ControlOperations] = ControlOperations
    events_class: type[EventOperations] = EventOperations
    jobs_class: type[JobOperations] = JobOperations

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.minimum_client = str(platform.simulator.get("minimum_client", "1.0.0"))
        self.account = self.account_class(platform)
        self.terminals = self.terminals_class(platform)
        self.watching = self.watching_class(platform)
        self.control = self.control_class(platform)
        self.events = self.events_class(platform)
        self.jobs = self.jobs_class(platform)
        self.url = ""
        self.port = 0
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen; after a stop on the same port again."""
        application = web.Application(client_max_size=LARGEST_BODY, middlewares=[self._unrouted])
        for method, path, part, name, status in ROUTES:
            operation = getattr(getattr(self, part), name.rstrip("*"))
            application.router.add_route(
                method, BASE + path, self._handler(operation, status, in_session=not name.endswith("*"))
            )
        self._runner = web.AppRunner(application, handle_signals=False, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port, ssl_context=self.platform.tls).start()
        self.port = self._runner.addresses[0][1]
        scheme = "https" if self.platform.tls else "http"
        self.url = f"{scheme}://{HOST}:{self.port}{BASE}"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _handler(
        self, operation: Handler, status: int, *, in_session: bool
    ) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            call = Call(request)
            try:
                self.check_version(request)
                if in_session:
                    call.user, call.session = self.identify(request)
                call.content = await request.read()
                found = await operation(call)
            except Refused as refused:
                return self.refusal(call, refused)
            except web.HTTPRequestEntityTooLarge:
                return self.refusal(call, Refused("too_large"))
            except (ConnectionError, web.RequestPayloadError):
                raise
            except Exception:  # noqa: BLE001 - whatever breaks inside is an answer
                _LOG.exception("%s %s", request.method, request.path)
                return self.refusal(call, Refused("internal"))
            return web.Response(status=204) if status == 204 else web.json_response(found, status=status)

        return handle

    @web.middleware
    async def _unrouted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        try:
            return await handler(request)  # type: ignore[no-any-return]
        except web.HTTPMethodNotAllowed as error:
            response = self.refusal(Call(request), Refused("bad_method"))
            response.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
            return response
        except web.HTTPNotFound:
            return self.refusal(Call(request), Refused("not_found"))

    def refusal(self, call: Call, refused: Refused) -> web.Response:
        """An error as an answer; whoever is refused something of a device stands in the audit log."""
        status = error_status(refused.code)
        device = call.request.match_info.get("terminal", "")
        if refused.code == "forbidden" or (refused.code == "not_found" and self.platform.devices.find(device)):
            self.platform.audit.note(call.who, self.action(call.request), device, refused.code, address=call.address)
        body = error_body(refused.code, refused.detail)
        if refused.code == "client_too_old":
            body["upgradeUrl"] = self.account.upgrade_url
        headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        return web.json_response(body, status=status, headers=headers)

    @staticmethod
    def action(request: web.Request) -> str:
        """What a request is about: the last word of its route, or its method."""
        resource = request.match_info.route.resource
        last = resource.canonical.rpartition("/")[2] if resource is not None else ""
        return request.method.lower() if not last or "{" in last else last

    def check_version(self, request: web.Request) -> None:
        """A client that tells its version must not be too old. Raises Refused."""
        told = request.headers.get("X-Client-Version")
        if told is None or request.path == BASE + "/version":
            return
        if not _VERSION.match(told):
            raise Refused("bad_request", "X-Client-Version")
        if _numbers(told) < _numbers(self.minimum_client):
            raise Refused("client_too_old")

    def identify(self, request: web.Request) -> tuple[dict[str, Any], str]:
        """The user and the session. Raises Refused."""
        headers, accounts = request.headers, self.platform.accounts
        if "AppKey" in headers:
            parts = (headers.get(name, "") for name in ("AppKey", "Nonce", "CurTime", "CheckSum"))
            return accounts.third_party(*parts), ""
        scheme, _, session = headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not session:
            raise Refused("no_session")
        return accounts.session(session)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.split("."))

"""Mutants of a platform whose phones change their network."""

from __future__ import annotations

from aiohttp import web

from simulators.faults.registry import mutant
from simulators.platform.client_api import ClientApi
from simulators.platform.database import Row
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused


class _Bound(ClientApi):
    def __init__(self, platform: Platform) -> None:
        super().__init__(platform)
        self._homes: dict[str, str | None] = {}

    def identify(self, request: web.Request) -> tuple[Row, str]:
        user, session = super().identify(request)
        if self._homes.setdefault(session, request.remote) != request.remote:
            raise Refused("session_invalid")
        return user, session


@mutant(violates="BIZ-ACC-10")
class SessionsAreBoundToTheAddress(Platform):
    """A session is good only from the address that used it first."""

    zh = "会话只能由最初的网络地址使用。"
    client_class = _Bound

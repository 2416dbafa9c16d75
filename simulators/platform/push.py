"""Push messages: each is posted to every phone of a user, tried a few times, never more."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import aiohttp
from sqlalchemy import delete, insert, select

from simulators.platform.tables import PUSH_TARGETS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

_LOG = logging.getLogger(__name__)
TRIES = 3
POST_WAIT = 3.0
PAUSE = 1.0


class Push:
    """The way to the push gateway. ``down``: the gateway is out of reach (a control of the bench)."""

    def __init__(self, platform: Platform, gateway: str = "") -> None:
        self.platform = platform
        self.gateway = gateway
        self.down = False
        self.sent = 0
        self.lost = 0
        self._client: aiohttp.ClientSession | None = None

    def register(self, user: str, session: str, token: str, url: str = "") -> None:
        """Remember a phone; a phone belongs to the user who registered it last, a session has one phone."""
        self.forget(token=token)
        if session:
            self.forget(session=session)
        values = {"id": self.platform.new_id(), "user": user, "session": session, "token": token, "url": url}
        self.platform.database.change(insert(PUSH_TARGETS).values(values))

    def forget(self, **of: str) -> None:
        """Forget the phones with that ``token``, ``session`` or ``user``."""
        question = delete(PUSH_TARGETS)
        for name, value in of.items():
            question = question.where(PUSH_TARGETS.c[name] == value)
        self.platform.database.change(question)

    def send(self, user: str, content: dict[str, Any]) -> None:
        """Send to every phone of a user, beside everything else."""
        for target in self.platform.database.rows(select(PUSH_TARGETS).where(PUSH_TARGETS.c.user == user)):
            url = str(target["url"] or self.gateway)
            if url:
                self.platform.spawn(self.deliver(url, {"token": target["token"], **content}))

    async def deliver(self, url: str, content: dict[str, Any]) -> None:
        """One message to one phone."""
        for number in range(TRIES):
            if await self._post(url, content):
                self.sent += 1
                return
            await asyncio.sleep(PAUSE * 2**number)
        self.lost += 1

    async def _post(self, url: str, content: dict[str, Any]) -> bool:
        if self.down:
            return False
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(POST_WAIT))
        try:
            async with self._client.post(url, json=content) as answer:
                return answer.status < 300
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            _LOG.info("push to %s: %r", url, error)
            return False

    async def stop(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

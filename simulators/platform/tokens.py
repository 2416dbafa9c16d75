"""Play tokens: 128 random bits, good once, for one device, channel, stream or file, user and purpose, for a short time.

Only their digests are kept. The question is one statement, so two uses at the same moment have one winner.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from simulators.platform.tables import TOKENS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

REMEMBERED = 3600.0
FORGET_EVERY = 256


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token is for. ``target``: StreamType of a live play, FileName of a playback."""

    user: str
    device: str
    channel: str
    target: str
    purpose: str
    session: str = ""


class Tokens:
    """Issues and judges tokens."""

    uses = 1

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.life = platform.declared.token_life
        self._issued = 0

    def new_text(self) -> str:
        """A fresh token: 32 hex digits, unpredictable."""
        return secrets.token_hex(16)

    @staticmethod
    def digest(token: str) -> str:
        """What is kept of a token."""
        return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()

    def issue(self, grant: Grant) -> tuple[str, float]:
        """A token and the Unix second at which it dies. Long dead ones are forgotten."""
        if self._issued % FORGET_EVERY == 0:
            oldest = self.platform.clock.now() - REMEMBERED
            self.platform.database.change(delete(TOKENS).where(TOKENS.c.expires < oldest))
        self._issued += 1
        token, now = self.new_text(), self.platform.clock.now()
        values = {"id": self.digest(token), "user": grant.user, "device": grant.device, "channel": grant.channel}
        values |= {"target": grant.target, "purpose": grant.purpose, "session": grant.session}
        times = {"issued": now, "expires": now + self.life}
        self.platform.database.change(insert(TOKENS).values(values | times))
        return token, now + self.life

    def use(self, token: str, device: str, channel: str, target: str, purpose: str) -> bool:
        """Whether this play may go on; the token is spent by it."""
        now = self.platform.clock.now()
        wanted = TOKENS.c
        question = update(TOKENS).where(
            wanted.id == self.digest(token),
            wanted.device == device,
            wanted.channel == channel,
            wanted.target == target,
            wanted.purpose == purpose,
            wanted.uses < self.uses,
            wanted.revoked == 0,
            wanted.issued <= now,
            wanted.expires > now,
        )
        return self.platform.database.change(question.values(uses=wanted.uses + 1, used_at=now)) == 1

    def revoke(self, *, token: str = "", user: str = "", device: str = "", session: str = "") -> int:
        """Make unused tokens worthless: one, or all of a user, device or session (those given must all fit)."""
        question = update(TOKENS).where(TOKENS.c.revoked == 0)
        fields = {"id": self.digest(token) if token else "", "user": user, "device": device, "session": session}
        given = {name: value for name, value in fields.items() if value}
        if not given:
            return 0
        for name, value in given.items():
            question = question.where(TOKENS.c[name] == value)
        return self.platform.database.change(question.values(revoked=1))

    def live(self) -> int:
        """How many tokens could still be used."""
        now = self.platform.clock.now()
        good = TOKENS.c.uses < self.uses, TOKENS.c.revoked == 0, TOKENS.c.expires > now
        return int(self.platform.database.value(select(func.count()).select_from(TOKENS).where(*good)) or 0)

"""Session tokens: temporary keys, each of a tenant, each good for a time (S3 API, temporary credentials)."""

from __future__ import annotations

import datetime as dt
import hmac
from collections.abc import Mapping
from dataclasses import dataclass

from simulators.cloud_storage.faults import Fault
from specs.declaration import LoadedDeclaration


@dataclass(frozen=True, slots=True)
class Session:
    """``tenant``: access key of the account that it acts for; ``until``: Unix seconds, 0 for ever."""

    token: str
    tenant: str
    until: float = 0.0


class Tokens:
    """Sessions by access key."""

    def __init__(self, sessions: Mapping[str, Session]) -> None:
        self.sessions = sessions

    def check(self, access_key: str, told: str | None, now: float) -> None:
        """The token that comes with a key. Raises Fault."""
        session = self.sessions.get(access_key)
        if session is None:
            if told is not None:
                raise Fault("InvalidToken")
            return
        if told is None:
            raise Fault("InvalidAccessKeyId", "The access key is a temporary one and comes without its token")
        self.check_token(session, told)
        self.check_time(session, now)

    def check_token(self, session: Session, told: str) -> None:
        """The token itself. Raises Fault."""
        if not hmac.compare_digest(session.token.encode(), told.encode("utf-8", "surrogateescape")):
            raise Fault("InvalidToken")

    def check_time(self, session: Session, now: float) -> None:
        """Whether its time is over. Raises Fault."""
        if session.until and now >= session.until:
            raise Fault("ExpiredToken")

    def tenant(self, access_key: str) -> str:
        """For whom a key acts."""
        session = self.sessions.get(access_key)
        return session.tenant if session is not None else access_key


def declared_sessions(loaded: LoadedDeclaration) -> dict[str, Session]:
    """Accounts with a token; ``simulator: {sessions: {NAME: {of: ACCOUNT, until: ISO 8601}}}`` tells whose they are (by
    default of the first account) and until when."""
    keys = {account.name: account.access_key for account in loaded.accounts}
    told = loaded.declaration.simulator.get("sessions") or {}
    found = {}
    for account in loaded.accounts:
        if account.token:
            entry = told.get(account.name) or {}
            until = str(entry.get("until", ""))
            end = dt.datetime.fromisoformat(until).timestamp() if until else 0.0
            tenant = keys[str(entry.get("of", loaded.accounts[0].name))]
            found[account.access_key] = Session(account.token, tenant, end)
    return found

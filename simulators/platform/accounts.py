"""Users and their sessions: password or SMS code in, a session out, that expires and can be renewed."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from simulators.platform.database import Row
from simulators.platform.refused import Refused
from simulators.platform.tables import NONCES, PUSH_TARGETS, SESSIONS, SMS_CODES, TOKENS, USERS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

HASH_ROUNDS = 1024
MOST_FAILURES = 5
LOCK_SECONDS = 300.0
CODE_LIFE = 300.0
CODE_TRIES = 3
NONCE_WINDOW = 300.0
RENEWABLE = 30 * 86400.0


def hashed(password: str, salt: bytes | None = None) -> str:
    """What is kept of a password."""
    salt = salt or secrets.token_bytes(16)
    return salt.hex() + "$" + hashlib.scrypt(password.encode(), salt=salt, n=HASH_ROUNDS, r=8, p=1).hex()


def fits(password: str, kept: str) -> bool:
    """Whether a password is the one that was kept."""
    return hmac.compare_digest(hashed(password, bytes.fromhex(kept.partition("$")[0])), kept)


class Accounts:
    """Users, sessions, SMS codes and third parties. A new login leaves other sessions of the user alone."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.session_life = platform.declared.session_life
        self.last_codes: dict[str, str] = {}
        self._nobody = hashed(secrets.token_hex(8))

    def provision(self) -> None:
        """Enter the users that the declaration lists, unless they are there already."""
        for user in self.platform.loaded.users:
            if self.user(user.name) is None:
                values = {"id": user.name, "name": user.name, "phone": user.phone, "role": user.role}
                values |= {"password": hashed(user.password), "tenant": user.tenant}
                self.platform.database.change(insert(USERS).values(values))

    def user(self, user: str) -> Row | None:
        """A user by id."""
        return self.platform.database.row(select(USERS).where(USERS.c.id == user))

    def by_phone(self, phone: str) -> Row | None:
        """A user by phone number."""
        return self.platform.database.row(select(USERS).where(USERS.c.phone == phone))

    # login

    def login(self, phone: str, password: str) -> Row:
        """The user. Raises Refused: bad_credentials (the same for unknown users), locked, suspended."""
        user = self.by_phone(phone)
        good = fits(password, str(user["password"]) if user else self._nobody)
        if user is None:
            raise Refused("bad_credentials")
        if user["locked_until"] > self.platform.clock.now():
            raise Refused("locked")
        if not good:
            self._count_failure(user)
            raise Refused("bad_credentials")
        if user["state"] != "active":
            raise Refused("suspended")
        self.platform.database.change(update(USERS).where(USERS.c.id == user["id"]).values(failures=0))
        return user

    def _count_failure(self, user: Row) -> None:
        failures = user["failures"] + 1
        values = {"failures": failures}
        if failures >= MOST_FAILURES:
            until = self.platform.clock.now() + self.platform.clock.long(LOCK_SECONDS)
            values = {"failures": 0, "locked_until": until}
        self.platform.database.change(update(USERS).where(USERS.c.id == user["id"]).values(values))

    def send_code(self, phone: str) -> str:
        """Make a code for a phone, whoever it belongs to; it replaces the last one."""
        code, now, database = f"{secrets.randbelow(1_000_000):06d}", self.platform.clock.now(), self.platform.database
        database.change(delete(SMS_CODES).where(SMS_CODES.c.phone == phone))
        values = {"phone": phone, "code": code, "expires": now + CODE_LIFE, "sent": now}
        if self.by_phone(phone) is not None:
            database.change(insert(SMS_CODES).values(values))
            self.last_codes[phone] = code
        return code

    def login_by_code(self, phone: str, code: str) -> Row:
        """The user; a code is good once, for a while, and for few tries. Raises Refused: bad_credentials, suspended."""
        database = self.platform.database
        kept = database.row(select(SMS_CODES).where(SMS_CODES.c.phone == phone))
        user = self.by_phone(phone)
        good = kept is not None and hmac.compare_digest(str(kept["code"]).encode(), code.encode())
        if kept is None or user is None or kept["expires"] <= self.platform.clock.now():
            raise Refused("bad_credentials")
        if not good:
            spent = kept["tries"] + 1 >= CODE_TRIES
            wrong = delete(SMS_CODES) if spent else update(SMS_CODES).values(tries=kept["tries"] + 1)
            database.change(wrong.where(SMS_CODES.c.phone == phone))
            raise Refused("bad_credentials")
        database.change(delete(SMS_CODES).where(SMS_CODES.c.phone == phone))
        if user["state"] != "active":
            raise Refused("suspended")
        return user

    # sessions

    def open_session(self, user: str) -> tuple[str, str, float]:
        """Session token, token for its renewal, Unix second of its end. Those that nobody can renew are forgotten."""
        oldest = self.platform.clock.now() - RENEWABLE
        self.platform.database.change(delete(SESSIONS).where(SESSIONS.c.expires < oldest))
        session, refresh, now = secrets.token_urlsafe(24), secrets.token_urlsafe(24), self.platform.clock.now()
        values = {"id": _digest(session), "user": user, "refresh": _digest(refresh), "since": now}
        self.platform.database.change(insert(SESSIONS).values(values | {"expires": now + self.session_life}))
        return session, refresh, now + self.session_life

    def renew(self, refresh: str) -> tuple[Row, str, str, float]:
        """A new session for an old one, which ends. Raises Refused: session_invalid."""
        row = self.platform.database.row(select(SESSIONS).where(SESSIONS.c.refresh == _digest(refresh)))
        user = self.user(str(row["user"])) if row is not None else None
        late = row is not None and row["expires"] + RENEWABLE <= self.platform.clock.now()
        if row is None or late or user is None or user["state"] != "active":
            raise Refused("session_invalid")
        self.platform.database.change(delete(SESSIONS).where(SESSIONS.c.id == row["id"]))
        session, refresh, expires = self.open_session(str(user["id"]))
        self._move(str(row["id"]), _digest(session))
        return user, session, refresh, expires

    def _move(self, old: str, new: str) -> None:
        """What was opened in a session goes on in the one that follows it, so that a logout ends it all."""
        for table in (TOKENS, PUSH_TARGETS):
            self.platform.database.change(update(table).where(table.c.session == old).values(session=new))
        self.platform.plays.move(old, new)

    def session(self, text: str) -> tuple[Row, str]:
        """The user of a session and the session's id. Raises Refused: session_invalid, session_expired, suspended."""
        row = self.platform.database.row(select(SESSIONS).where(SESSIONS.c.id == _digest(text)))
        user = self.user(str(row["user"])) if row is not None else None
        if row is None or user is None:
            raise Refused("session_invalid")
        if row["expires"] <= self.platform.clock.now():
            raise Refused("session_expired")
        if user["state"] != "active":
            raise Refused("suspended")
        return user, str(row["id"])

    def close_session(self, session: str) -> None:
        """Log out: the session, its unused tokens, its plays and its phone."""
        self.platform.database.change(delete(SESSIONS).where(SESSIONS.c.id == session))
        self.platform.tokens.revoke(session=session)
        self.platform.plays.end(session=session)
        self.platform.push.forget(session=session)

    def close_all(self, user: str) -> None:
        """End everything that a user has open."""
        self.platform.database.change(delete(SESSIONS).where(SESSIONS.c.user == user))
        self.platform.tokens.revoke(user=user)
        self.platform.plays.end(user=user)

    def change_password(self, user: Row, old: str, new: str) -> None:
        """A new password ends every session. Raises Refused: bad_credentials."""
        if not fits(old, str(user["password"])):
            raise Refused("bad_credentials")
        self.platform.database.change(update(USERS).where(USERS.c.id == user["id"]).values(password=hashed(new)))
        self.close_all(str(user["id"]))

    def suspend(self, user: str, *, suspended: bool) -> None:
        """Suspend or resume a user."""
        state = "suspended" if suspended else "active"
        self.platform.database.change(update(USERS).where(USERS.c.id == user).values(state=state))
        if suspended:
            self.close_all(user)

    def sessions(self) -> int:
        """How many sessions are open."""
        return int(self.platform.database.value(select(func.count()).select_from(SESSIONS)) or 0)

    # third parties

    def third_party(self, app_key: str, nonce: str, time_text: str, check_sum: str) -> Row:
        """The user for whom an application acts. Raises Refused: bad_signature, skew, replay."""
        application = next((a for a in self.platform.loaded.applications if a.app_key == app_key), None)
        secret = application.secret if application else "unknown"
        wanted = hashlib.sha1(_bytes(f"{nonce}{secret}{time_text}"), usedforsecurity=False).hexdigest()
        good = hmac.compare_digest(wanted.encode(), _bytes(check_sum))
        if application is None or not good or not 1 <= len(nonce) <= 128 or not time_text.isascii():
            raise Refused("bad_signature")
        now = self.platform.clock.now()
        if not time_text.isdigit() or abs(now - int(time_text)) > NONCE_WINDOW:
            raise Refused("skew")
        if not self._fresh(f"{app_key} {nonce}", now):
            raise Refused("replay")
        user = self.user(application.tenant)
        if user is None or user["state"] != "active":
            raise Refused("suspended")
        return user

    def _fresh(self, nonce: str, now: float) -> bool:
        database = self.platform.database
        database.change(delete(NONCES).where(NONCES.c.at < now - 2 * NONCE_WINDOW))
        return database.change(insert(NONCES).prefix_with("OR IGNORE").values(id=_digest(nonce), at=now)) == 1


def _digest(text: str) -> str:
    return hashlib.sha256(_bytes(text)).hexdigest()


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")

"""Operations on sessions and accounts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import aiohttp
import msgspec

from simulators.platform.client_call import Body, Call
from simulators.platform.database import Row
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

API_VERSION = "1.0"
SMS_WAIT = 3.0
CODE_GAP = 60.0
Phone = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{5,20}$")]
Secret = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
NewSecret = Annotated[str, msgspec.Meta(min_length=8, max_length=128)]


class Login(Body, frozen=True):
    """POST /sessions."""

    phone: Phone
    password: Secret


class CodeLogin(Body, frozen=True):
    """POST /sessions/sms."""

    phone: Phone
    code: Secret


class CodeWanted(Body, frozen=True):
    """POST /sms-codes."""

    phone: Phone


class Renewal(Body, frozen=True):
    """POST /sessions/renewal."""

    refresh: Secret


class NewPassword(Body, frozen=True):
    """PUT /account/password."""

    old: Secret
    new: NewSecret


class AccountOperations:
    """Login in its forms, renewal, logout."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.upgrade_url = str(platform.simulator.get("upgrade_url", "https://example.invalid/client"))
        self._codes_sent: dict[str, float] = {}

    async def version(self, call: Call) -> dict[str, Any]:
        """Versions of interface and client."""
        minimum = str(self.platform.simulator.get("minimum_client", "1.0.0"))
        return {"api": API_VERSION, "minimumClient": minimum, "upgradeUrl": self.upgrade_url}

    async def login(self, call: Call) -> dict[str, Any]:
        """Login by password."""
        body = call.body(Login)
        try:
            user = self.platform.accounts.login(body.phone, body.password)
        except Refused as refused:
            self.platform.audit.note(body.phone, "login", outcome=refused.code, address=call.address)
            raise
        self.platform.audit.note(str(user["id"]), "login", address=call.address)
        return self.opened(user, *self.platform.accounts.open_session(str(user["id"])))

    async def send_code(self, call: Call) -> dict[str, Any]:
        """Send an SMS code; the answer tells nothing about whether the phone is known."""
        phone, now = call.body(CodeWanted).phone, self.platform.clock.now()
        oldest = now - self.platform.clock.long(CODE_GAP)
        self._codes_sent = {number: at for number, at in self._codes_sent.items() if at > oldest}
        if phone in self._codes_sent:
            raise Refused("locked")
        self._codes_sent[phone] = now
        code = self.platform.accounts.send_code(phone)
        gateway = self.platform.addresses.get("sms_url", "")
        if gateway and self.platform.accounts.by_phone(phone) is not None:
            self.platform.spawn(self._send(gateway, phone, code))
        return {}

    @staticmethod
    async def _send(gateway: str, phone: str, code: str) -> None:
        timeout = aiohttp.ClientTimeout(SMS_WAIT)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as client,
                client.post(gateway, json={"phone": phone, "code": code}) as answer,
            ):
                await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return

    async def login_by_code(self, call: Call) -> dict[str, Any]:
        """Login by SMS code."""
        body = call.body(CodeLogin)
        user = self.platform.accounts.login_by_code(body.phone, body.code)
        self.platform.audit.note(str(user["id"]), "login", detail="sms", address=call.address)
        return self.opened(user, *self.platform.accounts.open_session(str(user["id"])))

    async def renew(self, call: Call) -> dict[str, Any]:
        """A new session in place of the old one."""
        return self.opened(*self.platform.accounts.renew(call.body(Renewal).refresh))

    def opened(self, user: Row, session: str, refresh: str, expires: float) -> dict[str, Any]:
        """A session as an answer."""
        account = {name: user[name] for name in ("id", "name", "phone", "role")}
        expiry = self.platform.clock.text(expires)
        return {"session": session, "refresh": refresh, "expiresAt": expiry, "account": account}

    async def logout(self, call: Call) -> None:
        """End the session."""
        self.platform.accounts.close_session(call.session)

    async def change_password(self, call: Call) -> None:
        """A new password; every session ends."""
        body = call.body(NewPassword)
        self.platform.accounts.change_password(call.user, body.old, body.new)
        self.platform.audit.note(call.who, "password", address=call.address)

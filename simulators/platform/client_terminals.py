"""Operations on shops, terminals and shares."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from sqlalchemy import select

from simulators.platform.client_account import Phone
from simulators.platform.client_call import Body, Call
from simulators.platform.database import Row
from simulators.platform.devices import OK, WRONG_KEY
from simulators.platform.refused import Refused
from simulators.platform.tables import USERS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

MOST_WRONG_KEYS = 5
WRONG_KEY_WINDOW = 300.0
DevId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,31}$")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Binding(Body, frozen=True):
    """POST /terminals: typed in (``deviceId``, ``key``) or scanned (``qr``: both with a comma between)."""

    shop: Name
    device_id: DevId | None = None
    key: Name | None = None
    qr: Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z]{1,31},[!-~]{1,31}$")] | None = None
    name: Name | None = None


class Change(Body, frozen=True):
    """PATCH /terminals/{terminal}."""

    name: Name | None = None
    shop: Name | None = None


class Share(Body, frozen=True):
    """POST /terminals/{terminal}/shares."""

    phone: Phone
    rights: Annotated[list[Literal["view", "playback", "control", "alarm"]], msgspec.Meta(min_length=1, max_length=4)]


class TerminalOperations:
    """What hangs in which shop and who may see it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self._wrong_keys: dict[str, list[float]] = {}

    def shown(self, user: Row, device: Row) -> dict[str, Any]:
        """A terminal as an answer."""
        state = self.platform.presence.state(str(device["id"]))
        shop = self.platform.devices.find_shop(str(device["shop"]))
        return {
            "id": device["id"],
            "name": device["name"],
            "shop": shop["name"] if shop else "",
            "model": device["model"],
            "version": device["version"],
            "channels": device["channels"],
            "online": state.online,
            "changedAt": self.platform.clock.text(state.changed_at) if state.changed_at else None,
            "shared": device["owner"] not in (user["id"], user["tenant"]),
            "rights": sorted(self.platform.rights.of(user, device)),
        }

    async def shops(self, call: Call) -> dict[str, Any]:
        """The shops of the account."""
        call.known()
        visible = self.platform.rights.visible(call.user)
        shops = self.platform.devices.shops(str(call.user["tenant"] or call.user["id"]))
        items = [
            {"id": s["id"], "name": s["name"], "devices": sum(d["shop"] == s["id"] for d in visible)} for s in shops
        ]
        return {"items": items}

    async def listed(self, call: Call) -> dict[str, Any]:
        """The terminals of the account, also those shared with it."""
        call.known("page", "size", "shop")
        found, shop = self.platform.rights.visible(call.user), call.request.query.get("shop")
        if shop is not None:
            found = [device for device in found if device["shop"] == shop]
        size, offset = call.page()
        return call.paged([self.shown(call.user, device) for device in found[offset : offset + size]], len(found))

    async def show(self, call: Call) -> dict[str, Any]:
        """One terminal."""
        return self.shown(call.user, self.platform.rights.check(call.user, call.part("terminal"), "view"))

    async def bind(self, call: Call) -> dict[str, Any]:
        """Bind a device by its id and key."""
        body = call.body(Binding)
        dev_id, key = self.identity(body)
        self.platform.audit.note(call.who, "bind", dev_id, detail="asked", address=call.address)
        if call.user["role"] != "owner":
            raise Refused("forbidden")
        self.check_key(call.who, dev_id, key)
        devices = self.platform.devices
        if not devices.bind(dev_id, call.who, devices.shop(call.who, body.shop)):
            raise Refused("device_taken")
        if body.name:
            devices.rename(dev_id, name=body.name)
        self.platform.audit.note(call.who, "bind", dev_id, address=call.address)
        return self.shown(call.user, self.platform.rights.check(call.user, dev_id, "own"))

    @staticmethod
    def identity(body: Binding) -> tuple[str, str]:
        """Device id and key, typed or scanned. Raises Refused."""
        if body.qr is not None and body.device_id is None and body.key is None:
            dev_id, _, key = body.qr.partition(",")
            return dev_id, key
        if body.qr is not None or body.device_id is None or body.key is None:
            raise Refused("bad_request", "deviceId and key, or qr")
        return body.device_id, body.key

    def check_key(self, user: str, dev_id: str, key: str) -> None:
        """Raises Refused: not_found, wrong_key, locked (after too many wrong keys, for a while)."""
        now = self.platform.clock.now()
        oldest = now - self.platform.clock.long(WRONG_KEY_WINDOW)
        wrong = self._wrong_keys[user] = [at for at in self._wrong_keys.get(user, []) if at > oldest]
        if len(wrong) >= MOST_WRONG_KEYS:
            raise Refused("locked")
        verdict = self.platform.devices.verdict(dev_id, key)
        if verdict != OK:
            wrong.append(now)
            raise Refused("wrong_key" if verdict == WRONG_KEY else "not_found")

    async def change(self, call: Call) -> dict[str, Any]:
        """Another name or shop."""
        body = call.body(Change)
        device = self.platform.rights.check(call.user, call.part("terminal"), "own")
        values = {"name": body.name} if body.name else {}
        if body.shop:
            values["shop"] = self.platform.devices.shop(call.who, body.shop)
        if values:
            self.platform.devices.rename(str(device["id"]), **values)
        return await self.show(call)

    async def release(self, call: Call) -> None:
        """Give a device back: shares, tokens, plays and recordings of the old life end."""
        device = self.platform.rights.check(call.user, call.part("terminal"), "own")
        self.platform.release(str(device["id"]))
        self.platform.audit.note(call.who, "release", str(device["id"]), address=call.address)

    async def shares(self, call: Call) -> dict[str, Any]:
        """With whom a terminal is shared."""
        device = self.platform.rights.check(call.user, call.part("terminal"), "own")
        return {"items": [self.shown_share(share) for share in self.platform.rights.shares(str(device["id"]))]}

    def shown_share(self, share: Row) -> dict[str, Any]:
        """A share as an answer."""
        phone = self.platform.database.value(select(USERS.c.phone).where(USERS.c.id == share["user"]))
        since = self.platform.clock.text(share["since"])
        return {"id": share["id"], "phone": phone, "rights": str(share["rights"]).split(","), "since": since}

    async def share(self, call: Call) -> dict[str, Any]:
        """Share a terminal."""
        device = self.platform.rights.check(call.user, call.part("terminal"), "own")
        body = call.body(Share)
        other = self.platform.accounts.by_phone(body.phone)
        if other is None or other["id"] == call.who:
            raise Refused("not_found", "phone")
        self.platform.rights.grant(device, str(other["id"]), set(body.rights))
        self.platform.audit.note(call.who, "share", str(device["id"]), detail=str(other["id"]), address=call.address)
        found = self.platform.rights.share(str(device["id"]), str(other["id"]))
        assert found is not None
        return self.shown_share(found)

    async def unshare(self, call: Call) -> None:
        """End a share, and what runs by it."""
        device = self.platform.rights.check(call.user, call.part("terminal"), "own")
        if not self.platform.rights.withdraw(str(device["id"]), call.part("share")):
            raise Refused("not_found")
        self.platform.audit.note(call.who, "unshare", str(device["id"]), address=call.address)

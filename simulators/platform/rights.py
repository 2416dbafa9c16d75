"""Who may do what with which device: owners everything, viewers of the owner watch, shares as far as they go."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from simulators.platform.database import Row
from simulators.platform.refused import Refused
from simulators.platform.tables import DEVICES, SHARES, USERS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

SHAREABLE = ("view", "playback", "control", "alarm")
OF_VIEWERS = frozenset({"view", "playback", "alarm"})
OF_OPERATORS = frozenset({"reboot", "upgrade"})


class Rights:
    """Authorisation. Rights: ``view``, ``playback``, ``control``, ``alarm``, ``reboot``, ``upgrade``, ``own``."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def of(self, user: Row, device: Row) -> frozenset[str]:
        """What a user may do with a device; empty: the user must not know that it is there."""
        if device["owner"] and user["id"] == device["owner"]:
            return frozenset({*SHAREABLE, "reboot", "upgrade", "own"})
        if user["role"] == "operator":
            return OF_OPERATORS
        found = OF_VIEWERS if device["owner"] and user["tenant"] == device["owner"] else frozenset()
        share = self.share(str(device["id"]), str(user["id"]))
        return found | frozenset(str(share["rights"]).split(",")) if share else found

    def check(self, user: Row, dev_id: str, right: str) -> Row:
        """The device. Raises Refused: not_found where the user has nothing to do with it, forbidden."""
        device = self.platform.devices.find(dev_id)
        rights = self.of(user, device) if device is not None else frozenset()
        if device is None or not rights:
            raise Refused("not_found")
        if right not in rights:
            raise Refused("forbidden")
        return device

    def visible(self, user: Row) -> list[Row]:
        """The devices that a user may see, in a stable order."""
        shared = select(SHARES.c.device).where(SHARES.c.user == user["id"])
        mine = DEVICES.c.owner.in_([user["id"], user["tenant"]]) & (DEVICES.c.owner != "")
        query = select(DEVICES).where(mine | DEVICES.c.id.in_(shared)).order_by(DEVICES.c.id)
        return self.platform.database.rows(query)

    def watchers(self, dev_id: str, right: str = "view") -> list[str]:
        """Everybody who may see the device, or has that right."""
        device = self.platform.devices.find(dev_id)
        if device is None or not device["owner"]:
            return []
        users = self.platform.database.rows(select(USERS).where(USERS.c.state == "active").order_by(USERS.c.id))
        return [str(user["id"]) for user in users if right in self.of(user, device)]

    # shares

    def share(self, dev_id: str, user: str) -> Row | None:
        """The share of a device with a user."""
        return self.platform.database.row(select(SHARES).where(SHARES.c.device == dev_id, SHARES.c.user == user))

    def shares(self, dev_id: str) -> list[Row]:
        """Every share of a device."""
        return self.platform.database.rows(select(SHARES).where(SHARES.c.device == dev_id).order_by(SHARES.c.id))

    def grant(self, device: Row, user: str, rights: Iterable[str]) -> str:
        """Share a device; an earlier share with that user is replaced."""
        database, share = self.platform.database, self.platform.new_id()
        database.change(delete(SHARES).where(SHARES.c.device == device["id"], SHARES.c.user == user))
        values = {"id": share, "device": device["id"], "owner": device["owner"], "user": user}
        values |= {"rights": ",".join(sorted(rights)), "since": self.platform.clock.now()}
        database.change(insert(SHARES).values(values))
        return share

    def withdraw(self, dev_id: str, share: str) -> bool:
        """End a share: tokens die and running plays end."""
        found = self.platform.database.row(select(SHARES).where(SHARES.c.device == dev_id, SHARES.c.id == share))
        if found is None:
            return False
        self.platform.database.change(delete(SHARES).where(SHARES.c.id == share))
        self.platform.tokens.revoke(user=str(found["user"]), device=dev_id)
        self.platform.plays.end(user=str(found["user"]), device=dev_id)
        return True

"""The register of devices: what was provisioned, whose it is, whether a key is right."""

from __future__ import annotations

import hmac
import re
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update

from simulators.platform.database import Row
from simulators.platform.tables import ALARMS, ARMING, DEVICES, PLANS, SHARES, SHOPS

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

OK, UNKNOWN_DEVICE, WRONG_KEY, OLD_FIRMWARE, OTHER = 0, 1, 2, 3, 255
_VERSION_TOLD = update(DEVICES).where(DEVICES.c.id == bindparam("device")).values(version=bindparam("told"))
_VERSION = re.compile(r"V?([0-9]+(?:\.[0-9]+)*)(?:_([0-9]{8}))?\Z")


def version_order(text: str) -> tuple[tuple[int, ...], str]:
    """What versions are compared by: the numbers, then the build date. Raises ValueError."""
    found = _VERSION.match(text)
    if found is None:
        raise ValueError(f"not a version: {text[:40]!r}")
    return tuple(int(number) for number in found[1].split(".")), found[2] or ""


class Devices:
    """Devices and the shops in which they hang."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        settings = platform.simulator
        self.models = frozenset(settings.get("models", ()))
        self.manufacturers = frozenset(settings.get("manufacturers", ()))
        self.lowest_version = str(settings.get("lowest_version", ""))
        self._read: dict[str, Row] = {}

    def provision(self) -> None:
        """Enter what the declaration lists, unless it is there already."""
        for device in self.platform.loaded.devices:
            if self.find(device.dev_id) is None:
                values = {"id": device.dev_id, "key": device.key, "model": device.model, "channels": device.channels}
                self.platform.database.change(insert(DEVICES).values(values | {"name": device.dev_id}))
                if device.owner:
                    self.bind(device.dev_id, device.owner, self.shop(device.owner, device.shop))
        self.provision_fleet()
        self._read = {str(row["id"]): row for row in self.platform.database.rows(select(DEVICES))}

    def provision_fleet(self) -> None:
        """Enter the devices with which the declared capacity is proved."""
        capacity = self.platform.declared.capacity
        if capacity is None or capacity.fleet is None:
            return
        fleet, key = capacity.fleet, self.platform.loaded.fleet_key
        ids = [fleet.device_id(number) for number in range(capacity.devices)]
        if self.find(ids[-1]) is not None:
            return
        common = {"key": key, "model": fleet.model, "channels": 1, "version": ""}
        if fleet.owner:
            shop = self.shop(fleet.owner, "Fleet")
            common |= {"owner": fleet.owner, "shop": shop, "bound_at": self.platform.clock.now()}
        rows = [{"id": dev_id, "name": dev_id, **common} for dev_id in ids]
        self.platform.database.change_all(insert(DEVICES), rows)

    def find(self, dev_id: str) -> Row | None:
        """A device by its id. What was read once is kept until this class changes it."""
        found = self._read.get(dev_id)
        if found is None:
            found = self.platform.database.row(select(DEVICES).where(DEVICES.c.id == dev_id))
            if found is None:
                return None
            self._read[dev_id] = found
        return dict(found)

    def verdict(self, dev_id: str, key: str, *, version: str = "") -> int:
        """The Result code for a device that names itself (tykd 1)."""
        device = self.find(dev_id)
        if device is None:
            return UNKNOWN_DEVICE
        if not hmac.compare_digest(str(device["key"]).encode(), key.encode()):
            return WRONG_KEY
        return OLD_FIRMWARE if version and self.too_old(version) else OK

    def registered_type(self, manufacturer: str, model: str) -> bool:
        """Whether manufacturer number and model stand in the register of certified ones."""
        known = not self.manufacturers or manufacturer in self.manufacturers
        return known and (not self.models or model in self.models)

    def too_old(self, version: str) -> bool:
        """Whether the platform no longer takes this firmware."""
        try:
            return bool(self.lowest_version) and version_order(version)[0] < version_order(self.lowest_version)[0]
        except ValueError:
            return True

    def logged_in(self, dev_id: str, version: str) -> None:
        """Keep the firmware version that a device told."""
        device = self.find(dev_id)
        if device is not None and device["version"] != version:
            self._read.pop(dev_id, None)
            self.platform.database.change(_VERSION_TOLD, device=dev_id, told=version)
            self._read[dev_id] = {**device, "version": version}

    def _change(self, dev_id: str, *, free: bool = False, **values: Any) -> bool:
        """Change a device; with ``free`` only where nobody has it. Whether it was changed."""
        self._read.pop(dev_id, None)
        where = update(DEVICES).where(DEVICES.c.id == dev_id)
        if free:
            where = where.where(DEVICES.c.owner == "")
        return self.platform.database.change(where.values(values)) == 1

    # who owns what

    def shop(self, owner: str, name: str) -> str:
        """The id of a shop of that owner by its name; made when there is none."""
        database = self.platform.database
        found = database.value(select(SHOPS.c.id).where(SHOPS.c.owner == owner, SHOPS.c.name == name))
        if found is not None:
            return str(found)
        shop = self.platform.new_id()
        database.change(insert(SHOPS).values(id=shop, owner=owner, name=name))
        return shop

    def shops(self, owner: str) -> list[Row]:
        """The shops of an owner."""
        return self.platform.database.rows(select(SHOPS).where(SHOPS.c.owner == owner).order_by(SHOPS.c.name))

    def find_shop(self, shop: str) -> Row | None:
        """A shop by its id."""
        return self.platform.database.row(select(SHOPS).where(SHOPS.c.id == shop))

    def bind(self, dev_id: str, owner: str, shop: str) -> bool:
        """Give a free device to an owner; False when somebody has it."""
        values = {"owner": owner, "shop": shop, "bound_at": self.platform.clock.now()}
        return self._change(dev_id, free=True, **values)

    def release(self, dev_id: str) -> None:
        """Take a device from its owner: shares, plans, alarms and tokens of the old life end."""
        database = self.platform.database
        self._change(dev_id, owner="", shop="", name=dev_id)
        database.change(delete(SHARES).where(SHARES.c.device == dev_id))
        database.change(delete(PLANS).where(PLANS.c.device == dev_id))
        database.change(delete(ARMING).where(ARMING.c.device == dev_id))
        self.forget_alarms(dev_id)
        self.platform.tokens.revoke(device=dev_id)

    def forget_alarms(self, dev_id: str) -> None:
        """Whoever has the device next sees none of its old alarms."""
        self.platform.database.change(delete(ALARMS).where(ALARMS.c.device == dev_id))

    def rename(self, dev_id: str, **values: Any) -> None:
        """Change ``name`` or ``shop``."""
        self._change(dev_id, **values)

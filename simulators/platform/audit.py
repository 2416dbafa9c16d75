"""The audit log: who did what to which device, and how it ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from simulators.platform.database import Row
from simulators.platform.tables import AUDIT

if TYPE_CHECKING:
    from simulators.platform.platform import Platform


class Audit:
    """Nothing is ever taken out of it; secrets never come in."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def note(
        self, who: str, action: str, device: str = "", outcome: str = "ok", detail: str = "", address: str = ""
    ) -> None:
        """Write one record. ``outcome``: ``ok`` or an error code."""
        values = {"at": self.platform.clock.now(), "who": who, "action": action, "device": device}
        values |= {"outcome": outcome, "detail": detail, "from_address": address}
        self.platform.database.change(insert(AUDIT).values(values))

    def entries(self, *, device: str = "", action: str = "", limit: int = 100, offset: int = 0) -> list[Row]:
        """Records, newest first."""
        query = select(AUDIT).order_by(AUDIT.c.id.desc()).limit(limit).offset(offset)
        if device:
            query = query.where(AUDIT.c.device == device)
        if action:
            query = query.where(AUDIT.c.action == action)
        return self.platform.database.rows(query)

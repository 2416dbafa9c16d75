"""Messages to users: kept for the list in the client, and pushed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from simulators.platform.database import Row
from simulators.platform.tables import MESSAGES

if TYPE_CHECKING:
    from simulators.platform.platform import Platform


class Messages:
    """The message box of every user."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def device_event(self, dev_id: str, kind: str) -> None:
        """``online``, ``offline`` or ``clone``: to everybody who may see the device."""
        for user in self.platform.rights.watchers(dev_id):
            self.tell(user, kind, dev_id)

    def tell(self, user: str, kind: str, dev_id: str, channel: int = 0, subject: str = "", **more: Any) -> None:
        """Keep a message and push it. ``subject``: the id of what it is about."""
        now = self.platform.clock.now()
        values = {"user": user, "kind": kind, "device": dev_id, "channel": channel, "subject": subject, "at": now}
        self.platform.database.change(insert(MESSAGES).values(values))
        content = {"kind": kind, "terminal": dev_id, "channel": channel, "time": self.platform.clock.text(now)}
        self.platform.push.send(user, content | ({"subject": subject} if subject else {}) | more)

    def listed(self, user: str, limit: int, offset: int) -> tuple[list[Row], int]:
        """Messages of a user, newest first, and how many there are."""
        mine = MESSAGES.c.user == user
        query = select(MESSAGES).where(mine).order_by(MESSAGES.c.id.desc()).limit(limit).offset(offset)
        total = self.platform.database.value(select(func.count()).select_from(MESSAGES).where(mine))
        return self.platform.database.rows(query), int(total or 0)

    def read(self, user: str, message: int) -> bool:
        """Mark one as read; False when the user has no such message."""
        question = update(MESSAGES).where(MESSAGES.c.user == user, MESSAGES.c.id == message)
        return self.platform.database.change(question.values(read=1)) == 1

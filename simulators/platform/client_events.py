"""Operations on alarms, messages and push."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from simulators.platform.client_call import Body, Call
from simulators.platform.database import Row
from simulators.platform.refused import Refused

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

FAR = 1e11


class PushTarget(Body, frozen=True):
    """PUT /push. ``url``: where the gateway of this phone listens; left out: the one of the platform."""

    token: Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
    url: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s]{1,200}$")] | None = None


class EventOperations:
    """What happened."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def shown(self, row: Row) -> dict[str, Any]:
        """An alarm as an answer."""
        return {
            "id": row["id"],
            "terminal": row["device"],
            "channel": row["channel"],
            "type": row["type"],
            "input": row["input"],
            "text": row["text"],
            "time": self.platform.clock.text(row["at"]),
            "hasClip": bool(row["recording"]),
        }

    async def alarms(self, call: Call) -> dict[str, Any]:
        """Past alarms of every terminal, or of one."""
        call.known("terminal", "type", "start", "end", "page", "size")
        wanted = call.request.query.get("terminal")
        if wanted is not None:
            devices = [str(self.platform.rights.check(call.user, wanted, "alarm")["id"])]
        else:
            visible = self.platform.rights.visible(call.user)
            devices = [str(d["id"]) for d in visible if "alarm" in self.platform.rights.of(call.user, d)]
        size, offset = call.page()
        kind = call.number("type", 0, highest=4)
        span = call.moment("start", 0.0), call.moment("end", FAR)
        rows, total = self.platform.alarms.search(devices, *span, size, offset, kind)
        return call.paged([self.shown(row) for row in rows], total)

    def found(self, call: Call) -> Row:
        """The alarm of the path. Raises Refused."""
        row = self.platform.alarms.find(call.part("alarm"))
        if row is None:
            raise Refused("not_found")
        self.platform.rights.check(call.user, str(row["device"]), "alarm")
        return row

    async def alarm(self, call: Call) -> dict[str, Any]:
        """One alarm."""
        return self.shown(self.found(call))

    async def clip(self, call: Call) -> dict[str, Any]:
        """The address of the clip of an alarm."""
        alarm = self.found(call)
        recording = self.platform.recorder.find(str(alarm["recording"]))
        if recording is None:
            raise Refused("not_found", "clip")
        return self.platform.client.watching.replay(
            call, str(alarm["device"]), alarm["channel"], recording["start"], recording["end"]
        )

    async def messages(self, call: Call) -> dict[str, Any]:
        """The message box."""
        call.known("page", "size")
        rows, total = self.platform.messages.listed(call.who, *call.page())
        items = [
            {
                "id": row["id"],
                "kind": row["kind"],
                "terminal": row["device"],
                "channel": row["channel"],
                "subject": row["subject"],
                "time": self.platform.clock.text(row["at"]),
                "read": bool(row["read"]),
            }
            for row in rows
        ]
        return call.paged(items, total)

    async def read(self, call: Call) -> None:
        """Mark a message as read."""
        message = call.part("message")
        if not (message.isascii() and message.isdecimal() and len(message) < 12):
            raise Refused("not_found")
        if not self.platform.messages.read(call.who, int(message)):
            raise Refused("not_found")

    async def register_push(self, call: Call) -> None:
        """Send messages to this phone."""
        body = call.body(PushTarget)
        self.platform.push.register(call.who, call.session, body.token, body.url or "")

    async def forget_push(self, call: Call) -> None:
        """Send none any more."""
        self.platform.push.forget(session=call.session, user=call.who)

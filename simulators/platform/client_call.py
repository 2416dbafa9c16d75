"""One call of the client interface: who calls, with what; answers and their paging."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
from aiohttp import web

from simulators.platform.database import Row
from simulators.platform.refused import Refused

T = TypeVar("T")
MOST_PER_PAGE = 100
PER_PAGE = 20
LARGEST_PAGE = 1_000_000
_NUMBER = re.compile(r"[0-9]{1,9}\Z")


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """What a request holds; every kind of body derives from it."""


@dataclass(slots=True)
class Call:
    """``user`` and ``session`` are empty for calls that need none; ``session`` also for third parties."""

    request: web.Request
    content: bytes = b""
    user: Row = field(default_factory=dict)
    session: str = ""

    @property
    def who(self) -> str:
        """The id of the caller."""
        return str(self.user.get("id", ""))

    @property
    def address(self) -> str:
        """Where the call really comes from: what a header claims counts for nothing."""
        return self.request.remote or ""

    def part(self, name: str) -> str:
        """A part of the path."""
        return self.request.match_info[name]

    def body(self, kind: type[T]) -> T:
        """The JSON body. Raises Refused: not_json, bad_request."""
        if self.request.content_type != "application/json":
            raise Refused("not_json")
        try:
            return msgspec.json.decode(self.content, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise Refused("bad_request", str(error)[:120]) from None

    def known(self, *names: str) -> None:
        """Only these query parameters, each once. Raises Refused."""
        for name in self.request.query:
            if name not in names or len(self.request.query.getall(name)) > 1:
                raise Refused("bad_request", name[:40])

    def number(self, name: str, default: int | None = None, *, lowest: int = 0, highest: int = 1_000_000_000) -> int:
        """A number of the query. Raises Refused."""
        text = self.request.query.get(name)
        if text is None and default is not None:
            return default
        if text is None or not _NUMBER.match(text) or not lowest <= int(text) <= highest:
            raise Refused("bad_request", name)
        return int(text)

    def moment(self, name: str, default: float | None = None) -> float:
        """A time of the query as Unix seconds. Raises Refused."""
        text = self.request.query.get(name)
        if text is None and default is not None:
            return default
        return moment_of(text or "", name)

    def page(self) -> tuple[int, int]:
        """How many, and how many to leave out. Raises Refused."""
        size = self.number("size", PER_PAGE, lowest=1, highest=MOST_PER_PAGE)
        return size, (self.number("page", 1, lowest=1, highest=LARGEST_PAGE) - 1) * size

    def paged(self, items: Sequence[Any], total: int) -> dict[str, Any]:
        """One page as an answer."""
        size, offset = self.page()
        return {"total": total, "page": offset // size + 1, "size": size, "items": list(items)}


def moment_of(text: str, name: str) -> float:
    """Unix seconds of an RFC 3339 time with its zone. Raises Refused."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused("bad_request", name) from None
    if at.tzinfo is None:
        raise Refused("bad_request", name)
    return at.timestamp()

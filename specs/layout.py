"""Where recordings lie in the group storage (specs/cloud_storage/layout.yaml): keys whose order is that of time."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import decode
from specs.yaml_source import read_yaml

LAYOUT_PATH = Path(__file__).parent / "cloud_storage" / "layout.yaml"
_KEY = re.compile(
    r"(?P<tenant>[^/]+)/(?P<device>[^/]+)/(?P<channel>[0-9]+)/(?P<day>[0-9]{8})/"
    r"(?P<start>[0-9]{6})-(?P<end>[0-9]{6})(?:-(?P<event>[^/.]+))?\.(?P<kind>[a-z0-9]+)"
)
_DAY = dt.timedelta(days=1)


class Clip(msgspec.Struct, frozen=True):
    """One recording or picture. ``start`` and ``end``: UTC; a clip is shorter than a day; ``event``: empty for none."""

    tenant: str
    device: str
    channel: int
    start: dt.datetime
    end: dt.datetime
    event: str = ""
    kind: str = "mp4"

    def overlaps(self, start: dt.datetime, end: dt.datetime) -> bool:
        """Whether it covers a moment of [start, end)."""
        return self.start < end and self.end > start


class Layout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """layout.yaml. ``kinds``: media type by suffix; ``longest_clip`` in seconds; ``packages`` in days."""

    kandian: Literal["layout/1"]
    status: Literal["ratified", "proposed"]
    key: str
    day: str
    time: str
    kinds: dict[str, str]
    longest_clip: int
    packages: tuple[int, ...]

    def key_of(self, clip: Clip) -> str:
        """The key of a clip. Raises ValueError for a clip that has none."""
        if not dt.timedelta(0) <= clip.end - clip.start < _DAY or clip.kind not in self.kinds:
            raise ValueError(f"no key for {clip}")
        return self.key.format(
            tenant=clip.tenant,
            device=clip.device,
            channel=clip.channel,
            day=clip.start.strftime(self.day),
            start=clip.start.strftime(self.time),
            end=clip.end.strftime(self.time),
            event=f"-{clip.event}" if clip.event else "",
            kind=clip.kind,
        )

    def parse(self, key: str) -> Clip | None:
        """The clip of a key; None for a key of another form. An end before the start lies on the next day."""
        found = _KEY.fullmatch(key)
        if found is None or found["kind"] not in self.kinds:
            return None
        try:
            start = self._moment(found["day"], found["start"])
            end = self._moment(found["day"], found["end"])
        except ValueError:
            return None
        end += _DAY if end < start else dt.timedelta(0)
        event = found["event"] or ""
        return Clip(found["tenant"], found["device"], int(found["channel"]), start, end, event, found["kind"])

    def _moment(self, day: str, time: str) -> dt.datetime:
        return dt.datetime.strptime(day + time, self.day + self.time).replace(tzinfo=dt.UTC)

    def folder(self, tenant: str, device: str, channel: int) -> str:
        """The prefix of a channel's recordings."""
        return f"{tenant}/{device}/{channel}/"

    def start_after(self, tenant: str, device: str, channel: int, start: dt.datetime) -> str:
        """The key behind which a listing has to begin so as to hold every clip that reaches beyond ``start``."""
        first = start - dt.timedelta(seconds=self.longest_clip)
        return f"{self.folder(tenant, device, channel)}{first.strftime(self.day)}/{first.strftime(self.time)}"

    def within(self, keys: Iterable[str], start: dt.datetime, end: dt.datetime) -> list[str]:
        """The keys whose clips overlap [start, end), in order of time."""
        clips = ((key, self.parse(key)) for key in keys)
        found = [(clip.start, key) for key, clip in clips if clip is not None and clip.overlaps(start, end)]
        return [key for _, key in sorted(found)]


@lru_cache
def load_layout(path: Path = LAYOUT_PATH) -> Layout:
    """The layout. Raises SourceError with file and line."""
    return decode(read_yaml(path), (), Layout)

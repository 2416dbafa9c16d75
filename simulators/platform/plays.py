"""Plays over HTTP: what a signed URL stands for, until it is ended."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from conformance.protocols.signed_url import UrlError, genuine, read_time, read_url, sign_url
from simulators.platform.refused import Refused
from specs.stream_urls import load_schemes

if TYPE_CHECKING:
    from simulators.platform.platform import Platform

Kind = Literal["live", "record"]
SKEW = 5.0
_PATH = re.compile(r"/(live|record)/([0-9a-f]{32})/([0-9A-Za-z_-]{1,64}\.(?:m3u8|ts|flv))\Z")


@dataclass(eq=False, slots=True)
class Play:
    """One play of one user. ``stream``: StreamType of a live play; ``since``, ``until``: Unix seconds of a playback."""

    id: str
    kind: Kind
    user: str
    session: str
    device: str
    channel: int
    stream: int = 1
    since: float = 0.0
    until: float = 0.0
    opened: float = 0.0
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Plays:
    """Every play that was granted; a signed URL without one is worth nothing."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.scheme = load_schemes()[platform.declared.stream_scheme]
        self.key = platform.loaded.stream_key
        self.life = platform.declared.stream_life
        self._plays: dict[str, Play] = {}

    def __len__(self) -> int:
        return len(self._plays)

    def open(self, kind: Kind, user: str, session: str, device: str, channel: int, **more: float) -> Play:
        """Grant a play."""
        self._forget_old()
        play = Play(secrets.token_hex(16), kind, user, session, device, channel, opened=self.platform.clock.now())
        for name, value in more.items():
            setattr(play, name, value)
        self._plays[play.id] = play
        return play

    def _forget_old(self) -> None:
        oldest = self.platform.clock.now() - 2 * self.life
        while self._plays and (first := next(iter(self._plays.values()))).opened < oldest:
            self._end(first)

    def end(self, *, user: str = "", device: str = "", session: str = "") -> int:
        """End the plays of a user, device or session (those given must all fit); streams that run are cut."""
        wanted: Callable[[Play], bool] = lambda p: (  # noqa: E731
            (not user or p.user == user)
            and (not device or p.device == device)
            and (not session or p.session == session)
        )
        found = [play for play in self._plays.values() if wanted(play)]
        for play in found:
            self._end(play)
        return len(found)

    def end_all(self) -> None:
        """Forget every play."""
        for play in list(self._plays.values()):
            self._end(play)

    def move(self, old: str, new: str) -> None:
        """The plays of one session belong to another from now on."""
        for play in self._plays.values():
            if play.session == old:
                play.session = new

    def _end(self, play: Play) -> None:
        play.ended.set()
        self._plays.pop(play.id, None)

    # signed URLs

    def sign(self, play: Play, name: str) -> str:
        """The target for one file of a play."""
        rand = secrets.token_hex(8)
        return sign_url(self.scheme, f"/{play.kind}/{play.id}/{name}", self.key, self.signed_moment(), rand=rand)

    def signed_moment(self) -> float:
        """Birth or death of a URL that is made now, as the scheme wants it."""
        now = self.platform.clock.now()
        return now if self.scheme.time.means == "birth" else now + self.life

    def expires(self) -> float:
        """Unix second at which a URL that is made now dies."""
        return self.platform.clock.now() + self.life

    def admit(self, target: str) -> tuple[Play, str]:
        """The play and the file of a target as it came over the wire. Raises Refused: forbidden, the same for all."""
        try:
            found = read_url(self.scheme, target)
            good = self.genuine(target) and self.in_time(read_time(self.scheme.time, found["time"]))
        except (UrlError, ValueError, OverflowError):
            raise Refused("forbidden") from None
        named = self.find(found["path"])
        if not good or named is None:
            raise Refused("forbidden")
        return named

    def find(self, path: str) -> tuple[Play, str] | None:
        """The play and the file that a path names, whoever asks."""
        parts = _PATH.match(path)
        play = self._plays.get(parts[2]) if parts is not None else None
        return (play, parts[3]) if parts is not None and play is not None and play.kind == parts[1] else None

    def genuine(self, target: str) -> bool:
        """Whether the digest is right."""
        return genuine(self.scheme, target, self.key)

    def in_time(self, moment: float) -> bool:
        """Whether a URL with that time is good now."""
        age = self.platform.clock.now() - moment
        if self.scheme.time.means == "death":
            return -2 * self.life <= age <= 0
        return -SKEW <= age <= self.life

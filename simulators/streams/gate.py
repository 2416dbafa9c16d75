"""Who may have what: the check of signed targets. The path of a good target is taken as it stands, never made nicer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from conformance.protocols.signed_url import UrlError, genuine, read_time, read_url, sign_url
from specs.stream_urls import Scheme

_PLAIN = re.compile(r"(/[0-9A-Za-z_-][0-9A-Za-z_.-]*)+\Z")


class Refused(Exception):
    """The target gives no right to anything. All refusals look the same."""


class NotFound(Exception):
    """The target is good, and there is nothing."""


@dataclass(frozen=True, slots=True)
class Visitor:
    """A request as far as rights go. ``address``: that of the connection; ``headers``: by lower-case name."""

    method: str
    target: str
    address: str
    headers: Mapping[str, str]


class OpenGate:
    """Lets everybody in: nothing is signed."""

    def admit(self, visitor: Visitor, now: float) -> str:
        """The path without its query. Raises NotFound for one that is not written plainly."""
        path = visitor.target.partition("?")[0]
        if _PLAIN.match(path) is None:
            raise NotFound
        return path

    def sign(self, path: str, now: float, address: str) -> str:
        """The path itself."""
        return path


class Gate:
    """Checks and makes signed targets. ``life``: seconds for which a birth time is good; ``skew``: seconds more."""

    def __init__(self, scheme: Scheme, key: str, life: float, skew: float) -> None:
        self.scheme, self.key, self.life, self.skew = scheme, key, life, skew

    def admit(self, visitor: Visitor, now: float) -> str:
        """The path that a visitor may have. Raises Refused."""
        target = visitor.target
        try:
            found = read_url(self.scheme, target)
            moment = read_time(self.scheme.time, found["time"])
            good = self.is_genuine(target, visitor.address)
        except UrlError:
            raise Refused from None
        if not good or not self.is_timely(moment, now) or not self.is_plain(found["path"]):
            raise Refused
        return found["path"]

    def is_genuine(self, target: str, address: str) -> bool:
        """Whether the digest is that of the other fields, as it is written when it is made."""
        return genuine(self.scheme, target, self.key, address=address)

    def is_timely(self, moment: float, now: float) -> bool:
        """Whether the time in it is good now."""
        if self.scheme.time.means == "death":
            return now <= moment + self.skew
        return moment - self.skew <= now <= moment + self.life + self.skew

    def is_plain(self, path: str) -> bool:
        """Whether a path is written in the one way in which paths are."""
        return _PLAIN.match(path) is not None

    def sign(self, path: str, now: float, address: str) -> str:
        """A good target for a path."""
        moment = now + self.life if self.scheme.time.means == "death" else now
        return sign_url(self.scheme, path, self.key, moment, address=address)

"""Signed URLs of the declared scheme, good ones and those that must not be good any more."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.protocols.signed_url import digest_of, read_url, write_time
from conformance.wire import Wire
from specs.declared_streams import Streams
from specs.stream_urls import Scheme

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Link:
    """A signed target taken apart: ``path``, ``time`` and ``digest`` as they stand in it, and the other fields."""

    scheme: Scheme
    path: str
    time: str
    digest: str
    more: Mapping[str, str]

    @property
    def target(self) -> str:
        """Path and query."""
        fields = {"path": self.path, "time": self.time, "digest": self.digest}
        return self.scheme.url.format_map({"rand": "0", "uid": "0"} | dict(self.more) | fields)

    def but(self, *, path: str = "", time: str = "", digest: str | None = None) -> Link:
        """The same with one field changed and the digest kept, or with another digest."""
        told = self.digest if digest is None else digest
        return Link(self.scheme, path or self.path, time or self.time, told, self.more)

    @property
    def query_parameters(self) -> tuple[str, ...]:
        """name=value pairs that the signature adds; none where it stands in the path."""
        _, _, query = self.target.partition("?")
        return tuple(filter(None, query.split("&")))

    @property
    def signs_path(self) -> bool:
        """Whether the whole path is signed, not the name of the stream only."""
        return "{path}" in self.scheme.message or "{encoded_path}" in self.scheme.message


class SignedLinks:
    """Makes links. The key never leaves it: digests go on the tape as facts, so that a replay needs no key.
    ``address``: that of the client as the server sees it."""

    def __init__(self, wire: Wire, scheme: Scheme, key: str, declared: Streams) -> None:
        self.wire, self.scheme, self.declared = wire, scheme, declared
        self.address = LOOPBACK
        self._key = key

    @property
    def birth(self) -> bool:
        """Whether the time in a URL is that from which on it is good."""
        return self.scheme.time.means == "birth"

    def sign(self, path: str) -> str:
        """A good target."""
        return self.link(path).target

    def link(self, path: str, left: float | None = None) -> Link:
        """A link with ``left`` seconds to live: negative for how long ago it ended, None for all of its life."""
        left = self.declared.life if left is None else left
        moment = self.wire.epoch() + (left - self.declared.life if self.birth else left)
        return self.at(path, moment)

    def early(self, path: str, ahead: float) -> Link:
        """A link that is born in ``ahead`` seconds."""
        return self.at(path, self.wire.epoch() + ahead)

    def at(self, path: str, moment: float) -> Link:
        """A link with the Unix time ``moment`` in it."""
        time = write_time(self.scheme.time, moment)
        return Link(self.scheme, path, time, self.digest(path, time), {})

    def digest(self, path: str, time: str, key: str = "") -> str:
        """The digest for a path and a time; with another ``key`` a wrong one."""
        told: str = self.wire.fact(
            "digest", lambda: digest_of(self.scheme, path, key or self._key, time, address=self.address)
        )
        return told

    def read(self, target: str) -> Link:
        """Take a target apart. Raises UrlError where it is not of the scheme."""
        found = dict(read_url(self.scheme, target))
        path, time, digest = found.pop("path"), found.pop("time"), found.pop("digest")
        return Link(self.scheme, path, time, digest, found)

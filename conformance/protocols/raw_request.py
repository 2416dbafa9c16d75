"""An HTTP request as it stands on the wire, before and after signing; suites alter it byte by byte."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import quote

UNRESERVED = "-_.~"


@dataclass(frozen=True, slots=True)
class RawRequest:
    """``target``: raw, as on the request line, percent-encoded, query included; ``headers``: in order, as sent."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query, raw."""
        return self.target.partition("?")[0]

    @property
    def query_pairs(self) -> tuple[tuple[str, str], ...]:
        """Names and values of the query, raw and in order; a name without ``=`` has the value ''."""
        query = self.target.partition("?")[2]
        pairs = (pair.partition("=") for pair in query.split("&") if pair)
        return tuple((name, value) for name, _, value in pairs)

    def header(self, name: str) -> str | None:
        """The first header of that name, without regard to case."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)

    def with_header(self, name: str, value: str) -> RawRequest:
        """The same request with that header once: in its old place, else at the end."""
        return self.with_headers([(name, value)])

    def with_headers(self, pairs: Sequence[tuple[str, str]]) -> RawRequest:
        """The same request with each of these headers once: in its old place, else at the end."""
        new = {name.lower(): (name, value) for name, value in pairs}
        left, headers = dict(new), []
        for pair in self.headers:
            name = pair[0].lower()
            if name not in new:
                headers.append(pair)
            elif name in left:
                headers.append(left.pop(name))
        return RawRequest(self.method, self.target, (*headers, *left.values()), self.body)

    def without_header(self, name: str) -> RawRequest:
        """The same request without headers of that name."""
        wanted = name.lower()
        return replace(self, headers=tuple(pair for pair in self.headers if pair[0].lower() != wanted))

    def with_query(self, name: str, value: str) -> RawRequest:
        """The same request with one more pair, encoded, at the end of its query."""
        sign = "&" if "?" in self.target else "?"
        return replace(self, target=f"{self.target}{sign}{encode(name)}={encode(value)}")

    def with_body(self, body: bytes) -> RawRequest:
        """The same request with another body; no header follows."""
        return replace(self, body=body)


def encode(text: str) -> str:
    """Percent-encoding of S3: everything but unreserved characters, upper-case hex."""
    return quote(text, safe=UNRESERVED)


def encode_key(key: str) -> str:
    """A key in a path: as ``encode``, slashes stay."""
    return quote(key, safe="/" + UNRESERVED)


def encode_query(pairs: Iterable[tuple[str, str]]) -> str:
    """A query string of encoded pairs in their order, ``?`` not included; an empty value leaves the name alone."""
    return "&".join(f"{encode(name)}={encode(value)}" if value else encode(name) for name, value in pairs)

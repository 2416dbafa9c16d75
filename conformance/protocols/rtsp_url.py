"""RTSP URLs, kept exactly as written: splitting, control URLs of SDP, and the query of the play URL.

Nothing here decodes %xx, '+' or entities: what a device does with them is what is to be found out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from conformance.protocols.rtsp import RtspError

DEFAULT_PORT = 554
DEFAULT_TLS_PORT = 322
LARGEST_URL = 4096
LARGEST_QUERY = 64

_URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?")
_HOST = re.compile(r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:\[\]@]+)(?::(?P<port>[0-9]{1,5}))?\Z")
_REFERENCE = re.compile(
    r"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*):)?(?://(?P<authority>[^/?#]*))?(?P<path>[^?#]*)(?:\?(?P<query>[^#]*))?"
    r"(?:#(?P<fragment>.*))?\Z",
    re.DOTALL,
)
_UNSAFE = re.compile(r"[\x00-\x20\x7f-\U0010ffff]")
_SCHEMES = ("rtsp", "rtspu", "rtsps")


@dataclass(frozen=True, slots=True)
class RtspUrl:
    """``host`` without brackets; ``port``: the default one (554, rtsps 322) when not given; ``path`` begins with '/'
    or is empty; ``query`` None without '?'; ``user`` and ``password`` None when not given."""

    scheme: str
    host: str
    port: int = DEFAULT_PORT
    path: str = ""
    query: str | None = None
    user: str | None = None
    password: str | None = None

    @property
    def text(self) -> str:
        """The URL for a request line: without user and password, the port always written."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        query = "" if self.query is None else f"?{self.query}"
        return f"{self.scheme}://{host}:{self.port}{self.path}{query}"


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a query, in order, exactly as written; a name may stand more than once.

    A value is None when its piece has no '='. Names compare exactly, letter case included.
    """

    pairs: tuple[tuple[str, str | None], ...] = ()

    def all(self, name: str) -> tuple[str | None, ...]:
        """Every value of the name."""
        return tuple(value for key, value in self.pairs if key == name)

    def one(self, name: str) -> str:
        """The value of a name that stands exactly once with a value. Raises RtspError otherwise."""
        values = self.all(name)
        if len(values) != 1 or values[0] is None:
            explain = f"{name} stands exactly once with a value, not {len(values)} times"
            raise _error("query", self.text, explain, "RFC 2396 3.4")
        return values[0]

    @property
    def repeated(self) -> tuple[str, ...]:
        """Names that stand more than once, in order of their first place."""
        names = [name for name, _ in self.pairs]
        return tuple(dict.fromkeys(name for name in names if names.count(name) > 1))

    @property
    def text(self) -> str:
        """The query as written."""
        return format_query(self.pairs)


def split_url(text: str) -> RtspUrl:
    """The parts of an absolute RTSP URL. Raises RtspError, also for blanks, control and non-ASCII characters."""
    if len(text) > LARGEST_URL:
        raise _error("url.size", text[:64], f"The URL has more than {LARGEST_URL} characters", "RFC 2326 3.2")
    if found := _UNSAFE.search(text):
        raise _error("url.character", text, "A URL holds visible ASCII only", "RFC 2326 3.2", found.start())
    whole = _URL.match(text)
    if not whole or whole["scheme"].lower() not in _SCHEMES:
        raise _error("url.form", text, "An RTSP URL begins with rtsp://host", "RFC 2326 3.2")
    if whole.end() != len(text):
        raise _error("url.fragment", text, "An RTSP URL has no fragment", "RFC 2326 3.2", whole.end())
    login, at, address = whole["authority"].rpartition("@")
    place = _HOST.match(address)
    if not place or not 0 <= int(place["port"] or 0) <= 0xFFFF:
        raise _error("url.host", text, "After // stands a host and perhaps a port up to 65535", "RFC 2326 3.2")
    user, colon, password = login.partition(":")
    query = whole["query"]
    scheme = whole["scheme"].lower()
    default = DEFAULT_TLS_PORT if scheme == "rtsps" else DEFAULT_PORT
    return RtspUrl(
        scheme,
        place["host"].strip("[]"),
        int(place["port"]) if place["port"] else default,
        whole["path"],
        None if query is None else query[1:],
        user if at else None,
        password if colon else None,
    )


def parse_query(text: str) -> Query:
    """The pairs of a query split at '&' and the first '='. Raises RtspError for a missing name and for too many."""
    pairs = []
    place = 0
    pieces = text.split("&")
    if len(pieces) > LARGEST_QUERY:
        raise _error("query.count", text, f"The query has more than {LARGEST_QUERY} parameters", "RFC 2396 3.4")
    for piece in pieces:
        name, equals, value = piece.partition("=")
        if not name:
            raise _error("query.name", text, "Every parameter of a query has a name", "RFC 2396 3.4", place)
        pairs.append((name, value if equals else None))
        place += len(piece) + 1
    return Query(tuple(pairs))


def format_query(pairs: Iterable[tuple[str, str | None]]) -> str:
    """A query of these pairs, exactly as given."""
    return "&".join(name if value is None else f"{name}={value}" for name, value in pairs)


def resolve_reference(base: str, reference: str) -> str:
    """The URL that a relative reference means at a base (RFC 3986 5.2; RFC 1808 gives the same here).

    Raises RtspError when the base is no absolute URL.
    """
    whole, part = _parts(base), _parts(reference)
    if whole["scheme"] is None:
        raise _error("url.base", base, "A base is an absolute URL", "RFC 3986 5.1")
    if part["scheme"] is not None:
        return reference
    scheme, authority, query = whole["scheme"], whole["authority"], part["query"]
    if part["authority"] is not None:
        authority, path = part["authority"], _without_dots(part["path"] or "")
    elif not part["path"]:
        path, query = whole["path"] or "", whole["query"] if query is None else query
    elif part["path"].startswith("/"):
        path = _without_dots(part["path"])
    else:
        folder = (whole["path"] or "").rpartition("/")[0]
        path = _without_dots(f"{folder}/{part['path']}")
    text = f"{scheme}:" + ("" if authority is None else f"//{authority}") + path
    return text if query is None else f"{text}?{query}"


def control_base(request_url: str, content_base: str = "", content_location: str = "") -> str:
    """The base of control URLs: Content-Base, else Content-Location, else the request URL (RFC 2326 C.1.1)."""
    return content_base or content_location or request_url


def resolve_control(control: str, base: str) -> str:
    """The URL of an ``a=control`` value: ``*`` or an empty value is the base itself (RFC 2326 C.1.1).

    Raises RtspError when the base is no absolute URL.
    """
    return base if control in ("", "*") else resolve_reference(base, control)


def append_control(control: str, base: str) -> str:
    """The URL that many servers mean instead: a relative value put behind the base with a slash, query included.

    It differs from ``resolve_control`` when the base does not end with a slash.
    """
    if control in ("", "*") or _parts(control)["scheme"] is not None:
        return resolve_control(control, base)
    return f"{base.rstrip('/')}/{control.lstrip('/')}"


def _parts(text: str) -> dict[str, str | None]:
    found = _REFERENCE.match(text)
    return found.groupdict() if found else {}


def _without_dots(path: str) -> str:
    kept: list[str] = []
    pieces = path.split("/")
    for piece in pieces:
        if piece == "..":
            if len(kept) > 1:
                kept.pop()
        elif piece != ".":
            kept.append(piece)
    if pieces[-1] in (".", ".."):
        kept.append("")
    return "/".join(kept)


def _error(rule: str, seen: str, explain: str, clause: str, offset: int = 0) -> RtspError:
    return RtspError(offset, f"rtsp.{rule}", seen.encode("utf-8", "replace"), explain, clause)

"""Basic and Digest access authentication for both sides (RFC 2617, RFC 7616): MD5 and SHA-256, qop none or auth."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from conformance.protocols.quoted_text import quote, split_outside_quotes, unquote
from conformance.protocols.rtsp import RtspError

LARGEST_LIST = 64
_CLAUSE = "RFC 2617 3.2"
_START = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]+(.*))?\Z", re.DOTALL)
_PARAMETER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)[ \t]*=[ \t]*(.*)\Z", re.DOTALL)
_COUNT = re.compile(r"[0-9a-fA-F]{8}\Z")
_HASHES = {"MD5": "md5", "SHA-256": "sha256"}
_UNQUOTED = frozenset({"algorithm", "stale", "nc"})


@dataclass(frozen=True, slots=True)
class Challenge:
    """One challenge of WWW-Authenticate. ``scheme`` as written; ``qop`` empty for the RFC 2069 form."""

    scheme: str
    realm: str = ""
    nonce: str = ""
    algorithm: str = "MD5"
    qop: tuple[str, ...] = ()
    opaque: str | None = None
    stale: bool = False

    @property
    def is_digest(self) -> bool:
        """Whether it asks for a digest."""
        return self.scheme.lower() == "digest"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header holds. Basic fills ``username`` and ``password`` only."""

    scheme: str
    username: str
    password: str = field(default="", repr=False)
    realm: str = ""
    nonce: str = ""
    uri: str = ""
    response: str = ""
    algorithm: str = "MD5"
    qop: str = ""
    nc: str = ""
    cnonce: str = ""
    opaque: str | None = None

    @property
    def is_digest(self) -> bool:
        """Whether it is a digest."""
        return self.scheme.lower() == "digest"


def parse_www_authenticate(values: str | Iterable[str]) -> list[Challenge]:
    """Every challenge of one or more header values, in order. Raises RtspError."""
    texts = [values] if isinstance(values, str) else list(values)
    return [_challenge(scheme, pairs, text) for text in texts for scheme, pairs in _schemes(text)]


def format_www_authenticate(challenge: Challenge) -> str:
    """The header value of one challenge; the algorithm is written when it is not MD5, the default."""
    if not challenge.is_digest:
        return f"{challenge.scheme} realm={quote(challenge.realm)}"
    pairs = [("realm", challenge.realm), ("nonce", challenge.nonce)]
    if challenge.algorithm != "MD5":
        pairs.append(("algorithm", challenge.algorithm))
    if challenge.qop:
        pairs.append(("qop", ",".join(challenge.qop)))
    if challenge.opaque is not None:
        pairs.append(("opaque", challenge.opaque))
    if challenge.stale:
        pairs.append(("stale", "true"))
    return f"{challenge.scheme} {_join(pairs)}"


def parse_authorization(value: str) -> Credentials:
    """The credentials of an Authorization header. Raises RtspError, which never shows the credentials."""
    found = _START.match(value.strip())
    if not found:
        raise _error("auth.form", "", "Credentials begin with the name of a scheme")
    scheme, rest = found[1], found[2] or ""
    if scheme.lower() == "basic":
        return _basic(scheme, rest)
    pairs = _pairs(split_outside_quotes(rest, ","), scheme)
    missing = [name for name in ("username", "realm", "nonce", "uri", "response") if name not in pairs]
    if scheme.lower() != "digest" or missing:
        raise _error("auth.credentials", scheme, f"Digest credentials lack {', '.join(missing) or 'their scheme'}")
    return Credentials(
        scheme,
        pairs["username"],
        "",
        pairs["realm"],
        pairs["nonce"],
        pairs["uri"],
        pairs["response"],
        pairs.get("algorithm", "MD5"),
        pairs.get("qop", ""),
        pairs.get("nc", ""),
        pairs.get("cnonce", ""),
        pairs.get("opaque"),
    )


def format_authorization(credentials: Credentials) -> str:
    """The header value of credentials."""
    if not credentials.is_digest:
        login = f"{credentials.username}:{credentials.password}".encode()
        return f"{credentials.scheme} {base64.b64encode(login).decode()}"
    names = ["username", "realm", "nonce", "uri", "response"]
    if credentials.algorithm != "MD5":
        names.append("algorithm")
    if credentials.cnonce:
        names.append("cnonce")
    if credentials.qop:
        names += ["qop", "nc"]
    pairs = [(name, str(getattr(credentials, name))) for name in names]
    if credentials.opaque is not None:
        pairs.append(("opaque", credentials.opaque))
    return f"{credentials.scheme} {_join(pairs, unquoted=_UNQUOTED | {'qop'})}"


def answer_challenge(
    challenge: Challenge, username: str, password: str, method: str, uri: str, *, cnonce: str = "", count: int = 1
) -> Credentials:
    """The credentials that answer a challenge; ``cnonce`` is needed when the challenge has a qop, ``count`` rises
    with every use of the nonce. Raises RtspError for a scheme, algorithm or qop that is not known here.
    """
    if not challenge.is_digest:
        if challenge.scheme.lower() != "basic":
            raise _error("auth.scheme", challenge.scheme, "Only Basic and Digest are known")
        return Credentials(challenge.scheme, username, password, challenge.realm)
    qop = ""
    if challenge.qop:
        qop = next((word for word in challenge.qop if word.lower() == "auth"), "")
        if not qop:
            raise _error("auth.qop", ",".join(challenge.qop), "Only the protection auth is known")
    nc = f"{count:08x}" if qop else ""
    cnonce = cnonce if qop or challenge.algorithm.lower().endswith("-sess") else ""
    credentials = Credentials(
        challenge.scheme,
        username,
        "",
        challenge.realm,
        challenge.nonce,
        uri,
        "",
        challenge.algorithm,
        qop,
        nc,
        cnonce,
        challenge.opaque,
    )
    return replace(credentials, response=digest_response(credentials, password, method))


def digest_response(credentials: Credentials, password: str, method: str) -> str:
    """The right ``response`` for digest credentials, in lower-case hex (RFC 2617 3.2.2.1). Raises RtspError."""
    algorithm = credentials.algorithm[:-5] if credentials.algorithm.lower().endswith("-sess") else credentials.algorithm
    kind = _HASHES.get(algorithm.upper())
    if kind is None:
        raise _error("auth.algorithm", credentials.algorithm, "Only MD5 and SHA-256 are known")
    if credentials.qop.lower() not in ("", "auth"):
        raise _error("auth.qop", credentials.qop, "Only the protection auth is known")
    secret = _hash(kind, f"{credentials.username}:{credentials.realm}:{password}")
    if algorithm != credentials.algorithm:
        secret = _hash(kind, f"{secret}:{credentials.nonce}:{credentials.cnonce}")
    request = _hash(kind, f"{method}:{credentials.uri}")
    middle = [credentials.nonce]
    if credentials.qop:
        middle += [credentials.nc, credentials.cnonce, credentials.qop]
    return _hash(kind, ":".join((secret, *middle, request)))


def verify(credentials: Credentials, challenge: Challenge, username: str, password: str, method: str) -> bool:
    """Whether credentials answer this challenge for this user. The caller checks ``uri`` and the rising ``nc``.

    Credentials that cannot be computed (other algorithm or qop) are wrong; nothing is raised.
    """
    if credentials.scheme.lower() != challenge.scheme.lower() or not _same(credentials.username, username):
        return False
    if not credentials.is_digest:
        return _same(credentials.password, password)
    asked = tuple(word.lower() for word in challenge.qop)
    fits = (
        credentials.realm == challenge.realm
        and credentials.nonce == challenge.nonce
        and credentials.algorithm.lower() == challenge.algorithm.lower()
        and (credentials.qop.lower() in asked if credentials.qop else True)
        and (not credentials.qop or bool(_COUNT.match(credentials.nc) and credentials.cnonce))
    )
    try:
        return fits and _same(credentials.response.lower(), digest_response(credentials, password, method))
    except RtspError:
        return False


def _schemes(text: str) -> list[tuple[str, list[str]]]:
    """Scheme names with their parameter texts. A piece ``word word=value`` begins a new scheme."""
    schemes: list[tuple[str, list[str]]] = []
    pieces = split_outside_quotes(text, ",")
    if len(pieces) > LARGEST_LIST:
        raise _error("auth.count", text, f"The challenge has more than {LARGEST_LIST} parameters")
    for piece in pieces:
        if _PARAMETER.match(piece):
            if not schemes:
                raise _error("auth.form", text, "A challenge begins with the name of a scheme")
            schemes[-1][1].append(piece)
            continue
        found = _START.match(piece)
        if not found:
            raise _error("auth.form", text, "A challenge is a scheme and name=value parameters")
        schemes.append((found[1], [found[2]] if found[2] else []))
    return schemes


def _challenge(scheme: str, parameters: list[str], text: str) -> Challenge:
    pairs = _pairs(parameters, text)
    if scheme.lower() == "digest" and not {"realm", "nonce"} <= pairs.keys():
        raise _error("auth.challenge", text, "A digest challenge has realm and nonce")
    qop = tuple(word.strip() for word in pairs.get("qop", "").split(",") if word.strip())
    return Challenge(
        scheme,
        pairs.get("realm", ""),
        pairs.get("nonce", ""),
        pairs.get("algorithm", "MD5"),
        qop,
        pairs.get("opaque"),
        pairs.get("stale", "").lower() == "true",
    )


def _pairs(pieces: list[str], text: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for piece in pieces:
        found = _PARAMETER.match(piece)
        if not found or found[1].lower() in pairs:
            raise _error("auth.parameter", text, "Parameters are name=value with commas between them, none twice")
        pairs[found[1].lower()] = unquote(found[2])
    return pairs


def _basic(scheme: str, rest: str) -> Credentials:
    try:
        login = base64.b64decode(rest.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise _error("auth.basic", scheme, "Basic credentials are Base64") from None
    try:
        text = login.decode()
    except UnicodeDecodeError:
        text = login.decode("latin-1")
    user, colon, password = text.partition(":")
    if not colon:
        raise _error("auth.basic", scheme, "Basic credentials are user:password")
    return Credentials(scheme, user, password)


def _join(pairs: list[tuple[str, str]], unquoted: frozenset[str] = _UNQUOTED) -> str:
    return ", ".join(f"{name}={text if name in unquoted else quote(text)}" for name, text in pairs)


def _hash(kind: str, text: str) -> str:
    return hashlib.new(kind, text.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


def _same(left: str, right: str) -> bool:
    return hmac.compare_digest(left.encode("utf-8", "replace"), right.encode("utf-8", "replace"))


def _error(rule: str, seen: str, explain: str) -> RtspError:
    return RtspError(0, f"rtsp.{rule}", seen.encode("utf-8", "replace"), explain, _CLAUSE)

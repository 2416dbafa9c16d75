"""AWS Signature Version 4 for S3: canonical request, header signature, presigned URL."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from conformance.protocols.raw_request import RawRequest, encode
from conformance.protocols.s3_credentials import Credentials

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED = "UNSIGNED-PAYLOAD"
SERVICE = "s3"
#: Every presigned URL has these.
URL_FIELDS = (
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    "X-Amz-Signature",
)
_ADDED = frozenset(("x-amz-date", "x-amz-content-sha256", "x-amz-security-token", "authorization"))
_BLANKS = re.compile(r" +")
#: Encoded as S3 encodes: nothing that is not unreserved, nothing encoded that need not be, upper-case digits.
_ESCAPE = r"%(?:[01][0-9A-F]|2[0-9A-CF]|3[A-F]|40|5[B-E]|60|7[BCDF]"
_CANONICAL_PATH = re.compile(rf"(?:[A-Za-z0-9._~/-]++|{_ESCAPE}|[89A-F][0-9A-F]))++\Z")
_CANONICAL_QUERY = re.compile(rf"(?:[A-Za-z0-9._~-]++|{_ESCAPE}))*+\Z")
_AUTHORIZATION = re.compile(
    r"(?P<algorithm>\S+)\s+Credential=(?P<credential>[^,\s]+)\s*,\s*SignedHeaders=(?P<headers>[^,\s]+)\s*,\s*"
    r"Signature=(?P<signature>[0-9a-f]{64})\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Authorization:
    """The parts of an Authorization header."""

    algorithm: str
    access_key: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signature: str

    @property
    def scope(self) -> str:
        """``yyyymmdd/region/service/aws4_request``."""
        return f"{self.date}/{self.region}/{self.service}/aws4_request"


def parse_authorization(text: str) -> Authorization:
    """Read an Authorization header. Raises ValueError."""
    found = _AUTHORIZATION.match(text)
    if found is None or found["algorithm"] != ALGORITHM:
        raise ValueError(f"no {ALGORITHM} authorization: {text[:80]!r}")
    access_key, date, region, service, end = found["credential"].rsplit("/", 4)
    if end != "aws4_request":
        raise ValueError(f"the credential scope ends with {end!r}")
    return Authorization(
        ALGORITHM, access_key, date, region, service, tuple(found["headers"].split(";")), found["signature"]
    )


def amz_date(at: float) -> str:
    """``yyyymmddThhmmssZ`` of Unix seconds."""
    return _amz_date(int(at))


@lru_cache(maxsize=64)
def _amz_date(at: int) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y%m%dT%H%M%SZ")


def canonical_request(request: RawRequest, signed_headers: Iterable[str], payload_hash: str) -> str:
    """The text that is hashed. The path is taken as it stands on the wire (S3 does not normalise it)."""
    names = sorted([name.lower() for name in signed_headers])
    return _canonical(request, names, _folded(request.headers), payload_hash)


def _canonical(request: RawRequest, names: Sequence[str], values: Mapping[str, str], payload_hash: str) -> str:
    path, _, query = request.target.partition("?")
    lines = "".join([f"{name}:{values.get(name, '')}\n" for name in names])
    told = _encode_query(request) if query else ""
    return f"{request.method}\n{encode_path(path)}\n{told}\n{lines}\n{';'.join(names)}\n{payload_hash}"


def _folded(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Values by name in lower case: trimmed, inner blanks folded, those of one name joined."""
    values: dict[str, str] = {}
    for key, value in headers:
        name, value = key.lower(), value.strip(" ")
        if "  " in value:
            value = _BLANKS.sub(" ", value)
        values[name] = f"{values[name]},{value}" if name in values else value
    return values


def _encode_query(request: RawRequest) -> str:
    pairs = sorted([(_encode_part(name), _encode_part(value)) for name, value in request.query_pairs])
    return "&".join([f"{name}={value}" for name, value in pairs])


def _encode_part(text: str) -> str:
    return text if _CANONICAL_QUERY.match(text) else encode(unquote(text))


def encode_path(path: str) -> str:
    """A raw path with every segment decoded once and encoded the canonical way."""
    if _CANONICAL_PATH.match(path):
        return path
    return "/".join(encode(unquote(segment, errors="surrogateescape")) for segment in path.split("/")) or "/"


def string_to_sign(date: str, scope: str, canonical: str) -> str:
    """``date``: as in x-amz-date; ``scope``: as in Authorization."""
    return "\n".join((ALGORITHM, date, scope, hashlib.sha256(canonical.encode("utf-8", "surrogateescape")).hexdigest()))


@lru_cache(maxsize=64)
def signing_key(secret_key: str, day: str, region: str, service: str = SERVICE) -> bytes:
    """The key of one day, region and service."""
    key = ("AWS4" + secret_key).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def signature(key: bytes, text: str) -> str:
    """64 hex digits."""
    return hmac.digest(key, text.encode(), "sha256").hex()


def sign(
    request: RawRequest,
    credentials: Credentials,
    *,
    region: str,
    at: float,
    service: str = SERVICE,
    payload: str = "hash",
) -> RawRequest:
    """The request with x-amz-date, x-amz-content-sha256 (and the token) and Authorization.

    ``payload``: ``hash`` of the body, ``unsigned``, or a literal x-amz-content-sha256. Every header is signed.
    """
    digest = {"hash": "", "unsigned": UNSIGNED}.get(payload, payload) or hashlib.sha256(request.body).hexdigest()
    date = amz_date(at)
    added = [("x-amz-date", date), ("x-amz-content-sha256", digest)]
    if credentials.token:
        added.append(("x-amz-security-token", credentials.token))
    values = _folded(request.headers)
    fresh = values.keys().isdisjoint(_ADDED)
    if not fresh:
        request = request.with_headers(added)
        values = _folded(request.headers)
    else:
        values.update(added)
    names = sorted(values)
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    text = string_to_sign(date, scope, _canonical(request, names, values, digest))
    signed = credentials.witness(
        lambda: signature(signing_key(credentials.secret_key, date[:8], region, service), text)
    )
    told = f"Credential={credentials.access_key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signed}"
    authorization = ("Authorization", f"{ALGORITHM} {told}")
    if fresh:
        return RawRequest(request.method, request.target, (*request.headers, *added, authorization), request.body)
    return request.with_headers([authorization])


def presign(
    request: RawRequest, credentials: Credentials, *, region: str, at: float, expires: int, service: str = SERVICE
) -> RawRequest:
    """The request with its signature in the query; ``expires`` in seconds. Every header that it has is signed."""
    date = amz_date(at)
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    names = sorted({name.lower() for name, _ in request.headers})
    fields = [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", f"{credentials.access_key}/{scope}"),
        ("X-Amz-Date", date),
        ("X-Amz-Expires", str(expires)),
        *([("X-Amz-Security-Token", credentials.token)] if credentials.token else []),
        ("X-Amz-SignedHeaders", ";".join(names)),
    ]
    for name, value in fields:
        request = request.with_query(name, value)
    text = string_to_sign(date, scope, canonical_request(request, names, UNSIGNED))
    signed = credentials.witness(
        lambda: signature(signing_key(credentials.secret_key, date[:8], region, service), text)
    )
    return request.with_query("X-Amz-Signature", signed)

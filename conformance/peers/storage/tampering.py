"""Requests that were changed after signing, made from a valid one: every signed part dropped, altered, repeated or put
in another order; and changes that mean nothing, which a storage has to take.

What a signature covers: S3 API, "Signature Calculations for the Authorization Header" and "Authenticating Requests:
Using Query Parameters" (Version 4), "Signing and Authenticating REST Requests" (Version 2).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from conformance.protocols.raw_request import RawRequest
from conformance.protocols.sigv2 import SUBRESOURCES
from conformance.protocols.sigv4 import URL_FIELDS

FRAMING = ("content-length", "transfer-encoding")
V2_HEADERS = ("content-md5", "content-type", "date")
V2_URL_FIELDS = ("AWSAccessKeyId", "Expires", "Signature")
SIGNATURES = ("X-Amz-Signature", "Signature")


@dataclass(frozen=True, slots=True)
class Tampered:
    """``about``: what was done to it, in English."""

    about: str
    request: RawRequest


def is_v2(request: RawRequest) -> bool:
    """Whether a signed request carries Signature Version 2."""
    return (request.header("authorization") or "").startswith("AWS ") or "AWSAccessKeyId=" in request.target


def signed_headers(request: RawRequest) -> frozenset[str]:
    """Names of the headers that the signature of a request covers, in lower case."""
    if is_v2(request):
        names = {name.lower() for name, _ in request.headers}
        return frozenset(name for name in names if name in V2_HEADERS or name.startswith("x-amz-"))
    told = request.header("authorization") or ""
    found = re.search(r"SignedHeaders=([^,\s]+)", told)
    listed = found[1].split(";") if found else dict(request.query_pairs).get("X-Amz-SignedHeaders", "").split("%3B")
    return frozenset(listed)


def with_pairs(request: RawRequest, pairs: list[tuple[str, str]]) -> RawRequest:
    """The request with another query, raw."""
    query = "&".join(f"{name}={value}" if value else name for name, value in pairs)
    return replace(request, target=f"{request.path}?{query}" if query else request.path)


def other(text: str) -> str:
    """A text of the same length and kind with another last letter or digit."""
    for at in range(len(text) - 1, -1, -1):
        if text[at].isascii() and text[at].isalnum():
            return text[:at] + ("1" if text[at] == "0" else "0") + text[at + 1 :]
    return text + "0"


def tampered_line(request: RawRequest) -> Iterator[Tampered]:
    """Another method and another path."""
    for method in ("GET", "PUT", "DELETE", "HEAD", "POST"):
        if method != request.method and (method != "HEAD" or request.method != "GET"):
            yield Tampered(f"{method} in place of {request.method}", replace(request, method=method))
    path, _, query = request.target.partition("?")
    tail = f"?{query}" if query else ""
    bucket, _, key = path[1:].partition("/")
    paths = [("one character more in the key", f"{path}x"), ("one less", path[:-1]), ("another slash", f"{path}/")]
    if len(bucket) > 3 and key:
        paths.append(("another bucket", f"/{other(bucket)}/{key}"))
    for about, altered in paths:
        yield Tampered(about, replace(request, target=altered + tail))


def tampered_query(request: RawRequest) -> Iterator[Tampered]:
    """Each signed pair of the query dropped, altered and repeated; a sub-resource more."""
    pairs, version_2 = list(request.query_pairs), is_v2(request)
    for at, (name, value) in enumerate(pairs):
        if name in (*URL_FIELDS, *V2_URL_FIELDS) or (version_2 and name not in SUBRESOURCES):
            continue
        rest = [*pairs[:at], *pairs[at + 1 :]]
        yield Tampered(f"{name} dropped from the query", with_pairs(request, rest))
        yield Tampered(f"{name} altered in the query", with_pairs(request, [*rest, (name, other(value))]))
        yield Tampered(f"{name} repeated in the query", with_pairs(request, [*pairs, (name, other(value))]))
    yield Tampered("a sub-resource more", with_pairs(request, [*pairs, ("acl", "")]))


def tampered_headers(request: RawRequest) -> Iterator[Tampered]:
    """Each signed header dropped, altered and repeated; values of one name in another order; an x-amz header more."""
    signed = signed_headers(request) - set(FRAMING)
    seen: set[str] = set()
    for name, value in request.headers:
        lower = name.lower()
        if lower not in signed or lower in seen:
            continue
        seen.add(lower)
        values = [v for n, v in request.headers if n.lower() == lower]
        if lower != "host":
            yield Tampered(f"{name} dropped", request.without_header(name))
        yield Tampered(f"{name} altered", request.with_header(name, other(value)))
        if lower != "host" and not (is_v2(request) and lower in V2_HEADERS):  # Version 2 is silent on two of these
            again = (*request.headers, (name, other(value)))
            yield Tampered(f"{name} repeated", replace(request, headers=again))
        if len(set(values)) > 1:
            kept = tuple(pair for pair in request.headers if pair[0].lower() != lower)
            turned = (*kept, *((name, v) for v in reversed(values)))
            yield Tampered(f"values of {name} in another order", replace(request, headers=turned))
    yield Tampered("an x-amz header more", replace(request, headers=(*request.headers, ("x-amz-meta-more", "1"))))


def tampered_authorization(request: RawRequest, another_key: str) -> Iterator[Tampered]:
    """Parts of the Authorization header altered; ``another_key``: access key of somebody else."""
    told = request.header("authorization") or ""

    def changed(about: str, text: str) -> Tampered:
        return Tampered(about, request.with_header("Authorization", text))

    yield changed("the signature altered", other_signature(told))
    yield changed("the signature cut", told[:-8])
    yield Tampered("no Authorization", request.without_header("Authorization"))
    if is_v2(request):
        yield changed("another access key", f"AWS {another_key}:{told.rpartition(':')[2]}")
        return
    scope = re.search(r"Credential=([^/]+)/(\d{8})/([^/]+)/([^/]+)/(aws4_request)", told)
    listed = re.search(r"SignedHeaders=([^,]+)", told)
    if scope is None or listed is None:
        return
    names = ("another access key", "another day", "another region", "another service", "another end of the scope")
    values = (another_key, other(scope[2]), f"{scope[3]}0", "ec2", "aws4_reply")
    for number, (about, value) in enumerate(zip(names, values, strict=True), start=1):
        yield changed(about, told[: scope.start(number)] + value + told[scope.end(number) :])
    names_signed = listed[1].split(";")
    for name in names_signed:
        rest = ";".join(n for n in names_signed if n != name)
        if rest:
            yield changed(f"{name} not among SignedHeaders", told.replace(listed[0], f"SignedHeaders={rest}"))
    more = ";".join(sorted((*names_signed, "x-amz-nothing")))
    yield changed("one more among SignedHeaders", told.replace(listed[0], f"SignedHeaders={more}"))


def other_signature(text: str) -> str:
    """An Authorization header with another digit in the middle of its signature."""
    at = len(text) - 10
    return text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1 :]


def tampered_url_fields(request: RawRequest, another_key: str) -> Iterator[Tampered]:
    """The signature fields of a URL dropped, altered and told twice."""
    pairs = list(request.query_pairs)
    fields = V2_URL_FIELDS if is_v2(request) else URL_FIELDS
    for at, (name, value) in enumerate(pairs):
        if name not in fields:
            continue
        rest = [*pairs[:at], *pairs[at + 1 :]]
        yield Tampered(f"{name} dropped", with_pairs(request, rest))
        wrong = other(value) if name not in SIGNATURES else other_signature(value)
        altered = [*pairs[:at], (name, wrong), *pairs[at + 1 :]]
        yield Tampered(f"{name} altered", with_pairs(request, altered))
        yield Tampered(f"{name} empty", with_pairs(request, [*pairs[:at], (name, ""), *pairs[at + 1 :]]))
        if fields is URL_FIELDS and name not in SIGNATURES:  # Version 2 signs none of its fields but Expires
            yield Tampered(f"{name} twice, a false one behind", with_pairs(request, [*pairs, (name, wrong)]))
            yield Tampered(f"{name} twice, a false one in front", with_pairs(request, [(name, wrong), *pairs]))
        if name in ("AWSAccessKeyId", "X-Amz-Credential"):
            _, slash, scope = value.partition("%2F")
            swapped = [*pairs[:at], (name, another_key + slash + scope), *pairs[at + 1 :]]
            yield Tampered("another access key", with_pairs(request, swapped))


def tampered(request: RawRequest, another_key: str) -> Iterator[Tampered]:
    """Every change of a signed request that has to be refused, whatever way it is signed."""
    yield from tampered_line(request)
    yield from tampered_query(request)
    yield from tampered_headers(request)
    if request.header("authorization") is not None:
        yield from tampered_authorization(request, another_key)
    else:
        yield from tampered_url_fields(request, another_key)


def neutral(request: RawRequest) -> Iterator[Tampered]:
    """Changes that mean nothing: a signature covers sorted names, in lower case, and trimmed values."""
    turned = tuple(sorted(request.headers, key=lambda pair: pair[0].lower(), reverse=True))
    yield Tampered("headers in another order", replace(request, headers=turned))
    cased = tuple((name.swapcase(), value) for name, value in request.headers)
    yield Tampered("names of headers in another case", replace(request, headers=cased))
    blanks = tuple((name, value if name.lower() == "host" else f"  {value} ") for name, value in request.headers)
    yield Tampered("blanks around values", replace(request, headers=blanks))
    more = (("User-Agent", "kandian"), ("X-Forwarded-For", "192.0.2.1"), *request.headers)
    yield Tampered("unsigned headers more", replace(request, headers=more))
    pairs = list(request.query_pairs)
    if len(pairs) > 1:
        yield Tampered("the query in another order", with_pairs(request, pairs[::-1]))

"""Requests that lack a signature in the URL and try to make up for it by other means."""

from __future__ import annotations

from collections.abc import Iterator

from conformance.peers.streams.forged_links import Forged
from conformance.peers.streams.http_fetcher import Asked
from conformance.peers.streams.signed_links import Link

LOOPBACK_HEADERS = (
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "X-Originating-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-Cluster-Client-IP",
    "True-Client-IP",
    "CF-Connecting-IP",
    "Ali-CDN-Real-IP",
    "Client-IP",
    "Via",
)
REWRITING_HEADERS = ("X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Uri", "X-Accel-Redirect", "X-Sendfile")
METHODS = ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND", "COPY", "get", "KANDIAN")


def in_headers(link: Link, site: str) -> Iterator[Forged]:
    """A good signature everywhere but in the URL."""
    _, _, query = link.target.partition("?")
    whole = query or link.target
    pairs = [pair.partition("=")[::2] for pair in link.query_parameters]
    cookie = "; ".join(f"{name}={value}" for name, value in pairs) or f"token={link.digest}"
    for name, value in (
        ("Referer", site + link.target),
        ("Origin", site),
        ("Cookie", cookie),
        ("Authorization", f"Bearer {link.digest}"),
        ("X-Token", link.digest),
        ("X-Original-URL", link.target),
        ("X-Query-String", whole),
    ):
        yield Forged(f"in {name}", Asked(link.path, headers=((name, value),)))
    for name, value in pairs:
        yield Forged(f"{name} as a header", Asked(link.path, headers=((name, value),)))
    yield Forged("in a fragment", Asked(f"{link.path}#{whole}"))
    yield Forged("in an encoded query", Asked(f"{link.path}%3F{whole}"))
    form = ("Content-Type", "application/x-www-form-urlencoded")
    yield Forged("in a body", Asked(link.path, headers=(form,), body=whole.encode()))


def by_method(path: str, site: str) -> Iterator[Forged]:
    """Other methods, ranges, versions and forms of the target."""
    for method in METHODS:
        yield Forged(method, Asked(path, method=method))
    for wanted in ("bytes=0-", "bytes=0-99", "bytes=-100", "bytes=0-0,5-9"):
        yield Forged(f"Range {wanted}", Asked(path, headers=(("Range", wanted),)))
    yield Forged("HEAD with a range", Asked(path, method="HEAD", headers=(("Range", "bytes=0-99"),)))
    yield Forged("HTTP/1.0", Asked(path, version="HTTP/1.0"))
    yield Forged("HTTP/1.0 without Host", Asked(path, version="HTTP/1.0", host=None))
    yield Forged("the absolute form", Asked(site + path))
    override = (("X-HTTP-Method-Override", "GET"), ("X-Method-Override", "GET"))
    yield Forged("POST that says GET", Asked(path, method="POST", headers=override))
    old = "Mon, 01 Jan 2001 00:00:00 GMT"
    yield Forged("If-Modified-Since", Asked(path, headers=(("If-Modified-Since", old),)))
    yield Forged("If-None-Match", Asked(path, headers=(("If-None-Match", '"x"'),)))


def forwarded(path: str) -> Iterator[Forged]:
    """Claims to be the server itself, or to ask for something else."""
    for name in LOOPBACK_HEADERS:
        yield Forged(name, Asked(path, headers=((name, "127.0.0.1"),)))
    yield Forged("Forwarded", Asked(path, headers=(("Forwarded", "for=127.0.0.1;host=localhost;proto=https"),)))
    yield Forged("X-Forwarded-Host", Asked(path, headers=(("X-Forwarded-Host", "localhost"),)))
    for name in REWRITING_HEADERS:
        yield Forged(f"{name} from the root", Asked("/", headers=((name, path),)))
        yield Forged(name, Asked(path, headers=((name, "/"),)))
    for host in ("localhost", "127.0.0.1", "internal"):
        yield Forged(f"Host: {host}", Asked(path, host=host))
    for query in ("debug=1", "admin=1", "internal=true", "nocheck=1", "secret="):
        yield Forged(query, Asked(f"{path}?{query}"))

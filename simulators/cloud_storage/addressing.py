"""Buckets in the host name: ``bucket.domain`` (virtual-host addressing)."""

from __future__ import annotations

from conformance.protocols.raw_request import RawRequest


def domains_of(region: str) -> tuple[str, ...]:
    """The domains under which a storage of that region answers."""
    return ("localhost", "127.0.0.1", f"oos-{region}.ctyunapi.cn", f"s3.{region}.amazonaws.com", "s3.amazonaws.com")


def bucket_in_host(request: RawRequest, domains: tuple[str, ...]) -> str:
    """The bucket that the Host header names; empty for path addressing."""
    host = (request.header("host") or "").lower()
    host = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and ":" in host else host
    for domain in domains:
        if host.endswith(f".{domain}"):
            return host.removesuffix(f".{domain}")
    return ""

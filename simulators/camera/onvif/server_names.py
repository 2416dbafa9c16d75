"""Parts of an authority (RFC 3986 3.2)."""

from __future__ import annotations

from urllib.parse import urlsplit


def host_of(authority: str) -> str:
    """The host of ``host:port``, an IPv6 address in its brackets."""
    host = urlsplit(f"//{authority}").hostname or ""
    return f"[{host}]" if ":" in host else host

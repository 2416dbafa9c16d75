"""HTTPS: a certificate of its own for each run, and the versions of TLS that are spoken."""

from __future__ import annotations

import ssl
from pathlib import Path

import trustme

NAMES = ("127.0.0.1", "localhost")


class Transport:
    """``ca_file``: the certificate that vouches for the storage, beside its state."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"

    def context(self) -> ssl.SSLContext:
        """What the server listens with; writes ``ca_file``."""
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(*NAMES).configure_cert(context)
        self.limit(context)
        return context

    def limit(self, context: ssl.SSLContext) -> None:
        """TLS 1.2 and later only."""
        context.minimum_version = ssl.TLSVersion.TLSv1_2

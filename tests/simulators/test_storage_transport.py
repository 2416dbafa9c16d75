"""HTTPS of the golden storage: who vouches for it, and which versions it speaks; two ends in memory."""

from __future__ import annotations

import ssl
import warnings
from pathlib import Path

import pytest

from conformance.cli.roles import ROLES
from conformance.suites.cloud_storage.test_transport import only
from simulators.cloud_storage.transport import Transport
from simulators.faults.storage.transport import OldVersionsAreSpoken


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> str:
    """The version agreed on. Raises SSLError."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    waiting = list(ends)
    while waiting:
        for end in list(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue
    return ends[0].version() or ""


def test_the_certificate_is_vouched_for(tmp_path: Path) -> None:
    transport = Transport(tmp_path)
    server = transport.context()
    assert handshake(server, ssl.create_default_context(cafile=str(transport.ca_file))) == "TLSv1.3"
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(server, ssl.create_default_context())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_versions_of_today(tmp_path: Path, version: ssl.TLSVersion) -> None:
    assert handshake(Transport(tmp_path).context(), only(version)) == version.name.replace("_", ".")


@pytest.mark.skipif(not ssl.HAS_TLSv1_1, reason="this OpenSSL has no TLS 1.1")
def test_versions_of_yesterday(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLError):
        handshake(Transport(tmp_path).context(), only(ssl.TLSVersion.TLSv1_1))
    old = OldVersionsAreSpoken.transport_class(tmp_path).context()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert handshake(old, only(ssl.TLSVersion.TLSv1_1)) == "TLSv1.1"


def test_the_variant_with_https_comes_behind_the_dialects() -> None:
    assert list(ROLES["cloud_storage"].shipped()) == ["oos6", "aws", "oos5", "zos", "aws_tls"]

"""Mutants of HTTPS."""

from __future__ import annotations

import ssl
import warnings

from simulators.cloud_storage.storage import CloudStorage
from simulators.cloud_storage.transport import Transport
from simulators.faults.registry import mutant


@mutant(violates="CS-006", declaration="aws_tls")
class OldVersionsAreSpoken(CloudStorage):
    """TLS 1.0 and 1.1 are still spoken."""

    zh = "仍支持 TLS 1.0 与 1.1。"

    class _Old(Transport):
        def limit(self, context: ssl.SSLContext) -> None:
            context.set_ciphers("ALL:@SECLEVEL=0")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)
                context.minimum_version = ssl.TLSVersion.TLSv1

    transport_class = _Old

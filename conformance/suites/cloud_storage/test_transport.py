"""CS-006: HTTPS that is worth the name."""

from __future__ import annotations

import ssl
import warnings

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.suites.cloud_storage.steps import good
from conformance.wire import Expired, Refused

MODERN = ("TLSv1.2", "TLSv1.3")
OLD = {"TLS 1.0": ssl.TLSVersion.TLSv1, "TLS 1.1": ssl.TLSVersion.TLSv1_1}


def only(version: ssl.TLSVersion) -> ssl.SSLContext:
    """A client that speaks one version, with any cipher, and believes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # old versions are what this is for
        context.minimum_version = context.maximum_version = version
    return context


async def spoken(storage: Storage, context: ssl.SSLContext | None) -> str:
    """The version that a connection ends up with, empty when there is none."""
    try:
        stream = await storage.owner.connections.open_with(context)
    except (Refused, Expired):
        return ""
    stream.close()
    return stream.tls.version if stream.tls else ""


@verifies("CS-006")
async def test_versions(storage: Storage, check: Checks) -> None:
    """A verified connection of today, and none of yesterday."""
    check.step("s1")
    if not await good(storage, check, await storage.bucket(), "clip", b"0123456789"):
        return
    version = await spoken(storage, storage.owner.connections.context())
    check.true("CS-006", version in MODERN, say("TLS 1.2 或更高", "TLS 1.2 or later"), version)
    check.step("s2")
    if not (ssl.HAS_TLSv1 and ssl.HAS_TLSv1_1):
        check.inconclusive("CS-006", say("测试台自身不支持旧版本", "the bench itself does not speak the old versions"))
        return
    for name, old in OLD.items():
        found = await spoken(storage, only(old))
        check.equal("CS-006", found, "", say(f"以 {name} 建立的连接", f"a connection with {name}"))

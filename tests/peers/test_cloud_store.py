"""The storage that the bench plays, asked by a signed client over a real connection."""

from __future__ import annotations

import asyncio
import time

from conformance.peers.cloud_store import CloudStore
from conformance.peers.http_connection import Connections, Endpoint
from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from conformance.wire import LiveWire
from specs.model import Limit

LIMITS = {name: Limit(unit="s", max=2.0) for name in ("connect_wait", "answer_wait", "exchange_wait", "liveness_wait")}
KEYS = Credentials("KDN1", "secret")


def test_objects_are_kept_given_back_and_removed() -> None:
    asked = [
        ("PUT", "/clips", b""),
        ("PUT", "/clips/a/b.ts", b"video"),
        ("GET", "/clips/a/b.ts", b""),
        ("GET", "/clips/a/c.ts", b""),
        ("DELETE", "/clips/a/b.ts", b""),
        ("GET", "/clips/a/b.ts", b""),
        ("GET", "/elsewhere/a/b.ts", b""),
    ]

    async def run() -> list[tuple[int, bytes]]:
        async with LiveWire(seed=1) as wire, CloudStore(wire, "127.0.0.1", LIMITS) as store:
            store.accounts[KEYS.access_key] = KEYS.secret_key
            store.buckets.add("clips")
            connections = Connections(wire, Endpoint.of(store.url), LIMITS)
            found = []
            for method, target, body in asked:
                request = RawRequest(method, target, (("Host", f"{store.host}:{store.port}"),), body)
                request = request.with_header("Content-Length", str(len(body)))
                signed = sigv4.sign(request, KEYS, region="cn", at=time.time())
                answer = await connections.exchange(signed)
                found.append((answer.status, answer.body if answer.status == 200 else b""))
            assert [(upload.key, upload.body) for upload in store.uploads] == [("a/b.ts", b"video")]
            connections.close()
            return found

    expected = [(409, b""), (200, b""), (200, b"video"), (404, b""), (204, b""), (404, b""), (404, b"")]
    assert asyncio.run(run()) == expected

"""CS-034a to CS-034c, CS-042a, CS-014a: what becomes of a valid request that is changed on its way."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import request_bytes
from conformance.peers.storage.client import content_md5
from conformance.peers.storage.storage import Storage
from conformance.peers.storage.tampering import Tampered, neutral, tampered, with_pairs
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.aws_chunked import crc32_trailer, sha256_trailer
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_xml import read_parts, read_upload_id
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content
from conformance.suites.cloud_storage.tampering_steps import CLIP, NEW, another_key, judge_bucket, judge_refused

OVERRIDES = [("response-cache-control", "no-store"), ("response-content-type", "video/mp2t")]
EXPIRIES = ("X-Amz-Expires", "Expires")


def write(storage: Storage, bucket: str, key: str, body: bytes = NEW) -> RawRequest:
    """A signed write with every kind of header that a signature covers."""
    kept = [("x-amz-meta-device-id", "4701"), ("Content-Type", "video/mp4"), content_md5(body)]
    return storage.owner.sign(storage.owner.build("PUT", bucket, key, headers=kept, body=body))


def read(storage: Storage, bucket: str, key: str) -> RawRequest:
    """A signed read with signed parameters."""
    return storage.owner.sign(storage.owner.build("GET", bucket, key, query=OVERRIDES))


@verifies("CS-034a")
async def test_neutral_changes(storage: Storage, check: Checks) -> None:
    """Changes that a proxy may make."""
    bucket = await storage.bucket()
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    for about, request in (("read", read(storage, bucket, "clip")), ("write", write(storage, bucket, "fresh"))):
        check.step("s1")
        if not check.control((await storage.owner.send(request)).ok, GOOD):
            continue
        check.step("s2")
        for changed in neutral(request):
            answer = await storage.owner.send(changed.request)
            await judge(storage, check, "CS-034a", answer, (200,), about=f"{about}, {changed.about}")
    await judge_content(storage, check, "CS-034a", bucket, "fresh", NEW)


@verifies("CS-034b")
async def test_variations(storage: Storage, check: Checks) -> None:
    """A read, a write, a delete, a copy and a part."""
    bucket, owner, key = await storage.bucket(), storage.owner, another_key(storage)
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.control((await owner.send(read(storage, bucket, "clip"))).body == CLIP, GOOD)
    check.control((await owner.send(write(storage, bucket, "clip", CLIP))).ok, GOOD)
    check.step("s2")
    delete = owner.sign(owner.build("DELETE", bucket, "clip"))
    source = [("x-amz-copy-source", f"/{bucket}/clip")]
    for about, request in (
        ("read", read(storage, bucket, "clip")),
        ("write", write(storage, bucket, "fresh")),
        ("delete", delete),
        ("copy", owner.sign(owner.build("PUT", bucket, "fresh", headers=source))),
    ):
        await judge_refused(storage, check, "CS-034b", tampered(request, key), about)
    await judge_part(storage, check, bucket, key)
    check.step("s3")
    await judge_bucket(storage, check, "CS-034b", bucket)


async def judge_part(storage: Storage, check: Checks, bucket: str, key: str) -> None:
    """A part of an upload, where the server tells an upload id: it stays without parts."""
    owner = storage.owner
    upload = read_upload_id((await owner.begin_upload(bucket, "parts")).body)
    if not upload:
        return
    query = [("partNumber", "1"), ("uploadId", upload)]
    part = owner.sign(owner.build("PUT", bucket, "parts", query=query, headers=[content_md5(NEW)], body=NEW))
    await judge_refused(storage, check, "CS-034b", tampered(part, key), "part")
    found = read_parts((await owner.call("GET", bucket, "parts", query=[("uploadId", upload)])).body)
    check.equal("CS-034b", found, {}, say("上传中的分片", "parts of the upload"))
    await owner.abort(bucket, "parts", upload)


def false_bodies(storage: Storage, bucket: str) -> dict[str, RawRequest]:
    """Writes of which the body, or the length, is not what was signed; Content-Length itself is not signed."""
    plain = storage.owner.build("PUT", bucket, "fresh", headers=[content_md5(NEW)], body=NEW)
    signed = storage.owner.sign(plain.without_header("content-length"))
    signed = replace(signed, headers=(*signed.headers, ("Connection", "close")))

    def sent(body: bytes, length: int) -> RawRequest:
        return signed.with_header("Content-Length", str(length)).with_body(body)

    return {
        "another body": sent(CLIP, len(CLIP)),
        "one bit changed": sent(NEW[:-1] + bytes([NEW[-1] ^ 1]), len(NEW)),
        "a shorter body": sent(NEW[:-1], len(NEW) - 1),
        "a longer body": sent(NEW + b"x", len(NEW) + 1),
        "no body": sent(b"", 0),
        "a length too small": sent(NEW, len(NEW) - 1),
    }


@verifies("CS-034c")
async def test_bodies(storage: Storage, check: Checks) -> None:
    """The signed digest is that of the body."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.control((await owner.send(write(storage, bucket, "clip", CLIP))).ok, GOOD)
    check.step("s2")
    for about, request in false_bodies(storage, bucket).items():
        await judge(storage, check, "CS-034c", await owner.send(request), CLIENT_ERRORS, about=about)
    request = owner.sign(
        owner.build("PUT", bucket, "fresh", headers=[content_md5(NEW)]).without_header("content-length")
    )
    stream = await owner.connections.open()
    stream.write(request_bytes(request.with_header("Content-Length", str(len(NEW) + 1)).with_body(NEW)))
    await stream.drain()
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    stream.abort()
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    check.step("s3")
    await judge_bucket(storage, check, "CS-034c", bucket)


@verifies("CS-014a")
async def test_checksums(storage: Storage, check: Checks) -> None:
    """The two checksums that SDKs send most."""
    bucket, owner = await storage.bucket(), storage.owner
    for make in (crc32_trailer, sha256_trailer):
        check.step("s1")
        answer = await owner.put(bucket, "clip", CLIP, headers=[make(CLIP)])
        if not await judge(storage, check, "CS-014a", answer, (200,), about=make(CLIP)[0]):
            continue
        check.step("s2")
        answer = await owner.put(bucket, "fresh", NEW, headers=[make(CLIP)])
        await judge(storage, check, "CS-014a", answer, (400,), about=f"{make(CLIP)[0]} of another content")
    check.step("s3")
    await judge_bucket(storage, check, "CS-014a", bucket)


def url(storage: Storage, method: str, bucket: str, key: str, life: float, age: float = 0.0) -> RawRequest:
    """A presigned URL of a read with overrides, or of a write with a signed header."""
    headers = [("x-amz-meta-device-id", "4701")] if method == "PUT" else []
    query = OVERRIDES if method == "GET" else []
    plain = storage.owner.build(method, bucket, key, query=query, headers=headers).without_header("content-length")
    signed = storage.owner.presign(plain, expires=int(life), at=storage.owner.now - age)
    if method != "PUT":
        return signed
    return replace(signed, headers=(*signed.headers, ("Content-Length", str(len(NEW)))), body=NEW)


def prolonged(expired: RawRequest, life: float) -> list[Tampered]:
    """An expired URL with a later expiry in front of its own, behind it, and beside it in another case."""
    pairs = list(expired.query_pairs)
    name, value = next(pair for pair in pairs if pair[0] in EXPIRIES)
    later = str(int(value) + int(life))
    return [
        Tampered("a later expiry behind its own", with_pairs(expired, [*pairs, (name, later)])),
        Tampered("a later expiry in front of its own", with_pairs(expired, [(name, later), *pairs])),
        Tampered("a later expiry in other letters", with_pairs(expired, [*pairs, (name.lower(), later)])),
    ]


@verifies("CS-042a")
async def test_urls(storage: Storage, check: Checks, limits: Limits) -> None:
    """A read and a write by somebody who has nothing but the URL."""
    bucket, key, life = await storage.bucket(), another_key(storage), limits("CS-042a").lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    address = url(storage, "GET", bucket, "clip", life)
    check.control((await storage.anonymous.send(address)).body == CLIP, GOOD)
    turned = with_pairs(address, list(address.query_pairs)[::-1])
    await judge(
        storage, check, "CS-042a", await storage.anonymous.send(turned), (200,), about="the query in another order"
    )
    check.step("s2")
    await judge_refused(storage, check, "CS-042a", tampered(address, key), "GET")
    await judge_refused(storage, check, "CS-042a", tampered(url(storage, "PUT", bucket, "fresh", life), key), "PUT")
    check.step("s3")
    expired = url(storage, "GET", bucket, "clip", life, age=2 * life)
    await judge_refused(storage, check, "CS-042a", prolonged(expired, 4 * life), "GET")
    check.step("s4")
    await judge_bucket(storage, check, "CS-042a", bucket)

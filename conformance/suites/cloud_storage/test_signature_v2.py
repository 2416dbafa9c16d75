"""CS-036, CS-036a, CS-048, CS-048a: Signature Version 2, which old devices know alone."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.storage.client import StorageClient, content_md5
from conformance.peers.storage.storage import Storage
from conformance.peers.storage.tampering import Tampered, tampered
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_xml import read_listing
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, good, judge, judge_content
from conformance.suites.cloud_storage.tampering_steps import CLIP, NEW, NOBODY, another_key, judge_bucket, judge_refused
from specs.declaration import Account

SIGNED_TYPE = "video/mp4"
WAYS = (("GET", "clip"), ("PUT", "fresh"), ("DELETE", "clip"))


def client(storage: Storage, *, key: str = "", wrong: str = "") -> StorageClient:
    """The owner with Version 2; with another key id, or another secret."""
    account = storage.loaded.accounts[0]
    chosen = Account(account.name, key or account.access_key, account.secret_key + wrong, account.token)
    return storage.client(chosen, version="v2")


@verifies("CS-036")
async def test_header(storage: Storage, check: Checks) -> None:
    """Write, read, list; Date and x-amz-date."""
    bucket, old = await storage.bucket(), client(storage)
    check.step("s1")
    if not await good(storage, check, bucket, "plain", CLIP):
        return
    check.step("s2")
    headers = [("x-amz-meta-device-id", "4701"), ("Content-Type", "video/mp4"), content_md5(CLIP)]
    await judge(storage, check, "CS-036", await old.put(bucket, "clip", CLIP, headers), (200,))
    answer = await old.get(bucket, "clip")
    await judge(storage, check, "CS-036", answer, (200,))
    check.true("CS-036", answer.body == CLIP, say("对象的内容", "the content"), f"{len(answer.body)} bytes")
    dated = await old.call("GET", bucket, "clip", headers=[("x-amz-date", sigv4.amz_date(old.now))])
    await judge(storage, check, "CS-036", dated, (200,), about="x-amz-date")
    listed = await old.list_v1(bucket, prefix="cl")
    listing = read_listing(listed.body)
    check.equal("CS-036", listing.keys if listing else listed.summary, ["clip"], say("列举的键", "keys listed"))
    await judge(storage, check, "CS-036", await old.call("GET", bucket, query=[("uploads", "")]), (200,))


@verifies("CS-036a")
async def test_forged_headers(storage: Storage, check: Checks) -> None:
    """Wrong secret, unknown key, every variation, nonsense."""
    bucket, key = await storage.bucket(), another_key(storage)
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    for about, forger in (("wrong secret", client(storage, wrong="x")), ("unknown key", client(storage, key=NOBODY))):
        requests = [
            Tampered(method, forger.sign(forger.build(method, bucket, name, body=body)))
            for method, name, body in (("GET", "clip", b""), ("PUT", "fresh", NEW), ("DELETE", "clip", b""))
        ]
        await judge_refused(storage, check, "CS-036a", requests, about)
    old = client(storage)
    write = old.build("PUT", bucket, "fresh", headers=[("x-amz-meta-a", "1"), content_md5(NEW)], body=NEW)
    for about, request in (("read", old.build("GET", bucket, "clip")), ("write", write)):
        await judge_refused(storage, check, "CS-036a", tampered(old.sign(request), key), about)
    told = old.sign(write).header("Authorization") or ""
    for text in ("AWS", "AWS ", "AWS :", f"AWS {old.credentials.access_key if old.credentials else ''}:", told[4:]):
        request = old.sign(write).with_header("Authorization", text)
        await judge_refused(storage, check, "CS-036a", [Tampered(repr(text[:20]), request)], "malformed")
    await judge_second_type(storage, check, old, bucket)
    check.step("s3")
    await judge_bucket(storage, check, "CS-036a", bucket)


async def judge_second_type(storage: Storage, check: Checks, old: StorageClient, bucket: str) -> None:
    """A Content-Type behind the signed one, which no signature covers, is refused or has no effect."""
    signed = old.sign(old.build("PUT", bucket, "fresh", headers=[("Content-Type", SIGNED_TYPE)], body=NEW))
    answer = await old.send(replace(signed, headers=(*signed.headers, ("Content-Type", "text/html"))))
    if not answer.ok:
        await judge(storage, check, "CS-036a", answer, CLIENT_ERRORS, about="a second Content-Type")
        return
    kind = (await storage.owner.head(bucket, "fresh")).header("content-type")
    check.equal("CS-036a", kind, SIGNED_TYPE, say("对象的类型为所签名的", "the object's type is the signed one"))
    await storage.owner.delete(bucket, "fresh")


def url(old: StorageClient, method: str, bucket: str, key: str, life: float, age: float = 0.0) -> RawRequest:
    """A URL that was signed ``age`` seconds ago; a PUT carries a body."""
    plain = old.build(method, bucket, key).without_header("content-length")
    signed = old.presign(plain, expires=int(life), at=old.now - age)
    if method != "PUT":
        return signed
    return replace(signed, headers=(*signed.headers, ("Content-Length", str(len(NEW)))), body=NEW)


@verifies("CS-048")
async def test_urls(storage: Storage, check: Checks, limits: Limits) -> None:
    """By somebody who has nothing but the URL."""
    bucket, old, life = await storage.bucket(), client(storage), limits("CS-048").lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    answer = await storage.anonymous.send(url(old, "GET", bucket, "clip", life))
    await judge(storage, check, "CS-048", answer, (200,))
    check.true("CS-048", answer.body == CLIP, say("对象的内容", "the content"), f"{len(answer.body)} bytes")
    written = await storage.anonymous.send(url(old, "PUT", bucket, "fresh", life))
    await judge(storage, check, "CS-048", written, (200,))
    await judge_content(storage, check, "CS-048", bucket, "fresh", NEW)


@verifies("CS-048a")
async def test_forged_urls(storage: Storage, check: Checks, limits: Limits) -> None:
    """Wrong secret, every variation, expired."""
    bucket, old, limit = await storage.bucket(), client(storage), limits("CS-048a")
    life = limit.lifetime.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    wrong = client(storage, wrong="x")
    forged = [Tampered(method, url(wrong, method, bucket, key, life)) for method, key in WAYS]
    await judge_refused(storage, check, "CS-048a", forged, "wrong secret")
    late = life + limit.late.seconds
    expired = [Tampered(method, url(old, method, bucket, key, life, age=late)) for method, key in WAYS]
    await judge_refused(storage, check, "CS-048a", expired, "expired")
    for method, key in WAYS[:2]:
        requests = tampered(url(old, method, bucket, key, life), another_key(storage))
        await judge_refused(storage, check, "CS-048a", requests, method)
    died = url(old, "GET", bucket, "clip", life, age=2 * life)
    prolonged = Tampered("Expires altered in an expired URL", died.with_query("Expires", str(int(old.now + life))))
    await judge_refused(storage, check, "CS-048a", [prolonged], "expired")
    check.step("s3")
    await judge_bucket(storage, check, "CS-048a", bucket)

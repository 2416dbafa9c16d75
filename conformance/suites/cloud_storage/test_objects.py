"""CS-010 to CS-028: objects are written whole and read as they were written."""

from __future__ import annotations

import asyncio
import hashlib
import re

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import NoResponse, request_bytes
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import content_md5
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_answer import HttpAnswerError, HttpAnswerReader
from conformance.protocols.raw_request import encode_key
from conformance.protocols.s3_xml import read_listing
from conformance.suites.cloud_storage.steps import GOOD, good, judge, judge_content

FIXDATE = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9]{2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [0-9]{4}"
    r" [0-9]{2}:[0-9]{2}:[0-9]{2} GMT\Z"
)
KEYS = (
    "店铺/一号 摄像机.mp4",
    "a b",
    "a+b",
    "a%41b",
    "100%",
    "20130801T10:00:00",
    "x&y=z",
    "~tilde'(quote)*",
    "plus+ space",
)
META = (
    ("x-amz-meta-start", "2013-08-01T10:00:00Z"),
    ("x-amz-meta-end", "2013-08-01T10:15:00Z"),
    ("x-amz-meta-device-id", "KDN00000001"),
)


def etag(body: bytes) -> str:
    """MD5 with its quotes."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


@verifies("CS-010", "CS-011", "CS-012", "CS-053")
async def test_round_trip(storage: Storage, check: Checks) -> None:
    """Bytes, length, type, metadata, dates."""
    bucket, owner = await storage.bucket(), storage.owner
    for name, kind, size in (("clip.mp4", "video/mp4", 70_001), ("shot.jpg", "image/jpeg", 513)):
        check.step("s1")
        body = storage.wire.random.randbytes(size)
        written = await owner.put(bucket, name, body, [("Content-Type", kind), *META])
        await judge(storage, check, "CS-010", written, (200,))
        check.step("s2")
        read, head = await owner.get(bucket, name), await owner.head(bucket, name)
        await judge(storage, check, "CS-010", read, (200,))
        check.true("CS-010", read.body == body, say("相同的字节", "the same bytes"), f"{len(read.body)} bytes")
        check.equal("CS-010", read.header("content-length"), str(size), "Content-Length")
        check.equal("CS-010", read.header("content-type"), kind, "Content-Type")
        check.equal("CS-010", (written.header("etag"), read.header("etag")), (etag(body), etag(body)), "ETag")
        date = read.header("last-modified")
        check.true("CS-010", FIXDATE.match(date) is not None, say("IMF-fixdate 日期", "an IMF-fixdate"), date)
        for field in ("content-length", "content-type", "etag", "last-modified"):
            check.equal("CS-011", head.header(field), read.header(field), field)
        check.equal("CS-011", (head.status, len(head.body)), (200, 0), "HEAD")
        for field, value in META:
            check.equal("CS-012", (read.header(field), head.header(field)), (value, value), field)
        check.equal("CS-053", (read.header("accept-ranges"), head.header("accept-ranges")), ("bytes", "bytes"))


@verifies("CS-013")
async def test_content_md5(storage: Storage, check: Checks) -> None:
    """Right, wrong, malformed."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    check.control((await owner.put(bucket, "clip", b"old", [content_md5(b"old")])).ok, GOOD)
    check.step("s2")
    wrong = await owner.put(bucket, "clip", b"new", [content_md5(b"other")])
    await judge(storage, check, "CS-013", wrong, (400,), "BadDigest")
    malformed = await owner.put(bucket, "clip", b"new", [("Content-MD5", "not-a-digest")])
    await judge(storage, check, "CS-013", malformed, (400,), "InvalidDigest")
    check.step("s3")
    await judge_content(storage, check, "CS-013", bucket, "clip", b"old")


@verifies("CS-014")
async def test_signed_digest(storage: Storage, check: Checks) -> None:
    """The digest that was signed is that of the body."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    await good(storage, check, bucket, "clip", b"old")
    check.step("s2")
    other = hashlib.sha256(b"other").hexdigest()
    answer = await owner.call("PUT", bucket, "forged", body=b"never", payload=other)
    await judge(storage, check, "CS-014", answer, (400,), "XAmzContentSHA256Mismatch")
    check.step("s3")
    await judge_content(storage, check, "CS-014", bucket, "forged", None)


@verifies("CS-015")
async def test_no_length(storage: Storage, check: Checks) -> None:
    """Neither Content-Length nor chunks."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    await good(storage, check, bucket, "clip", b"old")
    check.step("s2")
    request = owner.sign(owner.build("PUT", bucket, "endless").without_header("content-length"))
    await judge(storage, check, "CS-015", await owner.send(request), (411,), "MissingContentLength")
    check.step("s3")
    await judge_content(storage, check, "CS-015", bucket, "endless", None)


@verifies("CS-016")
async def test_cut_off_upload(storage: Storage, check: Checks) -> None:
    """A part of the body, then the connection breaks."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    await good(storage, check, bucket, "clip", b"old" * 1000)
    check.step("s2")
    for key in ("clip", "fresh"):
        whole = request_bytes(owner.sign(owner.build("PUT", bucket, key, body=b"new" * 50_000)))
        stream = await owner.connections.open()
        stream.write(whole[: len(whole) * 2 // 3])
        await stream.drain()
        await storage.wire.sleep(storage.limits["listening_step"].seconds)
        stream.abort()
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    check.step("s3")
    await judge_content(storage, check, "CS-016", bucket, "clip", b"old" * 1000)
    await judge_content(storage, check, "CS-016", bucket, "fresh", None)
    listing = read_listing((await owner.list_v1(bucket)).body)
    check.equal("CS-016", listing.keys if listing else None, ["clip"], say("列举的键", "keys listed"))


@verifies("CS-017")
async def test_overwrite(storage: Storage, check: Checks, limits: Limits) -> None:
    """A reader beside a writer sees the one or the other."""
    bucket, owner = await storage.bucket(), storage.owner
    one, two = b"1" * 300_000, b"2" * 200_000
    await owner.put(bucket, "clip", one)
    check.step("s1")
    torn: list[str] = []
    done = asyncio.Event()

    async def reads() -> None:
        while not done.is_set():
            found = (await owner.get(bucket, "clip")).body
            if found not in (one, two):
                torn.append(f"{len(found)} bytes")

    reader = storage.wire.spawn(reads(), "reader")
    last = one
    for number in range(int(limits("CS-017").rounds.number)):
        last = (two, one)[number % 2]
        await owner.put(bucket, "clip", last, [("x-amz-meta-round", str(number))])
    done.set()
    await reader
    check.step("s2")
    check.equal("CS-017", torn, [], say("既非旧内容也非新内容的读取", "reads that are neither old nor new"))
    check.step("s3")
    await judge_content(storage, check, "CS-017", bucket, "clip", last)
    told = (await owner.head(bucket, "clip")).header("x-amz-meta-round")
    check.equal("CS-017", told, str(int(limits("CS-017").rounds.number) - 1), "x-amz-meta-round")


@verifies("CS-018", "CS-021")
async def test_empty_and_again(storage: Storage, check: Checks) -> None:
    """No bytes; the same twice."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    await judge(storage, check, "CS-018", await owner.put(bucket, "empty"), (200,))
    request = owner.sign(owner.build("PUT", bucket, "clip", body=b"clip"))
    first, second = await owner.send(request), await owner.send(request)
    check.step("s2")
    read = await owner.get(bucket, "empty")
    check.equal("CS-018", (read.status, read.body), (200, b""), "GET")
    listing = read_listing((await owner.list_v1(bucket)).body)
    listed = {entry.key: entry.size for entry in listing.objects} if listing else {}
    check.equal("CS-018", listed.get("empty"), 0, say("列举的长度", "size listed"))
    check.equal("CS-021", (first.status, second.status), (200, 200), "PUT")
    check.equal("CS-021", second.header("etag"), first.header("etag"), "ETag")
    await judge_content(storage, check, "CS-021", bucket, "clip", b"clip")
    check.equal("CS-021", sorted(listed), ["clip", "empty"], say("列举的键", "keys listed"))


@verifies("CS-019")
async def test_keys(storage: Storage, check: Checks, limits: Limits) -> None:
    """Literal, up to the longest."""
    bucket, owner = await storage.bucket(), storage.owner
    most = int(limits("CS-019").longest.number)
    keys = (*KEYS, "k" * most)
    check.step("s1")
    for number, key in enumerate(keys):
        await judge(
            storage, check, "CS-019", await owner.put(bucket, key, b"%d" % number), (200,), about=f"PUT {key[:30]}"
        )
        await judge_content(storage, check, "CS-019", bucket, key, b"%d" % number)
    check.step("s2")
    listing = read_listing((await owner.list_v1(bucket)).body)
    check.equal(
        "CS-019", listing.keys if listing else None, sorted(keys, key=str.encode), say("列举的键", "keys listed")
    )
    check.step("s3")
    answer = await owner.put(bucket, "k" * (most + 1), b"x")
    await judge(storage, check, "CS-019", answer, (400,), "KeyTooLongError", f"{most + 1} bytes")


@verifies("CS-024", "CS-025")
async def test_copies(storage: Storage, check: Checks) -> None:
    """Content and metadata; sources of every kind."""
    bucket, owner = await storage.bucket(), storage.owner
    source = "录像 +1.mp4"
    await owner.put(bucket, source, b"clip", [("x-amz-meta-a", "1")])
    raw = f"/{bucket}/{encode_key(source)}"
    check.step("s1")
    plain = await owner.copy(bucket, "plain", raw)
    await judge(storage, check, "CS-025", plain, (200,), about=f"x-amz-copy-source: {raw}")
    changed = (("x-amz-metadata-directive", "REPLACE"), ("x-amz-meta-b", "2"))
    await judge(storage, check, "CS-024", await owner.copy(bucket, "changed", raw, changed), (200,))
    check.step("s2")
    for missing in (f"/{bucket}/missing", f"/{bucket}-missing/a"):
        await judge(storage, check, "CS-025", await owner.copy(bucket, "never", missing), (404,), about=missing)
    for malformed in ("", "/", bucket):
        answer = await owner.copy(bucket, "never", malformed)
        if malformed:
            await judge(storage, check, "CS-025", answer, (400, 404), about=repr(malformed))
    check.step("s3")
    for key, meta in (("plain", ("1", "")), ("changed", ("", "2"))):
        head = await owner.head(bucket, key)
        check.equal("CS-024", (head.header("x-amz-meta-a"), head.header("x-amz-meta-b")), meta, key)
        await judge_content(storage, check, "CS-024", bucket, key, b"clip")
    await judge_content(storage, check, "CS-025", bucket, "never", None)
    check.true("CS-025", (await storage.alive()).http is not None, say("服务器仍应答", "the server still answers"), "-")


@verifies("CS-028")
async def test_too_large(storage: Storage, check: Checks) -> None:
    """Refused by its length."""
    bucket, owner = await storage.bucket(), storage.owner
    most = storage.declared.maximum_object
    if not most:
        check.not_applicable("CS-028", say("未声明最大对象长度", "no largest object is declared"))
        return
    check.step("s1")
    await good(storage, check, bucket, "clip", b"clip")
    check.step("s2")
    unsigned = owner.build("PUT", bucket, "huge", headers=[("Content-Length", str(most + 1))])
    stream = await owner.connections.open()
    stream.write(request_bytes(owner.sign(unsigned, payload="unsigned")))
    check.step("s3")
    try:
        found = await owner.connections.read(stream, HttpAnswerReader("PUT"))
        answer = Answer(unsigned, storage.wire.now(), found)
    except (NoResponse, HttpAnswerError) as failure:
        answer = Answer(unsigned, storage.wire.now(), why=str(failure))
    finally:
        stream.close()
    await judge(storage, check, "CS-028", answer, (400,), "EntityTooLarge")
    await judge_content(storage, check, "CS-028", bucket, "huge", None)

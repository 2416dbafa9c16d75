"""CS-060 to CS-069: objects in parts, resumed and given up."""

from __future__ import annotations

import hashlib

from conformance.model.checks import Checks, say
from conformance.peers.storage.client import content_md5
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.s3_xml import read, read_listing, read_parts, read_upload_id, text
from conformance.suites.cloud_storage.steps import GOOD, judge, judge_content

MEBIBYTE = 1 << 20
SMALL = b"small"
KEY = "clip"
TOO_SMALL = "EntityTooSmall"  # also true of two small parts, and a server may look at sizes first


def tag(body: bytes) -> str:
    """The ETag of a part."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


async def begun(storage: Storage, check: Checks, bucket: str, key: str = KEY) -> str:
    """The id of a new upload; empty, with the control leg failed, when there is none."""
    upload = read_upload_id((await storage.owner.begin_upload(bucket, key)).body)
    check.control(bool(upload), GOOD)
    return upload


@verifies("CS-060", "CS-061")
async def test_two_parts(storage: Storage, check: Checks, limits: Limits) -> None:
    """Part 2 first, then part 1; completed and read."""
    bucket, owner = await storage.bucket(), storage.owner
    one, two = b"1" * (int(limits("CS-062").part_size.number) * MEBIBYTE), b"2" * 1000
    check.step("s1")
    headers = [("Content-Type", "video/mp4"), ("x-amz-meta-device-id", "KDN00000001")]
    upload = read_upload_id((await owner.begin_upload(bucket, KEY, headers)).body)
    if not check.control(bool(upload), GOOD):
        return
    for number, body in ((2, two), (1, one)):
        answer = await owner.put_part(bucket, KEY, upload, number, body)
        await judge(storage, check, "CS-060", answer, (200,), about=f"part {number}")
        check.equal("CS-060", answer.header("etag"), tag(body), "ETag")
    check.step("s2")
    done = await owner.complete(bucket, KEY, upload, [(1, tag(one)), (2, tag(two))])
    await judge(storage, check, "CS-060", done, (200,), about="complete")
    read = await owner.get(bucket, KEY)
    check.true("CS-060", read.body == one + two, say("拼接的内容", "the parts joined"), f"{len(read.body)} bytes")
    told = (read.header("content-type"), read.header("x-amz-meta-device-id"))
    check.equal("CS-061", told, ("video/mp4", "KDN00000001"), say("类型与元数据", "type and metadata"))


@verifies("CS-066")
async def test_resumed_part(storage: Storage, check: Checks) -> None:
    """A part that broke off is sent again under its number."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    upload = await begun(storage, check, bucket)
    if not upload:
        return
    await owner.put_part(bucket, KEY, upload, 1, b"broken off")
    again = await owner.put_part(bucket, KEY, upload, 1, SMALL)
    if storage.not_implemented(again):
        check.not_applicable("CS-066", say("服务器不支持重传分段 (501)", "the server does not take a part again (501)"))
        return
    await judge(storage, check, "CS-066", again, (200,), about="part 1 again")
    check.step("s2")
    listed = read_parts((await owner.call("GET", bucket, KEY, query=[("uploadId", upload)])).body)
    check.equal("CS-066", listed, {1: (len(SMALL), tag(SMALL))}, "ListParts")
    check.step("s3")
    await owner.complete(bucket, KEY, upload, [(1, tag(SMALL))])
    await judge_content(storage, check, "CS-066", bucket, KEY, SMALL)


@verifies("CS-062")
async def test_small_parts(storage: Storage, check: Checks) -> None:
    """Two parts below the smallest size."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    upload = await begun(storage, check, bucket)
    if not upload:
        return
    for number in (1, 2):
        await owner.put_part(bucket, KEY, upload, number, SMALL)
    answer = await owner.complete(bucket, KEY, upload, [(1, tag(SMALL)), (2, tag(SMALL))])
    await judge(storage, check, "CS-062", answer, (400,), "EntityTooSmall")
    check.step("s2")
    await judge_content(storage, check, "CS-062", bucket, KEY, None)
    await owner.abort(bucket, KEY, upload)


@verifies("CS-063")
async def test_wrong_completions(storage: Storage, check: Checks) -> None:
    """Wrong tags, missing parts, wrong order, malformed bodies: each with an upload of its own."""
    bucket, owner = await storage.bucket(), storage.owner
    right = tag(SMALL)
    check.step("s3")
    proper = await begun(storage, check, bucket, "proper")
    await owner.put_part(bucket, "proper", proper, 1, SMALL)
    check.control((await owner.complete(bucket, "proper", proper, [(1, right)])).ok, GOOD)
    for about, parts, codes in (
        ("wrong ETag", [(1, tag(b"x"))], ("InvalidPart",)),
        ("missing part", [(1, right), (3, right)], ("InvalidPart", TOO_SMALL)),
        ("wrong order", [(2, right), (1, right)], ("InvalidPartOrder", TOO_SMALL)),
        ("malformed", [], ("MalformedXML",)),
    ):
        check.step("s1")
        upload = await begun(storage, check, bucket)
        if not upload:
            return
        for number in (1, 2):
            await owner.put_part(bucket, KEY, upload, number, SMALL)
        if parts:
            answer = await owner.complete(bucket, KEY, upload, parts)
        else:
            answer = await owner.call("POST", bucket, KEY, query=[("uploadId", upload)], body=b"<CompleteMultipartUp")
        code = answer.code if answer.code in codes else codes[0]
        await judge(storage, check, "CS-063", answer, (400,), code, about)
        check.step("s2")
        await judge_content(storage, check, "CS-063", bucket, KEY, None)
        await owner.abort(bucket, KEY, upload)


@verifies("CS-064", "CS-065")
async def test_ids_and_numbers(storage: Storage, check: Checks, limits: Limits) -> None:
    """An id that there is not; numbers at and beyond the bounds."""
    bucket, owner = await storage.bucket(), storage.owner
    upload = await begun(storage, check, bucket)
    if not upload:
        return
    unknown = "0" * max(8, len(upload))
    check.step("s1")
    for answer in (
        await owner.put_part(bucket, KEY, unknown, 1, SMALL),
        await owner.call("GET", bucket, KEY, query=[("uploadId", unknown)]),
        await owner.complete(bucket, KEY, unknown, [(1, tag(SMALL))]),
        await owner.abort(bucket, KEY, unknown),
    ):
        await judge(storage, check, "CS-064", answer, (404,), "NoSuchUpload")
    last = int(limits("CS-065").last.number)
    for number in (1, last):
        answer = await owner.put_part(bucket, KEY, upload, number, SMALL)
        await judge(storage, check, "CS-065", answer, (200,), about=f"part {number}")
    check.step("s2")
    for bad in (0, last + 1, "one"):
        answer = await owner.put_part(bucket, KEY, upload, bad, SMALL)
        await judge(storage, check, "CS-065", answer, (400,), about=f"part {bad}")
    await owner.abort(bucket, KEY, upload)


@verifies("CS-067")
async def test_unfinished_upload(storage: Storage, check: Checks) -> None:
    """Invisible while it lasts, gone after abort."""
    bucket, owner = await storage.bucket(), storage.owner
    await owner.put(bucket, KEY, b"old")
    check.step("s1")
    upload = await begun(storage, check, bucket)
    fresh = await begun(storage, check, bucket, "fresh")
    if not upload or not fresh:
        return
    await owner.put_part(bucket, KEY, upload, 1, SMALL)
    check.step("s2")
    await judge_content(storage, check, "CS-067", bucket, KEY, b"old")
    listing = read_listing((await owner.list_v1(bucket)).body)
    check.equal("CS-067", listing.keys if listing else None, [KEY], say("列举的键", "keys listed"))
    check.step("s3")
    for key, name in ((KEY, upload), ("fresh", fresh)):
        await judge(storage, check, "CS-067", await owner.abort(bucket, key, name), (204,))
    dead = await owner.put_part(bucket, KEY, upload, 1, SMALL)
    await judge(storage, check, "CS-067", dead, (404,), "NoSuchUpload")
    await judge_content(storage, check, "CS-067", bucket, KEY, b"old")


@verifies("CS-068")
async def test_part_with_a_wrong_digest(storage: Storage, check: Checks) -> None:
    """Refused and not kept; sent again with the right one, the upload completes."""
    bucket, owner = await storage.bucket(), storage.owner
    upload = await begun(storage, check, bucket)
    if not upload:
        return
    check.step("s1")
    wrong = await owner.put_part(bucket, KEY, upload, 1, SMALL, [content_md5(b"other")])
    await judge(storage, check, "CS-068", wrong, (400,), "BadDigest")
    listed = read_parts((await owner.call("GET", bucket, KEY, query=[("uploadId", upload)])).body)
    check.equal("CS-068", listed, {}, "ListParts")
    check.step("s2")
    right = await owner.put_part(bucket, KEY, upload, 1, SMALL, [content_md5(SMALL)])
    await judge(storage, check, "CS-068", right, (200,), about="the right digest")
    await judge(storage, check, "CS-068", await owner.complete(bucket, KEY, upload, [(1, tag(SMALL))]), (200,))
    check.step("s3")
    await judge_content(storage, check, "CS-068", bucket, KEY, SMALL)


@verifies("CS-069")
async def test_repeated_completion(storage: Storage, check: Checks) -> None:
    """The same completion twice."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    upload = await begun(storage, check, bucket)
    if not upload:
        return
    await owner.put_part(bucket, KEY, upload, 1, SMALL)
    first = await owner.complete(bucket, KEY, upload, [(1, tag(SMALL))])
    check.control(first.ok, GOOD)
    check.step("s2")
    second = await owner.complete(bucket, KEY, upload, [(1, tag(SMALL))])
    await judge(storage, check, "CS-069", second, (200, 404), about="the second completion")
    if second.ok:
        same = _etag(second.body) == _etag(first.body)
        check.true("CS-069", same, say("相同的 ETag", "the same ETag"), _etag(second.body))
    check.step("s3")
    await judge_content(storage, check, "CS-069", bucket, KEY, SMALL)


def _etag(body: bytes) -> str:
    root = read(body)
    return text(root, "ETag") if root is not None else ""

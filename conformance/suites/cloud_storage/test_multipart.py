"""CS-060 to CS-067: objects in parts, resumed and given up."""

from __future__ import annotations

import hashlib

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.s3_xml import read_listing, read_parts, read_upload_id
from conformance.suites.cloud_storage.steps import GOOD, judge, judge_content

MEBIBYTE = 1 << 20
SMALL = b"small"
KEY = "clip"


def tag(body: bytes) -> str:
    """The ETag of a part."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


async def begun(storage: Storage, check: Checks, bucket: str, key: str = KEY) -> str:
    """The id of a new upload; empty, with the control leg failed, when there is none."""
    upload = read_upload_id((await storage.owner.begin_upload(bucket, key)).body)
    check.control(bool(upload), GOOD)
    return upload


@verifies("CS-060", "CS-061", "CS-066")
async def test_two_parts(storage: Storage, check: Checks, limits: Limits) -> None:
    """Part 2 first, part 1 twice; listed, completed, read."""
    bucket, owner = await storage.bucket(), storage.owner
    size = int(limits("CS-062").part_size.number) * MEBIBYTE
    one, two, wrong = b"1" * size, b"2" * 1000, b"w" * 77
    check.step("s1")
    headers = [("Content-Type", "video/mp4"), ("x-amz-meta-device-id", "KDN00000001")]
    upload = read_upload_id((await owner.begin_upload(bucket, KEY, headers)).body)
    if not check.control(bool(upload), GOOD):
        return
    for number, body in ((2, two), (1, wrong), (1, one)):
        answer = await owner.put_part(bucket, KEY, upload, number, body)
        await judge(storage, check, "CS-060", answer, (200,), about=f"part {number}")
        check.equal("CS-060", answer.header("etag"), tag(body), "ETag")
    check.step("s2")
    listed = read_parts((await owner.call("GET", bucket, KEY, query=[("uploadId", upload)])).body)
    check.equal("CS-066", listed, {1: (len(one), tag(one)), 2: (len(two), tag(two))}, "ListParts")
    check.step("s3")
    done = await owner.complete(bucket, KEY, upload, [(1, tag(one)), (2, tag(two))])
    await judge(storage, check, "CS-060", done, (200,), about="complete")
    read = await owner.get(bucket, KEY)
    check.true("CS-060", read.body == one + two, say("拼接的内容", "the parts joined"), f"{len(read.body)} bytes")
    check.true("CS-066", read.body[:1] == b"1", say("重传的段", "the part sent again"), read.body[:1])
    told = (read.header("content-type"), read.header("x-amz-meta-device-id"))
    check.equal("CS-061", told, ("video/mp4", "KDN00000001"), say("类型与元数据", "type and metadata"))


@verifies("CS-062", "CS-063")
async def test_wrong_completions(storage: Storage, check: Checks) -> None:
    """Small parts, wrong tags, missing parts, wrong order, malformed bodies."""
    bucket, owner = await storage.bucket(), storage.owner
    right = tag(SMALL)
    check.step("s3")
    proper = await begun(storage, check, bucket, "proper")
    await owner.put_part(bucket, "proper", proper, 1, SMALL)
    check.control((await owner.complete(bucket, "proper", proper, [(1, right)])).ok, GOOD)
    check.step("s1")
    upload = await begun(storage, check, bucket)
    for number in (1, 2):
        await owner.put_part(bucket, KEY, upload, number, SMALL)
    too_small = await owner.complete(bucket, KEY, upload, [(1, right), (2, right)])
    await judge(storage, check, "CS-062", too_small, (400,), "EntityTooSmall")
    for about, parts, code in (
        ("wrong ETag", [(1, tag(b"x"))], "InvalidPart"),
        ("missing part", [(1, right), (3, right)], "InvalidPart"),
        ("wrong order", [(2, right), (1, right)], "InvalidPartOrder"),
    ):
        answer = await owner.complete(bucket, KEY, upload, parts)
        await judge(storage, check, "CS-063", answer, (400,), code, about)
    malformed = await owner.call("POST", bucket, KEY, query=[("uploadId", upload)], body=b"<CompleteMultipartUpload")
    await judge(storage, check, "CS-063", malformed, (400,), "MalformedXML")
    check.step("s2")
    for requirement in ("CS-062", "CS-063"):
        await judge_content(storage, check, requirement, bucket, KEY, None)
    await owner.abort(bucket, KEY, upload)


@verifies("CS-064", "CS-065")
async def test_ids_and_numbers(storage: Storage, check: Checks, limits: Limits) -> None:
    """An id that there is not; numbers at and beyond the bounds."""
    bucket, owner = await storage.bucket(), storage.owner
    upload = await begun(storage, check, bucket)
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

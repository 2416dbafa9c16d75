"""CS-050 to CS-055: parts of objects, conditions, missing keys."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.suites.cloud_storage.steps import GOOD, good, judge

CLIP = bytes(range(256)) * 4
SIZE = len(CLIP)
RANGES = (
    ("bytes=0-0", 0, 0),
    ("bytes=10-99", 10, 99),
    ("bytes=1000-", 1000, SIZE - 1),
    ("bytes=-24", SIZE - 24, SIZE - 1),
    (f"bytes=1000-{SIZE * 9}", 1000, SIZE - 1),
)


@verifies("CS-050", "CS-051", "CS-052")
async def test_ranges(storage: Storage, check: Checks) -> None:
    """Good, beyond the end, invalid."""
    bucket, owner = await storage.bucket(), storage.owner
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s1")
    for told, first, last in RANGES:
        answer = await owner.get(bucket, "clip", [("Range", told)])
        await judge(storage, check, "CS-050", answer, (206,), about=told)
        check.true(
            "CS-050",
            answer.body == CLIP[first : last + 1],
            say("准确的字节", "the exact bytes"),
            f"{told}: {len(answer.body)} bytes",
        )
        check.equal("CS-050", answer.header("content-range"), f"bytes {first}-{last}/{SIZE}", told)
    check.control((await owner.get(bucket, "clip", [("Range", "bytes=0-9")])).ok, GOOD)
    check.step("s2")
    for told in (f"bytes={SIZE}-", f"bytes={SIZE + 100}-{SIZE + 200}"):
        answer = await owner.get(bucket, "clip", [("Range", told)])
        await judge(storage, check, "CS-051", answer, (416,), "InvalidRange", told)
    for told in ("pages=1-2", "bytes=9-3", "bytes=a-b"):
        answer = await owner.get(bucket, "clip", [("Range", told)])
        await judge(storage, check, "CS-052", answer, (200,), about=told)
        check.true(
            "CS-052", answer.body == CLIP, say("整个对象", "the whole object"), f"{told}: {len(answer.body)} bytes"
        )


@verifies("CS-054")
async def test_conditions(storage: Storage, check: Checks) -> None:
    """Entity tags that fit and that do not."""
    bucket, owner = await storage.bucket(), storage.owner
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    tag = (await owner.head(bucket, "clip")).header("etag")
    check.step("s1")
    for name, value, status in (
        ("If-Match", tag, 200),
        ("If-Match", '"0123"', 412),
        ("If-None-Match", tag, 304),
        ("If-None-Match", '"0123"', 200),
    ):
        answer = await owner.get(bucket, "clip", [(name, value)])
        await judge(storage, check, "CS-054", answer, (status,), about=f"{name}: {value}")


@verifies("CS-055")
async def test_missing_key(storage: Storage, check: Checks) -> None:
    """GET and HEAD."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    await judge(storage, check, "CS-055", await owner.get(bucket, "missing"), (404,), "NoSuchKey")
    head = await owner.head(bucket, "missing")
    await judge(storage, check, "CS-055", head, (404,))
    check.equal("CS-055", head.body, b"", say("HEAD 的正文", "body of HEAD"))

"""CS-001 to CS-003: buckets."""

from __future__ import annotations

from conformance.model.checks import Checks
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.suites.cloud_storage.steps import GOOD, judge, judge_content

BAD_NAMES = ("ab", "a" * 64, "under_score", "-dash", "dash-", "two..dots", "192.168.5.4")


@verifies("CS-001")
async def test_missing_bucket(storage: Storage, check: Checks) -> None:
    """Found when created, 404 NoSuchBucket everywhere when not."""
    check.step("s1")
    bucket = await storage.bucket()
    check.control((await storage.owner.head(bucket)).ok, GOOD)
    check.step("s2")
    missing = f"{bucket}-missing"
    owner = storage.owner
    for answer in (
        await owner.get(missing, "a"),
        await owner.put(missing, "a", b"x"),
        await owner.list_v1(missing),
        await owner.delete(missing, "a"),
        await owner.begin_upload(missing, "a"),
    ):
        await judge(storage, check, "CS-001", answer, (404,), "NoSuchBucket")
    check.step("s3")
    await judge(storage, check, "CS-001", await owner.head(missing), (404,))


@verifies("CS-002")
async def test_illegal_names(storage: Storage, check: Checks) -> None:
    """Refused one by one."""
    check.step("s1")
    await storage.bucket()
    check.control(True, GOOD)
    check.step("s2")
    for name in BAD_NAMES:
        answer = await storage.owner.call("PUT", name)
        await judge(storage, check, "CS-002", answer, (400,), "InvalidBucketName", f"PUT /{name}")
        if answer.ok:
            await storage.owner.delete(name)


@verifies("CS-003")
async def test_deletion_of_buckets(storage: Storage, check: Checks) -> None:
    """Not while an object is in it."""
    check.step("s1")
    bucket, owner = await storage.bucket(), storage.owner
    await owner.put(bucket, "clip", b"clip")
    await judge(storage, check, "CS-003", await owner.delete(bucket), (409,), "BucketNotEmpty")
    check.step("s2")
    await judge_content(storage, check, "CS-003", bucket, "clip", b"clip")
    check.step("s3")
    await owner.delete(bucket, "clip")
    await judge(storage, check, "CS-003", await owner.delete(bucket), (204,))
    await judge(storage, check, "CS-003", await owner.delete(bucket), (404,), "NoSuchBucket")

"""CS-092, CS-095 and CS-096: tenants are kept apart, errors have their form, nothing unknown is done."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.protocols.s3_xml import read, read_upload_id, text
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, good, judge, judge_content

HIDDEN = (403, 404)
REFUSALS = (*CLIENT_ERRORS, 501)


@verifies("CS-092")
async def test_tenants(storage: Storage, check: Checks) -> None:
    """The other tenant by every method, as source of a copy, and with parts."""
    bucket, other = await storage.bucket(), storage.other
    assert other is not None
    check.step("s1")
    if not await good(storage, check, bucket, "clip", b"old"):
        return
    upload = read_upload_id((await storage.owner.begin_upload(bucket, "parts")).body)
    mine = await storage.bucket(other)
    check.step("s2")
    for about, answer in (
        ("GET", await other.get(bucket, "clip")),
        ("HEAD", await other.head(bucket, "clip")),
        ("PUT", await other.put(bucket, "clip", b"new")),
        ("PUT of a new key", await other.put(bucket, "fresh", b"new")),
        ("DELETE", await other.delete(bucket, "clip")),
        ("list", await other.list_v1(bucket)),
        ("DeleteObjects", await other.delete_many(bucket, ["clip"])),
        ("copy source", await other.copy(mine, "stolen", f"/{bucket}/clip")),
        ("part", await other.put_part(bucket, "parts", upload, 1, b"new")),
        ("abort", await other.abort(bucket, "parts", upload)),
        ("DeleteBucket", await other.delete(bucket)),
    ):
        await judge(storage, check, "CS-092", answer, HIDDEN, about=about)
    check.step("s3")
    await judge_content(storage, check, "CS-092", bucket, "clip", b"old")
    await judge_content(storage, check, "CS-092", bucket, "fresh", None)
    await storage.owner.abort(bucket, "parts", upload)
    await other.delete(mine, "stolen")
    await other.delete(mine)


@verifies("CS-095")
async def test_errors(storage: Storage, check: Checks) -> None:
    """XML and header of three errors."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    answers = [
        await owner.get(bucket, "missing"),
        await owner.list_v1(f"{bucket}-missing"),
        await storage.anonymous.get(bucket, "missing"),
    ]
    check.step("s2")
    ids = []
    for answer in answers:
        root = read(answer.body)
        told = {name: bool(root and text(root, name)) for name in ("Code", "Message", "RequestId")}
        check.equal("CS-095", told, dict.fromkeys(told, True), answer.summary)
        check.true("CS-095", "xml" in answer.header("content-type"), "XML", answer.header("content-type"))
        ids.append(answer.header("x-amz-request-id"))
    about = say("互不相同的请求编号", "request ids that differ")
    check.true("CS-095", all(ids) and len(set(ids)) == len(ids), about, ", ".join(ids))


@verifies("CS-096")
async def test_unknown_operations(storage: Storage, check: Checks) -> None:
    """Sub-resources and methods that nobody knows."""
    bucket, owner = await storage.bucket(), storage.owner
    if not await good(storage, check, bucket, "clip", b"old"):
        return
    check.step("s1")
    for method, key in (("GET", ""), ("PUT", ""), ("DELETE", ""), ("GET", "clip"), ("PUT", "clip"), ("DELETE", "clip")):
        answer = await owner.call(method, bucket, key, query=[("kandianUnknown", "")])
        await judge(storage, check, "CS-096", answer, REFUSALS, about=f"{method} {key or 'bucket'}?kandianUnknown")
    check.step("s2")
    strange = owner.sign(replace(owner.build("GET", bucket, "clip"), method="BREW"))
    await judge(storage, check, "CS-096", await owner.send(strange), REFUSALS, about="BREW")
    check.step("s3")
    await judge_content(storage, check, "CS-096", bucket, "clip", b"old")
    check.true("CS-096", (await owner.head(bucket)).ok, say("桶仍存在", "the bucket is still there"), "-")

"""CS-001 to CS-003, CS-005: buckets."""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.protocols.s3_xml import read_listing
from conformance.suites.cloud_storage.steps import GOOD, judge, judge_content

BAD_NAMES = ("ab", "a" * 64, "under_score", "-dash", "dash-", "two..dots", "192.168.5.4")
LIFE = 60


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


@verifies("CS-005")
async def test_addressing(storage: Storage, check: Checks) -> None:
    """Written in one form, read in the other, both ways; by a signed URL as well."""
    if storage.declared.addressing != "virtual_host" and not storage.endpoint.host.rpartition(".")[2].isalpha():
        reason = say("以 IP 地址访问且未声明虚拟主机", "reached by an IP address; virtual hosts are not declared")
        check.not_applicable("CS-005", reason)
        return
    bucket, owner = await storage.bucket(), storage.owner
    forms = {"path": storage.client(storage.loaded.accounts[0]), "host": storage.client(storage.loaded.accounts[0])}
    for name, client in forms.items():
        client.virtual_host = name == "host"
    check.step("s1")
    for name, client in forms.items():
        written = await client.put(bucket, f"by {name}", name.encode())
        await judge(storage, check, "CS-005", written, (200,), about=f"PUT by {name}")
    check.step("s2")
    for name, client in forms.items():
        for other in forms:
            read = await client.get(bucket, f"by {other}")
            check.equal("CS-005", read.body, other.encode(), f"{name} reads what {other} wrote")
        signed = client.presign(client.build("GET", bucket, "by path"), expires=LIFE)
        check.equal("CS-005", (await storage.anonymous.send(signed)).body, b"path", f"URL by {name}")
        listing = read_listing((await client.list_v1(bucket)).body)
        check.equal("CS-005", listing.keys if listing else None, ["by host", "by path"], f"listing by {name}")
    check.step("s3")
    await judge(storage, check, "CS-005", await forms["host"].delete(bucket, "by path"), (204,), about="DELETE by host")
    await judge(storage, check, "CS-005", await owner.get(bucket, "by path"), (404,))

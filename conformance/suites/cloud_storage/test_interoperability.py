"""CS-100, CS-100a, CS-101: applications are built on SDKs; do they work?"""

from __future__ import annotations

from conformance.model.checks import Checks, say
from conformance.peers.storage.sdk_clients import RESOLUTION, Boto3Client, MinioClient, SdkClient, Target
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.suites.cloud_storage.steps import GOOD

WORKS = say("成功", "works")


async def target(storage: Storage) -> Target:
    """A bucket of its own for the client; in its path where the storage has an address and no name, which no bucket can
    stand in front of."""
    owner = storage.owner
    assert owner.credentials is not None
    in_host = owner.virtual_host and any(letter.isalpha() for letter in owner.endpoint.host.rpartition(".")[2])
    seconds, bucket = storage.limits["answer_wait"].seconds, await storage.bucket()
    return Target(owner.endpoint, owner.credentials, owner.region, owner.version, bucket, seconds, in_host)


async def judge_client(storage: Storage, check: Checks, requirement: str, client: SdkClient) -> None:
    """Every step of a client works."""
    check.step("s1")
    answer = await storage.owner.put(client.target.bucket, "control", b"control")
    if not check.control(answer.ok, GOOD):
        return
    await storage.owner.delete(client.target.bucket, "control")
    check.step("s2")
    for result in await client.run(storage.wire, type(client).__name__):
        if result.step == RESOLUTION:
            check.inconclusive(requirement, say(f"桶的主机名无法解析: {result.error}", f"no address: {result.error}"))
            return
        about = f"{result.step}: {result.error}" if result.error else result.step
        check.true(requirement, not result.error, WORKS, about)


@verifies("CS-100")
async def test_boto3(storage: Storage, check: Checks) -> None:
    """As it was before it sent checksums by default."""
    await judge_client(storage, check, "CS-100", Boto3Client(await target(storage), "when_required"))


@verifies("CS-100a")
async def test_boto3_with_checksums(storage: Storage, check: Checks) -> None:
    """As it comes today."""
    await judge_client(storage, check, "CS-100a", Boto3Client(await target(storage), "when_supported"))


@verifies("CS-101")
async def test_minio(storage: Storage, check: Checks) -> None:
    """The client that most tools use."""
    await judge_client(storage, check, "CS-101", MinioClient(await target(storage)))

"""CS-030 to CS-035: only what is signed by the right secret, now, and unchanged, is done."""

from __future__ import annotations

from dataclasses import replace

from conformance.model.checks import Checks
from conformance.peers.storage.client import StorageClient
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.raw_request import RawRequest
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content
from specs.declaration import Account

OLD = b"old"


async def judge_stranger(storage: Storage, check: Checks, requirement: str, client: StorageClient, code: str) -> None:
    """Whatever this client tries is refused and changes nothing."""
    bucket = await storage.bucket()
    check.step("s1")
    if not await good(storage, check, bucket, "clip", OLD):
        return
    check.step("s2")
    for answer in (
        await client.get(bucket, "clip"),
        await client.head(bucket, "clip"),
        await client.put(bucket, "clip", b"new"),
        await client.put(bucket, "fresh", b"new"),
        await client.list_v1(bucket),
        await client.delete(bucket, "clip"),
    ):
        await judge(storage, check, requirement, answer, (403,), code)
    check.step("s3")
    await judge_content(storage, check, requirement, bucket, "clip", OLD)
    await judge_content(storage, check, requirement, bucket, "fresh", None)


@verifies("CS-030")
async def test_wrong_secret(storage: Storage, check: Checks) -> None:
    """The right key id, another secret."""
    account = storage.loaded.accounts[0]
    client = storage.client(Account("wrong", account.access_key, account.secret_key + "x"))
    await judge_stranger(storage, check, "CS-030", client, "SignatureDoesNotMatch")


@verifies("CS-031")
async def test_unknown_key(storage: Storage, check: Checks) -> None:
    """A key id that nobody has."""
    name = f"NOBODY{storage.wire.random.getrandbits(40):010X}"
    await judge_stranger(
        storage, check, "CS-031", storage.client(Account("nobody", name, "secret")), "InvalidAccessKeyId"
    )


@verifies("CS-032")
async def test_anonymous(storage: Storage, check: Checks) -> None:
    """No signature at all."""
    await judge_stranger(storage, check, "CS-032", storage.anonymous, "AccessDenied")


@verifies("CS-033")
async def test_clock_skew(storage: Storage, check: Checks, limits: Limits) -> None:
    """A little off is taken, more is not; both ways."""
    bucket, account = await storage.bucket(), storage.loaded.accounts[0]
    check.step("s1")
    await good(storage, check, bucket, "clip", OLD)
    for sign in (1, -1):
        near = storage.client(account, sign * limits("CS-033").tolerated.seconds)
        await judge(
            storage, check, "CS-033", await near.get(bucket, "clip"), (200,), about=f"{near.clock_offset:+.0f} s"
        )
    check.step("s2")
    for sign in (1, -1):
        far = storage.client(account, sign * limits("CS-033").refused.seconds)
        answer = await far.get(bucket, "clip")
        await judge(storage, check, "CS-033", answer, (403,), "RequestTimeTooSkewed", f"{far.clock_offset:+.0f} s")


def alterations(signed: RawRequest) -> dict[str, RawRequest]:
    """Every way to change one signed part of a request, by name."""
    path, _, query = signed.target.partition("?")
    found = {
        "another method": replace(signed, method="DELETE"),
        "another path": replace(signed, target=f"{path}x" + (f"?{query}" if query else "")),
        "a sub-resource more": signed.with_query("acl", ""),
    }
    for name, value in signed.headers:
        if name.lower() in ("authorization", "content-length", "host", "date"):
            continue
        found[f"{name} altered"] = signed.with_header(name, value[:-1] + ("0" if value[-1:] != "0" else "1"))
        found[f"{name} dropped"] = signed.without_header(name)
        found[f"{name} repeated"] = replace(signed, headers=(*signed.headers, (name, value)))
    found["an x-amz header more"] = replace(signed, headers=(*signed.headers, ("x-amz-meta-more", "1")))
    return found


@verifies("CS-034")
async def test_altered_requests(storage: Storage, check: Checks) -> None:
    """One part changed after signing."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    if not await good(storage, check, bucket, "clip", OLD):
        return
    request = owner.build(
        "PUT", bucket, "fresh", headers=[("x-amz-meta-a", "10"), ("Content-Type", "video/mp4")], body=b"new"
    )
    signed = owner.sign(request)
    check.step("s2")
    for about, altered in alterations(signed).items():
        await judge(storage, check, "CS-034", await owner.send(altered), CLIENT_ERRORS, about=about)
    check.step("s3")
    await judge_content(storage, check, "CS-034", bucket, "fresh", None)
    await judge_content(storage, check, "CS-034", bucket, "clip", OLD)
    check.control((await owner.send(signed)).ok, GOOD)


@verifies("CS-035")
async def test_malformed_authorization(storage: Storage, check: Checks) -> None:
    """Text that is no authorization."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    if not await good(storage, check, bucket, "clip", OLD):
        return
    signed = owner.sign(owner.build("GET", bucket, "clip"))
    told = signed.header("Authorization") or ""
    check.step("s2")
    scheme, _, rest = told.partition(" ")
    for text in (
        told[: len(told) // 2],
        scheme,
        f"{scheme} ",
        f"Bearer {rest}",
        f"{scheme} {rest.replace('=', '')}",
        "x" * 2000,
    ):
        answer = await owner.send(signed.with_header("Authorization", text))
        await judge(storage, check, "CS-035", answer, CLIENT_ERRORS, about=repr(text[:40]))

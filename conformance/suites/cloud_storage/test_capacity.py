"""CS-098 and CS-099: what happens at the end of the space, and under more load than is served."""

from __future__ import annotations

import asyncio

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, judge

MEGABYTE = 1_000_000
FULL = (*CLIENT_ERRORS, 507)
THROTTLED = 503


@verifies("CS-098")
async def test_quota(storage: Storage, check: Checks, limits: Limits) -> None:
    """The second tenant writes, by copies where the storage makes them, until it is refused."""
    client, limit = storage.other, limits("CS-098")
    assert client is not None
    quota = storage.declared.quota
    if quota > limit.fillable.number * MEGABYTE:
        reason = say("声明的配额过大，测试不予写满", "the declared quota is larger than the test fills")
        check.not_applicable("CS-098", reason)
        return
    bucket, piece = await storage.bucket(client), bytes(int(limit.piece.number * MEGABYTE))
    check.step("s1")
    check.control((await client.put(bucket, "clip-0", piece)).ok, GOOD)
    check.step("s2")
    written, refusal = 1, None
    while written <= quota // len(piece) + 1 and refusal is None:
        answer = await client.copy(bucket, f"clip-{written}", f"/{bucket}/clip-0")
        if storage.not_implemented(answer):
            answer = await client.put(bucket, f"clip-{written}", piece)
        if answer.ok:
            written += 1
        else:
            refusal = answer
    full = say("超出配额时拒绝", "refused beyond the quota")
    check.true("CS-098", refusal is not None, full, f"{written} x {len(piece)} bytes")
    if refusal is not None:
        await judge(storage, check, "CS-098", refusal, FULL, about="PUT beyond the quota")
        check.true("CS-098", (written + 1) * len(piece) > quota, say("配额未提前用尽", "not before the quota"), written)
    check.step("s3")
    there = (await client.head(bucket, "clip-0")).header("content-length")
    check.equal("CS-098", there, str(len(piece)), "Content-Length")
    absent = await client.head(bucket, f"clip-{written}")
    await judge(storage, check, "CS-098", absent, (404,), about="the refused object")
    check.step("s4")
    for number in range(written):
        await client.delete(bucket, f"clip-{number}")
    again = await client.put(bucket, "again", b"recording")
    await judge(storage, check, "CS-098", again, (200,), about="PUT after a deletion")
    await client.delete(bucket, "again")
    await client.delete(bucket)


@verifies("CS-099")
async def test_overload(storage: Storage, check: Checks, limits: Limits) -> None:
    """All at once; what is throttled comes again."""
    bucket, owner, limit = await storage.bucket(), storage.owner, limits("CS-099")
    waiting = {f"clip-{number}": f"recording {number}".encode() for number in range(int(limit.burst.number))}
    keys = dict(waiting)
    check.step("s1")
    odd: list[str] = []
    for number in range(int(limit.rounds.number)):
        if number:
            check.step("s2")
            await storage.wire.sleep(limit.pause.seconds * 2 ** (number - 1))
        answers = await asyncio.gather(*(owner.put(bucket, key, body) for key, body in waiting.items()))
        odd += [a.summary for a in answers if not a.ok and (a.status, a.code) != (THROTTLED, "SlowDown")]
        waiting = {key: waiting[key] for key, answer in zip(waiting, answers, strict=True) if not answer.ok}
        if not waiting:
            break
    check.equal("CS-099", odd[:10], [], say("既非成功也非 503 SlowDown 的应答", "neither success nor 503 SlowDown"))
    check.equal("CS-099", sorted(waiting), [], say("重试后仍未写入", "still not written after repetition"))
    check.step("s3")
    found = await asyncio.gather(*(owner.get(bucket, key) for key in keys))
    lost = [answer.summary for answer, body in zip(found, keys.values(), strict=True) if answer.body != body]
    check.equal("CS-099", lost, [], say("读出不同的对象", "objects that read differently"))

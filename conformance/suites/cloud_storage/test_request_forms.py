"""CS-004, CS-020, CS-022, CS-026, CS-046: XML bodies, Expect, conditions on writes, headers of a dialect, overrides."""

from __future__ import annotations

import asyncio

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import request_bytes
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import content_md5
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.http_answer import HttpAnswer, HttpAnswerReader
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_xml import delete_body, read_deleted
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content
from conformance.wire import Expired, Reset, Stream

CLIP = b"0123456789" * 20
MALFORMED = "MalformedXML"
BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(b'<!ENTITY %c "%s">' % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(8))
    + b"]><Delete><Object><Key>&i;</Key></Object></Delete>"
)


def bad_documents() -> dict[str, bytes]:
    """Bodies that are no Delete document."""
    whole = delete_body(["clip"])
    return {
        "truncated": whole[: len(whole) // 2],
        "no XML": b"clip\n",
        "another root": whole.replace(b"Delete", b"Remove"),
        "expanding entities": BOMB,
    }


@verifies("CS-004")
async def test_malformed_documents(storage: Storage, check: Checks) -> None:
    """Batch delete and create bucket."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    for key in ("clip", "other"):
        if not await good(storage, check, bucket, key, CLIP):
            return
    deleted = read_deleted((await owner.delete_many(bucket, ["other"])).body)
    check.control(deleted is not None and deleted.keys == ("other",), GOOD)
    check.step("s2")
    for about, body in bad_documents().items():
        asked = owner.build("POST", bucket, query=[("delete", "")], headers=[content_md5(body)], body=body)
        await judge(storage, check, "CS-004", await owner.send(owner.sign(asked)), (400,), MALFORMED, about)
    fresh = f"kandian-{storage.wire.random.getrandbits(64):016x}"
    body = b"<CreateBucketConfiguration><LocationConstraint>"
    await judge(storage, check, "CS-004", await owner.call("PUT", fresh, body=body), (400,), MALFORMED, "PUT bucket")
    check.step("s3")
    await judge_content(storage, check, "CS-004", bucket, "clip", CLIP)
    head = await owner.head(fresh)
    await judge(storage, check, "CS-004", head, (404,), about="HEAD bucket")
    if head.ok:
        await owner.delete(fresh)


async def first_answer(
    storage: Storage, stream: Stream, reader: HttpAnswerReader, within: float
) -> tuple[int, HttpAnswer | None]:
    """The status that comes first, 1xx or final, and the final answer if it is there; 0 for nothing in time."""
    until = storage.wire.now() + within
    try:
        while (left := until - storage.wire.now()) > 0:
            chunk = await stream.read(within=left)
            found = reader.feed(chunk.data) if chunk.data else reader.end()
            if reader.interim:
                return reader.interim[0], found
            if found is not None:
                return found.status, found
            if not chunk.data:
                break
    except (Expired, Reset):
        pass
    return 0, None


def expecting(request: RawRequest) -> tuple[bytes, bytes]:
    """Head, with Expect, and body."""
    raw = request_bytes(request.with_header("Expect", "100-continue"))
    return raw[: len(raw) - len(request.body)], request.body


@verifies("CS-020")
async def test_expect(storage: Storage, check: Checks, limits: Limits) -> None:
    """The head first, the body when it is asked for."""
    bucket, owner, wait = await storage.bucket(), storage.owner, limits("CS-020").wait.seconds
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    head, body = expecting(owner.sign(owner.build("PUT", bucket, "asked", body=CLIP)))
    stream, reader = await owner.connections.open(), HttpAnswerReader("PUT")
    stream.write(head)
    status, _ = await first_answer(storage, stream, reader, wait)
    if check.equal("CS-020", status, 100, say("收到首部后的应答", "the answer to the head")):
        stream.write(body)
        answer = await owner.connections.read(stream, reader)
        check.equal("CS-020", answer.status, 200, say("收到正文后的应答", "the answer to the body"))
        await judge_content(storage, check, "CS-020", bucket, "asked", CLIP)
    stream.close()
    check.step("s3")
    request = owner.sign(owner.build("PUT", bucket, "refused", body=CLIP))
    told = request.header("Authorization") or ""
    head, _ = expecting(request.with_header("Authorization", told[:-10] + "0" * 10))
    stream = await owner.connections.open()
    stream.write(head)
    status, _ = await first_answer(storage, stream, HttpAnswerReader("PUT"), wait)
    stream.close()
    about = say("签名错误时不索取正文", "the body is not asked for when the signature is wrong")
    check.true("CS-020", status in CLIENT_ERRORS, about, str(status))


@verifies("CS-022")
async def test_create_only(storage: Storage, check: Checks, limits: Limits) -> None:
    """A key that is there, one that is not, and a race."""
    bucket, owner = await storage.bucket(), storage.owner
    only = [("If-None-Match", "*")]
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    answer = await owner.put(bucket, "clip", b"new", only)
    if storage.not_implemented(answer):
        check.not_applicable(
            "CS-022", say("存储声明不支持条件写入 (501)", "the storage takes no conditional writes (501)")
        )
        return
    await judge(storage, check, "CS-022", answer, (412,), "PreconditionFailed")
    await judge_content(storage, check, "CS-022", bucket, "clip", CLIP)
    await judge(storage, check, "CS-022", await owner.put(bucket, "fresh", b"new", only), (200,))
    check.step("s3")
    bodies = [str(number).encode() * 1000 for number in range(int(limits("CS-022").writers.number))]
    answers = await asyncio.gather(*(owner.put(bucket, "race", body, only) for body in bodies))
    winners = [body for body, answer in zip(bodies, answers, strict=True) if answer.ok]
    check.equal("CS-022", len(winners), 1, say("成功的写入", "writes that succeed"))
    for answer in answers:
        if not answer.ok:
            await judge(storage, check, "CS-022", answer, (409, 412), about="a write that lost")
    if len(winners) == 1:
        await judge_content(storage, check, "CS-022", bucket, "race", winners[0])


@verifies("CS-026")
async def test_oos_headers(storage: Storage, check: Checks) -> None:
    """Taken, and the object is stored."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    if not await good(storage, check, bucket, "plain", CLIP):
        return
    check.step("s2")
    for name, value in (
        ("x-amz-limit", "rate=1024"),
        ("x-ctyun-data-location", "type=Local,scheduleStrategy=Allowed"),
    ):
        await judge(storage, check, "CS-026", await owner.put(bucket, name, CLIP, [(name, value)]), (200,), about=name)
        await judge_content(storage, check, "CS-026", bucket, name, CLIP)
    kind = (await owner.head(bucket, "plain")).header("content-type")
    check.equal("CS-026", kind, storage.dialect.default_type, say("默认类型", "default type"))


@verifies("CS-046")
async def test_overrides(storage: Storage, check: Checks, limits: Limits) -> None:
    """By somebody who has nothing but the URL."""
    bucket, owner, life = await storage.bucket(), storage.owner, limits("CS-046").lifetime.seconds
    overrides = {
        "content-type": "video/mp2t",
        "content-disposition": 'attachment; filename="clip 1.ts"',
        "cache-control": "no-store",
    }

    async def read(*names: str) -> Answer:
        query = [(f"response-{name}", overrides[name]) for name in names]
        return await storage.anonymous.send(
            owner.presign(owner.build("GET", bucket, "clip", query=query), expires=int(life))
        )

    check.step("s1")
    check.control((await owner.put(bucket, "clip", CLIP, [("Content-Type", "video/mp4")])).ok, GOOD)
    if not check.control((await read()).body == CLIP, GOOD):
        return
    check.step("s2")
    for names in (*((name,) for name in overrides), tuple(overrides)):
        answer = await read(*names)
        await judge(storage, check, "CS-046", answer, (200,), about=", ".join(names))
        found = {name: answer.header(name) for name in names}
        check.equal(
            "CS-046", found, {name: overrides[name] for name in names}, say("应答首部", "headers of the answer")
        )
    check.step("s3")
    kind = (await read()).header("content-type")
    check.equal("CS-046", kind, "video/mp4", say("对象的类型不变", "the object's type is as it was"))

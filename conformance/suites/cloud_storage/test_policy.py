"""CS-090, CS-091, CS-093, CS-094 and CS-CRE-06: what is private, and for whom it opens."""

from __future__ import annotations

import json
from typing import Any

from conformance.model.checks import Checks, say
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.s3_configuration import cors_body, policy_body, statement
from conformance.suites.cloud_storage.steps import GOOD, gap, good, judge, judge_content

CLIP = b"recording"
POLICY, CORS, FEATURE = "policy", "cors", "bucket_policy"
SHOP = "http://shop.example"
LISTED = f"{SHOP}/play?id=1"
FOREIGN = {
    "foreign": "http://thief.example/play",
    "look-alike host": "http://shop.example.thief.example/play",
    "listed one inside": f"http://thief.example/?{SHOP}/",
    "empty": "",
}
ORIGIN, FOREIGN_ORIGIN = SHOP, "http://thief.example"
ALLOW_ORIGIN = "access-control-allow-origin"


async def put_policy(storage: Storage, bucket: str, body: bytes) -> Answer:
    """PutBucketPolicy."""
    return await storage.owner.put_configuration(bucket, POLICY, body)


async def policy_of(storage: Storage, bucket: str) -> Answer:
    """GetBucketPolicy."""
    return await storage.owner.call("GET", bucket, query=[(POLICY, "")])


async def read_from(storage: Storage, bucket: str, key: str, referer: str | None) -> Answer:
    """As a browser that comes from a page; from nowhere with None."""
    headers = [] if referer is None else [("Referer", referer)]
    return await storage.anonymous.get(bucket, key, headers)


async def takes_effect(storage: Storage, limits: Limits, bucket: str, key: str, referer: str, status: int) -> Answer:
    """What a request is answered once the policy has spread, at the latest after its time."""
    limit = limits("CS-091")
    until = storage.wire.now() + limit.take_effect.seconds
    while (answer := await read_from(storage, bucket, key, referer)).status != status:
        if storage.wire.now() >= until:
            break
        await storage.wire.sleep(limit.step.seconds)
    return answer


@verifies("CS-090")
async def test_wrong_policies(storage: Storage, check: Checks) -> None:
    """Each kind of wrong policy; the good one stands."""
    bucket, owner, words = await storage.bucket(), storage.owner, storage.dialect.policy
    check.step("s1")
    none = await policy_of(storage, bucket)
    if gap(storage, check, none, FEATURE, "CS-090"):
        return
    await judge(storage, check, "CS-090", none, (404,), "NoSuchBucketPolicy")
    right = statement(words, ["GetObject"], f"{bucket}/*", referers=[f"{SHOP}/*"])
    await judge(storage, check, "CS-090", await put_policy(storage, bucket, policy_body(right)), (200, 204))
    check.step("s2")
    wrong: dict[str, bytes] = {
        "malformed JSON": policy_body(right)[:-2],
        "no Statement": json.dumps({"Version": "2012-10-17"}).encode(),
        "unknown Effect": policy_body({**right, "Effect": "Perhaps"}),
        "another bucket": policy_body({**right, "Resource": [words.resource + bucket + "-other/*"]}),
        "not JSON": b"<Policy/>",
    }
    for about, body in wrong.items():
        await judge(storage, check, "CS-090", await put_policy(storage, bucket, body), (400,), "MalformedPolicy", about)
    check.step("s3")
    check.equal("CS-090", _document(await policy_of(storage, bucket)), json.loads(policy_body(right)), "policy")
    await owner.call("DELETE", bucket, query=[(POLICY, "")])
    await judge(storage, check, "CS-090", await policy_of(storage, bucket), (404,), "NoSuchBucketPolicy")


def _document(answer: Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return answer.summary


@verifies("CS-091")
async def test_referers(storage: Storage, check: Checks, limits: Limits) -> None:
    """The allow list lets its own in and nobody else."""
    bucket, words = await storage.bucket(), storage.dialect.policy
    for key in ("open/clip", "shut/clip"):
        await good(storage, check, bucket, key, CLIP)
    check.step("s1")
    allowed = statement(words, ["GetObject"], f"{bucket}/open/*", referers=[f"{SHOP}/*"])
    answer = await put_policy(storage, bucket, policy_body(allowed))
    if gap(storage, check, answer, FEATURE, "CS-091"):
        return
    await judge(storage, check, "CS-091", answer, (200, 204), about="PutBucketPolicy")
    check.step("s2")
    listed = await takes_effect(storage, limits, bucket, "open/clip", LISTED, 200)
    await judge(storage, check, "CS-091", listed, (200,), about="a listed referer")
    check.true("CS-091", listed.body == CLIP, say("对象的内容", "the content"), f"{len(listed.body)} bytes")
    check.step("s3")
    for about, referer in FOREIGN.items():
        answer = await read_from(storage, bucket, "open/clip", referer)
        await judge(storage, check, "CS-091", answer, (403,), about=f"{about} referer")
    nowhere = await read_from(storage, bucket, "open/clip", None)
    await judge(storage, check, "CS-091", nowhere, (403,), about="no referer")
    elsewhere = await read_from(storage, bucket, "shut/clip", LISTED)
    await judge(storage, check, "CS-091", elsewhere, (403,), about="another prefix")
    written = await storage.anonymous.put(bucket, "open/clip", b"new", [("Referer", LISTED)])
    await judge(storage, check, "CS-091", written, (403,), about="PUT with a listed referer")
    check.step("s4")
    await storage.owner.call("DELETE", bucket, query=[(POLICY, "")])
    shut = await takes_effect(storage, limits, bucket, "open/clip", LISTED, 403)
    await judge(storage, check, "CS-091", shut, (403,), about="a listed referer without the policy")
    await judge_content(storage, check, "CS-091", bucket, "open/clip", CLIP)


@verifies("CS-CRE-06")
async def test_own_prefix(storage: Storage, check: Checks) -> None:
    """A device's account that a policy lets write under one prefix."""
    bucket, device = await storage.bucket(), storage.other
    assert device is not None
    name = storage.loaded.accounts[1].principal
    written = statement(storage.dialect.policy, ["PutObject"], f"{bucket}/a/*", principal=name)
    await good(storage, check, bucket, "b/clip", CLIP)
    answer = await put_policy(storage, bucket, policy_body(written))
    if gap(storage, check, answer, FEATURE, "CS-CRE-06"):
        return
    check.control(answer.ok, GOOD)
    check.step("s1")
    own = await device.put(bucket, "a/clip", CLIP)
    check.control(own.ok, say("设备可写自己的前缀", "the device may write under its prefix"))
    for about, tried in (
        ("PUT", await device.put(bucket, "b/clip", b"new")),
        ("PUT of a new key", await device.put(bucket, "b/fresh", b"new")),
        ("PUT beside the prefix", await device.put(bucket, "ab/clip", b"new")),
        ("GET", await device.get(bucket, "b/clip")),
        ("list", await device.list_v1(bucket)),
        ("DELETE", await device.delete(bucket, "b/clip")),
        ("DELETE of its own", await device.delete(bucket, "a/clip")),
    ):
        await judge(storage, check, "CS-CRE-06", tried, (403,), about=about)
    check.step("s2")
    await judge_content(storage, check, "CS-CRE-06", bucket, "b/clip", CLIP)
    await judge_content(storage, check, "CS-CRE-06", bucket, "b/fresh", None)
    await judge_content(storage, check, "CS-CRE-06", bucket, "a/clip", CLIP)


@verifies("CS-093")
async def test_cross_origin(storage: Storage, check: Checks) -> None:
    """Preflights and reads of an allowed and of another origin."""
    bucket, owner = await storage.bucket(), storage.owner
    await good(storage, check, bucket, "clip", CLIP)
    check.step("s1")
    answer = await owner.put_configuration(bucket, CORS, cors_body(ORIGIN, ["GET", "HEAD"]))
    if gap(storage, check, answer, CORS, "CS-093"):
        return
    await judge(storage, check, "CS-093", answer, (200, 204), about="PutBucketCors")
    check.step("s2")
    asked = await preflight(storage, bucket, ORIGIN, "GET")
    await judge(storage, check, "CS-093", asked, (200, 204), about="preflight")
    check.true("CS-093", asked.header(ALLOW_ORIGIN) in (ORIGIN, "*"), ALLOW_ORIGIN, asked.header(ALLOW_ORIGIN))
    methods = asked.header("access-control-allow-methods")
    check.true("CS-093", "GET" in methods, "access-control-allow-methods: GET", methods)
    read = await owner.get(bucket, "clip", [("Origin", ORIGIN)])
    check.true("CS-093", read.header(ALLOW_ORIGIN) in (ORIGIN, "*"), ALLOW_ORIGIN, read.header(ALLOW_ORIGIN))
    check.step("s3")
    for origin, method in ((FOREIGN_ORIGIN, "GET"), (ORIGIN, "DELETE")):
        refused = await preflight(storage, bucket, origin, method)
        await judge(storage, check, "CS-093", refused, (403,), about=f"preflight of {origin} for {method}")
        check.equal("CS-093", refused.header(ALLOW_ORIGIN), "", ALLOW_ORIGIN)
    foreign = await owner.get(bucket, "clip", [("Origin", FOREIGN_ORIGIN)])
    check.equal("CS-093", foreign.header(ALLOW_ORIGIN), "", f"GET, Origin: {FOREIGN_ORIGIN}")


async def preflight(storage: Storage, bucket: str, origin: str, method: str) -> Answer:
    """OPTIONS as a browser sends it."""
    headers = [("Origin", origin), ("Access-Control-Request-Method", method)]
    return await storage.anonymous.call("OPTIONS", bucket, "clip", headers=headers)


@verifies("CS-094")
async def test_private_by_default(storage: Storage, check: Checks) -> None:
    """Nothing was granted to anybody."""
    bucket, nobody = await storage.bucket(), storage.anonymous
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    check.step("s2")
    for about, answer in (
        ("GET", await nobody.get(bucket, "clip")),
        ("PUT", await nobody.put(bucket, "clip", b"new")),
        ("PUT of a new key", await nobody.put(bucket, "fresh", b"new")),
        ("list", await nobody.list_v1(bucket)),
        ("DELETE", await nobody.delete(bucket, "clip")),
    ):
        await judge(storage, check, "CS-094", answer, (403,), about=about)
    check.step("s3")
    await judge_content(storage, check, "CS-094", bucket, "clip", CLIP)
    await judge_content(storage, check, "CS-094", bucket, "fresh", None)

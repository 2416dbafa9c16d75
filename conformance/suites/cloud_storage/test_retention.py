"""CS-082 to CS-088, CS-RET-01 and CS-RET-03: what is deleted is gone, by hand or by rule, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime

from conformance.model.checks import Checks, say
from conformance.peers.device_control import DeviceControl
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.retention import SECONDS_PER_DAY, RetentionClock
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.s3_configuration import LifecycleRule, lifecycle_body, read_lifecycle
from conformance.protocols.s3_xml import read_listing, read_upload_id
from conformance.suites.cloud_storage.steps import GOOD, gap, judge, judge_content
from conformance.suites.cloud_storage.test_multipart import tag
from conformance.suites.cloud_storage.test_recordings import listings
from specs.layout import load_layout

TOGETHER = "retention clock"
CLIP = b"recording"
RULES = "lifecycle"
HOURS_PER_DAY = 24
_EXPIRY = re.compile(r'expiry-date="([^"]+)", rule-id="([^"]+)"')


async def put_rules(storage: Storage, bucket: str, body: bytes) -> Answer:
    """PutBucketLifecycleConfiguration."""
    return await storage.owner.put_configuration(bucket, RULES, body)


async def rules_of(storage: Storage, bucket: str) -> Answer:
    """GetBucketLifecycleConfiguration."""
    return await storage.owner.call("GET", bucket, query=[(RULES, "")])


def packages() -> list[LifecycleRule]:
    """A rule for each retention package."""
    return [LifecycleRule(f"days-{days}", f"{days}d/", days) for days in load_layout().packages]


@verifies("CS-082", "CS-RET-03")
async def test_proof_of_deletion(storage: Storage, check: Checks, limits: Limits) -> None:
    """Every way to the object before and after."""
    bucket, owner, life = await storage.bucket(), storage.owner, round(limits("CS-082").life.seconds)
    check.step("s1")
    upload = read_upload_id((await owner.begin_upload(bucket, "clip")).body)
    await owner.put_part(bucket, "clip", upload, 1, CLIP)
    check.control((await owner.complete(bucket, "clip", upload, [(1, tag(CLIP))])).ok, GOOD)
    signed = owner.presign(owner.build("GET", bucket, "clip"), expires=life)
    ways: dict[str, Callable[[], Awaitable[Answer]]] = {
        "GET": lambda: owner.get(bucket, "clip"),
        "HEAD": lambda: owner.head(bucket, "clip"),
        "Range": lambda: owner.get(bucket, "clip", [("Range", "bytes=0-3")]),
        "URL": lambda: storage.anonymous.send(signed),
        "copy": lambda: owner.copy(bucket, "copy", f"/{bucket}/clip"),
    }
    for name, way in ways.items():
        answer = await way()
        check.control(answer.ok, say(f"删除前 {name} 成功", f"{name} works before the deletion"))
    await owner.delete(bucket, "copy")
    check.step("s2")
    await judge(storage, check, "CS-082", await owner.delete(bucket, "clip"), (204,))
    check.step("s3")
    for requirement in ("CS-082", "CS-RET-03"):
        for name, way in ways.items():
            await judge(storage, check, requirement, await way(), (404,), about=name)
    check.step("s4")
    await storage.judge_death(await owner.complete(bucket, "clip", upload, [(1, tag(CLIP))]))
    for about, answer in await listings(storage, bucket):
        listing = read_listing(answer.body)
        check.equal("CS-082", listing.keys if listing else None, [], say(f"列举 {about}", f"listing {about}"))
    await judge_content(storage, check, "CS-082", bucket, "clip", None)


@verifies("CS-085")
async def test_rules_are_told(storage: Storage, check: Checks) -> None:
    """None, the packages, others, none."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    none = await rules_of(storage, bucket)
    if gap(storage, check, none, RULES, "CS-085"):
        return
    await judge(storage, check, "CS-085", none, (404,), "NoSuchLifecycleConfiguration")
    check.step("s2")
    for rules in (packages(), [LifecycleRule("only", "only/", 7, enabled=False)]):
        await judge(storage, check, "CS-085", await put_rules(storage, bucket, lifecycle_body(rules)), (200,))
        told = read_lifecycle((await rules_of(storage, bucket)).body)
        check.equal("CS-085", told, {rule.id: rule for rule in rules}, say("规则", "rules"))
    check.step("s3")
    gone = await owner.call("DELETE", bucket, query=[(RULES, "")])
    await judge(storage, check, "CS-085", gone, (204, 200), about="DELETE ?lifecycle")
    await judge(storage, check, "CS-085", await rules_of(storage, bucket), (404,), "NoSuchLifecycleConfiguration")
    check.true("CS-085", (await owner.head(bucket)).ok, say("桶仍存在", "the bucket is still there"), "-")


@verifies("CS-087")
async def test_wrong_rules(storage: Storage, check: Checks) -> None:
    """Each kind of wrong rules; the good ones stand."""
    bucket, rules = await storage.bucket(), packages()
    check.step("s1")
    first = await put_rules(storage, bucket, lifecycle_body(rules))
    if gap(storage, check, first, RULES, "CS-087"):
        return
    await judge(storage, check, "CS-087", first, (200,), about="PUT ?lifecycle")
    check.step("s2")
    rule, most = rules[0], storage.dialect.lifecycle.rules
    wrong = {
        "0 days": lifecycle_body([replace(rule, days=0)]),
        "one id twice": lifecycle_body([rule, replace(rule, prefix="other/")]),
        "malformed XML": lifecycle_body(rules)[:-5],
        f"{most + 1} rules": lifecycle_body([replace(rule, id=f"r{n}", prefix=f"p{n}/") for n in range(most + 1)]),
    }
    if not storage.dialect.lifecycle.overlap:
        wrong["overlapping prefixes"] = lifecycle_body([rule, replace(rule, id="in", prefix=f"{rule.prefix}in/")])
    for about, body in wrong.items():
        await judge(storage, check, "CS-087", await put_rules(storage, bucket, body), (400,), about=about)
    check.step("s3")
    told = read_lifecycle((await rules_of(storage, bucket)).body)
    check.equal("CS-087", told, {rule.id: rule for rule in rules}, say("原规则", "the old rules"))


@verifies("CS-086")
async def test_announced_expiry(storage: Storage, check: Checks, control: DeviceControl) -> None:
    """PUT and HEAD of an object under a rule and of another."""
    bucket, owner, rule = await storage.bucket(), storage.owner, packages()[-1]
    check.step("s1")
    first = await put_rules(storage, bucket, lifecycle_body([rule]))
    if gap(storage, check, first, RULES, "CS-086"):
        return
    await judge(storage, check, "CS-086", first, (200,), about="PUT ?lifecycle")
    now = await RetentionClock(storage, control).now()
    key = f"{rule.prefix}clip"
    check.step("s2")
    for about, answer in (("PUT", await owner.put(bucket, key, CLIP)), ("HEAD", await owner.head(bucket, key))):
        await storage.judge_death(answer)
        found = _EXPIRY.fullmatch(answer.header("x-amz-expiration"))
        named = say(f"{about} 的 x-amz-expiration", f"x-amz-expiration of {about}")
        if check.true("CS-086", found is not None, named, answer.header("x-amz-expiration")) and found:
            check.equal("CS-086", found[2], rule.id, "rule-id")
            days = _days(found[1], now)
            in_time = rule.days - 1 / HOURS_PER_DAY <= days <= rule.days + 1 + 1 / HOURS_PER_DAY
            check.true("CS-086", in_time, say(f"{rule.days} 天后", f"in {rule.days} days"), found[1])
    check.step("s3")
    await owner.put(bucket, "free", CLIP)
    check.equal("CS-086", (await owner.head(bucket, "free")).header("x-amz-expiration"), "", "x-amz-expiration")


def _days(date: str, now: float) -> float:
    try:
        return (parsedate_to_datetime(date).timestamp() - now) / SECONDS_PER_DAY
    except ValueError:
        return -1.0


@verifies("CS-084", "CS-088", "CS-RET-01")
async def test_expiry(storage: Storage, check: Checks, limits: Limits, control: DeviceControl) -> None:
    """An hour before, nothing is gone; after it, only what is due."""
    bucket, owner = await storage.bucket(), storage.owner
    short, long = packages()[0], packages()[-1]
    margin = limits("CS-084").margin.seconds / SECONDS_PER_DAY
    clock = RetentionClock(storage, control)
    check.step("s1")
    rules = [replace(short, abort_days=short.days), long]
    first = await put_rules(storage, bucket, lifecycle_body(rules))
    if gap(storage, check, first, RULES, "CS-084", "CS-088", "CS-RET-01"):
        return
    await judge(storage, check, "CS-084", first, (200,), about="PUT ?lifecycle")
    due, late, free = f"{short.prefix}due", f"{long.prefix}late", "free"
    young = f"{short.prefix}young"
    for key in (due, late, free):
        check.control((await owner.put(bucket, key, CLIP)).ok, GOOD)
    upload = read_upload_id((await owner.begin_upload(bucket, f"{short.prefix}upload")).body)
    await clock.advance(short.days / 2)
    check.control((await owner.put(bucket, young, CLIP)).ok, GOOD)
    written = storage.wire.now()
    check.step("s2")
    if clock.movable:
        await clock.advance(short.days / 2 - margin)
        await storage.wire.sleep(clock.delay)
    for requirement in ("CS-084", "CS-RET-01"):
        for key in (due, young, late, free):
            await judge_content(storage, check, requirement, bucket, key, CLIP)
    alive = await list_parts(storage, bucket, f"{short.prefix}upload", upload)
    check.true("CS-088", alive.ok, say("到期前上传仍在", "the upload is there before its time"), alive.summary)
    check.step("s3")
    await clock.advance(2 * margin if clock.movable else short.days / 2 + margin)
    until = storage.wire.now() + clock.delay
    step = limits("CS-084").step.seconds
    while (await owner.head(bucket, due)).status != 404 and storage.wire.now() < until:
        await storage.wire.sleep(step)
    kept = (young, late, free) if clock.movable or storage.wire.now() < written + clock.seconds(short.days) else (free,)
    for requirement in ("CS-084", "CS-RET-01"):
        await judge_content(storage, check, requirement, bucket, due, None)
        for key in kept:
            await judge_content(storage, check, requirement, bucket, key, CLIP)
    while (await list_parts(storage, bucket, f"{short.prefix}upload", upload)).ok and storage.wire.now() < until:
        await storage.wire.sleep(step)
    dead = await list_parts(storage, bucket, f"{short.prefix}upload", upload)
    await judge(storage, check, "CS-088", dead, (404,), "NoSuchUpload", about="the abandoned upload")


async def list_parts(storage: Storage, bucket: str, key: str, upload: str) -> Answer:
    """ListParts."""
    return await storage.owner.call("GET", bucket, key, query=[("uploadId", upload)])

"""CS-078, CS-079 and the CS-UPL, CS-REA and CS-CRE rows: recordings as the service writes, finds and plays them."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib

import msgspec

from conformance.model.checks import Checks, say
from conformance.peers.http_connection import request_bytes
from conformance.peers.storage import clips
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import content_md5
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_xml import ListedObject, read_listing
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content
from conformance.suites.cloud_storage.test_authentication import alterations
from specs.declaration import Account
from specs.layout import Clip, load_layout

SECONDS = 1.0
CLIP_KEY = "shop-1/KDN00000001/1/20130801/100000-101500.mp4"
META = (("x-amz-meta-start", "2013-08-01T10:00:00Z"), ("x-amz-meta-end", "2013-08-01T10:15:00Z"))
LIFE = 60
QUOTE = '"'
DAY = 86_400
MINUTE = dt.timedelta(minutes=1)
TEN_MINUTES = 10 * MINUTE
DAY_BEGINS = dt.datetime(2013, 8, 1, tzinfo=dt.UTC)


@verifies("CS-078", "CS-REA-01")
async def test_query_by_time(storage: Storage, check: Checks) -> None:
    """Clips on both sides of every border, and one over midnight; each query against the truth."""
    bucket, owner, layout = await storage.bucket(), storage.owner, load_layout()
    check.step("s1")
    starts = (DAY_BEGINS - TEN_MINUTES, *(DAY_BEGINS + number * 2 * TEN_MINUTES for number in range(1, 6)))
    recorded = [Clip("shop-1", "KDN00000001", 1, start, start + 2 * TEN_MINUTES) for start in starts]
    others = [msgspec.structs.replace(clip, channel=2) for clip in recorded]
    others += [msgspec.structs.replace(clip, device="KDN00000002") for clip in recorded]
    keys = [layout.key_of(clip) for clip in (*recorded, *others)]
    written = await asyncio.gather(*(owner.put(bucket, key, key.encode()) for key in reversed(keys)))
    check.control(all(answer.ok for answer in written), GOOD)
    check.step("s2")
    for begin, end in ((-5, 5), (0, 20), (20, 40), (25, 26), (39, 41), (5, 200), (200, 300)):
        start, stop = DAY_BEGINS + begin * MINUTE, DAY_BEGINS + end * MINUTE
        folder = layout.folder("shop-1", "KDN00000001", 1)
        after = layout.start_after("shop-1", "KDN00000001", 1, start)
        answer = await _listed_after(storage, bucket, folder, after)
        await storage.judge_death(answer)
        listing = read_listing(answer.body)
        found = layout.within(listing.keys, start, stop) if listing else None
        check.step("s3")
        truth = [layout.key_of(clip) for clip in recorded if clip.overlaps(start, stop)]
        about = f"[{start:%H:%M}, {stop:%H:%M})"
        check.equal("CS-078", found, truth, about)
        listed = [key for key in listing.keys if key > after] if listing else None
        expected = sorted(layout.key_of(clip) for clip in recorded if layout.key_of(clip) > after)
        check.equal("CS-REA-01", listed, expected, about)


async def _listed_after(storage: Storage, bucket: str, folder: str, after: str) -> Answer:
    """By start-after, or by marker in a dialect that has the first version only."""
    if storage.dialect.list_v2:
        return await storage.owner.list_objects(bucket, prefix=folder, start_after=after)
    return await storage.owner.list_v1(bucket, prefix=folder, marker=after)


@verifies("CS-UPL-07", "CS-REA-05", "CS-UPL-02")
async def test_upload_and_download(storage: Storage, check: Checks) -> None:
    """A recording, a picture and their metadata; the same upload again."""
    bucket, owner = await storage.bucket(), storage.owner
    uploads = {
        CLIP_KEY: (clips.recording(SECONDS), "video/mp4"),
        CLIP_KEY.replace(".mp4", ".jpg"): (storage.wire.random.randbytes(20_000), "image/jpeg"),
    }
    for times in (1, 2):
        for key, (body, kind) in uploads.items():
            check.step("s1")
            headers = [("Content-Type", kind), *META, content_md5(body)]
            written = await owner.put(bucket, key, body, headers)
            await judge(storage, check, "CS-UPL-07", written, (200,), about=f"PUT {kind}")
            check.step("s2")
            read = await owner.get(bucket, key)
            same = hashlib.sha256(read.body).hexdigest() == hashlib.sha256(body).hexdigest()
            check.true("CS-REA-05", same, say("逐字节相同", "equal byte for byte"), f"{len(read.body)} bytes")
            told = (read.header("content-type"), *(read.header(name) for name, _ in META))
            check.equal("CS-UPL-07", told, (kind, *(value for _, value in META)), say("类型与元数据", "type, metadata"))
        listed = read_listing((await owner.list_v1(bucket)).body)
        sizes = {entry.key: entry.size for entry in listed.objects} if listed else {}
        expected = {key: len(body) for key, (body, _) in uploads.items()}
        check.equal("CS-UPL-02", sizes, expected, say(f"第 {times} 次上传后的列举", f"listing after upload {times}"))


@verifies("CS-UPL-04")
async def test_wrong_content(storage: Storage, check: Checks) -> None:
    """Wrong digest, and a length that the body does not have."""
    bucket, owner = await storage.bucket(), storage.owner
    if not await good(storage, check, bucket, CLIP_KEY, b"old"):
        return
    check.step("s1")
    wrong = await owner.put(bucket, CLIP_KEY, b"new", [content_md5(b"other")])
    await judge(storage, check, "CS-UPL-04", wrong, (400,), "BadDigest")
    longer = owner.sign(owner.build("PUT", bucket, CLIP_KEY, headers=[("Content-Length", "4096")], body=b"new"))
    stream = await owner.connections.open()
    stream.write(request_bytes(longer))
    await stream.drain()
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    stream.abort()
    check.step("s2")
    await judge_content(storage, check, "CS-UPL-04", bucket, CLIP_KEY, b"old")


@verifies("CS-REA-03", "CS-REA-04")
async def test_play_addresses(storage: Storage, check: Checks) -> None:
    """A signed address plays in ranges; late, altered, or for another recording it does not."""
    bucket, owner = await storage.bucket(), storage.owner
    clip = clips.recording(SECONDS)
    await good(storage, check, bucket, CLIP_KEY, clip)
    await good(storage, check, bucket, "other.mp4", b"other")
    plain = owner.build("GET", bucket, CLIP_KEY)
    fresh = owner.presign(plain, expires=LIFE)
    check.step("s1")
    spans = {"bytes=0-9": (0, 10), "bytes=100-": (100, len(clip)), "bytes=-50": (len(clip) - 50, len(clip))}
    for span, (start, end) in spans.items():
        answer = await storage.anonymous.send(fresh.with_header("Range", span))
        await judge(storage, check, "CS-REA-04", answer, (206,), about=span)
        told = (answer.body == clip[start:end], answer.header("content-range"))
        check.equal("CS-REA-04", told, (True, f"bytes {start}-{end - 1}/{len(clip)}"), "Content-Range")
    beyond = await storage.anonymous.send(fresh.with_header("Range", f"bytes={len(clip)}-"))
    await judge(storage, check, "CS-REA-04", beyond, (416,), about="beyond the end")
    check.step("s2")
    late = owner.presign(plain, expires=LIFE, at=owner.now - DAY)
    signature = fresh.target.rpartition("Signature=")[2]
    altered = fresh.target.replace(signature, signature[::-1]) if signature != signature[::-1] else fresh.target[:-1]
    for about, target in (
        ("late", late.target),
        ("altered", altered),
        ("another recording", fresh.target.replace(f"/{CLIP_KEY}?", "/other.mp4?")),
        ("unsigned", fresh.path),
    ):
        answer = await storage.anonymous.send(RawRequest("GET", target, plain.headers))
        await judge(storage, check, "CS-REA-03", answer, (403,), about=about)
    good_again = await storage.anonymous.send(fresh)
    check.control(good_again.body == clip, GOOD)


@verifies("CS-CRE-04", "CS-CRE-07")
async def test_authorised_parties(storage: Storage, check: Checks) -> None:
    """Nobody, a foreign key, a late credential; then every signed part of a request."""
    bucket, owner, account = await storage.bucket(), storage.owner, storage.loaded.accounts[0]
    if not await good(storage, check, bucket, CLIP_KEY, b"old"):
        return
    check.step("s1")
    foreign = storage.client(Account("foreign", f"NOBODY{storage.wire.random.getrandbits(40):010X}", "secret"))
    wrong = storage.client(Account("wrong", account.access_key, account.secret_key + "x"))
    late = storage.client(account, -DAY)
    for name, client in (("anonymous", storage.anonymous), ("foreign key", foreign), ("late", late), ("wrong", wrong)):
        for answer in (await client.get(bucket, CLIP_KEY), await client.put(bucket, CLIP_KEY, b"new")):
            requirement = "CS-CRE-07" if name in ("late", "wrong") else "CS-CRE-04"
            await judge(storage, check, requirement, answer, (403,), about=f"{answer.request.method} {name}")
    signed = owner.sign(owner.build("PUT", bucket, "fresh", headers=[("x-amz-meta-a", "10")], body=b"new"))
    for about, changed in alterations(signed).items():
        await judge(storage, check, "CS-CRE-07", await owner.send(changed), CLIENT_ERRORS, about=about)
    check.step("s2")
    await judge_content(storage, check, "CS-CRE-04", bucket, CLIP_KEY, b"old")
    await judge_content(storage, check, "CS-CRE-07", bucket, "fresh", None)
    check.control((await owner.send(signed)).ok, GOOD)


async def broken_off(storage: Storage, bucket: str, key: str) -> None:
    """An upload whose connection breaks inside its body."""
    owner = storage.owner
    whole = request_bytes(owner.sign(owner.build("PUT", bucket, key, body=b"new" * 20_000)))
    stream = await owner.connections.open()
    stream.write(whole[: len(whole) // 2])
    await stream.drain()
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    stream.abort()


async def listings(storage: Storage, bucket: str) -> list[tuple[str, Answer]]:
    """The listings that the dialect has."""
    found = [("V1", await storage.owner.list_v1(bucket))]
    if storage.dialect.list_v2:
        found.append(("V2", await storage.owner.list_objects(bucket)))
    return found


@verifies("CS-079", "CS-REA-02")
async def test_index_and_objects(storage: Storage, check: Checks, limits: Limits) -> None:
    """Written, overwritten, deleted, broken off: the listing says what HEAD of each key says."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    keys = [f"shop-1/KDN00000001/1/20130801/{hour:02d}0000-{hour:02d}1500.mp4" for hour in range(8)]
    await asyncio.gather(*(owner.put(bucket, key, key.encode()) for key in keys[:6]))
    await owner.put(bucket, keys[0], b"longer than it was before" * 3)
    await owner.delete(bucket, keys[1])
    await asyncio.gather(broken_off(storage, bucket, keys[2]), broken_off(storage, bucket, keys[6]))
    await owner.begin_upload(bucket, keys[7])
    await storage.wire.sleep(storage.limits["listening_step"].seconds)
    check.step("s2")
    heads = await asyncio.gather(*(owner.head(bucket, key) for key in keys))
    there = {
        key: (answer.header("content-length"), answer.header("etag").strip(QUOTE))
        for key, answer in zip(keys, heads, strict=True)
        if answer.ok
    }
    check.equal("CS-REA-02", list(there), [keys[0], *keys[2:6]], say("可读取的对象", "objects that can be read"))
    for about, answer in await listings(storage, bucket):
        listing = read_listing(answer.body)
        listed = {entry.key: _of(entry) for entry in listing.objects} if listing else None
        check.equal("CS-079", listed, there, say(f"列举 {about}", f"listing {about}"))
        check.equal("CS-REA-02", list(listed or {}), list(there), say(f"列举 {about}", f"listing {about}"))


def _of(entry: ListedObject) -> tuple[str, str]:
    return str(entry.size), entry.etag.strip(QUOTE)

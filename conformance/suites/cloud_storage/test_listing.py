"""CS-070 to CS-076, CS-080, CS-081 and CS-097: what is listed is what is there."""

from __future__ import annotations

import asyncio
import hashlib
from urllib.parse import unquote_plus

from conformance.model.checks import Checks, say
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.s3_xml import Listing, read, read_deleted, read_listing, text
from conformance.suites.cloud_storage.steps import judge, judge_content

LISTED = say("列举的键", "keys listed")
MOST_PAGES = 50
DAYS = ("20130801", "20130802", "20130803")


async def written(storage: Storage, bucket: str, keys: list[str]) -> None:
    """An object for each key; its content is the key."""
    await asyncio.gather(*(storage.owner.put(bucket, key, key.encode()) for key in keys))


async def keys_of(storage: Storage, bucket: str) -> list[str] | None:
    """All keys on the first page."""
    listing = read_listing((await storage.owner.list_v1(bucket)).body)
    return listing.keys if listing else None


def names(count: int) -> list[str]:
    """Keys whose order by UTF-8 bytes is not that of their making."""
    return [f"clip-{number * 5 % 97:03d}" for number in range(count - 2)] + ["片段", "zz"]


@verifies("CS-070")
async def test_pages(storage: Storage, check: Checks, limits: Limits) -> None:
    """Every key once, in order, with its size and ETag."""
    limit, bucket = limits("CS-070"), await storage.bucket()
    check.step("s1")
    keys = names(int(limit.objects.number))
    await written(storage, bucket, keys)
    check.step("s2")
    most = int(limit.page.number)
    pages = await storage.owner.pages(bucket, MOST_PAGES, max_keys=str(most))
    check.step("s3")
    found = [entry for page in pages for entry in page.objects]
    check.equal("CS-070", [entry.key for entry in found], sorted(keys, key=str.encode), LISTED)
    long = [len(page.objects) for page in pages if len(page.objects) > most or page.key_count != len(page.objects)]
    check.equal("CS-070", long, [], say("过长或计数有误的页", "pages that are too long or miscounted"))
    wrong = [
        entry.key
        for entry in found
        if entry.size != len(entry.key.encode())
        or entry.etag.strip('"') != hashlib.md5(entry.key.encode(), usedforsecurity=False).hexdigest()
    ]
    check.equal("CS-070", wrong, [], say("长度或 ETag 有误", "wrong size or ETag"))


@verifies("CS-071", "CS-072")
async def test_folders_and_times(storage: Storage, check: Checks) -> None:
    """Days of recordings as folders; a time as the lower bound."""
    bucket, owner = await storage.bucket(), storage.owner
    check.step("s1")
    keys = [f"shop/dev/0/{day}/{hour}0000.mp4" for day in DAYS for hour in ("08", "12", "20")]
    await written(storage, bucket, keys)
    check.step("s2")
    folders = [f"shop/dev/0/{day}/" for day in DAYS]
    page = read_listing((await owner.list_objects(bucket, prefix="shop/dev/0/", delimiter="/")).body)
    check.equal("CS-071", (list(page.prefixes), page.keys) if page else None, (folders, []), "CommonPrefixes")
    first = read_listing((await owner.list_objects(bucket, prefix="shop/dev/0/", delimiter="/", max_keys="2")).body)
    told = (list(first.prefixes), first.truncated) if first else None
    check.equal("CS-071", told, (folders[:2], True), "max-keys=2")
    for after, left in ((keys[3], keys[4:]), ("shop/dev/0/20130802/100000", keys[4:]), (keys[-1], [])):
        found = read_listing((await owner.list_objects(bucket, start_after=after)).body)
        check.equal("CS-072", found.keys if found else None, left, f"start-after {after}")
    check.step("s3")
    for key in keys[:3]:
        await owner.delete(bucket, key)
    page = read_listing((await owner.list_objects(bucket, prefix="shop/dev/0/", delimiter="/")).body)
    check.equal(
        "CS-071", list(page.prefixes) if page else None, folders[1:], say("删除后的目录", "folders after deletion")
    )


@verifies("CS-073")
async def test_markers(storage: Storage, check: Checks, limits: Limits) -> None:
    """V1, page by page."""
    limit, bucket = limits("CS-073"), await storage.bucket()
    check.step("s1")
    keys = names(int(limit.objects.number))
    await written(storage, bucket, keys)
    check.step("s2")
    found: list[str] = []
    page: Listing | None = None
    while page is None or (page.truncated and len(found) <= len(keys)):
        marker = {"marker": found[-1]} if found else {}
        answer = await storage.owner.list_v1(bucket, max_keys=str(int(limit.page.number)), **marker)
        page = read_listing(answer.body)
        if page is None or not page.keys:
            break
        found += page.keys
    check.equal("CS-073", found, sorted(keys, key=str.encode), LISTED)


@verifies("CS-076", "CS-080")
async def test_at_once(storage: Storage, check: Checks, limits: Limits) -> None:
    """Written and deleted in turn, looked at in between."""
    bucket, owner = await storage.bucket(), storage.owner
    for number in range(int(limits("CS-076").rounds.number)):
        key = f"clip-{number}"
        check.step("s1")
        await owner.put(bucket, key, b"clip")
        check.equal("CS-076", await keys_of(storage, bucket), [key], LISTED)
        await judge_content(storage, check, "CS-076", bucket, key, b"clip")
        check.step("s2")
        await judge(storage, check, "CS-080", await owner.delete(bucket, key), (204,))
        check.equal("CS-076", await keys_of(storage, bucket), [], LISTED)
        await judge(storage, check, "CS-080", await owner.get(bucket, key), (404,), "NoSuchKey")
        await judge(storage, check, "CS-080", await owner.delete(bucket, key), (204,), about="again")


@verifies("CS-081")
async def test_deletion_of_many(storage: Storage, check: Checks) -> None:
    """Some that are there, one that is not; loud and quiet."""
    bucket, owner = await storage.bucket(), storage.owner
    keys = ["a", "b & c", "片段"]
    for quiet in (False, True):
        await written(storage, bucket, keys)
        check.step("s2" if quiet else "s1")
        answer = await owner.delete_many(bucket, [*keys, "missing"], quiet=quiet)
        await judge(storage, check, "CS-081", answer, (200,), about=f"Quiet {quiet}")
        found = read_deleted(answer.body)
        told = (sorted(found.keys), list(found.errors)) if found else None
        expected = [] if quiet else sorted([*keys, "missing"])
        check.equal("CS-081", told, (expected, []), "DeleteResult")
        check.step("s3")
        check.equal("CS-081", await keys_of(storage, bucket), [], LISTED)


@verifies("CS-097")
async def test_side_by_side(storage: Storage, check: Checks, limits: Limits) -> None:
    """Many uploads at once."""
    bucket = await storage.bucket()
    keys = [f"clip-{number:04d}" for number in range(int(limits("CS-097").uploads.number))]
    check.step("s1")
    answers = await asyncio.gather(*(storage.owner.put(bucket, key, key.encode() * 100) for key in keys))
    failed = [answer.summary for answer in answers if not answer.ok]
    check.equal("CS-097", failed, [], say("失败的上传", "uploads that failed"))
    check.step("s2")
    check.equal("CS-097", await keys_of(storage, bucket), keys, LISTED)


@verifies("CS-074")
async def test_borders_of_a_page(storage: Storage, check: Checks, limits: Limits) -> None:
    """None, too many, nonsense."""
    bucket, owner, most = await storage.bucket(), storage.owner, int(limits("CS-074").most.number)
    check.step("s1")
    await written(storage, bucket, ["a", "b", "c"])
    check.control(await keys_of(storage, bucket) == ["a", "b", "c"], LISTED)
    check.step("s2")
    for asked, expected in (("0", []), ("2", ["a", "b"]), (str(most + 1), ["a", "b", "c"])):
        answer = await owner.list_v1(bucket, max_keys=asked)
        await judge(storage, check, "CS-074", answer, (200,), about=f"max-keys={asked}")
        listing = read_listing(answer.body)
        check.equal("CS-074", listing.keys if listing else None, expected, f"max-keys={asked}")
    check.step("s3")
    for asked in ("-1", "many"):
        answer = await owner.list_v1(bucket, max_keys=asked)
        await judge(storage, check, "CS-074", answer, (400,), "InvalidArgument", f"max-keys={asked}")
    if storage.dialect.list_v2:
        answer = await owner.list_objects(bucket, continuation_token="no token at all")
        await judge(storage, check, "CS-074", answer, (400,), about="continuation-token")


@verifies("CS-075")
async def test_encoded_listing(storage: Storage, check: Checks) -> None:
    """Keys and folders with everything that a URL encodes."""
    bucket, owner = await storage.bucket(), storage.owner
    keys = ["a b/c+d", "a b/片段", "plain", "p%41", "x&y<z>"]
    check.step("s1")
    await written(storage, bucket, keys)
    check.step("s2")
    answer = await owner.list_v1(bucket, encoding_type="url")
    await judge(storage, check, "CS-075", answer, (200,))
    root, listing = read(answer.body), read_listing(answer.body)
    check.equal("CS-075", text(root, "EncodingType") if root else None, "url", "EncodingType")
    check.step("s3")
    decoded = [unquote_plus(key) for key in listing.keys] if listing else None
    check.equal("CS-075", decoded, sorted(keys, key=str.encode), LISTED)
    folders = read_listing((await owner.list_v1(bucket, encoding_type="url", delimiter="/")).body)
    found = [unquote_plus(prefix) for prefix in folders.prefixes] if folders else None
    check.equal("CS-075", found, ["a b/"], "CommonPrefixes")

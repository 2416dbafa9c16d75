"""CS-095a and CS-095b: every operation of the table succeeds and is refused as the table says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from conformance.model.checks import Checks, say
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.client import StorageClient, content_md5
from conformance.peers.storage.storage import Storage
from conformance.plugin.marks import verifies
from conformance.protocols.s3_configuration import LifecycleRule, cors_body, lifecycle_body, policy_body, statement
from conformance.protocols.s3_xml import children, complete_body, delete_body, local, read, read_upload_id
from conformance.suites.cloud_storage.steps import good, judge, judge_content
from conformance.suites.cloud_storage.test_multipart import tag
from specs.declaration import Account
from specs.operations import Operation, load_operations

KEY = "clip"
CLIP = b"recording"
ORIGIN = "http://shop.example"
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Place:
    """Where an operation is carried out."""

    bucket: str
    key: str = KEY
    upload: str = ""


def document(storage: Storage, operation: Operation, place: Place) -> bytes:
    """The body of an operation, as the dialect words it."""
    policy = statement(storage.dialect.policy, ["GetObject"], f"{place.bucket}/open/*", referers=[f"{ORIGIN}/*"])
    return {
        "none": b"",
        "bytes": CLIP,
        "delete": delete_body(["gone"]),
        "complete": complete_body([(1, tag(CLIP))]),
        "lifecycle": lifecycle_body([LifecycleRule("week", "week/", 7)]),
        "policy": policy_body(policy),
        "cors": cors_body(ORIGIN, ["GET"]),
    }[operation.body]


async def carry_out(
    storage: Storage, client: StorageClient, operation: Operation, place: Place, *, cut: int = 0
) -> Answer:
    """One operation. ``cut``: bytes that its document lacks at the end."""
    names = {"bucket": place.bucket, "key": KEY, "upload": place.upload}
    body = document(storage, operation, place)
    body = body[: len(body) - cut]
    headers = [(name, value.format(**names)) for name, value in operation.headers.items()]
    if operation.body not in ("none", "bytes"):
        headers.append(content_md5(body))
    query = [(name, value.format(**names)) for name, value in operation.query.items()]
    bucket = "" if operation.at == "service" else place.bucket
    key = "" if operation.at != "object" else "copy" if operation.headers else place.key
    return await client.call(operation.method, bucket, key, query, headers, body)


async def begun(storage: Storage, bucket: str) -> str:
    """The id of an upload with one part."""
    upload = read_upload_id((await storage.owner.begin_upload(bucket, KEY)).body)
    await storage.owner.put_part(bucket, KEY, upload, 1, CLIP)
    return upload


def offered(storage: Storage) -> list[Operation]:
    """The operations of the dialect, without those that the declaration denies."""
    declared = storage.loaded.features
    return [op for op in load_operations().of(storage.dialect.name) if declared.get(op.feature) is not False]


@verifies("CS-095b")
async def test_answers(storage: Storage, check: Checks) -> None:
    """Each operation once, in the order of the table: what one sets, the next reads and the last removes."""
    bucket = await storage.bucket()
    check.step("s1")
    if not await good(storage, check, bucket, KEY, CLIP):
        return
    for operation in offered(storage):
        if operation.on_upload or operation.query == {"uploads": ""}:
            place = Place(bucket, upload=await begun(storage, bucket))
        elif operation.name == "DeleteBucket":
            place = Place(await storage.bucket())
        else:
            place = Place(bucket)
        check.step("s2")
        answer = await carry_out(storage, storage.owner, operation, place)
        if storage.not_implemented(answer) and storage.loaded.features.get(operation.feature) is not True:
            continue
        await judge(storage, check, "CS-095b", answer, operation.success.status, about=operation.name)
        missing = [name for name in operation.success.headers if not answer.header(name)]
        check.equal("CS-095b", missing, [], say(f"{operation.name} 缺少的首部", f"headers missing: {operation.name}"))
        if operation.success.root:
            check.step("s3")
            judge_document(check, operation, answer)


def judge_document(check: Checks, operation: Operation, answer: Answer) -> None:
    """Root and children."""
    root = read(answer.body)
    found = local(root.name) if root else answer.body[:40]
    check.equal("CS-095b", found, operation.success.root, say(f"{operation.name} 的根元素", f"root: {operation.name}"))
    lacking = [name for name in operation.success.elements if root is not None and not children(root, name)]
    check.equal("CS-095b", lacking, [], say(f"{operation.name} 缺少的元素", f"elements missing: {operation.name}"))


@verifies("CS-095a")
async def test_refusals(storage: Storage, check: Checks) -> None:
    """Each operation under each condition of its row."""
    bucket, account = await storage.bucket(), storage.loaded.accounts[0]
    check.step("s1")
    if not await good(storage, check, bucket, KEY, CLIP):
        return
    place = Place(bucket, upload=await begun(storage, bucket))
    clients = {
        "wrong_secret": storage.client(Account("wrong", account.access_key, account.secret_key + "x", account.token)),
        "unknown_access_key": storage.client(Account("nobody", f"NOBODY{place.bucket[-8:].upper()}", "secret")),
        "anonymous": storage.anonymous,
        "late": storage.client(account, -DAY),
    }
    places = {
        "missing_bucket": replace(place, bucket=f"{bucket}-missing"),
        "missing_key": replace(place, key="missing"),
        "missing_upload": replace(place, upload="0" * max(8, len(place.upload))),
    }
    table = load_operations()
    check.step("s2")
    for operation in offered(storage):
        for name in operation.refusals:
            refusal, client = table.conditions[name], clients.get(name, storage.owner)
            cut = 3 if name.startswith("malformed") else 0
            answer = await carry_out(storage, client, operation, places.get(name, place), cut=cut)
            if storage.not_implemented(answer) and storage.loaded.features.get(operation.feature) is not True:
                continue
            about = f"{operation.name}, {refusal.en}"
            await judge(storage, check, "CS-095a", answer, refusal.status, refusal.code, about)
    check.step("s3")
    await judge_content(storage, check, "CS-095a", bucket, KEY, CLIP)
    done = await storage.owner.complete(bucket, KEY, place.upload, [(1, tag(CLIP))])
    await judge(storage, check, "CS-095a", done, (200,), about="the upload is untouched")

"""CS-040 to CS-047: URLs that carry their signature, as the phone plays recordings."""

from __future__ import annotations

from urllib.parse import unquote

from conformance.model.checks import Checks, say
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.raw_request import RawRequest
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content

CLIP = b"0123456789" * 10
LIFE = 60
DAY = 86_400


async def fetch(storage: Storage, request: RawRequest) -> Answer:
    """By somebody who has nothing but the URL."""
    return await storage.anonymous.send(request)


def url(storage: Storage, bucket: str, key: str, method: str = "GET", age: float = 0.0, life: int = LIFE) -> RawRequest:
    """A URL that was signed ``age`` seconds ago for ``life`` seconds; a PUT carries the clip."""
    body = CLIP if method == "PUT" else b""
    length = [("Content-Length", str(len(body)))] if body else []
    plain = storage.owner.build(method, bucket, key).without_header("content-length")
    signed = storage.owner.presign(plain, expires=life, at=storage.owner.now - age)
    return RawRequest(method, signed.target, (*signed.headers, *length), body)


def changed(request: RawRequest, name: str, value: str | None) -> RawRequest:
    """The URL with one field replaced, or dropped with None."""
    path, _, query = request.target.partition("?")
    pairs = [pair.partition("=")[::2] for pair in query.split("&")]
    kept = [(n, value if n == name else v) for n, v in pairs if not (n == name and value is None)]
    return RawRequest(request.method, f"{path}?" + "&".join(f"{n}={v}" for n, v in kept), request.headers, request.body)


def fields(request: RawRequest) -> dict[str, str]:
    """The fields of the query."""
    return {name: unquote(value) for name, value in request.query_pairs}


@verifies("CS-040", "CS-047")
async def test_get(storage: Storage, check: Checks) -> None:
    """The object, or a range of it."""
    bucket = await storage.bucket()
    check.step("s1")
    await good(storage, check, bucket, "clip", CLIP)
    address = url(storage, bucket, "clip")
    check.step("s2")
    answer = await fetch(storage, address)
    await judge(storage, check, "CS-040", answer, (200,))
    check.true("CS-040", answer.body == CLIP, say("对象的内容", "the content"), f"{len(answer.body)} bytes")
    part = await fetch(storage, address.with_header("Range", "bytes=3-12"))
    await judge(storage, check, "CS-047", part, (206,))
    check.equal("CS-047", (part.body, part.header("content-range")), (CLIP[3:13], f"bytes 3-12/{len(CLIP)}"), "Range")


@verifies("CS-041", "CS-045")
async def test_expiry(storage: Storage, check: Checks, limits: Limits) -> None:
    """In time and after it."""
    bucket, limit = await storage.bucket(), limits("CS-041")
    life, late = round(limit.lifetime.seconds), limit.late.seconds
    check.step("s1")
    await good(storage, check, bucket, "clip", CLIP)
    in_time = await fetch(storage, url(storage, bucket, "clip", age=life / 2, life=life))
    await judge(storage, check, "CS-041", in_time, (200,), about="in time")
    written = await fetch(storage, url(storage, bucket, "written", "PUT"))
    await judge(storage, check, "CS-045", written, (200,))
    await judge_content(storage, check, "CS-045", bucket, "written", CLIP)
    check.step("s2")
    for age in (life + late, life + DAY):
        answer = await fetch(storage, url(storage, bucket, "clip", age=age, life=life))
        await judge(storage, check, "CS-041", answer, (403,), about=f"{age - life:.0f} s late")
    late_put = await fetch(storage, url(storage, bucket, "late", "PUT", age=life + late, life=life))
    await judge(storage, check, "CS-045", late_put, (403,))
    check.step("s3")
    await judge_content(storage, check, "CS-045", bucket, "late", None)


@verifies("CS-042", "CS-043", "CS-044")
async def test_altered_urls(storage: Storage, check: Checks) -> None:
    """Every field changed and dropped; another key, another method."""
    bucket = await storage.bucket()
    await storage.owner.put(bucket, "other", b"other")
    check.step("s1")
    if not await good(storage, check, bucket, "clip", CLIP):
        return
    address = url(storage, bucket, "clip")
    check.control((await fetch(storage, address)).body == CLIP, GOOD)
    expired = url(storage, bucket, "clip", age=DAY)
    check.step("s2")
    told = fields(address)
    signature = "X-Amz-Signature" if "X-Amz-Signature" in told else "Signature"
    expiry = "X-Amz-Expires" if "X-Amz-Expires" in told else "Expires"
    digit = "0" if told[signature][0] != "0" else "1"
    for about, altered in (
        ("a digit of the signature", changed(address, signature, digit + told[signature][1:])),
        ("a longer expiry", changed(address, expiry, str(int(told[expiry]) + DAY))),
        ("a later expiry of an expired URL", changed(expired, expiry, str(int(fields(expired)[expiry]) + 2 * DAY))),
    ):
        await judge(storage, check, "CS-042", await fetch(storage, altered), (403,), about=about)
    for name in told:
        await judge(
            storage,
            check,
            "CS-044",
            await fetch(storage, changed(address, name, None)),
            CLIENT_ERRORS,
            about=f"without {name}",
        )
    for value in ("-1", "abc", ""):
        await judge(
            storage,
            check,
            "CS-044",
            await fetch(storage, changed(address, expiry, value)),
            CLIENT_ERRORS,
            about=f"{expiry}={value}",
        )
    elsewhere = RawRequest("GET", address.target.replace("/clip?", "/other?"), address.headers)
    length = (*address.headers, ("Content-Length", "3"))
    for about, moved in (
        ("another key", elsewhere),
        ("PUT", RawRequest("PUT", address.target, length, b"new")),
        ("DELETE", RawRequest("DELETE", address.target, address.headers)),
    ):
        await judge(storage, check, "CS-043", await fetch(storage, moved), (403,), about=about)
    check.step("s3")
    await judge_content(storage, check, "CS-043", bucket, "clip", CLIP)

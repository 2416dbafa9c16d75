"""CS-023 to CS-023c: uploads in aws-chunked framing, as SDKs send what they do not hold in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from conformance.model.checks import Checks, say
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.storage import Storage
from conformance.plugin.fixtures import Limits
from conformance.plugin.marks import verifies
from conformance.protocols.aws_chunked import (
    SIGNED,
    SIGNED_TRAILER,
    UNSIGNED_TRAILER,
    Chunk,
    ChunkedBody,
    ChunkedUpload,
    Trailers,
    crc32_trailer,
    sha256_trailer,
)
from conformance.protocols.s3_xml import read_upload_id
from conformance.suites.cloud_storage.steps import CLIENT_ERRORS, GOOD, good, judge, judge_content

UNSUPPORTED = say("存储声明不支持分块上传 (501)", "the storage says that it takes no uploads in chunks (501)")
Forgery = Callable[[ChunkedBody], ChunkedBody]


@dataclass(frozen=True, slots=True)
class Bench:
    """Uploads of one body in chunks of one size into one bucket."""

    storage: Storage
    bucket: str
    body: bytes
    size: int

    @classmethod
    async def of(cls, storage: Storage, limit: Limits) -> Bench:
        """A bucket and something to upload."""
        body = storage.wire.random.randbytes(int(limit.body.number))
        return cls(storage, await storage.bucket(), body, int(limit.chunk.number))

    def signed(
        self, key: str, kind: str = SIGNED, trailers: Trailers = (), headers: tuple[tuple[str, str], ...] = ()
    ) -> ChunkedUpload:
        """The body to that key; false headers may come along."""
        request = self.storage.owner.build("PUT", self.bucket, key, headers=headers, body=self.body)
        return self.storage.owner.sign_chunked(request, kind=kind, size=self.size, trailers=trailers)

    async def put(self, key: str, kind: str = SIGNED, trailers: Trailers = ()) -> Answer:
        """A good upload."""
        owner = self.storage.owner
        return await owner.put_chunked(self.bucket, key, self.body, kind=kind, size=self.size, trailers=trailers)

    async def refused(self, check: Checks, requirement: str, about: str, upload: ChunkedUpload) -> None:
        """A bad upload is refused and leaves nothing. Its key is that of the request."""
        answer = await self.storage.owner.send(upload.request)
        await judge(self.storage, check, requirement, answer, CLIENT_ERRORS, about=about)
        key = upload.head.path.rpartition("/")[2]
        await judge_content(self.storage, check, requirement, self.bucket, key, None)

    async def understood(self, check: Checks, requirement: str, answer: Answer) -> bool:
        """The control leg of negative cases: the good upload works, or the storage says that it knows no such."""
        if self.storage.not_implemented(answer):
            return check.not_applicable(requirement, UNSUPPORTED)
        return check.control(answer.ok, GOOD)


@verifies("CS-023")
async def test_signed_chunks(storage: Storage, check: Checks, limits: Limits) -> None:
    """Several chunks, one, none; the encoding of the object itself stays."""
    bench = await Bench.of(storage, limits("CS-023"))
    check.step("s1")
    if not await good(storage, check, bench.bucket, "plain", bench.body):
        return
    for key, size in (("several", len(bench.body)), ("one", bench.size), ("empty", 0)):
        part = replace(bench, body=bench.body[:size])
        check.step("s2")
        answer = await part.put(key)
        if storage.not_implemented(answer):
            check.not_applicable("CS-023", UNSUPPORTED)
            return
        await judge(storage, check, "CS-023", answer, (200,), about=key)
        check.step("s3")
        await judge_content(storage, check, "CS-023", bench.bucket, key, part.body)
        head = await storage.owner.head(bench.bucket, key)
        told = (head.header("content-length"), "aws-chunked" in head.header("content-encoding"))
        check.equal("CS-023", told, (str(size), False), say("长度与编码", "length and encoding"))
    await judge_part(bench, check)


async def judge_part(bench: Bench, check: Checks) -> None:
    """A part of a multipart upload in chunks."""
    storage, owner = bench.storage, bench.storage.owner
    upload = read_upload_id((await owner.begin_upload(bench.bucket, "parts")).body)
    if not upload:
        return
    check.step("s2")
    query = [("partNumber", "1"), ("uploadId", upload)]
    plain = owner.build("PUT", bench.bucket, "parts", query=query, body=bench.body)
    answer = await owner.send(owner.sign_chunked(plain, size=bench.size).request)
    await judge(storage, check, "CS-023", answer, (200,), about="UploadPart")
    await owner.complete(bench.bucket, "parts", upload, [(1, answer.header("etag"))])
    check.step("s3")
    await judge_content(storage, check, "CS-023", bench.bucket, "parts", bench.body)


@verifies("CS-023b")
async def test_trailers(storage: Storage, check: Checks, limits: Limits) -> None:
    """Signed and unsigned chunks, each with a checksum behind them."""
    bench = await Bench.of(storage, limits("CS-023b"))
    check.step("s1")
    if not await good(storage, check, bench.bucket, "plain", bench.body):
        return
    for kind in (SIGNED_TRAILER, UNSIGNED_TRAILER):
        for trailer in (crc32_trailer(bench.body), sha256_trailer(bench.body)):
            key = f"{kind}-{trailer[0]}".lower()
            check.step("s2")
            answer = await bench.put(key, kind, (trailer,))
            if storage.not_implemented(answer):
                check.not_applicable("CS-023b", UNSUPPORTED)
                return
            open_refusal = kind == UNSIGNED_TRAILER and storage.endpoint.scheme == "http" and not answer.ok
            status = CLIENT_ERRORS if open_refusal else (200,)
            await judge(storage, check, "CS-023b", answer, status, about=key)
            check.step("s3")
            expected = None if open_refusal else bench.body
            await judge_content(storage, check, "CS-023b", bench.bucket, key, expected)


def resized(at: int, by: int) -> Forgery:
    """The header of one chunk tells another size."""

    def forge(body: ChunkedBody) -> ChunkedBody:
        chunk = body.chunks[at]
        return exchanged(body, at, replace(chunk, told=len(chunk.data) + by))

    return forge


def exchanged(body: ChunkedBody, at: int, chunk: Chunk) -> ChunkedBody:
    """Another chunk in the place of one."""
    return replace(body, chunks=(*body.chunks[:at], chunk, *body.chunks[at + 1 :]))


def turned(text: str) -> str:
    """Another hex digit at the end."""
    return text[:-1] + ("0" if text[-1] != "0" else "1")


def forgeries(body: ChunkedBody) -> Iterator[tuple[str, ChunkedBody]]:
    """Every way to forge a body of at least three chunks; the signatures of the others stay."""
    for at, chunk in enumerate(body.chunks):
        last = at == len(body.chunks) - 1
        name = "last chunk" if last else f"chunk {at + 1}"
        yield f"signature of {name}", exchanged(body, at, replace(chunk, signature=turned(chunk.signature)))
        yield f"no signature of {name}", exchanged(body, at, replace(chunk, signature=""))
        if not last:
            data = chunk.data[:-1] + bytes([chunk.data[-1] ^ 1])
            yield f"data of {name}", exchanged(body, at, replace(chunk, data=data))
    yield "chunks swapped", replace(body, chunks=(body.chunks[1], body.chunks[0], *body.chunks[2:]))
    yield "a chunk dropped", replace(body, chunks=(body.chunks[0], *body.chunks[2:]))
    yield "a chunk repeated", replace(body, chunks=(body.chunks[0], *body.chunks))
    yield "a size one too large", resized(0, 1)(body)
    yield "a size one too small", resized(0, -1)(body)
    yield "a size beyond the body", resized(0, 1 << 20)(body)
    yield "no last chunk", replace(body, chunks=body.chunks[:-1])


@verifies("CS-023a")
async def test_forged_chunks(storage: Storage, check: Checks, limits: Limits) -> None:
    """One forgery at a time, each to a key of its own."""
    bench = await Bench.of(storage, limits("CS-023a"))
    check.step("s1")
    if not await bench.understood(check, "CS-023a", await bench.put("good")):
        return
    check.step("s2")
    names = [name for name, _ in forgeries(bench.signed("x").body)]
    for number, name in enumerate(names):
        upload = bench.signed(f"forged-{number}")
        forged = dict(forgeries(upload.body))[name]
        await bench.refused(check, "CS-023a", name, replace(upload, body=forged))
    check.step("s3")
    await judge_content(storage, check, "CS-023a", bench.bucket, "good", bench.body)


@verifies("CS-023c")
async def test_false_trailers_and_lengths(storage: Storage, check: Checks, limits: Limits) -> None:
    """A checksum, its absence, its signature, the decoded length."""
    bench = await Bench.of(storage, limits("CS-023c"))
    check.step("s1")
    true, false = crc32_trailer(bench.body), crc32_trailer(bench.body[:-1])
    if await bench.understood(check, "CS-023c", await bench.put("good")):
        check.step("s2")
        for number, by in enumerate((-1, 1)):
            told = ("x-amz-decoded-content-length", str(len(bench.body) + by))
            upload = bench.signed(f"length-{number}", headers=(told,))
            await bench.refused(check, "CS-023c", f"decoded length {by:+d}", upload)
    for kind in (SIGNED_TRAILER, UNSIGNED_TRAILER):
        if not (await bench.put(f"good-{kind.lower()}", kind, (true,))).ok:
            continue
        upload = bench.signed(f"wrong-{kind.lower()}", kind, (false,))
        await bench.refused(check, "CS-023c", f"{kind}: {false[0]} of another body", upload)
        upload = bench.signed(f"missing-{kind.lower()}", kind, headers=(("x-amz-trailer", true[0]),))
        await bench.refused(check, "CS-023c", f"{kind}: no trailer", upload)
        if kind == SIGNED_TRAILER:
            upload = bench.signed("forged", kind, (true,))
            body = replace(upload.body, trailer_signature=turned(upload.body.trailer_signature))
            await bench.refused(check, "CS-023c", f"{kind}: signature of the trailer", replace(upload, body=body))
    check.step("s3")
    await judge_content(storage, check, "CS-023c", bench.bucket, "good", bench.body)

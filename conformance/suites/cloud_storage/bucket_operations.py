"""Operations on a bucket and, for each, what a storage has to answer by the model."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from conformance.model.checks import say
from conformance.peers.http_connection import request_bytes
from conformance.peers.storage.answer import Answer
from conformance.peers.storage.storage import Storage
from conformance.protocols.raw_request import encode_key
from conformance.protocols.s3_xml import Listing, read_listing, read_upload_id
from conformance.suites.cloud_storage.bucket_model import BucketModel, Held, Upload
from conformance.suites.exploration import Finding
from specs.model import Text

NOTE = "x-amz-meta-note"
MOST_PAGES = 40


@dataclass(frozen=True, slots=True)
class Put:
    """PutObject."""

    key: str
    body: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Copy:
    """CopyObject with the metadata of its source."""

    source: str
    key: str


@dataclass(frozen=True, slots=True)
class Delete:
    """DeleteObject."""

    key: str


@dataclass(frozen=True, slots=True)
class Read:
    """GetObject and HeadObject."""

    key: str


@dataclass(frozen=True, slots=True)
class ReadRange:
    """GetObject of ``count`` bytes from ``first``."""

    key: str
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class List:
    """A listing, page by page; ``after``: start-after, or marker of Version 1."""

    prefix: str
    delimiter: str
    after: str
    page: int


@dataclass(frozen=True, slots=True)
class Begin:
    """CreateMultipartUpload."""

    key: str
    note: str


@dataclass(frozen=True, slots=True)
class Part:
    """UploadPart of an upload that is open, by its place among them."""

    upload: int
    number: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Complete:
    """CompleteMultipartUpload of every part."""

    upload: int


@dataclass(frozen=True, slots=True)
class Abort:
    """AbortMultipartUpload."""

    upload: int


Operation = Put | Copy | Delete | Read | ReadRange | List | Begin | Part | Complete | Abort


class Wrong(Exception):
    """The storage did something else."""

    def __init__(self, expected: Text, observed: str) -> None:
        super().__init__(observed)
        self.expected, self.observed = expected, observed


@dataclass(slots=True)
class BucketTrial:
    """Carries out operations on one bucket and on the model; ``sent``: the bytes of every request so far."""

    storage: Storage
    bucket: str
    model: BucketModel = field(default_factory=BucketModel)
    sent: list[bytes] = field(default_factory=list)
    last: Answer | None = None

    async def reset(self) -> None:
        """Empty the bucket and the model. Raises StorageDown."""
        await self.storage.settle()
        client = self.storage.owner
        for upload in self.model.uploads:
            await client.abort(self.bucket, upload.key, upload.id)
        for _ in range(MOST_PAGES):
            listing = read_listing((await client.list_v1(self.bucket)).body)
            if listing is None or not listing.keys:
                break
            for key in dict.fromkeys((*listing.keys, *self.model.objects)):
                await client.delete(self.bucket, key)
        self.model, self.sent, self.last = BucketModel(), [], None

    async def trial(self, operations: list[Operation]) -> Finding | None:
        """The operations one after the other, then the whole bucket, up to the first that goes wrong."""
        shown = ""
        try:
            for operation in operations:
                shown = short(operation)
                await self.carry_out(operation)
            shown = "everything at the end"
            await self.judge_all()
        except Wrong as wrong:
            observed = f"{shown}: {wrong.observed}"
            return Finding(wrong.expected, say(observed, observed), b"".join(self.sent), received(self.last))
        return None

    async def carry_out(self, operation: Operation) -> None:
        """One operation. Raises Wrong."""
        step: Callable[..., Awaitable[None]] = getattr(self, f"_{type(operation).__name__.lower()}")
        await step(operation)

    async def judge_all(self) -> None:
        """Every object, and the listing of all. Raises Wrong."""
        await self._list(List("", "", "", 1000))
        for key in self.model.objects:
            await self._read(Read(key))

    def note(self, answer: Answer, *status: int) -> Answer:
        """Keep what was sent and received. Raises Wrong unless the status is one of these."""
        self.sent.append(request_bytes(answer.request))
        self.last = answer
        wanted = " / ".join(map(str, status))
        if answer.status not in status:
            raise Wrong(say(wanted, wanted), answer.summary)
        return answer

    def equal(self, expected: object, observed: object, zh: str, en: str) -> None:
        """Raises Wrong unless they are equal."""
        if expected != observed:
            raise Wrong(say(f"{zh} {expected!r}"[:300], f"{en} {expected!r}"[:300]), repr(observed)[:300])

    async def _put(self, asked: Put) -> None:
        headers = [(NOTE, asked.note)]
        self.note(await self.storage.owner.put(self.bucket, asked.key, asked.body, headers), 200)
        self.model.objects[asked.key] = Held(asked.body, asked.note)
        await self._read(Read(asked.key))

    async def _copy(self, asked: Copy) -> None:
        if asked.source == asked.key:
            return
        source = f"/{self.bucket}/{encode_key(asked.source)}"
        held = self.model.objects.get(asked.source)
        answer = await self.storage.owner.copy(self.bucket, asked.key, source)
        self.note(answer, 200 if held is not None else 404)
        if held is not None:
            self.model.objects[asked.key] = Held(held.body, held.note)
            await self._read(Read(asked.key))

    async def _delete(self, asked: Delete) -> None:
        self.note(await self.storage.owner.delete(self.bucket, asked.key), 204)
        self.model.objects.pop(asked.key, None)

    async def _read(self, asked: Read) -> None:
        held = self.model.objects.get(asked.key)
        found = self.note(await self.storage.owner.get(self.bucket, asked.key), 200 if held else 404)
        head = self.note(await self.storage.owner.head(self.bucket, asked.key), 200 if held else 404)
        if held is not None:
            self.equal((held.body, held.note), (found.body, found.header(NOTE)), "内容与元数据", "content and metadata")
            told = (head.header("content-length"), head.header(NOTE))
            self.equal((str(len(held.body)), held.note), told, "HEAD 的长度与元数据", "length and metadata of HEAD")

    async def _readrange(self, asked: ReadRange) -> None:
        held = self.model.objects.get(asked.key)
        told = f"bytes={asked.first}-{asked.first + asked.count - 1}"
        answer = await self.storage.owner.get(self.bucket, asked.key, [("Range", told)])
        if held is None or asked.first >= len(held.body):
            self.note(answer, 404 if held is None else 416)
            return
        self.note(answer, 206)
        self.equal(held.body[asked.first : asked.first + asked.count], answer.body, "所取的一段", "the part asked for")

    async def _list(self, asked: List) -> None:
        expected = self.model.listing(asked.prefix, asked.delimiter, asked.after)
        keys: list[str] = []
        folders: list[str] = []
        for page in await self._pages(asked):
            self.equal(True, len(page.objects) + len(page.prefixes) <= asked.page, "不超过 max-keys", "within max-keys")
            sizes = [len(self.model.objects[key].body) if key in self.model.objects else -1 for key in page.keys]
            self.equal(sizes, [entry.size for entry in page.objects], "大小", "sizes")
            keys += page.keys
            folders += page.prefixes
        self.equal(expected.keys, keys, "键", "keys")
        needed = [name for name in expected.folders if name in folders or name not in expected.optional]
        self.equal(needed, folders, "CommonPrefixes", "CommonPrefixes")

    async def _pages(self, asked: List) -> list[Listing]:
        version_2 = self.storage.dialect.list_v2
        fields = {"prefix": asked.prefix, "delimiter": asked.delimiter, "max_keys": str(asked.page)}
        fields["start_after" if version_2 else "marker"] = asked.after
        fields = {name: value for name, value in fields.items() if value}
        found: list[Listing] = []
        while len(found) < MOST_PAGES:
            listing = self.storage.owner.list_objects if version_2 else self.storage.owner.list_v1
            page = read_listing(self.note(await listing(self.bucket, **fields), 200).body)
            if page is None:
                raise Wrong(say("一页列举", "a page of a listing"), "no ListBucketResult")
            found.append(page)
            if not page.truncated:
                return found
            ends = [*page.keys[-1:], *page.prefixes[-1:]]
            following = page.next or (max(ends, key=str.encode) if ends and not version_2 else "")
            if not following:
                raise Wrong(say("下一页的令牌", "a token for the next page"), "IsTruncated without one")
            fields["continuation_token" if version_2 else "marker"] = following
        raise Wrong(say("列举结束", "the listing ends"), f"more than {MOST_PAGES} pages")

    async def _begin(self, asked: Begin) -> None:
        answer = self.note(await self.storage.owner.begin_upload(self.bucket, asked.key, [(NOTE, asked.note)]), 200)
        name = read_upload_id(answer.body)
        self.equal(True, bool(name), "有 UploadId", "there is an UploadId")
        self.model.uploads.append(Upload(asked.key, name, asked.note))

    def _upload(self, place: int) -> Upload | None:
        return self.model.uploads[place % len(self.model.uploads)] if self.model.uploads else None

    async def _part(self, asked: Part) -> None:
        upload = self._upload(asked.upload)
        if upload is not None:
            client = self.storage.owner
            answer = await client.put_part(self.bucket, upload.key, upload.id, asked.number, asked.body)
            self.note(answer, 200)
            upload.parts[asked.number] = asked.body

    async def _complete(self, asked: Complete) -> None:
        """Of several parts every one but the last is below the 5 MiB that S3 asks for: that is refused."""
        upload = self._upload(asked.upload)
        if upload is None or not upload.parts:
            return
        client = self.storage.owner
        tags = [(number, etag(body)) for number, body in sorted(upload.parts.items())]
        answer = await client.complete(self.bucket, upload.key, upload.id, tags)
        if len(tags) > 1:
            self.note(answer, 400)
            return
        self.note(answer, 200)
        self.model.uploads.remove(upload)
        self.model.objects[upload.key] = Held(next(iter(upload.parts.values())), upload.note)
        await self._read(Read(upload.key))

    async def _abort(self, asked: Abort) -> None:
        upload = self._upload(asked.upload)
        if upload is not None:
            self.note(await self.storage.owner.abort(self.bucket, upload.key, upload.id), 204)
            self.model.uploads.remove(upload)
            await self._read(Read(upload.key))


def etag(body: bytes) -> str:
    """The ETag of a part."""
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def short(operation: Operation) -> str:
    """An operation, one line."""
    return repr(operation)[:160]


def received(answer: Answer | None) -> bytes:
    """The last answer, headers and body."""
    if answer is None or answer.http is None:
        return b""
    head = [f"HTTP/1.1 {answer.status} {answer.http.reason}", *(f"{n}: {v}" for n, v in answer.http.headers)]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + answer.body

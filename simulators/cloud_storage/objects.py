"""Objects: put, copy, get with ranges and conditions, head, delete (S3 API; RFC 9110 13 and 14)."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

from simulators.cloud_storage import checksums
from simulators.cloud_storage.blobs import Draft
from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply, document, http_date, iso_date
from simulators.cloud_storage.faults import Fault, xml_text

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

LONGEST_KEY = 1024
LARGEST_COPY = 5 << 30
LARGE = 1 << 20
PREFIX = "x-amz-meta-"
STORAGE_CLASS = "x-amz-storage-class"
STORAGE_CLASSES = ("STANDARD", "STANDARD_IA")
KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
OVERRIDES = {f"response-{name}": name for name in KEPT}
UNSUPPORTED = ("x-amz-server-side-encryption", "x-amz-tagging", "x-amz-object-lock-", "x-amz-website-redirect-location")
_RANGE = re.compile(r"bytes=(\d{0,1000})-(\d{0,1000})\Z", re.ASCII)
_UNFIT = re.compile("[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class Objects:
    """The object operations."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    async def put(self, asked: Asked) -> Reply:
        """PutObject."""
        self.check_key(asked.key)
        self.check_length(asked)
        self.check_create_only(asked)
        about = self.about(asked)
        self.storage.access.check_object_acl(asked)
        self.storage.quota.check(asked.bucket, asked.length or 0)
        draft = await self.received(asked)
        try:
            self.check_create_only(asked)
        except Fault:
            draft.drop()
            raise
        etag = draft.md5.hexdigest()
        kept = {**about, **checksum_about(draft)}
        self.disk.put(asked.bucket, asked.key, draft.name, draft.size, etag, self.storage.now(), kept)
        return Reply(headers=[("ETag", f'"{etag}"'), *checksum_about(draft).items(), *self.announcement(asked)])

    async def received(self, asked: Asked) -> Draft:
        """The body, whole, checked and on disk; nothing is left of any other. Raises Fault."""
        draft = self.disk.draft()
        try:
            await asked.receive(draft)
            if draft.size > LARGE:
                await asyncio.to_thread(draft.finish)
            else:
                draft.finish()
        except BaseException:
            draft.drop()
            raise
        return draft

    def announcement(self, asked: Asked, born: float | None = None) -> list[tuple[str, str]]:
        """When the object will expire, if a rule says so."""
        begun = self.storage.retention_now() if born is None else born
        found = self.storage.lifecycle.announcement(asked.bucket, asked.key, begun)
        return [("x-amz-expiration", found)] if found else []

    def check_key(self, key: str) -> None:
        """Bytes of a key. Raises Fault."""
        if len(key.encode("utf-8", "surrogateescape")) > LONGEST_KEY:
            raise Fault("KeyTooLongError")
        if "\0" in key or any("\ud800" <= character <= "\udfff" for character in key):
            raise Fault("InvalidURI")

    def check_length(self, asked: Asked) -> None:
        """The length has to be told, and not beyond the maximum. Raises Fault."""
        if asked.length is None:
            raise Fault("MissingContentLength")
        if asked.length > self.storage.maximum_object:
            raise Fault("EntityTooLarge")

    def check_create_only(self, asked: Asked) -> None:
        """If-None-Match: * creates only, If-Match replaces only that. Raises Fault."""
        match, none_match = asked.header("if-match"), asked.header("if-none-match")
        if match is None and none_match is None:
            return
        found = self.disk.find(asked.bucket, asked.key)
        if none_match not in (None, "*"):
            raise Fault("NotImplemented", "If-None-Match of a write is * only")
        if none_match is not None and found is not None:
            raise Fault("PreconditionFailed")
        if match is not None and found is None:
            raise Fault("NoSuchKey")
        if match is not None and found is not None and not self.named(found.etag, match):
            raise Fault("PreconditionFailed")

    def about(self, asked: Asked) -> dict[str, str]:
        """The headers that stay with the object. Raises Fault when the metadata are too large."""
        found: dict[str, str] = {}
        for name, value in ((name.lower(), value) for name, value in asked.request.headers):
            found[name] = f"{found[name]},{value}" if name.startswith(PREFIX) and name in found else value
        meta = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        size = sum(
            len(name) - len(PREFIX) + len(value.encode("utf-8", "surrogateescape")) for name, value in meta.items()
        )
        if size > self.storage.dialect.metadata_bytes:
            raise Fault("MetadataTooLarge")
        kept = {name: found[name] for name in KEPT if name in found}
        if asked.framed:
            kept["content-encoding"] = without_framing(kept.get("content-encoding", ""))
        kind = self.storage_class(found)
        about = {"content-type": self.storage.dialect.default_type, **kept, **meta, **kind}
        if any(_UNFIT.search(value) for value in about.values()):
            raise Fault("InvalidArgument", "A header holds what is no text")
        return {name: value for name, value in about.items() if value or name.startswith(PREFIX)}

    def storage_class(self, found: dict[str, str]) -> dict[str, str]:
        """x-amz-storage-class, unless it is the ordinary one. Raises Fault, also for what is not implemented."""
        if any(name.startswith(UNSUPPORTED) for name in found):
            raise Fault("NotImplemented")
        kind = found.get(STORAGE_CLASS, STORAGE_CLASSES[0])
        if kind not in STORAGE_CLASSES:
            raise Fault("InvalidStorageClass")
        return {} if kind == STORAGE_CLASSES[0] else {STORAGE_CLASS: kind}

    async def copy(self, asked: Asked) -> Reply:
        """CopyObject: the source is read by the same account."""
        bucket, source = self.source(asked)
        self.check_key(asked.key)
        directive = (asked.header("x-amz-metadata-directive") or "COPY").upper()
        if directive not in ("COPY", "REPLACE"):
            raise Fault("InvalidArgument", "Unknown metadata directive.")
        if (bucket, source.key) == (asked.bucket, asked.key) and directive == "COPY":
            raise Fault("InvalidRequest", "A copy onto itself has to change something")
        if source.size > LARGEST_COPY:
            raise Fault("InvalidRequest", "The source is larger than the maximum allowed size for a copy")
        self.storage.quota.check(asked.bucket, source.size)
        about = source.about
        if directive == "REPLACE":
            about = {**self.about(asked), **{n: v for n, v in source.about.items() if n.startswith(checksums.HEADER)}}
        blob = self.disk.files.linked(source.blob)
        etag = await self.digest(blob, source)
        now = self.storage.now()
        self.disk.put(asked.bucket, asked.key, blob, source.size, etag, now, about)
        inner = f'<LastModified>{iso_date(now)}</LastModified><ETag>"{etag}"</ETag>'
        reply = document("CopyObjectResult", inner)
        reply.headers += self.announcement(asked)
        return reply

    async def digest(self, blob: str, source: Stored) -> str:
        """The MD5 of a copy, which is not told where the source came in parts."""
        if "-" not in source.etag:
            return source.etag

        def read() -> str:
            total = hashlib.md5(usedforsecurity=False)
            for block in self.disk.files.reading(blob, 0, source.size):
                total.update(block)
            return total.hexdigest()

        return await asyncio.to_thread(read)

    def source(self, asked: Asked) -> tuple[str, Stored]:
        """Bucket and object of x-amz-copy-source. Raises Fault."""
        told = unquote((asked.header("x-amz-copy-source") or "").partition("?versionId=")[0], errors="surrogateescape")
        bucket, _, key = told.removeprefix("/").partition("/")
        if not bucket or not key:
            raise Fault("InvalidArgument", "x-amz-copy-source is not /bucket/key")
        self.storage.access.authorize(asked, "GetObject", bucket, key)
        found = self.disk.find(bucket, key)
        if found is None:
            raise Fault("NoSuchKey")
        if self.evaluate(found, lambda name: asked.header(f"x-amz-copy-source-{name}")):
            raise Fault("PreconditionFailed")
        return bucket, found

    async def get(self, asked: Asked) -> Reply:
        """GetObject and HeadObject."""
        found = self.disk.find(asked.bucket, asked.key)
        if found is None:
            raise Fault("NoSuchKey")
        headers = self.headers(found, asked)
        status = self.condition(found, asked)
        if status:
            return Reply(status, headers)
        start, count = 0, found.size
        told = asked.header("range")
        if told is not None and self.in_range(found, asked) and (part := self.range(told, found.size)) is not None:
            start, count = part
            status = 206
            headers.append(("Content-Range", f"bytes {start}-{start + count - 1}/{found.size}"))
        if asked.method == "HEAD":
            return Reply(status or 200, headers, stream=(), length=count)
        return Reply(status or 200, headers, stream=self.disk.read(found.blob, start, count), length=count)

    def in_range(self, found: Stored, asked: Asked) -> bool:
        """If-Range: the part only of this very object (RFC 9110 13.1.5)."""
        told = asked.header("if-range")
        if told is None:
            return True
        return told == f'"{found.etag}"' or _moment(told) == int(found.modified)

    def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
        """What is told of an object, overridden as a signed request asks."""
        told = (asked.header("x-amz-checksum-mode") or "").upper() == "ENABLED" and asked.header("range") is None
        about = {n: v for n, v in found.about.items() if told or not n.startswith(checksums.HEADER)}
        for name, kept in OVERRIDES.items():
            if name in asked.query:
                if not asked.identity.account:
                    raise Fault("InvalidRequest", "Response headers cannot be overridden anonymously")
                if _UNFIT.search(asked.query[name]):
                    raise Fault("InvalidArgument", f"{name} is no text")
                about[kept] = asked.query[name]
        known = [("ETag", f'"{found.etag}"'), ("Last-Modified", http_date(found.modified)), ("Accept-Ranges", "bytes")]
        known += [(name.title() if not name.startswith("x-amz") else name, v) for name, v in about.items()]
        return [*known, *self.announcement(asked, found.born)]

    def condition(self, found: Stored, asked: Asked) -> int:
        """304 where the answer is not needed, 0 where it is. Raises Fault (RFC 9110 13.2.2)."""
        return self.evaluate(found, asked.header)

    def evaluate(self, found: Stored, header: Callable[[str], str | None]) -> int:
        """The same for conditions by any name."""
        match, none_match = header("if-match"), header("if-none-match")
        if match is not None:
            if not self.named(found.etag, match):
                raise Fault("PreconditionFailed")
        elif (since := _moment(header("if-unmodified-since"))) is not None and int(found.modified) > since:
            raise Fault("PreconditionFailed")
        if none_match is not None:
            return 304 if self.named(found.etag, none_match) else 0
        since = _moment(header("if-modified-since"))
        return 304 if since is not None and int(found.modified) <= since else 0

    @staticmethod
    def named(etag: str, listed: str) -> bool:
        """Whether a list of entity tags holds this one, or all."""
        return any(tag.strip().removeprefix("W/").strip('"') in (etag, "*") for tag in listed.split(","))

    def range(self, told: str, size: int) -> tuple[int, int] | None:
        """Start and count of the bytes asked for; None where the header is to be ignored. Raises Fault."""
        found = _RANGE.match(told)
        if found is None or not (found[1] or found[2]):
            return None
        if not found[1]:
            count = min(int(found[2]), size)
            start = size - count
        else:
            start, end = int(found[1]), int(found[2]) if found[2] else size - 1
            if found[2] and end < start:
                return None
            count = min(end, size - 1) - start + 1
        if start >= size or count <= 0:
            raise Fault("InvalidRange", headers=(("Content-Range", f"bytes */{size}"),))
        return start, count

    async def delete(self, asked: Asked) -> Reply:
        """DeleteObject."""
        with self.disk.transaction():
            self.disk.remove(asked.bucket, asked.key)
            self.storage.note(asked.identity.account, "DELETE.OBJECT", asked.bucket, asked.key)
        return Reply(204)

    async def delete_many(self, asked: Asked, keys: list[str], *, quiet: bool) -> Reply:
        """DeleteObjects: what is not allowed is told key by key, unless nothing is."""
        refused = {key: fault for key in keys if (fault := self.refused(asked, key)) is not None}
        if len(refused) == len(set(keys)):
            raise next(iter(refused.values()))
        lines = []
        with self.disk.transaction():
            for key in keys:
                if key in refused:
                    lines.append(
                        f"<Error><Key>{xml_text(key)}</Key><Code>{refused[key].code}</Code>"
                        f"<Message>{xml_text(refused[key].message)}</Message></Error>"
                    )
                    continue
                self.disk.remove(asked.bucket, key)
                self.storage.note(asked.identity.account, "DELETE.OBJECT", asked.bucket, key)
                if not quiet:
                    lines.append(f"<Deleted><Key>{xml_text(key)}</Key></Deleted>")
        return document("DeleteResult", "".join(lines))

    def refused(self, asked: Asked, key: str) -> Fault | None:
        """Why a key may not be deleted; None where it may."""
        try:
            self.storage.access.authorize(asked, "DeleteObject", asked.bucket, key)
        except Fault as fault:
            return fault
        return None


def checksum_about(draft: Draft) -> dict[str, str]:
    """The checksum of an upload as headers, none where the client named none."""
    name, value = draft.checksum
    return {checksums.HEADER + name: value, f"{checksums.HEADER}type": "FULL_OBJECT"} if name else {}


def without_framing(encoding: str) -> str:
    """Content-Encoding without aws-chunked."""
    return ",".join(
        token for token in (part.strip() for part in encoding.split(",")) if token not in ("", "aws-chunked")
    )


def _moment(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None

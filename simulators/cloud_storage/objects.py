"""Objects: put, copy, get with ranges and conditions, head, delete (S3 API; RFC 9110 13 and 14)."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote
from xml.sax.saxutils import escape

from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply, document, http_date, iso_date
from simulators.cloud_storage.faults import Fault

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

LONGEST_KEY = 1024
PREFIX = "x-amz-meta-"
KEPT = ("content-type", "cache-control", "content-disposition", "content-encoding", "content-language", "expires")
OVERRIDES = {f"response-{name}": name for name in KEPT}
_RANGE = re.compile(r"bytes=(\d*)-(\d*)\Z")


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
        draft = self.disk.draft()
        try:
            await asked.receive(draft)
            draft.finish()
        except BaseException:
            draft.drop()
            raise
        etag = draft.md5.hexdigest()
        self.disk.put(asked.bucket, asked.key, draft.name, draft.size, etag, self.storage.now(), about)
        return Reply(headers=[("ETag", f'"{etag}"')])

    def check_key(self, key: str) -> None:
        """Bytes of a key."""
        if len(key.encode("utf-8", "surrogateescape")) > LONGEST_KEY:
            raise Fault("KeyTooLongError")

    def check_length(self, asked: Asked) -> None:
        """Content-Length has to be there, and not beyond the maximum."""
        if asked.length is None:
            raise Fault("MissingContentLength")
        if asked.length > self.storage.maximum_object:
            raise Fault("EntityTooLarge")

    def check_create_only(self, asked: Asked) -> None:
        """If-None-Match: * creates only."""
        if asked.header("if-none-match") == "*" and self.disk.find(asked.bucket, asked.key) is not None:
            raise Fault("PreconditionFailed")

    def about(self, asked: Asked) -> dict[str, str]:
        """The headers that stay with the object. Raises Fault when the metadata are too large."""
        found = {name.lower(): value for name, value in asked.request.headers}
        meta = {name: value for name, value in found.items() if name.startswith(PREFIX)}
        size = sum(
            len(name) - len(PREFIX) + len(value.encode("utf-8", "surrogateescape")) for name, value in meta.items()
        )
        if size > self.storage.dialect.metadata_bytes:
            raise Fault("MetadataTooLarge")
        kept = {name: found[name] for name in KEPT if name in found}
        return {"content-type": self.storage.dialect.default_type, **kept, **meta}

    async def copy(self, asked: Asked) -> Reply:
        """CopyObject: the source is read by the same account."""
        bucket, source = self.source(asked)
        self.check_key(asked.key)
        replaces = (asked.header("x-amz-metadata-directive") or "COPY").upper() == "REPLACE"
        if (bucket, source.key) == (asked.bucket, asked.key) and not replaces:
            raise Fault("InvalidArgument", "A copy onto itself has to change something")
        about = self.about(asked) if replaces else source.about
        draft = self.disk.draft()
        for block in self.disk.read(source.blob, 0, source.size):
            draft.write(block)
        draft.finish()
        now = self.storage.now()
        self.disk.put(asked.bucket, asked.key, draft.name, draft.size, draft.md5.hexdigest(), now, about)
        inner = f'<LastModified>{iso_date(now)}</LastModified><ETag>"{draft.md5.hexdigest()}"</ETag>'
        return document("CopyObjectResult", inner)

    def source(self, asked: Asked) -> tuple[str, Stored]:
        """Bucket and object of x-amz-copy-source. Raises Fault."""
        told = unquote((asked.header("x-amz-copy-source") or "").partition("?versionId=")[0], errors="surrogateescape")
        bucket, _, key = told.lstrip("/").partition("/")
        if not bucket or not key:
            raise Fault("InvalidArgument", "x-amz-copy-source is not /bucket/key")
        self.storage.check_access(bucket, asked.identity.account)
        found = self.disk.find(bucket, key)
        if found is None:
            raise Fault("NoSuchKey")
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
        if told is not None and (part := self.range(told, found.size)) is not None:
            start, count = part
            status = 206
            headers.append(("Content-Range", f"bytes {start}-{start + count - 1}/{found.size}"))
        body = self.disk.read(found.blob, start, count) if asked.method == "GET" else iter(())
        return Reply(status or 200, headers, stream=body, length=count)

    def headers(self, found: Stored, asked: Asked) -> list[tuple[str, str]]:
        """What is told of an object, overridden as a signed request asks."""
        about = dict(found.about)
        for name, kept in OVERRIDES.items():
            if name in asked.query:
                if not asked.identity.account:
                    raise Fault("InvalidArgument", "Response headers cannot be overridden anonymously")
                about[kept] = asked.query[name]
        known = [("ETag", f'"{found.etag}"'), ("Last-Modified", http_date(found.modified)), ("Accept-Ranges", "bytes")]
        return [*known, *((name.title() if not name.startswith("x-amz") else name, v) for name, v in about.items())]

    def condition(self, found: Stored, asked: Asked) -> int:
        """304 where the answer is not needed, 0 where it is. Raises Fault (RFC 9110 13.2.2)."""
        match, none_match = asked.header("if-match"), asked.header("if-none-match")
        if match is not None:
            if not self.named(found.etag, match):
                raise Fault("PreconditionFailed")
        elif (since := _moment(asked.header("if-unmodified-since"))) is not None and int(found.modified) > since:
            raise Fault("PreconditionFailed")
        if none_match is not None:
            return 304 if self.named(found.etag, none_match) else 0
        since = _moment(asked.header("if-modified-since"))
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
        self.disk.remove(asked.bucket, asked.key)
        return Reply(204)

    async def delete_many(self, asked: Asked, keys: list[str], *, quiet: bool) -> Reply:
        """DeleteObjects."""
        lines = []
        for key in keys:
            self.disk.remove(asked.bucket, key)
            if not quiet:
                lines.append(f"<Deleted><Key>{escape(key)}</Key></Deleted>")
        return document("DeleteResult", "".join(lines))


def _moment(text: str | None) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp() if text else None
    except (ValueError, TypeError):
        return None

"""Multipart uploads: begin, parts, list, complete, abort (S3 API)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from conformance.protocols import s3_xml
from simulators.cloud_storage.disk import Draft, Stored, Upload
from simulators.cloud_storage.exchange import Asked, Reply, document, iso_date
from simulators.cloud_storage.faults import Fault

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

SMALLEST_PART = 5 << 20
MOST_PARTS = 10_000
PAGE = 1000


class Multipart:
    """The multipart operations."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    async def begin(self, asked: Asked) -> Reply:
        """CreateMultipartUpload."""
        self.storage.objects.check_key(asked.key)
        about = self.storage.objects.about(asked)
        name = self.disk.add_upload(asked.bucket, asked.key, self.storage.now(), about)
        inner = f"<Bucket>{asked.bucket}</Bucket><Key>{escape(asked.key)}</Key><UploadId>{name}</UploadId>"
        return document("InitiateMultipartUploadResult", inner)

    def upload(self, asked: Asked) -> Upload:
        """The upload that the request names. Raises Fault."""
        found = self.disk.upload(asked.query.get("uploadId", ""))
        if found is None or (found.bucket, found.key) != (asked.bucket, asked.key):
            raise Fault("NoSuchUpload")
        return found

    def number(self, text: str) -> int:
        """A part number. Raises Fault."""
        if not text.isdecimal() or not 1 <= int(text) <= MOST_PARTS:
            raise Fault("InvalidArgument", f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
        return int(text)

    async def put_part(self, asked: Asked) -> Reply:
        """UploadPart."""
        number, upload = self.number(asked.query.get("partNumber", "")), self.upload(asked)
        self.storage.objects.check_length(asked)
        draft = self.disk.draft()
        try:
            await asked.receive(draft)
            draft.finish()
        except BaseException:
            draft.drop()
            raise
        self.keep(upload, number, draft)
        return Reply(headers=[("ETag", f'"{draft.md5.hexdigest()}"')])

    async def copy_part(self, asked: Asked) -> Reply:
        """UploadPartCopy."""
        number, upload = self.number(asked.query.get("partNumber", "")), self.upload(asked)
        _, source = self.storage.objects.source(asked)
        start, count = 0, source.size
        if (told := asked.header("x-amz-copy-source-range")) is not None:
            part = self.storage.objects.range(told, source.size)
            if part is None:
                raise Fault("InvalidArgument", "x-amz-copy-source-range is malformed")
            start, count = part
        draft = self.disk.draft()
        for block in self.disk.read(source.blob, start, count):
            draft.write(block)
        draft.finish()
        self.keep(upload, number, draft)
        now = iso_date(self.storage.now())
        return document("CopyPartResult", f'<LastModified>{now}</LastModified><ETag>"{draft.md5.hexdigest()}"</ETag>')

    def keep(self, upload: Upload, number: int, draft: Draft) -> None:
        """A part has come."""
        now = self.storage.now()
        self.disk.put_part(upload.id, number, draft.name, draft.size, draft.md5.hexdigest(), now)

    async def complete(self, asked: Asked) -> Reply:
        """CompleteMultipartUpload."""
        upload = self.upload(asked)
        listed = self.listed(await asked.read())
        parts = self.chosen(listed, self.disk.parts(upload.id))
        draft = self.disk.draft()
        for part in parts:
            for block in self.disk.read(part.blob, 0, part.size):
                draft.write(block)
        draft.finish()
        digests = b"".join(bytes.fromhex(part.etag) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        now = self.storage.now()
        self.disk.put(upload.bucket, upload.key, draft.name, draft.size, etag, now, upload.about)
        self.disk.remove_upload(upload.id)
        inner = f'<Bucket>{upload.bucket}</Bucket><Key>{escape(upload.key)}</Key><ETag>"{etag}"</ETag>'
        return document("CompleteMultipartUploadResult", inner)

    def listed(self, body: bytes) -> list[tuple[int, str]]:
        """Numbers and ETags of the request. Raises Fault."""
        root = s3_xml.read(body)
        if root is None or s3_xml.local(root.name) != "CompleteMultipartUpload":
            raise Fault("MalformedXML")
        found = [(s3_xml.text(p, "PartNumber"), s3_xml.text(p, "ETag")) for p in s3_xml.children(root, "Part")]
        if not found or any(not number.isdecimal() or not tag for number, tag in found):
            raise Fault("MalformedXML")
        return [(int(number), tag.strip('"')) for number, tag in found]

    def chosen(self, listed: list[tuple[int, str]], there: dict[int, Stored]) -> list[Stored]:
        """The parts listed, in order. Raises Fault."""
        numbers = [number for number, _ in listed]
        if numbers != sorted(set(numbers)):
            raise Fault("InvalidPartOrder")
        if any(number not in there or there[number].etag != tag for number, tag in listed):
            raise Fault("InvalidPart")
        parts = [there[number] for number in numbers]
        if any(part.size < SMALLEST_PART for part in parts[:-1]):
            raise Fault("EntityTooSmall")
        return parts

    async def abort(self, asked: Asked) -> Reply:
        """AbortMultipartUpload."""
        self.disk.remove_upload(self.upload(asked).id)
        return Reply(204)

    async def parts(self, asked: Asked) -> Reply:
        """ListParts."""
        upload = self.upload(asked)
        most = min(int(asked.query.get("max-parts") or PAGE), PAGE)
        after = int(asked.query.get("part-number-marker") or 0)
        found = [(number, part) for number, part in self.disk.parts(upload.id).items() if number > after]
        page = found[:most]
        lines = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>{iso_date(part.modified)}</LastModified>"
            f'<ETag>"{part.etag}"</ETag><Size>{part.size}</Size></Part>'
            for number, part in page
        )
        truncated = len(found) > len(page)
        head = (
            f"<Bucket>{asked.bucket}</Bucket><Key>{escape(asked.key)}</Key><UploadId>{upload.id}</UploadId>"
            f"<PartNumberMarker>{after}</PartNumberMarker><MaxParts>{most}</MaxParts>"
            f"<NextPartNumberMarker>{page[-1][0] if page else 0}</NextPartNumberMarker>"
            f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"
        )
        return document("ListPartsResult", head + lines)

    async def uploads(self, asked: Asked) -> Reply:
        """ListMultipartUploads."""
        prefix = asked.query.get("prefix", "")
        lines = "".join(
            f"<Upload><Key>{escape(u.key)}</Key><UploadId>{u.id}</UploadId><Initiated>{iso_date(u.begun)}</Initiated></Upload>"
            for u in self.disk.uploads(asked.bucket)
            if u.key.startswith(prefix)
        )
        return document(
            "ListMultipartUploadsResult", f"<Bucket>{asked.bucket}</Bucket><IsTruncated>false</IsTruncated>{lines}"
        )

"""Multipart uploads: begin, parts, list, complete, abort (S3 API)."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from typing import TYPE_CHECKING

from conformance.protocols import s3_xml
from simulators.cloud_storage import checksums
from simulators.cloud_storage.blobs import Draft, Reader, joined
from simulators.cloud_storage.disk import Stored, Upload
from simulators.cloud_storage.exchange import Asked, Reply, document, iso_date, whole_number
from simulators.cloud_storage.faults import Fault, xml_text
from simulators.cloud_storage.objects import checksum_about

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

SMALLEST_PART = 5 << 20
MOST_PARTS = 10_000
PAGE = 1000
ALGORITHM = "x-amz-checksum-algorithm"
TYPE = "x-amz-checksum-type"
FULL = "FULL_OBJECT"


class Multipart:
    """The multipart operations."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    async def begin(self, asked: Asked) -> Reply:
        """CreateMultipartUpload."""
        self.storage.objects.check_key(asked.key)
        self.storage.access.check_object_acl(asked)
        about = {**self.storage.objects.about(asked), **self.promised(asked)}
        name = self.disk.add_upload(asked.bucket, asked.key, self.storage.now(), about)
        inner = f"<Bucket>{asked.bucket}</Bucket><Key>{xml_text(asked.key)}</Key><UploadId>{name}</UploadId>"
        reply = document("InitiateMultipartUploadResult", inner)
        reply.headers += self.promised(asked).items()
        return reply

    def promised(self, asked: Asked) -> dict[str, str]:
        """The checksum that the parts will carry. Raises Fault."""
        algorithm, kind = asked.header(ALGORITHM), asked.header(TYPE)
        if algorithm is None:
            return {}
        composite = algorithm.lower() in ("sha1", "sha256")
        if algorithm.lower() not in checksums.SIZES or kind not in (None, FULL, "COMPOSITE"):
            raise Fault("InvalidRequest", "The checksum algorithm or type is not known")
        if (composite and kind == FULL) or (algorithm.lower() == "crc64nvme" and kind == "COMPOSITE"):
            raise Fault("InvalidRequest", f"The {kind} checksum type cannot be used with {algorithm}")
        default = FULL if algorithm.lower() == "crc64nvme" else "COMPOSITE"
        return {ALGORITHM: algorithm.upper(), TYPE: kind or default}

    def upload(self, asked: Asked) -> Upload:
        """The upload that the request names. Raises Fault."""
        found = self.disk.upload(asked.query.get("uploadId", ""))
        if found is None or (found.bucket, found.key) != (asked.bucket, asked.key):
            raise Fault("NoSuchUpload")
        return found

    def number(self, text: str) -> int:
        """A part number. Raises Fault."""
        found = whole_number(text)
        if found is None or not 1 <= found <= MOST_PARTS:
            raise Fault("InvalidArgument", f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive")
        return found

    async def put_part(self, asked: Asked) -> Reply:
        """UploadPart."""
        number, upload = self.number(asked.query.get("partNumber", "")), self.upload(asked)
        self.storage.objects.check_length(asked)
        self.storage.quota.check(asked.bucket, asked.length or 0)
        draft = await self.storage.objects.received(asked)
        self.keep_if_wanted(asked, upload, number, draft)
        told = {name: value for name, value in checksum_about(draft).items() if name != TYPE}
        return Reply(headers=[("ETag", f'"{draft.md5.hexdigest()}"'), *told.items()])

    def keep_if_wanted(self, asked: Asked, upload: Upload, number: int, draft: Draft) -> None:
        """A part has come; its upload may have ended meanwhile. Raises Fault."""
        try:
            self.upload(asked)
        except Fault:
            draft.drop()
            raise
        self.keep(upload, number, draft)

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
        self.storage.quota.check(asked.bucket, count)
        draft = self.disk.draft()
        reader = self.disk.read(source.blob, start, count)
        try:
            await asyncio.to_thread(_copy, reader, draft)
        except BaseException:
            draft.drop()
            raise
        finally:
            reader.close()
        self.keep_if_wanted(asked, upload, number, draft)
        now = iso_date(self.storage.now())
        return document("CopyPartResult", f'<LastModified>{now}</LastModified><ETag>"{draft.md5.hexdigest()}"</ETag>')

    def keep(self, upload: Upload, number: int, draft: Draft) -> None:
        """Make a draft the part of that number."""
        now, about = self.storage.now(), checksum_about(draft)
        self.disk.put_part(upload.id, number, draft.name, draft.size, draft.md5.hexdigest(), now, about)

    async def complete(self, asked: Asked) -> Reply:
        """CompleteMultipartUpload: the files of the parts become the object, in one transaction."""
        body = await asked.read()
        if (etag := self.repeated(asked)) is not None:
            return self.completed(asked, etag, {})
        upload = self.upload(asked)
        there = self.disk.parts(upload.id)
        parts = self.chosen(self.listed(body), there)
        self.check_told(body, there)
        self.storage.objects.check_create_only(asked)
        etag = whole_etag([part.etag for part in parts])
        about = {name: value for name, value in upload.about.items() if name not in (ALGORITHM, TYPE)}
        checksum = self.checksum(upload, parts)
        size = sum(part.size for part in parts)
        if (told := asked.header("x-amz-mp-object-size")) is not None and whole_number(told) != size:
            raise Fault("InvalidRequest", "The parts do not add up to x-amz-mp-object-size")
        blob = joined((part.blob, part.size) for part in parts)
        with self.disk.transaction():
            kept = {**about, **checksum}
            self.disk.put(upload.bucket, upload.key, blob, size, etag, self.storage.now(), kept)
            self.disk.remove_upload(upload.id, frozenset(part.blob for part in parts))
            self.disk.set_completed(upload, etag)
        return self.completed(asked, etag, checksum)

    def repeated(self, asked: Asked) -> str | None:
        """The ETag, where a client completes again what is there already; None for anything else."""
        etag = self.disk.completed(asked.query.get("uploadId", ""), asked.bucket, asked.key)
        found = self.disk.find(asked.bucket, asked.key) if etag is not None else None
        return etag if found is not None and found.etag == etag else None

    def completed(self, asked: Asked, etag: str, checksum: dict[str, str]) -> Reply:
        """CompleteMultipartUploadResult."""
        inner = f'<Bucket>{asked.bucket}</Bucket><Key>{xml_text(asked.key)}</Key><ETag>"{etag}"</ETag>'
        for name, value in checksum.items():
            element = "ChecksumType" if name == TYPE else f"Checksum{name.removeprefix(checksums.HEADER).upper()}"
            inner += f"<{element}>{value}</{element}>"
        reply = document("CompleteMultipartUploadResult", f"<Location>/{asked.bucket}</Location>{inner}")
        reply.headers += self.storage.objects.announcement(asked)
        return reply

    def checksum(self, upload: Upload, parts: list[Stored]) -> dict[str, str]:
        """The checksum of the whole, where the upload was begun with one. Raises Fault."""
        algorithm = upload.about.get(ALGORITHM, "").lower()
        if not algorithm:
            return {}
        told = [part.about.get(checksums.HEADER + algorithm) for part in parts]
        digests = [base64.b64decode(value) for value in told if value is not None]
        if len(digests) < len(parts):
            raise Fault("InvalidRequest", f"The upload was created using a {algorithm} checksum; a part lacks it")
        if upload.about.get(TYPE) == FULL:
            value = checksums.combined(algorithm, [(d, p.size) for d, p in zip(digests, parts, strict=True)])
        else:
            value = checksums.composite(algorithm, digests)
        return {checksums.HEADER + algorithm: value, TYPE: upload.about.get(TYPE, "COMPOSITE")}

    def listed(self, body: bytes) -> list[tuple[int, str]]:
        """Numbers and ETags of the request. Raises Fault."""
        root = s3_xml.read(body)
        if root is None or s3_xml.local(root.name) != "CompleteMultipartUpload":
            raise Fault("MalformedXML")
        parts = s3_xml.children(root, "Part")
        found = [(whole_number(s3_xml.text(p, "PartNumber")), s3_xml.text(p, "ETag")) for p in parts]
        if not 0 < len(found) <= MOST_PARTS or not all(tag for _, tag in found):
            raise Fault("MalformedXML")
        numbered = [(number, tag.strip().strip('"')) for number, tag in found if number is not None]
        if len(numbered) < len(found):
            raise Fault("MalformedXML")
        return numbered

    def check_told(self, body: bytes, there: dict[int, Stored]) -> None:
        """Checksums of parts that the request lists. Raises Fault."""
        root = s3_xml.read(body)
        assert root is not None
        for part in s3_xml.children(root, "Part"):
            about = there[int(s3_xml.text(part, "PartNumber"))].about
            for name in checksums.SIZES:
                told, known = s3_xml.text(part, f"Checksum{name.upper()}"), about.get(checksums.HEADER + name)
                if told and known is not None and told != known:
                    raise Fault("InvalidPart")

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
        most = page_size(asked, "max-parts")
        after = whole_number(asked.query.get("part-number-marker") or "0")
        if after is None:
            raise Fault("InvalidArgument", "part-number-marker is no whole number")
        found = [(number, part) for number, part in self.disk.parts(upload.id).items() if number > after]
        page = found[:most]
        lines = "".join(
            f"<Part><PartNumber>{number}</PartNumber><LastModified>{iso_date(part.modified)}</LastModified>"
            f'<ETag>"{part.etag}"</ETag><Size>{part.size}</Size></Part>'
            for number, part in page
        )
        truncated = len(found) > len(page)
        owner = xml_text(self.disk.owner(asked.bucket) or "")
        head = (
            f"<Bucket>{asked.bucket}</Bucket><Key>{xml_text(asked.key)}</Key><UploadId>{upload.id}</UploadId>"
            f"<Initiator><ID>{owner}</ID></Initiator><Owner><ID>{owner}</ID></Owner>"
            "<StorageClass>STANDARD</StorageClass>"
            f"<PartNumberMarker>{after}</PartNumberMarker><MaxParts>{most}</MaxParts>"
            f"<NextPartNumberMarker>{page[-1][0] if page else 0}</NextPartNumberMarker>"
            f"<IsTruncated>{str(truncated).lower()}</IsTruncated>"
        )
        return document("ListPartsResult", head + lines)


def page_size(asked: Asked, name: str) -> int:
    """How many entries a page may have. Raises Fault."""
    found = whole_number(asked.query.get(name) or str(PAGE))
    if found is None:
        raise Fault("InvalidArgument", f"{name} is no whole number")
    return min(found, PAGE)


def whole_etag(etags: list[str]) -> str:
    """The ETag of an object that came in parts: MD5 of the MD5s, and their number."""
    digests = b"".join(bytes.fromhex(etag) for etag in etags)
    return f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(etags)}"


def _copy(reader: Reader, draft: Draft) -> None:
    for block in reader:
        draft.write(block)
    draft.finish()

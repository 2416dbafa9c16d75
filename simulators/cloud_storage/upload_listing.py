"""ListMultipartUploads: by key and begin, in pages, with prefix and delimiter (S3 API)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from simulators.cloud_storage.disk import Upload
from simulators.cloud_storage.exchange import Asked, Reply, document, iso_date
from simulators.cloud_storage.faults import xml_text
from simulators.cloud_storage.multipart import page_size

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage


class UploadListing:
    """Uploads that are under way."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    async def uploads(self, asked: Asked) -> Reply:
        """ListMultipartUploads."""
        query, most = asked.query, page_size(asked, "max-uploads")
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        marker = query.get("key-marker", ""), query.get("upload-id-marker", "")
        encode = quote if query.get("encoding-type") == "url" else xml_text
        lines: list[str] = []
        last, truncated = ("", ""), False
        for key, upload in self.entries(asked.bucket, prefix, delimiter, marker):
            if len(lines) >= most:
                truncated = most > 0
                break
            last = key, upload.id if upload is not None else ""
            lines.append(self.line(key, upload, encode(key)))
        parts = [f"<Bucket>{asked.bucket}</Bucket><KeyMarker>{encode(marker[0])}</KeyMarker>"]
        parts.append(f"<UploadIdMarker>{xml_text(marker[1])}</UploadIdMarker><Prefix>{encode(prefix)}</Prefix>")
        if delimiter:
            parts.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
        if encode is quote:
            parts.append("<EncodingType>url</EncodingType>")
        parts.append(f"<MaxUploads>{most}</MaxUploads><IsTruncated>{str(truncated).lower()}</IsTruncated>")
        if truncated:
            parts.append(f"<NextKeyMarker>{encode(last[0])}</NextKeyMarker>")
            parts.append(f"<NextUploadIdMarker>{last[1]}</NextUploadIdMarker>")
        return document("ListMultipartUploadsResult", "".join([*parts, *lines]))

    def entries(
        self, bucket: str, prefix: str, delimiter: str, marker: tuple[str, str]
    ) -> Iterator[tuple[str, Upload | None]]:
        """Uploads behind the marker, and prefixes once each, in order."""
        shown, behind = "", False
        for upload in self.disk.uploads(bucket):
            if not upload.key.startswith(prefix) or (marker[0] and upload.key < marker[0]):
                continue
            if upload.key == marker[0] and not behind:
                behind = upload.id == marker[1]
                continue
            head, cut, _ = upload.key[len(prefix) :].partition(delimiter) if delimiter else (upload.key, "", "")
            if not cut:
                yield upload.key, upload
            elif (name := prefix + head + cut) != shown and name != marker[0]:
                shown = name
                yield name, None

    def line(self, key: str, upload: Upload | None, encoded: str) -> str:
        """One entry."""
        if upload is None:
            return f"<CommonPrefixes><Prefix>{encoded}</Prefix></CommonPrefixes>"
        owner = xml_text(self.disk.owner(upload.bucket) or "")
        return (
            f"<Upload><Key>{encoded}</Key><UploadId>{upload.id}</UploadId><Initiator><ID>{owner}</ID></Initiator>"
            f"<Owner><ID>{owner}</ID></Owner><StorageClass>STANDARD</StorageClass>"
            f"<Initiated>{iso_date(upload.begun)}</Initiated></Upload>"
        )

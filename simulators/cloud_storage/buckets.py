"""Buckets: create, head, delete, list; listings of their objects, V1 and V2 (S3 API)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote
from xml.sax.saxutils import escape

from conformance.protocols import s3_xml
from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply, document, iso_date
from simulators.cloud_storage.faults import Fault

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

PAGE = 1000
BEHIND = "\U0010ffff"
_GROUPS = re.compile(r"\d+(\.\d+)+\Z")


@dataclass(slots=True)
class Page:
    """What one answer holds. ``last``: key or prefix with which it ends."""

    objects: list[Stored]
    prefixes: list[str]
    truncated: bool
    last: str


class Buckets:
    """The bucket operations."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk

    async def all(self, asked: Asked) -> Reply:
        """ListBuckets."""
        if not asked.identity.account:
            raise Fault("AccessDenied")
        lines = "".join(
            f"<Bucket><Name>{name}</Name><CreationDate>{iso_date(created)}</CreationDate></Bucket>"
            for name, created in self.disk.buckets(asked.identity.account)
        )
        owner = f"<Owner><ID>{asked.identity.account}</ID></Owner>"
        return document("ListAllMyBucketsResult", f"{owner}<Buckets>{lines}</Buckets>")

    async def create(self, asked: Asked) -> Reply:
        """CreateBucket."""
        if not asked.identity.account:
            raise Fault("AccessDenied")
        self.check_name(asked.bucket)
        body = await asked.read()
        if body and s3_xml.read(body) is None:
            raise Fault("MalformedXML")
        owner = self.disk.owner(asked.bucket)
        if owner is not None and owner != asked.identity.account:
            raise Fault("BucketAlreadyExists")
        if owner is not None and self.storage.dialect.existing_bucket == "conflict":
            raise Fault("BucketAlreadyOwnedByYou")
        if owner is None:
            self.disk.add_bucket(asked.bucket, asked.identity.account, self.storage.now())
        return Reply(headers=[("Location", f"/{asked.bucket}")])

    def check_name(self, name: str) -> None:
        """The rules of the dialect. Raises Fault."""
        rules = self.storage.dialect.bucket_names
        letters = "a-zA-Z" if rules.upper_case else "a-z"
        good = re.fullmatch(rf"[{letters}0-9]([{letters}0-9.-]*[{letters}0-9])?", name) is not None
        good = good and rules.min <= len(name.encode()) <= rules.max
        good = good and not any(pair in name for pair in ("..", "-.", ".-"))
        good = good and (rules.double_dash or "--" not in name)
        good = good and (rules.number_groups or not _GROUPS.match(name))
        if not good or _is_address(name):
            raise Fault("InvalidBucketName")

    async def head(self, asked: Asked) -> Reply:
        """HeadBucket."""
        return Reply()

    async def delete(self, asked: Asked) -> Reply:
        """DeleteBucket."""
        if not self.disk.remove_bucket(asked.bucket):
            raise Fault("BucketNotEmpty")
        return Reply(204)

    async def location(self, asked: Asked) -> Reply:
        """GetBucketLocation."""
        return document("LocationConstraint", self.storage.region)

    async def list(self, asked: Asked) -> Reply:
        """ListObjects and ListObjectsV2."""
        query = asked.query
        v2 = query.get("list-type") == "2"
        most = self.most(query.get("max-keys"))
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        after = self.token(query["continuation-token"]) if "continuation-token" in query else ""
        after = after or query.get("start-after" if v2 else "marker", "")
        page = self.page(asked.bucket, prefix, delimiter, after, most)
        encode = quote if query.get("encoding-type") == "url" else escape
        parts = [f"<Name>{asked.bucket}</Name><Prefix>{encode(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"]
        parts.append(f"<IsTruncated>{str(page.truncated).lower()}</IsTruncated>")
        if delimiter:
            parts.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
        if encode is quote:
            parts.append("<EncodingType>url</EncodingType>")
        parts.append(self.following(page, v2=v2, encode=encode))
        parts += [
            f"<Contents><Key>{encode(found.key)}</Key><LastModified>{iso_date(found.modified)}</LastModified>"
            f'<ETag>"{found.etag}"</ETag><Size>{found.size}</Size><StorageClass>STANDARD</StorageClass></Contents>'
            for found in page.objects
        ]
        parts += [f"<CommonPrefixes><Prefix>{encode(name)}</Prefix></CommonPrefixes>" for name in page.prefixes]
        return document("ListBucketResult", "".join(parts))

    def following(self, page: Page, *, v2: bool, encode: object) -> str:
        """How the next page is asked for."""
        assert callable(encode)
        if v2:
            count = f"<KeyCount>{len(page.objects) + len(page.prefixes)}</KeyCount>"
            token = base64.urlsafe_b64encode(page.last.encode("utf-8", "surrogateescape")).decode()
            return count + (f"<NextContinuationToken>{token}</NextContinuationToken>" if page.truncated else "")
        return f"<NextMarker>{encode(page.last)}</NextMarker>" if page.truncated else ""

    def most(self, text: str | None) -> int:
        """max-keys. Raises Fault."""
        if text is None or text == "":
            return PAGE
        if not text.isdecimal():
            raise Fault("InvalidArgument", "max-keys is no whole number")
        return min(int(text), PAGE)

    def token(self, text: str) -> str:
        """What a continuation token stands for. Raises Fault."""
        try:
            return base64.b64decode(text.encode(), altchars=b"-_", validate=True).decode("utf-8", "surrogateescape")
        except (binascii.Error, ValueError):
            raise Fault("InvalidArgument", "The continuation token is not valid") from None

    def page(self, bucket: str, prefix: str, delimiter: str, after: str, most: int) -> Page:
        """At most so many keys and prefixes behind ``after``."""
        page = Page([], [], truncated=False, last="")
        for name, found in self.entries(bucket, prefix, delimiter, after):
            if len(page.objects) + len(page.prefixes) >= most:
                page.truncated = most > 0
                break
            if found is None:
                page.prefixes.append(name)
            else:
                page.objects.append(found)
            page.last = name
        return page

    def entries(self, bucket: str, prefix: str, delimiter: str, after: str) -> Iterator[tuple[str, Stored | None]]:
        """Keys, and prefixes once each, in order."""
        if delimiter and after.endswith(delimiter) and after.startswith(prefix):
            after += BEHIND
        shown = ""
        for found in self.disk.objects(bucket, prefix, after.encode("utf-8", "surrogateescape")):
            head, cut, _ = found.key[len(prefix) :].partition(delimiter) if delimiter else (found.key, "", "")
            if not cut:
                yield found.key, found
            elif (name := prefix + head + cut) != shown:
                shown = name
                yield name, None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

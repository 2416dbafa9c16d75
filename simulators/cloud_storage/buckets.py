"""Buckets: create, head, delete, list; listings of their objects, V1 and V2 (S3 API)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from conformance.protocols import s3_xml
from simulators.cloud_storage.disk import Stored
from simulators.cloud_storage.exchange import Asked, Reply, document, iso_date, whole_number
from simulators.cloud_storage.faults import Fault, xml_text

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage

PAGE = 1000
BEHIND = "\udcff"
CONFIGURATIONS = ("CreateBucketConfiguration", "CreateBucketRequest")
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
        if (asked.header("x-amz-bucket-object-lock-enabled") or "").lower() == "true":
            raise Fault("NotImplemented")
        self.check_location(await asked.read())
        self.storage.access.canned(asked)
        owner = self.disk.owner(asked.bucket)
        if owner is not None and owner != asked.identity.account:
            raise Fault("BucketAlreadyExists")
        if owner is not None and self.storage.dialect.existing_bucket == "conflict":
            raise Fault("BucketAlreadyOwnedByYou")
        if owner is None:
            self.disk.add_bucket(asked.bucket, asked.identity.account, self.storage.now())
        self.storage.access.set_canned(asked)
        return Reply(headers=[("Location", f"/{asked.bucket}")])

    def check_location(self, body: bytes) -> None:
        """CreateBucketConfiguration, if there is one. Raises Fault."""
        if not body:
            return
        root = s3_xml.read(body)
        if root is None or s3_xml.local(root.name) not in CONFIGURATIONS:
            raise Fault("MalformedXML")
        told = s3_xml.text(root, "LocationConstraint")
        if told and self.storage.dialect.name == "aws" and told != self.storage.region:
            raise Fault("IllegalLocationConstraintException")

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
        return Reply(headers=[("x-amz-bucket-region", self.storage.region), *self.storage.quota.report(asked.bucket)])

    async def delete(self, asked: Asked) -> Reply:
        """DeleteBucket."""
        if not self.disk.remove_bucket(asked.bucket):
            raise Fault("BucketNotEmpty")
        return Reply(204)

    async def location(self, asked: Asked) -> Reply:
        """GetBucketLocation."""
        return document("LocationConstraint", self.storage.region)

    async def versioning(self, asked: Asked) -> Reply:
        """GetBucketVersioning: never switched on."""
        return document("VersioningConfiguration", "")

    async def list(self, asked: Asked) -> Reply:
        """ListObjects and ListObjectsV2."""
        query = asked.query
        v2 = query.get("list-type") == "2"
        if v2 and not self.storage.dialect.list_v2:
            raise Fault("NotImplemented")
        most = self.most(query.get("max-keys"))
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
        encode = quote if self.encoded(query.get("encoding-type")) else xml_text
        after = self.token(query["continuation-token"]) if v2 and "continuation-token" in query else ""
        after = after or query.get("start-after" if v2 else "marker", "")
        page = self.page(asked.bucket, prefix, delimiter, after, most)
        parts = [f"<Name>{asked.bucket}</Name><Prefix>{encode(prefix)}</Prefix><MaxKeys>{most}</MaxKeys>"]
        parts.append(f"<IsTruncated>{str(page.truncated).lower()}</IsTruncated>")
        if delimiter:
            parts.append(f"<Delimiter>{encode(delimiter)}</Delimiter>")
        if encode is quote:
            parts.append("<EncodingType>url</EncodingType>")
        parts.append(self.begun(query, v2=v2, encode=encode))
        parts.append(self.following(page, v2=v2, encode=encode))
        owner = self.disk.owner(asked.bucket) if not v2 or query.get("fetch-owner") == "true" else None
        parts += [self.contents(found, encode(found.key), owner) for found in page.objects]
        parts += [f"<CommonPrefixes><Prefix>{encode(name)}</Prefix></CommonPrefixes>" for name in page.prefixes]
        return document("ListBucketResult", "".join(parts))

    def encoded(self, told: str | None) -> bool:
        """encoding-type. Raises Fault."""
        if told not in (None, "", "url"):
            raise Fault("InvalidArgument", "Invalid Encoding Method specified in Request")
        return told == "url"

    def contents(self, found: Stored, key: str, owner: str | None) -> str:
        """One object of a listing."""
        whose = f"<Owner><ID>{xml_text(owner)}</ID></Owner>" if owner else ""
        kind = found.about.get("x-amz-storage-class", "STANDARD")
        return (
            f"<Contents><Key>{key}</Key><LastModified>{iso_date(found.modified)}</LastModified>"
            f"<ETag>&quot;{found.etag}&quot;</ETag><Size>{found.size}</Size>{whose}"
            f"<StorageClass>{kind}</StorageClass></Contents>"
        )

    def begun(self, query: dict[str, str], *, v2: bool, encode: Callable[[str], str]) -> str:
        """Where the page begins, as it was asked for."""
        if not v2:
            return f"<Marker>{encode(query.get('marker', ''))}</Marker>"
        token, start = query.get("continuation-token"), query.get("start-after")
        told = f"<ContinuationToken>{xml_text(token)}</ContinuationToken>" if token is not None else ""
        return told + (f"<StartAfter>{encode(start)}</StartAfter>" if start is not None else "")

    def following(self, page: Page, *, v2: bool, encode: Callable[[str], str]) -> str:
        """How the next page is asked for."""
        if v2:
            count = f"<KeyCount>{len(page.objects) + len(page.prefixes)}</KeyCount>"
            token = base64.urlsafe_b64encode(page.last.encode("utf-8", "surrogateescape")).decode()
            return count + (f"<NextContinuationToken>{token}</NextContinuationToken>" if page.truncated else "")
        return f"<NextMarker>{encode(page.last)}</NextMarker>" if page.truncated else ""

    def most(self, text: str | None) -> int:
        """max-keys. Raises Fault."""
        if text is None or text == "":
            return PAGE
        found = whole_number(text)
        if found is None:
            raise Fault("InvalidArgument", "max-keys is no whole number")
        return min(found, PAGE)

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
        """Keys, and prefixes once each, in order; what is behind a prefix is skipped, not read."""
        if _is_prefix(after, prefix, delimiter):
            after += BEHIND
        position: str | None = after
        while position is not None:
            start, position = position.encode("utf-8", "surrogateescape"), None
            for found in self.disk.objects(bucket, prefix, start):
                head, cut, _ = found.key[len(prefix) :].partition(delimiter) if delimiter else (found.key, "", "")
                if cut:
                    yield prefix + head + cut, None
                    position = prefix + head + cut + BEHIND
                    break
                yield found.key, found


def _is_prefix(after: str, prefix: str, delimiter: str) -> bool:
    """Whether a page ended with a common prefix: its only delimiter behind ``prefix`` is its end."""
    _, cut, rest = after[len(prefix) :].partition(delimiter) if delimiter else ("", "", "")
    return bool(cut) and not rest and after.startswith(prefix)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True

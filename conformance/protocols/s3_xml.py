"""The XML bodies of S3: lenient reading of answers into frozen values, building of request bodies."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from xml.sax.saxutils import escape

from conformance.protocols.safe_xml import XmlDocument, XmlElement, XmlError, XmlLimits, parse_xml

LIMITS = XmlLimits(size=16 << 20, depth=16, elements=200_000, attributes=32, text=1 << 20)
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True, slots=True)
class S3Error:
    """An error body. ``request_id`` is empty where there is none."""

    code: str
    message: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class ListedObject:
    """One entry of a listing; ``etag`` with its quotes."""

    key: str
    size: int
    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a listing, V1 or V2. ``next``: token or marker for the next page, empty at the end."""

    objects: tuple[ListedObject, ...]
    prefixes: tuple[str, ...]
    truncated: bool
    next: str
    key_count: int | None
    root: str

    @property
    def keys(self) -> list[str]:
        """The keys in their order."""
        return [entry.key for entry in self.objects]


@dataclass(frozen=True, slots=True)
class Deleted:
    """What DeleteObjects says: keys deleted, and errors as (key, code)."""

    keys: tuple[str, ...]
    errors: tuple[tuple[str, str], ...]


def local(name: str) -> str:
    """A name without its prefix."""
    return name.rpartition(":")[2]


def read(data: bytes) -> XmlElement | None:
    """The root of a body; None where it is no XML."""
    try:
        document: XmlDocument = parse_xml(data, LIMITS)
    except XmlError:
        return None
    return document.root


def text(element: XmlElement, name: str, default: str = "") -> str:
    """The text of the first child of that local name."""
    return next((child.text for child in element.children if local(child.name) == name), default)


def children(element: XmlElement, name: str) -> list[XmlElement]:
    """Children of that local name."""
    return [child for child in element.children if local(child.name) == name]


def read_error(data: bytes) -> S3Error | None:
    """An error body; None for anything else."""
    root = read(data)
    if root is None or local(root.name) != "Error" or not text(root, "Code"):
        return None
    return S3Error(text(root, "Code"), text(root, "Message"), text(root, "RequestId"))


def read_listing(data: bytes) -> Listing | None:
    """A page of objects; None for anything else."""
    root = read(data)
    if root is None or local(root.name) != "ListBucketResult":
        return None
    objects = tuple(
        ListedObject(text(e, "Key"), _number(text(e, "Size")), text(e, "ETag"), text(e, "LastModified"))
        for e in children(root, "Contents")
    )
    prefixes = tuple(text(entry, "Prefix") for entry in children(root, "CommonPrefixes"))
    count = text(root, "KeyCount")
    following = text(root, "NextContinuationToken") or text(root, "NextMarker")
    truncated = text(root, "IsTruncated") == "true"
    return Listing(objects, prefixes, truncated, following, _number(count) if count else None, local(root.name))


def _number(found: str) -> int:
    return int(found) if found.isdecimal() and found.isascii() else -1


def read_upload_id(data: bytes) -> str:
    """UploadId of InitiateMultipartUploadResult, whatever its root is named; empty where there is none."""
    root = read(data)
    return text(root, "UploadId") if root is not None else ""


def read_parts(data: bytes) -> dict[int, tuple[int, str]] | None:
    """Parts of ListPartsResult (or what a server names it): (size, ETag) by number; None for anything else."""
    root = read(data)
    if root is None or not local(root.name).startswith("ListParts"):
        return None
    return {_number(text(p, "PartNumber")): (_number(text(p, "Size")), text(p, "ETag")) for p in children(root, "Part")}


def read_uploads(data: bytes) -> list[tuple[str, str]]:
    """(key, upload id) of ListMultipartUploadsResult; empty for anything else."""
    root = read(data)
    if root is None or local(root.name) != "ListMultipartUploadsResult":
        return []
    return [(text(upload, "Key"), text(upload, "UploadId")) for upload in children(root, "Upload")]


def read_deleted(data: bytes) -> Deleted | None:
    """DeleteResult; None for anything else."""
    root = read(data)
    if root is None or local(root.name) != "DeleteResult":
        return None
    errors = tuple((text(entry, "Key"), text(entry, "Code")) for entry in children(root, "Error"))
    return Deleted(tuple(text(entry, "Key") for entry in children(root, "Deleted")), errors)


def complete_body(parts: Iterable[tuple[int, str]]) -> bytes:
    """CompleteMultipartUpload of (number, ETag)."""
    listed = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{escape(tag)}</ETag></Part>" for n, tag in parts)
    return f'<CompleteMultipartUpload xmlns="{NAMESPACE}">{listed}</CompleteMultipartUpload>'.encode()


def delete_body(keys: Iterable[str], *, quiet: bool = False) -> bytes:
    """Delete of these keys."""
    listed = "".join(f"<Object><Key>{escape(key)}</Key></Object>" for key in keys)
    return f'<Delete xmlns="{NAMESPACE}"><Quiet>{str(quiet).lower()}</Quiet>{listed}</Delete>'.encode()

"""Which request is which operation: by level, method and sub-resources; and the action that policies know it by."""

from __future__ import annotations

from typing import NamedTuple

from simulators.cloud_storage.exchange import Asked
from simulators.cloud_storage.faults import Fault

PLAIN = frozenset(
    {
        "prefix",
        "delimiter",
        "marker",
        "max-keys",
        "encoding-type",
        "list-type",
        "start-after",
        "continuation-token",
        "fetch-owner",
        "key-marker",
        "upload-id-marker",
        "max-uploads",
        "max-parts",
        "part-number-marker",
        "x-id",
        "AWSAccessKeyId",
        "Expires",
        "Signature",
        "x-amz-security-token",
        "response-content-type",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-expires",
    }
)


class Route(NamedTuple):
    """``operation``: part of the storage and its method; ``action``: empty where the operation itself decides."""

    operation: str
    action: str


NOTHING: frozenset[str] = frozenset()
_UPLOAD, _PART = frozenset({"uploadId"}), frozenset({"uploadId", "partNumber"})
Table = dict[tuple[str, frozenset[str]], Route]


def _configuration(name: str, part: str, action: str, deleting: str = "") -> Table:
    sub = frozenset({name})
    return {
        ("PUT", sub): Route(f"{part}.put", f"Put{action}"),
        ("GET", sub): Route(f"{part}.get", f"Get{action}"),
        ("DELETE", sub): Route(f"{part}.delete", deleting or f"Put{action}"),
    }


SERVICE: Table = {("GET", NOTHING): Route("buckets.all", "")}
BUCKET: Table = {
    ("PUT", NOTHING): Route("buckets.create", ""),
    ("HEAD", NOTHING): Route("buckets.head", "ListBucket"),
    ("DELETE", NOTHING): Route("buckets.delete", "DeleteBucket"),
    ("GET", NOTHING): Route("buckets.list", "ListBucket"),
    ("GET", frozenset({"location"})): Route("buckets.location", "GetBucketLocation"),
    ("GET", frozenset({"versioning"})): Route("buckets.versioning", "GetBucketVersioning"),
    ("GET", frozenset({"uploads"})): Route("upload_listing.uploads", "ListBucketMultipartUploads"),
    ("POST", frozenset({"delete"})): Route("delete_many", ""),
    ("PUT", frozenset({"acl"})): Route("access.put_acl", "PutBucketAcl"),
    ("GET", frozenset({"acl"})): Route("access.get_acl", "GetBucketAcl"),
    **_configuration("lifecycle", "lifecycle", "LifecycleConfiguration"),
    **_configuration("policy", "policies", "BucketPolicy", "DeleteBucketPolicy"),
    **_configuration("cors", "cors", "BucketCORS"),
}
OBJECT: Table = {
    ("PUT", NOTHING): Route("objects.put", "PutObject"),
    ("PUT copy", NOTHING): Route("objects.copy", "PutObject"),
    ("GET", NOTHING): Route("objects.get", "GetObject"),
    ("HEAD", NOTHING): Route("objects.get", "GetObject"),
    ("DELETE", NOTHING): Route("objects.delete", "DeleteObject"),
    ("GET", frozenset({"acl"})): Route("access.get_acl", "GetObjectAcl"),
    ("POST", frozenset({"uploads"})): Route("multipart.begin", "PutObject"),
    ("PUT", _PART): Route("multipart.put_part", "PutObject"),
    ("PUT copy", _PART): Route("multipart.copy_part", "PutObject"),
    ("GET", _UPLOAD): Route("multipart.parts", "ListMultipartUploadParts"),
    ("POST", _UPLOAD): Route("multipart.complete", "PutObject"),
    ("DELETE", _UPLOAD): Route("multipart.abort", "AbortMultipartUpload"),
}


def route(asked: Asked) -> Route:
    """What a request asks for. Raises Fault for what there is not."""
    if asked.key and not asked.bucket:
        raise Fault("InvalidURI")
    kinds = frozenset(name for name in asked.query if name not in PLAIN and not name.startswith("X-Amz-"))
    table = SERVICE if not asked.bucket else OBJECT if asked.key else BUCKET
    copying = asked.method == "PUT" and bool(asked.key) and asked.header("x-amz-copy-source") is not None
    found = table.get((f"{asked.method} copy" if copying else asked.method, kinds))
    if found is None and kinds:
        raise Fault("NotImplemented")
    if found is None:
        raise Fault("MethodNotAllowed")
    return found

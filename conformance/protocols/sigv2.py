"""AWS Signature Version 2 for S3 ("Signing and authenticating REST requests"): header and presigned URL, HMAC-SHA1."""

from __future__ import annotations

import base64
import datetime as dt
import hmac
from email.utils import format_datetime
from urllib.parse import unquote

from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials

SUBRESOURCES = frozenset(
    {
        "acl",
        "accelerate",
        "cors",
        "delete",
        "lifecycle",
        "location",
        "logging",
        "notification",
        "partNumber",
        "policy",
        "requestPayment",
        "tagging",
        "torrent",
        "uploadId",
        "uploads",
        "versionId",
        "versioning",
        "versions",
        "website",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-content-type",
        "response-expires",
    }
)


def string_to_sign(request: RawRequest, date: str, *, bucket_in_host: str = "") -> str:
    """``date``: the Date header, empty where x-amz-date is sent, or the Expires field of a URL."""
    amz = sorted({name.lower() for name, _ in request.headers if name.lower().startswith("x-amz-")})
    values = (",".join(v.strip() for k, v in request.headers if k.lower() == name) for name in amz)
    lines = [f"{name}:{value}\n" for name, value in zip(amz, values, strict=True)]
    md5, kind = request.header("content-md5") or "", request.header("content-type") or ""
    head = f"{request.method}\n{md5}\n{kind}\n{date}\n"
    return head + "".join(lines) + resource(request, bucket_in_host=bucket_in_host)


def resource(request: RawRequest, *, bucket_in_host: str = "") -> str:
    """The path as sent, with the bucket of a virtual host in front and the sub-resources, sorted, behind; a bucket in
    path style is signed with a slash behind it."""
    path = (f"/{bucket_in_host}" if bucket_in_host else "") + request.path
    if not bucket_in_host and len(path) > 1 and path.count("/") == 1:
        path += "/"
    asked = sorted((name, value) for name, value in request.query_pairs if name in SUBRESOURCES)
    query = "&".join(f"{name}={unquote(value)}" if value else name for name, value in asked)
    return f"{path}?{query}" if query else path


def signature(secret_key: str, text: str) -> str:
    """Base64 of the HMAC-SHA1."""
    return base64.b64encode(hmac.digest(secret_key.encode(), text.encode("utf-8", "surrogateescape"), "sha1")).decode()


def sign(request: RawRequest, credentials: Credentials, *, at: float, bucket_in_host: str = "") -> RawRequest:
    """The request with Date (unless it has one or x-amz-date) and Authorization ``AWS key:signature``."""
    if credentials.token:
        request = request.with_header("x-amz-security-token", credentials.token)
    date = request.header("date")
    if request.header("x-amz-date") is not None:
        date = ""
    elif date is None:
        date = format_datetime(dt.datetime.fromtimestamp(int(at), dt.UTC), usegmt=True)
        request = request.with_header("Date", date)
    text = string_to_sign(request, date, bucket_in_host=bucket_in_host)
    signed = credentials.witness(lambda: signature(credentials.secret_key, text))
    return request.with_header("Authorization", f"AWS {credentials.access_key}:{signed}")


def presign(
    request: RawRequest, credentials: Credentials, *, expires_at: float, bucket_in_host: str = ""
) -> RawRequest:
    """The request with AWSAccessKeyId, Expires (Unix seconds) and Signature in its query."""
    if credentials.token:
        request = request.with_query("x-amz-security-token", credentials.token)
    expires = str(int(expires_at))
    text = string_to_sign(request, expires, bucket_in_host=bucket_in_host)
    signed = credentials.witness(lambda: signature(credentials.secret_key, text))
    fields = (("AWSAccessKeyId", credentials.access_key), ("Expires", expires), ("Signature", signed))
    for name, value in fields:
        request = request.with_query(name, value)
    return request

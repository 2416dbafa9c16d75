"""One account's client of a storage: builds, signs and sends requests; never raises for what the server does."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from conformance.peers.http_connection import Connections, Endpoint, NoResponse
from conformance.peers.storage.answer import Answer
from conformance.protocols import aws_chunked, sigv2, sigv4
from conformance.protocols.http_answer import HttpAnswerError
from conformance.protocols.raw_request import RawRequest, encode_key, encode_query
from conformance.protocols.s3_credentials import Credentials
from conformance.protocols.s3_xml import Listing, complete_body, delete_body, read_listing
from conformance.wire import Expired, Refused, Stream, Wire
from specs.model import Limit

Version = Literal["v4", "v2"]
Pairs = Iterable[tuple[str, str]]
_HOST_LABELS = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@dataclass(slots=True)
class StorageClient:
    """``credentials``: None signs nothing; ``version``: of the signature; ``clock_offset``: seconds by which this
    client's clock is ahead; ``virtual_host``: buckets stand in the host, not in the path."""

    wire: Wire
    endpoint: Endpoint
    credentials: Credentials | None
    region: str
    version: Version
    limits: Mapping[str, Limit]
    clock_offset: float = 0.0
    virtual_host: bool = False
    connections: Connections = field(init=False)

    def __post_init__(self) -> None:
        self.connections = Connections(self.wire, self.endpoint, self.limits)

    @property
    def now(self) -> float:
        """Unix seconds of this client's clock."""
        return self.wire.epoch() + self.clock_offset

    def build(
        self, method: str, bucket: str = "", key: str = "", query: Pairs = (), headers: Pairs = (), body: bytes = b""
    ) -> RawRequest:
        """An unsigned request with Host, and Content-Length where there is a body to be."""
        in_host = self.virtual_host and _HOST_LABELS.fullmatch(bucket) is not None
        host = f"{bucket}.{self.endpoint.authority}" if in_host else self.endpoint.authority
        path = "/" + "/".join(filter(None, ("" if in_host else bucket, encode_key(key)))) if bucket else "/"
        asked = encode_query(query)
        given = [("Host", host), *headers]
        if method in ("PUT", "POST") and not any(name.lower() == "content-length" for name, _ in given):
            given.append(("Content-Length", str(len(body))))
        return RawRequest(method, f"{path}?{asked}" if asked else path, tuple(given), body)

    def _bucket_in_host(self, request: RawRequest) -> str:
        host, behind = request.header("host") or "", f".{self.endpoint.authority}"
        return host.removesuffix(behind) if host.endswith(behind) else ""

    def sign(self, request: RawRequest, *, payload: str = "hash", at: float | None = None) -> RawRequest:
        """The request with a signature in its headers; unchanged without credentials."""
        if self.credentials is None:
            return request
        moment = self.now if at is None else at
        if self.version == "v2":
            bucket = self._bucket_in_host(request)
            return sigv2.sign(request, self.credentials, bucket_in_host=bucket, at=moment)
        return sigv4.sign(request, self.credentials, region=self.region, at=moment, payload=payload)

    def sign_chunked(
        self,
        request: RawRequest,
        *,
        kind: str = aws_chunked.SIGNED,
        size: int = aws_chunked.CHUNK_SIZE,
        trailers: aws_chunked.Trailers = (),
    ) -> aws_chunked.ChunkedUpload:
        """The request (Version 4) with its body in chunks of ``size`` bytes; ``kind``: x-amz-content-sha256. Its
        Content-Length follows from the chunks."""
        assert self.credentials is not None
        plain = request.without_header("content-length")
        return aws_chunked.sign(
            plain, self.credentials, region=self.region, at=self.now, kind=kind, size=size, trailers=trailers
        )

    async def put_chunked(
        self,
        bucket: str,
        key: str,
        body: bytes = b"",
        headers: Pairs = (),
        *,
        kind: str = aws_chunked.SIGNED,
        size: int = aws_chunked.CHUNK_SIZE,
        trailers: aws_chunked.Trailers = (),
    ) -> Answer:
        """PutObject in aws-chunked framing."""
        request = self.build("PUT", bucket, key, headers=headers, body=body)
        return await self.send(self.sign_chunked(request, kind=kind, size=size, trailers=trailers).request)

    def presign(self, request: RawRequest, *, expires: int, at: float | None = None) -> RawRequest:
        """The request with a signature in its query. ``expires``: seconds from ``at`` (default: now)."""
        assert self.credentials is not None
        moment = self.now if at is None else at
        if self.version == "v2":
            bucket = self._bucket_in_host(request)
            return sigv2.presign(request, self.credentials, bucket_in_host=bucket, expires_at=moment + expires)
        return sigv4.presign(request, self.credentials, region=self.region, at=moment, expires=expires)

    async def send(self, request: RawRequest, *, within: float | None = None, stream: Stream | None = None) -> Answer:
        """Exactly these bytes."""
        try:
            if stream is not None:
                found = await self.connections.exchange_on(stream, request, within)
            else:
                found = await self.connections.exchange(request, within)
        except (NoResponse, HttpAnswerError, Refused, Expired) as failure:
            return Answer(request, self.wire.now(), why=str(failure))
        return Answer(request, self.wire.now(), found)

    async def call(
        self,
        method: str,
        bucket: str = "",
        key: str = "",
        query: Pairs = (),
        headers: Pairs = (),
        body: bytes = b"",
        payload: str = "hash",
    ) -> Answer:
        """Build, sign, send."""
        return await self.send(self.sign(self.build(method, bucket, key, query, headers, body), payload=payload))

    async def put(self, bucket: str, key: str, body: bytes = b"", headers: Pairs = ()) -> Answer:
        """PutObject."""
        return await self.call("PUT", bucket, key, headers=headers, body=body)

    async def get(self, bucket: str, key: str, headers: Pairs = ()) -> Answer:
        """GetObject."""
        return await self.call("GET", bucket, key, headers=headers)

    async def head(self, bucket: str, key: str = "", headers: Pairs = ()) -> Answer:
        """HeadObject, or HeadBucket without a key."""
        return await self.call("HEAD", bucket, key, headers=headers)

    async def delete(self, bucket: str, key: str = "") -> Answer:
        """DeleteObject, or DeleteBucket without a key."""
        return await self.call("DELETE", bucket, key)

    async def copy(self, bucket: str, key: str, source: str, headers: Pairs = ()) -> Answer:
        """CopyObject; ``source``: raw, as in x-amz-copy-source."""
        return await self.call("PUT", bucket, key, headers=(("x-amz-copy-source", source), *headers))

    async def list_objects(self, bucket: str, **asked: str) -> Answer:
        """ListObjectsV2; names of query fields with ``_`` for ``-``."""
        pairs = [("list-type", "2"), *((name.replace("_", "-"), value) for name, value in asked.items())]
        return await self.call("GET", bucket, query=pairs)

    async def list_v1(self, bucket: str, **asked: str) -> Answer:
        """ListObjects."""
        return await self.call("GET", bucket, query=[(n.replace("_", "-"), v) for n, v in asked.items()])

    async def pages(self, bucket: str, most: int, **asked: str) -> list[Listing]:
        """Every page of ListObjectsV2, at most ``most``; ends at the first answer that is no listing."""
        found: list[Listing] = []
        while len(found) < most:
            listing = read_listing((await self.list_objects(bucket, **asked)).body)
            if listing is None:
                break
            found.append(listing)
            if not listing.truncated or not listing.next:
                break
            asked["continuation_token"] = listing.next
        return found

    async def begin_upload(self, bucket: str, key: str, headers: Pairs = ()) -> Answer:
        """CreateMultipartUpload."""
        return await self.call("POST", bucket, key, query=[("uploads", "")], headers=headers)

    async def put_part(
        self, bucket: str, key: str, upload: str, number: int | str, body: bytes, headers: Pairs = ()
    ) -> Answer:
        """UploadPart."""
        query = [("partNumber", str(number)), ("uploadId", upload)]
        return await self.call("PUT", bucket, key, query=query, headers=headers, body=body)

    async def complete(self, bucket: str, key: str, upload: str, parts: Iterable[tuple[int, str]]) -> Answer:
        """CompleteMultipartUpload of (number, ETag)."""
        return await self.call("POST", bucket, key, query=[("uploadId", upload)], body=complete_body(parts))

    async def abort(self, bucket: str, key: str, upload: str) -> Answer:
        """AbortMultipartUpload."""
        return await self.call("DELETE", bucket, key, query=[("uploadId", upload)])

    async def delete_many(self, bucket: str, keys: Iterable[str], *, quiet: bool = False) -> Answer:
        """DeleteObjects."""
        body = delete_body(keys, quiet=quiet)
        return await self.call("POST", bucket, query=[("delete", "")], headers=[content_md5(body)], body=body)

    async def put_configuration(self, bucket: str, kind: str, body: bytes) -> Answer:
        """A configuration of a bucket: ``lifecycle``, ``policy`` or ``cors``."""
        return await self.call("PUT", bucket, query=[(kind, "")], headers=[content_md5(body)], body=body)

    def close(self) -> None:
        """Close its connections."""
        self.connections.close()


def content_md5(body: bytes) -> tuple[str, str]:
    """The Content-MD5 header of a body (RFC 1864)."""
    digest = hashlib.md5(body, usedforsecurity=False).digest()
    return "Content-MD5", base64.b64encode(digest).decode()

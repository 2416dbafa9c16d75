"""One request on its way through the storage: what was asked, who asks, the body as it comes, the answer."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import unquote

from aiohttp import web

from conformance.protocols.s3_request import S3Request
from simulators.cloud_storage.authentication import Identity
from simulators.cloud_storage.disk import Draft
from simulators.cloud_storage.faults import Fault

UNHASHED = ("UNSIGNED-PAYLOAD", "")
LARGEST_DOCUMENT = 2 << 20
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(slots=True)
class Reply:
    """An answer. ``stream``: blocks of a body of ``length`` bytes, in place of ``body``."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    stream: Iterator[bytes] | None = None
    length: int = 0


def document(name: str, inner: str) -> Reply:
    """An XML answer."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">{inner}</{name}>'
    return Reply(headers=[("Content-Type", "application/xml")], body=text.encode("utf-8", "surrogateescape"))


@dataclass(slots=True)
class Asked:
    """A request. ``query``: decoded, in order of the URL; a repeated name keeps its first value."""

    received: web.BaseRequest
    request: S3Request
    bucket: str
    key: str
    query: dict[str, str]
    identity: Identity = field(default_factory=Identity)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16].upper())

    @classmethod
    def of(cls, received: web.BaseRequest) -> Asked:
        """From what the server read."""
        headers = tuple((n.decode("latin-1"), v.decode("utf-8", "surrogateescape")) for n, v in received.raw_headers)
        request = S3Request(received.method, received.raw_path, headers)
        bucket, _, key = request.path.lstrip("/").partition("/")
        query: dict[str, str] = {}
        for name, value in request.query_pairs:
            query.setdefault(unquote(name), unquote(value.replace("+", " "), errors="surrogateescape"))
        return cls(received, request, unquote(bucket), unquote(key, errors="surrogateescape"), query)

    @property
    def method(self) -> str:
        """GET, PUT ..."""
        return self.request.method

    def header(self, name: str) -> str | None:
        """A header."""
        return self.request.header(name)

    @property
    def length(self) -> int | None:
        """Content-Length; None for none."""
        text = self.header("content-length")
        return int(text) if text is not None and text.isdecimal() else None

    def proceed(self) -> None:
        """Answer Expect: 100-continue, now that the body is wanted."""
        if (self.header("expect") or "").lower() == "100-continue" and self.received.transport is not None:
            self.received.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    async def blocks(self) -> AsyncIterator[bytes]:
        """The body as it comes. Raises Fault when it ends too early."""
        self.proceed()
        expected, received = self.length, 0
        async for block in self.received.content.iter_any():
            received += len(block)
            yield block
        if expected is not None and received != expected:
            raise Fault("IncompleteBody")

    async def receive(self, draft: Draft) -> None:
        """The body into a draft, checked against every digest that the request carries. Raises Fault."""
        md5 = self.content_md5()
        async for block in self.blocks():
            draft.write(block)
        self.check(md5, draft.md5.digest(), draft.sha256.hexdigest())

    async def read(self) -> bytes:
        """A small body, checked the same way. Raises Fault."""
        md5, body = self.content_md5(), bytearray()
        async for block in self.blocks():
            body += block
            if len(body) > LARGEST_DOCUMENT:
                raise Fault("MalformedXML", "The document is too large")
        digest = hashlib.md5(body, usedforsecurity=False).digest()
        self.check(md5, digest, hashlib.sha256(body).hexdigest())
        return bytes(body)

    def content_md5(self) -> bytes | None:
        """What Content-MD5 says. Raises Fault."""
        told = self.header("content-md5")
        if told is None:
            return None
        try:
            digest = base64.b64decode(told, validate=True)
        except (binascii.Error, ValueError):
            raise Fault("InvalidDigest") from None
        if len(digest) != 16:
            raise Fault("InvalidDigest")
        return digest

    def check(self, told: bytes | None, md5: bytes, sha256: str) -> None:
        """Digests told against digests found. Raises Fault."""
        if told is not None and told != md5:
            raise Fault("BadDigest")
        if self.identity.payload not in UNHASHED and self.identity.payload != sha256:
            raise Fault("XAmzContentSHA256Mismatch")


def http_date(at: float) -> str:
    """IMF-fixdate of Unix seconds (RFC 9110 5.6.7)."""
    return format_datetime(dt.datetime.fromtimestamp(int(at), dt.UTC), usegmt=True)


def iso_date(at: float) -> str:
    """ISO 8601 with milliseconds, as in listings."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}Z"

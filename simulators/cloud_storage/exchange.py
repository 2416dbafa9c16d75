"""One request on its way through the storage: what was asked, who asks, the body as it comes, the answer."""

from __future__ import annotations

import base64
import binascii
import datetime as dt
import hashlib
import uuid
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from email.utils import format_datetime
from urllib.parse import unquote

from aiohttp import web

from conformance.protocols.raw_request import RawRequest
from simulators.cloud_storage import checksums
from simulators.cloud_storage.authentication import Identity
from simulators.cloud_storage.blobs import Draft, Reader
from simulators.cloud_storage.chunked_body import STREAMING, ChunkedBody
from simulators.cloud_storage.faults import Fault

UNHASHED = ("UNSIGNED-PAYLOAD", "")
LONGEST_NUMBER = 19
LARGEST_DOCUMENT = 2 << 20
NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(slots=True)
class Reply:
    """An answer. ``stream``: blocks of a body of ``length`` bytes, in place of ``body``; a reader of the disk is
    closed when the answer has gone."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    stream: Iterable[bytes] | None = None
    length: int = 0

    def close(self) -> None:
        """Let go of what is read."""
        if isinstance(self.stream, Reader):
            self.stream.close()


def document(name: str, inner: str) -> Reply:
    """An XML answer."""
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">{inner}</{name}>'
    return Reply(headers=[("Content-Type", "application/xml")], body=text.encode("utf-8", "surrogateescape"))


@dataclass(slots=True)
class Asked:
    """A request. ``query``: decoded, in order of the URL; a repeated name keeps its first value."""

    received: web.BaseRequest
    request: RawRequest
    bucket: str
    key: str
    query: dict[str, str]
    identity: Identity = field(default_factory=Identity)
    request_id: str = field(default_factory=lambda: uuid.uuid4().hex[:16].upper())

    @classmethod
    def of(cls, received: web.BaseRequest) -> Asked:
        """From what the server read."""
        headers = tuple((n.decode("latin-1"), v.decode("utf-8", "surrogateescape")) for n, v in received.raw_headers)
        request = RawRequest(received.method, origin_form(received.raw_path), headers)
        bucket, _, key = request.path[1:].partition("/")
        query: dict[str, str] = {}
        for name, value in request.query_pairs:
            query.setdefault(unquote(name), unquote(value.replace("+", " "), errors="surrogateescape"))
        return cls(received, request, unquote(bucket), unquote(key, errors="surrogateescape"), query)

    def place(self, bucket: str) -> None:
        """The host names the bucket: the whole path is the key."""
        if bucket:
            self.bucket, self.key = bucket, unquote(self.request.path[1:], errors="surrogateescape")

    @property
    def method(self) -> str:
        """GET, PUT ..."""
        return self.request.method

    def header(self, name: str) -> str | None:
        """A header."""
        return self.request.header(name)

    @property
    def framed(self) -> bool:
        """Whether the body comes in aws-chunked framing."""
        return (self.header("x-amz-content-sha256") or "").startswith(STREAMING)

    @property
    def length(self) -> int | None:
        """Bytes of the body, without its framing; None where it is not told."""
        text = self.header("x-amz-decoded-content-length" if self.framed else "content-length")
        return whole_number(text) if text is not None else None

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
        if not self.framed and expected is not None and received != expected:
            raise Fault("IncompleteBody")

    async def payload(self, trailers: dict[str, str]) -> AsyncIterator[bytes]:
        """The body without its framing; ``trailers`` is filled at its end. Raises Fault."""
        if not self.framed:
            async for block in self.blocks():
                yield block
            return
        framing = ChunkedBody(self.header("x-amz-content-sha256") or "", self.identity.chunks)
        length = 0
        async for block in self.blocks():
            for piece in framing.feed(block):
                length += len(piece)
                if length > (self.length or 0):
                    raise Fault("IncompleteBody", "The body is longer than x-amz-decoded-content-length")
                yield piece
        framing.end()
        if length != self.length:
            raise Fault("IncompleteBody", "The body is shorter than x-amz-decoded-content-length")
        trailers.update(framing.trailers)

    async def receive(self, draft: Draft) -> None:
        """The body into a draft, checked against every digest that the request carries. Raises Fault."""
        md5, algorithm, trailers = self.content_md5(), self.checksum_algorithm(), dict[str, str]()
        if algorithm:
            draft.sums.append(checksums.new(algorithm))
        async for block in self.payload(trailers):
            draft.write(block)
        self.check(md5, draft.md5.digest(), draft.sha256.hexdigest())
        if algorithm:
            digest = draft.sums[0].digest()
            self.check_checksum(algorithm, digest, trailers)
            draft.checksum = (algorithm, checksums.text_of(digest))

    async def read(self) -> bytes:
        """A small body, checked the same way. Raises Fault."""
        md5, algorithm, trailers = self.content_md5(), self.checksum_algorithm(), dict[str, str]()
        body = bytearray()
        async for block in self.payload(trailers):
            body += block
            if len(body) > LARGEST_DOCUMENT:
                raise Fault("MalformedXML", "The document is too large")
        self.check(md5, hashlib.md5(body, usedforsecurity=False).digest(), hashlib.sha256(body).hexdigest())
        if algorithm:
            total = checksums.new(algorithm)
            total.update(bytes(body))
            self.check_checksum(algorithm, total.digest(), trailers)
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

    def checksum_algorithm(self) -> str:
        """The checksum that the request carries in a header or announces as a trailer, empty for none. Raises Fault."""
        told = {name: self.header(checksums.HEADER + name) for name in checksums.SIZES}
        found = [name for name, value in told.items() if value is not None]
        trailer = (self.header("x-amz-trailer") or "").strip().lower()
        if trailer:
            found.append(trailer.removeprefix(checksums.HEADER))
        if len(found) > 1 or not set(found) <= set(checksums.SIZES):
            raise Fault("InvalidRequest", "Expecting a single x-amz-checksum- header that is known")
        for name in found:
            if (value := told[name]) is not None and len(_decoded(value)) != checksums.SIZES[name]:
                raise Fault("InvalidRequest", f"Value for x-amz-checksum-{name} header is invalid.")
        return found[0] if found else ""

    def check_checksum(self, algorithm: str, digest: bytes, trailers: dict[str, str]) -> None:
        """The checksum told against the one found. Raises Fault."""
        name = checksums.HEADER + algorithm
        told = self.header(name)
        if told is None and name not in trailers:
            raise Fault("MalformedTrailerError")
        if _decoded(told if told is not None else trailers[name]) != digest:
            raise Fault("BadDigest", f"The {algorithm.upper()} you specified did not match the calculated checksum.")

    def check(self, told: bytes | None, md5: bytes, sha256: str) -> None:
        """Digests told against digests found. Raises Fault."""
        if told is not None and told != md5:
            raise Fault("BadDigest")
        if self.identity.payload not in UNHASHED and not self.framed and self.identity.payload != sha256:
            raise Fault("XAmzContentSHA256Mismatch")


def whole_number(text: str) -> int | None:
    """A whole number in decimal digits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else None


def origin_form(target: str) -> str:
    """Path and query of a request target, which may be a whole URL (RFC 9112 3.2)."""
    if target.startswith("/"):
        return target
    _, scheme, rest = target.partition("://")
    return "/" + rest.partition("/")[2] if scheme else target


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def http_date(at: float) -> str:
    """IMF-fixdate of Unix seconds (RFC 9110 5.6.7)."""
    return format_datetime(dt.datetime.fromtimestamp(int(at), dt.UTC), usegmt=True)


def iso_date(at: float) -> str:
    """ISO 8601 with milliseconds, as in listings."""
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(at * 1000) % 1000:03d}Z"

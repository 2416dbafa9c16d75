"""Bodies in aws-chunked framing: each chunk with a signature over the one before, or none, with trailers or without.

S3 API, "Signature Calculations for the Authorization Header": "Transferring Payload in Multiple Chunks" and "Including
Trailing Headers". A body is kept in its parts, so that each can be forged before it is put together.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass, field, replace

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials, Witness

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
CHUNK_SIZE = 64 << 10
PAYLOAD_ALGORITHM = "AWS4-HMAC-SHA256-PAYLOAD"
TRAILER_ALGORITHM = "AWS4-HMAC-SHA256-TRAILER"
TRAILER_SIGNATURE = "x-amz-trailer-signature"
_EMPTY = hashlib.sha256().hexdigest()
_BLANK = "0" * 64
Trailers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChunkKey:
    """What every signature of one upload is made with. ``date``: x-amz-date; ``seed``: signature of the request;
    ``witness``: as in Credentials."""

    key: bytes = field(repr=False)
    date: str
    scope: str
    seed: str
    witness: Witness = field(repr=False)

    def chunk(self, before: str, data: bytes) -> str:
        """The signature of a chunk; ``before``: the one before it, the seed for the first."""
        return self._sign(PAYLOAD_ALGORITHM, before, _EMPTY, hashlib.sha256(data).hexdigest())

    def trailers(self, before: str, trailers: Trailers) -> str:
        """The signature of the trailers; ``before``: that of the last chunk."""
        lines = "".join(f"{name.lower()}:{value.strip()}\n" for name, value in trailers)
        return self._sign(TRAILER_ALGORITHM, before, hashlib.sha256(lines.encode()).hexdigest())

    def _sign(self, algorithm: str, before: str, *digests: str) -> str:
        text = "\n".join((algorithm, self.date, self.scope, before, *digests))
        return self.witness(lambda: sigv4.signature(self.key, text))


@dataclass(frozen=True, slots=True)
class Chunk:
    """``signature``: empty for none; ``told``: the size in its header, -1 for the true one."""

    data: bytes
    signature: str = ""
    told: int = -1

    @property
    def raw(self) -> bytes:
        """As on the wire; the end of the last chunk, which has no data, is that of the body."""
        size = len(self.data) if self.told < 0 else self.told
        extension = f";chunk-signature={self.signature}" if self.signature else ""
        return f"{size:x}{extension}\r\n".encode() + (self.data + b"\r\n" if self.data else b"")


@dataclass(frozen=True, slots=True)
class ChunkedBody:
    """``chunks``: the empty last one included; ``signed``: the trailers carry a signature of their own."""

    chunks: tuple[Chunk, ...]
    trailers: Trailers = ()
    trailer_signature: str = ""

    @property
    def raw(self) -> bytes:
        """As on the wire."""
        lines = [f"{name}:{value}\r\n" for name, value in self.trailers]
        if self.trailer_signature:
            lines.append(f"{TRAILER_SIGNATURE}:{self.trailer_signature}\r\n")
        return b"".join(chunk.raw for chunk in self.chunks) + "".join(lines).encode() + b"\r\n"

    def signed(self, key: ChunkKey) -> ChunkedBody:
        """The same with the signatures that belong there; what has none gets none."""
        before, chunks = key.seed, []
        for chunk in self.chunks:
            before = key.chunk(before, chunk.data) if chunk.signature else ""
            chunks.append(replace(chunk, signature=before))
        told = key.trailers(before, self.trailers) if self.trailer_signature else ""
        return replace(self, chunks=tuple(chunks), trailer_signature=told)


def split(data: bytes, kind: str, *, size: int = CHUNK_SIZE, trailers: Trailers = ()) -> ChunkedBody:
    """A body in chunks of ``size`` bytes, with blank signatures where ``kind``, x-amz-content-sha256, has some."""
    blank = "" if kind == UNSIGNED_TRAILER else _BLANK
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    chunks = tuple(Chunk(piece, blank) for piece in (*pieces, b""))
    return ChunkedBody(chunks, trailers, _BLANK if kind == SIGNED_TRAILER else "")


@dataclass(frozen=True, slots=True)
class ChunkedUpload:
    """A request and its body. ``head``: signed, without a body."""

    head: RawRequest
    body: ChunkedBody

    @property
    def request(self) -> RawRequest:
        """To be sent. Content-Length is that of the body as it is, unless the signature covers it."""
        raw = self.body.raw
        head = self.head
        if head.header("content-length") is None:
            head = head.with_header("Content-Length", str(len(raw)))
        return head.with_body(raw)


def sign(
    request: RawRequest,
    credentials: Credentials,
    *,
    region: str,
    at: float,
    kind: str = SIGNED,
    size: int = CHUNK_SIZE,
    trailers: Trailers = (),
) -> ChunkedUpload:
    """The body of a request in signed chunks. Headers that the request brings along stay as they are, also false ones;
    Content-Length is signed only if it is among them."""
    body = split(request.body, kind, size=size, trailers=trailers)
    needed = [("Content-Encoding", "aws-chunked"), ("x-amz-decoded-content-length", str(len(request.body)))]
    needed += [("x-amz-trailer", ",".join(name for name, _ in trailers))] if trailers else []
    for name, value in needed:
        if request.header(name) is None:
            request = request.with_header(name, value)
    head = sigv4.sign(request, credentials, region=region, at=at, payload=kind).with_body(b"")
    found = sigv4.parse_authorization(head.header("Authorization") or "")
    key = sigv4.signing_key(credentials.secret_key, found.date, region)
    made_with = ChunkKey(key, sigv4.amz_date(at), found.scope, found.signature, credentials.witness)
    return ChunkedUpload(head, body.signed(made_with))


def crc32_trailer(data: bytes) -> tuple[str, str]:
    """x-amz-checksum-crc32 of a body (RFC 1952 8, big-endian, Base64)."""
    return "x-amz-checksum-crc32", base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def sha256_trailer(data: bytes) -> tuple[str, str]:
    """x-amz-checksum-sha256 of a body."""
    return "x-amz-checksum-sha256", base64.b64encode(hashlib.sha256(data).digest()).decode()

"""The storage that the bench plays while a camera or a platform records: S3 over HTTP, path style, signatures checked.

It takes whole objects and multipart uploads, keeps and gives back what arrives, and can be away or break connections.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from conformance.peers.cloud_signature import signed_by
from conformance.peers.history import History
from conformance.protocols.http_message import (
    HttpLimits,
    HttpRequest,
    HttpRequestParser,
    HttpResponse,
    serialize_response,
)
from conformance.protocols.violation import CodecError
from conformance.wire import Closed, Expired, Listener, Reset, Stream, Wire
from specs.model import Limit

LARGEST_BODY = 64 << 20
REASONS = {200: "OK", 204: "No Content", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 409: "Conflict"}
Reply = tuple[int, bytes, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Upload:
    """One object that became whole. ``at``: wire time of its last byte; ``account``: access key that signed it."""

    at: float
    account: str
    bucket: str
    key: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request, whole or broken off. ``received``: bytes of the body; ``refused``: why it was not taken."""

    at: float
    method: str
    target: str
    received: int
    refused: str = ""


@dataclass(slots=True)
class Bends:
    """How the store misbehaves. ``break_at``: shares of a body (0..1) after which the connection is dropped, each once
    and in order; ``away``: connections are dropped at once."""

    break_at: list[float] = field(default_factory=list)
    away: bool = False


class CloudStore:
    """Use as ``async with``, or start and stop it. ``accounts``: secret by access key; ``buckets``: those that exist;
    ``uploads``: objects that became whole, in order; ``objects``: what is there now; ``attempts``: every request."""

    def __init__(self, wire: Wire, host: str, limits: Mapping[str, Limit], port: int = 0) -> None:
        self.wire, self.host, self.port = wire, host, port
        self.accounts: dict[str, str] = {}
        self.buckets: set[str] = set()
        self.uploads: History[Upload] = History(wire, "upload")
        self.objects: dict[tuple[str, str], Upload] = {}
        self.attempts: History[Attempt] = History(wire, "request to the storage")
        self.bends = Bends()
        self._parts: dict[str, dict[int, bytes]] = {}
        self._begun: dict[str, Mapping[str, str]] = {}
        self._patience = limits["liveness_wait"].seconds
        self._listener: Listener | None = None
        self._streams: list[Stream] = []

    async def __aenter__(self) -> CloudStore:
        await self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        self.stop()

    async def start(self) -> None:
        """Listen. Raises Refused when the address is taken."""
        self._listener = await self.wire.listen(self.host, self.port, self._serve, label="cloud")
        self.host, self.port = self._listener.host, self._listener.port

    def stop(self) -> None:
        """Listen no longer, drop every connection."""
        if self._listener is not None:
            self._listener.close()
        self.drop()

    @property
    def url(self) -> str:
        """What the device is told."""
        return f"http://{self.host}:{self.port}"

    def drop(self) -> None:
        """Break every open connection."""
        for stream in self._streams:
            stream.abort()
        self._streams.clear()

    def of(self, account: str) -> list[Upload]:
        """Uploads signed by that access key."""
        return [upload for upload in self.uploads if upload.account == account]

    async def _serve(self, stream: Stream) -> None:
        if self.bends.away:
            stream.abort()
            return
        self._streams.append(stream)
        parser = HttpRequestParser(HttpLimits(body=LARGEST_BODY))
        try:
            while True:
                chunk = await stream.read(within=self._patience)
                if not chunk.data:
                    return
                if self._breaks(parser.pending + chunk.data):
                    stream.abort()
                    return
                for request in parser.feed(chunk.data):
                    stream.write(serialize_response(self._answer(request, chunk.at)))
                await stream.drain()
        except CodecError:
            stream.write(serialize_response(_response(400, b"")))
        except (Reset, Closed, Expired):
            return
        finally:
            stream.close()

    def _breaks(self, pending: bytes) -> bool:
        """Whether the body has come as far as the next break."""
        head, found, body = pending.partition(b"\r\n\r\n")
        if not self.bends.break_at or not found or not head.startswith(b"PUT "):
            return False
        length = next(
            (int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0
        )
        if len(body) < length * self.bends.break_at[0]:
            return False
        self.bends.break_at.pop(0)
        method, target = head.split(b" ")[:2]
        attempt = Attempt(self.wire.now(), method.decode(), target.decode("latin-1"), len(body), "broken off")
        self.attempts.note(attempt)
        return True

    def _answer(self, request: HttpRequest, at: float) -> HttpResponse:
        status, body, headers = self._handle(request, at)
        refused = body.decode("utf-8", "replace") if status >= 300 else ""
        self.attempts.note(Attempt(at, request.method, request.target, len(request.body), refused))
        return _response(status, body, headers)

    def _handle(self, request: HttpRequest, at: float) -> Reply:
        account = self.wire.fact("signed by", lambda: signed_by(request, self.accounts))
        if account is None:
            return 403, _error("SignatureDoesNotMatch"), ()
        path, _, query = request.target.partition("?")
        bucket, _, key = unquote(path.lstrip("/")).partition("/")
        if bucket not in self.buckets:
            return 404, _error("NoSuchBucket"), ()
        if not key:
            return (409, _error("BucketAlreadyOwnedByYou"), ()) if request.method == "PUT" else _MISFIT
        if request.method in ("GET", "HEAD", "DELETE") and not query:
            return self._kept(request.method, bucket, key)
        asked = dict(pair.partition("=")[::2] for pair in query.split("&") if pair)
        tag = ("ETag", f'"{hashlib.md5(request.body, usedforsecurity=False).hexdigest()}"')
        if request.method == "PUT" and "uploadId" in asked:
            return self._part(unquote(asked["uploadId"]), asked.get("partNumber", ""), request.body, tag)
        if request.method == "PUT":
            self._keep(Upload(at, account, bucket, key, request.body, dict(request.headers.items)))
            return 200, b"", (tag,)
        if request.method == "POST" and "uploads" in asked:
            upload_id = f"{self.wire.random.getrandbits(64):016x}"
            self._parts[upload_id], self._begun[upload_id] = {}, dict(request.headers.items)
            names = f"<Bucket>{bucket}</Bucket><Key>{key}</Key><UploadId>{upload_id}</UploadId>"
            return 200, f"<InitiateMultipartUploadResult>{names}</InitiateMultipartUploadResult>".encode(), ()
        if request.method == "POST" and (upload_id := unquote(asked.get("uploadId", ""))) in self._parts:
            parts = self._parts.pop(upload_id)
            whole = b"".join(parts[number] for number in sorted(parts))
            self._keep(Upload(at, account, bucket, key, whole, self._begun.pop(upload_id)))
            return 200, b"<CompleteMultipartUploadResult/>", ()
        return _MISFIT

    def _keep(self, upload: Upload) -> None:
        self.uploads.note(upload)
        self.objects[upload.bucket, upload.key] = upload

    def _kept(self, method: str, bucket: str, key: str) -> Reply:
        """Give back or remove an object."""
        if method == "DELETE":
            self.objects.pop((bucket, key), None)
            return 204, b"", ()
        found = self.objects.get((bucket, key))
        return (200, found.body, ()) if found is not None else (404, _error("NoSuchKey"), ())

    def _part(self, upload_id: str, number: str, body: bytes, tag: tuple[str, str]) -> Reply:
        if upload_id not in self._parts:
            return 404, _error("NoSuchUpload"), ()
        if not number.isdecimal():
            return 400, _error("InvalidArgument"), ()
        self._parts[upload_id][int(number)] = body
        return 200, b"", (tag,)


def _error(code: str) -> bytes:
    return f"<Error><Code>{code}</Code></Error>".encode()


_MISFIT: Reply = (400, _error("InvalidRequest"), ())


def _response(status: int, body: bytes, headers: tuple[tuple[str, str], ...] = ()) -> HttpResponse:
    length = ("Content-Length", str(len(body)))
    return HttpResponse.build(status, REASONS[status], (*headers, ("Content-Type", "application/xml"), length), body)

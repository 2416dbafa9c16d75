"""The golden cloud storage: an S3 server in one of four dialects, put together from parts that a mutant may replace."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

from conformance.protocols import s3_xml
from simulators.cloud_storage.authentication import Authenticator
from simulators.cloud_storage.buckets import Buckets
from simulators.cloud_storage.disk import Disk
from simulators.cloud_storage.exchange import Asked, Reply, http_date
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.multipart import Multipart
from simulators.cloud_storage.objects import Objects
from specs.declaration import LoadedDeclaration
from specs.declaration import Storage as Declared
from specs.dialects import load_dialects

_LOG = logging.getLogger(__name__)
LARGEST_OBJECT = 5 << 30
MOST_DELETED = 1000
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
        "response-content-type",
        "response-cache-control",
        "response-content-disposition",
        "response-content-encoding",
        "response-content-language",
        "response-expires",
    }
)
Operation = Callable[[Asked], Awaitable[Reply]]


class CloudStorage:
    """One storage. ``folder``: where its state lives."""

    role = "cloud_storage"
    disk_class: type[Disk] = Disk
    asked_class: type[Asked] = Asked
    authenticator_class: type[Authenticator] = Authenticator
    buckets_class: type[Buckets] = Buckets
    objects_class: type[Objects] = Objects
    multipart_class: type[Multipart] = Multipart

    def __init__(self, loaded: LoadedDeclaration, folder: Path) -> None:
        declared = loaded.declaration.storage or Declared()
        self.dialect = load_dialects()[declared.dialect]
        self.region = declared.region or self.dialect.region
        self.maximum_object = declared.maximum_object or LARGEST_OBJECT
        self.accounts = {account.access_key: account.secret_key for account in loaded.accounts}
        self.disk = self.disk_class(folder)
        self.authenticator = self.authenticator_class(self.accounts, self.dialect, self.region)
        self.buckets = self.buckets_class(self)
        self.objects = self.objects_class(self)
        self.multipart = self.multipart_class(self)

    def now(self) -> float:
        """Unix seconds of the storage."""
        return time.time()

    def close(self) -> None:
        """Bring everything to disk."""
        self.disk.close()

    async def handle(self, received: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        asked = self.asked_class.of(received)
        try:
            reply = await self.answer(asked)
        except Fault as fault:
            reply = self.refusal(asked, fault)
        except (ConnectionError, web.RequestPayloadError):
            raise
        except Exception:  # noqa: BLE001 - whatever breaks inside is an answer
            _LOG.exception("%s %s", asked.method, asked.request.target)
            reply = self.refusal(asked, Fault("InternalError"))
        return await self.send(asked, reply)

    def refusal(self, asked: Asked, fault: Fault) -> Reply:
        """An error as an answer."""
        body = fault.body(asked.request.path, asked.request_id)
        return Reply(fault.status, [*fault.headers, ("Content-Type", "application/xml")], body)

    async def answer(self, asked: Asked) -> Reply:
        """Authenticate, authorise, carry out. Raises Fault."""
        asked.identity = self.authenticator.identify(asked.request, self.now())
        operation = self.operation(asked)
        if asked.bucket and operation != self.buckets.create:
            self.check_access(asked.bucket, asked.identity.account)
        return await operation(asked)

    def check_access(self, bucket: str, account: str) -> None:
        """Only the owner has access. Raises Fault."""
        owner = self.disk.owner(bucket)
        if owner is None:
            raise Fault("NoSuchBucket")
        if owner != account:
            raise Fault("AccessDenied")

    def operation(self, asked: Asked) -> Operation:
        """What a request asks for. Raises Fault for what there is not."""
        kinds = {name for name in asked.query if name not in PLAIN and not name.startswith("X-Amz-")}
        table = self.service_table() if not asked.bucket else self.object_table() if asked.key else self.bucket_table()
        copying = asked.header("x-amz-copy-source") is not None and asked.method == "PUT"
        found = table.get((f"{asked.method} copy" if copying else asked.method, frozenset(kinds)))
        if found is None and kinds:
            raise Fault("NotImplemented")
        if found is None:
            raise Fault("MethodNotAllowed")
        return found

    def service_table(self) -> dict[tuple[str, frozenset[str]], Operation]:
        """Operations on the account."""
        return {("GET", frozenset()): self.buckets.all}

    def bucket_table(self) -> dict[tuple[str, frozenset[str]], Operation]:
        """Operations on a bucket, by method and sub-resources."""
        return {
            ("PUT", frozenset()): self.buckets.create,
            ("HEAD", frozenset()): self.buckets.head,
            ("DELETE", frozenset()): self.buckets.delete,
            ("GET", frozenset()): self.buckets.list,
            ("GET", frozenset({"location"})): self.buckets.location,
            ("GET", frozenset({"uploads"})): self.multipart.uploads,
            ("POST", frozenset({"delete"})): self.delete_many,
        }

    def object_table(self) -> dict[tuple[str, frozenset[str]], Operation]:
        """Operations on an object."""
        upload, part = frozenset({"uploadId"}), frozenset({"uploadId", "partNumber"})
        return {
            ("PUT", frozenset()): self.objects.put,
            ("PUT copy", frozenset()): self.objects.copy,
            ("GET", frozenset()): self.objects.get,
            ("HEAD", frozenset()): self.objects.get,
            ("DELETE", frozenset()): self.objects.delete,
            ("POST", frozenset({"uploads"})): self.multipart.begin,
            ("PUT", part): self.multipart.put_part,
            ("PUT copy", part): self.multipart.copy_part,
            ("GET", upload): self.multipart.parts,
            ("POST", upload): self.multipart.complete,
            ("DELETE", upload): self.multipart.abort,
        }

    async def delete_many(self, asked: Asked) -> Reply:
        """DeleteObjects."""
        root = s3_xml.read(await asked.read())
        if root is None or s3_xml.local(root.name) != "Delete":
            raise Fault("MalformedXML")
        keys = [s3_xml.text(entry, "Key") for entry in s3_xml.children(root, "Object")]
        if not 0 < len(keys) <= MOST_DELETED or not all(keys):
            raise Fault("MalformedXML")
        return await self.objects.delete_many(asked, keys, quiet=s3_xml.text(root, "Quiet") == "true")

    async def send(self, asked: Asked, reply: Reply) -> web.StreamResponse:
        """Put the answer on the wire."""
        headers = [("Server", self.dialect.server), ("Date", http_date(self.now())), *reply.headers]
        headers.append(("x-amz-request-id", asked.request_id))
        length = reply.length if reply.stream is not None else len(reply.body)
        response = web.StreamResponse(status=reply.status)
        for name, value in headers:
            response.headers.add(name, value)
        if reply.status not in (204, 304):
            response.headers["Content-Length"] = str(length)
        if asked.length and not asked.received.content.is_eof():
            response.force_close()
        await response.prepare(asked.received)
        if asked.method != "HEAD" and reply.status not in (204, 304):
            for block in reply.stream if reply.stream is not None else (reply.body,):
                await response.write(block)
        await response.write_eof()
        return response

"""The golden cloud storage: an S3 server in one of four dialects, put together from parts that a mutant may replace."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from operator import attrgetter
from pathlib import Path
from typing import cast

from aiohttp import web

from conformance.protocols import s3_xml
from simulators.cloud_storage.access import Access
from simulators.cloud_storage.addressing import bucket_in_host, domains_of
from simulators.cloud_storage.authentication import Authenticator
from simulators.cloud_storage.buckets import Buckets
from simulators.cloud_storage.cors import Cors
from simulators.cloud_storage.disk import Disk
from simulators.cloud_storage.exchange import Asked, Reply, http_date
from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.lifecycle import Lifecycle
from simulators.cloud_storage.multipart import Multipart
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.policy import Policies
from simulators.cloud_storage.quota import Quota
from simulators.cloud_storage.routes import route
from simulators.cloud_storage.tokens import Tokens, declared_sessions
from simulators.cloud_storage.transport import Transport
from simulators.cloud_storage.upload_listing import UploadListing
from specs.declaration import LoadedDeclaration
from specs.declaration import Storage as Declared
from specs.dialects import load_dialects

_LOG = logging.getLogger(__name__)
LARGEST_OBJECT = 5 << 30
MOST_DELETED = 1000
MOST_AT_ONCE = 512
Operation = Callable[[Asked], Awaitable[Reply]]


class CloudStorage:
    """One storage. ``folder``: where its state lives."""

    role = "cloud_storage"
    disk_class: type[Disk] = Disk
    asked_class: type[Asked] = Asked
    tokens_class: type[Tokens] = Tokens
    authenticator_class: type[Authenticator] = Authenticator
    policies_class: type[Policies] = Policies
    access_class: type[Access] = Access
    quota_class: type[Quota] = Quota
    lifecycle_class: type[Lifecycle] = Lifecycle
    cors_class: type[Cors] = Cors
    buckets_class: type[Buckets] = Buckets
    objects_class: type[Objects] = Objects
    multipart_class: type[Multipart] = Multipart
    upload_listing_class: type[UploadListing] = UploadListing
    transport_class: type[Transport] = Transport

    def __init__(self, loaded: LoadedDeclaration, folder: Path) -> None:
        self.declared = loaded.declaration.storage or Declared()
        self.dialect = load_dialects()[self.declared.dialect]
        self.region = self.declared.region or self.dialect.region
        self.domains = domains_of(self.region)
        self.maximum_object = self.declared.maximum_object or LARGEST_OBJECT
        self.accounts = {account.access_key: account.secret_key for account in loaded.accounts}
        self.names = {account.access_key: account.name for account in loaded.accounts}
        self.retention_offset = 0.0
        self.at_once = 0
        self.disk = self.disk_class(folder)
        self.disk.retention_clock = self.retention_now
        self.tokens = self.tokens_class(declared_sessions(loaded))
        self.authenticator = self.authenticator_class(self.accounts, self.dialect, self.region, self.tokens)
        self.policies = self.policies_class(self)
        self.access = self.access_class(self)
        self.quota = self.quota_class(self)
        self.lifecycle = self.lifecycle_class(self)
        self.cors = self.cors_class(self)
        self.buckets = self.buckets_class(self)
        self.objects = self.objects_class(self)
        self.multipart = self.multipart_class(self)
        self.upload_listing = self.upload_listing_class(self)

    def now(self) -> float:
        """Unix seconds of the storage, by which signatures are checked."""
        return time.time()

    def retention_now(self) -> float:
        """Unix seconds of the retention clock, which the test bench may move."""
        return self.now() + self.retention_offset

    def note(self, account: str, action: str, bucket: str, key: str) -> None:
        """Write the audit record."""
        self.disk.note(self.now(), account, action, bucket, key)

    def close(self) -> None:
        """Bring everything to disk."""
        self.disk.close()

    async def handle(self, received: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        asked = self.asked_class.of(received)
        self.at_once += 1
        reply: Reply | None = None
        try:
            reply = await self.judged(asked)
            return await self.send(asked, reply)
        finally:
            self.at_once -= 1
            if reply is not None:
                reply.close()

    async def judged(self, asked: Asked) -> Reply:
        """The answer to a request, whatever happens."""
        try:
            self.check_load(asked)
            asked.place(bucket_in_host(asked.request, self.domains))
            return await self.answer(asked)
        except Fault as fault:
            return self.refusal(asked, fault)
        except (ConnectionError, web.RequestPayloadError):
            raise
        except Exception:  # noqa: BLE001 - whatever breaks inside is an answer
            _LOG.exception("%s %s", asked.method, asked.request.target)
            return self.refusal(asked, Fault("InternalError"))

    def check_load(self, asked: Asked) -> None:
        """Too many requests at once, or headers that are too large. Raises Fault."""
        if self.at_once > MOST_AT_ONCE:
            raise Fault("SlowDown")
        if sum(len(name) + len(value) + 4 for name, value in asked.request.headers) > self.dialect.header_bytes:
            raise Fault("RequestHeaderSectionTooLarge")

    def refusal(self, asked: Asked, fault: Fault) -> Reply:
        """An error as an answer."""
        body = fault.body(asked.request.path, asked.request_id)
        return Reply(fault.status, [*fault.headers, ("Content-Type", "application/xml")], body)

    async def answer(self, asked: Asked) -> Reply:
        """Authenticate, authorise, carry out. Raises Fault."""
        if asked.method == "OPTIONS" and asked.bucket:
            return await self.cors.preflight(asked)
        asked.identity = self.authenticator.identify(asked.request, self.now())
        operation = self.operation(asked)
        if action := route(asked).action:
            self.access.authorize(asked, action, asked.bucket, asked.key)
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
        return cast(Operation, attrgetter(route(asked).operation)(self))

    async def delete_many(self, asked: Asked) -> Reply:
        """DeleteObjects."""
        if self.disk.owner(asked.bucket) is None:
            self.check_access(asked.bucket, asked.identity.account)
        if asked.header("content-md5") is None and not asked.checksum_algorithm():
            raise Fault("InvalidRequest", "Missing required header for this request: Content-MD5 or a checksum")
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
        headers += [*self.cors.headers(asked), ("x-amz-request-id", asked.request_id)]
        length = reply.length if reply.stream is not None else len(reply.body)
        response = web.StreamResponse(status=reply.status)
        for name, value in headers:
            response.headers.add(name, value)
        if reply.status not in (204, 304):
            response.headers["Content-Length"] = str(length)
        if asked.received.can_read_body and not asked.received.content.is_eof():
            response.force_close()
        await response.prepare(asked.received)
        if asked.method != "HEAD" and reply.status not in (204, 304):
            for block in reply.stream if reply.stream is not None else (reply.body,):
                await response.write(block)
        await response.write_eof()
        return response

"""Off-the-shelf clients on the storage under test: boto3 and minio, each step of them in a thread of its own.

They show whether applications that are built on them will work. What they found goes on the tape as text, so that a
replay tells the same; the bytes that they sent are not on it.
"""

from __future__ import annotations

import importlib
import io
import json
import socket
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests
import urllib3

from conformance.peers.http_connection import Endpoint
from conformance.protocols.s3_credentials import Credentials
from conformance.wire import Wire
from conformance.wire.tape import Exchange, Hop

NOWHERE = ("", 0)
MEBIBYTE = 1 << 20
PART = 5 * MEBIBYTE
RESOLUTION = "getaddrinfo"
NOTE = {"device-id": "4701"}
KEYS = ("片段/08 00+%41.mp4", "片段/plain", "x y", "x+y")
BODY = b"0123456789" * 50
LARGE = b"\x47" * (PART + 1)


class Differs(Exception):
    """A client got something else than what was written."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """``error``: what the client said, empty where the step went well."""

    step: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a client works. ``seconds``: for which it waits; ``virtual_host``: the bucket stands in the host."""

    endpoint: Endpoint
    credentials: Credentials = field(repr=False)
    region: str
    version: str
    bucket: str
    seconds: float
    virtual_host: bool = False

    @property
    def url(self) -> str:
        """http[s]://host:port."""
        return f"{self.endpoint.scheme}://{self.endpoint.authority}"


class SdkClient(ABC):
    """One client. Its steps are called in their order and in one thread."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @abstractmethod
    def steps(self) -> dict[str, Callable[[], None]]:
        """What is tried, by name. A step raises whatever the client raises, or Differs."""

    async def run(self, wire: Wire, label: str) -> list[StepResult]:
        """Every step in a thread, or what the tape says of them; RESOLUTION alone when a bucket's host has no address,
        which these clients look up by themselves."""
        exchange = await wire.blocking(label, self._exchange)
        return [StepResult(*pair) for pair in json.loads(exchange.hops[0].response)]

    def _exchange(self) -> Exchange:
        found = json.dumps(self._found())
        return Exchange((Hop(self.target.url, NOWHERE, NOWHERE, b"", found.encode(), 0.0, 0.0),))

    def _found(self) -> list[tuple[str, str]]:
        if self.target.virtual_host and (unknown := self._tried(self.resolve)):
            return [(RESOLUTION, unknown)]
        return [(name, self._tried(step)) for name, step in self.steps().items()]

    def resolve(self) -> None:
        """The host of a bucket has an address. Raises OSError."""
        socket.getaddrinfo(f"{self.target.bucket}.{self.target.endpoint.host}", self.target.endpoint.port)

    @staticmethod
    def _tried(step: Callable[[], None]) -> str:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - whatever the client says is the finding
            return f"{type(error).__name__}: {error}"[:300] or type(error).__name__
        return ""


def same(expected: object, observed: object) -> None:
    """Raises Differs."""
    if expected != observed:
        raise Differs(f"{observed!r}"[:120] + " in place of " + f"{expected!r}"[:120])


class Boto3Client(SdkClient):
    """boto3; ``checksums``: ``when_required`` as before 2025, or ``when_supported``, its default since."""

    def __init__(self, target: Target, checksums: str) -> None:
        super().__init__(target)
        self.checksums = checksums

    @cached_property
    def client(self) -> Any:
        """The client. The package is slow to import, so only a run that needs it does."""
        boto3, config = importlib.import_module("boto3"), importlib.import_module("botocore.config")
        target = self.target
        return boto3.client(
            "s3",
            endpoint_url=target.url,
            aws_access_key_id=target.credentials.access_key,
            aws_secret_access_key=target.credentials.secret_key,
            aws_session_token=target.credentials.token or None,
            region_name=target.region,
            verify=target.endpoint.ca_file or None,
            config=config.Config(
                signature_version="s3" if target.version == "v2" else "s3v4",
                s3={"addressing_style": "virtual" if target.virtual_host else "path"},
                request_checksum_calculation=self.checksums,
                response_checksum_validation=self.checksums,
                retries={"total_max_attempts": 1},
                connect_timeout=target.seconds,
                read_timeout=target.seconds,
            ),
        )

    def steps(self) -> dict[str, Callable[[], None]]:
        return {
            "put_object": self.put,
            "get_object": self.get,
            "paginator": self.pages,
            "copy_object": self.copy,
            "upload_fileobj": self.upload,
            "waiter": self.wait,
            "delete_objects": self.delete,
        }

    def put(self) -> None:
        """Objects with metadata."""
        for key in KEYS:
            self.client.put_object(Bucket=self.target.bucket, Key=key, Body=BODY, Metadata=NOTE)

    def get(self) -> None:
        """Whole, and a part."""
        for key in KEYS:
            answer = self.client.get_object(Bucket=self.target.bucket, Key=key)
            same(BODY, answer["Body"].read())
            told = {name.lower(): value for name, value in answer["Metadata"].items()}
            same(NOTE["device-id"], told.get("device-id"))
        part = self.client.get_object(Bucket=self.target.bucket, Key=KEYS[0], Range="bytes=3-12")
        same(BODY[3:13], part["Body"].read())

    def pages(self) -> None:
        """Every key once."""
        name = "list_objects" if self.target.version == "v2" else "list_objects_v2"
        pages = self.client.get_paginator(name).paginate(Bucket=self.target.bucket, PaginationConfig={"PageSize": 2})
        same(sorted(KEYS, key=str.encode), [entry["Key"] for page in pages for entry in page.get("Contents", ())])

    def copy(self) -> None:
        """A key that has to be encoded."""
        bucket = self.target.bucket
        self.client.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": KEYS[0]})
        same(len(BODY), self.client.head_object(Bucket=bucket, Key="copy")["ContentLength"])

    def upload(self) -> None:
        """In parts, and back."""
        transfer = importlib.import_module("boto3.s3.transfer")
        parts = transfer.TransferConfig(multipart_threshold=PART, multipart_chunksize=PART, use_threads=False)
        self.client.upload_fileobj(io.BytesIO(LARGE), self.target.bucket, "large", Config=parts)
        back = io.BytesIO()
        self.client.download_fileobj(self.target.bucket, "large", back, Config=parts)
        same(len(LARGE), len(back.getvalue()))
        same(True, back.getvalue() == LARGE)

    def wait(self) -> None:
        """Objects that are there and one that is not."""
        once = {"Delay": 1, "MaxAttempts": 1}
        self.client.get_waiter("object_exists").wait(Bucket=self.target.bucket, Key=KEYS[0], WaiterConfig=once)
        self.client.get_waiter("object_not_exists").wait(Bucket=self.target.bucket, Key="nothing", WaiterConfig=once)

    def delete(self) -> None:
        """All in one request."""
        keys = [*KEYS, "copy", "large"]
        asked = {"Objects": [{"Key": key} for key in keys]}
        answer = self.client.delete_objects(Bucket=self.target.bucket, Delete=asked)
        same(sorted(keys), sorted(entry["Key"] for entry in answer.get("Deleted", ())))


class MinioClient(SdkClient):
    """minio for Python, which knows Version 4 only."""

    @cached_property
    def client(self) -> Any:
        """The client. The package is imported only by a run that needs it."""
        minio = importlib.import_module("minio")
        target = self.target
        options: dict[str, Any] = {"ca_certs": target.endpoint.ca_file} if target.endpoint.ca_file else {}
        client = minio.Minio(
            target.endpoint.authority,
            access_key=target.credentials.access_key,
            secret_key=target.credentials.secret_key,
            session_token=target.credentials.token or None,
            secure=target.endpoint.scheme == "https",
            region=target.region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(target.seconds), retries=urllib3.Retry(0), **options
            ),
        )
        if target.virtual_host:
            client.enable_virtual_style_endpoint()
        return client

    def steps(self) -> dict[str, Callable[[], None]]:
        return {
            "put_object": self.put,
            "get_object": self.get,
            "stat_object": self.stat,
            "list_objects": self.list,
            "copy_object": self.copy,
            "put_object, unknown length": self.upload,
            "presigned_get_object": self.presigned,
            "remove_objects": self.remove,
        }

    def put(self) -> None:
        """Objects with metadata."""
        for key in KEYS:
            self.client.put_object(self.target.bucket, key, io.BytesIO(BODY), len(BODY), metadata=dict(NOTE))

    def get(self) -> None:
        """Whole, and a part."""
        for key in KEYS:
            same(BODY, self._read(key))
        same(BODY[3:13], self._read(KEYS[0], offset=3, length=10))

    def _read(self, key: str, **options: int) -> bytes:
        answer = self.client.get_object(self.target.bucket, key, **options)
        try:
            return bytes(answer.read())
        finally:
            answer.close()
            answer.release_conn()

    def stat(self) -> None:
        """Size and metadata."""
        found = self.client.stat_object(self.target.bucket, KEYS[0])
        same((len(BODY), NOTE["device-id"]), (found.size, found.metadata.get("x-amz-meta-device-id")))

    def list(self) -> None:
        """Every key, and folders."""
        bucket = self.target.bucket
        found = [entry.object_name for entry in self.client.list_objects(bucket, recursive=True)]
        same(sorted(KEYS, key=str.encode), found)
        same({"片段/", "x y", "x+y"}, {entry.object_name for entry in self.client.list_objects(bucket)})

    def copy(self) -> None:
        """A key that has to be encoded."""
        common = importlib.import_module("minio.commonconfig")
        self.client.copy_object(self.target.bucket, "copy", common.CopySource(self.target.bucket, KEYS[0]))
        same(BODY, self._read("copy"))

    def upload(self) -> None:
        """In parts, and back."""
        self.client.put_object(self.target.bucket, "large", io.BytesIO(LARGE), -1, part_size=PART)
        same(True, self._read("large") == LARGE)

    def presigned(self) -> None:
        """A URL, read without the client."""
        address = self.client.presigned_get_object(self.target.bucket, KEYS[0])
        verify = str(Path(self.target.endpoint.ca_file)) if self.target.endpoint.ca_file else True
        same(BODY, requests.get(address, timeout=self.target.seconds, verify=verify).content)

    def remove(self) -> None:
        """All in one request."""
        deleting = importlib.import_module("minio.deleteobjects")
        keys = [*KEYS, "copy", "large"]
        same([], list(self.client.remove_objects(self.target.bucket, [deleting.DeleteObject(key) for key in keys])))
        same([], [entry.object_name for entry in self.client.list_objects(self.target.bucket, recursive=True)])

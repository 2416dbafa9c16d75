"""The golden storage before outside judges: boto3 with paginators, transfer manager and waiters; rclone; SIGKILL."""

from __future__ import annotations

import hashlib
import http.client
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from simulators.cloud_storage.declarations import AWS, DEFAULT, OOS5, SHIPPED
from specs.declaration import load_declaration
from specs.loader import load_catalogue

OWNER = load_declaration(DEFAULT, load_catalogue().vocabulary).accounts[0]
SIMULATE = [sys.executable, "-c", "from conformance.cli.main import main; main()", "simulate", "storage"]
MEBIBYTE = 1 << 20


@contextmanager
def storage(state: Path, declaration: Path = DEFAULT) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Endpoint and process of a storage that keeps its state in that folder."""
    command = [*SIMULATE, "--declaration", str(declaration), "--state", str(state)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["endpoint"], process
        finally:
            process.terminate()
            process.wait(20)


def client(endpoint: str, declaration: Path = DEFAULT) -> Any:
    """boto3 for the owner, as the dialect signs."""
    dialect = declaration.stem
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=OWNER.access_key,
        aws_secret_access_key=OWNER.secret_key,
        region_name="us-east-1" if dialect == "aws" else "cn",
        config=Config(
            signature_version="s3" if dialect == "oos5" else "s3v4",
            s3={"addressing_style": "path"},
            request_checksum_calculation="when_required",
            retries={"max_attempts": 1},
        ),
    )


@pytest.mark.parametrize("declaration", SHIPPED, ids=lambda path: path.stem)
def test_boto3_writes_lists_and_reads(tmp_path: Path, declaration: Path) -> None:
    with storage(tmp_path, declaration) as (endpoint, _):
        s3 = client(endpoint, declaration)
        s3.create_bucket(Bucket="shop-1")
        s3.get_waiter("bucket_exists").wait(Bucket="shop-1")
        keys = [f"店/{number:02d} +%41.mp4" for number in range(12)]
        for key in keys:
            s3.put_object(Bucket="shop-1", Key=key, Body=key.encode(), Metadata={"device-id": "KDN1"})
        pages = s3.get_paginator("list_objects").paginate(Bucket="shop-1", PaginationConfig={"PageSize": 5})
        assert [entry["Key"] for page in pages for entry in page["Contents"]] == keys
        read = s3.get_object(Bucket="shop-1", Key=keys[3], Range="bytes=1-3")
        assert (read["Body"].read(), read["Metadata"]) == (keys[3].encode()[1:4], {"device-id": "KDN1"})
        whole = os.urandom(11 * MEBIBYTE)
        parts = TransferConfig(multipart_threshold=5 * MEBIBYTE, multipart_chunksize=5 * MEBIBYTE)
        s3.upload_fileobj(io.BytesIO(whole), "shop-1", "large", Config=parts)
        assert s3.head_object(Bucket="shop-1", Key="large")["ETag"].endswith('-3"')
        s3.copy({"Bucket": "shop-1", "Key": "large"}, "shop-1", "copy", Config=parts)
        assert hashlib.sha256(s3.get_object(Bucket="shop-1", Key="copy")["Body"].read()).digest() == (
            hashlib.sha256(whole).digest()
        )
        with pytest.raises(ClientError, match="BucketNotEmpty"):
            s3.delete_bucket(Bucket="shop-1")


def test_dialects_differ(tmp_path: Path) -> None:
    for number, (declaration, expected) in enumerate(((AWS, "BucketAlreadyOwnedByYou"), (OOS5, ""))):
        with storage(tmp_path / str(number), declaration) as (endpoint, _):
            s3 = client(endpoint, declaration)
            s3.create_bucket(Bucket="shop-1")
            try:
                s3.create_bucket(Bucket="shop-1")
                found = ""
            except ClientError as error:
                found = error.response["Error"]["Code"]
            assert found == expected


def test_rclone_syncs_a_tree_up_and_down(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("rclone")
    tree = tmp_path / "tree"
    for name in ("20130801/080000.mp4", "20130801/120000.mp4", "20130802/片段 +.mp4", "empty"):
        path = tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"" if name == "empty" else os.urandom(70_000))
    with storage(tmp_path / "state") as (endpoint, _):
        remote = (
            f":s3,provider=Other,access_key_id={OWNER.access_key},secret_access_key={OWNER.secret_key},"
            f"region=cn,force_path_style=true,endpoint='{endpoint}':shop-1"
        )
        config = tmp_path / "rclone.conf"
        config.touch()
        for arguments in (["sync", tree, remote], ["check", tree, remote], ["sync", remote, tmp_path / "back"]):
            done = subprocess.run(
                [program, "--config", config, "--retries", "1", *arguments], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, done.stderr
    found = {path.relative_to(tree): path.read_bytes() for path in tree.rglob("*") if path.is_file()}
    back = tmp_path / "back"
    assert {path.relative_to(back): path.read_bytes() for path in back.rglob("*") if path.is_file()} == found


def half_put(endpoint: str, key: str, body: bytes) -> http.client.HTTPConnection:
    """A PUT of which half the body has been sent."""
    authority = urlsplit(endpoint).netloc
    headers = (("Host", authority), ("Content-Length", str(len(body))))
    request = RawRequest("PUT", f"/shop-1/{key}", headers, body)
    signed = sigv4.sign(request, Credentials(OWNER.access_key, OWNER.secret_key), region="cn", at=time.time())
    connection = http.client.HTTPConnection(authority, timeout=10)
    connection.putrequest("PUT", signed.target, skip_host=True, skip_accept_encoding=True)
    for name, value in signed.headers:
        connection.putheader(name, value)
    connection.endheaders(body[: len(body) // 2])
    return connection


def test_a_kill_in_the_middle_of_a_write_leaves_no_trace(tmp_path: Path) -> None:
    new = os.urandom(3 * MEBIBYTE)
    with storage(tmp_path) as (endpoint, process):
        s3 = client(endpoint)
        s3.create_bucket(Bucket="shop-1")
        s3.put_object(Bucket="shop-1", Key="clip", Body=b"old")
        upload = s3.create_multipart_upload(Bucket="shop-1", Key="parts")["UploadId"]
        s3.upload_part(Bucket="shop-1", Key="parts", UploadId=upload, PartNumber=1, Body=b"part")
        connections = [half_put(endpoint, key, new) for key in ("clip", "fresh")]
        while len(list((tmp_path / "blobs").glob("*.draft"))) < 2:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        for connection in connections:
            connection.close()
    with storage(tmp_path) as (endpoint, _):
        s3 = client(endpoint)
        assert s3.get_object(Bucket="shop-1", Key="clip")["Body"].read() == b"old"
        assert [entry["Key"] for entry in s3.list_objects(Bucket="shop-1")["Contents"]] == ["clip"]
        parts = s3.list_parts(Bucket="shop-1", Key="parts", UploadId=upload)["Parts"]
        assert [(part["PartNumber"], part["Size"]) for part in parts] == [(1, 4)]
        assert len(list((tmp_path / "blobs").iterdir())) == 2

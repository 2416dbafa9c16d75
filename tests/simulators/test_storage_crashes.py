"""The golden storage is killed while everything is going on at once; and it takes large objects at constant memory."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from test_cloud_storage import MEBIBYTE, OWNER, client, storage

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from simulators.cloud_storage.declarations import DEFAULT

BUCKET = "shop-1"
KEYS = [f"clip-{number}" for number in range(6)]
PART = 5 * MEBIBYTE
LARGE = 256 * MEBIBYTE
BLOCK = bytes(MEBIBYTE)
MEMORY = 200 * MEBIBYTE


def content(seed: int) -> bytes:
    """A body that tells what it is, so that a mixture of two is seen."""
    return random.Random(seed).randbytes(32) * (1 + seed % 9000)


def whole(body: bytes) -> bool:
    """Whether a body is one of `content`, or two parts of a multipart upload."""
    if len(body) > PART:
        return body[:PART] == b"p" * PART and whole(body[PART:])
    return bool(body) and body == body[:32] * (len(body) // 32)


def everything_at_once(s3: Any, seed: int, stop: threading.Event) -> None:
    """Writes, overwrites, copies, deletes and joins parts until the server is gone."""
    chosen = random.Random(seed)
    with contextlib.suppress(BotoCoreError, ClientError):
        while not stop.is_set():
            key, other = chosen.choice(KEYS), chosen.choice(KEYS)
            action = chosen.randrange(6)
            body = content(chosen.randrange(1 << 30))
            if action < 2:
                s3.put_object(Bucket=BUCKET, Key=key, Body=body)
            elif action == 2:
                with contextlib.suppress(ClientError):
                    s3.copy_object(Bucket=BUCKET, Key=key, CopySource={"Bucket": BUCKET, "Key": other})
            elif action == 3:
                s3.delete_object(Bucket=BUCKET, Key=key)
            elif action == 4:
                s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key}, {"Key": other}]})
            else:
                upload = {"Bucket": BUCKET, "Key": key}
                upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
                tags = [
                    s3.upload_part(**upload, PartNumber=n, Body=b)["ETag"] for n, b in ((1, b"p" * PART), (2, body))
                ]
                parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
                s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def check_whole(s3: Any) -> int:
    """Everything listed can be read, is whole, and has the size and tag that the listing tells."""
    entries = s3.list_objects(Bucket=BUCKET).get("Contents", [])
    for entry in entries:
        body = s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
        assert whole(body), entry
        assert len(body) == entry["Size"]
        if "-" not in entry["ETag"]:
            assert entry["ETag"] == f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
    listed = {entry["Key"] for entry in entries}
    for key in set(KEYS) - listed:
        with pytest.raises(ClientError, match="NoSuchKey"):
            s3.get_object(Bucket=BUCKET, Key=key)
    return len(entries)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_kill_in_the_middle_of_anything_shows_no_partial_object(tmp_path: Path, seed: int) -> None:
    with storage(tmp_path) as (endpoint, process):
        s3 = client(endpoint)
        s3.create_bucket(Bucket=BUCKET)
        for number, key in enumerate(KEYS):
            s3.put_object(Bucket=BUCKET, Key=key, Body=content(number))
        stop = threading.Event()
        workers = [
            threading.Thread(target=everything_at_once, args=(client(endpoint), 10 * seed + n, stop)) for n in range(4)
        ]
        for worker in workers:
            worker.start()
        stop.wait(random.Random(seed).uniform(0.2, 0.6))
        process.send_signal(signal.SIGKILL)
        process.wait(20)
        stop.set()
        for worker in workers:
            worker.join(30)
            assert not worker.is_alive()
    with storage(tmp_path) as (endpoint, _):
        s3 = client(endpoint)
        check_whole(s3)
        s3.put_object(Bucket=BUCKET, Key="after", Body=content(7))
        assert check_whole(s3) > 0
        assert list((tmp_path / "blobs").glob("*.draft")) == []


def peak_memory(process_id: int) -> int:
    """Bytes that a process has had in memory at most."""
    status = Path(f"/proc/{process_id}/status").read_text("ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def exchange(method: str, endpoint: str, key: str, length: int = 0) -> http.client.HTTPResponse:
    """A request whose body, zeros of that length, is not hashed."""
    authority = urlsplit(endpoint).netloc
    headers: tuple[tuple[str, str], ...] = (("Host", authority),)
    if length:
        headers = (*headers, ("Content-Length", str(length)))
    request = RawRequest(method, f"/{BUCKET}/{key}", headers)
    keys = Credentials(OWNER.access_key, OWNER.secret_key)
    done = sigv4.sign(request, keys, region="cn", at=time.time(), payload="UNSIGNED-PAYLOAD")
    connection = http.client.HTTPConnection(authority, timeout=120)
    body = (BLOCK for _ in range(length // MEBIBYTE)) if length else None
    connection.request(method, done.target, body=body, headers=dict(done.headers))
    return connection.getresponse()


def test_large_objects_pass_at_constant_memory(tmp_path: Path) -> None:
    declaration = tmp_path / "roomy.yaml"
    roomy = DEFAULT.read_text("utf-8").replace("quota: 134217728", "quota: 0")
    declaration.write_text(roomy, encoding="utf-8")
    with storage(tmp_path / "state", declaration) as (endpoint, process):
        client(endpoint).create_bucket(Bucket=BUCKET)
        assert exchange("PUT", endpoint, "large", LARGE).status == 200
        answer, received = exchange("GET", endpoint, "large"), 0
        while block := answer.read(MEBIBYTE):
            received += len(block)
        assert received == LARGE
        exchange("GET", endpoint, "large").close()
        assert peak_memory(process.pid) < MEMORY

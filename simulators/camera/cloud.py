"""Uploads finished recordings to the group cloud storage: oldest first, each as a whole, again until it is stored."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest
from conformance.protocols.s3_credentials import Credentials
from conformance.protocols.safe_xml import parse_xml
from simulators.camera.record_store import RecordFile

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

_LOG = logging.getLogger(__name__)
POLL = 0.1
PART = 5 << 20
BLOCK = 16 << 10
BYTES_BESIDE_A_VIEWER = 64 << 10
REGION = "cn"


class UploadRefused(Exception):
    """The storage answers an upload with an error."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where to upload to. ``space``: MB, 0 for none."""

    url: str
    credentials: Credentials
    bucket: str
    space: int

    @property
    def usable(self) -> bool:
        """Whether an upload may be tried."""
        return bool(self.url and self.bucket and self.credentials.access_key and self.space > 0)


class CloudUploader:
    """Follows the recordings of one camera. What was stored is remembered over a restart."""

    def __init__(self, camera: Camera) -> None:
        self.camera = camera
        self._memory = camera.folder / "cloud.json"
        self._since, self._done = self._remembered()

    async def run(self) -> None:
        """Upload whatever becomes due; ends with the power."""
        while True:
            await asyncio.sleep(POLL)
            account = self.account()
            if not self.may_upload(account):
                continue
            if not self._since:
                self._since = self.camera.now()
                self._remember()
            file = self.next_file()
            if file is None:
                continue
            try:
                await self.upload(account, file)
            except (OSError, aiohttp.ClientError, TimeoutError, UploadRefused) as error:
                _LOG.info("upload of %s: %r", file.name, error)
                self.failed(file)
                await asyncio.sleep(self.camera.timers.seconds("cloud_retry"))
            else:
                self.stored(file)

    def account(self) -> Account:
        """The account in force at this moment."""
        kept = self.camera.settings.account
        credentials = Credentials(kept.get("Account", ""), kept.get("Password", ""))
        space = int(kept.get("EStorgeSpace", "0") or 0)
        return Account(kept.get("URL", "").rstrip("/"), credentials, kept.get("ERecordBucket", ""), space)

    def may_upload(self, account: Account) -> bool:
        """Whether there is an account with space, and a network."""
        return account.usable and self.camera.link_up.is_set()

    def next_file(self) -> RecordFile | None:
        """The oldest finished recording since there is an account that is not stored yet."""
        due = (file for file in self.camera.store.files if file.end > self._since and file.name not in self._done)
        return next(due, None)

    def stored(self, file: RecordFile) -> None:
        """It need not be uploaded again."""
        self._done.add(file.name)
        self._remember()

    def failed(self, file: RecordFile) -> None:
        """It will be tried again."""

    def key(self, file: RecordFile) -> str:
        """``device/channel/yyyyMMdd/HHmmss-HHmmss.mp4`` in UTC: sorted by name is sorted by time."""
        start, end = (dt.datetime.fromtimestamp(int(moment), dt.UTC) for moment in (file.start, file.end))
        return f"{self.camera.dev_id}/{file.channel}/{start:%Y%m%d}/{start:%H%M%S}-{end:%H%M%S}.mp4"

    async def upload(self, account: Account, file: RecordFile) -> None:
        """Store one file: in one request, or in parts where it is large. Raises OSError or UploadRefused."""
        path, key = self.camera.store.path(file.name), self.key(file)
        if file.size <= PART:
            await self.send(
                account, "PUT", key, body=await asyncio.to_thread(path.read_bytes), headers=self.about(file)
            )
            return
        upload_id = await self._begin(account, key, file)
        tags = []
        for number, start in enumerate(range(0, file.size, PART), 1):
            part = await asyncio.to_thread(_read, path, start)
            headers, _ = await self.send(account, "PUT", key, f"?partNumber={number}&uploadId={upload_id}", part)
            tags.append((number, headers.get("ETag", "")))
        parts = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{tag}</ETag></Part>" for n, tag in tags)
        body = f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode()
        await self.send(account, "POST", key, f"?uploadId={upload_id}", body)

    async def _begin(self, account: Account, key: str, file: RecordFile) -> str:
        _, answer = await self.send(account, "POST", key, "?uploads=", headers=self.about(file))
        found = parse_xml(answer).root.find("UploadId")
        if found is None or not found.text:
            raise UploadRefused("no UploadId")
        return quote(found.text, safe="")

    def about(self, file: RecordFile) -> tuple[tuple[str, str], ...]:
        """Headers that tell what the object is."""
        start, end = (dt.datetime.fromtimestamp(int(moment), dt.UTC) for moment in (file.start, file.end))
        return (
            ("Content-Type", "video/mp4"),
            ("x-amz-meta-device-id", self.camera.dev_id),
            ("x-amz-meta-start", f"{start:%Y-%m-%dT%H:%M:%SZ}"),
            ("x-amz-meta-end", f"{end:%Y-%m-%dT%H:%M:%SZ}"),
        )

    async def send(
        self,
        account: Account,
        method: str,
        key: str,
        query: str = "",
        body: bytes = b"",
        headers: tuple[tuple[str, str], ...] = (),
    ) -> tuple[dict[str, str], bytes]:
        """One signed request. Returns headers and body of the answer. Raises OSError, ClientError or UploadRefused."""
        target = f"/{account.bucket}/{quote(key, safe='/')}{query}"
        length = ("Content-Length", str(len(body)))
        request = RawRequest(method, target, (("Host", urlsplit(account.url).netloc), *headers, length), body)
        signed = sigv4.sign(request, account.credentials, region=REGION, at=self.camera.now())
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=10)
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as session,
            session.request(
                method,
                URL(account.url + signed.target, encoded=True),
                headers=[(name, value) for name, value in signed.headers if name != "Host"],
                data=self.paced(body) if body else None,
                skip_auto_headers=("User-Agent", "Content-Type", "Accept-Encoding"),
            ) as answer,
        ):
            content = await answer.read()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise UploadRefused(f"{method} {signed.target}: {answer.status} {content[:200]!r}")
            return dict(answer.headers), content

    async def paced(self, body: bytes) -> AsyncIterator[bytes]:
        """The body in blocks, slowly while somebody watches."""
        for start in range(0, len(body), BLOCK):
            if self.camera.server.viewers:
                await asyncio.sleep(BLOCK / BYTES_BESIDE_A_VIEWER)
            yield body[start : start + BLOCK]

    def _remembered(self) -> tuple[float, set[str]]:
        try:
            kept = json.loads(self._memory.read_text("utf-8"))
            return float(kept["since"]), set(kept["done"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0.0, set()

    def _remember(self) -> None:
        draft = self._memory.with_suffix(".new")
        known = {file.name for file in self.camera.store.files}
        draft.write_text(json.dumps({"since": self._since, "done": sorted(self._done & known)}), encoding="utf-8")
        draft.replace(self._memory)


def _read(path: Path, start: int) -> bytes:
    with path.open("rb") as stream:
        stream.seek(start)
        return stream.read(PART)

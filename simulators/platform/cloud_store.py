"""The platform as a client of the group cloud storage: signed requests (signature version 4) to one bucket."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import aiohttp
from yarl import URL

from conformance.protocols import sigv4
from conformance.protocols.raw_request import RawRequest, encode_key
from conformance.protocols.s3_credentials import Credentials

WAIT = 10.0


class StoreFault(Exception):
    """The storage cannot be reached or refuses. ``status``: of its answer, 0 where there was none."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(why)


class CloudStore:
    """One bucket. ``down``: out of reach (a control of the bench). Everything raises StoreFault."""

    def __init__(self, endpoint: str, credentials: Credentials, bucket: str, region: str = "cn") -> None:
        self.endpoint = endpoint.rstrip("/")
        self.credentials = credentials
        self.bucket = bucket
        self.region = region
        self.down = False
        self._made = False
        self._client: aiohttp.ClientSession | None = None

    @property
    def usable(self) -> bool:
        """Whether there is a storage at all."""
        return bool(self.endpoint and self.bucket and self.credentials.access_key)

    async def put(self, key: str, data: bytes, kind: str, times: dict[str, str]) -> None:
        """Store an object; the bucket is made when it is missing. ``times``: user metadata."""
        if not self._made:
            await self._make_bucket()
        headers = [("content-type", kind), *((f"x-amz-meta-{name}", value) for name, value in times.items())]
        await self._ask("PUT", f"/{self.bucket}/{encode_key(key)}", data, headers)

    async def get(self, key: str) -> bytes:
        """Read an object."""
        return await self._ask("GET", f"/{self.bucket}/{encode_key(key)}")

    async def delete(self, key: str) -> None:
        """Remove an object; one that is not there is removed already."""
        await self._ask("DELETE", f"/{self.bucket}/{encode_key(key)}")

    async def _make_bucket(self) -> None:
        try:
            await self._ask("PUT", f"/{self.bucket}")
        except StoreFault as fault:
            if fault.status != 409:
                raise
        self._made = True

    async def _ask(
        self, method: str, target: str, body: bytes = b"", headers: list[tuple[str, str]] | None = None
    ) -> bytes:
        if self.down or not self.usable:
            raise StoreFault(0, "the storage is out of reach")
        if self._client is None:
            self._client = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(WAIT), auto_decompress=False)
        request = RawRequest(method, target, (("host", urlsplit(self.endpoint).netloc), *(headers or ())), body)
        signed = sigv4.sign(request, self.credentials, region=self.region, at=time.time())
        url = URL(self.endpoint + signed.target, encoded=True)
        try:
            async with self._client.request(method, url, headers=signed.headers, data=body or None) as answer:
                content = await answer.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise StoreFault(0, repr(error)) from None
        if answer.status >= 300:
            raise StoreFault(answer.status, content[:200].decode("utf-8", "replace"))
        return content

    async def stop(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.close()

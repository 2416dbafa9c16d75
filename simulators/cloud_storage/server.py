"""The HTTP side: what aiohttp would answer by itself is answered as the dialect answers."""

from __future__ import annotations

import uuid
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from simulators.cloud_storage.faults import Fault
from simulators.cloud_storage.storage import CloudStorage

LINGERING = 2.0
MOST_HEADERS = 512
READ_BUFFER = 256 << 10


class StorageServer(web.Server):
    """One storage as a server. Bodies are left as they come; lines and fields may be twice as long as the dialect
    allows all headers to be, so that it is the storage that refuses them."""

    def __init__(self, storage: CloudStorage) -> None:
        size = 2 * storage.dialect.header_bytes
        self.storage = storage
        self.settings: dict[str, Any] = {
            "auto_decompress": False,
            "max_field_size": size,
            "max_line_size": size,
            "max_headers": MOST_HEADERS,
            "lingering_time": LINGERING,
            "read_bufsize": READ_BUFFER,
            "access_log": None,
        }
        super().__init__(storage.handle, **self.settings)

    def __call__(self) -> RequestHandler:
        return StorageConnection(self, loop=self._loop, **self.settings)


class StorageConnection(RequestHandler):
    """One connection."""

    __slots__ = ("_server",)

    def __init__(self, server: StorageServer, **settings: Any) -> None:
        super().__init__(server, **settings)
        self._server = server.storage.dialect.server

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Bytes that are no HTTP request, or one that is beyond all bounds."""
        if request.writer.output_size > 0:
            raise ConnectionError("part of an answer has gone already")
        identity = uuid.uuid4().hex[:16].upper()
        fault = Fault("InternalError" if status >= 500 else "BadRequest")
        headers = {"Server": self._server, "x-amz-request-id": identity, "Content-Type": "application/xml"}
        response = web.Response(status=fault.status, body=fault.body("/", identity), headers=headers)
        response.force_close()
        return response

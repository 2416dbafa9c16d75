"""A phone for the tests: requests in a thread beside the platform's loop, and a gateway that takes pushes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import requests

PASSWORDS = {
    "owner": ("13800000001", "Shop-8d41c7"),
    "other": ("13800000002", "Shop-2be950"),
    "sharee": ("13800000003", "Shop-f6703a"),
    "clerk": ("13800000004", "Shop-41b8ee"),
    "operator": ("13800000005", "Shop-c95d12"),
}


class Phone:
    """A client of the interface. Calls give status and body."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.headers: dict[str, str] = {}
        self.refresh = ""

    async def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        def go() -> tuple[int, Any]:
            answer = requests.request(
                method, self.base + path, json=body, headers={**self.headers, **headers}, timeout=20
            )
            return answer.status_code, answer.json() if answer.content else None

        return await asyncio.to_thread(go)

    async def get(self, path: str) -> tuple[int, Any]:
        return await self.call("GET", path)

    async def post(self, path: str, body: Any = None) -> tuple[int, Any]:
        return await self.call("POST", path, {} if body is None else body)

    @classmethod
    async def of(cls, base: str, user: str) -> Phone:
        """A phone that is logged in."""
        phone = cls(base)
        number, password = PASSWORDS[user]
        status, found = await phone.post("/sessions", {"phone": number, "password": password})
        assert status == 201
        phone.use(found)
        return phone

    def use(self, opened: dict[str, Any]) -> None:
        self.headers = {"Authorization": f"Bearer {opened['session']}"}
        self.refresh = opened["refresh"]


def third_party(secret: str, key: str, nonce: str, moment: int) -> dict[str, str]:
    check = hashlib.sha1(f"{nonce}{secret}{moment}".encode()).hexdigest()
    return {"AppKey": key, "Nonce": nonce, "CurTime": str(moment), "CheckSum": check}


@asynccontextmanager
async def a_gateway() -> AsyncIterator[tuple[str, list[dict[str, Any]]]]:
    """A push gateway: its URL and what it was told."""
    told: list[dict[str, Any]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
        told.append(json.loads(await reader.readexactly(length)))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    try:
        yield f"http://{host}:{port}/push", told
    finally:
        server.close()

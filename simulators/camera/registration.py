"""The HTTP steps before TCP: REDIRECT at the group, REGISTER at the province (tykd 1)."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit

from conformance.protocols.http_message import HttpRequest, HttpResponse, HttpResponseParser, serialize_request
from conformance.protocols.tykd_message import Message, decode_message, encode_message
from conformance.protocols.violation import CodecError
from specs.messages import MessageTable

LARGEST_ANSWER = 16384


class NotReached(Exception):
    """No connection to the server, or one that broke before it answered."""


class StepRefused(Exception):
    """The server answered something that is no success. ``result``: its Result, 255 where there is none."""

    def __init__(self, result: int, why: str) -> None:
        self.result = result
        super().__init__(why)


async def post(
    table: MessageTable, name: str, url: str, values: dict[str, Any], *, connect: float, answer: float
) -> Message:
    """One POST and its answer. Raises NotReached, StepRefused."""
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or 80
    try:
        async with asyncio.timeout(connect):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        raise NotReached(f"{url}: {error!r}") from None
    headers = (
        ("Host", f"{host}:{port}"),
        ("Content-Type", "text/xml;charset=UTF-8"),
        ("Connection", "Keep-Alive"),
        ("Cache-Control", "no-cache"),
        ("User-Agent", "Kandian-Camera"),
    )
    body = encode_message(table, name, "request", values)
    request = HttpRequest.build("POST", parts.path or "/", headers, body)
    try:
        writer.write(serialize_request(request))
        async with asyncio.timeout(answer):
            return await _answer(table, name, reader)
    except ConnectionError as error:
        raise NotReached(f"{url}: {error!r}") from None
    except (OSError, TimeoutError, CodecError) as error:
        raise StepRefused(255, f"{name}: {error!r}") from None
    finally:
        writer.close()


async def _answer(table: MessageTable, name: str, reader: asyncio.StreamReader) -> Message:
    parser = HttpResponseParser()
    size = 0
    responses: list[HttpResponse] = []
    while not responses:
        data = await reader.read(4096)
        size += len(data)
        if size > LARGEST_ANSWER:
            raise StepRefused(255, f"{name}: the answer is too large")
        responses = parser.feed(data) if data else parser.finish()
        if not data and not responses:
            raise StepRefused(255, f"{name}: no answer")
    response = responses[0]
    if response.status != 200:
        raise StepRefused(255, f"{name}: status {response.status}")
    message = decode_message(table, name, "platform-to-device", response.body)
    if message.result != 0:
        raise StepRefused(message.result, f"{name}: Result {message.result}")
    if message.faults:
        raise StepRefused(255, f"{name}: {message.faults[0].explain}")
    return message

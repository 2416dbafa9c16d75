"""Snapshots: a JPEG of what a stream shows now."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import av

from conformance.protocols.http_message import HttpResponse
from simulators.camera.pictures import next_picture, to_jpeg

if TYPE_CHECKING:
    from simulators.camera.camera import Camera

SNAPSHOT_PATH = "/onvif/snapshot"


async def snapshot(camera: Camera, target: str) -> HttpResponse:
    """The picture of ``/onvif/snapshot/CHANNEL/STREAM``, by default of the main stream."""
    parts = target.partition("?")[0].removeprefix(SNAPSHOT_PATH).strip("/").split("/")
    key = (int(parts[0]), int(parts[1])) if len(parts) == 2 and all(p.isdigit() for p in parts) else (0, 1)
    encoder = camera.bank.get(*key)
    if encoder is None:
        return HttpResponse.build(404, "Not Found")
    try:
        unit = await next_picture(encoder)
        picture = await asyncio.to_thread(to_jpeg, unit)
    except (TimeoutError, av.FFmpegError, ValueError):
        return HttpResponse.build(503, "Service Unavailable")
    return HttpResponse.build(200, "OK", {"Content-Type": "image/jpeg"}, picture)

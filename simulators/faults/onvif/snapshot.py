"""Faults of snapshots."""

from __future__ import annotations

import itertools

from conformance.protocols.http_message import HttpRequest, HttpResponse
from simulators.camera.camera import Camera
from simulators.camera.onvif.media import MediaService
from simulators.camera.onvif.media2 import Media2Service
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import Call
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _HalfPicture(OnvifService):
    async def _snapshot(self, request: HttpRequest) -> HttpResponse:
        whole = await super()._snapshot(request)
        half = whole.body[: len(whole.body) // 2]
        return HttpResponse.build(whole.status, whole.reason, [("Content-Type", "image/jpeg")], half)


@mutant(violates="ONV-SNP-01", declaration="onvif")
class SnapshotCutShort(Camera):
    """The snapshot ends in the middle of the picture."""

    zh = "抓图在图片中间中断。"
    onvif_class = _HalfPicture


class _MainPicture(Media2Service):
    async def on_GetSnapshotUri(self, call: Call) -> str:
        return (await super().on_GetSnapshotUri(call)).replace("/0/2<", "/0/1<")


@mutant(violates="ONV-SNP-02", declaration="onvif")
class SnapshotOfMainStream(Camera):
    """The snapshot of every profile is a picture of the main stream."""

    zh = "各配置集的抓图均取自主码流。"
    onvif_class = face_with(_MainPicture)


class _FreePictures(OnvifService):
    free_snapshots = True


@mutant(violates="ONV-SNP-03", declaration="onvif")
class SnapshotOpenToAll(Camera):
    """The snapshot needs no credentials."""

    zh = "抓图无需凭据。"
    onvif_class = _FreePictures


class _OneTimeAddress(MediaService):
    numbers = itertools.count(1)

    async def on_GetSnapshotUri(self, call: Call) -> str:
        told = await super().on_GetSnapshotUri(call)
        return told.replace("</tt:Uri>", f"?ticket={next(self.numbers)}</tt:Uri>")


@mutant(violates="ONV-SNP-04", declaration="onvif")
class SnapshotAddressChanges(Camera):
    """Every request for the snapshot address brings another."""

    zh = "每次请求得到不同的抓图地址。"
    onvif_class = face_with(_OneTimeAddress)


class _LostPicture(Media2Service):
    async def on_GetSnapshotUri(self, call: Call) -> str:
        return (await super().on_GetSnapshotUri(call)).replace("/onvif/snapshot/0/", "/onvif/snapshot/7/")


@mutant(violates="ONV-SNP-05", declaration="onvif")
class Media2SnapshotLeadsNowhere(Camera):
    """The snapshot address of ver20 brings no picture."""

    zh = "ver20 的抓图地址没有图片。"
    onvif_class = face_with(_LostPicture)

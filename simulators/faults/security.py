"""Faults of security: a back door, the key in the open, passwords told, further ports."""

from __future__ import annotations

import dataclasses

from conformance.protocols.http_message import HttpRequest, HttpResponse
from simulators.camera.camera import Camera
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.state import User
from simulators.camera.play_url import Target
from simulators.camera.rtsp_connection import RtspConnection
from simulators.camera.rtsp_request import Answer, Request
from simulators.camera.rtsp_server import RtspConfig, RtspServer
from simulators.faults.registry import mutant

JPEG = b"\xff\xd8\xff\xe0\0\x10JFIF\0" + b"\0" * 64 + b"\xff\xd9"


class _OpenServer(RtspServer):
    async def token_accepted(self, target: Target) -> bool:
        return target.token == "" or await super().token_accepted(target)


def _to_live(server: RtspServer, request: Request) -> Request:
    query = f"devid={server.config.dev_id}&channelno=0&streamtype=1&hashtoken="
    host = request.url.partition("//")[2].partition("/")[0].rpartition("@")[2]
    return dataclasses.replace(request, url=f"rtsp://{host}/realplay?{query}")


class _FactoryPath(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        if request.url.endswith("/h264/ch1/main/av_stream"):
            request = _to_live(self.server, request)
        return await super().describe(request)


@mutant(violates="IF-SEC-01")
class FactoryPathPlays(Camera):
    """The stream path of the module's maker plays without a token."""

    zh = "模组厂商自带的取流路径不经令牌即可播放。"
    server_class = type("BrokenServer", (_OpenServer,), {"connection_class": _FactoryPath})


class _FactoryAccount(RtspConnection):
    async def describe(self, request: Request) -> Answer:
        if "//admin:admin@" in request.url:
            request = _to_live(self.server, request)
        return await super().describe(request)


@mutant(violates="IF-SEC-01")
class FactoryAccountPlays(Camera):
    """The maker's account admin:admin in the URL takes the place of a token."""

    zh = "地址中的出厂账号 admin:admin 可代替令牌。"
    server_class = type("BrokenServer", (_OpenServer,), {"connection_class": _FactoryAccount})


@mutant(violates="IF-SEC-02a")
class KeyInServerHeader(Camera):
    """The Server header of RTSP answers holds the device key."""

    zh = "RTSP 应答的 Server 首部含设备密钥。"

    def rtsp_config(self) -> RtspConfig:
        return dataclasses.replace(super().rtsp_config(), agent=f"Camera/{self.key}")


class _TellsPassword(OnvifService):
    def elements(self, *, secure: bool) -> dict[str, str | int]:
        return super().elements(secure=False)


@mutant(violates="IF-SEC-04")
class OnvifPasswordReported(Camera):
    """The ability report holds the ONVIF password in the secure profile too."""

    zh = "安全档下能力上报仍含 ONVIF 口令。"
    onvif_class = _TellsPassword


class _PictureForAnyone(OnvifService):
    async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
        if request.method == "GET" and request.target == "/onvif/snapshot":
            return HttpResponse.build(200, "OK", {"Content-Type": "image/jpeg"}, JPEG)
        return await super().answer(request, user)


@mutant(violates="IF-AHL-23", declaration="secure")
class SnapshotForAnyone(Camera):
    """The ONVIF service hands a picture to anyone."""

    zh = "ONVIF 服务向任何人提供抓拍图像。"
    onvif_class = _PictureForAnyone

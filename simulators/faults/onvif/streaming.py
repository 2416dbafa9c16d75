"""Faults of the stream addresses and of what plays there."""

from __future__ import annotations

import dataclasses

from simulators.camera.camera import Camera
from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.media import MediaService
from simulators.camera.onvif.media2 import Media2Service
from simulators.camera.onvif.service import RECEIVER, Call, OnvifFault
from simulators.camera.rtsp_server import RtspConfig
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _LongAddress(MediaService):
    async def on_GetStreamUri(self, call: Call) -> str:
        return (await super().on_GetStreamUri(call)).replace("/live/", f"/live/{'long-way-' * 14}/")


@mutant(violates="ONV-STR-01", declaration="onvif")
class StreamAddressTooLong(Camera):
    """The stream address has more than 128 octets."""

    zh = "流地址超过 128 字节。"
    onvif_class = face_with(_LongAddress)


@mutant(violates="ONV-STR-02", declaration="onvif")
class UdpAddressPlaysTcpOnly(Camera):
    """The address for UDP is given, and RTSP refuses UDP."""

    zh = "给出 UDP 流地址但 RTSP 拒绝 UDP。"

    def rtsp_config(self) -> RtspConfig:
        """Without UDP."""
        return dataclasses.replace(super().rtsp_config(), udp=False)


@mutant(violates="ONV-STR-03", declaration="onvif")
class TcpAddressPlaysUdpOnly(Camera):
    """The address for RTSP is given, and interleaved transport is refused."""

    zh = "给出 RTSP 流地址但拒绝交织传输。"

    def rtsp_config(self) -> RtspConfig:
        """Without interleaved transport."""
        return dataclasses.replace(super().rtsp_config(), tcp=False)


@mutant(violates="ONV-STR-04", declaration="onvif")
class StreamOpenToAll(Camera):
    """The stream address plays without credentials."""

    zh = "流地址无需凭据即可播放。"

    def rtsp_config(self) -> RtspConfig:
        """For everybody."""
        return dataclasses.replace(super().rtsp_config(), auth="none")


class _AlwaysMain(Media2Service):
    async def on_GetStreamUri(self, call: Call) -> str:
        return (await super().on_GetStreamUri(call)).replace("/live/0/2", "/live/0/1")


@mutant(violates="ONV-STR-05", declaration="onvif")
class EveryProfilePlaysMain(Camera):
    """Every profile plays the main stream."""

    zh = "各配置集均播放主码流。"
    onvif_class = face_with(_AlwaysMain)


class _NoWay(Media2Service):
    async def on_GetStreamUri(self, call: Call) -> str:
        return (await super().on_GetStreamUri(call)).replace("/live/", "/media2/")


@mutant(violates="ONV-STR-06", declaration="onvif")
class Media2AddressLeadsNowhere(Camera):
    """The stream address of ver20 names a path that the RTSP server does not know."""

    zh = "ver20 的流地址指向不存在的路径。"
    onvif_class = face_with(_NoWay)


class _AddressBySize(Media2Service):
    async def on_GetStreamUri(self, call: Call) -> str:
        told = await super().on_GetStreamUri(call)
        view = self.model.playable(call.text("ProfileToken"))
        return told.replace("</tr2:Uri>", f"?width={view.settings.width}</tr2:Uri>")


@mutant(violates="ONV-STR-07", declaration="onvif")
class AddressFollowsResolution(Camera):
    """The stream address changes with the resolution."""

    zh = "流地址随分辨率改变。"
    onvif_class = face_with(_AddressBySize)


class _NoCapabilities(DeviceService):
    async def on_GetCapabilities(self, call: Call) -> str:
        raise OnvifFault(RECEIVER, "ter:ActionNotSupported", reason="Ask for the services")


@mutant(violates="ONV-STR-08", declaration="onvif")
class NoGetCapabilities(Camera):
    """GetCapabilities, which common clients begin with, is not there."""

    zh = "没有通用客户端首先调用的 GetCapabilities。"
    onvif_class = face_with(_NoCapabilities)


class _NoKey(Media2Service):
    async def on_SetSynchronizationPoint(self, call: Call) -> str:
        self.model.profile(call.text("ProfileToken"))
        return ""


class _NoKeyEither(MediaService):
    async def on_SetSynchronizationPoint(self, call: Call) -> str:
        self.model.profile(call.text("ProfileToken"))
        return ""


@mutant(violates="ONV-STR-09", declaration="onvif")
class StreamNotSynchronized(Camera):
    """SetSynchronizationPoint brings no key picture."""

    zh = "SetSynchronizationPoint 之后没有关键帧。"
    onvif_class = face_with(_NoKey, _NoKeyEither)

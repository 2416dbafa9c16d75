"""Faults of plug and play: activation, built-in addresses, false type, channels and network."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.platform_client import PlatformClient
from simulators.faults.registry import mutant

ACTIVATION = 250


class _ClientWaitingForActivation(PlatformClient):
    async def register(self) -> Message:
        await asyncio.sleep(ACTIVATION * self.timers.scale)
        return await super().register()


@mutant(violates="BIZ-PNP-01")
class WaitsForActivation(Camera):
    """The first registration waits for somebody to activate the device."""

    zh = "首次注册前等待人工激活。"
    client_class = _ClientWaitingForActivation


class _ClientWithOwnPath(PlatformClient):
    async def _post(self, name: str, url: str) -> Message:
        if name == "REGISTER":
            url = urlunsplit(urlsplit(url)._replace(path="/register.do"))
        return await super()._post(name, url)


@mutant(violates="BIZ-PNP-02")
class PathOfTheProvinceIsBuiltIn(Camera):
    """Of LcmsUrl only host and port are used, the path is built into the firmware."""

    zh = "只使用 LcmsUrl 的主机与端口，路径写死在固件中。"
    client_class = _ClientWithOwnPath


@mutant(violates="BIZ-PNP-06")
class RecorderOfTheReferenceDesign(Camera):
    """DevType is the constant of a recorder of the reference design."""

    zh = "DevType 固定为参考设计的录像机类型。"

    def identity(self) -> dict[str, Any]:
        values = super().identity()
        return {**values, "DevType": 2}


class _FirstChannelOnly(Camera):
    async def start(self) -> None:
        await super().start()
        self.show_first_channel()

    async def power_on(self) -> None:
        await super().power_on()
        self.show_first_channel()

    def show_first_channel(self) -> None:
        """Every channel takes its pictures from the first."""
        encoders = self.bank.encoders
        for channel, stream in list(encoders):
            encoders[channel, stream] = encoders[0, stream]


@mutant(violates="BIZ-PNP-06a", declaration="nvr")
class EveryChannelIsTheFirst(_FirstChannelOnly):
    """Every channel shows the picture of the first."""

    zh = "所有通道都显示第一个通道的画面。"


@mutant(violates="BIZ-PNP-07")
class AlwaysOnWifi(Camera):
    """NetType is always Wi-Fi."""

    zh = "NetType 始终为 Wi-Fi。"

    def login_values(self) -> dict[str, Any]:
        return {**super().login_values(), "NetType": 1}

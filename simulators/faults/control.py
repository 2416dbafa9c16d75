"""Faults of pan and tilt and of Wi-Fi."""

from __future__ import annotations

from typing import Any

from conformance.protocols.tykd_message import Message
from simulators.camera.camera import Camera
from simulators.camera.commands import Commands
from simulators.camera.link import Link
from simulators.camera.refusal import REFUSED, Refusal
from simulators.faults.registry import mutant
from specs.messages import Command


class _NoStopCode(Commands):
    async def on_VIDEO_PTZ(self, message: Message) -> dict[str, Any]:
        found = await super().on_VIDEO_PTZ(message)
        if message.integer("PtzDirection") == 0:
            raise Refusal(why="stop is not known")
        return found


@mutant(violates="IF-CTL-01")
class StopAnsweredWithError(Camera):
    """The stop code of pan and tilt is answered 255."""

    zh = "云台停止命令被应答 255。"
    commands_class = _NoStopCode


class _NeverMoves(Commands):
    async def on_VIDEO_PTZ(self, message: Message) -> dict[str, Any]:
        self.channel(message)
        return {}


@mutant(violates="IF-CTL-01a")
class HeadNeverMoves(Camera):
    """Every direction is answered 0 and the head never moves."""

    zh = "各方向命令一律回 0，云台不动。"
    commands_class = _NeverMoves


@mutant(violates="BIZ-LIV-03")
class HeadAnswersOnly(Camera):
    """Pan and tilt commands are acknowledged and dropped before the motor driver."""

    zh = "云台命令只应答，未送达电机驱动。"
    commands_class = _NeverMoves


@mutant(violates="IF-CTL-01b")
class HeadMovesForever(Camera):
    """A movement without a stop never ends."""

    zh = "未收到停止命令时云台一直转动。"

    async def power_on(self) -> None:
        await super().power_on()
        self.ptz.longest = 3600.0


class _AnyDirection(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        if command.name != "VIDEO_PTZ":
            super().check(link, command, message)

    async def on_VIDEO_PTZ(self, message: Message) -> dict[str, Any]:
        self.camera.ptz.move(message.integer("PtzDirection", 0))
        return {}


@mutant(violates="IF-CTL-01c")
class UndefinedDirectionAccepted(Camera):
    """Directions that are not defined and channels out of range are answered 0."""

    zh = "未定义的方向与越界通道被应答 0。"
    commands_class = _AnyDirection


class _AllInUse(Commands):
    async def on_GET_WIFI(self, message: Message) -> dict[str, Any]:
        found = await super().on_GET_WIFI(message)
        return {"WifiSSID": [{**network, "InUse": 1} for network in found["WifiSSID"]]}


@mutant(violates="IF-CTL-02")
class EveryNetworkInUse(Camera):
    """Every network of the list is said to be in use."""

    zh = "列表中的每个网络都标为在用。"
    commands_class = _AllInUse


class _ShowsPassword(Commands):
    async def on_GET_WIFI(self, message: Message) -> dict[str, Any]:
        found = await super().on_GET_WIFI(message)
        kept = self.camera.settings.wifi.get("Password", "")
        return {"WifiSSID": [{**n, "SSID": f"{n['SSID']} {kept}".strip()[:32]} for n in found["WifiSSID"]]}


@mutant(violates="IF-CTL-02a")
class WifiPasswordReturned(Camera):
    """The password that was set shows up in the list of networks."""

    zh = "已设置的无线口令出现在网络列表中。"
    commands_class = _ShowsPassword


class _NeverJoins(Commands):
    async def on_SET_WIFI(self, message: Message) -> dict[str, Any]:
        return {}


@mutant(violates="IF-CTL-02b")
class WifiNeverJoined(Camera):
    """SET_WIFI is answered 0 and the network never changes."""

    zh = "SET_WIFI 回 0，但从不切换网络。"
    commands_class = _NeverJoins


class _AnySecurity(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        try:
            super().check(link, command, message)
        except Refusal as refusal:
            if command.name != "SET_WIFI" or refusal.result != REFUSED:
                raise

    async def on_SET_WIFI(self, message: Message) -> dict[str, Any]:
        return {}


@mutant(violates="IF-CTL-02c")
class AnyWifiSecurityAccepted(Camera):
    """Every Wi-Fi setting is answered 0, whatever its security and name."""

    zh = "无论加密方式与名称，无线设置一律回 0。"
    commands_class = _AnySecurity


class _MovesNothing(Commands):
    def check(self, link: Link, command: Command, message: Message) -> None:
        if command.name != "VIDEO_PTZ":
            super().check(link, command, message)


@mutant(violates="BIZ-LIV-03a")
class FixedCameraAcceptsMovement(Camera):
    """A camera that cannot move answers 0 to every direction."""

    zh = "固定式摄像机对各方向控制均应答 0。"
    commands_class = _MovesNothing

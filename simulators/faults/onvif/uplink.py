"""Faults of the uplink."""

from __future__ import annotations

from simulators.camera.camera import Camera
from simulators.camera.onvif.service import Call
from simulators.camera.onvif.state import User
from simulators.camera.onvif.uplink import Tunnel, UplinkService
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _AlwaysMore(UplinkService):
    async def on_SetUplink(self, call: Call) -> str:
        before = list(self.state.uplinks)
        await super().on_SetUplink(call)
        self.state.uplinks = [*before, self.state.uplinks[-1]]
        self.save()
        return ""


@mutant(violates="ONV-UPL-01")
class UplinkTwice(Camera):
    """SetUplink of an address that is there adds a second entry."""

    zh = "对已有地址的 SetUplink 增加第二项。"
    onvif_class = face_with(_AlwaysMore)


class _OldUpgrade(Tunnel):
    def upgrade(self, host: str, path: str) -> bytes:
        return super().upgrade(host, path).replace(b"h2c-reverse", b"h2c")


class _OldUpgradeService(UplinkService):
    tunnel_class = _OldUpgrade


@mutant(violates="ONV-UPL-02")
class UpgradeForwards(Camera):
    """The upgrade asked for is h2c, the direction of which is the ordinary one."""

    zh = "请求升级到方向普通的 h2c。"
    onvif_class = face_with(_OldUpgradeService)


class _AllMighty(Tunnel):
    @property
    def user(self) -> User:
        return User("uplink", "", "Administrator")


class _AllMightyService(UplinkService):
    tunnel_class = _AllMighty


@mutant(violates="ONV-UPL-03")
class UplinkAdministers(Camera):
    """Requests over an uplink have the rights of an administrator, whatever its level."""

    zh = "经上行连接的请求一律具有管理员权限。"
    onvif_class = face_with(_AllMightyService)


class _Patient(Tunnel):
    def patience(self) -> float:
        return 3600.0


class _PatientService(UplinkService):
    tunnel_class = _Patient


@mutant(violates="ONV-UPL-04")
class SilenceEndured(Camera):
    """An uplink over which nothing comes is kept for an hour."""

    zh = "无数据的上行连接保持一小时。"
    onvif_class = face_with(_PatientService)


class _NeverShut(UplinkService):
    def shut(self, address: str) -> None:
        self._tunnels.pop(address, None)


@mutant(violates="ONV-UPL-05")
class DeletedUplinkStays(Camera):
    """The connection of an uplink that was deleted stays."""

    zh = "删除配置后连接仍然保持。"
    onvif_class = face_with(_NeverShut)

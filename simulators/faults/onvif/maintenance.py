"""Faults of reboot and firmware upgrade by ONVIF."""

from __future__ import annotations

from simulators.camera.camera import Camera
from simulators.camera.firmware import BadImage
from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.discovery import Discovery
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import Call
from simulators.camera.onvif.state import User
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant
from specs.onvif_operations import OnvifOperation


class _NeverDown(DeviceService):
    async def on_SystemReboot(self, call: Call) -> str:
        return self.tag("Message", "Rebooting")


@mutant(violates="ONV-RBT-01")
class RebootOnlyAnswered(Camera):
    """SystemReboot is answered, but nothing is restarted."""

    zh = "SystemReboot 得到应答，设备并未重启。"
    onvif_class = face_with(_NeverDown)


class _Forgetful(DeviceService):
    async def start(self) -> None:
        self.state.hostname = "kandian-camera"
        await super().start()


@mutant(violates="ONV-RBT-02")
class HostNameOfTheFactory(Camera):
    """After a restart the host name is that of the factory."""

    zh = "重启后主机名恢复为出厂值。"
    onvif_class = face_with(_Forgetful)


class _NoGoodbye(Discovery):
    def announce(self, kind: str) -> None:
        if kind != "Bye":
            super().announce(kind)


@mutant(violates="ONV-RBT-03")
class NoGoodbye(Camera):
    """No Bye is sent before a restart."""

    zh = "重启前不发送 Bye。"
    onvif_class = face_with(discovery=_NoGoodbye)


class _SameVersion(DeviceService):
    async def take_image(self, image: bytes) -> tuple[int, str]:
        before = self.camera.settings.version
        answer = await super().take_image(image)
        self.camera.settings.version = before
        self.save()
        return answer


@mutant(violates="ONV-UPG-01")
class OldVersionBoots(Camera):
    """A good image is answered 200, then the old version boots."""

    zh = "有效镜像得到 200，重启后仍为旧版本。"
    onvif_class = face_with(_SameVersion)


class _GeneralRefusal(DeviceService):
    async def take_image(self, image: bytes) -> tuple[int, str]:
        status, text = await super().take_image(image)
        return (500 if status == 415 else status), text


@mutant(violates="ONV-UPG-02")
class CorruptImageIsAServerError(Camera):
    """A corrupt image is refused with 500."""

    zh = "损坏的镜像以 500 拒绝。"
    onvif_class = face_with(_GeneralRefusal)


class _AnyModel(DeviceService):
    def check_image(self, image: bytes) -> str:
        try:
            return super().check_image(image)
        except BadImage as error:
            if str(error).startswith("the image is for"):
                return self.camera.settings.version
            raise


@mutant(violates="ONV-UPG-03")
class AnyModelInstalled(Camera):
    """An image for another model is installed."""

    zh = "安装其他型号的镜像。"
    onvif_class = face_with(_AnyModel)


@mutant(violates="ONV-UPG-04")
class OversizedUploadAwaited(Camera):
    """An upload is awaited to its end, however large it says that it is."""

    zh = "不论声明的长度多大，一直等待上传结束。"

    class onvif_class(OnvifService):
        def too_large(self, length: int, limit: int) -> bool:
            return False


@mutant(violates="ONV-UPG-05")
class AnybodyUpgrades(Camera):
    """StartFirmwareUpgrade is carried out without a login."""

    zh = "StartFirmwareUpgrade 无需登录。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if operation.name != "StartFirmwareUpgrade":
                super().permit(operation, user)

"""Faults of the access matrix: classes of operations that are open to the wrong people."""

from __future__ import annotations

from msgspec.structs import replace

from conformance.protocols.http_message import HttpRequest
from conformance.protocols.soap import PREFIXES, Envelope
from simulators.camera.camera import Camera
from simulators.camera.onvif.accounts import Accounts, Unauthorized
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import OnvifFault
from simulators.camera.onvif.state import User
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant
from specs.onvif_operations import OnvifOperation


@mutant(violates="ONV-ACC-01", declaration="onvif")
class CapabilitiesNeedALogin(Camera):
    """GetServiceCapabilities needs a login."""

    zh = "GetServiceCapabilities 要求登录。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if user is None and operation.name == "GetServiceCapabilities":
                raise Unauthorized
            super().permit(operation, user)


@mutant(violates="ONV-ACC-02", declaration="onvif")
class AnybodyReadsGateway(Camera):
    """GetNetworkDefaultGateway was forgotten where logins are asked for."""

    zh = "GetNetworkDefaultGateway 漏了认证。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if operation.name != "GetNetworkDefaultGateway":
                super().permit(operation, user)


class _OpenToNames(Accounts):
    def caller(self, request: HttpRequest, envelope: Envelope | None) -> User | None:
        try:
            return super().caller(request, envelope)
        except (OnvifFault, Unauthorized):
            first = envelope.first if envelope is not None else None
            if first is not None and first.name.namespace == PREFIXES["timg"]:
                return self.users[0]
            raise


@mutant(violates="ONV-ACC-03", declaration="onvif")
class ImagingTakesAnyPassword(Camera):
    """The imaging service looks whether there is a login, not whether it holds."""

    zh = "图像服务只看有无登录信息，不核对口令。"
    onvif_class = face_with(accounts=_OpenToNames)


@mutant(violates="ONV-ACC-04", declaration="onvif")
class UsersSteer(Camera):
    """A user of the level User has the rights of an operator."""

    zh = "User 级用户具有 Operator 级权限。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            raised = user is not None and user.level == "User"
            super().permit(operation, replace(user, level="Operator") if user is not None and raised else user)


@mutant(violates="ONV-ACC-05", declaration="onvif")
class OperatorsAdminister(Camera):
    """An operator may write system settings."""

    zh = "Operator 级用户可以修改系统设置。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if not (user is not None and user.level == "Operator" and operation.access == "WRITE_SYSTEM"):
                super().permit(operation, user)


@mutant(violates="ONV-ACC-06", declaration="onvif")
class AnybodyUploadsFirmware(Camera):
    """StartFirmwareUpgrade needs no login."""

    zh = "StartFirmwareUpgrade 无需登录。"

    class onvif_class(OnvifService):
        def permit(self, operation: OnvifOperation, user: User | None) -> None:
            if operation.name != "StartFirmwareUpgrade":
                super().permit(operation, user)

"""Faults in how operations are found, checked, answered and refused."""

from __future__ import annotations

from dataclasses import replace

from conformance.protocols.http_message import HttpRequest, HttpResponse
from conformance.protocols.soap import PREFIXES, Envelope
from conformance.protocols.xml_names import Name, Node
from simulators.camera.camera import Camera
from simulators.camera.onvif.media import MediaService
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import RECEIVER, Call, OnvifFault, Service
from simulators.camera.onvif.state import User
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant
from specs.onvif_operations import OnvifOperation


@mutant(violates="ONV-OPS-01", declaration="onvif")
class MandatoryOperationMissing(Camera):
    """GetNetworkDefaultGateway, which every device has to have, is not implemented."""

    zh = "没有实现必备的 GetNetworkDefaultGateway。"

    class onvif_class(OnvifService):
        async def carry_out(self, request: HttpRequest, asked: Envelope, tunnelled: User | None = None) -> str:
            if asked.first is not None and asked.first.name.local == "GetNetworkDefaultGateway":
                raise OnvifFault(RECEIVER, "ter:ActionNotSupported", reason="No gateways here")
            return await super().carry_out(request, asked, tunnelled)


@mutant(violates="ONV-OPS-02", declaration="onvif")
class AnswerInWrongOrder(Camera):
    """The elements of the answer of GetNetworkProtocols stand in the wrong order."""

    zh = "GetNetworkProtocols 应答中的元素次序颠倒。"

    class onvif_class(OnvifService):
        async def carry_out(self, request: HttpRequest, asked: Envelope, tunnelled: User | None = None) -> str:
            body = await super().carry_out(request, asked, tunnelled)
            name, enabled = "<tt:Name>RTSP</tt:Name>", "<tt:Enabled>true</tt:Enabled>"
            return body.replace(name + enabled, enabled + name)


@mutant(violates="ONV-OPS-03", declaration="onvif")
class UnsupportedIsAFailure(Camera):
    """Operations that are not implemented fail with ter:Action instead of ter:ActionNotSupported."""

    zh = "未实现的操作返回 ter:Action，而不是 ter:ActionNotSupported。"

    class onvif_class(OnvifService):
        async def carry_out(self, request: HttpRequest, asked: Envelope, tunnelled: User | None = None) -> str:
            try:
                return await super().carry_out(request, asked, tunnelled)
            except OnvifFault as refused:
                if "ter:ActionNotSupported" in refused.codes:
                    raise OnvifFault(RECEIVER, "ter:Action", reason=refused.reason) from None
                raise


@mutant(violates="ONV-OPS-04", declaration="onvif")
class ThirdCodeMissing(Camera):
    """Faults of the PTZ and imaging services end after the second code."""

    zh = "云台与图像服务的差错缺少第三级子码。"

    class onvif_class(OnvifService):
        async def carry_out(self, request: HttpRequest, asked: Envelope, tunnelled: User | None = None) -> str:
            spaces = (PREFIXES["tptz"], PREFIXES["timg"])
            try:
                return await super().carry_out(request, asked, tunnelled)
            except OnvifFault as refused:
                if asked.first is not None and asked.first.name.namespace in spaces:
                    raise OnvifFault(*refused.codes[:2], reason=refused.reason) from None
                raise


@mutant(violates="ONV-OPS-05", declaration="onvif")
class MissingArgumentsGuessed(Camera):
    """Requests are not held against the form of their operation; what is missing is guessed."""

    zh = "不检查请求的形式，缺少的参数按猜测处理。"

    class onvif_class(OnvifService):
        def check(self, node: Node, operation: OnvifOperation, service: Service) -> None:
            if operation.name != "GetServices":
                super().check(node, operation, service)


@mutant(violates="ONV-OPS-06", declaration="onvif")
class BareRefusals(Camera):
    """A refusal of the media service is a bare HTTP 400 without a fault."""

    zh = "媒体服务以空的 HTTP 400 拒绝，没有 SOAP 差错。"

    class onvif_class(OnvifService):
        async def answer(self, request: HttpRequest, user: User | None = None) -> HttpResponse:
            answer = await super().answer(request, user)
            bare = answer.status == 400 and PREFIXES["trt"].encode() in request.body
            return HttpResponse.build(400, "Bad Request") if bare else answer


@mutant(violates="ONV-OPS-07", declaration="onvif")
class NamespaceOfOperationIgnored(Camera):
    """Operations of the device service are found by their local name in any namespace."""

    zh = "按本地名查找设备服务的操作，不看命名空间。"

    class onvif_class(OnvifService):
        def find(self, node: Node) -> tuple[Service, OnvifOperation]:
            try:
                return super().find(node)
            except OnvifFault:
                return super().find(replace(node, name=Name(PREFIXES["tds"], node.name.local)))


class _GetsOrCreates(MediaService):
    async def on_AddVideoEncoderConfiguration(self, call: Call) -> str:
        try:
            return await super().on_AddVideoEncoderConfiguration(call)
        except OnvifFault as refused:
            if "ter:NoProfile" in refused.codes:
                self.model.create("new", call.text("ProfileToken"))
            raise


@mutant(violates="ONV-OPS-08", declaration="onvif")
class HalfAChangeStays(Camera):
    """AddVideoEncoderConfiguration is refused for a profile that does not exist, but leaves an empty one behind."""

    zh = "AddVideoEncoderConfiguration 因配置集不存在被拒绝，却留下一个空配置集。"
    onvif_class = face_with(_GetsOrCreates)


@mutant(violates="ONV-OPS-09", declaration="onvif")
class EncodersCannotBeRemoved(Camera):
    """RemoveVideoEncoderConfiguration, which every media service has to have, is not implemented."""

    zh = "没有实现媒体服务必备的 RemoveVideoEncoderConfiguration。"

    class onvif_class(OnvifService):
        def check(self, node: Node, operation: OnvifOperation, service: Service) -> None:
            if operation.name == "RemoveVideoEncoderConfiguration":
                raise OnvifFault(RECEIVER, "ter:ActionNotSupported", reason="Profiles keep their encoders")
            super().check(node, operation, service)

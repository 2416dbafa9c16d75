"""Mutants of a platform that serves some vendors' devices and clients better than others."""

from __future__ import annotations

from aiohttp import web

from conformance.protocols.tykd_frame import Frame
from conformance.protocols.tykd_message import Message
from conformance.protocols.violation import CodecError
from simulators.faults.registry import mutant
from simulators.platform.access_server import AccessServer
from simulators.platform.alarms import Alarms
from simulators.platform.client_api import ClientApi
from simulators.platform.device_commands import DeviceCommands
from simulators.platform.device_link import DeviceLink
from simulators.platform.platform import Platform
from simulators.platform.refused import Refused

FAVOURITE = "KDN"


class _OwnCommands(DeviceCommands):
    async def move(self, dev_id: str, channel: int, direction: int) -> None:
        if not dev_id.startswith(FAVOURITE):
            raise Refused("device_refused")
        await super().move(dev_id, channel, direction)


@mutant(violates="IF-OPN-01")
class OtherVendorsDoNotMove(Platform):
    """Pan and tilt are for the cameras of one manufacturer."""

    zh = "云台控制只对一个厂商的摄像机开放。"
    commands_class = _OwnCommands


class _OwnAlarms(Alarms):
    def raised(self, dev_id: str, message: Message) -> None:
        if dev_id.startswith(FAVOURITE):
            super().raised(dev_id, message)


@mutant(violates="IF-OPN-01")
class OtherVendorsHaveNoAlarms(Platform):
    """The alarms of one manufacturer are kept, those of others are not."""

    zh = "只保存一个厂商的告警。"
    alarms_class = _OwnAlarms


class _OneLibrary(DeviceLink):
    def read(self, frame: Frame) -> Message:
        if b"/>" in frame.xml:
            raise CodecError(0, "tykd.xml", frame.xml[:32], "an element without an end tag", "tykd 2")
        return super().read(frame)


class _AccessOfOneLibrary(AccessServer):
    link_class: type[DeviceLink] = _OneLibrary


@mutant(violates="IF-OPN-01")
class OneXmlLibraryIsRead(Platform):
    """XML is searched for texts of one library: short empty elements are not read."""

    zh = "按固定文本解析 XML，不识别空元素的短写法。"
    access_class = _AccessOfOneLibrary


class _PlainTypes(ClientApi):
    def check_version(self, request: web.Request) -> None:
        super().check_version(request)
        if "charset" in request.headers.get("Content-Type", ""):
            raise Refused("not_json")


@mutant(violates="IF-OPN-02")
class ContentTypesWithCharsetAreRefused(Platform):
    """A content type with a charset, as some HTTP libraries send it, is refused."""

    zh = "内容类型带 charset 的请求被拒绝。"
    client_class = _PlainTypes


class _OwnScheme(ClientApi):
    def check_version(self, request: web.Request) -> None:
        super().check_version(request)
        if request.headers.get("Authorization", "").startswith("bearer"):
            raise Refused("session_invalid")


@mutant(violates="IF-OPN-02")
class SchemesAreCaseSensitive(Platform):
    """The scheme of the session is taken in one spelling only."""

    zh = "会话的认证方案名区分大小写。"
    client_class = _OwnScheme

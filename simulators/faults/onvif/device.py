"""Faults of the device service: addresses, capabilities, identity, scopes, clock, network."""

from __future__ import annotations

from conformance.protocols.soap import element
from simulators.camera.camera import Camera
from simulators.camera.onvif.device import DeviceService
from simulators.camera.onvif.service import RECEIVER, Call, OnvifFault
from simulators.faults.onvif.parts import face_with
from simulators.faults.registry import mutant


class _DeadAddress(DeviceService):
    def address(self, key: str, call: Call) -> str:
        told = super().address(key, call)
        return told.replace(call.authority, f"{self.face.host}:9") if key == "imaging" else told


@mutant(violates="ONV-DEV-01")
class ServiceNobodyServes(Camera):
    """The address of the imaging service leads to a port where nobody listens."""

    zh = "图像服务的地址指向无人监听的端口。"
    onvif_class = face_with(_DeadAddress)


class _OldAddress(DeviceService):
    async def on_GetCapabilities(self, call: Call) -> str:
        return (await super().on_GetCapabilities(call)).replace("/onvif/imaging_service", "/onvif/imaging")


@mutant(violates="ONV-DEV-02")
class TwoAddressBooks(Camera):
    """GetCapabilities tells another address of the imaging service than GetServices."""

    zh = "GetCapabilities 与 GetServices 给出的图像服务地址不同。"
    onvif_class = face_with(_OldAddress)


class _OtherCapabilities(DeviceService):
    async def on_GetServiceCapabilities(self, call: Call) -> str:
        return (await super().on_GetServiceCapabilities(call)).replace('NTP="1"', 'NTP="2"')


@mutant(violates="ONV-DEV-03")
class CapabilitiesDiffer(Camera):
    """GetServiceCapabilities tells of more NTP servers than GetServices."""

    zh = "GetServiceCapabilities 与 GetServices 给出的 NTP 能力不同。"
    onvif_class = face_with(_OtherCapabilities)


class _EmptyCategory(DeviceService):
    async def on_GetCapabilities(self, call: Call) -> str:
        if call.text("Category") == "Analytics":
            return element("tds:Capabilities")
        return await super().on_GetCapabilities(call)


@mutant(violates="ONV-DEV-04")
class EmptyCategory(Camera):
    """Capabilities of a service that is not there are empty where a fault is due."""

    zh = "对不存在的类别返回空的能力，而非差错。"
    onvif_class = face_with(_EmptyCategory)


class _NoSerialNumber(DeviceService):
    async def on_GetDeviceInformation(self, call: Call) -> str:
        told = await super().on_GetDeviceInformation(call)
        return told.replace(f">{self.camera.dev_id}<", "><")


@mutant(violates="ONV-DEV-05")
class NoSerialNumber(Camera):
    """The serial number is empty."""

    zh = "序列号为空。"
    onvif_class = face_with(_NoSerialNumber)


class _NoHardware(DeviceService):
    def fixed_scopes(self) -> list[str]:
        return [scope for scope in super().fixed_scopes() if "/hardware/" not in scope]


@mutant(violates="ONV-DEV-06")
class NoHardwareScope(Camera):
    """There is no scope of the kind hardware."""

    zh = "没有 hardware 类的范围。"
    onvif_class = face_with(_NoHardware)


class _FixedScopesGo(DeviceService):
    async def on_RemoveScopes(self, call: Call) -> str:
        gone = [node.text.strip() for node in call.node.all("ScopeItem")]
        return "" if set(gone) & set(self.fixed_scopes()) else await super().on_RemoveScopes(call)


@mutant(violates="ONV-DEV-07")
class FixedScopeRemoved(Camera):
    """Removing a fixed scope is answered as if it had been done."""

    zh = "删除固定范围得到成功的应答。"
    onvif_class = face_with(_FixedScopesGo)


class _ScopesPileUp(DeviceService):
    async def on_SetScopes(self, call: Call) -> str:
        before = list(self.state.scopes)
        told = await super().on_SetScopes(call)
        self._keep_scopes([*before, *self.state.scopes])
        return told


@mutant(violates="ONV-DEV-09")
class SetScopesAdds(Camera):
    """SetScopes leaves the former configurable scopes."""

    zh = "SetScopes 保留原有的可配置范围。"
    onvif_class = face_with(_ScopesPileUp)


class _StoppedClock(DeviceService):
    told = ""

    async def on_GetSystemDateAndTime(self, call: Call) -> str:
        self.told = self.told or await super().on_GetSystemDateAndTime(call)
        return self.told


@mutant(violates="ONV-SYS-01")
class ClockStandsStill(Camera):
    """GetSystemDateAndTime always tells the time of its first call."""

    zh = "GetSystemDateAndTime 始终给出首次读取的时间。"
    onvif_class = face_with(_StoppedClock)


class _DeafClock(DeviceService):
    async def on_SetSystemDateAndTime(self, call: Call) -> str:
        before = self.camera.clock_offset
        await super().on_SetSystemDateAndTime(call)
        self.camera.clock_offset = before
        return ""


@mutant(violates="ONV-SYS-02")
class ClockNotSet(Camera):
    """SetSystemDateAndTime is answered well, but the clock stays as it is."""

    zh = "SetSystemDateAndTime 应答成功，时钟未改变。"
    onvif_class = face_with(_DeafClock)


class _AnyDate(DeviceService):
    async def on_SetSystemDateAndTime(self, call: Call) -> str:
        try:
            return await super().on_SetSystemDateAndTime(call)
        except OnvifFault as refused:
            if "ter:InvalidDateTime" in refused.codes:
                return ""
            raise


@mutant(violates="ONV-SYS-03")
class ThirtiethOfFebruary(Camera):
    """A date that is on no calendar is answered as if it had been set."""

    zh = "对不存在的日期应答成功。"
    onvif_class = face_with(_AnyDate)


class _DeafHost(DeviceService):
    async def on_SetHostname(self, call: Call) -> str:
        before = self.state.hostname
        await super().on_SetHostname(call)
        self.state.hostname = before
        return ""


@mutant(violates="ONV-NET-01")
class HostNameNotSet(Camera):
    """SetHostname is answered well, but the name stays."""

    zh = "SetHostname 应答成功，主机名未改变。"
    onvif_class = face_with(_DeafHost)


class _AnyHost(DeviceService):
    async def on_SetHostname(self, call: Call) -> str:
        self.state.hostname = call.text("Name")
        self.save()
        return ""


@mutant(violates="ONV-NET-02")
class AnyHostName(Camera):
    """Any text is taken as a host name."""

    zh = "任何文字均可作为主机名。"
    onvif_class = face_with(_AnyHost)


class _WrongPort(DeviceService):
    def _ports(self) -> dict[str, int]:
        return {**super()._ports(), "HTTP": 80}


@mutant(violates="ONV-NET-03")
class PortOfTheFactory(Camera):
    """GetNetworkProtocols tells port 80 for HTTP, whatever it listens on."""

    zh = "GetNetworkProtocols 中 HTTP 端口恒为 80。"
    onvif_class = face_with(_WrongPort)


class _AnyAddress(DeviceService):
    async def on_SetDNS(self, call: Call) -> str:
        self.state.dns = [node.value("IPv4Address") or "" for node in call.node.all("DNSManual")]
        self.save()
        return ""


@mutant(violates="ONV-NET-04")
class AnyDnsAddress(Camera):
    """Any text is taken as the address of a DNS server."""

    zh = "任何文字均可作为 DNS 服务器地址。"
    onvif_class = face_with(_AnyAddress)


class _DeafNtp(DeviceService):
    async def on_SetNTP(self, call: Call) -> str:
        return ""


@mutant(violates="ONV-NET-05")
class NtpServerForgotten(Camera):
    """SetNTP is answered well, but the server is not kept."""

    zh = "SetNTP 应答成功，服务器未保存。"
    onvif_class = face_with(_DeafNtp)


class _DeafDns(DeviceService):
    async def on_SetDNS(self, call: Call) -> str:
        before = self.state.dns
        await super().on_SetDNS(call)
        self.state.dns = before
        return ""


@mutant(violates="ONV-NET-06")
class DnsServerForgotten(Camera):
    """SetDNS is answered well, but the server is not kept."""

    zh = "SetDNS 应答成功，服务器未保存。"
    onvif_class = face_with(_DeafDns)


class _Vague(DeviceService):
    async def on_GetRemoteUser(self, call: Call) -> str:
        raise OnvifFault(RECEIVER, "ter:Action", reason="This failed")


@mutant(violates="ONV-DEV-08")
class GeneralFault(Camera):
    """An operation that is not implemented is refused with a general fault."""

    zh = "未实现的操作以笼统的差错拒绝。"
    onvif_class = face_with(_Vague)

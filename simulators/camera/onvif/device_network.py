"""Network settings of the device service. They are kept and told; the simulator's sockets stay where they are."""

from __future__ import annotations

import ipaddress
import re

from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import RECEIVER, Call, OnvifFault, Service, boolean, invalid, tt

_LABEL = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?<!-)\Z")
INTERFACE = "eth0"
HARDWARE = "02:4b:44:4e:00:01"


def host_name(text: str, condition: str) -> str:
    """A host name (RFC 1123 2.1). Raises OnvifFault."""
    if not 0 < len(text) <= 253 or not all(_LABEL.match(label) for label in text.split(".")):
        raise invalid(condition, f"{text[:90]!r} is no host name")
    return text


def ipv4(text: str, condition: str = "InvalidIPv4Address") -> str:
    """An IPv4 address. Raises OnvifFault."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise invalid(condition, f"{text[:60]!r} is no IPv4 address") from None


def address(text: str) -> str:
    """A tt:IPAddress."""
    return tt("Type", "IPv4") + tt("IPv4Address", text)


class DeviceNetwork(Service):
    """Host name, DNS, NTP, interfaces, protocols, gateway."""

    async def on_GetHostname(self, call: Call) -> str:
        """Set by hand, never by DHCP."""
        return element("tds:HostnameInformation", tt("FromDHCP", False) + tt("Name", self.state.hostname))

    async def on_SetHostname(self, call: Call) -> str:
        """Another name."""
        self.state.hostname = host_name(call.text("Name"), "InvalidHostname")
        self.save()
        return ""

    async def on_GetDNS(self, call: Call) -> str:
        """Servers set by hand."""
        told = "".join(element("tt:DNSManual", address(server)) for server in self.state.dns)
        return element("tds:DNSInformation", tt("FromDHCP", False) + told)

    async def on_SetDNS(self, call: Call) -> str:
        """Other servers."""
        self.state.dns = [ipv4(node.value("IPv4Address") or "") for node in call.node.all("DNSManual")]
        self.save()
        return ""

    async def on_GetNTP(self, call: Call) -> str:
        """Servers set by hand."""
        told = "".join(element("tt:NTPManual", _network_host(server)) for server in self.state.ntp)
        return element("tds:NTPInformation", tt("FromDHCP", False) + told)

    async def on_SetNTP(self, call: Call) -> str:
        """Other servers; none is refused while the clock goes by them."""
        servers = [_read_host(node) for node in call.node.all("NTPManual")]
        if not servers and self.state.by_ntp:
            raise invalid("TimeSyncedToNtp", "The clock goes by NTP")
        self.state.ntp = servers
        self.save()
        return ""

    async def on_GetNetworkInterfaces(self, call: Call) -> str:
        """The only one."""
        info = element("tt:Info", tt("Name", INTERFACE) + tt("HwAddress", HARDWARE) + tt("MTU", 1500))
        manual = element("tt:Manual", tt("Address", self.face.host) + tt("PrefixLength", 8))
        v4 = tt("Enabled", True) + element("tt:Config", manual + tt("DHCP", False))
        inside = tt("Enabled", True) + info + element("tt:IPv4", v4)
        return element("tds:NetworkInterfaces", inside, {"token": INTERFACE})

    async def on_SetNetworkInterfaces(self, call: Call) -> str:
        """The only interface stays on, and its address is that of the host the camera runs on."""
        if call.text("InterfaceToken") != INTERFACE:
            raise invalid("InvalidNetworkInterface", f"There is no {call.text('InterfaceToken')[:30]}")
        wanted = call.node.find("NetworkInterface")
        given = [] if wanted is None else [node.text.strip() for node in wanted.walk() if node.name.local == "Address"]
        for text in given:
            ipv4(text)
        off = wanted is not None and wanted.value("Enabled") in ("false", "0")
        if off or any(text != self.face.host for text in given):
            raise OnvifFault(RECEIVER, "ter:Action", reason="The interface is the host's")
        return self.tag("RebootNeeded", "false")

    async def on_GetNetworkProtocols(self, call: Call) -> str:
        """HTTP and RTSP."""
        return "".join(
            element("tds:NetworkProtocols", tt("Name", name) + tt("Enabled", self._open(name)) + tt("Port", port))
            for name, port in self._ports().items()
        )

    def _ports(self) -> dict[str, int]:
        return {"HTTP": self.face.port, "RTSP": self.camera.rtsp_port}

    def _open(self, name: str) -> bool:
        return name not in self.state.closed_protocols

    async def on_SetNetworkProtocols(self, call: Call) -> str:
        """Ports stay as they are; RTSP can be switched off and on again, HTTP carries this very service."""
        wanted = {}
        for node in call.node.all("NetworkProtocols"):
            name, ports = node.value("Name") or "", [port.text.strip() for port in node.all("Port")]
            if name not in self._ports():
                raise invalid("ServiceNotSupported", f"There is no {name[:30]}")
            if any(port != str(self._ports()[name]) for port in ports):
                raise invalid("PortAlreadyInUse", "The port cannot be had")
            wanted[name] = boolean(node.value("Enabled") or "")
        if wanted.get("HTTP") is False:
            raise invalid("ServiceNotSupported", "HTTP stays")
        for name, enabled in wanted.items():
            if enabled != self._open(name):
                others = [n for n in self.state.closed_protocols if n != name]
                self.state.closed_protocols = others if enabled else [*others, name]
        self.save()
        return ""

    async def on_GetNetworkDefaultGateway(self, call: Call) -> str:
        """As it was set."""
        return element("tds:NetworkGateway", "".join(tt("IPv4Address", g) for g in self.state.gateway))

    async def on_SetNetworkDefaultGateway(self, call: Call) -> str:
        """Others."""
        wanted = [node.text.strip() for node in call.node.all("IPv4Address")]
        self.state.gateway = [ipv4(text, "InvalidGatewayAddress") for text in wanted]
        self.save()
        return ""


def _network_host(text: str) -> str:
    try:
        return address(str(ipaddress.IPv4Address(text)))
    except ValueError:
        return tt("Type", "DNS") + tt("DNSname", text)


def _read_host(node: Node) -> str:
    kind = node.value("Type")
    if kind == "DNS":
        return host_name(node.value("DNSname") or "", "InvalidDnsName")
    return ipv4(node.value("IPv4Address") or "")

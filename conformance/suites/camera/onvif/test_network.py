"""ONV-NET-01 to ONV-NET-06: host name, protocols, addresses, NTP, DNS."""

from __future__ import annotations

from collections import Counter
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.onvif.answer import Answer
from conformance.peers.onvif.onvif import Onvif
from conformance.plugin.marks import verifies
from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import element
from conformance.protocols.xml_names import Node
from conformance.suites.camera.onvif.device_steps import answered, faulted, good, host_name, not_offered

BAD_NAMES = ("kandian_1", "-kandian", "kandian-", "kan dian", "k" * 64)
BAD_ADDRESS = "10.1.1"
DEFAULT_PORTS = {"http": 80, "https": 443}


async def set_host_name(onvif: Onvif, name: str) -> Answer:
    """SetHostname."""
    return await onvif.call("device", "SetHostname", f"<tds:Name>{name}</tds:Name>")


def keep_host_name(onvif: Onvif, name: str | None) -> None:
    """Have the host name put back after the test."""
    onvif.undo(lambda: set_host_name(onvif, name or ""))


@verifies("ONV-NET-01")
async def test_host_name(onvif: Onvif, check: Checks) -> None:
    """Another name, and back."""
    check.step("s1")
    before = await onvif.call("device", "GetHostname")
    if not answered(check, "ONV-NET-01", before):
        return
    keep_host_name(onvif, before.value("HostnameInformation/Name"))
    check.step("s2")
    name = f"kandian-{onvif.wire.random.getrandbits(24):06x}"
    answered(check, "ONV-NET-01", await set_host_name(onvif, name))
    check.equal("ONV-NET-01", await host_name(onvif), name, say("主机名", "host name"))


@verifies("ONV-NET-02")
async def test_invalid_host_names(onvif: Onvif, check: Checks) -> None:
    """Names that RFC 1123 does not allow."""
    keep_host_name(onvif, await host_name(onvif))
    check.step("s1")
    good(check, await set_host_name(onvif, "kandian-valid"))
    check.step("s2")
    for name in BAD_NAMES:
        answer = await set_host_name(onvif, name)
        codes = ("env:Sender", "ter:InvalidArgVal", "ter:InvalidHostname")
        faulted(check, "ONV-NET-02", answer, *codes, about=repr(name))
    check.step("s3")
    check.equal("ONV-NET-02", await host_name(onvif), "kandian-valid", say("主机名", "host name"))


@verifies("ONV-NET-03")
async def test_protocols(onvif: Onvif, check: Checks) -> None:
    """What is listened on."""
    check.step("s1")
    answer = await onvif.call("device", "GetNetworkProtocols")
    if not answered(check, "ONV-NET-03", answer):
        return
    found = answer.all("NetworkProtocols")
    names = Counter(node.value("Name") or "" for node in found)
    for name in ("HTTP", "RTSP"):
        check.equal("ONV-NET-03", names[name], 1, say(f"{name} 的项数", f"entries of {name}"))
    ports = {node.value("Name") or "": [port.text.strip() for port in node.all("Port")] for node in found}
    wrong = {name: told for name, told in ports.items() if not told or not all(_is_port(port) for port in told)}
    check.equal("ONV-NET-03", wrong, {}, say("端口不合法的协议", "protocols with ports that are none"))
    check.step("s2")
    used = urlsplit(onvif.url)
    own = next((node for node in found if node.value("Name") == used.scheme.upper()), None)
    enabled = own is not None and own.value("Enabled") in ("true", "1")
    check.true("ONV-NET-03", enabled, say(f"{used.scheme} 为启用", f"{used.scheme} is enabled"), list(ports))
    port = str(used.port or DEFAULT_PORTS[used.scheme])
    check.true(
        "ONV-NET-03", port in ports.get(used.scheme.upper(), ()), port, ports, say("所用的端口", "the port in use")
    )


def _is_port(text: str) -> bool:
    return text.isdecimal() and 0 < int(text) < 1 << 16


def settings(answer: Answer) -> list[tuple[str, str]]:
    """Every leaf of an answer, to be compared before and after."""
    found = answer.body.walk() if answer.body is not None else iter(())
    return [(node.name.local, node.text.strip()) for node in found if not node.children]


@verifies("ONV-NET-04")
async def test_invalid_addresses(onvif: Onvif, check: Checks) -> None:
    """Three settings, one address that is none."""
    host = f"<tt:Type>IPv4</tt:Type><tt:IPv4Address>{BAD_ADDRESS}</tt:IPv4Address>"
    manual = "<tds:FromDHCP>false</tds:FromDHCP>"
    for name, body in (
        ("DNS", f"{manual}<tds:DNSManual>{host}</tds:DNSManual>"),
        ("NTP", f"{manual}<tds:NTPManual>{host}</tds:NTPManual>"),
        ("NetworkDefaultGateway", f"<tds:IPv4Address>{BAD_ADDRESS}</tds:IPv4Address>"),
    ):
        check.step("s1")
        before = await onvif.call("device", f"Get{name}")
        if not_offered(before) or not good(check, before, say(f"Get{name}", f"Get{name}")):
            continue
        check.step("s2")
        answer = await onvif.call("device", f"Set{name}", body)
        if not not_offered(answer):
            faulted(check, "ONV-NET-04", answer, "env:Sender", "ter:InvalidArgVal", about=f"Set{name} {BAD_ADDRESS}")
        check.step("s3")
        after = await onvif.call("device", f"Get{name}")
        check.equal("ONV-NET-04", settings(after), settings(before), say(f"{name} 未变", f"{name} as before"))


def servers_body(answer: Answer, name: str) -> str:
    """The body of SetNTP or SetDNS that sets what the Get told."""
    information = answer.body.at(f"{name}Information") if answer.body is not None else None
    told = f"<tds:FromDHCP>{answer.value(f'{name}Information/FromDHCP') or 'false'}</tds:FromDHCP>"
    if information is None:
        return told
    domains = "".join(
        element("tds:SearchDomain", text_content(n.text.strip())) for n in information.all("SearchDomain")
    )
    return told + domains + "".join(server_xml(node, f"{name}Manual") for node in information.all(f"{name}Manual"))


def server_xml(node: Node, name: str) -> str:
    """A tt:NetworkHost or tt:IPAddress under that name."""
    inner = "".join(element(f"tt:{child.name.local}", text_content(child.text.strip())) for child in node.children)
    return element(f"tds:{name}", inner)


async def judge_servers(onvif: Onvif, check: Checks, requirement: str, name: str) -> None:
    """A server by its address, set and read; what was there is put back."""
    check.step("s1")
    before = await onvif.call("device", f"Get{name}")
    if not_offered(before):
        check.not_applicable(requirement, say(f"设备不提供 {name} 设置", f"the device has no settings of {name}"))
        return
    if not answered(check, requirement, before):
        return
    onvif.undo(lambda: onvif.call("device", f"Set{name}", servers_body(before, name)))
    check.step("s2")
    address = f"192.0.2.{onvif.wire.random.randrange(1, 255)}"
    host = f"<tt:Type>IPv4</tt:Type><tt:IPv4Address>{address}</tt:IPv4Address>"
    body = f"<tds:FromDHCP>false</tds:FromDHCP><tds:{name}Manual>{host}</tds:{name}Manual>"
    answered(check, requirement, await onvif.call("device", f"Set{name}", body))
    after = await onvif.call("device", f"Get{name}")
    information = after.body.at(f"{name}Information") if after.body is not None else None
    told = [node.value("IPv4Address") for node in information.all(f"{name}Manual")] if information is not None else []
    check.equal(requirement, told, [address], f"{name}Manual")


@verifies("ONV-NET-05")
async def test_ntp(onvif: Onvif, check: Checks) -> None:
    """A time server by address."""
    await judge_servers(onvif, check, "ONV-NET-05", "NTP")


@verifies("ONV-NET-06")
async def test_dns(onvif: Onvif, check: Checks) -> None:
    """A name server by address."""
    await judge_servers(onvif, check, "ONV-NET-06", "DNS")

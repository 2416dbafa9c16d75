"""The services of an ONVIF device: short key, namespace, prefix of the ONVIF books, name in GetCapabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from conformance.protocols.soap import PREFIXES
from conformance.protocols.xml_names import Node

ONVIF = "http://www.onvif.org"


@dataclass(frozen=True, slots=True)
class Service:
    """One service. ``capability``: path of local names to its section in the answer of GetCapabilities, empty where it
    has none."""

    key: str
    prefix: str
    namespace: str
    capability: str = ""


SERVICES: Mapping[str, Service] = {
    service.key: service
    for service in (
        Service("device", "tds", f"{ONVIF}/ver10/device/wsdl", "Device"),
        Service("media", "trt", f"{ONVIF}/ver10/media/wsdl", "Media"),
        Service("media2", "tr2", f"{ONVIF}/ver20/media/wsdl"),
        Service("events", "tev", f"{ONVIF}/ver10/events/wsdl", "Events"),
        Service("imaging", "timg", f"{ONVIF}/ver20/imaging/wsdl", "Imaging"),
        Service("ptz", "tptz", f"{ONVIF}/ver20/ptz/wsdl", "PTZ"),
        Service("analytics", "tan", f"{ONVIF}/ver20/analytics/wsdl", "Analytics"),
        Service("deviceio", "tmd", f"{ONVIF}/ver10/deviceIO/wsdl", "Extension/DeviceIO"),
        Service("recording", "trc", f"{ONVIF}/ver10/recording/wsdl", "Extension/Recording"),
        Service("search", "tse", f"{ONVIF}/ver10/search/wsdl", "Extension/Search"),
        Service("replay", "trp", f"{ONVIF}/ver10/replay/wsdl", "Extension/Replay"),
        Service("uplink", "tup", f"{ONVIF}/ver10/uplink/wsdl"),
    )
}
KEYS = {service.namespace: service.key for service in SERVICES.values()}
#: What prefixes in the bodies of requests stand for.
KNOWN_PREFIXES = {**PREFIXES, **{service.prefix: service.namespace for service in SERVICES.values()}}


def listed_services(answer: Node) -> dict[str, str]:
    """Addresses by key in an answer of GetServices; services that are not known here are left out."""
    found = {}
    for node in answer.all("Service"):
        key, address = KEYS.get(node.value("Namespace") or ""), node.value("XAddr")
        if key and address:
            found[key] = address
    return found


def service_versions(answer: Node) -> dict[str, tuple[int, int]]:
    """Major and minor version by key in an answer of GetServices, where both are numbers."""
    found = {}
    for node in answer.all("Service"):
        key, told = KEYS.get(node.value("Namespace") or ""), (node.value("Version/Major"), node.value("Version/Minor"))
        if key and told[0] and told[1] and told[0].isdecimal() and told[1].isdecimal():
            found[key] = int(told[0]), int(told[1])
    return found


def capable_services(answer: Node) -> dict[str, str]:
    """Addresses by key in an answer of GetCapabilities."""
    paths = ((key, service.capability) for key, service in SERVICES.items() if service.capability)
    found = {key: answer.value(f"Capabilities/{path}/XAddr") for key, path in paths}
    return {key: address for key, address in found.items() if address}


def reachable(address: str, target: str) -> str:
    """The address to use for what a device says of itself: its own, but on host and port of the target where it names
    another host, as a device behind a port forwarding does."""
    said, known = urlsplit(address), urlsplit(target)
    if said.hostname == known.hostname:
        return address
    return urlunsplit((known.scheme, known.netloc, said.path, said.query, ""))

"""WS-Discovery 1.0 (April 2005) as ONVIF uses it: Probe, ProbeMatches, Hello and Bye as SOAP 1.2 over UDP."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from conformance.protocols.safe_xml import XmlLimits, text_content
from conformance.protocols.soap import SOAP_12, element, envelope, read_envelope
from conformance.protocols.violation import SEEN_BYTES, CodecError
from conformance.protocols.xml_names import Name, Node

WSA = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
WSD = "http://schemas.xmlsoap.org/ws/2005/04/discovery"
TDN = "http://www.onvif.org/ver10/network/wsdl"
TDS = "http://www.onvif.org/ver10/device/wsdl"
TO = "urn:schemas-xmlsoap-org:ws:2005:04:discovery"
ANONYMOUS = f"{WSA}/role/anonymous"
GROUP, PORT = "239.255.255.250", 3702
TRANSMITTER = Name(TDN, "NetworkVideoTransmitter")
DEVICE = Name(TDS, "Device")
LIMITS = XmlLimits(size=64 << 10, depth=16, elements=2000, attributes=32, text=32 << 10)
_PREFIXES = {"env": SOAP_12, "a": WSA, "d": WSD, "dn": TDN, "tds": TDS}
_KINDS = ("Hello", "Bye", "Probe", "ProbeMatches", "Resolve", "ResolveMatches")


class DiscoveryError(CodecError):
    """A datagram that is no message of WS-Discovery."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a Hello, a Bye or one ProbeMatch says of a device. ``version``: MetadataVersion, None where it is missing or
    no number."""

    endpoint: str
    types: tuple[Name, ...] = ()
    scopes: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One datagram as read. ``kind``: Hello, Bye, Probe, ProbeMatches ...; ``targets``: the devices it tells of;
    ``types``, ``scopes``: what a Probe asks for; ``unknown_type``: it asks for a type whose prefix stands for
    nothing; ``matching``: its rule for scopes, empty for the default."""

    kind: str
    message_id: str
    relates_to: str = ""
    action: str = ""
    to: str = ""
    targets: tuple[Target, ...] = ()
    types: tuple[Name, ...] = ()
    scopes: tuple[str, ...] = ()
    matching: str = ""
    unknown_type: bool = field(default=False)


def write(kind: str, body: str, message_id: str, *, relates_to: str = "", to: str = TO) -> bytes:
    """A message. ``body``: XML text inside the element of its kind, with the prefixes a, d, dn and tds."""
    header = element("a:MessageID", text_content(message_id)) + element("a:To", to)
    header += element("a:Action", f"{WSD}/{kind}")
    if relates_to:
        header += element("a:RelatesTo", text_content(relates_to))
    return envelope(element(f"d:{kind}", body), header, prefixes=_PREFIXES)


def probe(message_id: str, types: str = "", scopes: Iterable[str] = (), *, matching: str = "") -> bytes:
    """A Probe. ``types``: names with the prefixes dn and tds, with blanks between; empty asks for any."""
    wanted = " ".join(scopes)
    rule = {"MatchBy": matching} if matching else None
    inside = element("d:Types", types) if types else ""
    inside += element("d:Scopes", text_content(wanted), rule) if wanted else ""
    return write("Probe", inside, message_id)


def target_body(target: Target) -> str:
    """The XML text of a target, for Hello, Bye and inside ProbeMatch."""
    inside = element("a:EndpointReference", element("a:Address", text_content(target.endpoint)))
    prefixes = {TDN: "dn", TDS: "tds"}
    names = " ".join(f"{prefixes[name.namespace]}:{name.local}" for name in target.types)
    inside += element("d:Types", names) if names else ""
    inside += element("d:Scopes", text_content(" ".join(target.scopes))) if target.scopes else ""
    inside += element("d:XAddrs", text_content(" ".join(target.addresses))) if target.addresses else ""
    version = 1 if target.version is None else target.version
    return inside + element("d:MetadataVersion", str(version))


def read(data: bytes) -> Message:
    """Read a datagram. Raises DiscoveryError, SoapError or XmlError, all of them CodecError, on any other bytes."""
    found = read_envelope(data, LIMITS)
    body = found.first
    if body is None or body.name.namespace != WSD or body.name.local not in _KINDS:
        seen = str(body.name if body is not None else "").encode()[:SEEN_BYTES]
        raise DiscoveryError(
            0, "discovery.kind", seen, "The body is no message of WS-Discovery", "WS-Discovery 1.0 2.4"
        )
    told = {block.name.local: block.text.strip() for block in found.header if block.name.namespace == WSA}
    kind = body.name.local
    types, unknown = _types(body)
    probing = kind == "Probe"
    scopes = body.find("Scopes", WSD)
    return Message(
        kind=kind,
        message_id=told.get("MessageID", ""),
        relates_to=told.get("RelatesTo", ""),
        action=told.get("Action", ""),
        to=told.get("To", ""),
        targets=tuple(_targets(body, kind)),
        types=types if probing else (),
        scopes=tuple((scopes.text if scopes is not None else "").split()) if probing else (),
        matching=(scopes.attribute("MatchBy") or "") if scopes is not None and probing else "",
        unknown_type=unknown,
    )


def _targets(body: Node, kind: str) -> list[Target]:
    if kind in ("Hello", "Bye"):
        return [_target(body)]
    return [_target(node) for node in body.all("ProbeMatch", WSD) + body.all("ResolveMatch", WSD)]


def _target(node: Node) -> Target:
    version = node.value("MetadataVersion") or ""
    return Target(
        endpoint=node.value("EndpointReference/Address") or "",
        types=_types(node)[0],
        scopes=tuple((node.value("Scopes") or "").split()),
        addresses=tuple((node.value("XAddrs") or "").split()),
        version=int(version) if version.isascii() and version.isdecimal() and len(version) <= 10 else None,
    )


def _types(node: Node) -> tuple[tuple[Name, ...], bool]:
    """The types of a node, and whether one has a prefix that stands for nothing."""
    types = node.find("Types", WSD)
    names = [types.qname(word) for word in types.text.split()] if types is not None else []
    return tuple(name for name in names if name is not None), None in names

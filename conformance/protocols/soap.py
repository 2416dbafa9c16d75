"""SOAP 1.2 envelopes (W3C SOAP 1.2 Part 1): writing requests, reading answers, faults as code, subcodes and reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from conformance.protocols.safe_xml import XmlError, XmlLimits, text_content
from conformance.protocols.violation import SEEN_BYTES, CodecError
from conformance.protocols.xml_names import Name, Node, parse_named

SOAP_12 = "http://www.w3.org/2003/05/soap-envelope"
SOAP_11 = "http://schemas.xmlsoap.org/soap/envelope/"
CONTENT_TYPE = "application/soap+xml; charset=utf-8"
LIMITS = XmlLimits(size=4 << 20, depth=48, elements=60_000, attributes=64, text=2 << 20)
LARGEST_SUBCODES = 8

#: The namespaces of the names in faults and requests by the prefixes that the ONVIF books use.
PREFIXES = {
    "env": SOAP_12,
    "ter": "http://www.onvif.org/ver10/error",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tr2": "http://www.onvif.org/ver20/media/wsdl",
    "tptz": "http://www.onvif.org/ver20/ptz/wsdl",
    "timg": "http://www.onvif.org/ver20/imaging/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tup": "http://www.onvif.org/ver10/uplink/wsdl",
    "tns1": "http://www.onvif.org/ver10/topics",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wsa": "http://www.w3.org/2005/08/addressing",
}
_SHORT = {namespace: prefix for prefix, namespace in PREFIXES.items()}


class SoapError(CodecError):
    """Bytes that are no SOAP 1.2 envelope."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A SOAP fault. ``codes``: the code and its subcodes from outside in, as ``env:Sender``, ``ter:NotAuthorized`` with
    the prefixes of the ONVIF books; a name in another namespace as ``{namespace}local``. ``reasons``: text by language;
    ``detail``: the Detail element."""

    codes: tuple[str, ...]
    reasons: Mapping[str, str]
    detail: Node | None = None

    @property
    def reason(self) -> str:
        """The English reason, or else the first."""
        return self.reasons.get("en") or next(iter(self.reasons.values()), "")

    @property
    def code(self) -> str:
        """The outermost code."""
        return self.codes[0]

    def __str__(self) -> str:
        return "/".join(self.codes) + (f" ({self.reason[:120]})" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope as read. ``header`` and ``body``: their child elements; ``fault``: where the body is one."""

    header: tuple[Node, ...]
    body: tuple[Node, ...]
    fault: Fault | None = None

    @property
    def first(self) -> Node | None:
        """The first element of the body."""
        return self.body[0] if self.body else None

    def headed(self, name: Name) -> Node | None:
        """The header block of that name."""
        return next((block for block in self.header if block.name == name), None)


def envelope(body: str, header: str = "", *, prefixes: Mapping[str, str] = PREFIXES, namespace: str = SOAP_12) -> bytes:
    """An envelope around XML text that is already written. Declares the ``prefixes`` that the text uses and ``env``."""
    inside = header + body
    used = {prefix: uri for prefix, uri in prefixes.items() if f"{prefix}:" in inside and prefix != "env"}
    declared = "".join(f" xmlns:{prefix}={quoteattr(uri)}" for prefix, uri in used.items())
    head = f"<env:Header>{header}</env:Header>" if header else ""
    text = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<env:Envelope xmlns:env={quoteattr(namespace)}{declared}>'
        f"{head}<env:Body>{body}</env:Body></env:Envelope>"
    )
    return text.encode()


def element(name: str, content: str = "", attributes: Mapping[str, str] | None = None) -> str:
    """One element as XML text; ``name`` carries its prefix, ``content`` is XML already."""
    told = "".join(f" {key}={quoteattr(value)}" for key, value in (attributes or {}).items())
    return f"<{name}{told}>{content}</{name}>" if content else f"<{name}{told}/>"


def fault(codes: Iterable[str], reason: str, *, detail: str = "", language: str = "en") -> str:
    """The XML text of a fault, for the body of an envelope. ``codes`` from outside in, with prefixes."""
    outer, *inner = codes
    nested = ""
    for code in reversed(inner):
        nested = element("env:Subcode", element("env:Value", code) + nested)
    told = element("env:Text", text_content(reason), {"xml:lang": language})
    return element(
        "env:Fault",
        element("env:Code", element("env:Value", outer) + nested)
        + element("env:Reason", told)
        + (element("env:Detail", detail) if detail else ""),
    )


def short_name(name: Name) -> str:
    """A name with the prefix of the ONVIF books where there is one."""
    prefix = _SHORT.get(name.namespace)
    return f"{prefix}:{name.local}" if prefix else str(name)


def long_name(text: str) -> Name:
    """The expanded name of ``tds:GetUsers``. Raises KeyError for a prefix that is not in PREFIXES."""
    prefix, _, local = text.partition(":")
    return Name(PREFIXES[prefix], local)


def read_envelope(data: bytes, limits: XmlLimits = LIMITS) -> Envelope:
    """Read a SOAP 1.2 envelope. Raises SoapError or XmlError, and nothing else, on any bytes."""
    root = parse_named(data, limits)
    if root.name != Name(SOAP_12, "Envelope"):
        raise _error(root, "root", f"The root is {root.name}, not the Envelope of SOAP 1.2", "5.1")
    parts = root.children
    header: list[Node] = []
    if parts and parts[0].name == Name(SOAP_12, "Header"):
        header, parts = parts[0].children, parts[1:]
    if len(parts) != 1 or parts[0].name != Name(SOAP_12, "Body"):
        raise _error(root, "body", "An Envelope holds a Header at most once and then exactly one Body", "5.1")
    body = parts[0].children
    first = body[0] if body else None
    found = None
    if first is not None and first.name == Name(SOAP_12, "Fault"):
        if len(body) != 1:
            raise _error(first, "fault.alone", "A Fault is the only child of the Body", "5.4")
        found = _read_fault(first)
    return Envelope(tuple(header), tuple(body), found)


def _read_fault(node: Node) -> Fault:
    codes: list[str] = []
    level = node.find("Code", SOAP_12)
    if level is None:
        raise _error(node, "fault.code", "A Fault begins with a Code", "5.4")
    while level is not None:
        value = level.find("Value", SOAP_12)
        name = value.qname(value.text) if value is not None else None
        if name is None:
            raise _error(level, "fault.value", "A Code or Subcode holds a Value with a qualified name", "5.4.1")
        codes.append(short_name(name))
        if len(codes) > LARGEST_SUBCODES:
            raise _error(level, "fault.depth", f"There are more than {LARGEST_SUBCODES} subcodes", "5.4.1")
        level = level.find("Subcode", SOAP_12)
    reason = node.find("Reason", SOAP_12)
    texts = reason.all("Text", SOAP_12) if reason is not None else []
    languages = {t.attributes.get(Name(t.scope["xml"], "lang"), ""): t.text.strip() for t in texts}
    return Fault(tuple(codes), languages, node.find("Detail", SOAP_12))


def _error(node: Node, rule: str, explain: str, clause: str) -> SoapError:
    seen = str(node.name).encode("utf-8", "replace")[:SEEN_BYTES]
    return SoapError(node.offset, f"soap.{rule}", seen, explain, f"SOAP 1.2 Part 1 {clause}")


__all__ = [
    "CONTENT_TYPE",
    "LIMITS",
    "PREFIXES",
    "SOAP_11",
    "SOAP_12",
    "Envelope",
    "Fault",
    "SoapError",
    "XmlError",
    "element",
    "envelope",
    "fault",
    "long_name",
    "read_envelope",
    "short_name",
]

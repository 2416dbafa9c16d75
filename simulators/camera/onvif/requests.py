"""A request against the table of its operation: what is missing, of the wrong type, not in the list, too much.

Generic faults of ONVIF Core: ter:InvalidArgs for what is missing, too much or no value of its type, ter:InvalidArgVal
for a value that cannot be.
"""

from __future__ import annotations

import re

from conformance.protocols.soap import PREFIXES
from conformance.protocols.xml_names import Node
from simulators.camera.onvif.service import SENDER, OnvifFault, invalid
from specs.onvif_operations import Element, OnvifOperation

_DURATION = re.compile(r"P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?\Z")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?\Z")
_PATTERNS = {
    "boolean": re.compile(r"(true|false|0|1)\Z"),
    "integer": re.compile(r"[+-]?\d{1,18}\Z"),
    "decimal": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\Z"),
}


def bad_arguments(reason: str) -> OnvifFault:
    """The fault of arguments that are missing, too many or of another type."""
    return OnvifFault(SENDER, "ter:InvalidArgs", reason=reason)


def check_request(node: Node, operation: OnvifOperation, prefix: str) -> None:
    """Raises OnvifFault for a request that does not fit its operation. ``prefix``: of the service."""
    known = [element.name for element in operation.request]
    for child in node.children:
        if child.name.local not in known:
            raise bad_arguments(f"{operation.name} has no {child.name.local[:60]}")
    _check(node, operation.request, operation.prefix or prefix)


def _check(node: Node, elements: tuple[Element, ...], prefix: str) -> None:
    for element in elements:
        found = node.all(element.name)
        if any(one.name.namespace != PREFIXES[element.prefix or prefix] for one in found):
            raise OnvifFault(SENDER, "ter:TagMismatch", reason=f"{element.name} is in another namespace")
        if len(found) < element.least:
            raise bad_arguments(f"{element.name} is missing")
        if element.most and len(found) > element.most:
            raise bad_arguments(f"{element.name} stands there {len(found)} times")
        for one in found:
            _check_value(one, element)
            _check(one, element.fields, "tt")


def _check_value(node: Node, element: Element) -> None:
    text = node.text.strip()
    for name in element.attributes:
        if node.attribute(name) is None:
            raise bad_arguments(f"{element.name} has no attribute {name}")
    if element.type == "choice" and text not in element.values:
        raise invalid("", f"{element.name} cannot be {text[:60]!r}")
    if element.type in _PATTERNS and not _PATTERNS[element.type].match(text):
        raise bad_arguments(f"{element.name} is no {element.type}: {text[:60]!r}")
    timely = _DURATION.match(text) or _TIME.match(text)
    if element.type in ("duration", "time") and not timely:
        raise bad_arguments(f"{element.name} is no {element.type}: {text[:60]!r}")

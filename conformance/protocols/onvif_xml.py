"""What the services of ONVIF share: elements sent back with changes, numbers, ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from conformance.protocols.safe_xml import text_content
from conformance.protocols.soap import PREFIXES
from conformance.protocols.xml_names import Name, Node

_SHORT = {namespace: prefix for prefix, namespace in PREFIXES.items()}
_XML = "http://www.w3.org/XML/1998/namespace"

#: A new text by path: ``Resolution/Width``, ``RateControl/@ConstantBitRate``; None takes the element or attribute away.
Changes = Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Span:
    """A range with both ends in it."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    @property
    def middle(self) -> float:
        """The value between both ends."""
        return (self.low + self.high) / 2

    def nearest(self, value: float) -> float:
        """The value of the range that is closest."""
        return min(max(value, self.low), self.high)

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def number(text: str | None) -> float | None:
    """A decimal number; None for anything else."""
    try:
        value = float(text) if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def span(node: Node | None) -> Span | None:
    """An element with Min and Max; None unless both are numbers and in order."""
    if node is None:
        return None
    low, high = number(node.value("Min")), number(node.value("Max"))
    return Span(low, high) if low is not None and high is not None and low <= high else None


def plain(value: float) -> str:
    """A number as XML text, whole numbers without a point."""
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def written(node: Node, changes: Changes | None = None, name: str = "") -> str:
    """An element as XML text with everything in it, so that what we do not know goes back as it came.

    ``changes`` by path; a changed attribute need not be there, a changed element must be, else KeyError. ``name``: what
    the element is called instead, with a prefix of the ONVIF books.
    """
    wanted = dict(changes or {})
    missing = [path for path in wanted if "@" not in path and node.at(path) is None and wanted[path] is not None]
    if missing:
        raise KeyError(missing[0])
    return _written(node, wanted, "", name)


def _written(node: Node, changes: Changes, path: str, name: str = "") -> str:
    tag, declared = (name, "") if name else _tag(node.name)
    attributes = {key: value for key, value in node.attributes.items() if key.namespace in ("", _XML)}
    for changed, text in changes.items():
        owner, marker, local = changed.rpartition("@")
        if marker and owner.rstrip("/") == path:
            attributes.pop(Name("", local), None)
            if text is not None:
                attributes[Name("", local)] = text
    told = "".join(f" {'xml:' if key.namespace else ''}{key.local}={quoteattr(v)}" for key, v in attributes.items())
    inside = "" if node.children else text_content(node.text.strip())
    seen: set[str] = set()
    for child in node.children:
        below = f"{path}/{child.name.local}" if path else child.name.local
        first = below not in seen
        seen.add(below)
        inside += _child(child, changes, below) if first else _written(child, {}, "")
    return f"<{tag}{declared}{told}>{inside}</{tag}>"


def _child(child: Node, changes: Changes, path: str) -> str:
    if path not in changes:
        return _written(child, changes, path)
    text = changes[path]
    if text is None:
        return ""
    tag, declared = _tag(child.name)
    return f"<{tag}{declared}>{text_content(text)}</{tag}>"


def _tag(name: Name) -> tuple[str, str]:
    """A name with its prefix, and the declaration that it needs where the books know none."""
    if prefix := _SHORT.get(name.namespace):
        return f"{prefix}:{name.local}", ""
    return (name.local, f" xmlns={quoteattr(name.namespace)}") if name.namespace else (name.local, ' xmlns=""')

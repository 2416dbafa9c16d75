"""Namespaces over the bounded reader of XML: every name of a document with the namespace that its prefix stands for.

Namespaces in XML 1.0. Limits, refusal of DTDs and byte offsets are those of ``safe_xml``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from conformance.protocols.safe_xml import DEFAULT_LIMITS, XmlError, XmlLimits, XmlReader

_CLAUSE = "Namespaces in XML 1.0"
_FIXED = {"xml": "http://www.w3.org/XML/1998/namespace", "": ""}
_XMLNS = "xmlns"


class Name(NamedTuple):
    """An expanded name. ``namespace`` is empty for none."""

    namespace: str
    local: str

    def __str__(self) -> str:
        return f"{{{self.namespace}}}{self.local}" if self.namespace else self.local


@dataclass(slots=True)
class Node:
    """One element. ``attributes`` by expanded name; ``scope``: what prefixes stand for here ("" for the default);
    ``text`` joins all text directly inside; ``offset``: byte position of its ``<``."""

    name: Name
    attributes: dict[Name, str]
    scope: Mapping[str, str]
    text: str
    offset: int
    children: list[Node] = field(default_factory=list)

    def find(self, local: str, namespace: str | None = None) -> Node | None:
        """The first child of that name; in any namespace when none is said."""
        for child in self.children:
            if child.name.local == local and namespace in (None, child.name.namespace):
                return child
        return None

    def all(self, local: str, namespace: str | None = None) -> list[Node]:
        """The children of that name, in order."""
        return [c for c in self.children if c.name.local == local and namespace in (None, c.name.namespace)]

    def at(self, path: str) -> Node | None:
        """The node at a path of local names with slashes between them, the first of each; None where it ends."""
        node: Node | None = self
        for local in path.split("/"):
            node = node.find(local) if node is not None else None
        return node

    def value(self, path: str = "") -> str | None:
        """The text at a path, without white space around it; None where there is no such element."""
        node = self.at(path) if path else self
        return None if node is None else node.text.strip()

    def attribute(self, local: str, namespace: str = "") -> str | None:
        """The value of an attribute."""
        return self.attributes.get(Name(namespace, local))

    def qname(self, text: str) -> Name | None:
        """What a qualified name in the content means here; None for a prefix that stands for nothing."""
        prefix, colon, local = text.strip().partition(":")
        if not colon:
            prefix, local = "", prefix
        namespace = self.scope.get(prefix)
        return None if namespace is None or not local else Name(namespace, local)

    def walk(self) -> Iterator[Node]:
        """This node and everything below it, in document order."""
        yield self
        for child in self.children:
            yield from child.walk()


def parse_named(data: bytes, limits: XmlLimits = DEFAULT_LIMITS) -> Node:
    """The root of a document, with namespaces. Raises XmlError, and nothing else, on any bytes."""
    return _NodeReader(data, limits).read()


class _NodeReader(XmlReader[Node]):
    """``known``: what the names of elements mean, as far as they have been met, by the identity of their scope."""

    def __init__(self, data: bytes, limits: XmlLimits) -> None:
        super().__init__(data, limits)
        self.known: dict[int, dict[str, Name]] = {}

    def begin(self, name: str, attributes: dict[str, str], parent: Node | None) -> Node:
        scope = _FIXED if parent is None else parent.scope
        named: dict[Name, str] = {}
        if attributes:
            scope = self._scope(name, attributes, scope)
            named = self._attributes(name, attributes, scope)
        known = self.known.setdefault(id(scope), {})
        expanded = known.get(name)
        if expanded is None:
            expanded = known[name] = self._element(name, scope)
        node = Node(expanded, named, scope, "", self.parser.CurrentByteIndex, [])
        if parent is not None:
            parent.children.append(node)
        return node

    def _element(self, written: str, scope: Mapping[str, str]) -> Name:
        prefix, colon, local = written.partition(":")
        return self._expand(written, prefix, local, scope) if colon else Name(scope[""], written)

    def _attributes(self, element: str, given: Mapping[str, str], scope: Mapping[str, str]) -> dict[Name, str]:
        attributes: dict[Name, str] = {}
        for written, value in given.items():
            prefix, colon, local = written.partition(":")
            if written == _XMLNS or (colon and prefix == _XMLNS):
                continue
            name = self._expand(element, prefix, local, scope) if colon else Name("", written)
            if name in attributes:
                raise self._error(element, "twice", f"The attribute {name} stands twice")
            attributes[name] = value
        return attributes

    def _scope(self, element: str, given: Mapping[str, str], outer: Mapping[str, str]) -> Mapping[str, str]:
        declared = {}
        for written, value in given.items():
            if written == _XMLNS:
                declared[""] = value
            elif written.startswith("xmlns:"):
                if not value:
                    raise self._error(element, "empty", f"The prefix {written[6:]} is bound to nothing")
                declared[written[6:]] = value
        return {**outer, **declared} if declared else outer

    def _expand(self, element: str, prefix: str, local: str, scope: Mapping[str, str]) -> Name:
        if not prefix or prefix not in scope or not local or ":" in local:
            raise self._error(element, "prefix", f"The prefix {prefix!r} is bound to no namespace")
        return Name(scope[prefix], local)

    def _error(self, element: str, rule: str, explain: str) -> XmlError:
        seen = element.encode("utf-8", "replace")
        error = XmlError(self.parser.CurrentByteIndex, f"xml.namespace.{rule}", seen, explain, _CLAUSE)
        error.line = self.parser.CurrentLineNumber
        return error

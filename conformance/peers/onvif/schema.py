"""Answers against the schemas of the services: the WSDL and XSD that the package onvif-zeep brings along, with lxml.

The schemas of ONVIF lean on weak wildcards of XSD 1.1 (a wildcard beside elements of the same namespace), which XSD 1.0
calls ambiguous. So each such wildcard is narrowed to other namespaces in memory, and elements of later releases, which
the wildcard would have taken, are left out before a document is judged.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from lxml import etree

from conformance.protocols.soap import SOAP_12
from conformance.protocols.xml_names import Name
from specs.onvif_operations import load_onvif_operations

PACKAGE = "onvif-zeep"
XS = "{http://www.w3.org/2001/XMLSchema}"
SCHEME = "kandian-schema:"
#: Rounds of leaving out unknown elements; each takes out all that are told.
ROUNDS = 8
ONVIF = "http://www.onvif.org/"
LARGEST = 4 << 20
MOST_FLAWS = 6
_STEP = re.compile(r"(?P<name>[^\[\]]+)(?:\[(?P<number>[0-9]+)\])?")


@dataclass(frozen=True, slots=True)
class Flaw:
    """Where an answer breaks the schema of its operation. ``path``: of the element, by local names; ``line``: in the
    answer as it came."""

    path: str
    line: int
    sentence: str

    def __str__(self) -> str:
        return f"{self.path} (line {self.line}): {self.sentence}"


class _Files(etree.Resolver):
    """Serves the rewritten schemas to libxml2; nothing else is reached."""

    def __init__(self, texts: dict[str, bytes]) -> None:
        super().__init__()
        self.texts = texts

    def resolve(self, system_url: str, public_id: str, context: Any) -> Any:  # type: ignore[override]
        """The schema of that name, an empty one for names that are not in the package."""
        name = system_url.rpartition("/")[2].removeprefix(SCHEME)
        return self.resolve_string(self.texts.get(name, _EMPTY), context, base_url=system_url)


_EMPTY = b'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"/>'


@dataclass(frozen=True)
class AnswerSchema:
    """The compiled schemas. ``roots``: names of the messages that they describe, ``{namespace}local``; ``names``: local
    names of every element that they know."""

    compiled: etree.XMLSchema
    roots: frozenset[str]
    names: frozenset[str]

    def covers(self, name: Name) -> bool:
        """Whether an answer with this root can be judged; operations of later releases cannot."""
        return str(name) in self.roots

    def flaws(self, raw: bytes) -> list[Flaw]:
        """What is wrong with the first element in the body of an answer; nothing for one without a body."""
        root = _payload(raw)
        return [] if root is None else self.flaws_of(root)

    def flaws_of(self, root: etree._Element) -> list[Flaw]:
        """The same of a document; elements of later releases are taken out of it."""
        tree = etree.ElementTree(root)
        for _ in range(ROUNDS):
            if self.compiled.validate(tree):
                return []
            errors = self._errors()
            strangers = [e for e in _told(root, errors) if e is not root and self._later(e)]
            if not strangers:
                break
            for element in strangers:
                parent = element.getparent()
                if parent is not None:
                    parent.remove(element)
        return [_flaw(root, error) for error in self._errors()[:MOST_FLAWS]]

    def _later(self, element: etree._Element) -> bool:
        """Whether it is an element of ONVIF that only later releases know."""
        name = etree.QName(element)
        return (name.namespace or "").startswith(ONVIF) and name.localname not in self.names

    def _errors(self) -> list[Any]:
        log: Any = self.compiled.error_log
        return list(log)


@lru_cache(maxsize=1)
def answer_schema() -> AnswerSchema | None:
    """The schemas of all services that the package holds; None when the package is not installed."""
    folder = schema_folder()
    if folder is None:
        return None
    tables = [table for table in load_onvif_operations().services.values() if (folder / (table.wsdl or "-")).is_file()]
    texts, roots, names = rewritten(folder)
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Files(texts))
    imports = "".join(f'<xs:import namespace="{t.namespace}" schemaLocation="{SCHEME}{t.wsdl}"/>' for t in tables)
    driver = f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema">{imports}</xs:schema>'
    compiled = etree.XMLSchema(etree.fromstring(driver.encode(), parser))
    return AnswerSchema(compiled, roots, names)


def schema_folder() -> Path | None:
    """Where the package keeps its WSDL and XSD files."""
    try:
        files = importlib.metadata.files(PACKAGE) or []
    except importlib.metadata.PackageNotFoundError:
        return None
    found = next((file for file in files if file.name == "devicemgmt.wsdl"), None)
    return None if found is None else Path(str(found.locate())).parent


def rewritten(folder: Path) -> tuple[dict[str, bytes], frozenset[str], frozenset[str]]:
    """The schemas of a folder by file name (that of a WSDL: the one in its types), fit for XSD 1.0; the names of their
    global elements, and the local names of all."""
    texts: dict[str, bytes] = {}
    roots: set[str] = set()
    names: set[str] = set()
    for path in sorted(folder.iterdir()):
        schema = _schema(path)
        if schema is None:
            continue
        names |= {element.get("name", "") for element in schema.iter(f"{XS}element")}
        namespace = schema.get("targetNamespace", "")
        roots |= {str(Name(namespace, element.get("name", ""))) for element in schema.findall(f"{XS}element")}
        for wildcard in schema.iter(f"{XS}any"):
            if wildcard.get("namespace", "##any") in ("##any", "##targetNamespace"):
                wildcard.set("namespace", "##other")
                wildcard.set("processContents", "lax")
        for pointer in schema.iter(f"{XS}import", f"{XS}include"):
            pointer.set("schemaLocation", SCHEME + pointer.get("schemaLocation", "").rpartition("/")[2])
        texts[path.name] = etree.tostring(schema)
    return texts, frozenset(roots), frozenset(names)


def _schema(path: Path) -> etree._Element | None:
    try:
        root = etree.fromstring(path.read_bytes(), etree.XMLParser(no_network=True, load_dtd=False))
    except etree.XMLSyntaxError:
        return None
    return root if root.tag == f"{XS}schema" else root.find(f".//{XS}schema")


def _payload(raw: bytes) -> etree._Element | None:
    parser = etree.XMLParser(no_network=True, resolve_entities=False, load_dtd=False, remove_comments=True)
    if len(raw) > LARGEST:
        return None
    try:
        root = etree.fromstring(raw, parser)
    except etree.XMLSyntaxError:
        return None
    info: Any = root.getroottree().docinfo
    body = None if info.doctype else root.find(f"{{{SOAP_12}}}Body")
    return None if body is None or not len(body) else body[0]


def _told(root: etree._Element, errors: list[Any]) -> Iterator[etree._Element]:
    """The elements that errors speak of."""
    for error in errors:
        found = _located(root, error.path or "")
        if found is not None:
            yield found


def _located(root: etree._Element, path: str) -> etree._Element | None:
    """The element at a path of libxml2: steps of prefix:name[n], or *[n] among all where the default namespace is used.
    Prefixes are those of the elements themselves, which XPath could not know."""
    steps = [_STEP.fullmatch(step) for step in path.strip("/").split("/")]
    element = root
    for step in steps[1:]:
        if step is None:
            return None
        name, number = step["name"], int(step["number"] or 1)
        fitting = [c for c in element if isinstance(c.tag, str) and name in ("*", _written(c))]
        if number > len(fitting):
            return None
        element = fitting[number - 1]
    return element


def _written(element: etree._Element) -> str:
    local = etree.QName(element).localname
    return f"{element.prefix}:{local}" if element.prefix else local


def _flaw(root: etree._Element, error: Any) -> Flaw:
    element = next(_told(root, [error]), None)
    steps: list[str] = []
    while element is not None:
        steps.append(etree.QName(element).localname)
        element = None if element is root else element.getparent()
    return Flaw("/".join(reversed(steps)), error.line, error.message)

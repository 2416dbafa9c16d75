"""Bounded reading of XML that may be hostile.

No DTD (so no entities of its own, no external ones, no expansion), UTF-8 only, and limits on bytes, depth, elements,
attributes and text. Built on the standard library's expat, because only it tells the byte offset of every element;
a DTD is refused before any declaration in it is read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Generic, NoReturn, Protocol, TypeVar
from xml.parsers import expat
from xml.sax.saxutils import escape

from conformance.protocols.violation import CodecError

_CLAUSE = "XML 1.0"


@dataclass(frozen=True, slots=True)
class XmlLimits:
    """Bounds of one document: bytes of input, nesting, number of elements, attributes of one element, text of one
    element in characters."""

    size: int = 65535
    depth: int = 16
    elements: int = 4096
    attributes: int = 32
    text: int = 65535


DEFAULT_LIMITS = XmlLimits()


class XmlError(CodecError):
    """XML that is malformed, forbidden or larger than allowed. ``line`` is 1-based, 0 where it means nothing."""

    line: int = 0


@dataclass(slots=True)
class XmlElement:
    """One element: its name as written (prefix included), own text, children, position of its ``<``.

    ``text`` joins all text directly inside the element; ``offset`` counts bytes, ``line`` from 1.
    """

    name: str
    attributes: dict[str, str]
    offset: int
    line: int
    text: str = ""
    children: list[XmlElement] = field(default_factory=list)

    def find(self, name: str) -> XmlElement | None:
        """The first child of that name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True, slots=True)
class XmlDocument:
    """A parsed document. ``declared``: whether it began with an XML declaration."""

    root: XmlElement
    declared: bool


def parse_xml(data: bytes, limits: XmlLimits = DEFAULT_LIMITS) -> XmlDocument:
    """Parse a whole document. Raises XmlError, and nothing else, on any bytes."""
    reader = _PlainReader(data, limits)
    return XmlDocument(reader.read(), reader.declared)


def text_content(text: str) -> str:
    """``text`` escaped for use inside an element; a carriage return survives as a character reference.

    Raises XmlError when it holds a character that XML 1.0 cannot carry.
    """
    for position, character in enumerate(text):
        code = ord(character)
        if (code < 0x20 and code not in (9, 10, 13)) or 0xD800 <= code <= 0xDFFF or code in (0xFFFE, 0xFFFF):
            raise _error(position, "xml.character", b"", f"XML cannot carry the character U+{code:04X}")
    return escape(text, {"\r": "&#13;"})


def _error(offset: int, rule: str, seen: bytes, explain: str, line: int = 0) -> XmlError:
    error = XmlError(offset, rule, seen, explain, _CLAUSE)
    error.line = line
    return error


class _Open(Protocol):
    """What an element needs while it is being read."""

    text: str


E = TypeVar("E", bound=_Open)


class XmlReader(Generic[E]):
    """Reads one document; what its elements become is said by ``begin``."""

    def __init__(self, data: bytes, limits: XmlLimits) -> None:
        self.data = data
        self.limits = limits
        self.declared = False
        self.root: E | None = None
        self.open: list[E] = []
        self._count = 0
        self._pieces: dict[int, list[str]] = {}
        self._lengths: dict[int, int] = {}
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        self.parser = parser

    def begin(self, name: str, attributes: dict[str, str], parent: E | None) -> E:
        """The element that begins here, already among the children of its parent."""
        raise NotImplementedError

    def read(self) -> E:
        """The root. Raises XmlError, and nothing else, on any bytes."""
        data, limits = self.data, self.limits
        if len(data) > limits.size:
            raise _error(limits.size, "xml.size", b"", f"The document has {len(data)} bytes, more than {limits.size}")
        try:
            data.decode("utf-8")
        except UnicodeDecodeError as error:
            seen = data[error.start : error.start + 16]
            raise _error(error.start, "xml.encoding", seen, "The document is not UTF-8") from None
        try:
            self.parser.Parse(data, True)
        except expat.ExpatError as error:
            sentence = f"Not well-formed XML: {expat.ErrorString(error.code)}"
            self._fail("xml.syntax", sentence, self.parser.ErrorByteIndex, error.lineno)
        if self.root is None:
            self._fail("xml.syntax", "There is no root element")
        return self.root

    def _fail(self, rule: str, explain: str, offset: int | None = None, line: int | None = None) -> NoReturn:
        at = max(0, self.parser.CurrentByteIndex if offset is None else offset)
        where = self.parser.CurrentLineNumber if line is None else line
        raise _error(at, rule, self.data[at : at + 64], explain, where)

    def _declaration(self, version: str, encoding: str | None, standalone: int) -> None:
        self.declared = True
        if encoding is not None and encoding.lower() not in ("utf-8", "utf8"):
            self._fail("xml.encoding", f"The document declares the encoding {encoding[:40]}; only UTF-8 is taken")

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        self._fail("xml.dtd", "A document type declaration is not taken")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        limits, is_open = self.limits, self.open
        self._count += 1
        if len(is_open) >= limits.depth:
            self._fail("xml.depth", f"Elements are nested deeper than {limits.depth}")
        if self._count > limits.elements:
            self._fail("xml.elements", f"There are more than {limits.elements} elements")
        if len(attributes) > limits.attributes:
            self._fail("xml.attributes", f"An element has more than {limits.attributes} attributes")
        if is_open:
            element = self.begin(name, attributes, is_open[-1])
        else:
            element = self.root = self.begin(name, attributes, None)
        is_open.append(element)

    def _end(self, name: str) -> None:
        element = self.open.pop()
        pieces = self._pieces.pop(id(element), None)
        if pieces is not None:
            element.text = "".join(pieces)
            del self._lengths[id(element)]

    def _characters(self, text: str) -> None:
        """Most elements have their text in one piece; more are joined at the end of the element."""
        element = self.open[-1]
        if not element.text:
            element.text = text
            length = len(text)
        else:
            pieces = self._pieces.setdefault(id(element), [element.text])
            pieces.append(text)
            length = self._lengths.get(id(element), len(element.text)) + len(text)
            self._lengths[id(element)] = length
        if length > self.limits.text:
            self._fail("xml.text", f"The text of an element has more than {self.limits.text} characters")


class _PlainReader(XmlReader[XmlElement]):
    def begin(self, name: str, attributes: dict[str, str], parent: XmlElement | None) -> XmlElement:
        parser = self.parser
        element = XmlElement(name, attributes, parser.CurrentByteIndex, parser.CurrentLineNumber, "", [])
        if parent is not None:
            parent.children.append(element)
        return element

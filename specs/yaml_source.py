"""YAML with YAML 1.2 core scalars, a check for duplicate keys and the line of every value.

``no``, ``12:30`` and ``010`` stay texts; only true/false/null and plain numbers are special.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Key = str | int
KeyPath = tuple[Key, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_LONGEST_WORD = max(map(len, _WORDS))
_QUOTED = ("'", '"', "|", ">")
_MAX_BYTES = 4 << 20
_MAX_DEPTH = 40

_Base: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """Composes nodes; their tags are not looked at, so that none has to be found by YAML 1.1's expressions."""

    def resolve(self, kind: type[Any], value: str, implicit: object) -> str:
        return ""


class SourceError(Exception):
    """A file of ours or of the user that cannot be used: ``file:line: sentence``."""

    def __init__(self, path: Path | str, line: int, sentence: str) -> None:
        self.path = str(path)
        self.line = line
        self.sentence = sentence
        super().__init__(f"{path}:{line}: {sentence}")


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: plain data, and the nodes that know their lines (1-based)."""

    path: Path
    data: Any
    node: Any = field(repr=False)

    def line(self, key_path: KeyPath) -> int:
        """Line of the key or list entry at ``key_path``, or of its nearest parent that is there."""
        node, line = self.node, _line(self.node) if self.node is not None else 1
        for key in key_path:
            found = _child(node, key)
            if found is None:
                break
            line, node = found
        return line

    def error(self, key_path: KeyPath, sentence: str) -> SourceError:
        """An error that points at the value at ``key_path``."""
        return SourceError(self.path, self.line(key_path), sentence)


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style in _QUOTED:
        return text
    if len(text) > _LONGEST_WORD and text[0].isalpha():
        return text
    if text.lower() in _WORDS and text in (text.lower(), text.capitalize(), text.upper()):
        return _WORDS[text.lower()]
    if _INTEGER.match(text):
        return int(text)
    if _HEXADECIMAL.match(text):
        return int(text, 16)
    if _NUMBER.match(text):
        return float(text)
    return text


def _line(node: Any) -> int:
    return int(node.start_mark.line) + 1


def _child(node: Any, key: Key) -> tuple[int, Any] | None:
    """The line and the node of what stands under a key or at a place of a list."""
    if isinstance(node, yaml.MappingNode):
        return next(((_line(k), child) for k, child in node.value if _scalar(k) == key), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(key, int) and key < len(node.value):
        return _line(node.value[key]), node.value[key]
    return None


class _Builder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen: set[int] = set()

    def build(self, node: Any, depth: int = 0) -> Any:
        if id(node) in self._seen:
            raise SourceError(self.path, _line(node), "aliases (*name) are not allowed")
        self._seen.add(id(node))
        if depth > _MAX_DEPTH:
            raise SourceError(self.path, _line(node), f"nested deeper than {_MAX_DEPTH} levels")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, depth + 1) for child in node.value]
        return self._mapping(node, depth)

    def _mapping(self, node: Any, depth: int) -> dict[Key, Any]:
        result: dict[Key, Any] = {}
        for key_node, value_node in node.value:
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, (str, int)):
                raise SourceError(self.path, _line(key_node), "a key must be a text or a whole number")
            if key in result:
                raise SourceError(self.path, _line(key_node), f"the key {key!r} stands here twice")
            result[key] = self.build(value_node, depth + 1)
        return result


def parse_yaml(text: str, path: Path) -> Document:
    """Parse ``text``; ``path`` is only used in messages. Raises SourceError."""
    if len(text) > _MAX_BYTES:
        raise SourceError(path, 1, f"larger than {_MAX_BYTES} bytes")
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise SourceError(path, mark.line + 1 if mark else 1, f"not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise SourceError(path, 1, f"not valid YAML: {error}") from None
    except RecursionError:
        raise SourceError(path, 1, f"nested deeper than {_MAX_DEPTH} levels") from None
    data = None if node is None else _Builder(path).build(node)
    return Document(path, data, node)


def read_yaml(path: Path) -> Document:
    """Read and parse a file. Raises SourceError, also when it is missing or not UTF-8."""
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise SourceError(path, 1, "the file does not exist") from None
    except IsADirectoryError:
        raise SourceError(path, 1, "this is a folder, a file is needed") from None
    except UnicodeDecodeError as error:
        raise SourceError(path, 1, f"not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise SourceError(path, 1, f"cannot be read: {error.strerror}") from None
    return parse_yaml(text, path)

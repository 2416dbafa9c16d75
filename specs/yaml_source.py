"""YAML with YAML 1.2 core scalars, a check for duplicate keys and the line of every value.

``no``, ``12:30`` and ``010`` stay texts; only true/false/null and plain numbers are special.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Key = str | int
KeyPath = tuple[Key, ...]

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)\Z")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+\Z")
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}
_QUOTED = ("'", '"', "|", ">")
_MAX_BYTES = 4 << 20
_MAX_DEPTH = 40

_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class SourceError(Exception):
    """A file of ours or of the user that cannot be used: ``file:line: sentence``."""

    def __init__(self, path: Path | str, line: int, sentence: str) -> None:
        self.path = str(path)
        self.line = line
        self.sentence = sentence
        super().__init__(f"{path}:{line}: {sentence}")


@dataclass(frozen=True, slots=True)
class Document:
    """One parsed file: plain data plus the 1-based line of each key and list entry."""

    path: Path
    data: Any
    lines: dict[KeyPath, int]

    def line(self, key_path: KeyPath) -> int:
        """Line of the value at ``key_path``, or of its nearest parent that is there."""
        while key_path and key_path not in self.lines:
            key_path = key_path[:-1]
        return self.lines.get(key_path, 1)

    def error(self, key_path: KeyPath, sentence: str) -> SourceError:
        """An error that points at the value at ``key_path``."""
        return SourceError(self.path, self.line(key_path), sentence)


def _scalar(node: Any) -> Any:
    text: str = node.value
    if node.style in _QUOTED:
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


class _Builder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines: dict[KeyPath, int] = {}
        self._seen: set[int] = set()

    def build(self, node: Any, where: KeyPath) -> Any:
        if id(node) in self._seen:
            raise SourceError(self.path, node.start_mark.line + 1, "aliases (*name) are not allowed")
        self._seen.add(id(node))
        self.lines[where] = node.start_mark.line + 1
        if len(where) > _MAX_DEPTH:
            raise SourceError(self.path, node.start_mark.line + 1, f"nested deeper than {_MAX_DEPTH} levels")
        if isinstance(node, yaml.ScalarNode):
            return _scalar(node)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*where, index)) for index, child in enumerate(node.value)]
        return self._mapping(node, where)

    def _mapping(self, node: Any, where: KeyPath) -> dict[Key, Any]:
        result: dict[Key, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = _scalar(key_node) if isinstance(key_node, yaml.ScalarNode) else None
            if not isinstance(key, (str, int)):
                raise SourceError(self.path, line, "a key must be a text or a whole number")
            if key in result:
                raise SourceError(self.path, line, f"the key {key!r} stands here twice")
            result[key] = self.build(value_node, (*where, key))
            self.lines[(*where, key)] = line
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
    builder = _Builder(path)
    data = None if node is None else builder.build(node, ())
    return Document(path, data, builder.lines)


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

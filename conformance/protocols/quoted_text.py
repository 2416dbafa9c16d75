"""Lists and parameters inside header values, where a quoted string may hold the separators (RFC 2616 2.2)."""

from __future__ import annotations

import re

_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\Z', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def split_outside_quotes(text: str, separator: str) -> list[str]:
    """The pieces between separators that stand outside of double quotes, white space around them removed."""
    pieces = []
    start = place = 0
    quoted = False
    while place < len(text):
        sign = text[place]
        if quoted and sign == "\\":
            place += 1
        elif sign == '"':
            quoted = not quoted
        elif sign == separator and not quoted:
            pieces.append(text[start:place].strip(" \t"))
            start = place + 1
        place += 1
    pieces.append(text[start:].strip(" \t"))
    return pieces


def unquote(text: str) -> str:
    """The text without its quotes and escapes; a text that is not one whole quoted string stays as it is."""
    found = _QUOTED.match(text)
    return _ESCAPE.sub(r"\1", found[1]) if found else text


def quote(text: str) -> str:
    """The text as a quoted string."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'

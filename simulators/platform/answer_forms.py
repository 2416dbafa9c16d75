"""Answers to devices, filled into forms: thousands of devices are told the same but for a few plain words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from conformance.protocols.tykd_message import encode_message
from specs.messages import MessageTable

_PLAIN = re.compile(r"[A-Za-z0-9._:/-]*\Z").match


class AnswerForms:
    """The codec makes a form the first time that a set of elements is sent; afterwards only the texts are put in."""

    def __init__(self, table: MessageTable) -> None:
        self._table = table
        self._forms: dict[tuple[str, ...], tuple[bytes, tuple[str, ...]]] = {}

    def fill(self, name: str, values: Mapping[str, Any]) -> bytes:
        """The same as ``encode_message(table, name, "response", values, check=False)``."""
        texts = {key: str(value) for key, value in values.items() if type(value) in (str, int)}
        if len(texts) != len(values) or not all(map(_PLAIN, texts.values())):
            return encode_message(self._table, name, "response", values, check=False)
        key = (name, *texts)
        form = self._forms.get(key) or self._made(key, name, texts)
        return form[0] % tuple(texts[element].encode() for element in form[1])

    def _made(self, key: tuple[str, ...], name: str, texts: Mapping[str, str]) -> tuple[bytes, tuple[str, ...]]:
        marks = {element: f"@{number}@" for number, element in enumerate(texts)}
        xml = encode_message(self._table, name, "response", marks, check=False).replace(b"%", b"%%")
        order = sorted(marks, key=lambda element: xml.index(f">{marks[element]}<".encode()))
        for element in order:
            xml = xml.replace(f">{marks[element]}<".encode(), b">%b<")
        self._forms[key] = xml, tuple(order)
        return self._forms[key]

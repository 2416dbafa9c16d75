"""Secrets of a declaration."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec


class Secret(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A secret by name of an environment variable, by file, or (test devices only) by value."""

    env: str = ""
    file: str = ""
    value: str = ""

    def read(self, folder: Path) -> str:
        """The secret text. Raises KeyError (variable not set) or OSError (file)."""
        if self.env:
            return os.environ[self.env]
        if self.file:
            return (folder / self.file).read_text("utf-8").strip()
        return self.value

"""results.jsonl: a header, one line a test, a footer. Each line is on disk before the next test begins.

A file without a footer is a run that was cut off; its lines are valid all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class ResultsError(OSError):
    """A result line could not be written (disk full, folder gone). Earlier lines are intact."""


class Redactor:
    """Replaces every declared secret by asterisks before anything is written."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = sorted({s for s in secrets if len(s) >= 4}, key=len, reverse=True)

    def text(self, text: str) -> str:
        """The text without secrets, also where JSON escapes them."""
        for secret in self._secrets:
            text = text.replace(secret, "*" * len(secret))
            escaped = json.dumps(secret, ensure_ascii=False)[1:-1]
            text = text.replace(escaped, "*" * len(escaped))
        return text

    def data(self, data: bytes) -> bytes:
        """Bytes of the same length without secrets."""
        for secret in self._secrets:
            raw = secret.encode()
            data = data.replace(raw, b"*" * len(raw))
        return data


class ResultsFile:
    """Append-only writer; a torn last line is impossible but for a power cut in the middle of one write."""

    def __init__(self, path: Path, redactor: Redactor) -> None:
        self.path = path
        self._redactor = redactor
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("wb")
        except OSError as error:
            raise ResultsError(f"cannot write results to {path}: {error.strerror}") from error

    def write(self, line: Mapping[str, Any]) -> None:
        """Write one line and force it to the disk. Raises ResultsError."""
        text = self._redactor.text(json.dumps(line, ensure_ascii=False, separators=(",", ":")))
        try:
            self._file.write(text.encode() + b"\n")
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise ResultsError(f"cannot write results to {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

"""results.jsonl: a header, one line a test, a footer. Each line is on disk before the next test begins.

A file without a footer is a run that was cut off; its lines are valid all the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from conformance.plugin.redaction import Redactor


class ResultsError(OSError):
    """A result line could not be written (disk full, folder gone). Earlier lines are intact."""


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

"""What a bundle holds, under which names, and how large it may be."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

MANIFEST = "manifest.json"
PLAN = "plan.json"
RESULTS = "results.jsonl"
DECLARATION = "declaration.yaml"
ENVIRONMENT = "environment.json"
REQUIREMENTS = "requirements.json"
EVIDENCE = "evidence/"
SPEC = "spec/"
SIGNATURES = "signatures/"
REQUIRED = (PLAN, RESULTS, DECLARATION, ENVIRONMENT, REQUIREMENTS)

#: Bounds on a bundle of a stranger, in bytes where nothing else is said.
MAX_FILE = 4 << 30
MAX_ENTRIES = 20_000
MAX_NAME = 240
MAX_TOTAL = 8 << 30
MAX_ENTRY = 2 << 30
MAX_DOCUMENT = 128 << 20
MAX_SIGNATURE = 16 << 20
MAX_SPEC = 64 << 20
#: An entry above FREE_EXPANSION that grows by more than MAX_RATIO when unpacked is a bomb; the writer stores such data.
FREE_EXPANSION = 1 << 20
MAX_RATIO = 100

_PART = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9._=+@-]*\Z")


class BundleError(ValueError):
    """A file that is no bundle, or one that is not safe to open. ``code`` is stable, ``zh`` and ``en`` say why."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.zh = zh
        self.en = en


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing found wrong. ``code`` is stable (docs/certificate.md lists all), ``where`` names file and line."""

    code: str
    where: str
    zh: str
    en: str

    def line(self, language: str) -> str:
        """The problem as one line in that language."""
        return f"{self.code}  {self.where}: {self.zh if language == 'zh' else self.en}"


def safe_name(name: str) -> bool:
    """Whether a name is a relative path of plain ASCII parts: no ``..``, no hidden, absolute or foreign forms."""
    return 0 < len(name) <= MAX_NAME and all(_PART.match(part) for part in name.split("/"))


def canonical_json(value: Any) -> bytes:
    """JSON with sorted keys, no blanks, UTF-8: the form that digests are taken over."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def document_digest(document: dict[str, Any]) -> str:
    """sha256 over the canonical JSON of a document without its ``digest``."""
    body = {key: value for key, value in document.items() if key != "digest"}
    return hashlib.sha256(canonical_json(body)).hexdigest()


def json_line(value: Any) -> bytes:
    """A readable JSON document, keys sorted, with a line end."""
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()

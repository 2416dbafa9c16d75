"""The signed-URL schemes of specs/interface/stream_urls.yaml as frozen values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Literal

import msgspec

from specs.loader import decode
from specs.model import Text
from specs.yaml_source import Document, read_yaml

SCHEMES_PATH = Path(__file__).parent / "interface" / "stream_urls.yaml"
FIELDS = frozenset(
    {"key", "path", "encoded_path", "stream", "time", "digest", "rand", "uid", "address"},
)
_FIELD = re.compile(r"\{(\w*)\}")


class TimeForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the time is written and what it means; ``zone`` as ``+HH:MM`` for minutes."""

    form: Literal["decimal", "hex", "minute"]
    means: Literal["birth", "death"]
    letters: Literal["lower", "upper"] = "lower"
    zone: str = "+00:00"


class Vector(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A published example."""

    key: str
    path: str
    time: str
    digest: str
    rand: str = ""
    uid: str = ""
    address: str = ""


class Scheme(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One scheme. ``message``: what is signed; ``url``: how the URL looks; both are templates of the fields."""

    id: str
    title: Text
    message: str
    url: str
    digest: Literal["md5", "sha256", "md5_base64url", "hmac_sha256"]
    time: TimeForm
    source: Text
    vectors: tuple[Vector, ...] = ()


class SchemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """stream_urls.yaml."""

    kandian: Literal["stream_urls/1"]
    schemes: tuple[Scheme, ...]


@lru_cache
def load_schemes(path: Path = SCHEMES_PATH) -> dict[str, Scheme]:
    """Every scheme by id. Raises SourceError with file and line."""
    document = read_yaml(path)
    schemes = decode(document, (), SchemeFile).schemes
    for index, scheme in enumerate(schemes):
        for key, fault in _faults(scheme):
            raise document.error(("schemes", index, key), fault)
    _refuse_repeated(document, schemes)
    return {scheme.id: scheme for scheme in schemes}


def _faults(scheme: Scheme) -> Iterator[tuple[str, str]]:
    for name in ("message", "url"):
        for field in _FIELD.findall(getattr(scheme, name)):
            if field not in FIELDS:
                yield name, f"the template names {{{field}}}; known are {', '.join(sorted(FIELDS))}"
    if "{digest}" not in scheme.url or "{time}" not in scheme.url:
        yield "url", "the template of the URL lacks {digest} or {time}"
    if ("{key}" in scheme.message) == scheme.digest.startswith("hmac"):
        yield "message", "the key stands in the message, or the digest is keyed: exactly one of both"


def _refuse_repeated(document: Document, schemes: tuple[Scheme, ...]) -> None:
    seen: set[str] = set()
    for index, scheme in enumerate(schemes):
        if scheme.id in seen:
            raise document.error(("schemes", index, "id"), f"the scheme {scheme.id} stands here twice")
        seen.add(scheme.id)

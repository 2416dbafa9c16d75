"""The declaration as a bundle holds it: everything but the secrets and the lab's own commands."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from specs.declaration import LoadedDeclaration, Secret

#: Stands in the place of a secret. It is no secret, so a declaration that was packed can be loaded again.
PLACEHOLDER = "removed"
_COMMAND = ["removed"]


def declaration_text(loaded: LoadedDeclaration) -> bytes:
    """The declaration as YAML with every secret replaced, also inside URLs. Comments are not kept."""
    built = msgspec.to_builtins(_plain(loaded.declaration))
    text: str = yaml.safe_dump(built, allow_unicode=True, sort_keys=False, width=120)
    for secret in sorted(loaded.secrets, key=len, reverse=True):
        if len(secret) >= 4:
            text = text.replace(secret, PLACEHOLDER)
    return text.encode()


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return {"value": PLACEHOLDER} if value != Secret() else {}
    if isinstance(value, msgspec.Struct):
        names = [field.name for field in msgspec.structs.fields(value)]
        defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
        kept = {name: getattr(value, name) for name in names if getattr(value, name) != defaults[name]}
        return {name: _COMMAND if name == "command" else _plain(one) for name, one in kept.items()}
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return _without_login(value) if isinstance(value, str) and "://" in value else value


def _without_login(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return PLACEHOLDER
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

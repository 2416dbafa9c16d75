"""The declaration as a run keeps it: every secret replaced by its placeholder, the lab's own commands taken out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from specs.declaration import LoadedDeclaration
from specs.secret import Secret

#: Stands in the place of a secret without a placeholder. It is no secret, so a packed declaration can be loaded again.
REMOVED = "removed"
_SHORTEST = 4
_NOTHING: Mapping[str, str] = {}


def declaration_text(loaded: LoadedDeclaration, placeholders: Mapping[str, str] = _NOTHING) -> str:
    """The declaration as YAML with every secret replaced, also inside URLs. Comments are not kept.

    ``placeholders``: what stands for a secret; `REMOVED` where it names none.
    """
    words = {secret: placeholders.get(secret, REMOVED) for secret in loaded.secrets}
    folder = loaded.path.parent if loaded.path else Path()
    built = msgspec.to_builtins(_Plain(words, folder).of(_with_secrets(loaded)))
    text: str = yaml.safe_dump(built, allow_unicode=True, sort_keys=False, width=120)
    for secret in sorted(words, key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, words[secret])
    return text


def _with_secrets(loaded: LoadedDeclaration) -> Any:
    """The declaration; secrets that came with the address or the environment stand in their places."""
    declaration = loaded.declaration
    media, storage = declaration.media, declaration.storage
    if media is not None and media.password == Secret() and loaded.password:
        media = msgspec.structs.replace(media, password=Secret(value=loaded.password))
    if storage is not None and loaded.path is None:
        pairs = zip(storage.accounts, loaded.accounts, strict=True)
        accounts = tuple(
            msgspec.structs.replace(declared, secret_key=Secret(value=account.secret_key))
            for declared, account in pairs
        )
        storage = msgspec.structs.replace(storage, accounts=accounts)
    return msgspec.structs.replace(declaration, media=media, storage=storage)


class _Plain:
    """A structure as data without its defaults and without its secrets."""

    def __init__(self, words: Mapping[str, str], folder: Path) -> None:
        self._words = words
        self._folder = folder

    def of(self, value: Any) -> Any:
        if isinstance(value, Secret):
            return self._secret(value)
        if isinstance(value, msgspec.Struct):
            defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
            kept = {name: getattr(value, name) for name in defaults if getattr(value, name) != defaults[name]}
            return {name: [REMOVED] if name == "command" else self.of(one) for name, one in kept.items()}
        if isinstance(value, dict):
            return {name: self.of(one) for name, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.of(one) for one in value]
        return _without_login(value) if isinstance(value, str) and "://" in value else value

    def _secret(self, secret: Secret) -> dict[str, str]:
        if secret == Secret():
            return {}
        try:
            return {"value": self._words.get(secret.read(self._folder), REMOVED)}
        except (KeyError, OSError, UnicodeDecodeError):
            return {"value": REMOVED}


def _without_login(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return REMOVED
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()

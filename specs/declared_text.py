"""The declaration as a run keeps it: every secret replaced by its placeholder, the lab's own commands taken out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import yaml

from specs.declaration import Declaration, LoadedDeclaration, derived_features
from specs.loader import decode
from specs.secret import Secret
from specs.yaml_source import read_yaml

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


def names_foreign_secrets(path: Path) -> bool:
    """Whether a declaration names files or variables as secrets: one that a run kept has placeholders only, and the
    secrets of whoever reads it are not for it. Raises SourceError."""
    document = read_yaml(path)
    return any(secret.env or secret.file for secret in _secrets_in(decode(document, (), Declaration)))


def _secrets_in(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, msgspec.Struct):
        for field in value.__struct_fields__:
            yield from _secrets_in(getattr(value, field))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _secrets_in(one)


def _with_secrets(loaded: LoadedDeclaration) -> Any:
    """The declaration; what came with the address or from the environment stands in its place."""
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
    onvif = declaration.onvif
    if onvif is not None and onvif.password == Secret() and loaded.onvif_password:
        onvif = msgspec.structs.replace(onvif, password=Secret(value=loaded.onvif_password))
    features = declaration.features
    if loaded.path is None:
        known = derived_features(declaration)
        features = {name: value for name, value in loaded.features.items() if name not in known}
    return msgspec.structs.replace(declaration, media=media, storage=storage, onvif=onvif, features=features)


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

"""The statement about a platform or about HTTP streams whose address the command line tells."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import msgspec

from specs.declaration import Declaration, Device, LoadedDeclaration, derived_features
from specs.declared_platform import Platform
from specs.declared_streams import Streams, at_target


def platform_declaration(url: str, loaded: LoadedDeclaration | None) -> LoadedDeclaration:
    """The statement about the platform whose client interface is at ``url``, all that is known without a declaration.

    Raises ValueError for anything but an ``http[s]://host[:port][/path]`` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise ValueError(f"the target of a platform is the http[s] URL of its client interface, not {url!r}")
    if loaded is None:
        device = Device(dev_id=parts.netloc, role="platform")
        declaration = Declaration(kandian="declaration/1", device=device, platform=Platform(client_url=url))
        return LoadedDeclaration(declaration, {}, None, hashlib.sha256(url.encode()).hexdigest())
    platform = msgspec.structs.replace(loaded.declaration.platform or Platform(), client_url=url)
    declaration = msgspec.structs.replace(loaded.declaration, platform=platform)
    return msgspec.structs.replace(loaded, declaration=declaration)


def streams_declaration(url: str, loaded: LoadedDeclaration | None) -> LoadedDeclaration:
    """The statement about the streams at ``url``: the address of the server, of a playlist or of an FLV stream.

    Raises ValueError for anything but an ``http[s]://host[:port][/path]`` URL.
    """
    known = loaded.declaration.streams if loaded is not None else None
    streams = at_target(known or Streams(), url)
    if loaded is None:
        device = Device(dev_id=urlsplit(url).netloc, role="streams")
        declaration = Declaration(kandian="declaration/1", device=device, streams=streams)
        return LoadedDeclaration(
            declaration, derived_features(declaration), None, hashlib.sha256(url.encode()).hexdigest()
        )
    declaration = msgspec.structs.replace(loaded.declaration, streams=streams)
    features = {**loaded.features, **derived_features(declaration)}
    return msgspec.structs.replace(loaded, declaration=declaration, features=features)

"""The statement of a device of which only the address of its ONVIF device service is known."""

from __future__ import annotations

import hashlib
from urllib.parse import urlsplit

import msgspec

from specs.declaration import Declaration, Device, LoadedDeclaration
from specs.declared_onvif import Onvif, password_of_the_environment, with_user


def onvif_declaration(url: str, loaded: LoadedDeclaration | None) -> LoadedDeclaration:
    """The statement about the device whose device service is at ``url``; without a declaration every feature but the
    two that follow from this is unknown.

    User name and password may stand in the URL; they are taken out of it. Raises ValueError for anything but an
    ``http[s]://host[:port]/path`` URL.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or not parts.path.strip("/") or parts.query:
        raise ValueError(
            f"the target of a camera is an rtsp://host[:port]/path URL or that of its ONVIF device service,"
            f" http[s]://host[:port]/onvif/device_service, not {url!r}"
        )
    netloc = parts.netloc.rpartition("@")[2]
    plain = parts._replace(netloc=netloc).geturl()
    if loaded is None:
        declaration = Declaration(kandian="declaration/1", device=Device(dev_id=netloc), onvif=Onvif(url=plain))
        digest = hashlib.sha256(plain.encode()).hexdigest()
        loaded = LoadedDeclaration(declaration, {"tykd": False, "onvif": True}, None, digest)
    onvif = msgspec.structs.replace(loaded.declaration.onvif or Onvif(), url=plain)
    password = loaded.onvif_password
    if parts.username:
        onvif, password = msgspec.structs.replace(onvif, username=parts.username), parts.password or ""
    elif not onvif.username:
        password = password_of_the_environment()
    declaration = msgspec.structs.replace(loaded.declaration, onvif=with_user(onvif))
    return msgspec.structs.replace(loaded, declaration=declaration, onvif_password=password)

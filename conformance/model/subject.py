"""What a run is about: the declaration and the profile that follow from what the command line names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from specs.declaration import (
    LoadedDeclaration,
    load_declaration,
    storage_declaration,
    target_declaration,
)
from specs.loader import Catalogue
from specs.model import Profile
from specs.onvif_target import onvif_declaration
from specs.web_targets import platform_declaration, streams_declaration

STREAM_PROFILE = "media"
ONVIF_PROFILE = "onvif"
WEB_SCHEMES = ("http:", "https:")
STREAM_SCHEMES = ("rtsp:", "rtsps:")
PROFILES = {"camera": "camera", "cloud_storage": "cloud-storage", "platform": "platform", "streams": "stream-urls"}


def choose_subject(
    catalogue: Catalogue,
    declaration: Path | None,
    target: str | None,
    profile: str | None,
    embedded: Callable[[str, str], Path | None] = lambda role, profile: None,
) -> tuple[LoadedDeclaration, Profile]:
    """The declaration and the profile of a run.

    ``embedded`` gives the declaration of the golden simulator for a role and a profile (empty for the default), where
    neither a declaration nor a target is named. Raises SourceError, UnknownName, or ValueError for a combination that
    makes no sense.
    """
    if declaration and target and target.startswith(STREAM_SCHEMES):
        raise ValueError("--declaration and --target exclude each other")
    chosen = catalogue.profile(profile) if profile else None
    loaded = load_declaration(declaration, catalogue.vocabulary) if declaration else None
    role = chosen.role if chosen else loaded.role if loaded else "camera"
    if target:
        loaded = _at_target(target, role, loaded)
    elif loaded is None:
        path = embedded(role, chosen.id if chosen else "")
        if path is None:
            raise ValueError("say which device: --declaration FILE or --target URL")
        loaded = load_declaration(path, catalogue.vocabulary)
    found = chosen or catalogue.profile(_default_profile(loaded))
    if found.role != loaded.role:
        raise ValueError(f"the profile {found.id} is for the role {found.role}, the declaration for {loaded.role}")
    return loaded, found


def check_address(loaded: LoadedDeclaration) -> None:
    """A declared device that is no simulator beside the run has an address. Raises ValueError."""
    storage = loaded.declaration.storage
    if storage is not None and not storage.endpoint:
        raise ValueError("say where the storage is: storage.endpoint in the declaration, or --target http://host:port")
    platform = loaded.declaration.platform
    if platform is not None and not platform.client_url:
        raise ValueError(
            "say where the platform is: platform.client_url in the declaration, or --target http://host/path"
        )
    streams = loaded.declaration.streams
    if streams is not None and not streams.url:
        raise ValueError("say where the streams are: streams.url in the declaration, or --target http://host/path")
    onvif = loaded.declaration.onvif
    if onvif is not None and not onvif.url:
        raise ValueError(
            "say where the ONVIF service is: onvif.url in the declaration, or --target http://host/onvif/device_service"
        )


def _default_profile(loaded: LoadedDeclaration) -> str:
    if loaded.role == "camera" and loaded.features.get("tykd") is False:
        return STREAM_PROFILE if loaded.declaration.onvif is None else ONVIF_PROFILE
    return PROFILES[loaded.role]


def _at_target(target: str, role: str, loaded: LoadedDeclaration | None) -> LoadedDeclaration:
    if role == "cloud_storage":
        return storage_declaration(target, loaded)
    if role == "platform":
        return platform_declaration(target, loaded)
    if role == "streams":
        return streams_declaration(target, loaded)
    if target.startswith(WEB_SCHEMES):
        return onvif_declaration(target, loaded)
    return target_declaration(target)

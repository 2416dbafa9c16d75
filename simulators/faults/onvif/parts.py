"""Putting one broken part into an otherwise golden ONVIF face."""

from __future__ import annotations

from simulators.camera.onvif.accounts import Accounts
from simulators.camera.onvif.discovery import Discovery
from simulators.camera.onvif.http_digest import HttpDigest
from simulators.camera.onvif.server import OnvifService
from simulators.camera.onvif.service import Service
from simulators.camera.onvif.services import SERVICES


def face_with(
    *services: type[Service],
    accounts: type[Accounts] = Accounts,
    digest: type[HttpDigest] | None = None,
    discovery: type[Discovery] = Discovery,
) -> type[OnvifService]:
    """A face that uses these parts; a service takes the place of the golden one with its key."""
    if digest is not None:
        accounts = type("BrokenAccounts", (accounts,), {"digest_class": digest})
    parts = {
        "service_classes": {**SERVICES, **{service.key: service for service in services}},
        "accounts_class": accounts,
        "discovery_class": discovery,
    }
    return type("BrokenFace", (OnvifService,), parts)

"""Putting one broken part into an otherwise golden camera."""

from __future__ import annotations

from simulators.camera.link import Counter, Link
from simulators.camera.platform_client import PlatformClient


def client_with(link: type[Link] = Link, counter: type[Counter] = Counter) -> type[PlatformClient]:
    """A platform client that uses this link and this sequence counter."""
    return type("BrokenClient", (PlatformClient,), {"link_class": link, "counter_class": counter})

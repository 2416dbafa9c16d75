"""Probes for the device under test among whoever else answers."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import urlsplit

from conformance.model.checks import Checks, say
from conformance.peers.onvif.discovery import Heard, Replies
from conformance.peers.onvif.onvif import Onvif
from conformance.protocols.ws_discovery import GROUP, PORT, Target
from specs.model import Limit

EVERYBODY = (GROUP, PORT)
FOUND = say("设备对 Probe 作答", "the device answers a Probe")


def is_own(onvif: Onvif, target: Target) -> bool:
    """Whether a target is the device under test: by an address on the host and port of its device service."""
    own = urlsplit(onvif.url)
    ports = {"http": 80, "https": 443}
    wanted = (own.hostname, own.port or ports.get(own.scheme))
    for address in target.addresses:
        said = urlsplit(address)
        if (said.hostname, said.port or ports.get(said.scheme)) == wanted:
            return True
    return False


def own_targets(onvif: Onvif, replies: Replies) -> list[Target]:
    """What the device under test said in answer to a probe. Only it answers what is sent to it alone."""
    if replies.to != EVERYBODY:
        return replies.targets
    return [target for target in replies.targets if is_own(onvif, target)]


async def probe(
    onvif: Onvif, within: Limit, types: str = "", scopes: Iterable[str] = (), *, group: bool = False
) -> tuple[Target | None, Replies]:
    """Probe until the device answers or the time is over; by unicast unless ``group``."""
    to = EVERYBODY if group else onvif.discovery_address
    replies = await onvif.searcher.probe(
        to, types, scopes, within=within.seconds, enough=lambda so_far: bool(own_targets(onvif, so_far))
    )
    own = own_targets(onvif, replies)
    return (own[0] if own else None), replies


async def found(onvif: Onvif, check: Checks, within: Limit, *, group: bool = False) -> Target | None:
    """Control leg: the device answers a plain Probe."""
    target, replies = await probe(onvif, within, group=group)
    check.control(target is not None, say(f"{FOUND.zh}: {replies.summary}", f"{FOUND.en}: {replies.summary}"))
    return target


def first_after(heard: list[Heard], at: float) -> Heard | None:
    """The first message from a moment on."""
    return next((one for one in heard if one.at >= at), None)

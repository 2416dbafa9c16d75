"""`kandian discover`: list the ONVIF devices on a network."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import click

if TYPE_CHECKING:
    from conformance.peers.onvif.discovery import Replies
    from conformance.protocols.ws_discovery import Target

SCOPE = "onvif://www.onvif.org/"
NOTHING_FOUND = 5


@click.command("discover")
@click.option("--interface", default="0.0.0.0", show_default=True, help="Address of this machine on that network.")
@click.option("--host", metavar="HOST[:PORT]", help="Ask one device only, at this address.")
@click.option("--wait", type=click.FloatRange(0.1, 60), default=3.0, show_default=True, help="Seconds to listen.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a device.")
@click.option("--lang", type=click.Choice(("zh", "en")), default="zh", show_default=True)
def command(interface: str, host: str | None, wait: float, as_json: bool, lang: str) -> None:
    """Send a WS-Discovery Probe and list what answers; each XAddr can be the --target of `kandian certify`.

    Exit codes: 0 found, 5 nothing answers, 10 the interface cannot be used.
    """
    from conformance.wire import Refused

    try:
        replies = asyncio.run(search(interface, address_of(host), wait))
    except Refused as refused:
        click.echo(refused.explain(lang), err=True)
        sys.exit(10)
    devices = distinct(replies)
    for device in devices:
        click.echo(json.dumps(described(device), ensure_ascii=False) if as_json else told(device))
    if not devices:
        click.echo("没有设备应答" if lang == "zh" else "no device answers", err=True)
        sys.exit(NOTHING_FOUND)


def address_of(host: str | None) -> tuple[str, int]:
    """Where the Probe goes: to a HOST[:PORT], to the group for None. Raises ClickException."""
    from conformance.protocols.ws_discovery import GROUP, PORT

    if host is None:
        return GROUP, PORT
    name, colon, port = host.rpartition(":")
    if not colon:
        return host, PORT
    if not name or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise click.ClickException(f"--host is HOST or HOST:PORT, not {host!r}")
    return name.strip("[]"), int(port)


async def search(interface: str, to: tuple[str, int], seconds: float) -> Replies:
    """Probe for everything and listen. Raises Refused."""
    from conformance.peers.onvif.discovery import Searcher
    from conformance.wire import LiveWire

    async with LiveWire() as wire:
        return await Searcher(wire, interface).probe(to, within=seconds)


def distinct(replies: Replies) -> list[Target]:
    """The devices that answered, each once, in the order of their addresses."""
    found = {target.endpoint or target.addresses: target for target in replies.targets}
    return sorted(found.values(), key=lambda target: target.addresses)


def scope_value(device: Target, kind: str) -> str:
    """The first scope of a kind (name, hardware ...) as text, empty for none."""
    prefix = f"{SCOPE}{kind}/"
    return next((unquote(s.removeprefix(prefix)) for s in device.scopes if s.startswith(prefix)), "")


def described(device: Target) -> dict[str, Any]:
    """A device as JSON data."""
    return {
        "endpoint": device.endpoint,
        "addresses": list(device.addresses),
        "name": scope_value(device, "name"),
        "hardware": scope_value(device, "hardware"),
        "types": [name.local for name in device.types],
        "scopes": list(device.scopes),
    }


def told(device: Target) -> str:
    """A device in one line."""
    facts = (*device.addresses[:1], scope_value(device, "name"), scope_value(device, "hardware"), device.endpoint)
    return "  ".join(facts)
